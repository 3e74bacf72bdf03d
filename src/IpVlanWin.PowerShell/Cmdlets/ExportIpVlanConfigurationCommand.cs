using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>Writes the whole configuration to a file.</summary>
/// <remarks>Writes ports, interfaces and addresses of one moment as a JSON document, which Import-IpVlanConfiguration and ipvlan state import read.</remarks>
/// <example><code>Export-IpVlanConfiguration before.json</code><para>Writes the configuration to the file before.json.</para></example>
/// <example><code>Export-IpVlanConfiguration latest.json -Force -PassThru</code><para>Replaces the file latest.json, and shows it.</para></example>
[Cmdlet(VerbsData.Export, "IpVlanConfiguration", SupportsShouldProcess = true)]
[OutputType(typeof(FileInfo))]
public sealed class ExportIpVlanConfigurationCommand : IpVlanCmdlet
{
    /// <summary>The file, which must not be there yet.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "";

    /// <summary>Replaces a file that is there.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Gives the file; without it nothing is given.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <summary>Writes it.</summary>
    protected override void ProcessRecord() =>
        Attempt(Path, () =>
        {
            if (new ConfigurationActions(Link).Export(FilePath(Path), Force) && PassThru)
                WriteObject(new FileInfo(FilePath(Path)));
        });
}
