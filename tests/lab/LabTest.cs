using System.Runtime.Versioning;
using IpVlanWin.Devices;
using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Lab.Tests;

/// <summary>What tests with real stacks have in common: skipped where they cannot run, torn down, and on the wire nothing but the master's MAC.</summary>
[SupportedOSPlatform("linux")]
public abstract class LabTest
{
    private readonly List<Bed> _beds = [];

    [TestInitialize]
    public void Require() => RequireSystem();

    [TestCleanup]
    public void CleanUp()
    {
        var foreign = new List<string>();
        foreach (var bed in _beds)
        {
            bed.Dispose();
            foreign.AddRange(bed.WireSourceMacs.Where(mac => !bed.MasterMacs.Contains(mac)).Select(mac => mac.ToString()));
        }
        Assert.IsEmpty(foreign, "source MACs on the wire that are not the master's");
    }

    internal static void RequireSystem()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Inconclusive("needs Linux");
        if (!Environment.IsPrivilegedProcess)
            Assert.Inconclusive("needs root: network namespaces and TAP interfaces");
        if (!File.Exists("/dev/net/tun"))
            Assert.Inconclusive("needs /dev/net/tun (the kernel's tun module)");
        Tool.Require("ip", "iproute2");
    }

    internal Bed Open(PortMode mode, PortFlag flag = PortFlag.Bridge, int interfaces = 2, Func<string, IFrameDevice, IFrameDevice>? decorate = null, bool announces = false)
    {
        var bed = new Bed(mode, flag, interfaces, decorate, announces);
        _beds.Add(bed);
        return bed;
    }
}
