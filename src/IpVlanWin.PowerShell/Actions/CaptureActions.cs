using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Actions;

/// <summary>Starts and stops captures. Those of this process are remembered: they end with it, and can be stopped without their objects.</summary>
/// <param name="link">Whose leave is asked for.</param>
/// <param name="connect">Makes a client: a capture lasts as long as the connection that asked for it, so each has its own.</param>
internal sealed class CaptureActions(ServiceLink link, Func<ControlClient> connect)
{
    // Guards itself.
    private static readonly List<CaptureSession> s_sessions = [];

    /// <summary>Captures into a file; null where the user said no.</summary>
    /// <exception cref="ControlException">not-found, limit-reached, mode-not-supported; bad-argument also where the file cannot be written.</exception>
    public CaptureSession? Start(CaptureSpec spec, string path, bool replaces)
    {
        if (!link.MayChange(spec.Interface is null ? $"port {spec.Master}" : $"interface {spec.Interface}", $"capture to {path}"))
            return null;
        var client = connect();
        FileStream? target = null;
        try
        {
            // Asked first: a file is not replaced for a capture that is refused.
            var reply = client.StartCaptureAsync(spec, link.Cancellation).GetAwaiter().GetResult();
            target = ConfigurationFile.Create(path, replaces);
            var source = client.OpenCaptureAsync(reply, link.Cancellation).GetAwaiter().GetResult();
            var session = new CaptureSession(client, source, target, spec, reply.Id);
            lock (s_sessions)
                s_sessions.Add(session);
            return session;
        }
        catch
        {
            client.Dispose();
            target?.Dispose();
            throw;
        }
    }

    /// <summary>The captures of this process that were not stopped yet, or the one with a number.</summary>
    /// <exception cref="ControlException">not-found.</exception>
    public static IReadOnlyList<CaptureSession> Find(long? id)
    {
        lock (s_sessions)
        {
            CaptureSession[] found = [.. s_sessions.Where(one => id is null || one.Id == id)];
            return found.Length > 0 || id is null ? found : throw ErrorCode.NotFound.With("capture", id);
        }
    }

    /// <summary>Stops one and closes its file; null where the user said no.</summary>
    /// <exception cref="ControlException">service-unreachable, timed-out; not-stored where the file could not be written. It is over all the same.</exception>
    public CaptureSession? Stop(CaptureSession session)
    {
        if (!link.MayChange($"capture {session.Id} to {session.Path}", "stop"))
            return null;
        lock (s_sessions)
            s_sessions.Remove(session);
        session.Stop(link.Cancellation);
        return session;
    }

    /// <summary>Ends all, for good.</summary>
    public static void EndAll()
    {
        lock (s_sessions)
        {
            s_sessions.ForEach(static one => one.End());
            s_sessions.Clear();
        }
    }
}
