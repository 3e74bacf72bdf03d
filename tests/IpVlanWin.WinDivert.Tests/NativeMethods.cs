using System.Runtime.InteropServices;
using IpVlanWin.Devices.WinDivert;

namespace IpVlanWin.WinDivert.Tests;

/// <summary>What tests/native exports beside WinDivert's entry points. Each returns 0 or a code of winerror.h.</summary>
internal static unsafe partial class NativeMethods
{
    public const string Library = "imitation";

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void imitation_connect(string place);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void imitation_connect_thread(string place);

    [LibraryImport(Library)]
    public static partial int imitation_divert(DivertAddress* address, byte* packet, uint length);

    [LibraryImport(Library)]
    public static partial int imitation_take(DivertAddress* address, byte* packet, uint room, uint* length);

    [LibraryImport(Library)]
    public static partial int imitation_advance(long milliseconds);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int imitation_switch(string name, int value);

    [LibraryImport(Library)]
    public static partial int imitation_reset();

    [LibraryImport(Library)]
    public static partial int imitation_handles();
}
