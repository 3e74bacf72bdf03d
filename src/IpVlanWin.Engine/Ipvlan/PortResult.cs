namespace IpVlanWin.Engine.Ipvlan;

/// <summary>What a change to a port came to. All but <see cref="Ok"/> change nothing. Each stands for a Linux errno.</summary>
public enum PortResult
{
    /// <summary>Done.</summary>
    Ok,

    /// <summary>EINVAL: a value out of its range.</summary>
    Invalid,

    /// <summary>EEXIST: the name, or the interface's own address, is there already.</summary>
    Exists,

    /// <summary>EADDRINUSE: the address belongs to an interface of the port.</summary>
    AddressInUse,

    /// <summary>EADDRNOTAVAIL: the interface does not have that address with that prefix length.</summary>
    AddressAbsent,

    /// <summary>ENOENT: the interface is not a member of the group.</summary>
    GroupAbsent,

    /// <summary>ENOTSUP: interfaces have the master's MAC and no other.</summary>
    NotSupported,

    /// <summary>ENODEV: no such interface.</summary>
    NoDevice,

    /// <summary>EBUSY: a limit of the port is reached.</summary>
    LimitReached,
}

/// <summary>Errno names.</summary>
public static class PortResults
{
    /// <summary>The name of the Linux errno, or "ok".</summary>
    public static string ErrnoName(this PortResult result) => result switch
    {
        PortResult.Ok => "ok",
        PortResult.Invalid => "EINVAL",
        PortResult.Exists => "EEXIST",
        PortResult.AddressInUse => "EADDRINUSE",
        PortResult.AddressAbsent => "EADDRNOTAVAIL",
        PortResult.GroupAbsent => "ENOENT",
        PortResult.NotSupported => "ENOTSUP",
        PortResult.NoDevice => "ENODEV",
        PortResult.LimitReached => "EBUSY",
        _ => throw new ArgumentOutOfRangeException(nameof(result), result, null),
    };

    /// <summary>The name of the Linux errno a refused or dropped send gives its sender, or null.</summary>
    public static string? ErrnoName(this SendError error) => error switch
    {
        SendError.None => null,
        SendError.NoBuffers => "ENOBUFS",
        SendError.NetworkDown => "ENETDOWN",
        SendError.MessageTooLong => "EMSGSIZE",
        SendError.Invalid => "EINVAL",
        _ => throw new ArgumentOutOfRangeException(nameof(error), error, null),
    };
}
