using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>Shows counters of interfaces.</summary>
/// <remarks>
/// Shows frames and bytes that each interface received and sent, and those that were dropped, by reason, since the interface was made or
/// its counters were reset. Bytes include the Ethernet header.
/// </remarks>
/// <example><code>Get-IpVlanStatistics</code><para>Shows the counters of all interfaces.</para></example>
/// <example><code>(Get-IpVlanStatistics ipvl0).Drops</code><para>Shows why frames of ipvl0 were dropped, and how many.</para></example>
[Cmdlet(VerbsCommon.Get, "IpVlanStatistics", DefaultParameterSetName = ParameterSets.Name)]
[OutputType(typeof(StatisticsRecord))]
public sealed class GetIpVlanStatisticsCommand : FindCmdlet
{
    private protected override object Find(NameFilter? name, NameFilter? master) => new StatisticsActions(Link).Find(name, master);
}
