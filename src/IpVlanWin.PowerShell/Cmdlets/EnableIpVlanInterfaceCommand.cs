using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>Sets interfaces up.</summary>
/// <remarks>Sets interfaces up. They carry traffic as soon as their master is up too.</remarks>
/// <example><code>Enable-IpVlanInterface ipvl0, ipvl1</code><para>Sets the interfaces ipvl0 and ipvl1 up.</para></example>
/// <example><code>Get-IpVlanInterface -InterfaceAlias Ethernet | Enable-IpVlanInterface -PassThru</code><para>Sets all interfaces of the master Ethernet up, and shows them.</para></example>
[Cmdlet(VerbsLifecycle.Enable, "IpVlanInterface", SupportsShouldProcess = true)]
[OutputType(typeof(InterfaceRecord))]
public sealed class EnableIpVlanInterfaceCommand : InterfaceCmdlet
{
    private protected override object? Change(string name) => new InterfaceActions(Link).Change(new InterfaceChange { Name = name, Admin = "up" }, PassThru);
}
