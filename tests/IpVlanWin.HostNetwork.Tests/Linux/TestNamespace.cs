using System.Globalization;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.HostNetwork.Tests.Linux;

/// <summary>A namespace of this run's own, removed with everything in it. Skips the test where none can be made.</summary>
[SupportedOSPlatform("linux")]
internal sealed class TestNamespace : IDisposable
{
    public TestNamespace(string role)
    {
        RequireRoot();
        Name = UniqueName(role);
        try
        {
            Namespace = NetworkNamespace.Create(Name);
        }
        catch (HostNetworkException e) when (e.NativeName is "EPERM" or "EACCES")
        {
            Assert.Inconclusive($"needs the right to make network namespaces: {e.Message}");
            throw;
        }
        Netlink = RouteNetlink.Open(Namespace);
    }

    public string Name { get; }
    public NetworkNamespace Namespace { get; }
    public RouteNetlink Netlink { get; }

    public static string UniqueName(string role) =>
        string.Create(CultureInfo.InvariantCulture, $"hostnet-{Environment.ProcessId}-{RandomNumberGenerator.GetHexString(6, lowercase: true)}-{role}");

    public static void RequireRoot()
    {
        if (!OperatingSystem.IsLinux()) Assert.Inconclusive("needs Linux");
        if (!Environment.IsPrivilegedProcess) Assert.Inconclusive("needs root: makes network namespaces");
    }

    /// <summary>A veth pair a (here) and b (there), both up.</summary>
    public (HostLink Near, HostLink Far) Join(TestNamespace other, string near = "a", string far = "b")
    {
        var link = Netlink.CreateVeth(near, far, other.Namespace);
        Netlink.SetUp(link.Index, true);
        other.Netlink.SetUp(link.PeerIndex, true);
        return (Netlink.GetLink(link.Index), other.Netlink.GetLink(far));
    }

    public void Dispose()
    {
        Netlink.Dispose();
        Namespace.Dispose();
        NetworkNamespace.Delete(Name);
    }
}
