using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace IpVlanWin.Cli.Tests.Ip;

[TestClass]
public sealed class MonitorTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [TestMethod]
    public async Task Changes_are_told_as_by_ip()
    {
        await using var bed = new IpBed();
        bed.Do("link add link eth0 old type ipvlan mode l2");
        var mac = bed.Do("-br link show old").Split(' ', StringSplitOptions.RemoveEmptyEntries)[2];
        using var monitor = new Monitor(bed, "monitor");
        using var labelled = new Monitor(bed, "monitor label address");
        using var json = new Monitor(bed, "-j monitor");
        string Link(int at, string name, string flags, int mtu, string state) =>
            $"{at}: {name}@eth0: <{flags}> mtu {mtu} state {state} group default\n    link/ether {mac} brd ff:ff:ff:ff:ff:ff\n";
        void Change(string line, params string[] told)
        {
            bed.Do(line);
            foreach (var part in told)
                monitor.WaitFor(part);
        }
        const string Down = "BROADCAST,MULTICAST", Up = "BROADCAST,MULTICAST,UP,LOWER_UP", Routed = "BROADCAST,MULTICAST,NOARP,UP,LOWER_UP";
        bed.Do("link add link eth0 ipvl0 type ipvlan");
        var index = int.Parse(bed.Do("link show ipvl0").Split(':')[0], CultureInfo.InvariantCulture);
        monitor.WaitFor(Link(index, "ipvl0", Down, 1500, "DOWN"));
        Change("address add 10.0.0.2/24 dev ipvl0", $"\n{index}: ipvl0    inet 10.0.0.2/24 scope global ipvl0\n       valid_lft forever preferred_lft forever\n");
        Change("link set ipvl0 up", Link(index, "ipvl0", Up, 1500, "UP"));
        Change("link set ipvl0 mtu 1400 name blue", Link(index, "blue", Up, 1400, "UP"));
        Change("link set blue type ipvlan mode l3", Link(1, "old", "BROADCAST,MULTICAST,NOARP", 1500, "DOWN"), Link(index, "blue", Routed, 1400, "UP"));
        Change("address delete 10.0.0.2/24 dev blue", $"Deleted {index}: blue    inet 10.0.0.2/24 scope global blue\n");
        Change("link delete blue", "Deleted " + Link(index, "blue", Routed, 1400, "UP"));
        Assert.IsFalse(monitor.Text.Contains($"\n{index}: blue    inet", StringComparison.Ordinal), "an address does not change with a name");
        labelled.WaitFor($"[ADDR]Deleted {index}: blue    inet 10.0.0.2/24");
        Assert.IsFalse(labelled.Text.Contains("link/ether", StringComparison.Ordinal));
        json.WaitFor($"{{\"deleted\":true,\"ifindex\":{index},\"link\":\"eth0\",\"ifname\":\"blue\"");
        StringAssert.Contains(json.Text, $"\n{{\"index\":{index},\"dev\":\"ipvl0\",\"family\":\"inet\",\"local\":\"10.0.0.2\",\"prefixlen\":24,");
        await bed.StopAsync();
        Assert.AreEqual(3, monitor.Wait());
        StringAssert.StartsWith(monitor.Errors, "Error: the service does not answer on ");
    }

    /// <summary>A monitor that has begun to hear.</summary>
    private sealed class Monitor : IDisposable
    {
        private readonly Heard _output = new();
        private readonly StringWriter _errors = new() { NewLine = "\n" };
        private readonly Task<int> _running;

        public Monitor(IpBed bed, string line)
        {
            _running = Task.Factory.StartNew(() => Program.Run(line.Split(' '), _errors, _output, pipeName: bed.PipeName), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            // It hears once it tells of a change that is made again and again.
            for (var i = 0; _output.Text.Length == 0; i++)
            {
                Assert.IsFalse(_running.IsCompleted, _errors.ToString());
                bed.Do("link add link eth0 probe type ipvlan");
                bed.Do("address add 10.9.0.1/24 dev probe");
                bed.Do("link delete probe");
            }
        }

        public string Text => _output.Text;

        public string Errors => _errors.ToString();

        public void WaitFor(string part)
        {
            var clock = Stopwatch.StartNew();
            while (!_output.Text.Contains(part, StringComparison.Ordinal))
            {
                Assert.IsLessThan(s_patience, clock.Elapsed, $"waits for {part} in {_output.Text}");
                _output.Wait(TimeSpan.FromMilliseconds(100));
            }
        }

        public int Wait()
        {
            Assert.IsTrue(_running.Wait(s_patience), "ends with the service");
            return _running.Result;
        }

        public void Dispose()
        {
            _output.Dispose();
            _errors.Dispose();
        }
    }

    /// <summary>Text that another thread writes.</summary>
    private sealed class Heard : StringWriter
    {
        // Guards the text.
        private readonly object _lock = new();

        public Heard() => NewLine = "\n";

        public string Text
        {
            get
            {
                lock (_lock)
                    return GetStringBuilder().ToString();
            }
        }

        public override Encoding Encoding => Encoding.UTF8;

        public void Wait(TimeSpan most)
        {
            lock (_lock)
                System.Threading.Monitor.Wait(_lock, most);
        }

        public override void Write(char value)
        {
            lock (_lock)
                base.Write(value);
        }

        public override void Write(string? value)
        {
            lock (_lock)
            {
                base.Write(value);
                System.Threading.Monitor.PulseAll(_lock);
            }
        }
    }
}
