using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace IpVlanWin.Engine.Tests.Oracle;

/// <summary>Memory with forbidden pages on both sides: whoever reads or writes one byte beyond it ends the process. Linux.</summary>
[SupportedOSPlatform("linux")]
internal sealed unsafe class GuardedMemory : SafeHandle
{
    private readonly int _length;
    private readonly int _guard = Environment.SystemPageSize;

    /// <summary>Room for that many bytes, whole pages.</summary>
    public GuardedMemory(int atLeast)
        : base(NativeMethods.MapFailed, ownsHandle: true)
    {
        _length = (atLeast + _guard - 1) / _guard * _guard;
        var start = NativeMethods.Map(0, (nuint)(_length + (2 * _guard)), NativeMethods.ProtNone, NativeMethods.MapPrivate | NativeMethods.MapAnonymous, -1, 0);
        if (start == NativeMethods.MapFailed)
            throw new Win32Exception(Marshal.GetLastPInvokeError(), "mmap");
        SetHandle(start);
        if (NativeMethods.Protect(start + _guard, (nuint)_length, NativeMethods.ProtRead | NativeMethods.ProtWrite) != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError(), "mprotect");
    }

    public override bool IsInvalid => handle == NativeMethods.MapFailed;

    /// <summary>The last bytes before the guard.</summary>
    public Span<byte> Last(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, _length);
        return new Span<byte>((byte*)handle + _guard + _length - length, length);
    }

    /// <summary>The first bytes behind the guard.</summary>
    public Span<byte> First(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, _length);
        return new Span<byte>((byte*)handle + _guard, length);
    }

    protected override bool ReleaseHandle() => NativeMethods.Unmap(handle, (nuint)(_length + (2 * _guard))) == 0;
}
