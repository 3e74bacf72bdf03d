using System.Runtime.Versioning;
using IpVlanWin.Protocol;

namespace IpVlanWin.Cli.Ip;

/// <summary>Where a command runs: what it talks to, writes to and was told before its noun.</summary>
internal sealed class Session : IDisposable
{
    private readonly Lazy<ControlClient> _client;

    public Session(GlobalOptions options, TextWriter output, TextReader input, string? pipeName, bool isLinux)
    {
        (Options, Output, Input, IsLinux) = (options, output, input, isLinux && OperatingSystem.IsLinux());
        _client = new Lazy<ControlClient>(() => new ControlClient(pipeName));
    }

    public GlobalOptions Options { get; init; }

    public TextWriter Output { get; }

    public TextReader Input { get; }

    /// <summary>Namespaces, routes and the loopback can be had here.</summary>
    [SupportedOSPlatformGuard("linux")]
    public bool IsLinux { get; }

    /// <summary>More lines follow.</summary>
    public bool IsBatch { get; init; }

    public ControlClient Client => _client.Value;

    /// <summary>Refuses an interface that is not in the namespace of -n.</summary>
    public async Task RequireInNamespaceAsync(string name)
    {
        if (Options.Namespace is not { } asked)
            return;
        if ((await Client.GetInterfaceAsync(name).ConfigureAwait(false)).Namespace is var found && found != asked)
            throw CommandException.Refused($"there is no interface \"{name}\" in namespace \"{asked}\"; it is in {(found is null ? "the host's" : $"\"{found}\"")}");
    }

    public void Dispose()
    {
        if (_client.IsValueCreated)
            _client.Value.Dispose();
    }
}
