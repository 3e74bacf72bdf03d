using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>Resets counters of interfaces.</summary>
/// <remarks>Lets the counters begin from zero, of the interfaces that are named, or of all with -All.</remarks>
/// <example><code>Reset-IpVlanStatistics ipvl0</code><para>Resets the counters of ipvl0.</para></example>
/// <example><code>Reset-IpVlanStatistics -All</code><para>Resets the counters of all interfaces.</para></example>
[Cmdlet(VerbsCommon.Reset, "IpVlanStatistics", DefaultParameterSetName = ParameterSets.Name, SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class ResetIpVlanStatisticsCommand : IpVlanCmdlet
{
    /// <summary>The interfaces.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = ParameterSets.Name, ValueFromPipelineByPropertyName = true)]
    [Alias("Interface")]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(InterfaceCompleter))]
    public string[]? Name { get; set; }

    /// <summary>All interfaces.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ParameterSets.All)]
    public SwitchParameter All { get; set; }

    /// <summary>Resets each.</summary>
    protected override void ProcessRecord()
    {
        if (All)
            Attempt(null, () => new StatisticsActions(Link).Reset(null));
        foreach (var name in Name ?? [])
            Attempt(name, () => new StatisticsActions(Link).Reset(name));
    }
}
