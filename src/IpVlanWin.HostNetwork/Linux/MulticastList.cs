using System.Net.NetworkInformation;
using System.Runtime.Versioning;

namespace IpVlanWin.HostNetwork.Linux;

/// <summary>
/// The link-layer multicast addresses the links of a namespace receive (/proc/net/dev_mcast). The file stays open, so
/// that reading again costs one or two system calls from any thread; it keeps the namespace alive.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed partial class MulticastList : IDisposable
{
    /// <summary>Opens the list of a namespace.</summary>
    public static MulticastList Open(NetworkNamespace networkNamespace) => throw new NotImplementedException();

    /// <summary>The addresses of one link, as they are now; empty for a link that does not exist.</summary>
    public IReadOnlyList<PhysicalAddress> Read(int linkIndex) => throw new NotImplementedException();

    /// <summary>Closes the file.</summary>
    public void Dispose() => throw new NotImplementedException();
}
