using IpVlanWin.Protocol;
using IpVlanWin.Service.State;

namespace IpVlanWin.Service.Lifetime;

/// <summary>What `ipvlansvc` was called with.</summary>
internal sealed class CommandLine
{
    private static readonly string[] s_verbs = ["run", "install", "uninstall", "start", "stop", "status", "set-recovery", "repair", "install-driver", "remove-driver", "clean-host", "safety-net"];

    private readonly List<(Setting Setting, string Value)> _settings = [];
    private string? _folder;
    private string? _pipeName;

    private CommandLine()
    {
    }

    /// <summary>All there is to type.</summary>
    public static string Usage { get; } =
        $"""
        usage: ipvlansvc [run] [--state FOLDER] [--pipe NAME] [--service-name NAME] {string.Join(' ', Setting.All.Select(static one => $"[{one.Option} {one.Placeholder}]"))}
               ipvlansvc install [what run takes]
               ipvlansvc uninstall|start|stop|status|set-recovery|repair [--service-name NAME]
               ipvlansvc install-driver [--driver FOLDER] | remove-driver
               ipvlansvc clean-host [--data keep|remove] [--state FOLDER]
               ipvlansvc safety-net --port KEY        (started by the service itself)
        """;

    /// <summary>One of the verbs.</summary>
    public string Verb { get; private set; } = "run";

    /// <summary>--help was asked for.</summary>
    public bool IsHelp { get; private set; }

    /// <summary>The name in the Windows service manager and the event log.</summary>
    public string ServiceName { get; private set; } = ServiceOptions.DefaultServiceName;

    /// <summary>clean-host removes settings and state too.</summary>
    public bool RemovesData { get; private set; }

    /// <summary>safety-net: which port's.</summary>
    public string? PortKey { get; private set; }

    /// <summary>install-driver: where the package is.</summary>
    public string DriverFolder { get; private set; } = Path.Combine(AppContext.BaseDirectory, "driver");

    /// <summary>The state's folder.</summary>
    public string Folder => _folder ?? StateFolder.Default();

    /// <summary>The pipe as .NET wants it.</summary>
    /// <exception cref="ControlException">None was given and there is no default.</exception>
    public string PipeName => _pipeName ?? ControlEndpoint.Default;

    /// <summary>The options as they were given, for an installed service to be started with.</summary>
    public IReadOnlyList<string> RunArguments
    {
        get
        {
            var all = new List<string>();
            if (ServiceName != ServiceOptions.DefaultServiceName)
                all.AddRange(["--service-name", ServiceName]);
            if (_folder is not null)
                all.AddRange(["--state", _folder]);
            if (_pipeName is not null)
                all.AddRange(["--pipe", _pipeName]);
            foreach (var (setting, value) in _settings)
                all.AddRange([setting.Option, value]);
            return all;
        }
    }

    /// <exception cref="SettingsException">Something is not understood.</exception>
    public static CommandLine Parse(IReadOnlyList<string> arguments)
    {
        var line = new CommandLine();
        var at = 0;
        if (arguments.Count > 0 && !arguments[0].StartsWith('-'))
        {
            line.Verb = s_verbs.Contains(arguments[0]) ? arguments[0]
                : throw new SettingsException($"unknown verb \"{arguments[0]}\": must be {string.Join(", ", s_verbs[..^1])} or {s_verbs[^1]}");
            at = 1;
        }
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (; at < arguments.Count; at += 2)
        {
            var option = arguments[at];
            if (option is "--help" or "-h")
            {
                line.IsHelp = true;
                return line;
            }
            line.Take(option, at + 1 < arguments.Count ? arguments[at + 1] : null);
            if (!seen.Add(option))
                throw new SettingsException($"\"{option}\" must be given once");
        }
        return line;
    }

    /// <summary>The options: the settings file's, and over them the command line's.</summary>
    /// <exception cref="SettingsException">The file is wrong.</exception>
    /// <exception cref="StateException">The folder cannot be made or closed to others.</exception>
    public ServiceOptions Resolve()
    {
        // Closed to others before anything in it is believed.
        StateFolder.Prepare(Folder);
        return Over(SettingsFile.Read(Folder, new ServiceOptions()));
    }

    private ServiceOptions Over(ServiceOptions options)
    {
        foreach (var (setting, value) in _settings)
            options = setting.Apply(options, value)!;
        return options;
    }

    private void Take(string option, string? value)
    {
        var takesAll = Verb is "run" or "install";
        switch (option)
        {
            case "--service-name":
                ServiceName = value is { Length: > 0 and <= 80 } && value.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')
                    ? value : throw Refusal(option, "1 to 80 letters, digits, '-', '_' or '.'");
                return;
            case "--data" when Verb == "clean-host":
                RemovesData = value is "keep" or "remove" ? value == "remove" : throw Refusal(option, "keep or remove");
                return;
            case "--driver" when Verb == "install-driver":
                DriverFolder = value is { Length: > 0 } ? Path.GetFullPath(value) : throw Refusal(option, "the folder of the driver's package");
                return;
            case "--port" when Verb == "safety-net":
                PortKey = value is { Length: > 0 and <= 80 } && value.All(static c => char.IsAsciiLetterOrDigit(c) || c == '-')
                    ? value : throw Refusal(option, "1 to 80 letters, digits or '-'");
                return;
            case "--state" when takesAll || Verb == "clean-host":
                _folder = value is { Length: > 0 } ? Path.GetFullPath(value) : throw Refusal(option, "a folder");
                return;
            case "--pipe" when takesAll:
                _pipeName = value is { Length: > 0 } ? value : throw Refusal(option, "the name of a pipe, or on Linux the full path of a socket");
                return;
        }
        var setting = takesAll ? Setting.All.FirstOrDefault(one => one.Option == option) : null;
        if (setting is null)
            throw new SettingsException($"unknown option \"{option}\": must be {string.Join(", ", OptionsOf(Verb))}");
        _settings.Add(value is not null && setting.Apply(new ServiceOptions(), value) is not null ? (setting, value) : throw Refusal(option, setting.Legal));
    }

    private static IEnumerable<string> OptionsOf(string verb) => verb switch
    {
        "run" or "install" => [.. Setting.All.Select(static one => one.Option), "--state", "--pipe", "--service-name"],
        "clean-host" => ["--data", "--state", "--service-name"],
        "safety-net" => ["--port", "--service-name"],
        "install-driver" => ["--driver", "--service-name"],
        _ => ["--service-name"],
    };

    private static SettingsException Refusal(string option, string legal) => new($"argument of \"{option}\" must be {legal}");
}
