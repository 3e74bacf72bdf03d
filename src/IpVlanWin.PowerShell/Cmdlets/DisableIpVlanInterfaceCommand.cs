using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>Sets interfaces down.</summary>
/// <remarks>Sets interfaces down. They keep their addresses and carry no traffic.</remarks>
/// <example><code>Disable-IpVlanInterface ipvl0, ipvl1</code><para>Sets the interfaces ipvl0 and ipvl1 down.</para></example>
/// <example><code>Get-IpVlanInterface -InterfaceAlias Ethernet | Disable-IpVlanInterface -PassThru</code><para>Sets all interfaces of the master Ethernet down, and shows them.</para></example>
[Cmdlet(VerbsLifecycle.Disable, "IpVlanInterface", SupportsShouldProcess = true)]
[OutputType(typeof(InterfaceRecord))]
public sealed class DisableIpVlanInterfaceCommand : InterfaceCmdlet
{
    private protected override object? Change(string name) => new InterfaceActions(Link).Change(new InterfaceChange { Name = name, Admin = "down" }, PassThru);
}
