using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>Shows addresses of interfaces.</summary>
/// <remarks>
/// Shows the IPv4 and IPv6 addresses with their prefix lengths. State is preferred where the address is in use, tentative while it is not
/// yet, and duplicate where somebody else has it.
/// </remarks>
/// <example><code>Get-IpVlanAddress ipvl0</code><para>Shows the addresses of the interface ipvl0.</para></example>
/// <example><code>Get-IpVlanAddress -IPAddress 10.0.0.* | Remove-IpVlanAddress -WhatIf</code><para>Shows what removing all addresses that begin with 10.0.0. would do.</para></example>
[Cmdlet(VerbsCommon.Get, "IpVlanAddress", DefaultParameterSetName = ParameterSets.Name)]
[OutputType(typeof(AddressRecord))]
public sealed class GetIpVlanAddressCommand : FindCmdlet
{
    /// <summary>Only these addresses, with or without prefix length; wildcards are allowed.</summary>
    [Parameter]
    [Alias("Prefix")]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string? IPAddress { get; set; }

    private protected override object Find(NameFilter? name, NameFilter? master) =>
        new AddressActions(Link).Find(name, master, IPAddress is null ? null : Filter(IPAddress));
}
