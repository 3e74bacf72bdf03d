using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>Changes interfaces.</summary>
/// <remarks>Changes what is given and leaves the rest. The addresses stay, also where the interface moves to another namespace.</remarks>
/// <example><code>Set-IpVlanInterface ipvl0 -Mtu 1400 -Admin up</code><para>Sets the MTU of ipvl0 and sets it up.</para></example>
/// <example><code>Get-IpVlanInterface -InterfaceAlias Ethernet | Set-IpVlanInterface -Namespace '' -PassThru</code><para>Moves all interfaces of the master Ethernet to the host, and shows them.</para></example>
[Cmdlet(VerbsCommon.Set, "IpVlanInterface", SupportsShouldProcess = true)]
[OutputType(typeof(InterfaceRecord))]
public sealed class SetIpVlanInterfaceCommand : InterfaceCmdlet
{
    /// <summary>Up or down.</summary>
    [Parameter]
    [ValidateSet("up", "down")]
    public string? Admin { get; set; }

    /// <summary>MTU in bytes of IP packet, at most the master's.</summary>
    [Parameter]
    [ValidateRange(68, 65535)]
    public int? Mtu { get; set; }

    /// <summary>Where its stack lives: name of a network namespace, or of a container's compartment; empty for the host.</summary>
    [Parameter]
    [AllowEmptyString]
    public string? Namespace { get; set; }

    /// <summary>Refuses the change where the interface is not at this version any more.</summary>
    [Parameter]
    public long? Version { get; set; }

    /// <summary>Multicast groups to join beside those of its stack, as MAC addresses.</summary>
    [Parameter]
    public string[]? JoinGroup { get; set; }

    /// <summary>Multicast groups to leave that it was told to join, as MAC addresses.</summary>
    [Parameter]
    public string[]? LeaveGroup { get; set; }

    private protected override object? Change(string name) =>
        new InterfaceActions(Link).Change(new InterfaceChange { Name = name, Admin = Admin, Mtu = Mtu, Namespace = Namespace, Version = Version }, PassThru, JoinGroup, LeaveGroup);
}
