namespace IpVlanWin.Conformance.Tests;

/// <summary>The real Linux driver, where there is one.</summary>
internal static class Kernel
{
    /// <summary>The kernel; the test is skipped where there is none.</summary>
    public static KernelImage Required()
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
            Assert.Inconclusive("needs root on Linux");
        var kernel = KernelImage.Find();
        if (kernel is null)
            Assert.Inconclusive("needs the Debian package user-mode-linux");
        return kernel;
    }

    /// <summary>IPVLANWIN_SEED, or one that no other run has.</summary>
    public static int Seed => int.TryParse(Environment.GetEnvironmentVariable("IPVLANWIN_SEED"), System.Globalization.CultureInfo.InvariantCulture, out var seed) ? seed : Random.Shared.Next(1, 1_000_000);
}
