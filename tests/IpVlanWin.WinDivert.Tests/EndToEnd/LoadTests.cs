using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.Versioning;
using IpVlanWin.Datapath.WinDivert;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using static IpVlanWin.WinDivert.Tests.EndToEnd.Talk;

namespace IpVlanWin.WinDivert.Tests.EndToEnd;

/// <summary>Long packets, handle sets changed under load, bursts beyond the queue.</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class LoadTests
{
    [TestMethod]
    [DataRow("")]
    [DataRow("fragment-over-mtu")]
    [DataRow("offload")]
    public void LongDatagrams_AndFragments_ComeThrough(string switches)
    {
        using var bed = new DivertBed(switches);
        string[] one = ["10.9.1.1", "fd0a::1"], two = ["10.9.2.1", "fd0b::1"];
        bed.AddLocal(one);
        var container = bed.AddContainer(two);
        var port = DivertBed.MakePort(PortFlag.Bridge, one, two);
        using var traffic = new DivertedTraffic(port, new DivertSettings { IpMtuOf = static _ => 1500 });
        traffic.Apply(bed.Arrangement);
        for (var family = 0; family < 2; family++)
        {
            var wire = new End(bed.Wire, family == 0 ? DivertBed.WireFour : DivertBed.WireSix);
            foreach (var bytes in (int[])[1_472, 1_473, 4_000, 20_000])
            {
                Udp(new End(bed.Host, one[family]), wire, bytes);
                Udp(wire, new End(bed.Host, one[family]), bytes);
                Udp(new End(container, two[family]), wire, bytes);
                Udp(new End(bed.Host, one[family]), new End(container, two[family]), bytes);
            }
        }
        // Two sendings of each of the three longer ones, to the wire and to the container, twice; and IPv6 of 1472 bytes is longer too.
        Assert.IsGreaterThanOrEqualTo(2 * 3 * 3, traffic.Statistics.Cut);
        Assert.AreEqual(0, traffic.Statistics.Dropped);
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("newest-first")]
    public void HandlesChangedUnderLoad_LoseNothing(string switches)
    {
        using var bed = new DivertBed(switches);
        bed.AddLocal("10.9.1.1", "10.9.1.2", "fd0a::1");
        var few = bed.Arrangement;
        // Not on the host, but in the filters: other handles every time.
        var many = few with { LocalAddresses = [.. few.LocalAddresses, .. Enumerable.Range(0, 300).Select(static i => new L3Address(0x0a0a_0000u + ((uint)i * 2)))] };
        var port = DivertBed.MakePort(PortFlag.Bridge, ["10.9.1.1", "fd0a::1"], ["10.9.1.2"]);
        using var traffic = new DivertedTraffic(port, new DivertSettings { Form = DivertForm.Addresses, QueueTime = TimeSpan.FromSeconds(10) });
        traffic.Apply(few);
        using var toWire = new RunningStream(new End(bed.Host, "10.9.1.1"), new End(bed.Wire, DivertBed.WireFour));
        using var fromWire = new RunningStream(new End(bed.Wire, DivertBed.WireSix), new End(bed.Host, "fd0a::1"));
        using var between = new RunningStream(new End(bed.Host, "10.9.1.2"), new End(bed.Host, "10.9.1.1"));
        using var stop = new CancellationTokenSource();
        var datagrams = Task.Run(() => CountDatagrams(new End(bed.Wire, DivertBed.WireFour), new End(bed.Host, "10.9.1.2"), stop.Token));
        for (var i = 0; i < 30; i++)
        {
            traffic.Apply(i % 2 == 0 ? many : few);
            toWire.WaitForMore(50_000);
        }
        stop.Cancel();
        Assert.IsGreaterThan(0, datagrams.Result);
        toWire.Stop();
        fromWire.Stop();
        between.Stop();
    }

    [TestMethod]
    public void BurstBeyondTheQueue_IsSeenAndCounted()
    {
        const int Burst = 5_000, Queue = 1_000;
        using var bed = new DivertBed();
        bed.AddLocal("10.9.1.1");
        var port = DivertBed.MakePort(PortFlag.Bridge, ["10.9.1.1"]);
        using var traffic = new DivertedTraffic(port, new DivertSettings { QueuePackets = Queue, QueueTime = TimeSpan.FromSeconds(10) });
        traffic.Apply(bed.Arrangement);
        using var from = new End(bed.Wire, DivertBed.WireFour).Bound(SocketType.Dgram);
        using var to = new End(bed.Host, "10.9.1.1").Bound(SocketType.Dgram);
        from.SendTo(new byte[10], to.LocalEndPoint!);
        to.Receive(new byte[10]);
        var watch = new DivertLossWatch(() => bed.MasterPackets, () => traffic.Statistics);
        var before = traffic.Statistics.Received;
        lock (traffic.DecisionLock)
        {
            // The engine is busy elsewhere meanwhile.
            for (var i = 0; i < Burst; i++)
                from.SendTo(new byte[10], to.LocalEndPoint!);
            // Each answer comes after a turn in which the broker takes up to 128 packets.
            for (var i = 0; i < 2 * Burst / 128; i++)
                Assert.IsGreaterThan(0, Imitation.OpenHandles);
        }
        // One that comes through tells that all the others are through, or lost; the receiver's own buffer may lose it.
        var sent = Burst;
        bool isThrough;
        do
        {
            from.SendTo(new byte[11], to.LocalEndPoint!);
            sent++;
            isThrough = false;
            while (!isThrough && to.Poll(200_000, SelectMode.SelectRead))
                isThrough = to.Receive(new byte[100]) == 11;
        }
        while (!isThrough && sent < Burst + 50);
        Assert.IsTrue(isThrough);
        // The first sees that a queue was full, which it may be for one more; what was lost is certain with the one after it.
        watch.Sample();
        Assert.IsTrue(watch.IsOverrunning);
        watch.Sample();
        Assert.IsTrue(watch.IsOverrunning);
        watch.Sample();
        Assert.IsFalse(watch.IsOverrunning);
        var lost = sent - (traffic.Statistics.Received - before);
        Assert.IsGreaterThan(Burst / 2, lost);
        Assert.IsGreaterThan(0, traffic.Statistics.Overruns);
        Console.WriteLine($"{lost} lost, at most {watch.LostAtMost} told");
        // ARP and neighbor discovery pass the adapter too.
        Assert.IsTrue(watch.LostAtMost >= lost && watch.LostAtMost <= lost + 50, $"{watch.LostAtMost} told, {lost} lost");
    }

    /// <summary>Numbered datagrams, at most 100 on their way, in order and none missing.</summary>
    private static long CountDatagrams(End sender, End receiver, CancellationToken stop)
    {
        using var from = sender.Bound(SocketType.Dgram);
        using var to = receiver.Bound(SocketType.Dgram);
        var data = new byte[sizeof(long)];
        long sent = 0, received = 0;
        while (received < sent || !stop.IsCancellationRequested)
        {
            for (; sent < received + 100 && !stop.IsCancellationRequested; sent++)
            {
                BinaryPrimitives.WriteInt64BigEndian(data, sent);
                from.SendTo(data, to.LocalEndPoint!);
            }
            to.Receive(data);
            if (BinaryPrimitives.ReadInt64BigEndian(data) != received)
                throw new InvalidDataException($"datagram {BinaryPrimitives.ReadInt64BigEndian(data)} where {received} was to come");
            received++;
        }
        return received;
    }
}
