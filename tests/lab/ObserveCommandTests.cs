using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text.Json;
using IpVlanWin.Cli.Lab.Namespaces;
using IpVlanWin.Protocol;

namespace IpVlanWin.Lab.Tests;

/// <summary>`ipvlan capture` and `ipvlan trace` as people call them, against the service with real traffic.</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class ObserveCommandTests
{
    private const string Red = "10.77.0.10";
    private const string Peer = "10.77.0.2";

    private static CancellationToken Deadline => new CancellationTokenSource(TimeSpan.FromSeconds(90)).Token;

    [TestMethod]
    public async Task Capture_and_trace_by_the_command_line()
    {
        LabTest.RequireSystem();
        Tool.Require("tshark", "tshark");
        using var namespaces = LabNamespaces.Begin();
        var (port, wire, red) = (namespaces.Create("port"), namespaces.Create("wire"), namespaces.Create("red"));
        Tool.Run("ip", "-n", port.Name!, "link", "add", "eth0", "type", "veth", "peer", "name", "peer", "netns", wire.Name!);
        port.WriteSysctl("net/ipv6/conf/all/disable_ipv6", "1");
        Tool.Run("ip", "-n", port.Name!, "link", "set", "eth0", "up");
        Tool.Run("ip", "-n", wire.Name!, "addr", "add", $"{Peer}/24", "dev", "peer");
        Tool.Run("ip", "-n", wire.Name!, "link", "set", "peer", "up");
        var folder = Path.Combine(Path.GetTempPath(), $"ipvlan-{Environment.ProcessId}-{Guid.NewGuid():N}");
        Directory.CreateDirectory(folder);
        using var service = LiveChangeTests.Serve(port, folder);
        try
        {
            var pipe = Path.Combine(folder, "s");
            using var client = new ControlClient(pipe) { ConnectTimeout = TimeSpan.FromSeconds(30) };
            await client.AddInterfaceAsync(new InterfaceSpec { Master = "eth0", Name = "ipvl0", Namespace = red.Name, Mode = "l2", Admin = "up", Addresses = [$"{Red}/24"] }, Deadline);
            Eventually.Holds(() => Ping() == 0, "red reaches the peer");

            // So many frames and no more, to a file.
            var file = Path.Combine(folder, "some.pcapng");
            using (var some = Start(pipe, "capture", "-i", "ipvl0", "-c", "4", "-s", "60", "-w", file))
            {
                Eventually.Holds(() => Ping() == 0 && some.HasExited, "four frames are captured");
                Assert.AreEqual("4 frames captured, 0 lost", (await some.StandardError.ReadToEndAsync(Deadline)).TrimEnd());
                Assert.AreEqual(0, some.ExitCode);
            }
            var frames = Tool.Run("tshark", "-r", file, "-T", "fields", "-e", "frame.interface_name", "-e", "frame.cap_len").Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.HasCount(4, frames);
            Assert.IsTrue(frames.All(static line => line.StartsWith("ipvl0\t", StringComparison.Ordinal) && int.Parse(line.Split('\t')[1], System.Globalization.CultureInfo.InvariantCulture) <= 60));

            // The whole port, without naming it, to a reader who leaves: then it ends by itself and cleanly.
            using (var live = Start(pipe, "capture"))
            {
                var head = new byte[28];
                await live.StandardOutput.BaseStream.ReadExactlyAsync(head, Deadline);
                Assert.AreEqual(0x0A0D0D0Au, BitConverter.ToUInt32(head));
                live.StandardOutput.Close();
                Eventually.Holds(() => Ping() == 0 && live.HasExited, "it ends when nobody reads");
                Assert.AreEqual(0, live.ExitCode);
            }

            // Interrupted: what was recorded is a whole file.
            var whole = Path.Combine(folder, "whole.pcapng");
            using (var interrupted = Start(pipe, "capture", "master", "eth0", "-w", whole))
            {
                Eventually.Holds(() => Ping() == 0 && File.Exists(whole) && new FileInfo(whole).Length > 1000, "something is recorded");
                Tool.Run("kill", "-INT", interrupted.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));
                Eventually.Holds(() => interrupted.HasExited);
                Assert.AreEqual(0, interrupted.ExitCode, await interrupted.StandardError.ReadToEndAsync(Deadline));
            }
            var names = Tool.Run("tshark", "-r", whole, "-Y", "icmp", "-T", "fields", "-e", "frame.interface_name").Split('\n', StringSplitOptions.RemoveEmptyEntries).ToHashSet();
            Assert.IsTrue(names.SetEquals(["eth0", "ipvl0"]), string.Join(' ', names));
            StringAssert.Contains(Tool.Run("capinfos", whole), "Number of stat entries = 1");

            var (status, said, errors) = Run(pipe, "trace", "dev", "ipvl0", "tcp", Red, Peer, "80");
            Assert.AreEqual(0, status, errors);
            StringAssert.StartsWith(said, "wire: to wire");
            StringAssert.Contains(said, "rule 23");
            (status, said, errors) = Run(pipe, "trace", "-j", "master", "eth0", "udp", Peer, Red);
            Assert.AreEqual(0, status, errors);
            var reply = JsonSerializer.Deserialize(said, ProtocolJson.Plain.TraceReply)!;
            Assert.AreEqual(("deliver", "ipvl0"), (reply.Decision, string.Join(' ', reply.Targets)));
            (status, _, errors) = Run(pipe, "trace", "dev", "nobody", "udp", Peer, Red);
            Assert.AreEqual((2, "ipvlan: there is no interface \"nobody\""), (status, errors.TrimEnd()));
            (status, _, errors) = Run(pipe, "trace", "dev", "ipvl0", "sctp", Peer, Red);
            Assert.AreEqual(1, status, errors);
            StringAssert.Contains(errors, "trace takes");
            (status, _, errors) = Run(pipe + "x", "trace", "dev", "ipvl0", "udp", Peer, Red);
            Assert.AreEqual(3, status, errors);
        }
        finally
        {
            service.Kill();
            await service.WaitForExitAsync(Deadline);
            Directory.Delete(folder, recursive: true);
        }

        int Ping() => Tool.Try("ip", "netns", "exec", red.Name!, "ping", "-c2", "-i0.1", "-W1", Peer).Status;
    }

    private static (int Status, string Output, string Errors) Run(string pipe, params string[] arguments)
    {
        using var process = Start(pipe, arguments);
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        Assert.IsTrue(process.WaitForExit(TimeSpan.FromSeconds(30)));
        return (process.ExitCode, output, errors.GetAwaiter().GetResult());
    }

    private static Process Start(string pipe, params string[] arguments) => Process.Start(new ProcessStartInfo(LabProcess.Command[0], [.. LabProcess.Command[1..], .. arguments])
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        Environment = { [ControlEndpoint.Variable] = pipe },
    })!;
}
