using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>Renames an interface.</summary>
/// <remarks>Gives an interface another name. It stays up, and keeps its addresses and connections.</remarks>
/// <example><code>Rename-IpVlanInterface ipvl0 blue</code><para>Renames ipvl0 to blue.</para></example>
/// <example><code>Import-Csv names.csv | Rename-IpVlanInterface -PassThru</code><para>Renames by a file with the columns Name and NewName, and shows the interfaces.</para></example>
[Cmdlet(VerbsCommon.Rename, "IpVlanInterface", SupportsShouldProcess = true)]
[OutputType(typeof(InterfaceRecord))]
public sealed class RenameIpVlanInterfaceCommand : IpVlanCmdlet
{
    /// <summary>The interface.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("Interface")]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(InterfaceCompleter))]
    public string Name { get; set; } = "";

    /// <summary>Its new name: 1 to 15 visible characters but '/', ':' and '%', unique in the service.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateLength(1, 15)]
    public string NewName { get; set; } = "";

    /// <summary>Gives the object that was changed; without it nothing is given.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <summary>Renames it.</summary>
    protected override void ProcessRecord() =>
        Attempt(Name, () => Give(new InterfaceActions(Link).Change(new InterfaceChange { Name = Name, NewName = NewName }, PassThru)));
}
