using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>Shows what would become of a frame, and why.</summary>
/// <remarks>
/// Asks the data path what it would do with a frame: one that is given in hexadecimal, or one that is built from protocol and addresses.
/// The answer says who gets it and which rule decided each step. Nothing is sent, and no counter moves.
/// </remarks>
/// <example><code>Trace-IpVlanFrame ipvl0 -Protocol tcp -Source 10.0.0.2 -Destination 10.0.0.3 -DestinationPort 443</code><para>Shows where a TCP packet goes that ipvl0 sends.</para></example>
/// <example><code>(Trace-IpVlanFrame -InterfaceAlias Ethernet -Protocol arp -Source 10.0.0.9 -Destination 10.0.0.2).Steps</code><para>Shows, rule by rule, who answers an ARP request from the wire.</para></example>
[Cmdlet(VerbsDiagnostic.Trace, "IpVlanFrame", DefaultParameterSetName = ParameterSets.Name)]
[OutputType(typeof(TraceReply))]
public sealed class TraceIpVlanFrameCommand : MasterCmdlet
{
    /// <summary>The interface that sends it; with -Direction from-wire only its port counts.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = ParameterSets.Name, ValueFromPipelineByPropertyName = true)]
    [Alias("Interface")]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(InterfaceCompleter))]
    public string? Name { get; set; }

    /// <summary>Where it comes from; without it from-interface where -Name is given, else from-wire.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateSet("from-wire", "from-interface")]
    public string? Direction { get; set; }

    /// <summary>The frame in hexadecimal, Ethernet header first, without checksum; blanks and colons are skipped. Excludes what describes one.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string? Frame { get; set; }

    /// <summary>Its protocol; icmp is ICMPv6 between IPv6 addresses.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateSet("tcp", "udp", "icmp", "arp")]
    public string? Protocol { get; set; }

    /// <summary>Its source address; the sender's of an ARP request.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? Source { get; set; }

    /// <summary>Its destination address; the target's of an ARP request.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? Destination { get; set; }

    /// <summary>Source port of tcp and udp; without it 49152.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateRange(0, 65535)]
    public int? SourcePort { get; set; }

    /// <summary>Destination port of tcp and udp; without it 80.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateRange(0, 65535)]
    public int? DestinationPort { get; set; }

    /// <summary>VLAN identifier of a tag; without it none.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateRange(0, 4094)]
    public int? Vlan { get; set; }

    /// <summary>Source MAC; without it the one that fits.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? SourceMac { get; set; }

    /// <summary>Destination MAC; without it the one that fits.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? DestinationMac { get; set; }

    /// <summary>Asks.</summary>
    protected override void ProcessRecord() =>
        Attempt(Name ?? InterfaceAlias ?? (object?)InterfaceIndex, () => Give(new TraceActions(Link).Trace(new TraceSpec
        {
            Interface = Name, Master = Name is null ? Master : null, Direction = Direction, Frame = Frame, Protocol = Protocol, Source = Source,
            Destination = Destination, SourcePort = SourcePort, DestinationPort = DestinationPort, Vlan = Vlan, SourceMac = SourceMac,
            DestinationMac = DestinationMac,
        })));
}
