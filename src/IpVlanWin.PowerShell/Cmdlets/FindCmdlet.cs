using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>A cmdlet that shows what belongs to interfaces, chosen by name and by master.</summary>
public abstract class FindCmdlet : IpVlanCmdlet
{
    /// <summary>The interfaces; wildcards are allowed. Without it, all.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("Interface")]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(InterfaceCompleter))]
    public string[]? Name { get; set; }

    /// <summary>Only what belongs to these masters, by their names; wildcards are allowed.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ParameterSets.Alias, ValueFromPipelineByPropertyName = true)]
    [Alias("Master")]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(PortCompleter))]
    public string[]? InterfaceAlias { get; set; }

    /// <summary>Only what belongs to these masters, by their interface indexes.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ParameterSets.Index)]
    [ValidateRange(1u, uint.MaxValue)]
    public uint[]? InterfaceIndex { get; set; }

    /// <summary>Finds for each name and each master.</summary>
    protected override void ProcessRecord()
    {
        NameFilter?[] names = Name is null ? [null] : [.. Name.Select(Filter)];
        foreach (var name in names)
        {
            foreach (var alias in InterfaceAlias ?? [])
                Attempt(name?.Text ?? alias, () => Give(Find(name, Filter(alias))));
            foreach (var index in InterfaceIndex ?? [])
                Attempt(name?.Text ?? (object)index, () => Give(Find(name, new NameFilter(Masters.NameOf(index)))));
            if (InterfaceAlias is null && InterfaceIndex is null)
                Attempt(name?.Text, () => Give(Find(name, null)));
        }
    }

    private protected abstract object Find(NameFilter? name, NameFilter? master);
}
