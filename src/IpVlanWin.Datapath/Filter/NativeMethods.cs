using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace IpVlanWin.Datapath.Filter;

/// <summary>fileapi.h, ioapiset.h. BOOL is four bytes.</summary>
internal static unsafe partial class NativeMethods
{
    private const string Kernel = "kernel32.dll";

    [LibraryImport(Kernel, EntryPoint = "CreateFileW", SetLastError = true, StringMarshalling = StringMarshalling.Utf16)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    public static partial SafeFileHandle CreateFile(string name, uint access, uint share, void* security, uint disposition, uint flags, nint template);

    [LibraryImport(Kernel, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    public static partial int DeviceIoControl(
        SafeFileHandle device, uint code, void* input, uint inputLength, void* output, uint outputLength, uint* written, NativeOverlapped* overlapped);

    [LibraryImport(Kernel, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    public static partial int GetOverlappedResult(SafeFileHandle device, NativeOverlapped* overlapped, uint* written, int wait);

    [LibraryImport(Kernel, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    public static partial int CancelIoEx(SafeFileHandle device, NativeOverlapped* overlapped);
}
