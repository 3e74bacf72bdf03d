using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text.RegularExpressions;
using IpVlanWin.Cli.Tests.Ip;

namespace IpVlanWin.Lab.Tests;

/// <summary>The manuals' lines as they are typed: `ipvlan` in the place of `ip`, before a real service, with real namespaces and a real router.</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class HowToTests
{
    [TestInitialize]
    public void Require()
    {
        LabTest.RequireSystem();
        Tool.Require("bash", "bash");
        Tool.Require("ping", "iputils-ping");
    }

    [TestMethod]
    public void Lines_with_namespaces_work_as_written()
    {
        using var host = new Host();
        foreach (var one in HowToLines.Cases.Where(static one => one.HasNamespaces))
        {
            Type(host, one);
            foreach (var space in one.Lines.Select(static line => line.Inside).OfType<string>().Distinct())
                CompareWithIp(host, space);
        }
    }

    [TestMethod]
    public void Lines_without_namespaces_work_as_written()
    {
        using var host = new Host();
        foreach (var one in HowToLines.Cases.Where(static one => !one.HasNamespaces))
        {
            Type(host, one);
            foreach (var name in host.Do("-br link show").Split('\n', StringSplitOptions.RemoveEmptyEntries))
                host.Do($"link delete {name.Split('@')[0]}");
        }
    }

    private static void Type(Host host, HowToCase one)
    {
        var rest = one.Lines.AsSpan();
        while (!rest.IsEmpty)
        {
            var line = rest[0];
            rest = rest[1..];
            if (!line.Line.StartsWith("netns exec ", StringComparison.Ordinal))
            {
                host.Do(line.Filled());
                continue;
            }
            // The lines after it are typed into that shell.
            var script = "set -e\n";
            for (; !rest.IsEmpty && rest[0].Inside is not null; rest = rest[1..])
                script += $"ipvlan {rest[0].Filled()}\n";
            Assert.AreEqual("", host.Do(line.Line, script));
        }
        Eventually.Holds(() => Renumbered(host.Do(one.Show)) == host.Filled(one.Text), one.ToString(), () => host.Do(one.Show) + host.Filled(one.Text));
        Assert.AreEqual(host.Filled(one.Json), Renumbered(host.Do($"-j {one.Show}")), one.ToString());
    }

    /// <summary>Numbers of interfaces are never used again: counted from 1, as the table has them.</summary>
    private static string Renumbered(string shown)
    {
        const string Number = "(?<=^|\"ifindex\":)[0-9]+(?=: |,)";
        var numbers = Regex.Matches(shown, Number, RegexOptions.Multiline).Select(static found => found.Value).Distinct().ToList();
        // So are versions of the state.
        shown = Regex.Replace(shown, "(?<=\"version\":)[0-9]+", "1");
        return Regex.Replace(shown, Number, found => $"{numbers.IndexOf(found.Value) + 1}", RegexOptions.Multiline);
    }

    /// <summary>What `ip` says of the same namespace.</summary>
    private static void CompareWithIp(Host host, string space)
    {
        foreach (var line in (string[])["route show", "-6 route show", "-j route show", "-j -6 route show", "route show default", "route show dev lo"])
            Eventually.Holds(() => host.Ip($"-n {space} {line}") == host.Do($"-n {space} {line}"), line, () => host.Ip($"-n {space} {line}") + host.Do($"-n {space} {line}"));
        StringAssert.StartsWith(host.Do($"route show default netns {space}"), $"default via {HowToLines.Router} dev ipvl");
        CollectionAssert.AreEqual(
            host.Ip("netns list").Split('\n').Select(static line => line.Split(' ')[0]).Order(StringComparer.Ordinal).ToArray(),
            host.Do("netns list").Split('\n').Order(StringComparer.Ordinal).ToArray());
        StringAssert.Contains(host.Ip($"-n {space} -o address show lo"), "127.0.0.1/32 scope host");
        StringAssert.Contains(host.Ip($"-n {space} -o link show"), "LOWER_UP");
        Assert.AreEqual(0, host.Run("ip", "netns", "exec", space, "ping", "-c", "1", "-W", "20", HowToLines.Router).Status, "the router answers");
    }

    [TestMethod]
    public void Routes_and_namespaces_come_and_go()
    {
        using var host = new Host();
        host.Do("netns add blue");
        host.Do("-n blue link add link eth0 ipvl0 type ipvlan mode l2");
        host.Do("-n blue address add 10.77.0.9/24 dev ipvl0");
        host.Do("-n blue address add fd77::9/64 dev ipvl0");
        host.Do("-n blue link set ipvl0 up");
        host.Do("route add 10.1.0.0/16 via 10.77.0.1 metric 7 netns blue");
        host.Do("-n blue route add 10.2.0.0/16 via 10.99.0.1 dev ipvl0 onlink");
        host.Do("-n blue route add 10.3.0.1 dev ipvl0 src 10.77.0.9");
        host.Do("-n blue route add blackhole 10.4.0.0/16");
        host.Do("-n blue -6 route add default via fd77::1");
        host.Do("-n blue route add fd78::/64 dev ipvl0 metric 5 proto static");
        host.Do("-n blue route replace 10.1.0.0/16 via 10.77.0.2 metric 7");
        foreach (var line in (string[])["route", "-6 route", "-d route", "-j route", "-j -6 route", "route show 10.1.0.0/16", "route show dev ipvl0"])
            Eventually.Holds(() => host.Ip($"-n blue {line}") == host.Do($"-n blue {line}"), line, () => host.Ip($"-n blue {line}") + host.Do($"-n blue {line}"));
        StringAssert.Contains(host.Do("-n blue route"), "10.1.0.0/16 via 10.77.0.2 dev ipvl0 metric 7 \n");
        host.Do("-n blue route delete 10.1.0.0/16");
        host.Do("-n blue route delete blackhole 10.4.0.0/16");
        host.Do("-6 -n blue route del default");
        Assert.IsFalse(host.Do("-n blue route").Contains("10.1.0.0", StringComparison.Ordinal));
        host.Refuse("-n blue route del 10.1.0.0/16", 2, "there is no route to 10.1.0.0/16");
        host.Refuse("-n blue route add 10.5.0.0/16 dev nosuch", 2, "there is no device \"nosuch\" in this namespace; where it is in another, add: netns NETNS");
        host.Refuse("-n red route", 2, "cannot open namespace red: No such file or directory (ENOENT)");
        host.Refuse("netns add blue", 2, "cannot create namespace blue: File exists (EEXIST)");
        host.Refuse("netns exec red true", 2, "cannot open namespace red: No such file or directory (ENOENT)");
        host.Refuse("netns exec blue nosuchprogram", 2, "cannot run nosuchprogram: No such file or directory (ENOENT)");
        Assert.AreEqual(7, host.Try("netns exec blue sh -c exit\t7".Split(' ')).Status);
        host.Refuse("-n red link set ipvl0 down", 2, "there is no interface \"ipvl0\" in namespace \"red\"; it is in \"blue\"");
        Assert.AreEqual("", host.Do("-n red link show"));
        host.Do("-n blue link set ipvl0 netns 1");
        Eventually.Holds(() => host.Ip("-o link show ipvl0").Contains("ipvl0:", StringComparison.Ordinal));
        Assert.IsFalse(host.Do("link show ipvl0").Contains("netns", StringComparison.Ordinal));
        host.Do("netns delete blue");
        Assert.IsFalse(host.Do("netns").Split('\n').Contains("blue"));
    }

    /// <summary>
    /// A host of its own: namespaces' names, control socket and network are seen by nobody else. Its eth0 leads to a router, which
    /// answers at <see cref="HowToLines.Router"/>.
    /// </summary>
    private sealed class Host : IDisposable
    {
        private readonly PrivateRun _run = new();
        private readonly string _folder = Directory.CreateTempSubdirectory("ipvlanwin-howto-").FullName;
        private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Process? _service;

        public Host()
        {
            try
            {
                Start();
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        private static string DotNet => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";

        private string[] Inside => ["nsenter", "--net=/run/netns/host", "--", "env", $"PATH={_folder}:{Environment.GetEnvironmentVariable("PATH")}"];

        private void Start()
        {
            foreach (var line in (string[])
            [
                "netns add host", "netns add router", "-n host link add eth0 type veth peer name eth0 netns router", "-n host link set eth0 up", "-n host link set lo up",
                "-n router link set eth0 up", $"-n router address add {HowToLines.Router}/24 dev eth0",
            ])
            {
                var result = _run.Try(["ip", .. line.Split(' ')]);
                Assert.AreEqual(0, result.Status, $"ip {line}: {result}");
            }
            File.WriteAllText(Path.Combine(_folder, "ipvlan"), $"#!/bin/sh\nexec {DotNet} exec {Path.Combine(AppContext.BaseDirectory, "ipvlan.dll")} \"$@\"\n");
            File.SetUnixFileMode(Path.Combine(_folder, "ipvlan"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
            _service = _run.StartCommand([.. Inside, DotNet, "exec", Path.Combine(AppContext.BaseDirectory, "ipvlansvc.dll"), "--state", Path.Combine(_folder, "state")]);
            _service.OutputDataReceived += (_, line) =>
            {
                if (line.Data?.Contains(" started ", StringComparison.Ordinal) == true)
                    _started.TrySetResult();
            };
            _service.BeginOutputReadLine();
            Assert.IsTrue(_started.Task.Wait(Eventually.Patience), "the service starts");
        }

        public string Filled(string text)
        {
            var mac = Ip("-n host -br link show eth0").Split(' ', StringSplitOptions.RemoveEmptyEntries)[2];
            return text.ReplaceLineEndings("\n").Replace("{mac}", mac, StringComparison.Ordinal).Replace("{datapath}", "linux", StringComparison.Ordinal);
        }

        /// <summary>Types a line of ipvlan, and perhaps more into what it starts.</summary>
        public string Do(string line, string? input = null)
        {
            var command = input is null ? line.Split(' ') : ["ipvlan", .. line.Split(' ')];
            var result = input is null ? Try(command) : Feed(command, input);
            Assert.AreEqual((0, ""), (result.Status, result.Errors), $"ipvlan {line}: {result}");
            return result.Output;
        }

        public void Refuse(string line, int status, string sentence)
        {
            var result = Try(line.Split(' '));
            Assert.AreEqual((status, "", $"Error: {sentence}\n"), (result.Status, result.Output, result.Errors), line);
        }

        public ToolResult Try(string[] words) => Run(["ipvlan", .. words.Select(static word => word.Replace('\t', ' '))]);

        public string Ip(string line) => Run(["ip", .. line.Split(' ')]).Output;

        public ToolResult Run(params string[] command) => _run.Try([.. Inside, .. command]);

        public void Dispose()
        {
            if (_service is { HasExited: false })
            {
                Tool.Run("sh", "-c", $"kill -TERM {_service.Id}");
                if (!_service.WaitForExit(Eventually.Patience))
                    _service.Kill();
            }
            _service?.Dispose();
            _run.Dispose();
            Directory.Delete(_folder, recursive: true);
        }

        private ToolResult Feed(string[] command, string input)
        {
            using var process = _run.StartCommand([.. Inside, .. command]);
            var output = process.StandardOutput.ReadToEndAsync();
            var errors = process.StandardError.ReadToEndAsync();
            process.StandardInput.Write(input);
            process.StandardInput.Close();
            process.WaitForExit();
            return new ToolResult(process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
        }
    }
}
