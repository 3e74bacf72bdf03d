using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>Stops captures.</summary>
/// <remarks>Stops captures that Start-IpVlanCapture began in this PowerShell, waits until all recorded frames are in the file, and closes it.</remarks>
/// <example><code>$capture | Stop-IpVlanCapture -PassThru</code><para>Stops a capture, and shows how many frames were recorded and lost.</para></example>
/// <example><code>Stop-IpVlanCapture</code><para>Stops all captures of this PowerShell.</para></example>
[Cmdlet(VerbsLifecycle.Stop, "IpVlanCapture", SupportsShouldProcess = true)]
[OutputType(typeof(CaptureSession))]
public sealed class StopIpVlanCaptureCommand : IpVlanCmdlet
{
    /// <summary>Numbers of captures; without it, all.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    public long[]? Id { get; set; }

    /// <summary>Gives the capture with its totals; without it nothing is given.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <summary>Stops each.</summary>
    protected override void ProcessRecord()
    {
        if (Id is null)
            Attempt(null, () => Stop(null));
        foreach (var id in Id ?? [])
            Attempt(id, () => Stop(id));
    }

    private void Stop(long? id)
    {
        var captures = new CaptureActions(Link, static () => new ControlClient());
        foreach (var session in CaptureActions.Find(id))
        {
            Attempt(session, () =>
            {
                if (captures.Stop(session) is { } stopped && PassThru)
                    WriteObject(stopped);
            });
        }
    }
}
