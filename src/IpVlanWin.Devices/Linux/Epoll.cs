using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace IpVlanWin.Devices.Linux;

/// <summary>What a watched descriptor is ready for (epoll_ctl(2)).</summary>
[Flags]
public enum EpollEvents
{
    /// <summary>Nothing. Errors and hang-ups are reported all the same.</summary>
    None = 0,

    /// <summary>EPOLLIN: it can be read.</summary>
    Readable = 1,

    /// <summary>EPOLLOUT: it can be written.</summary>
    Writable = 4,

    /// <summary>EPOLLERR: an error waits to be read.</summary>
    Error = 8,

    /// <summary>EPOLLHUP: the other end is gone.</summary>
    HangUp = 0x10,
}

/// <summary>A descriptor that is ready.</summary>
/// <param name="Tag">What it was added with.</param>
/// <param name="Events">What it is ready for.</param>
public readonly record struct EpollReady(ulong Tag, EpollEvents Events);

/// <summary>
/// An epoll instance (epoll(7)), level-triggered, with an event that wakes its waiter. One thread waits; adding, removing and
/// <see cref="Wake"/> are for any thread.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed unsafe class Epoll : SafeHandleMinusOneIsInvalid
{
    private const ulong WakeTag = ulong.MaxValue;
    private const int EventsPerWait = 64;

    private static readonly bool s_packed = RuntimeInformation.ProcessArchitecture == Architecture.X64;

    private readonly FileDescriptor _wake;

    /// <summary>Makes an epoll instance.</summary>
    /// <exception cref="LinuxDeviceException">No descriptors are left.</exception>
    public Epoll()
        : base(ownsHandle: true)
    {
        SetHandle(NativeMethods.EpollCreate(NativeMethods.EpollCloseOnExec));
        if (IsInvalid)
            LinuxDeviceException.Throw(Marshal.GetLastSystemError(), "cannot make an epoll instance");
        _wake = new FileDescriptor(NativeMethods.EventDescriptor(0, NativeMethods.EventFlags));
        if (_wake.IsInvalid)
            LinuxDeviceException.Throw(Marshal.GetLastSystemError(), "cannot make an event descriptor");
        Control(NativeMethods.EpollAdd, _wake.Number, EpollEvents.Readable, WakeTag);
    }

    /// <summary>Watches a descriptor.</summary>
    /// <param name="descriptor">Remove it before it is closed.</param>
    /// <param name="tag">Comes back with its events; not <see cref="ulong.MaxValue"/>.</param>
    /// <param name="events">What to report besides errors and hang-ups.</param>
    /// <exception cref="LinuxDeviceException">The descriptor is watched already or cannot be.</exception>
    public void Add(int descriptor, ulong tag, EpollEvents events = EpollEvents.Readable)
    {
        ArgumentOutOfRangeException.ThrowIfEqual(tag, WakeTag);
        Control(NativeMethods.EpollAdd, descriptor, events, tag);
    }

    /// <summary>Stops watching a descriptor. Events already waited for may still be at hand.</summary>
    /// <exception cref="LinuxDeviceException">The descriptor is not watched.</exception>
    public void Remove(int descriptor) => Control(NativeMethods.EpollRemove, descriptor, EpollEvents.None, 0);

    /// <summary>Lets the running or the next <see cref="Wait"/> return at once. Calls in between count as one.</summary>
    public void Wake()
    {
        ulong one = 1;
        var added = false;
        try
        {
            _wake.DangerousAddRef(ref added);
            // Fails only where the counter is full, and then it is awake.
            _ = NativeMethods.Write(_wake.Number, &one, sizeof(ulong));
        }
        finally
        {
            if (added)
                _wake.DangerousRelease();
        }
    }

    /// <summary>Waits until a descriptor is ready, <see cref="Wake"/> is called or the time is over. May return early with nothing.</summary>
    /// <param name="ready">Filled from the start, with at most 64 entries per call; the rest is reported next time.</param>
    /// <param name="timeout">Rounded up to milliseconds; zero does not wait, <see cref="Timeout.InfiniteTimeSpan"/> waits for ever.</param>
    /// <returns>Entries filled.</returns>
    /// <exception cref="LinuxDeviceException">The instance cannot be waited on.</exception>
    [SkipLocalsInit]
    public int Wait(Span<EpollReady> ready, TimeSpan timeout)
    {
        ArgumentOutOfRangeException.ThrowIfZero(ready.Length, nameof(ready));
        var events = stackalloc AlignedEpollEvent[EventsPerWait];
        var count = NativeMethods.EpollWait((int)handle, events, Math.Min(ready.Length, EventsPerWait), Milliseconds(timeout));
        if (count < 0)
        {
            var errno = Marshal.GetLastSystemError();
            if (errno != Errno.Interrupted)
                LinuxDeviceException.Throw(errno, "cannot wait for descriptors");
            return 0;
        }
        var filled = 0;
        for (var i = 0; i < count; i++)
        {
            var (kinds, tag) = s_packed
                ? (((PackedEpollEvent*)events)[i].Events, ((PackedEpollEvent*)events)[i].Data)
                : (events[i].Events, events[i].Data);
            if (tag == WakeTag)
                DrainWake();
            else
                ready[filled++] = new EpollReady(tag, (EpollEvents)kinds);
        }
        return filled;
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        _wake?.Dispose();
        return NativeMethods.Close((int)handle) == 0;
    }

    private static int Milliseconds(TimeSpan timeout) => timeout == Timeout.InfiniteTimeSpan
        ? -1
        : (int)Math.Min((Math.Max(timeout.Ticks, 0) + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond, int.MaxValue);

    private void DrainWake()
    {
        ulong value;
        _ = NativeMethods.Read(_wake.Number, &value, sizeof(ulong));
    }

    private void Control(int operation, int descriptor, EpollEvents events, ulong tag)
    {
        var packed = new PackedEpollEvent { Events = (uint)events, Data = tag };
        var aligned = new AlignedEpollEvent { Events = (uint)events, Data = tag };
        if (NativeMethods.EpollControl(this, operation, descriptor, s_packed ? (void*)&packed : &aligned) != 0)
            LinuxDeviceException.Throw(Marshal.GetLastSystemError(), operation == NativeMethods.EpollAdd ? "cannot watch a descriptor" : "cannot stop watching a descriptor");
    }
}
