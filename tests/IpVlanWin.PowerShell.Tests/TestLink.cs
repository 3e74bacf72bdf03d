using IpVlanWin.PowerShell.Actions;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Tests;

/// <summary>A link as a cmdlet has it, whose user says yes or no, and what he was asked.</summary>
internal sealed class TestLink : IDisposable
{
    public TestLink(ControlClient client, bool answer = true, CancellationToken cancellation = default) =>
        Link = new ServiceLink(client, (target, action) => Say($"{action}: {target}", answer), cancellation);

    public ServiceLink Link { get; }

    public List<string> Asked { get; } = [];

    public InterfaceActions Interfaces => new(Link);

    public PortActions Ports => new(Link);

    public AddressActions Addresses => new(Link);

    public StatisticsActions Statistics => new(Link);

    public ConfigurationActions Configuration => new(Link);

    public void Dispose() => Link.Dispose();

    private bool Say(string question, bool answer)
    {
        Asked.Add(question);
        return answer;
    }
}
