using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace IpVlanWin.Datapath.Filter;

/// <summary>The driver's control device on Windows. Every request waits for its own event, so that requests do not wait for each other.</summary>
[SupportedOSPlatform("windows")]
internal sealed unsafe class WindowsFilterDevice : IFilterDevice
{
    private const string Name = @"\\.\IpVlanWin";
    private const uint ReadWrite = 0xC0000000, OpenExisting = 3, Overlapped = 0x40000000;

    // winerror.h; what each NTSTATUS of the driver becomes (RtlNtStatusToDosError).
    private const int FileNotFound = 2, AccessDenied = 5, InvalidFunction = 1, NotEnoughMemory = 8, DuplicateName = 52, InvalidParameter = 87,
        InsufficientBuffer = 122, AlreadyExists = 183, OperationAborted = 995, IoPending = 997, NotFound = 1168, RevisionMismatch = 1306,
        NoSystemResources = 1450;

    private readonly SafeFileHandle _device;

    // Guards _isClosed and the beginning of a wait: none begins after the device was closed, and every one that began is cancelled.
    private readonly Lock _lock = new();
    private bool _isClosed;

    private WindowsFilterDevice(SafeFileHandle device) => _device = device;

    /// <exception cref="FileNotFoundException">It is not installed or does not run.</exception>
    /// <exception cref="UnauthorizedAccessException">Only the system and administrators may.</exception>
    public static WindowsFilterDevice Open()
    {
        var device = NativeMethods.CreateFile(Name, ReadWrite, 0, null, OpenExisting, Overlapped, 0);
        if (!device.IsInvalid)
            return new WindowsFilterDevice(device);
        var error = Marshal.GetLastPInvokeError();
        device.Dispose();
        throw error switch
        {
            AccessDenied => new UnauthorizedAccessException("the filter driver may be used by the system and administrators alone; run it elevated"),
            FileNotFound => new FileNotFoundException("the filter driver is not installed or does not run: put it in (ipvlansvc install-driver)"),
            _ => Fault(error),
        };
    }

    public FilterStatus Request(uint code, Span<byte> buffer, int requestLength, out int answerLength)
    {
        fixed (byte* at = buffer)
        {
            var error = Run(code, at, (uint)requestLength, (uint)buffer.Length, out answerLength);
            return StatusOf(error) ?? throw Fault(error);
        }
    }

    public bool WaitForEvent(out AbiEvent happened)
    {
        // One buffer for both: the request is shorter than the answer.
        AbiEvent answer = default;
        *(AbiHeader*)&answer = AbiHeader.Of<AbiHeader>();
        var error = Run(FilterAbi.Code(FilterAbi.NextEvent), (byte*)&answer, (uint)sizeof(AbiHeader), (uint)sizeof(AbiEvent), out var written);
        happened = answer;
        if (error == OperationAborted)
            return false;
        return error == 0 && written == sizeof(AbiEvent) ? true : throw Fault(error);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_isClosed)
                return;
            _isClosed = true;
            // What is under way ends with "aborted"; the handle lasts until those calls have returned.
            _ = NativeMethods.CancelIoEx(_device, null);
        }
        _device.Dispose();
    }

    private int Run(uint code, byte* buffer, uint requestLength, uint bufferLength, out int answerLength)
    {
        using var done = new ManualResetEvent(initialState: false);
        var overlapped = new NativeOverlapped { EventHandle = done.SafeWaitHandle.DangerousGetHandle() };
        uint written = 0;
        int error;
        var isKept = false;
        answerLength = 0;
        try
        {
            lock (_lock)
            {
                if (_isClosed)
                    return OperationAborted;
                _device.DangerousAddRef(ref isKept);
                error = NativeMethods.DeviceIoControl(_device, code, buffer, requestLength, buffer, bufferLength, &written, &overlapped) != 0 ? 0 : Marshal.GetLastPInvokeError();
            }
            // The buffer and the structure stay the system's until this returns.
            if (error == IoPending)
                error = NativeMethods.GetOverlappedResult(_device, &overlapped, &written, wait: 1) != 0 ? 0 : Marshal.GetLastPInvokeError();
        }
        finally
        {
            if (isKept)
                _device.DangerousRelease();
        }
        if (error == 0)
            answerLength = (int)written;
        return error;
    }

    internal static FilterStatus? StatusOf(int error) => error switch
    {
        0 => FilterStatus.Ok,
        InvalidParameter => FilterStatus.Invalid,
        AlreadyExists => FilterStatus.Exists,
        DuplicateName => FilterStatus.AddressInUse,
        NotFound => FilterStatus.Absent,
        NoSystemResources => FilterStatus.LimitReached,
        NotEnoughMemory => FilterStatus.NoMemory,
        RevisionMismatch => FilterStatus.OtherVersion,
        InvalidFunction => FilterStatus.Unknown,
        InsufficientBuffer => FilterStatus.TooSmall,
        OperationAborted => FilterStatus.Closed,
        _ => null,
    };

    private static IOException Fault(int error) =>
        new($"the filter driver's device refuses: {Marshal.GetPInvokeErrorMessage(error)} ({error.ToString(CultureInfo.InvariantCulture)})", unchecked((int)(0x80070000u | (uint)error)));
}
