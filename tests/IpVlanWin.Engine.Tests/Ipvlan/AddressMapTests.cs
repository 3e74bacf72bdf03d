using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Tests.Oracle;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Tests.Ipvlan;

[TestClass]
public sealed class AddressMapTests
{
    public TestContext TestContext { get; set; } = null!;

    private Random Seeded()
    {
        var seed = Random.Shared.Next();
        TestContext.WriteLine($"seed {seed}");
        return new Random(seed);
    }

    private static Func<int, Random, L3Address> Keys(string kind) => kind switch
    {
        "sequential IPv4" => (i, _) => new L3Address(0x0A00_0000 + (uint)i),
        "IPv4 that differ high up" => (i, _) => new L3Address(uint.RotateLeft((uint)i, 16) | 7),
        "IPv4 at random" => (_, random) => new L3Address((uint)random.NextInt64(1L << 32)),
        "sequential IPv6" => (i, _) => new L3Address(0x2001_0DB8_0000_0000, (ulong)i),
        "IPv6 that differ in the last of the /64" => (i, _) => new L3Address((ulong)i, 0xFFFF_FFFF_FFFF_FFFF),
        "IPv6 that differ high up" => (i, _) => new L3Address((ulong)i << 44, 1),
        "IPv6 in a /64 that a multiplicative hash may hate" => (i, _) => new L3Address(0xE703_7ED1_A0B4_28DB, (ulong)i),
        "both families" => (i, random) => random.Next(2) == 0 ? new L3Address((uint)i) : new L3Address(0, (ulong)i),
        _ => throw new ArgumentException(kind),
    };

    [TestMethod]
    [DataRow("sequential IPv4")]
    [DataRow("IPv4 that differ high up")]
    [DataRow("IPv4 at random")]
    [DataRow("sequential IPv6")]
    [DataRow("IPv6 that differ in the last of the /64")]
    [DataRow("IPv6 that differ high up")]
    [DataRow("IPv6 in a /64 that a multiplicative hash may hate")]
    [DataRow("both families")]
    public void It_agrees_with_a_dictionary(string kind)
    {
        const int Range = 6000;
        var random = Seeded();
        var key = Keys(kind);
        var map = new AddressMap((ulong)random.NextInt64(1, long.MaxValue));
        Dictionary<L3Address, int> plain = [];
        // Grows, shrinks and grows again, to and fro over the sizes at which tables split.
        for (var step = 0; step < 30_000; step++)
        {
            var address = key(random.Next(Range), random);
            var isGrowing = step / 10_000 != 1;
            if (random.Next(10) < (isGrowing ? 8 : 2))
            {
                var id = random.Next(1 << 20);
                Assert.AreEqual(plain.TryAdd(address, id), map.Add(address, id));
            }
            else
            {
                if (!isGrowing && plain.Count > 0 && random.Next(2) == 0)
                    address = plain.Keys.First();
                Assert.AreEqual(plain.Remove(address), map.Remove(address));
            }
            var asked = key(random.Next(Range), random);
            Assert.AreEqual(plain.TryGetValue(asked, out var expected) ? expected : -1, map.Find(asked));
        }
        Assert.AreEqual(plain.Count, map.Count);
        foreach (var (address, id) in plain)
            Assert.AreEqual(id, map.Find(address));
        foreach (var address in plain.Keys)
            Assert.IsTrue(map.Remove(address));
        Assert.AreEqual(0, map.Count);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Memory_that_came_free_is_used_again(bool isSix)
    {
        // Each round fills tables with addresses that are gone, so that they are built anew about fifty times: 400 kB of them a round.
        const int Rounds = 20;
        const int Addresses = 300;
        var map = new AddressMap(1);
        L3Address Address(int number) => isSix ? new L3Address(0xFD00_0000_0000_0000, (ulong)number) : new L3Address(0x0A00_0000u + (uint)number);
        for (var round = 0; round < Rounds; round++)
        {
            for (var number = 0; number < 20_000; number++)
            {
                Assert.IsTrue(map.Add(Address(number), number));
                if (number >= Addresses)
                    Assert.IsTrue(map.Remove(Address(number - Addresses)));
            }
            for (var number = 20_000 - Addresses; number < 20_000; number++)
            {
                Assert.AreEqual(number, map.Find(Address(number)));
                Assert.IsTrue(map.Remove(Address(number)));
            }
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.AreEqual(0, map.Count);
        Assert.IsLessThan(8_000_000, map.MemoryBytes);
    }

    [TestMethod]
    public void Readers_see_what_stays_while_memory_is_used_again()
    {
        const int Stay = 200;
        const int Changes = 200_000;
        var map = new AddressMap(2);
        for (var number = 0; number < Stay; number++)
            Assert.IsTrue(map.Add(new L3Address((uint)number), number));
        var isDone = false;
        var missed = 0L;
        var reads = 0L;
        using var begun = new ManualResetEventSlim();
        var reader = new Thread(() =>
        {
            for (var number = 0; !Volatile.Read(ref isDone); number = (number + 1) % Stay, reads++)
            {
                if (map.Find(new L3Address((uint)number)) != number)
                    missed++;
                if (number == 1)
                    begun.Set();
            }
        });
        reader.Start();
        begun.Wait();
        for (var change = 0; change < Changes; change++)
        {
            var address = new L3Address(0x0A00_0000u + (uint)change);
            if (!map.Add(address, 1) || !map.Remove(address))
                missed++;
            if (change % 5_000 == 0)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }
        Volatile.Write(ref isDone, true);
        reader.Join();
        Assert.AreEqual(0L, missed);
        Assert.IsGreaterThan(Stay, reads);
    }

    [TestMethod]
    public void Ipv4_and_ipv6_of_the_same_number_are_two_addresses()
    {
        var map = new AddressMap();
        Assert.IsTrue(map.Add(new L3Address(5), 1));
        Assert.IsTrue(map.Add(new L3Address(0, 5), 2));
        Assert.AreEqual(1, map.Find(new L3Address(5)));
        Assert.AreEqual(2, map.Find(new L3Address(0, 5)));
        Assert.IsTrue(map.Add(new L3Address(0), 0), "0.0.0.0 and number 0 are as good as any");
        Assert.AreEqual(0, map.Find(new L3Address(0)));
        Assert.AreEqual(-1, map.Find(new L3Address(0, 0)));
    }

    [TestMethod]
    public void A_million_addresses_on_ten_thousand_interfaces()
    {
        const int Interfaces = 10_000;
        const int Each = 100;
        var port = new Port("eth0", MacAddress.Parse(Frames.OwnMac), 1500, 99);
        port.SetMasterUp(true);
        var members = new VirtualInterface[Interfaces];
        for (var i = 0; i < Interfaces; i++)
        {
            Assert.AreEqual(PortResult.Ok, port.AddInterface($"i{i}", PortMode.L2, null, out var added));
            members[i] = added!;
            port.SetUp(added!, true);
            for (var j = 0; j < Each; j++)
            {
                if (port.AddAddress(added!, new L3Prefix(AddressOf(i, j), 24)) != PortResult.Ok)
                    Assert.Fail($"interface {i}, address {j}");
            }
        }
        Assert.AreEqual(Interfaces * Each, port.Map.Count);
        for (var i = 0; i < Interfaces; i++)
        {
            for (var j = 0; j < Each; j += 7)
            {
                if (port.Map.Find(AddressOf(i, j)) != members[i].Id)
                    Assert.Fail($"interface {i}, address {j}: {port.Map.Find(AddressOf(i, j))}");
            }
        }
        var frame = Frames.Ip(Frames.OwnMac, Frames.OtherMac, "192.0.2.1", AddressOf(7777, 34).ToString());
        Assert.AreEqual(members[7777].Id, port.Snapshot.Receive(frame, default).TargetId);

        for (var i = 0; i < 300; i++)
            Assert.AreEqual(PortResult.Ok, port.RemoveInterface(members[i * 31]));
        Assert.AreEqual((Interfaces - 300) * Each, port.Map.Count);
        Assert.HasCount(Interfaces - 300, port.Interfaces);
        for (var j = 0; j < Each; j++)
        {
            Assert.IsNull(port.OwnerOf(AddressOf(31, j)));
            Assert.AreEqual(members[32], port.OwnerOf(AddressOf(32, j)));
        }
        Assert.AreEqual(PortResult.Ok, port.AddInterface("again", null, null, out var again));
        Assert.AreEqual(0, again!.Id, "the lowest free number");

        static L3Address AddressOf(int i, int j) => j % 2 == 0
            ? new L3Address(0x0A00_0000 + (uint)((i * Each) + j))
            : new L3Address(0xFD00_0000_0000_0000, (ulong)((i * Each) + j));
    }
}
