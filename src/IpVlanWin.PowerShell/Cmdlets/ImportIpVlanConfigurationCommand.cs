using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>Replaces the whole configuration by a file.</summary>
/// <remarks>
/// Removes all ports and interfaces and makes those of a document that Export-IpVlanConfiguration or ipvlan state export wrote; or changes
/// nothing, where any part of it is refused. Asks first; -Confirm:$false does not. Test-IpVlanConfiguration judges a file without changing anything.
/// </remarks>
/// <example><code>Import-IpVlanConfiguration before.json</code><para>Asks, and restores the configuration of the file before.json.</para></example>
/// <example><code>Import-IpVlanConfiguration before.json -Confirm:$false -PassThru</code><para>Restores without asking, and shows what the service has then.</para></example>
[Cmdlet(VerbsData.Import, "IpVlanConfiguration", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(ServiceRecord))]
public sealed class ImportIpVlanConfigurationCommand : IpVlanCmdlet
{
    /// <summary>The file.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("FullName")]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "";

    /// <summary>Gives what the service has afterwards; without it nothing is given.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <summary>Reads it.</summary>
    protected override void ProcessRecord() =>
        Attempt(Path, () =>
        {
            var after = new ConfigurationActions(Link).Import(FilePath(Path));
            if (PassThru)
                Give(after);
        });
}
