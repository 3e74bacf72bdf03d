using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Neighbor;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Tests.Oracle;
using IpVlanWin.Engine.Wire;
using static IpVlanWin.Engine.Tests.Oracle.Frames;

namespace IpVlanWin.Engine.Tests.Ipvlan;

/// <summary>What readers may rely on while one writer changes things: each entry whole, there or not, and those that stay always there.</summary>
[TestClass]
public sealed class ConcurrencyTests
{
    private const int Changes = 1_000_000;
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    public TestContext TestContext { get; set; } = null!;

    private Random Seeded()
    {
        var seed = Random.Shared.Next();
        TestContext.WriteLine($"seed {seed}");
        return new Random(seed);
    }

    /// <summary>Runs the writer on this thread and the reader, over and over, on two others.</summary>
    private static void ReadWhile(Action write, Func<Random, string?> read)
    {
        var isDone = false;
        string? fault = null;
        long reads = 0;
        using var begun = new CountdownEvent(2);
        var readers = Enumerable.Range(0, 2).Select(number => Task.Factory.StartNew(
            () =>
            {
                var random = new Random(number);
                begun.Signal();
                while (!Volatile.Read(ref isDone) && Volatile.Read(ref fault) is null)
                {
                    if (read(random) is { } found)
                        Volatile.Write(ref fault, found);
                    Interlocked.Increment(ref reads);
                }
            },
            TaskCreationOptions.LongRunning)).ToArray();
        try
        {
            Assert.IsTrue(begun.Wait(Deadline));
            write();
        }
        finally
        {
            Volatile.Write(ref isDone, true);
        }
        Assert.IsTrue(Task.WaitAll(readers, Deadline));
        Assert.IsNull(fault);
        Assert.IsGreaterThan(0, reads);
    }

    [TestMethod]
    public void Address_map()
    {
        // Even addresses stay; odd ones come and go. The number kept is made of the address.
        const int Range = 4096;
        var random = Seeded();
        var map = new AddressMap((ulong)random.NextInt64());
        for (var i = 0; i < Range; i += 2)
        {
            map.Add(Four(i), i);
            map.Add(Six(i), i);
        }
        ReadWhile(
            () =>
            {
                var isThere = new bool[Range];
                for (var change = 0; change < Changes; change++)
                {
                    // In waves, so that tables split, grow and shrink all the time.
                    var isWaxing = change / 20_000 % 2 == 0;
                    var i = random.Next(Range) | 1;
                    if (isThere[i] && !isWaxing)
                        Check(map.Remove(Four(i)) && map.Remove(Six(i)));
                    else if (!isThere[i] && isWaxing)
                        Check(map.Add(Four(i), i) && map.Add(Six(i), i));
                    else
                        continue;
                    isThere[i] = !isThere[i];
                }
            },
            reader =>
            {
                var i = reader.Next(Range);
                int four = map.Find(Four(i)), six = map.Find(Six(i));
                var isRight = i % 2 == 0 ? four == i && six == i : (four == i || four == -1) && (six == i || six == -1);
                return isRight ? null : $"address {i}: {four}, {six}";
            });

        static L3Address Four(int i) => new(0x0A00_0000u + (uint)i);
        static L3Address Six(int i) => new(0xFD00_0000_0000_0000, (ulong)i);
    }

    /// <summary>Places that are empty or half filled look like addresses that end in zeros.</summary>
    [TestMethod]
    public void Addresses_of_zeros_are_nobodys_while_others_come()
    {
        const int Addresses = 200_000;
        var random = Seeded();
        var map = new AddressMap((ulong)random.NextInt64());
        ReadWhile(
            () =>
            {
                for (var round = 0; round < 3; round++)
                {
                    var grown = new AddressMap((ulong)random.NextInt64());
                    Volatile.Write(ref map, grown);
                    for (var i = 1; i <= Addresses; i++)
                        Check(grown.Add(new L3Address(0x0A00_0000u + (uint)i), i) && grown.Add(new L3Address(0xFD00_0000_0000_0000, (ulong)i), i));
                }
            },
            _ =>
            {
                var now = Volatile.Read(ref map);
                int four = now.Find(new L3Address(0)), six = now.Find(new L3Address(0, 0)), start = now.Find(new L3Address(0xFD00_0000_0000_0000, 0)), end = now.Find(new L3Address(0, 1));
                return (four & six & start & end) == -1 ? null : $"found {four}, {six}, {start}, {end}";
            });
    }

    [TestMethod]
    public void Route_table()
    {
        var random = Seeded();
        var table = new RouteTable();
        var fallback = new Route(L3Address.Parse("10.0.0.254"));
        table.Add(L3Prefix.Parse("0.0.0.0/0"), fallback);
        var stays = new Route(null, 5);
        table.Add(L3Prefix.Parse("10.1.0.0/16"), stays);
        L3Prefix[] prefixes = [.. new[] { 8, 12, 15, 16, 17, 20, 24, 28, 31, 32 }.Select(length => L3Prefix.Parse($"10.1.2.3/{length}"))];
        var routes = prefixes.Select(prefix => new Route(new L3Address((uint)prefix.Length), 9)).ToArray();
        ReadWhile(
            () =>
            {
                var isThere = new bool[prefixes.Length];
                for (var change = 0; change < Changes / 4; change++)
                {
                    var i = random.Next(prefixes.Length);
                    if (isThere[i])
                        Check(table.Remove(prefixes[i], routes[i]));
                    else
                        table.Add(prefixes[i], routes[i]);
                    isThere[i] = !isThere[i];
                }
            },
            reader =>
            {
                if (!table.TryFind(new L3Address(0x0A01_0203), out var route))
                    return "no route though two stay";
                // 10.1/16 stays, so nothing shorter may be found.
                if (route != stays && (route.Gateway is not { } gateway || gateway.Low <= 16))
                    return $"{route}";
                return table.TryFind(new L3Address((uint)reader.Next() | 0x8000_0000), out var far) && far == fallback ? null : $"default: {far}";
            });
    }

    [TestMethod]
    public void Neighbor_table()
    {
        const int Range = 256;
        var random = Seeded();
        var table = new NeighborTable();
        for (var i = 0; i < Range; i += 2)
            table.Set(new L3Address((uint)i), Mac(i, 0), TimeSpan.MaxValue);
        ReadWhile(
            () =>
            {
                for (var change = 0; change < Changes; change++)
                {
                    var i = random.Next(Range);
                    if (i % 2 == 0 || random.Next(2) == 0)
                        table.Set(new L3Address((uint)i), Mac(i, change % 1000), i % 2 == 0 ? TimeSpan.MaxValue : TimeSpan.FromSeconds(change % 3));
                    else if (change % 100 == 1)
                        table.RemoveStale(TimeSpan.FromSeconds(1));
                    else
                        table.Remove(new L3Address((uint)i));
                }
            },
            reader =>
            {
                var i = reader.Next(Range);
                var found = table.TryFind(new L3Address((uint)i), TimeSpan.FromSeconds(1), out var mac);
                if (!found)
                    return i % 2 == 0 ? $"neighbor {i} is gone" : null;
                return mac.Value >> 16 == (ulong)i ? null : $"neighbor {i}: {mac}";
            });

        static MacAddress Mac(int i, int version) => new(((ulong)i << 16) | (uint)version);
    }

    private static void Check(bool holds)
    {
        if (!holds)
            throw new InvalidOperationException("the writer's own change failed");
    }

    [TestMethod]
    public void A_port_changes_while_a_thread_decides()
    {
        var random = Seeded();
        var port = new TestPort(PortMode.L2, PortFlag.Bridge).Port;
        var kept = port.Find("b")!;
        var forge = new FrameForge(new Random(random.Next()));
        var frames = Enumerable.Range(0, 3000).Select(_ => forge.Next()).ToArray();
        long sent = 0, received = 0, decided = 0;
        var isDone = false;
        Exception? fault = null;
        using var begun = new ManualResetEventSlim();
        var dataPath = Task.Factory.StartNew(
            () =>
            {
                try
                {
                    for (var i = 0; !Volatile.Read(ref isDone); i++)
                    {
                        begun.Set();
                        var snapshot = port.Snapshot;
                        var frame = frames[i % frames.Length];
                        var hop = default(NextHop);
                        var isFromWire = i % 2 == 0;
                        var decision = isFromWire
                            ? snapshot.Receive(frame.Bytes, frame.Offload)
                            : snapshot.Transmit(kept, frame.Bytes, frame.Offload, TimeSpan.Zero, ref hop);
                        decided++;
                        // Whatever is not refused is counted as sent, also what is lost behind rule 21c.
                        if (!isFromWire && decision.SendError == SendError.None)
                            sent++;
                        if (decision.Action is DecisionAction.Deliver or DecisionAction.HostAndLocal && decision.TargetId == kept.Id)
                            received++;
                        if (decision.Action is DecisionAction.FloodReceived or DecisionAction.FloodSent)
                        {
                            var cursor = 0;
                            while (snapshot.NextReceiver(frame.Bytes, frame.Offload, decision.Action == DecisionAction.FloodSent ? kept : null, ref cursor) is { } receiver)
                                received += receiver == kept ? 1 : 0;
                        }
                    }
                }
#pragma warning disable CA1031 // whatever it is, the test shows it
                catch (Exception caught)
#pragma warning restore CA1031
                {
                    fault = caught;
                }
            },
            TaskCreationOptions.LongRunning);
        Assert.IsTrue(begun.Wait(Deadline));
        for (var change = 0; change < 30_000 && !dataPath.IsCompleted; change++)
            Change(port, kept, random);
        Volatile.Write(ref isDone, true);
        Assert.IsTrue(dataPath.Wait(Deadline));
        Assert.IsNull(fault, fault?.ToString());
        Assert.AreEqual(sent, kept.Counters.TxPackets);
        Assert.AreEqual(received, kept.Counters.RxPackets);
        Assert.IsGreaterThan(0, decided);
    }

    private static void Change(Port port, VirtualInterface kept, Random random)
    {
        var name = $"x{random.Next(20)}";
        var member = port.Find(name);
        var address = L3Prefix.Parse($"10.0.{random.Next(2)}.{random.Next(8)}/24");
        switch (random.Next(14))
        {
            case 0 or 1 when member is null:
                port.AddInterface(name, null, null, out var added);
                port.SetUp(added!, true);
                break;
            case 2 when member is not null:
                port.RemoveInterface(member);
                break;
            case 3:
                port.SetMode((PortMode)random.Next(3));
                break;
            case 4:
                port.SetFlag((PortFlag)random.Next(3));
                break;
            case 5:
                port.SetMasterMtu(random.Next(68, 3000));
                break;
            case 6:
                port.SetMasterUp(random.Next(10) > 0);
                break;
            case 7:
                port.SetUp(kept, random.Next(10) > 0);
                break;
            case 8:
                port.SetGroups(member ?? kept, [MacAddress.Parse(Group), new MacAddress((ulong)random.NextInt64())]);
                break;
            case 9 when random.Next(2) == 0:
                port.AddMasterAddress(address);
                break;
            case 9:
                port.RemoveMasterAddress(address);
                break;
            case 10:
                port.Neighbors.Set(address.Address, new MacAddress(2), TimeSpan.FromSeconds(1));
                break;
            case 11:
                port.SetMasterMac(new MacAddress(0x0200_0000_0000UL + (ulong)random.Next(4)));
                break;
            default:
                if (random.Next(3) > 0)
                    port.AddAddress(member ?? kept, address);
                else if (port.AddressesOf(member ?? kept) is { Count: > 0 } has)
                    port.RemoveAddress(member ?? kept, has[0]);
                break;
        }
    }
}
