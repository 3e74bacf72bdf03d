using System.Runtime.InteropServices;

namespace IpVlanWin.Engine.Ipvlan;

/// <summary>Memory in large pages, where the system gives them for the asking.</summary>
internal static unsafe partial class LargePages
{
    // MADV_HUGEPAGE of Linux's <asm-generic/mman-common.h>.
    private const int AdviceLargePage = 14;

    /// <summary>
    /// Has the system use large pages for memory that was not touched yet: madvise(2) on Linux. Elsewhere, and where the system does not do it,
    /// the memory is as good, only slower. (On Windows large pages need a privilege and are never paged out: not asked for.)
    /// </summary>
    public static void Advise(void* start, nuint length)
    {
        if (OperatingSystem.IsLinux())
            _ = MemoryAdvise(start, length, AdviceLargePage);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int MemoryAdvise(void* start, nuint length, int advice);
}
