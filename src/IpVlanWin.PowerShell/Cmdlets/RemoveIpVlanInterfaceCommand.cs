using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>Removes interfaces.</summary>
/// <remarks>Removes interfaces with their addresses; their connections end. With the last interface of a master its port goes. Asks first; -Confirm:$false does not.</remarks>
/// <example><code>Remove-IpVlanInterface ipvl0</code><para>Asks, and removes the interface ipvl0.</para></example>
/// <example><code>Get-IpVlanInterface ipvl* | Remove-IpVlanInterface -Confirm:$false</code><para>Removes all interfaces whose names begin with ipvl, without asking.</para></example>
[Cmdlet(VerbsCommon.Remove, "IpVlanInterface", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(InterfaceRecord))]
public sealed class RemoveIpVlanInterfaceCommand : InterfaceCmdlet
{
    private protected override object? Change(string name) => new InterfaceActions(Link).Remove(name, PassThru);
}
