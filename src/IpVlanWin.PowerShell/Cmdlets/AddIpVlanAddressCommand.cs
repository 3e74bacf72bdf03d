using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>Adds addresses to an interface.</summary>
/// <remarks>Adds IPv4 or IPv6 addresses. An address belongs to one interface of a master; where another one has it, the error names the owner.</remarks>
/// <example><code>Add-IpVlanAddress ipvl0 10.0.0.2/24, fd00::2/64</code><para>Adds an IPv4 and an IPv6 address to ipvl0.</para></example>
/// <example><code>Get-IpVlanInterface ipvl0 | Add-IpVlanAddress -IPAddress 10.0.0.3 -PrefixLength 24 -PassThru</code><para>Adds an address whose prefix length is given apart, and shows it.</para></example>
[Cmdlet(VerbsCommon.Add, "IpVlanAddress", SupportsShouldProcess = true)]
[OutputType(typeof(AddressRecord))]
public sealed class AddIpVlanAddressCommand : AddressCmdlet
{
    private protected override AddressRecord? Change(AddressSpec spec) => new AddressActions(Link).Add(spec, PassThru);
}
