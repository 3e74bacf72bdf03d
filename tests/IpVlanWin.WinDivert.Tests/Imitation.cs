using System.Runtime.InteropServices;
using IpVlanWin.Devices.WinDivert;

namespace IpVlanWin.WinDivert.Tests;

/// <summary>The imitation of WinDivert (tests/native): its script, and where its files are.</summary>
internal static unsafe class Imitation
{
    private static readonly string s_folder = Path.Combine(AppContext.BaseDirectory, "native");

    static Imitation() => NativeLibrary.SetDllImportResolver(typeof(Imitation).Assembly, static (name, _, _) =>
        name == NativeMethods.Library ? NativeLibrary.Load(LibraryPath) : 0);

    public static string LibraryPath => Path.Combine(s_folder, OperatingSystem.IsWindows() ? "WinDivert.dll" : "libWinDivert.so");

    public static string BrokerPath => Path.Combine(s_folder, "divert-broker");

    /// <summary>Skips the test, with the reason, where there is no imitation.</summary>
    public static void RequireBuilt()
    {
        if (!File.Exists(LibraryPath))
            Assert.Inconclusive("needs gcc when the tests are built: the imitation of WinDivert is written in C");
        DivertLibrary.OverridePath = LibraryPath;
    }

    /// <summary>Skips the test where it cannot run; else the imitation of this process as it was at the start.</summary>
    public static void Require()
    {
        RequireBuilt();
        Use("");
        Assert.AreEqual(0, NativeMethods.imitation_reset());
    }

    /// <summary>Where the broker is, of handles opened from now on; "" for the one in this process.</summary>
    public static void Use(string place)
    {
        DivertLibrary.OverridePath = LibraryPath;
        NativeMethods.imitation_connect(place);
    }

    /// <summary>The same of handles that this thread opens from now on, and of what it asks.</summary>
    public static void UseHere(string place) => NativeMethods.imitation_connect_thread(place);

    public static void Switch(string name, int value = 1) => Assert.AreEqual(0, NativeMethods.imitation_switch(name, value));

    public static void Advance(TimeSpan time) => Assert.AreEqual(0, NativeMethods.imitation_advance((long)time.TotalMilliseconds));

    public static int OpenHandles => NativeMethods.imitation_handles();

    /// <summary>A packet passes the driver, as if the host's stack had it.</summary>
    public static void Divert(byte[] packet, DivertAddress address)
    {
        address.IsSix = packet[0] >> 4 == 6;
        fixed (byte* start = packet)
            Assert.AreEqual(0, NativeMethods.imitation_divert(&address, start, (uint)packet.Length));
    }

    public static DivertAddress Inbound(uint index = 7) =>
        new() { InterfaceIndex = index, HasIpChecksum = true, HasTcpChecksum = true, HasUdpChecksum = true };

    public static DivertAddress Outbound(uint index = 7, bool isLoopback = false) =>
        new() { InterfaceIndex = index, IsOutbound = true, IsLoopback = isLoopback, HasIpChecksum = true, HasTcpChecksum = true, HasUdpChecksum = true };

    public static DivertAddress Forward(uint index = 7) => Inbound(index) with { Layer = DivertLayer.Forward };

    /// <summary>The next packet that the host's stack got back; null where there is none.</summary>
    public static (byte[] Packet, DivertAddress Address)? TryTake()
    {
        var packet = new byte[DivertLimits.MaxPacketLength];
        DivertAddress address;
        uint length;
        fixed (byte* start = packet)
        {
            if (NativeMethods.imitation_take(&address, start, (uint)packet.Length, &length) != 0)
                return null;
        }
        return (packet[..(int)length], address);
    }

    /// <summary>All that the host's stack got back.</summary>
    public static List<byte[]> TakeAll()
    {
        var all = new List<byte[]>();
        while (TryTake() is var (packet, _))
            all.Add(packet);
        return all;
    }

    /// <summary>Waits until the host's stack has got that many packets back.</summary>
    public static List<byte[]> Take(int count)
    {
        var all = new List<byte[]>();
        var deadline = Environment.TickCount64 + 10_000;
        while (all.Count < count && Environment.TickCount64 < deadline)
        {
            if (TryTake() is var (packet, _))
                all.Add(packet);
            else
                Thread.Yield();
        }
        Assert.HasCount(count, all);
        return all;
    }
}
