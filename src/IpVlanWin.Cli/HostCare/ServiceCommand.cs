using System.CommandLine;

namespace IpVlanWin.Cli.HostCare;

/// <summary>`ipvlan service`: on Windows the service manager, by the service's own program; on Linux the systemd unit and commands, printed.</summary>
internal static class ServiceCommand
{
    /// <summary>Name of the systemd unit.</summary>
    public const string Unit = "ipvlanwin.service";

    private const string DefaultProgram = "/usr/lib/ipvlanwin/ipvlansvc";
    private const string UnitFolder = "/etc/systemd/system/";

    private static readonly (string Verb, string Description)[] s_verbs =
    [
        ("install", "Install the service, or set it right; on Linux, print the systemd unit."),
        ("uninstall", "Stop and remove the service; its state is kept."),
        ("start", "Start the service and wait until it answers."),
        ("stop", "Stop the service and wait for its end."),
        ("status", "Show how the service is installed and whether it runs."),
    ];

    public static Command Create()
    {
        var command = new Command("service", "Install, start and stop the service (Windows); print the systemd unit and commands (Linux).");
        foreach (var (verb, description) in s_verbs)
            command.Add(Create(verb, description));
        return command;
    }

    /// <summary>What a verb prints on Linux.</summary>
    /// <param name="verb">One of the verbs.</param>
    /// <param name="program">The service's program, for the unit.</param>
    internal static string LinuxText(string verb, string program) => verb switch
    {
        "install" => $"""
            # Save this and start the service, as root:
            #   ipvlan service install > {UnitFolder}{Unit}
            #   systemctl daemon-reload && systemctl enable --now {Unit}
            {ReadUnit().Replace("ExecStart=" + DefaultProgram, "ExecStart=" + UnitWord(program), StringComparison.Ordinal)}
            """,
        "uninstall" => $"systemctl disable --now {Unit} && rm {UnitFolder}{Unit} && systemctl daemon-reload",
        _ => $"systemctl {verb} {Unit}",
    };

    private static Command Create(string verb, string description)
    {
        var serviceName = StrictOption.Text("--service-name", "On Windows, another name than IpVlanWin.", "NAME", "a name");
        var command = new Command(verb, description) { serviceName };
        Option<string?>[] passed = [serviceName];
        if (verb == "install")
        {
            passed =
            [
                serviceName,
                StrictOption.Text("--state", "On Windows, another folder for the state.", "FOLDER", "the name of a folder"),
                StrictOption.Text("--pipe", "On Windows, another pipe.", "NAME", "the name of a pipe"),
            ];
            command.Add(passed[1]);
            command.Add(passed[2]);
        }
        command.SetAction(result =>
        {
            var (output, errors) = (result.InvocationConfiguration.Output, result.InvocationConfiguration.Error);
            if (!OperatingSystem.IsWindows())
            {
                output.WriteLine(LinuxText(verb, SiblingProgram.Find() ?? DefaultProgram));
                return 0;
            }
            var program = SiblingProgram.Find() ?? throw CommandException.Refused($"there is no ipvlansvc.exe in {AppContext.BaseDirectory}: publish or install both programs into one folder");
            return SiblingProgram.Run(program, [verb, .. passed.SelectMany(option => result.GetValue(option) is { } value ? new[] { option.Name, value } : [])], output, errors);
        });
        return command;
    }

    /// <summary>A path as a unit file wants it (systemd.service(5), systemd.unit(5)).</summary>
    private static string UnitWord(string path)
    {
        var word = path.Replace("%", "%%", StringComparison.Ordinal);
        return word.Contains(' ', StringComparison.Ordinal) ? $"\"{word}\"" : word;
    }

    private static string ReadUnit()
    {
        using var reader = new StreamReader(typeof(ServiceCommand).Assembly.GetManifestResourceStream(Unit)!);
        return reader.ReadToEnd().TrimEnd('\n');
    }
}
