using System.Management.Automation;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>A cmdlet that changes interfaces which are named exactly: their names may hold characters that are wildcards.</summary>
public abstract class InterfaceCmdlet : IpVlanCmdlet
{
    /// <summary>The interfaces.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("Interface")]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(InterfaceCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>Gives the object that was changed, or removed; without it nothing is given.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <summary>Changes each.</summary>
    protected override void ProcessRecord()
    {
        foreach (var name in Name)
            Attempt(name, () => Give(Change(name)));
    }

    private protected abstract object? Change(string name);
}
