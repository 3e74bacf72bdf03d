using System.IO.Pipes;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Security.AccessControl;
using System.Security.Principal;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Metrics;

namespace IpVlanWin.Service.Control;

/// <summary>How a control server listens.</summary>
internal sealed record ServerSettings
{
    /// <summary>The pipe as .NET wants it: on Linux the path of a socket.</summary>
    public required string PipeName { get; init; }

    /// <summary>Most clients at once.</summary>
    public int MaxConnections { get; init; } = 64;

    /// <summary>How long a client may pause within a message or not read its answer.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a client may stay silent with nothing asked and nothing subscribed to.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>On Windows, the group that may ask but not change; null for none.</summary>
    public string? ReaderGroup { get; init; }

    /// <summary>Data paths tell the wire, in l2, which addresses have come.</summary>
    public bool Announces { get; init; } = true;

    /// <summary>What a client may do; null asks the operating system. For tests.</summary>
    public Func<NamedPipeServerStream, Access>? Authorize { get; init; }
}

/// <summary>Listens on the named pipe and serves each client on its own.</summary>
internal sealed class ControlServer : IAsyncDisposable
{
    // Before listening is tried again.
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);

    private readonly ServerSettings _settings;
    private readonly Dispatcher _dispatcher;
    private readonly ServiceLog _log;
    private readonly Telemetry? _telemetry;
    private readonly FileStream? _socketLock;
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _accepting;

    // Guards _serving.
    private readonly Lock _lock = new();
    private readonly HashSet<Task> _serving = [];

    /// <summary>Listens from now on.</summary>
    /// <exception cref="IOException">The pipe is taken, or its folder cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">The pipe is taken by another user, or its folder is closed.</exception>
    public ControlServer(ServerSettings settings, Dispatcher dispatcher, ServiceLog log, Telemetry? telemetry = null)
    {
        (_settings, _dispatcher, _log, _telemetry) = (settings, dispatcher, log, telemetry);
        if (!OperatingSystem.IsWindows())
            _socketLock = LockSocket(settings.PipeName);
        NamedPipeServerStream first;
        try
        {
            first = Create(settings, settings.PipeName, PipeOptions.FirstPipeInstance);
        }
        catch
        {
            _socketLock?.Dispose();
            throw;
        }
        _accepting = Task.Run(() => AcceptAsync(first));
    }

    /// <summary>The descriptor of the pipe on Windows: no remote clients, SYSTEM and administrators all, a group may talk and is judged later.</summary>
    /// <param name="readerGroup">SID of the group, or null.</param>
    internal static string Descriptor(string? readerGroup) =>
        "D:P(D;;GA;;;NU)(A;;GA;;;SY)(A;;GA;;;BA)" + (readerGroup is null ? "" : $"(A;;GRGW;;;{readerGroup})");

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await _accepting.ConfigureAwait(false);
        Task[] serving;
        lock (_lock)
            serving = [.. _serving];
        await Task.WhenAll(serving).ConfigureAwait(false);
        _ending.Dispose();
        _socketLock?.Dispose();
    }

    /// <summary>A socket's path can be taken over, unlike a pipe's name; so whoever listens holds a lock beside it.</summary>
    private static FileStream LockSocket(string path)
    {
        var folder = Path.GetDirectoryName(path)!;
        if (!OperatingSystem.IsWindows() && !Directory.Exists(folder))
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        try
        {
            var held = new FileStream(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            // Who held the lock before us was killed, and left its socket.
            File.Delete(path);
            return held;
        }
        catch (IOException fault)
        {
            throw new IOException($"another service listens on {path}; end it first", fault);
        }
    }

    /// <summary>A pipe that lets in whom the control pipe lets in.</summary>
    internal static NamedPipeServerStream Create(ServerSettings settings, string pipeName, PipeOptions first)
    {
        const int BufferBytes = 64 * 1024;
        if (OperatingSystem.IsWindows())
            return CreateWindows(settings, pipeName, first, BufferBytes);
        // .NET asks the kernel who connects and lets in this user only; the mode says so to everybody else.
        var pipe = new NamedPipeServerStream(
            pipeName, PipeDirection.InOut, NamedPipeServerStream.MaxAllowedServerInstances, PipeTransmissionMode.Byte,
            PipeOptions.Asynchronous | PipeOptions.CurrentUserOnly | first, BufferBytes, BufferBytes);
        File.SetUnixFileMode(pipeName, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return pipe;
    }

    [SupportedOSPlatform("windows")]
    private static NamedPipeServerStream CreateWindows(ServerSettings settings, string pipeName, PipeOptions first, int bufferBytes)
    {
        var group = settings.ReaderGroup is { } name ? ((SecurityIdentifier)new NTAccount(name).Translate(typeof(SecurityIdentifier))).Value : null;
        var security = new PipeSecurity();
        security.SetSecurityDescriptorSddlForm(Descriptor(group), AccessControlSections.Access);
        return NamedPipeServerStreamAcl.Create(
            pipeName, PipeDirection.InOut, NamedPipeServerStream.MaxAllowedServerInstances, PipeTransmissionMode.Byte,
            PipeOptions.Asynchronous | first, bufferBytes, bufferBytes, security);
    }

    private async Task AcceptAsync(NamedPipeServerStream? listening)
    {
        try
        {
            for (; ; )
            {
                NamedPipeServerStream? connected = null, refused = null;
                try
                {
                    listening ??= Create(_settings, _settings.PipeName, PipeOptions.None);
                    await listening.WaitForConnectionAsync(_ending.Token).ConfigureAwait(false);
                    connected = listening;
                }
                catch (Exception gone) when (IsRefusal(gone))
                {
                    // Came and went, or was not of this user; or the system is out of descriptors and may have some again soon.
                    _log.Warning("client-refused", gone.Message);
                    refused = listening;
                    if (gone is SocketException || listening is null)
                        await Task.Delay(s_pause, _ending.Token).ConfigureAwait(false);
                }
                // Made before the old one goes or is served: the pipe is there for as long as one of them is.
                listening = TryCreate();
                if (refused is not null)
                    await refused.DisposeAsync().ConfigureAwait(false);
                if (connected is not null)
                    Serve(connected);
            }
        }
        catch (OperationCanceledException)
        {
            // The service ends.
        }
        finally
        {
            if (listening is not null)
                await listening.DisposeAsync().ConfigureAwait(false);
        }
    }

    private NamedPipeServerStream? TryCreate()
    {
        try
        {
            return Create(_settings, _settings.PipeName, PipeOptions.None);
        }
        catch (Exception fault) when (IsRefusal(fault))
        {
            _log.Error("not-listening", fault.Message);
            return null;
        }
    }

    private static bool IsRefusal(Exception fault) => fault is IOException or UnauthorizedAccessException or SocketException;

    private void Serve(NamedPipeServerStream pipe)
    {
        lock (_lock)
        {
            var isRoom = _serving.Count < _settings.MaxConnections;
            var task = isRoom ? Task.Run(() => ServeAsync(pipe)) : Task.Run(() => RefuseAsync(pipe, ErrorCode.LimitReached.With($"{_settings.MaxConnections} connections")));
            // Those that are being refused count too, or refusing would have no bound; they are gone in a second.
            _serving.Add(task);
            _ = task.ContinueWith(
                ended =>
                {
                    lock (_lock)
                        _serving.Remove(ended);
                }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private async Task ServeAsync(NamedPipeServerStream pipe)
    {
        _telemetry?.Connected(1);
        try
        {
            var access = Judge(_settings, pipe);
            if (access == Access.None)
                await RefuseAsync(pipe, ErrorCode.AccessDenied.With("talking to the service")).ConfigureAwait(false);
            else
            {
                using var session = new Session(access);
                using var connection = new ControlConnection(pipe, _dispatcher, session, _settings.Patience, _settings.IdleTimeout, _log);
                await connection.ServeAsync(_ending.Token).ConfigureAwait(false);
            }
        }
        catch (Exception fault)
        {
            // A fault of ours ends this client and no other.
            _log.Error("client-failed", fault.ToString());
            await pipe.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            _telemetry?.Connected(-1);
        }
    }

    private async Task RefuseAsync(NamedPipeServerStream pipe, ControlException error)
    {
        _telemetry?.Refused(error.Code);
        using var slow = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token);
        slow.CancelAfter(TimeSpan.FromSeconds(1));
        await using (pipe.ConfigureAwait(false))
        {
            try
            {
                await pipe.WriteAsync(ControlConnection.Refusal(error).Framed(), slow.Token).ConfigureAwait(false);
            }
            catch (Exception gone) when (gone is IOException or OperationCanceledException)
            {
                // Did not stay to hear it.
            }
        }
    }

    /// <summary>What a client may do. On Linux the socket let in nobody but this user.</summary>
    internal static Access Judge(ServerSettings settings, NamedPipeServerStream pipe) =>
        settings.Authorize is { } authorize ? authorize(pipe) : OperatingSystem.IsWindows() ? JudgeWindows(pipe) : Access.Full;

    /// <summary>Administrators and SYSTEM may all; whoever else the descriptor let in may ask.</summary>
    [SupportedOSPlatform("windows")]
    private static Access JudgeWindows(NamedPipeServerStream pipe)
    {
        var isFull = false;
        pipe.RunAsClient([SupportedOSPlatform("windows")] () =>
        {
            using var identity = WindowsIdentity.GetCurrent(TokenAccessLevels.Query);
            isFull = identity.IsSystem || new WindowsPrincipal(identity).IsInRole(WindowsBuiltInRole.Administrator);
        });
        return isFull ? Access.Full : Access.Read;
    }
}
