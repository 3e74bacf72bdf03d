using System.Net;
using System.Net.NetworkInformation;
using System.Runtime.Versioning;
using IpVlanWin.HostNetwork.Tests.Linux;
using IpVlanWin.WineBed;

namespace IpVlanWin.HostNetwork.Tests.Windows;

/// <summary>
/// Runs tests/wine/HostProbe, a Windows program with the real native declarations, under Wine inside a namespace whose adapters,
/// addresses, routes and neighbors are known, and compares. What Wine only pretends to do is a note there and is not counted.
/// </summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class WineProbeTests
{
    public required TestContext TestContext { get; init; }

    [TestMethod]
    [Timeout(8 * 60 * 1000, CooperativeCancellation = true)]
    public void Probe_UnderWine_SeesWhatIsThere()
    {
        TestNamespace.RequireRoot();
        if (WinePrefix.Missing is { } reason) Assert.Inconclusive(reason);
        if (!IsInstalled("ip")) Assert.Inconclusive("needs ip (Debian package iproute2)");
        using var one = new TestNamespace("wine1");
        using var two = new TestNamespace("wine2");
        var (near, far) = one.Join(two, "wine0", "wire0");
        one.Netlink.SetUp(1, true);
        one.Netlink.SetMtu(near.Index, 1400);
        one.Netlink.AddAddress(near.Index, IPAddress.Parse("10.77.0.1"), 20);
        one.Netlink.AddAddress(near.Index, IPAddress.Parse("fd77::1"), 60, AddressFlags.NoDad);
        one.Netlink.AddRoute(new HostRoute { Destination = IPNetwork.Parse("198.51.100.0/22"), LinkIndex = near.Index, Gateway = IPAddress.Parse("10.77.0.9") });
        one.Netlink.SetNeighbor(near.Index, IPAddress.Parse("10.77.0.9"), PhysicalAddress.Parse("02-00-00-00-00-09"));
        using var wine = WinePrefix.Create("ip", "netns", "exec", one.Name);
        var ended = wine.Run("HostProbe.exe", "wine");
        var lines = (ended.Output + ended.Errors).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        foreach (var line in lines) TestContext.WriteLine(line);

        var fields = lines.Select(line => line.Split('\t')).ToList();
        Assert.IsEmpty(fields.Where(line => line[0] == "FAIL").Select(line => string.Join(' ', line)));
        Assert.AreEqual(0, ended.Status);
        Assert.HasCount(14, fields.Where(line => line[0] == "ok"));

        var adapter = fields.Single(line => line[0] == "adapter" && line[2] == "wine0");
        var mac = one.Netlink.GetLink(near.Index).Mac;
        Assert.AreEqual((mac.ToString(), "1400", "6"), (adapter[3], adapter[4], adapter[6]));
        Assert.AreEqual("Up, Broadcast, Running, Multicast, LowerUp", adapter[5]);
        StringAssert.Contains(fields.Single(line => line[0] == "adapter" && line[2] == "lo")[5], "Loopback");
        var index = adapter[1];
        Assert.AreEqual(index, fields.Single(line => line[0] == "address" && line[2] == "10.77.0.1")[1]);
        Assert.AreEqual("20", fields.Single(line => line[0] == "address" && line[2] == "10.77.0.1")[3]);
        Assert.AreEqual("60", fields.Single(line => line[0] == "address" && line[2] == "fd77::1")[3]);
        Assert.AreEqual("10.77.0.9", fields.Single(line => line[0] == "route" && line[1] == index && line[2] == "198.51.100.0/22")[3]);
        Assert.Contains(line => line[0] == "route" && line[1] == index && line[2] == "10.77.0.0/20", fields);
        Assert.AreEqual("020000000009", fields.Single(line => line[0] == "neighbor" && line[2] == "10.77.0.9")[3]);
    }

    private static bool IsInstalled(string command) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => folder.Length > 0 && File.Exists(Path.Combine(folder, command)));
}
