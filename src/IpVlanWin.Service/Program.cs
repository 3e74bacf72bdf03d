using IpVlanWin.Service;
using IpVlanWin.Service.Lifetime;
using IpVlanWin.Service.Lifetime.Windows;

CommandLine line;
try
{
    line = CommandLine.Parse(args);
}
catch (SettingsException fault)
{
    Console.Error.WriteLine($"ipvlansvc: {fault.Message}");
    return (int)ExitStatus.BadSettings;
}
if (line.IsHelp)
{
    Console.WriteLine(CommandLine.Usage);
    return (int)ExitStatus.Ok;
}
if (line.Verb != "run")
    return (int)ServiceVerbs.Run(line, Console.Out, Console.Error);

if (OperatingSystem.IsWindows())
{
    // Whoever starts this is asked first; a prompt is no service manager.
    var exit = ManagedRun.TryRun(line);
    if (exit is { } ended)
        return (int)ended;
}

var journal = Systemd.IsJournal(Environment.GetEnvironmentVariable("JOURNAL_STREAM"));
using var signals = Systemd.OpenLifetime(message => new ServiceLog(Console.Out) { IsJournal = journal }.Warning("systemd", message));
return (int)await ServiceRun.RunAsync(line, signals, least => new ServiceLog(Console.Out) { Least = least, IsJournal = journal }, journal ? TextWriter.Null : Console.Error).ConfigureAwait(false);
