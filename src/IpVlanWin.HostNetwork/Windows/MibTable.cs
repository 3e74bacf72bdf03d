using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>A MIB_*_TABLE that IP Helper allocated: a count, and rows from offset 8. Freed by FreeMibTable.</summary>
[SupportedOSPlatform("windows")]
internal sealed class MibTable : SafeHandle
{
    /// <summary>Where the rows begin: all rows are aligned to 8 bytes.</summary>
    private const int FirstRowOffset = 8;

    public MibTable()
        : base(0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>Copies the rows and frees the table.</summary>
    /// <typeparam name="T">The row of this table.</typeparam>
    public unsafe T[] TakeRows<T>()
        where T : unmanaged
    {
        using (this)
        {
            var count = IsInvalid ? 0 : *(int*)handle;
            return new ReadOnlySpan<T>((byte*)handle + FirstRowOffset, count).ToArray();
        }
    }

    protected override bool ReleaseHandle()
    {
        NativeMethods.FreeMibTable(handle);
        return true;
    }
}
