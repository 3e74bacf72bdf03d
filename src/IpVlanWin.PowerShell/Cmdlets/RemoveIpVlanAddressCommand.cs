using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>Removes addresses from an interface.</summary>
/// <remarks>Removes addresses; address and prefix length must both be as they were added. Asks first; -Confirm:$false does not.</remarks>
/// <example><code>Remove-IpVlanAddress ipvl0 10.0.0.2/24</code><para>Asks, and removes an address from ipvl0.</para></example>
/// <example><code>Get-IpVlanAddress ipvl0 | Remove-IpVlanAddress -Confirm:$false</code><para>Removes all addresses from ipvl0, without asking.</para></example>
[Cmdlet(VerbsCommon.Remove, "IpVlanAddress", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(AddressRecord))]
public sealed class RemoveIpVlanAddressCommand : AddressCmdlet
{
    private protected override AddressRecord? Change(AddressSpec spec) => new AddressActions(Link).Remove(spec, PassThru);
}
