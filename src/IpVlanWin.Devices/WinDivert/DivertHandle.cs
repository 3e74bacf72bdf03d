using System.Runtime.InteropServices;
using System.Text;

namespace IpVlanWin.Devices.WinDivert;

/// <summary>
/// An open WinDivert handle: one filter at one layer. One thread receives; others may send, shut down and close meanwhile. Closing gives
/// the host's stack back what is still queued; to lose nothing and keep the order, <see cref="Shutdown"/> and receive to the end first.
/// </summary>
public sealed unsafe class DivertHandle : IDisposable
{
    private readonly SafeDivertHandle _handle;

    private DivertHandle(SafeDivertHandle handle, string filter) => (_handle, Filter) = (handle, filter);

    /// <summary>The filter.</summary>
    public string Filter { get; }

    /// <summary>Opens a handle; from then on what matches is diverted. Installs the driver if need be.</summary>
    /// <param name="filter">In WinDivert's filter language, ASCII, at most 255 tests.</param>
    /// <param name="layer">Where to look.</param>
    /// <param name="priority">-30000 to 30000; higher ones see packets first.</param>
    /// <param name="flags">How.</param>
    /// <exception cref="DivertException">WinDivert is not there or refuses.</exception>
    public static DivertHandle Open(string filter, DivertLayer layer, short priority, DivertOpenFlags flags = DivertOpenFlags.None)
    {
        const string What = "cannot open a WinDivert handle";
        DivertLibrary.Touch();
        try
        {
            nint value;
            fixed (byte* text = Encoding.ASCII.GetBytes(filter + '\0'))
                value = NativeMethods.WinDivertOpen(text, layer, priority, flags);
            var error = Marshal.GetLastPInvokeError();
            var handle = new SafeDivertHandle(value);
            return handle.IsInvalid ? throw new DivertException(What, error) : new DivertHandle(handle, filter);
        }
        catch (Exception missing) when (missing is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
        {
            throw new DivertException(What, DivertError.LibraryMissing, missing);
        }
    }

    /// <summary>Checks a filter without a driver.</summary>
    /// <returns>Null, or what is wrong with it.</returns>
    public static string? Check(string filter, DivertLayer layer)
    {
        DivertLibrary.Touch();
        byte* why = null;
        uint position = 0;
        fixed (byte* text = Encoding.ASCII.GetBytes(filter + '\0'))
        {
            if (NativeMethods.WinDivertHelperCompileFilter(text, layer, null, 0, &why, &position) != 0)
                return null;
        }
        return $"{Marshal.PtrToStringUTF8((nint)why)} at position {position}";
    }

    /// <summary>Waits for packets and receives as many as are queued and fit, one behind the other without gaps.</summary>
    /// <param name="packets">Room for at least <see cref="DivertLimits.MaxPacketLength"/> bytes.</param>
    /// <param name="addresses">Room for 1 to <see cref="DivertLimits.MaxBatch"/> addresses.</param>
    /// <param name="bytes">Bytes received.</param>
    /// <param name="count">Packets received.</param>
    /// <returns>0, or the raw code: 232 at the end, 122 where a packet was cut.</returns>
    public int Receive(Span<byte> packets, Span<DivertAddress> addresses, out int bytes, out int count)
    {
        uint length = 0;
        var addressBytes = (uint)(addresses.Length * sizeof(DivertAddress));
        int done;
        fixed (byte* start = packets)
        fixed (DivertAddress* first = addresses)
            done = NativeMethods.WinDivertRecvEx(_handle, start, (uint)packets.Length, &length, 0, first, &addressBytes, null);
        var error = done != 0 ? 0 : Marshal.GetLastPInvokeError();
        var isThere = error is 0 or InsufficientBuffer;
        bytes = isThere ? (int)length : 0;
        count = isThere ? (int)(addressBytes / (uint)sizeof(DivertAddress)) : 0;
        return error;
    }

    /// <summary>Sends packets that lie one behind the other. One that fails does not stop the rest; which one it was is not told.</summary>
    /// <returns>0, or the raw code of the last that failed.</returns>
    public int Send(ReadOnlySpan<byte> packets, ReadOnlySpan<DivertAddress> addresses)
    {
        uint length;
        int done;
        fixed (byte* start = packets)
        fixed (DivertAddress* first = addresses)
            done = NativeMethods.WinDivertSendEx(_handle, start, (uint)packets.Length, &length, 0, first, (uint)(addresses.Length * sizeof(DivertAddress)), null);
        return done != 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <summary>Ends receiving, sending or both, without losing what is queued.</summary>
    /// <exception cref="DivertException">The handle is closed.</exception>
    public void Shutdown(DivertShutdown how)
    {
        if (NativeMethods.WinDivertShutdown(_handle, how) == 0)
            Throw("cannot shut down a WinDivert handle");
    }

    /// <summary>Sets a parameter.</summary>
    /// <exception cref="DivertException">The value is out of its range (87).</exception>
    public void Set(DivertParameter parameter, ulong value)
    {
        if (NativeMethods.WinDivertSetParam(_handle, parameter, value) == 0)
            Throw($"cannot set {parameter} of a WinDivert handle to {value}");
    }

    /// <summary>Reads a parameter.</summary>
    /// <exception cref="DivertException">The handle is closed.</exception>
    public ulong Get(DivertParameter parameter)
    {
        ulong value;
        if (NativeMethods.WinDivertGetParam(_handle, parameter, &value) == 0)
            Throw($"cannot read {parameter} of a WinDivert handle");
        return value;
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private const int InsufficientBuffer = 122;

    private static void Throw(string what) => throw new DivertException(what, Marshal.GetLastPInvokeError());
}
