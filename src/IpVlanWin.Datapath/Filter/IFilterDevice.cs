namespace IpVlanWin.Datapath.Filter;

/// <summary>What a request to the driver came to. The numbers are of no meaning outside.</summary>
internal enum FilterStatus
{
    /// <summary>Done.</summary>
    Ok,

    /// <summary>A value, a length or a reserved field that cannot be.</summary>
    Invalid,

    /// <summary>It is there already.</summary>
    Exists,

    /// <summary>The address belongs to another interface of the port.</summary>
    AddressInUse,

    /// <summary>There is no such port or interface.</summary>
    Absent,

    /// <summary>A limit of the driver is reached.</summary>
    LimitReached,

    /// <summary>The system has no memory for it.</summary>
    NoMemory,

    /// <summary>The driver speaks another version of the interface.</summary>
    OtherVersion,

    /// <summary>The driver does not know the request.</summary>
    Unknown,

    /// <summary>The answer does not fit the buffer.</summary>
    TooSmall,

    /// <summary>The handle was closed meanwhile.</summary>
    Closed,
}

/// <summary>
/// The driver's control device: Windows' by <see cref="WindowsFilterDevice"/>; in tests the driver compiled natively, behind the same
/// requests. Members may be called by any thread; <see cref="WaitForEvent"/> by one at a time. Disposing ends what waits.
/// </summary>
internal interface IFilterDevice : IDisposable
{
    /// <summary>Carries out a request whose answer comes back in the same buffer.</summary>
    /// <param name="code">A whole control code (<see cref="FilterAbi.Code"/>).</param>
    /// <param name="buffer">The request, and room for the answer.</param>
    /// <param name="requestLength">Bytes of the request.</param>
    /// <param name="answerLength">Bytes of the answer; 0 unless it is done.</param>
    /// <exception cref="IOException">The system refuses for a reason that is none of the driver's.</exception>
    FilterStatus Request(uint code, Span<byte> buffer, int requestLength, out int answerLength);

    /// <summary>Waits for the driver's next event; false when the device was closed.</summary>
    /// <exception cref="IOException">The driver is gone, or refuses.</exception>
    bool WaitForEvent(out AbiEvent happened);
}
