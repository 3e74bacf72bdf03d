using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>What a notification is about.</summary>
internal enum NotificationKind
{
    /// <summary>IP interfaces: NotifyIpInterfaceChange.</summary>
    Interfaces,

    /// <summary>Unicast addresses: NotifyUnicastIpAddressChange.</summary>
    Addresses,

    /// <summary>Routes: NotifyRouteChange2.</summary>
    Routes,
}

/// <summary>
/// A registered change callback. Closing waits for callbacks that run (CancelMibChangeNotify2), and only then lets go of
/// what they use. It must not be closed by the callback itself, which would wait for itself.
/// </summary>
/// <remarks>
/// The callback comes on a thread of the system. It does nothing but call the action it was given, which must only set a
/// flag and wake somebody: then no queue can grow and no exception can cross into native code.
/// </remarks>
[SupportedOSPlatform("windows")]
internal sealed class ChangeNotification : SafeHandle
{
    private GCHandle _changed;

    public ChangeNotification()
        : base(0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>Registers for both families, without a first call.</summary>
    /// <param name="kind">What about.</param>
    /// <param name="changed">Called at each change; must not block nor throw.</param>
    /// <param name="notification">The registration; null when refused.</param>
    /// <returns>
    /// A Win32 code. A success without a handle is not one: some systems answer so without ever calling back.
    /// </returns>
    public static unsafe uint Register(NotificationKind kind, Action changed, out ChangeNotification? notification)
    {
        var made = new ChangeNotification { _changed = GCHandle.Alloc(changed) };
        var context = GCHandle.ToIntPtr(made._changed);
        var code = kind switch
        {
            NotificationKind.Interfaces => NativeMethods.NotifyIpInterfaceChange(SockAddrInet.Unspecified, &Changed, context, 0, out made.handle),
            NotificationKind.Addresses => NativeMethods.NotifyUnicastIpAddressChange(SockAddrInet.Unspecified, &Changed, context, 0, out made.handle),
            NotificationKind.Routes => NativeMethods.NotifyRouteChange2(SockAddrInet.Unspecified, &Changed, context, 0, out made.handle),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
        };
        if (code == 0 && !made.IsInvalid)
        {
            notification = made;
            return 0;
        }
        // A registration that failed never calls back.
        made.SetHandleAsInvalid();
        made._changed.Free();
        made.Dispose();
        notification = null;
        return code == 0 ? WindowsError.NotSupported : code;
    }

    protected override bool ReleaseHandle()
    {
        var cancelled = NativeMethods.CancelMibChangeNotify2(handle) == 0;
        // Kept when it could not be cancelled: a small leak instead of a call into freed memory.
        if (cancelled) _changed.Free();
        return cancelled;
    }

    [UnmanagedCallersOnly]
    private static void Changed(nint context, nint row, int kind) => ((Action)GCHandle.FromIntPtr(context).Target!)();
}
