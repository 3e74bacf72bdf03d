using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace IpVlanWin.Service.Lifetime;

/// <summary>systemd's notification socket (sd_notify(3)): one datagram of VARIABLE=value lines a message. Any thread may send.</summary>
internal sealed class NotifySocket : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { SendTimeout = (int)s_patience.TotalMilliseconds };
    private readonly UnixDomainSocketEndPoint _to;
    private readonly Action<string> _complain;

    // 1 once a failure was told: systemd is asked again each time, people are not told each time.
    private int _hasComplained;

    /// <param name="address">What NOTIFY_SOCKET says: a path, or @ and an abstract name.</param>
    /// <param name="complain">Told the first time that a message cannot be sent.</param>
    /// <exception cref="ArgumentException">The address is neither.</exception>
    public NotifySocket(string address, Action<string> complain)
    {
        if (address is not ['/' or '@', _, ..])
            throw new ArgumentException($"NOTIFY_SOCKET is \"{address}\": it must be a full path, or @ and an abstract name", nameof(address));
        _to = new UnixDomainSocketEndPoint(address[0] == '@' ? "\0" + address[1..] : address);
        _complain = complain;
    }

    /// <summary>The period of WATCHDOG_USEC, where it is meant for this process (sd_watchdog_enabled(3)); else null.</summary>
    public static TimeSpan? WatchdogPeriod(string? microseconds, string? processId)
    {
        if (!string.IsNullOrEmpty(processId) && processId != Environment.ProcessId.ToString(CultureInfo.InvariantCulture))
            return null;
        return long.TryParse(microseconds, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value > 0
            ? TimeSpan.FromMicroseconds(value)
            : null;
    }

    public void Send(string message)
    {
        try
        {
            _socket.SendTo(Encoding.UTF8.GetBytes(message), _to);
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            if (Interlocked.Exchange(ref _hasComplained, 1) == 0)
                _complain($"systemd was not told \"{message.Split('\n')[0]}\": {fault.Message}");
        }
    }

    public void Dispose() => _socket.Dispose();
}
