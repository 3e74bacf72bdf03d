using System.Diagnostics;
using System.Net;
using System.Runtime.Versioning;
using IpVlanWin.Devices.Decorators;
using IpVlanWin.Devices.Pcap;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Lab.Tests;

/// <summary>Captures and traces of real traffic.</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class CaptureTests : LabTest
{
    [TestMethod]
    public void Tshark_reads_a_live_capture_with_names_directions_and_reasons()
    {
        Tool.Require("tshark", "tshark");
        var bed = Open(PortMode.L3);
        Bed.MustReach(bed.Red, bed.Wire);
        var path = Path.Combine(Path.GetTempPath(), $"ipvlan-{Environment.ProcessId}-{Guid.NewGuid():N}.pcapng");
        try
        {
            using (var sink = new CaptureSink(CaptureWriter.Create(path)))
            {
                using (bed.Datapath.StartCapture(sink, null))
                {
                    Bed.MustReach(bed.Red, bed.Wire);
                    Bed.MustReach(bed.Red, bed.Green);
                    var lost = bed.Drops(bed.Red, DropReason.NoRoute);
                    Bed.MustNotReach(bed.Red, IPAddress.Parse("198.51.100.1"));
                    Eventually.Holds(() => bed.Drops(bed.Red, DropReason.NoRoute) > lost);
                }
                sink.Complete(TimeSpan.FromSeconds(20));
                Assert.AreEqual(0, sink.Dropped);
            }
            var text = Tool.Run(
                "tshark", "-r", path, "-Y", "icmp", "-T", "fields", "-e", "frame.interface_name", "-e", "frame.packet_flags_direction", "-e", "ip.dst", "-e", "frame.comment");
            var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            void Has(params string[] fields) => Assert.Contains(string.Join('\t', fields), lines.Select(static line => line.TrimEnd('\t')), text);
            Has("ipvl0", "0x00000002", bed.Wire.Four.ToString());
            Has(Bed.WireLink, "0x00000002", bed.Wire.Four.ToString());
            Has(Bed.WireLink, "0x00000001", bed.Red.Four.ToString());
            Has("ipvl0", "0x00000001", bed.Red.Four.ToString());
            Has("ipvl1", "0x00000001", bed.Green.Four.ToString());
            Has("ipvl0", "0x00000002", "198.51.100.1", "drop: no-route");
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    public void Frames_go_on_while_captures_come_and_go()
    {
        var bed = Open(PortMode.L2);
        Bed.MustReach(bed.Red, bed.Wire);
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(1);)
        {
            using var sink = new CaptureSink(new PcapNgWriter(Stream.Null));
            using (bed.Datapath.StartCapture(sink, "ipvl0"))
            using (bed.Datapath.StartCapture(sink, null))
                Bed.MustReach(bed.Red, bed.Green);
        }
        Bed.MustReach(bed.Red, bed.Wire);
        Assert.IsNull(bed.Datapath.StartCapture(new CaptureSink(new PcapNgWriter(Stream.Null)), "nobody"));
    }

    [TestMethod]
    public void Trace_knows_the_host_s_routes_and_moves_no_counter()
    {
        var bed = Open(PortMode.L3);
        Bed.MustReach(bed.Red, bed.Wire);
        var frame = Frames.Ethernet(bed.Red.Mac, bed.Red.Mac, EtherType.IPv4, Frames.FourUdp(new IPEndPoint(bed.Red.Four, 1), new IPEndPoint(bed.Wire.Four, 2), [], mayFragment: true));
        var before = bed.Status(bed.Red).Counters.TxPackets;
        var trace = bed.Datapath.Trace("ipvl0", frame)!;
        var said = string.Join("; ", trace.Steps.Select(static step => $"{step.Rule}: {step.Text}"));
        Assert.AreEqual(DecisionAction.Route, trace.Action, said);
        Assert.IsTrue(trace.ToWire);
        StringAssert.Contains(said, bed.Wire.Mac.ToString());
        Assert.AreEqual(before, bed.Status(bed.Red).Counters.TxPackets);
        Assert.IsNull(bed.Datapath.Trace("nobody", frame));
    }
}
