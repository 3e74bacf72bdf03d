using System.Diagnostics;

namespace IpVlanWin.Cli.Tests.Ip;

[TestClass]
public sealed class CompletionTests
{
    [TestMethod]
    [DataRow("l|", "lab link")]
    [DataRow("-j|", "-json")]
    [DataRow("-s ad|", "address")]
    [DataRow("link |", "add delete help set show")]
    [DataRow("link s|", "set show")]
    [DataRow("l a |", "address down link mtu name netns type up")]
    [DataRow("link add link e|", "eth0 eth1")]
    [DataRow("link add link eth0 name x type |", "ipvlan")]
    [DataRow("link add link eth0 name x type ipvlan |", "bridge datapath mode private vepa")]
    [DataRow("link add link eth0 name x type ipvlan mode |", "l2 l3 l3s")]
    [DataRow("link add link eth0 name x type ipvlan mode l3|", "l3 l3s")]
    [DataRow("link set dev i|", "ipvl0 ipvl1")]
    [DataRow("link set i|", "ipvl0 ipvl1")]
    [DataRow("link set ipvl0 n|", "name netns")]
    [DataRow("link show dev ipvl1 |", "master scope type up")]
    [DataRow("link show master |", "eth0 eth1")]
    [DataRow("address delete f|", "fd00::2/64")]
    [DataRow("address delete fd00::2/64 dev |", "ipvl0 ipvl1")]
    [DataRow("address delete dev ipvl0 1|", "10.0.0.2/24")]
    [DataRow("route add default v|", "via")]
    [DataRow("completion |", "bash powershell")]
    [DataRow("state e|", "export")]
    [DataRow("frob |", "")]
    [DataRow("link frob |", "")]
    [DataRow("link set dev ipvl0 mtu |", "")]
    [DataRow("-f |", "inet inet6")]
    [DataRow("-x |", "")]
    public async Task What_may_stand_at_the_cursor_is_told(string line, string expected)
    {
        await using var bed = new IpBed();
        bed.Do("-b -", "link add link eth0 ipvl0 type ipvlan\nlink add link eth1 ipvl1 type ipvlan\naddress add 10.0.0.2/24 dev ipvl0\naddress add fd00::2/64 dev ipvl0\n");
        var got = Complete(bed.PipeName, line);
        // Adapters of this machine are masters too.
        if (line.Contains("master |", StringComparison.Ordinal) || line.Contains("link e|", StringComparison.Ordinal))
            Assert.IsEmpty(expected.Split(' ').Except(got));
        else
            Assert.AreEqual(expected, string.Join(' ', got));
    }

    [TestMethod]
    public void Without_a_service_words_are_told_all_the_same() =>
        Assert.AreEqual("type up", string.Join(' ', Complete("nobody-" + Guid.NewGuid().ToString("N"), "link show ipvl0 master eth0 scope all |")[..2]));

    [TestMethod]
    [DataRow("ipvlan link set dev ip", 4, "ipvl0")]
    [DataRow("ipvlan link add link eth0 name x type ipvlan mode l3", 10, "l3 l3s")]
    [DataRow("ipvlan l", 1, "lab link")]
    [DataRow("ipvlan address ", 2, "add delete flush help show")]
    [DataRow("ipvlan address delete fd00 : : 2", 6, "2/64")]
    [DataRow("ipvlan address delete fd00 ::", 4, "2/64")]
    public async Task Bash_completes(string words, int at, string expected)
    {
        if (OperatingSystem.IsWindows() || !File.Exists("/bin/bash"))
            Assert.Inconclusive("needs bash");
        await using var bed = new IpBed();
        bed.Do("-b -", "link add link eth0 ipvl0 type ipvlan\naddress add fd00::2/64 dev ipvl0\n");
        // bash splits the words of its line at ':', each run of colons being a word.
        var quoted = string.Join(' ', words.Split(' ').Select(static word => $"'{word}'"));
        var script = $"""
            ipvlan() {'{'} "$DOTNET" exec "$IPVLAN" "$@"; {'}'}
            source <(ipvlan completion bash)
            complete -p ipvlan >/dev/null || exit 1
            COMP_WORDS=({quoted}) COMP_CWORD={at}
            _ipvlan
            echo "${'{'}COMPREPLY[*]{'}'}"
            """;
        var start = new ProcessStartInfo("/bin/bash", ["--norc", "-c", script]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DOTNET"] = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        start.Environment["IPVLAN"] = Path.Combine(AppContext.BaseDirectory, "ipvlan.dll");
        start.Environment["IPVLANWIN_PIPE"] = bed.PipeName;
        using var bash = Process.Start(start)!;
        var errors = bash.StandardError.ReadToEndAsync();
        Assert.AreEqual(expected, (await bash.StandardOutput.ReadToEndAsync()).TrimEnd('\n'), await errors);
        await bash.WaitForExitAsync();
        Assert.AreEqual(0, bash.ExitCode);
    }

    [TestMethod]
    public void Scripts_are_for_their_shells()
    {
        StringAssert.EndsWith(IpBed.RunAt("nobody", "completion bash").Output, "complete -o default -F _ipvlan ipvlan\n");
        StringAssert.StartsWith(IpBed.RunAt("nobody", "completion powershell").Output, "Register-ArgumentCompleter -Native -CommandName ipvlan, ipvlan.exe ");
    }

    /// <summary>The cursor stands at |; what follows it is not handed over.</summary>
    private static string[] Complete(string pipeName, string line)
    {
        using var output = new StringWriter { NewLine = "\n" };
        var words = line[..line.IndexOf('|', StringComparison.Ordinal)].Split(' ');
        Assert.AreEqual(0, Program.Run(["complete", "--", .. words], TextWriter.Null, output, pipeName: pipeName));
        return output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
