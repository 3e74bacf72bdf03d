using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Tests.Oracle;
using static IpVlanWin.Engine.Tests.Oracle.Frames;
using static IpVlanWin.Engine.Tests.Oracle.NaiveHeader;

namespace IpVlanWin.Engine.Tests.Routing;

[TestClass]
public sealed class FragmenterTests
{
    public TestContext TestContext { get; set; } = null!;

    private static List<byte[]> Cut(byte[] frame, int ipMtu)
    {
        List<byte[]> fragments = [];
        if (!Fragmenter.TryStart(frame, ipMtu, out var fragmenter))
            return fragments;
        var room = new byte[14 + ipMtu];
        for (; ; )
        {
            Array.Fill(room, (byte)0xA5);
            var length = fragmenter.WriteNext(room);
            if (length == 0)
                return fragments;
            Assert.IsTrue(room.AsSpan(length).IndexOfAnyExcept((byte)0xA5) < 0, "nothing is written behind the fragment");
            fragments.Add(room[..length]);
        }
    }

    [TestMethod]
    public void Fragments_put_together_again_give_the_packet()
    {
        var seed = Random.Shared.Next();
        TestContext.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (var round = 0; round < 300; round++)
        {
            byte[] options = new byte[4 * random.Next(11)];
            random.NextBytes(options);
            var frame = Ip(OtherMac, OwnMac, "10.0.0.2", "192.0.2.1", random.Next(6000), options: options);
            var firstBlock = random.Next(3) == 0 ? random.Next(1000) : 0;
            var hasMore = random.Next(3) == 0;
            WireNaive.Big16(firstBlock + (hasMore ? 0x2000 : 0)).CopyTo(frame, 20);
            var ipMtu = random.Next(68, 1600);
            var fragments = Cut(frame, ipMtu);
            var expected = NaiveFragments.Cut(frame, ipMtu);
            var headerLength = 20 + options.Length;
            if (frame.Length == 14 + headerLength)
                continue; // no payload, nothing to cut
            Assert.HasCount(expected.Count, fragments);
            for (var i = 0; i < fragments.Count; i++)
            {
                CollectionAssert.AreEqual(expected[i], fragments[i], $"round {round}, fragment {i}");
                Assert.IsLessThanOrEqualTo(14 + ipMtu, fragments[i].Length);
                Assert.AreEqual(0xFFFF, (int)WireNaive.Sum(fragments[i][14..(14 + headerLength)]));
            }
            // What begins in the middle of a block would not be put together; a piece with more to come is whole blocks.
            if (hasMore && (frame.Length - 14 - headerLength) % 8 != 0)
                continue;
            var (payload, isWhole) = NaiveFragments.Reassemble(fragments, firstBlock, expectEnd: !hasMore);
            Assert.IsTrue(isWhole);
            CollectionAssert.AreEqual(frame[(14 + headerLength)..], payload);
        }
    }

    [TestMethod]
    public void Only_options_with_the_copied_bit_are_in_every_fragment()
    {
        // Record route (7, not copied), security (130, copied), timestamp (68, not copied), no operation, end.
        byte[] options = [7, 7, 4, 1, 2, 3, 4, 130, 4, 9, 9, 1, 68, 6, 5, 0, 1, 2, 0, 0xEE];
        var fragments = Cut(Ip(OtherMac, OwnMac, "10.0.0.2", "192.0.2.1", 3000, options: options), 1000);
        CollectionAssert.AreEqual(options, fragments[0][34..54]);
        byte[] later = [1, 1, 1, 1, 1, 1, 1, 130, 4, 9, 9, 1, 1, 1, 1, 1, 1, 1, 0, 0xEE];
        foreach (var fragment in fragments.Skip(1))
            CollectionAssert.AreEqual(later, fragment[34..54]);
    }

    [TestMethod]
    [DataRow(new byte[] { 7, 0, 1, 1 }, DisplayName = "length 0")]
    [DataRow(new byte[] { 7, 1, 1, 1 }, DisplayName = "length 1")]
    [DataRow(new byte[] { 7, 9, 1, 1 }, DisplayName = "beyond the header")]
    [DataRow(new byte[] { 1, 1, 1, 7 }, DisplayName = "no room for a length")]
    public void Broken_options_stay_as_they_are(byte[] options)
    {
        foreach (var fragment in Cut(Ip(OtherMac, OwnMac, "10.0.0.2", "192.0.2.1", 3000, options: options), 1000))
            CollectionAssert.AreEqual(options, fragment[34..38]);
    }

    [TestMethod]
    public void Fragments_of_a_fragment_keep_its_place()
    {
        var frame = Ip(OtherMac, OwnMac, "10.0.0.2", "192.0.2.1", 1600);
        WireNaive.Big16(0x2000 + 185).CopyTo(frame, 20);
        var fragments = Cut(frame, 620);
        CollectionAssert.AreEqual((int[])[0x2000 + 185, 0x2000 + 185 + 75, 0x2000 + 185 + 150], fragments.Select(fragment => Word(fragment, 20)).ToArray());
        frame[20] = 0;
        Assert.AreEqual(185 + 150, Word(Cut(frame, 620)[^1], 20), "the last one of the last is the last");
    }

    [TestMethod]
    [DataRow(68, true)]
    [DataRow(28, true)]
    [DataRow(27, false)]
    [DataRow(0, false)]
    public void An_mtu_without_room_for_eight_bytes_is_refused(int ipMtu, bool works) =>
        Assert.AreEqual(works, Fragmenter.TryStart(Ip(OtherMac, OwnMac, "10.0.0.2", "192.0.2.1", 100), ipMtu, out _));

    [TestMethod]
    public void A_header_that_is_not_there_is_refused()
    {
        var frame = Ip(OtherMac, OwnMac, "10.0.0.2", "192.0.2.1", 4);
        Assert.IsFalse(Fragmenter.TryStart(frame.AsSpan(0, 33), 68, out _));
        frame[14] = 0x44;
        Assert.IsFalse(Fragmenter.TryStart(frame, 68, out _));
        frame[14] = 0x4f;
        Assert.IsFalse(Fragmenter.TryStart(frame, 68, out _));
    }

    [TestMethod]
    public void The_longest_packet_is_cut_for_the_least_mtu()
    {
        var frame = Ip(OtherMac, OwnMac, "10.0.0.2", "192.0.2.1", 65_515);
        var fragments = Cut(frame, 68);
        var (payload, isWhole) = NaiveFragments.Reassemble(fragments, 0, expectEnd: true);
        Assert.IsTrue(isWhole);
        CollectionAssert.AreEqual(frame[34..], payload);
    }
}
