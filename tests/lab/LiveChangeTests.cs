using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text.Json;
using IpVlanWin.Cli.Lab.Namespaces;
using IpVlanWin.HostNetwork.Linux;
using IpVlanWin.Protocol;

namespace IpVlanWin.Lab.Tests;

/// <summary>The service itself, over its pipe, with streams running: mode and flag change, and no interface and no stream is lost.</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class LiveChangeTests
{
    private const string Red = "10.77.0.10";
    private const string Green = "10.77.0.11";
    private const string Host = "10.77.0.1";
    private const string Peer = "10.77.0.2";
    private const int Seconds = 5;

    private static CancellationToken Deadline => new CancellationTokenSource(TimeSpan.FromSeconds(90)).Token;

    [TestMethod]
    public async Task Streams_survive_every_mode_and_flag_that_carries_them()
    {
        LabTest.RequireSystem();
        Tool.Require("iperf3", "iperf3");
        using var namespaces = LabNamespaces.Begin();
        var port = namespaces.Create("port");
        var (wire, red, green) = (namespaces.Create("wire"), namespaces.Create("red"), namespaces.Create("green"));
        port.WriteSysctl("net/ipv6/conf/default/disable_ipv6", "1");
        Tool.Run("ip", "-n", port.Name!, "link", "add", "eth0", "type", "veth", "peer", "name", "peer", "netns", wire.Name!);
        Tool.Run("ip", "-n", port.Name!, "link", "set", "eth0", "up");
        Tool.Run("ip", "-n", wire.Name!, "addr", "add", $"{Peer}/24", "dev", "peer");
        Tool.Run("ip", "-n", wire.Name!, "link", "set", "peer", "up");
        var folder = Path.Combine(Path.GetTempPath(), $"ipvlan-{Environment.ProcessId}-{Guid.NewGuid():N}");
        Directory.CreateDirectory(folder);
        using var service = Serve(port, folder);
        try
        {
            using var client = new ControlClient(Path.Combine(folder, "s")) { ConnectTimeout = TimeSpan.FromSeconds(30) };
            await client.AddInterfaceAsync(new InterfaceSpec { Master = "eth0", Name = "ipvl0", Namespace = red.Name, Mode = "l2", Admin = "up", Addresses = [$"{Red}/24"] }, Deadline);
            await client.AddInterfaceAsync(new InterfaceSpec { Master = "eth0", Name = "ipvl1", Namespace = green.Name, Admin = "up", Addresses = [$"{Green}/24"] }, Deadline);
            await ArrangeAsync(client, port, wire, red, green);
            var indexes = await IndexesAsync(client);
            var toPeer = Stream(red, Peer, wire, 5301);
            var toGreen = Stream(red, Green, green, 5302);
            await CycleAsync(["l3", "l3s", "l2", "l3s", "l3", "l2"], mode => client.SetPortAsync(new PortChange { Master = "eth0", Mode = mode }, Deadline));
            Judge("red to the peer through all modes", await toPeer);
            Judge("red to green through all modes", await toGreen);
            var flagged = Stream(red, Peer, wire, 5303);
            await CycleAsync(["private", "vepa", "bridge", "vepa", "private", "bridge"], flag => client.SetPortAsync(new PortChange { Master = "eth0", Flag = flag }, Deadline));
            Judge("red to the peer through all flags", await flagged);
            Assert.AreEqual(indexes, await IndexesAsync(client), "they are the same interfaces");
            foreach (var one in (await client.ListInterfacesAsync(new ListQuery(), Deadline)).Items)
                Assert.AreEqual("up", one.State, one.Reason);
            Assert.AreEqual(0, (await client.GetServiceAsync(Deadline)).Drift);
        }
        finally
        {
            service.Kill();
            await service.WaitForExitAsync(Deadline);
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The service as a process within a namespace, with its state and its pipe in a folder.</summary>
    internal static Process Serve(NetworkNamespace port, string folder)
    {
        var process = Process.Start(new ProcessStartInfo("ip",
        [
            "netns", "exec", port.Name!, Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", "exec", Path.Combine(AppContext.BaseDirectory, "ipvlansvc.dll"),
            "--state", Path.Combine(folder, "state"), "--pipe", Path.Combine(folder, "s"), "--datapath", "linux",
        ]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    /// <summary>What l3 needs and l2 does not mind: the host's address, the interfaces' route, and a peer that knows the way.</summary>
    private static async Task ArrangeAsync(ControlClient client, NetworkNamespace port, NetworkNamespace wire, NetworkNamespace red, NetworkNamespace green)
    {
        string? mac = null;
        Eventually.Holds(() => (mac = client.GetPortAsync("eth0").GetAwaiter().GetResult().Mac) is not null);
        var master = Tool.Run("ip", "-n", port.Name!, "-o", "link").Split('\n').Select(static line => line.Split(": ")).First(static parts => parts.Length > 1 && parts[1].StartsWith("ipvlm", StringComparison.Ordinal))[1];
        Tool.Run("ip", "-n", port.Name!, "addr", "add", $"{Host}/24", "dev", master);
        foreach (var (place, device, address) in new[] { (red, "ipvl0", Red), (green, "ipvl1", Green) })
        {
            Eventually.Holds(() => Tool.Run("ip", "-n", place.Name!, "addr").Contains(address, StringComparison.Ordinal));
            Tool.Run("ip", "-n", place.Name!, "route", "replace", "default", "dev", device);
            Tool.Run("ip", "-n", wire.Name!, "neigh", "replace", address, "lladdr", mac!, "dev", "peer", "nud", "permanent");
            Eventually.Holds(() => Tool.Try("ip", "netns", "exec", place.Name!, "ping", "-c1", "-W1", Peer).Status == 0, $"{device} reaches the peer");
        }
        await Task.CompletedTask;
    }

    private static async Task<string> IndexesAsync(ControlClient client) =>
        string.Join(' ', (await client.ListInterfacesAsync(new ListQuery(), Deadline)).Items.Select(static one => $"{one.Name}={one.Index}"));

    private static async Task CycleAsync(string[] words, Func<string, Task> change)
    {
        using var pace = new PeriodicTimer(TimeSpan.FromSeconds((Seconds - 1.5) / words.Length));
        foreach (var word in words)
        {
            await pace.WaitForNextTickAsync(Deadline);
            await change(word);
        }
    }

    private static async Task<JsonDocument> Stream(NetworkNamespace from, string to, NetworkNamespace server, int number)
    {
        var portText = number.ToString(System.Globalization.CultureInfo.InvariantCulture);
        using var serving = Tool.Start("ip", "netns", "exec", server.Name!, "iperf3", "-s", "-1", "-p", portText, "--forceflush");
        // It listens when it has said so.
        string? line;
        do
        {
            line = await serving.StandardOutput.ReadLineAsync(Deadline);
        }
        while (line is not null && !line.Contains("listening", StringComparison.OrdinalIgnoreCase));
        var result = await Task.Run(() => Tool.Run("ip", "netns", "exec", from.Name!, "iperf3", "-c", to, "-p", portText, "-J", "-b", "50M", "-i", "0.5",
            "-t", Seconds.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        await serving.WaitForExitAsync(Deadline);
        return JsonDocument.Parse(result);
    }

    /// <summary>It came to its end, and in its last second it was not standing still.</summary>
    private static void Judge(string what, JsonDocument report)
    {
        using (report)
        {
            var root = report.RootElement;
            Assert.IsFalse(root.TryGetProperty("error", out var error), $"{what}: {error}");
            var intervals = root.GetProperty("intervals").EnumerateArray().Select(static one => one.GetProperty("sum").GetProperty("bytes").GetInt64()).ToList();
            Assert.IsGreaterThan(0, intervals[^1] + intervals[^2], $"{what}: {string.Join(' ', intervals)}");
            Assert.IsGreaterThan(10_000_000, root.GetProperty("end").GetProperty("sum_received").GetProperty("bytes").GetInt64(), $"{what}: {string.Join(' ', intervals)}");
        }
    }
}
