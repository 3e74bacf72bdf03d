using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>Makes an interface.</summary>
/// <remarks>
/// Makes an interface that shares the MAC address of its master. The first interface of a master makes its port; mode, flag and data path
/// belong to the port, so -Mode and -Flag change every interface of the master. Columns of a table are taken by their names.
/// </remarks>
/// <example><code>New-IpVlanInterface ipvl0 Ethernet -Mode l2 -Admin up -IPAddress 10.0.0.2/24</code><para>Makes the interface ipvl0 on the adapter Ethernet, sets it up and gives it an address.</para></example>
/// <example><code>Import-Csv interfaces.csv | New-IpVlanInterface -InterfaceAlias Ethernet</code><para>Makes an interface for each line of a file with columns such as Name and IPAddress; several addresses of one line are set apart by blanks.</para></example>
[Cmdlet(VerbsCommon.New, "IpVlanInterface", DefaultParameterSetName = ParameterSets.Alias, SupportsShouldProcess = true)]
[OutputType(typeof(InterfaceRecord))]
public sealed class NewIpVlanInterfaceCommand : MasterCmdlet
{
    /// <summary>Its name: 1 to 15 visible characters but '/', ':' and '%', unique in the service.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateLength(1, 15)]
    public string Name { get; set; } = "";

    /// <summary>Mode of the whole port; without it l3 for a new port, and what it is for one that exists.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateSet("l2", "l3", "l3s")]
    public string? Mode { get; set; }

    /// <summary>Flag of the whole port; without it bridge for a new port, and what it is for one that exists.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateSet("bridge", "private", "vepa")]
    public string? Flag { get; set; }

    /// <summary>Data path of a port that is made by this; without it auto.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateSet("auto", "filter", "windivert", "linux", "memory")]
    public string? Datapath { get; set; }

    /// <summary>Whether it begins up or down; without it down, as on Linux.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateSet("up", "down")]
    public string? Admin { get; set; }

    /// <summary>MTU in bytes of IP packet, at most the master's; without it the master's is followed.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateRange(68, 65535)]
    public int? Mtu { get; set; }

    /// <summary>Where its stack lives: name of a network namespace, or of a container's compartment; without it the host.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? Namespace { get; set; }

    /// <summary>Its addresses, each with a prefix length, such as 10.0.0.2/24.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("Address")]
    public string[]? IPAddress { get; set; }

    /// <summary>Makes it.</summary>
    protected override void ProcessRecord() =>
        Attempt(Name, () => Give(new InterfaceActions(Link).New(new InterfaceSpec
        {
            Name = Name, Master = Master, Mode = Mode, Flag = Flag, Datapath = Datapath, Admin = Admin, Mtu = Mtu, Namespace = Namespace,
            Addresses = AddressActions.Split(IPAddress),
        })));
}
