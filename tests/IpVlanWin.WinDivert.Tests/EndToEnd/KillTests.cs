using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.Versioning;
using IpVlanWin.Engine.Ipvlan;
using static IpVlanWin.WinDivert.Tests.EndToEnd.Talk;

namespace IpVlanWin.WinDivert.Tests.EndToEnd;

/// <summary>The engine killed at any instant: bridge goes on, private stays closed.</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class KillTests
{
    private static readonly string[] s_addresses = ["10.9.1.1", "10.9.1.2", "fd0a::1", "fd0a::2"];

    [TestMethod]
    [DataRow("")]
    [DataRow("close-passes")]
    public void Bridge_GoesOn(string switches)
    {
        using var bed = new DivertBed(switches);
        bed.AddLocal(s_addresses);
        var random = Seeded();
        using var toWire = new RunningStream(new End(bed.Host, "10.9.1.1"), new End(bed.Wire, DivertBed.WireFour));
        using var fromWire = new RunningStream(new End(bed.Wire, DivertBed.WireSix), new End(bed.Host, "fd0a::1"));
        using var between = new RunningStream(new End(bed.Host, "10.9.1.1"), new End(bed.Host, "10.9.1.2"));
        for (var round = 0; round < 3; round++)
        {
            using var engine = EngineProcess.Start(bed, PortFlag.Bridge);
            toWire.WaitForMore(random.Next(2_000_000));
            engine.Kill();
            engine.WaitForExit();
            foreach (var stream in (RunningStream[])[toWire, fromWire, between])
                stream.WaitForMore(500_000);
            WaitForHandles(0);
        }
        toWire.Stop();
        fromWire.Stop();
        between.Stop();
    }

    [TestMethod]
    public void Private_StaysClosed_UntilTheAddressesAreOffTheHost()
    {
        using var bed = new DivertBed();
        bed.AddLocal(s_addresses);
        var marker = SafetyNetProcess.Marker(bed);
        File.WriteAllText(marker, "");
        var engine = EngineProcess.Start(bed, PortFlag.Private);
        try
        {
            var random = Seeded();
            using var four = new Flood(new End(bed.Host, "10.9.1.1"), new End(bed.Host, "10.9.1.2"));
            using var six = new Flood(new End(bed.Host, "fd0a::1"), new End(bed.Host, "fd0a::2"));
            using var wire = new RunningStream(new End(bed.Host, "10.9.1.1"), new End(bed.Wire, DivertBed.WireFour));
            wire.WaitForMore(100_000);
            for (var round = 0; round < 3; round++)
            {
                wire.WaitForMore(random.Next(1_000_000));
                Kill(engine);
                wire.WaitForMore(300_000);
                AssertClosed(four, six);
                Assert.AreEqual(2, Imitation.OpenHandles, "the safety net's handles, one a family");
                // The next one's safety net is there before this one's ends.
                engine.Dispose();
                engine = EngineProcess.Start(bed, PortFlag.Private);
                wire.WaitForMore(100_000);
                WaitForHandles(6 + 2);
                AssertClosed(four, six);
            }
            Kill(engine);
            wire.WaitForMore(300_000);
            AssertClosed(four, six);
            wire.Stop();
            // The addresses go, and the safety net with them: then nothing is in the way.
            File.Delete(marker);
            WaitForHandles(0);
            Assert.IsTrue(four.HasCome(10_000), "the imitation drops without the safety net");
        }
        finally
        {
            // The safety net ends by itself.
            File.Delete(marker);
            engine.Kill();
            engine.Dispose();
        }
    }

    /// <summary>What makes the test above mean something: without a safety net a killed engine leaves private open.</summary>
    [TestMethod]
    public void WithoutASafetyNet_PrivateWouldOpen()
    {
        using var bed = new DivertBed();
        bed.AddLocal(s_addresses);
        using var engine = EngineProcess.Start(bed, PortFlag.Private);
        using var flood = new Flood(new End(bed.Host, "10.9.1.1"), new End(bed.Host, "10.9.1.2"));
        Assert.IsFalse(flood.HasCome(100));
        // No marker: the safety net finds the addresses gone at once.
        engine.Kill();
        Assert.IsTrue(flood.HasCome(10_000));
        WaitForHandles(0);
    }

    private static void Kill(Process engine)
    {
        engine.Kill();
        engine.WaitForExit();
    }

    private static Random Seeded()
    {
        var seed = Environment.TickCount;
        Console.WriteLine($"seed {seed}");
        return new Random(seed);
    }

    private static void AssertClosed(params Flood[] floods)
    {
        foreach (var flood in floods)
            Assert.IsFalse(flood.HasCome(50), "private is open");
    }

    private static void WaitForHandles(int count)
    {
        var clock = Stopwatch.StartNew();
        while (Imitation.OpenHandles != count && clock.Elapsed < TimeSpan.FromSeconds(10))
            Thread.Sleep(2);
        Assert.AreEqual(count, Imitation.OpenHandles, "open handles");
    }

    /// <summary>Datagrams without end from one address to another.</summary>
    private sealed class Flood : IDisposable
    {
        private readonly Socket _from, _to;
        private readonly Thread _thread;
        private volatile bool _stopping;

        public Flood(End from, End to)
        {
            (_from, _to) = (from.Bound(SocketType.Dgram), to.Bound(SocketType.Dgram));
            var target = _to.LocalEndPoint!;
            _thread = new Thread(() =>
            {
                while (!_stopping)
                {
                    try
                    {
                        _from.SendTo(new byte[10], target);
                    }
                    catch (SocketException)
                    {
                        // EPERM: dropped in the host's output.
                    }
                    Thread.Sleep(1);
                }
            })
            { IsBackground = true };
            _thread.Start();
        }

        public bool HasCome(int milliseconds) => _to.Poll(milliseconds * 1000, SelectMode.SelectRead);

        public void Dispose()
        {
            _stopping = true;
            _thread.Join();
            _from.Dispose();
            _to.Dispose();
        }
    }
}
