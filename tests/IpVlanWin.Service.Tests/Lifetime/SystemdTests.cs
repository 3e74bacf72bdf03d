using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Lifetime;
using Microsoft.Data.Sqlite;

namespace IpVlanWin.Service.Tests.Lifetime;

/// <summary>The program under a stand-in for systemd: a real datagram socket.</summary>
[TestClass]
[OSCondition(OperatingSystems.Linux)]
public sealed class SystemdTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public async Task Ready_comes_when_all_is_restored_and_clients_are_served(bool isAbstract)
    {
        const int Count = 300;
        using var folder = new TestFolder();
        using (var state = folder.Open())
        {
            state.Change(change =>
            {
                for (var i = 0; i < Count; i++)
                    change.AddInterface(new InterfaceSpec { Master = "eth0", Name = $"i{i}", Admin = "up", Addresses = [$"10.0.{i / 250}.{i % 250}/16"] });
            });
        }
        using var systemd = new FakeSystemd(folder, isAbstract);
        using var program = new ServiceProgram(folder, systemd.Environment);
        // Nothing but requests for more time may come before it.
        var ready = await systemd.ReceiveAsync(static message => !message.StartsWith("EXTEND_TIMEOUT_USEC=", StringComparison.Ordinal));
        Assert.AreEqual($"READY=1\nSTATUS=1 ports, {Count} interfaces", ready);
        using (var client = new ControlClient(program.PipeName))
        {
            Assert.AreEqual("up", (await client.GetInterfaceAsync($"i{Count - 1}", TestContext.CancellationToken)).State);
        }
        var clock = Stopwatch.StartNew();
        program.Signal("TERM");
        StringAssert.StartsWith(await systemd.ReceiveAsync(static message => !message.StartsWith("EXTEND", StringComparison.Ordinal)), "STOPPING=1");
        var (status, output, errors) = await program.EndAsync(s_patience);
        TestContext.WriteLine($"ended {clock.ElapsedMilliseconds} ms after SIGTERM");
        Assert.AreEqual((0, ""), (status, errors), output);
        Assert.IsLessThan(TimeSpan.FromSeconds(5), clock.Elapsed);
        Assert.IsFalse(File.Exists(program.PipeName), "its socket is gone");
    }

    [TestMethod]
    public async Task Watchdog_is_told_as_long_as_the_service_answers()
    {
        using var folder = new TestFolder();
        using var systemd = new FakeSystemd(folder, isAbstract: true);
        var environment = new Dictionary<string, string>(systemd.Environment) { ["WATCHDOG_USEC"] = "2000000" };
        using var program = new ServiceProgram(folder, environment);
        await systemd.ReceiveAsync(static message => message.StartsWith("READY=1", StringComparison.Ordinal));
        for (var i = 0; i < 3; i++)
            await systemd.ReceiveAsync(static message => message == "WATCHDOG=1");
        program.Signal("INT");
        Assert.AreEqual(0, (await program.EndAsync(s_patience)).Status);
    }

    [TestMethod]
    public async Task State_of_a_newer_version_is_refused_and_never_ready()
    {
        using var folder = new TestFolder();
        folder.Open().Dispose();
        using (var connection = new SqliteConnection($"Data Source={folder.File};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA user_version = 99";
            command.ExecuteNonQuery();
        }
        using var systemd = new FakeSystemd(folder, isAbstract: true);
        using var program = new ServiceProgram(folder, systemd.Environment);
        var (status, output, errors) = await program.EndAsync(s_patience);
        Assert.AreEqual((int)ExitStatus.Refused, status);
        StringAssert.Contains(errors, "newer version");
        StringAssert.Contains(output, " error not-started ");
        Assert.DoesNotContain("READY=1", string.Join('\n', systemd.Pending()));
    }

    [TestMethod]
    [DataRow("""{ "datapth": "memory" }""", "unknown key \"datapth\": must be datapath, logLevel, readerGroup, prometheus, metrics, idleTimeout or announce")]
    [DataRow("""{ "prometheus": "0.0.0.0:9464" }""", "\"prometheus\" must be a loopback address and a port")]
    public async Task Wrong_settings_file_ends_the_program(string text, string error)
    {
        using var folder = new TestFolder();
        await File.WriteAllTextAsync(Path.Combine(folder.Path, SettingsFile.FileName), text, TestContext.CancellationToken);
        using var program = new ServiceProgram(folder, new Dictionary<string, string>());
        var (status, _, errors) = await program.EndAsync(s_patience);
        Assert.AreEqual((int)ExitStatus.BadSettings, status);
        StringAssert.Contains(errors, error);
    }

    [TestMethod]
    public async Task Silence_is_not_told_as_life()
    {
        var told = new SignalTold();
        using var twice = new CountdownEvent(2);
        var log = new ServiceLog(TextWriter.Null)
        {
            Also = (_, name, _) =>
            {
                if (name == "watchdog" && !twice.IsSet)
                    twice.Signal();
            },
        };
        await using (new Watchdog(told, TimeSpan.FromMilliseconds(50), Path.Combine(Path.GetTempPath(), $"nobody-{Guid.NewGuid():N}"), log))
            Assert.IsTrue(twice.Wait(s_patience, TestContext.CancellationToken), "it was asked more than once");
        Assert.AreEqual(0, told.Count);
    }

    [TestMethod]
    public async Task Full_house_is_a_sign_of_life()
    {
        await using var service = new TestService();
        await service.Running.DisposeAsync();
        await using (ControlService.Start(service.Folder, "memory", service.Settings with { MaxConnections = 1 }, new ServiceLog(TextWriter.Null)))
        {
            using var guest = service.Connect();
            await guest.GetServiceAsync(TestContext.CancellationToken);
            var told = new SignalTold();
            // Told by the first question: the next would come after half an hour.
            await using (new Watchdog(told, TimeSpan.FromHours(1), service.Settings.PipeName, new ServiceLog(TextWriter.Null)))
                await told.First.WaitAsync(s_patience, TestContext.CancellationToken);
        }
    }

    [TestMethod]
    [DataRow("30000000", null, 30.0)]
    [DataRow("30000000", "1", null)]
    [DataRow("0", null, null)]
    [DataRow("-5", null, null)]
    [DataRow("soon", null, null)]
    [DataRow(null, null, null)]
    public void Watchdog_period(string? microseconds, string? processId, double? seconds)
    {
        Assert.AreEqual(seconds, NotifySocket.WatchdogPeriod(microseconds, processId)?.TotalSeconds);
        Assert.AreEqual(processId is null ? seconds : 30.0, NotifySocket.WatchdogPeriod(microseconds, processId is null ? null : $"{Environment.ProcessId}")?.TotalSeconds);
    }

    [TestMethod]
    public void Socket_that_is_none_is_refused_and_one_that_is_gone_is_complained_about_once()
    {
        var complaints = new List<string>();
        foreach (var address in new[] { "vsock:2:1", "relative", "/", "@" })
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => new NotifySocket(address, complaints.Add)).Message, "NOTIFY_SOCKET");
        using var gone = new NotifySocket(Path.Combine(Path.GetTempPath(), $"gone-{Guid.NewGuid():N}"), complaints.Add);
        gone.Send("READY=1");
        gone.Send("STOPPING=1");
        StringAssert.Contains(complaints.Single(), "READY=1");
    }

    /// <summary>Receives what a service says.</summary>
    private sealed class FakeSystemd : IDisposable
    {
        private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

        public FakeSystemd(TestFolder folder, bool isAbstract)
        {
            var address = isAbstract ? $"@ipvlanwin-test-{System.Environment.ProcessId}-{Guid.NewGuid():N}" : Path.Combine(folder.Path, "notify");
            _socket.Bind(new UnixDomainSocketEndPoint(isAbstract ? "\0" + address[1..] : address));
            Environment = new Dictionary<string, string> { ["NOTIFY_SOCKET"] = address };
        }

        public IReadOnlyDictionary<string, string> Environment { get; }

        /// <summary>The next message of a kind; others are passed over.</summary>
        public async Task<string> ReceiveAsync(Func<string, bool> wanted)
        {
            using var late = new CancellationTokenSource(s_patience);
            var buffer = new byte[4096];
            for (; ; )
            {
                var message = Encoding.UTF8.GetString(buffer, 0, await _socket.ReceiveAsync(buffer, late.Token));
                if (wanted(message))
                    return message;
            }
        }

        public IEnumerable<string> Pending()
        {
            var buffer = new byte[4096];
            while (_socket.Available > 0)
                yield return Encoding.UTF8.GetString(buffer, 0, _socket.Receive(buffer));
        }

        public void Dispose() => _socket.Dispose();
    }

    private sealed class SignalTold : ILifetime
    {
        private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _count;

        public Task First => _first.Task;

        public int Count => Volatile.Read(ref _count);

        public Task StopAsked => Task.CompletedTask;

        public TimeSpan? WatchdogPeriod => null;

        public void Progress(TimeSpan patience)
        {
        }

        public void Ready(string status)
        {
        }

        public void Alive()
        {
            Interlocked.Increment(ref _count);
            _first.TrySetResult();
        }

        public void Stopping()
        {
        }
    }
}
