using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>Finds what is wrong with the configuration.</summary>
/// <remarks>
/// Without -Path, shows what of the running configuration is not as it was asked for: ports and interfaces that are not up, addresses that are
/// not in use. With -Path, lets the service judge a file as Import-IpVlanConfiguration would, changing nothing, and shows its first fault.
/// Shows nothing where all is well.
/// </remarks>
/// <example><code>Test-IpVlanConfiguration</code><para>Shows what is wrong with what runs.</para></example>
/// <example><code>if (Test-IpVlanConfiguration new.json -Quiet) { Import-IpVlanConfiguration new.json }</code><para>Imports a file only if the service would take it.</para></example>
[Cmdlet(VerbsDiagnostic.Test, "IpVlanConfiguration")]
[OutputType(typeof(ConfigurationFinding), typeof(bool))]
public sealed class TestIpVlanConfigurationCommand : IpVlanCmdlet
{
    /// <summary>The file; without it, what runs.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("FullName")]
    [ValidateNotNullOrEmpty]
    public string? Path { get; set; }

    /// <summary>Gives true where nothing is wrong and false where something is.</summary>
    [Parameter]
    public SwitchParameter Quiet { get; set; }

    /// <summary>Judges it.</summary>
    protected override void ProcessRecord() =>
        Attempt(Path, () =>
        {
            var configuration = new ConfigurationActions(Link);
            var found = Path is null ? configuration.Test() : configuration.Test(FilePath(Path));
            Give(Quiet ? found.Count == 0 : found);
        });
}
