using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>A cmdlet that is given one master, by name or by index.</summary>
public abstract class MasterCmdlet : IpVlanCmdlet
{
    /// <summary>The master: name of an adapter, or of an interface, which means that one's master.</summary>
    [Parameter(Mandatory = true, Position = 1, ParameterSetName = ParameterSets.Alias, ValueFromPipelineByPropertyName = true)]
    [Alias("Master")]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(AdapterCompleter))]
    public string? InterfaceAlias { get; set; }

    /// <summary>The master: interface index of an adapter.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ParameterSets.Index, ValueFromPipelineByPropertyName = true)]
    [ValidateRange(1u, uint.MaxValue)]
    public uint? InterfaceIndex { get; set; }

    /// <summary>The master's name; null where an interface is named instead.</summary>
    private protected string? Master => InterfaceIndex is { } index ? Masters.NameOf(index) : InterfaceAlias;
}
