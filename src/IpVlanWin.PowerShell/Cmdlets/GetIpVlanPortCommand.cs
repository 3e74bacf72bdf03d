using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>Shows ports.</summary>
/// <remarks>Shows the masters that have interfaces, with the mode, flag and data path that all interfaces of a master share.</remarks>
/// <example><code>Get-IpVlanPort</code><para>Shows all ports.</para></example>
/// <example><code>Get-NetAdapter Ethernet | Get-IpVlanPort | Set-IpVlanPort -Mode l2</code><para>Sets the port of the adapter Ethernet to mode l2.</para></example>
[Cmdlet(VerbsCommon.Get, "IpVlanPort", DefaultParameterSetName = ParameterSets.Alias)]
[OutputType(typeof(PortRecord))]
public sealed class GetIpVlanPortCommand : IpVlanCmdlet
{
    /// <summary>The masters, by their names; wildcards are allowed. Without it, all.</summary>
    [Parameter(Position = 0, ParameterSetName = ParameterSets.Alias, ValueFromPipelineByPropertyName = true)]
    [Alias("Master", "Port")]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(PortCompleter))]
    public string[]? InterfaceAlias { get; set; }

    /// <summary>The masters, by their interface indexes.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ParameterSets.Index)]
    [ValidateRange(1u, uint.MaxValue)]
    public uint[]? InterfaceIndex { get; set; }

    /// <summary>Finds each.</summary>
    protected override void ProcessRecord()
    {
        var ports = new PortActions(Link);
        foreach (var alias in InterfaceAlias ?? [])
            Attempt(alias, () => Give(ports.Find(Filter(alias))));
        foreach (var index in InterfaceIndex ?? [])
            Attempt(index, () => Give(ports.Find(new NameFilter(Masters.NameOf(index)))));
        if (InterfaceAlias is null && InterfaceIndex is null)
            Attempt(null, () => Give(ports.Find(null)));
    }
}
