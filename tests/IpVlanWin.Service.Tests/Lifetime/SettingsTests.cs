using IpVlanWin.Service.Lifetime;
using IpVlanWin.Service.Metrics;

namespace IpVlanWin.Service.Tests.Lifetime;

[TestClass]
public sealed class SettingsTests
{
    [TestMethod]
    public void File_is_read_and_the_command_line_is_over_it()
    {
        using var folder = new TestFolder();
        File.WriteAllText(Path.Combine(folder.Path, SettingsFile.FileName), """
            {
              // Comments are for people.
              "datapath": "memory", "logLevel": "warning", "prometheus": "127.0.0.1:9464", "metrics": "port", "idleTimeout": 90,
            }
            """);
        var options = CommandLine.Parse(["--state", folder.Path]).Resolve();
        Assert.AreEqual(
            ("memory", LogLevel.Warning, "127.0.0.1:9464", MetricsDetail.Port, (TimeSpan?)TimeSpan.FromSeconds(90)),
            (options.Datapath, options.LogLevel, options.Prometheus?.ToString(), options.Metrics, options.IdleTimeout));
        options = CommandLine.Parse(["run", "--state", folder.Path, "--log-level", "error", "--prometheus", "[::1]:0", "--idle-timeout", "0"]).Resolve();
        Assert.AreEqual(
            ("memory", LogLevel.Error, "[::1]:0", MetricsDetail.Port, (TimeSpan?)null),
            (options.Datapath, options.LogLevel, options.Prometheus?.ToString(), options.Metrics, options.IdleTimeout));
    }

    [TestMethod]
    public void Without_a_file_defaults_hold()
    {
        using var folder = new TestFolder();
        Assert.AreEqual(new ServiceOptions(), CommandLine.Parse(["--state", folder.Path]).Resolve());
    }

    [TestMethod]
    [DataRow("", "is not JSON")]
    [DataRow("[]", "must hold one object with datapath, logLevel, readerGroup, prometheus, metrics, idleTimeout or announce")]
    [DataRow("""{"logLevel":"debug"}""", "\"logLevel\" must be info, warning or error")]
    [DataRow("""{"logLevel":true}""", "\"logLevel\" must be info, warning or error")]
    [DataRow("""{"idleTimeout":-1}""", "\"idleTimeout\" must be a number of seconds from 1 to 2592000, or 0 for none")]
    [DataRow("""{"idleTimeout":1.5}""", "\"idleTimeout\" must be a number of seconds")]
    [DataRow("""{"metrics":"interface","metrics":"port"}""", "is not JSON: Duplicate")]
    [DataRow("""{"datapath":"windivert"}""", "\"datapath\" must be")]
    [DataRow("""{"Datapath":"memory"}""", "unknown key \"Datapath\"")]
    public void Wrong_file_is_refused_with_what_is_legal(string text, string error)
    {
        var fault = Assert.ThrowsExactly<SettingsException>(() => SettingsFile.Parse(text, "appsettings.json", new ServiceOptions()));
        StringAssert.Contains(fault.Message, error);
        StringAssert.StartsWith(fault.Message, "appsettings.json");
    }

    [TestMethod]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public void File_that_others_may_write_is_refused()
    {
        using var folder = new TestFolder();
        var path = Path.Combine(folder.Path, SettingsFile.FileName);
        File.WriteAllText(path, "{}");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupWrite);
        StringAssert.Contains(Assert.ThrowsExactly<SettingsException>(() => CommandLine.Parse(["--state", folder.Path]).Resolve()).Message, "chmod go-w");
    }

    [TestMethod]
    [DataRow("frob", "unknown verb \"frob\": must be run, install, uninstall, start, stop, status, set-recovery, repair, install-driver, remove-driver, clean-host or safety-net")]
    [DataRow("--frob", "unknown option \"--frob\": must be --datapath, --log-level, --reader-group, --prometheus, --metrics, --idle-timeout, --announce, --state, --pipe, --service-name")]
    [DataRow("start --pipe x", "unknown option \"--pipe\": must be --service-name")]
    [DataRow("--pipe", "argument of \"--pipe\" must be the name of a pipe")]
    [DataRow("--pipe a --pipe b", "\"--pipe\" must be given once")]
    [DataRow("--service-name a/b", "argument of \"--service-name\" must be 1 to 80 letters")]
    [DataRow("--prometheus 192.0.2.1:9464", "argument of \"--prometheus\" must be a loopback address and a port, such as 127.0.0.1:9464 or [::1]:9464: metrics are for this host alone")]
    [DataRow("--prometheus 127.0.0.1", "argument of \"--prometheus\" must be")]
    [DataRow("--prometheus ::1", "argument of \"--prometheus\" must be")]
    [DataRow("--prometheus localhost:80", "argument of \"--prometheus\" must be")]
    [DataRow("--datapath filter", "argument of \"--datapath\" must be")]
    public void Wrong_command_line_is_refused_with_what_is_legal(string line, string error) =>
        StringAssert.StartsWith(Assert.ThrowsExactly<SettingsException>(() => CommandLine.Parse(line.Split(' '))).Message, error);

    [TestMethod]
    public void Installed_service_is_started_with_what_install_was_given()
    {
        var line = CommandLine.Parse(["install", "--metrics", "port", "--pipe", "p", "--service-name", "S1", "--idle-timeout", "5"]);
        Assert.AreEqual("--service-name S1 --pipe p --metrics port --idle-timeout 5", string.Join(' ', line.RunArguments));
        Assert.AreEqual("run", CommandLine.Parse(line.RunArguments).Verb);
        Assert.IsTrue(CommandLine.Parse(["install", "--help"]).IsHelp);
        foreach (var setting in Setting.All)
            StringAssert.Contains(CommandLine.Usage, setting.Option);
    }
}
