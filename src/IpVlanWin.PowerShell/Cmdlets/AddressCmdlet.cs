using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>A cmdlet that adds or removes addresses of interfaces.</summary>
public abstract class AddressCmdlet : IpVlanCmdlet
{
    /// <summary>The interface.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("Interface")]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(InterfaceCompleter))]
    public string Name { get; set; } = "";

    /// <summary>The addresses, IPv4 or IPv6, such as 10.0.0.2/24. Without a prefix length, here or in -PrefixLength, the whole address is the prefix.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [Alias("Prefix", "Address")]
    [ValidateNotNullOrEmpty]
    public string[] IPAddress { get; set; } = [];

    /// <summary>Prefix length in bits: 0 to 32 for IPv4, 0 to 128 for IPv6.</summary>
    [Parameter(Position = 2, ValueFromPipelineByPropertyName = true)]
    [ValidateRange((byte)0, (byte)128)]
    public byte? PrefixLength { get; set; }

    /// <summary>Gives the address that was added or removed; without it nothing is given.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    /// <summary>Changes each.</summary>
    protected override void ProcessRecord()
    {
        foreach (var address in AddressActions.Split(IPAddress)!)
            Attempt(address, () => Give(Change(new AddressSpec { Interface = Name, Prefix = AddressActions.Prefix(address, PrefixLength) })));
    }

    private protected abstract AddressRecord? Change(AddressSpec spec);
}
