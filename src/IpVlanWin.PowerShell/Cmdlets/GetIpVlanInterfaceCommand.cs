using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>Shows interfaces.</summary>
/// <remarks>
/// Shows the interfaces of the service with their state, MTU and addresses. A name without wildcards that does not exist is an error. What
/// was asked for is Admin; what came of it is State, with the Reason where they differ.
/// </remarks>
/// <example><code>Get-IpVlanInterface ipvl*</code><para>Shows all interfaces whose names begin with ipvl.</para></example>
/// <example><code>Get-IpVlanInterface -InterfaceAlias Ethernet | Where-Object State -eq error | Format-List</code><para>Shows what is wrong with the interfaces of the master Ethernet.</para></example>
[Cmdlet(VerbsCommon.Get, "IpVlanInterface", DefaultParameterSetName = ParameterSets.Name)]
[OutputType(typeof(InterfaceRecord))]
public sealed class GetIpVlanInterfaceCommand : FindCmdlet
{
    private protected override object Find(NameFilter? name, NameFilter? master) => new InterfaceActions(Link).Find(name, master);
}
