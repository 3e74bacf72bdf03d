using IpVlanWin.Devices.WinDivert;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Tests.WinDivert;

/// <summary>The filters for address sets against a naive reading of them, under a printed seed.</summary>
[TestClass]
public sealed class DivertFilterTests
{
    private static readonly DivertScope s_inbound = new(DivertDirection.Inbound, 12);

    [TestMethod]
    public void Filters_ReadAsDocumented()
    {
        AssertFilters(s_inbound, false, null, Set("10.0.0.2", "10.0.0.3", "10.0.0.9"),
            "inbound and ifIdx == 12 and ip and ((ip.DstAddr >= 10.0.0.2 and ip.DstAddr <= 10.0.0.3) or ip.DstAddr == 10.0.0.9)");
        AssertFilters(new(DivertDirection.Outbound, 12), true, Set("fd00::2", "10.0.0.2"), null,
            "outbound and ifIdx == 12 and ipv6 and (ipv6.SrcAddr == fd00::2)");
        AssertFilters(new(DivertDirection.Loopback, 12, 1), false, Set("10.0.0.2"), Set("10.0.0.2"),
            "outbound and loopback and (ifIdx == 1 or ifIdx == 12) and ip and (ip.SrcAddr == 10.0.0.2) and (ip.DstAddr == 10.0.0.2)");
        AssertFilters(new(DivertDirection.Forwarded, 12), false, null, Not("10.0.0.1", "127.0.0.0", "127.0.0.1"),
            "ifIdx == 12 and ip and ip.DstAddr != 10.0.0.1 and (ip.DstAddr < 127.0.0.0 or ip.DstAddr > 127.0.0.1)");
        AssertFilters(s_inbound, true, null, Set("10.0.0.2"));
        AssertFilters(s_inbound, false, null, null, "inbound and ifIdx == 12 and ip");
    }

    /// <summary>Addresses with gaps between all of them, as the worst case; and all in a row.</summary>
    [TestMethod]
    [DataRow(1, 1)]
    [DataRow(250, 1)]
    [DataRow(251, 2)]
    [DataRow(254, 2)]
    [DataRow(255, 2)]
    [DataRow(1_000, 4)]
    [DataRow(10_000, 40)]
    public void Filters_AsManyAsNeeded(int addresses, int filters)
    {
        foreach (var isSix in (bool[])[false, true])
        {
            var scattered = Enumerable.Range(0, addresses).Select(i => Address(isSix, (uint)i * 2)).ToArray();
            var built = DivertFilter.Build(s_inbound, isSix, null, new AddressCondition(Ranges(scattered)));
            Assert.HasCount(filters, built);
            built.ToList().ForEach(AssertFits);
            var row = Enumerable.Range(0, addresses).Select(i => Address(isSix, (uint)i)).ToArray();
            Assert.HasCount(1, DivertFilter.Build(s_inbound, isSix, null, new AddressCondition(Ranges(row))));
        }
    }

    [TestMethod]
    public void Filters_MatchExactlyTheirPackets_Once()
    {
        var seed = Environment.TickCount;
        Console.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (var round = 0; round < 20; round++)
        {
            var isSix = random.Next(2) == 0;
            var direction = (DivertDirection)random.Next(4);
            var indexes = Enumerable.Range(0, random.Next(1, 4)).Select(_ => (uint)random.Next(1, 6)).Distinct().ToArray();
            var count = new[] { 1, 5, 254, 255, 1_000, 10_000 }[random.Next(6)];
            var source = Condition(random, isSix, Math.Min(count, 400));
            var destination = Condition(random, isSix, source is { IsComplement: false } ? Math.Min(count, 400) : count);
            var filters = DivertFilter.Build(new(direction, indexes), isSix, source, destination);
            foreach (var filter in filters)
                AssertFits(filter);
            // A few packets near the addresses: each reading is of hundreds of words.
            for (var i = 0; i < 25; i++)
            {
                var packet = new FilteredPacket(direction == DivertDirection.Forwarded, random.Next(2) == 0, random.Next(2) == 0,
                    (uint)random.Next(1, 6), Near(random, isSix, source).ToIPAddress(), Near(random, isSix, destination).ToIPAddress());
                var isMeant = indexes.Contains(packet.Interface) && Meets(source, packet.Source) && Meets(destination, packet.Destination) && direction switch
                {
                    DivertDirection.Inbound => !packet.IsOutbound,
                    DivertDirection.Outbound => packet.IsOutbound,
                    DivertDirection.Loopback => packet.IsOutbound && packet.IsLoopback,
                    _ => true,
                };
                Assert.AreEqual(isMeant ? 1 : 0, filters.Count(filter => NaiveFilter.Matches(filter, packet)), $"round {round}: {packet}");
                var other = packet with { Source = Address(!isSix, 1).ToIPAddress(), Destination = Address(!isSix, 1).ToIPAddress() };
                Assert.IsFalse(filters.Any(filter => NaiveFilter.Matches(filter, other)), "of the other family");
            }
        }
    }

    [TestMethod]
    public void Merge_IsWhatASetOfNumbersIs()
    {
        var seed = Environment.TickCount;
        Console.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (var round = 0; round < 200; round++)
        {
            // At the ends of the numbers too.
            var isSix = random.Next(2) == 0;
            var atEnd = random.Next(2) == 0;
            var numbers = Enumerable.Range(0, random.Next(60)).Select(_ => random.Next(100)).ToHashSet();
            L3Address At(int number) => isSix
                ? (atEnd ? new L3Address(ulong.MaxValue, ulong.MaxValue - (ulong)(99 - number)) : new L3Address(0, (ulong)number))
                : new L3Address(atEnd ? uint.MaxValue - (uint)(99 - number) : (uint)number);
            var merged = AddressRange.Merge(numbers.OrderBy(_ => random.Next()).Select(number => AddressRange.Of(At(number))), isSix);
            var runs = numbers.Count(number => !numbers.Contains(number - 1));
            Assert.HasCount(runs, merged);
            for (var number = 0; number < 100; number++)
                Assert.AreEqual(numbers.Contains(number), merged.Any(range => At(number) >= range.First && At(number) <= range.Last));
        }
    }

    [TestMethod]
    [DataRow("10.1.2.3/24", "10.1.2.0", "10.1.2.255")]
    [DataRow("10.1.2.3/32", "10.1.2.3", "10.1.2.3")]
    [DataRow("0.0.0.0/0", "0.0.0.0", "255.255.255.255")]
    [DataRow("fd00::5/64", "fd00::", "fd00::ffff:ffff:ffff:ffff")]
    [DataRow("fd00::5/48", "fd00::", "fd00::ffff:ffff:ffff:ffff:ffff")]
    [DataRow("fd00::5/128", "fd00::5", "fd00::5")]
    [DataRow("::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
    public void Range_OfAPrefix(string prefix, string first, string last) =>
        Assert.AreEqual(new AddressRange(L3Address.Parse(first), L3Address.Parse(last)), AddressRange.Of(L3Prefix.Parse(prefix)));

    [TestMethod]
    public void Complement_TooLong_IsRefused()
    {
        var many = new AddressCondition(Ranges([.. Enumerable.Range(0, 300).Select(static i => Address(false, (uint)i * 2))]), IsComplement: true);
        Assert.ThrowsExactly<ArgumentException>(() => DivertFilter.Build(s_inbound, false, many, many));
        Assert.ThrowsExactly<ArgumentException>(() => DivertFilter.Build(s_inbound, false, many, Set("10.0.0.1")));
        Assert.ThrowsExactly<ArgumentException>(() => DivertFilter.Build(s_inbound, false, many));
        Assert.ThrowsExactly<ArgumentException>(() => DivertFilter.Build(new(DivertDirection.Inbound), false));
    }

    private static void AssertFits(string filter)
    {
        var measured = NaiveFilter.Measure(filter);
        Assert.IsLessThanOrEqualTo(DivertLimits.MaxFilterTests, measured.Tests);
        Assert.IsLessThanOrEqualTo(DivertFilter.MaxAddressTests, measured.AddressTests);
    }

    private static void AssertFilters(DivertScope scope, bool isSix, AddressCondition? source, AddressCondition? destination, params string[] expected) =>
        CollectionAssert.AreEqual(expected, DivertFilter.Build(scope, isSix, source, destination).ToArray());

    private static AddressCondition Set(params string[] addresses) => new(Ranges(Array.ConvertAll(addresses, L3Address.Parse)));

    private static AddressCondition Not(params string[] addresses) => Set(addresses) with { IsComplement = true };

    private static AddressRange[] Ranges(L3Address[] addresses) => Array.ConvertAll(addresses, AddressRange.Of);

    private static L3Address Address(bool isSix, uint number) => isSix ? new L3Address(0xfd00ul << 48, number) : new L3Address(0x0a00_0000 + number);

    private static AddressCondition? Condition(Random random, bool isSix, int count) => random.Next(4) switch
    {
        0 => null,
        1 => new AddressCondition(Ranges([.. Enumerable.Range(0, Math.Min(count, 60)).Select(_ => Address(isSix, (uint)random.Next(200)))]), IsComplement: true),
        _ => new AddressCondition(Ranges([.. Enumerable.Range(0, count).Select(_ => Address(isSix, (uint)random.Next(count * 3)))])),
    };

    private static L3Address Near(Random random, bool isSix, AddressCondition? condition)
    {
        if (condition is null || random.Next(4) == 0)
            return Address(isSix, (uint)random.Next(30_000));
        var near = condition.Ranges.ElementAt(random.Next(condition.Ranges.Count)).First;
        return Address(isSix, (uint)near.Low + (uint)random.Next(2));
    }

    private static bool Meets(AddressCondition? condition, System.Net.IPAddress address) =>
        condition is null || condition.Ranges.Any(range => L3Address.From(address) >= range.First && L3Address.From(address) <= range.Last) != condition.IsComplement;
}
