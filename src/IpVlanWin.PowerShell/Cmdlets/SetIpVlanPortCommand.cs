using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>Changes ports.</summary>
/// <remarks>Changes mode, flag or data path of a master, and so of all its interfaces, while they run. What is not given stays.</remarks>
/// <example><code>Set-IpVlanPort Ethernet -Mode l3s</code><para>Sets the port of the adapter Ethernet to mode l3s.</para></example>
/// <example><code>Get-IpVlanPort | Set-IpVlanPort -Flag private -WhatIf</code><para>Shows what keeping all interfaces from each other would do.</para></example>
[Cmdlet(VerbsCommon.Set, "IpVlanPort", DefaultParameterSetName = ParameterSets.Alias, SupportsShouldProcess = true)]
[OutputType(typeof(PortRecord))]
public sealed class SetIpVlanPortCommand : IpVlanCmdlet
{
    /// <summary>The masters, by their names.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = ParameterSets.Alias, ValueFromPipelineByPropertyName = true)]
    [Alias("Master", "Port")]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(PortCompleter))]
    public string[]? InterfaceAlias { get; set; }

    /// <summary>The masters, by their interface indexes.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ParameterSets.Index)]
    [ValidateRange(1u, uint.MaxValue)]
    public uint[]? InterfaceIndex { get; set; }

    /// <summary>The mode: l2 switches frames, l3 routes packets, l3s routes them in sight of the host.</summary>
    [Parameter]
    [ValidateSet("l2", "l3", "l3s")]
    public string? Mode { get; set; }

    /// <summary>The flag: bridge lets interfaces reach each other, private does not, vepa sends everything to the adjacent switch.</summary>
    [Parameter]
    [ValidateSet("bridge", "private", "vepa")]
    public string? Flag { get; set; }

    /// <summary>The data path.</summary>
    [Parameter]
    [ValidateSet("auto", "filter", "windivert", "linux", "memory")]
    public string? Datapath { get; set; }

    /// <summary>Refuses the change where the port is not at this version any more.</summary>
    [Parameter]
    public long? Version { get; set; }

    /// <summary>Gives the port that was changed; without it nothing is given.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <summary>Changes each.</summary>
    protected override void ProcessRecord()
    {
        foreach (var alias in InterfaceAlias ?? [])
            Attempt(alias, () => Change(alias));
        foreach (var index in InterfaceIndex ?? [])
            Attempt(index, () => Change(Masters.NameOf(index)));
    }

    private void Change(string master) =>
        Give(new PortActions(Link).Change(new PortChange { Master = master, Mode = Mode, Flag = Flag, Datapath = Datapath, Version = Version }, PassThru));
}
