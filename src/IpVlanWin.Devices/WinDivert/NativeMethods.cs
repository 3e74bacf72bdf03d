using System.Runtime.InteropServices;

namespace IpVlanWin.Devices.WinDivert;

/// <summary>
/// WinDivert.dll 2.2. BOOL is four bytes. Calls block, so none suppresses the GC transition. Every entry point but the helpers sets the
/// last error. Not declared, because not used: ParsePacket, HashPacket, DecrementTTL, FormatFilter, the address texts and byte orders.
/// </summary>
internal static unsafe partial class NativeMethods
{
    private const string Library = DivertLibrary.Name;

    [LibraryImport(Library, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial nint WinDivertOpen(byte* filter, DivertLayer layer, short priority, DivertOpenFlags flags);

    [LibraryImport(Library, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial int WinDivertRecvEx(
        SafeDivertHandle handle, void* packets, uint length, uint* received, ulong flags, DivertAddress* addresses, uint* addressBytes, void* overlapped);

    [LibraryImport(Library, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial int WinDivertSendEx(
        SafeDivertHandle handle, void* packets, uint length, uint* sent, ulong flags, DivertAddress* addresses, uint addressBytes, void* overlapped);

    [LibraryImport(Library, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial int WinDivertRecv(SafeDivertHandle handle, void* packet, uint length, uint* received, DivertAddress* address);

    [LibraryImport(Library, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial int WinDivertSend(SafeDivertHandle handle, void* packet, uint length, uint* sent, DivertAddress* address);

    [LibraryImport(Library, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial int WinDivertShutdown(SafeDivertHandle handle, DivertShutdown how);

    [LibraryImport(Library, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial int WinDivertClose(nint handle);

    [LibraryImport(Library, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial int WinDivertSetParam(SafeDivertHandle handle, DivertParameter parameter, ulong value);

    [LibraryImport(Library, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial int WinDivertGetParam(SafeDivertHandle handle, DivertParameter parameter, ulong* value);

    [LibraryImport(Library)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial int WinDivertHelperCompileFilter(
        byte* filter, DivertLayer layer, byte* compiled, uint compiledLength, byte** errorText, uint* errorPosition);

    [LibraryImport(Library)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial int WinDivertHelperEvalFilter(byte* filter, void* packet, uint length, DivertAddress* address);

    [LibraryImport(Library)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial int WinDivertHelperCalcChecksums(void* packet, uint length, DivertAddress* address, ulong flags);
}
