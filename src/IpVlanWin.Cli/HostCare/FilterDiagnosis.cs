using System.Globalization;
using IpVlanWin.Datapath.Filter;

namespace IpVlanWin.Cli.HostCare;

/// <summary>Facts of the filter driver to findings. Pure. Without a port that asks for it, it is nobody's loss.</summary>
internal static class FilterDiagnosis
{
    private const string Check = "filter", PutIn = "ipvlansvc install-driver";

    public static IEnumerable<Finding> Judge(FilterFacts facts)
    {
        var isWanted = facts.Masters.Count > 0;
        var level = isWanted ? FindingLevel.Fail : FindingLevel.Warn;
        var who = string.Join(' ', facts.Masters.Select(static master => master.Name));
        if (!facts.IsInstalled && !isWanted)
            return [new Finding(Check, FindingLevel.Ok, "the filter driver is not installed, and no port asks for it")];
        if (!facts.IsInstalled)
            return [new Finding(Check, FindingLevel.Fail, $"the filter driver is not installed, and ports ask for it: {who}", PutIn)];
        if (!facts.IsRunning)
            return [new Finding(Check, level, "the filter driver is installed and does not run", $"sc start ipvlan; where Windows refuses its signature, put in a signed one: {PutIn}")];
        if (facts.Fault is { } fault)
            return [new Finding(Check, level, fault)];
        var works = new Finding(Check, FindingLevel.Ok, string.Create(CultureInfo.InvariantCulture, $"driver {facts.DriverVersion} answers and speaks version {FilterLook.InterfaceVersion} of its interface"));
        return [works, .. facts.Masters.Select(Judge)];
    }

    private static Finding Judge(FilterMasterFacts master)
    {
        var check = $"filter on {master.Name}";
        if (!master.IsThere)
            return new Finding(check, FindingLevel.Warn, "there is no adapter of that name now", "plug it in; where it was renamed, its port goes on");
        if (master.Refusal is { } refusal)
            return new Finding(check, FindingLevel.Fail, refusal);
        if (master.IsBound is null)
            return new Finding(check, FindingLevel.Fail, "Windows does not list the filter among its bindings", PutIn);
        if (master.IsBound is false)
            return new Finding(check, FindingLevel.Fail, "the filter is not bound to it", $"Enable-NetAdapterBinding -Name '{master.Name}' -ComponentID {FilterPortHostSettings.Component}; the service does it too: if it does not last, something takes it off");
        if (!master.HasPort)
            return new Finding(check, FindingLevel.Fail, "it is bound, and the driver has no port over it", "ipvlan service stop, ipvlan service start");
        if (!master.IsAttached)
            return new Finding(check, FindingLevel.Warn, "it is bound, and the driver does not have the adapter", $"Restart-NetAdapter -Name '{master.Name}'");
        return new Finding(check, FindingLevel.Ok, "it is bound, and the driver has its port");
    }
}
