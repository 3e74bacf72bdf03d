using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>Captures frames to a file.</summary>
/// <remarks>
/// Writes the frames of an interface, or of a whole port with its master, to a file in format pcapng, until Stop-IpVlanCapture, or until
/// this PowerShell ends. Each frame carries the name of its interface, and the reason where it was dropped.
/// </remarks>
/// <example><code>$capture = Start-IpVlanCapture ipvl0.pcapng -Name ipvl0</code><para>Captures what ipvl0 receives and sends.</para></example>
/// <example><code>Start-IpVlanCapture all.pcapng -InterfaceAlias Ethernet -SnapLength 128 -Force</code><para>Captures the first 128 bytes of the frames of the whole port of the adapter Ethernet, and replaces the file.</para></example>
[Cmdlet(VerbsLifecycle.Start, "IpVlanCapture", DefaultParameterSetName = ParameterSets.Name, SupportsShouldProcess = true)]
[OutputType(typeof(CaptureSession))]
public sealed class StartIpVlanCaptureCommand : MasterCmdlet
{
    /// <summary>The file, which must not be there yet.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "";

    /// <summary>The interface.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ParameterSets.Name, ValueFromPipelineByPropertyName = true)]
    [Alias("Interface")]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(InterfaceCompleter))]
    public string? Name { get; set; }

    /// <summary>Most bytes that are kept of a frame; without it all.</summary>
    [Parameter]
    [ValidateRange(14, 262144)]
    public int? SnapLength { get; set; }

    /// <summary>Bytes of frames that may wait for the file; without it 8 MiB. What comes beyond is counted and not written.</summary>
    [Parameter]
    [ValidateRange(262144, 67108864)]
    public int? QueueBytes { get; set; }

    /// <summary>Replaces a file that is there.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Starts it.</summary>
    protected override void ProcessRecord() =>
        Attempt(Name ?? InterfaceAlias ?? (object?)InterfaceIndex, () =>
        {
            var spec = new CaptureSpec { Interface = Name, Master = Name is null ? Master : null, SnapLength = SnapLength, QueueBytes = QueueBytes };
            Give(new CaptureActions(Link, static () => new ControlClient()).Start(spec, FilePath(Path), Force));
        });
}
