using System.Net;
using System.Net.NetworkInformation;
using System.Runtime.Versioning;

namespace IpVlanWin.HostNetwork.Linux;

/// <summary>
/// Reads and changes links, addresses, routes and neighbors of one network namespace by rtnetlink(7). The socket stays in
/// the namespace it was opened in; all members may be called from any thread, one request runs at a time.
/// </summary>
/// <remarks>Every member throws <see cref="HostNetworkException"/> with the kernel's errno when the kernel refuses.</remarks>
[SupportedOSPlatform("linux")]
public sealed partial class RouteNetlink : IDisposable
{
    /// <summary>Opens a socket in the calling thread's namespace.</summary>
    public static RouteNetlink Open() => throw new NotImplementedException();

    /// <summary>Opens a socket in a namespace.</summary>
    public static RouteNetlink Open(NetworkNamespace networkNamespace) => throw new NotImplementedException();

    /// <summary>All links, by index.</summary>
    public IReadOnlyList<HostLink> ListLinks() => throw new NotImplementedException();
    /// <summary>The link of that name, or null.</summary>
    public HostLink? FindLink(string name) => throw new NotImplementedException();
    /// <summary>The link of that index, or null.</summary>
    public HostLink? FindLink(int index) => throw new NotImplementedException();
    /// <summary>The link of that name. ENODEV when there is none.</summary>
    public HostLink GetLink(string name) => throw new NotImplementedException();
    /// <summary>The link of that index. ENODEV when there is none.</summary>
    public HostLink GetLink(int index) => throw new NotImplementedException();
    /// <summary>Makes a pair of veth links, the peer straight in another namespace when given. Returns the near end.</summary>
    public HostLink CreateVeth(string name, string peerName, NetworkNamespace? peerNamespace = null) => throw new NotImplementedException();
    /// <summary>Makes a dummy link.</summary>
    public HostLink CreateDummy(string name) => throw new NotImplementedException();
    /// <summary>Makes a bridge.</summary>
    public HostLink CreateBridge(string name) => throw new NotImplementedException();
    /// <summary>Deletes a link.</summary>
    public void DeleteLink(int index) => throw new NotImplementedException();
    /// <summary>Sets a link up or down.</summary>
    public void SetUp(int index, bool up) => throw new NotImplementedException();
    /// <summary>Switches ARP and ND on or off (<c>IFF_NOARP</c>).</summary>
    public void SetArp(int index, bool on) => throw new NotImplementedException();
    /// <summary>Switches promiscuous reception by the link's flag.</summary>
    public void SetPromiscuous(int index, bool on) => throw new NotImplementedException();
    /// <summary>Switches reception of all multicast by the link's flag.</summary>
    public void SetAllMulticast(int index, bool on) => throw new NotImplementedException();
    /// <summary>Sets the MTU in bytes of an IP packet.</summary>
    public void SetMtu(int index, int ipMtu) => throw new NotImplementedException();
    /// <summary>Sets the MAC address.</summary>
    public void SetMac(int index, PhysicalAddress mac) => throw new NotImplementedException();
    /// <summary>Makes the link a port of a bridge, or of none with 0.</summary>
    public void SetMaster(int index, int masterIndex) => throw new NotImplementedException();
    /// <summary>Renames a link; before Linux 6.2 it has to be down.</summary>
    public void Rename(int index, string name) => throw new NotImplementedException();
    /// <summary>Moves a link to another namespace, under another name when given. It may get another index there.</summary>
    public void MoveTo(int index, NetworkNamespace networkNamespace, string? newName = null) => throw new NotImplementedException();
    /// <summary>Says how the link makes its IPv6 link-local address.</summary>
    public void SetAddressGeneration(int index, AddressGeneration mode) => throw new NotImplementedException();
    /// <summary>Whether an offload is on.</summary>
    public bool GetOffload(string linkName, LinkOffload offload) => throw new NotImplementedException();
    /// <summary>Switches an offload.</summary>
    public void SetOffload(string linkName, LinkOffload offload, bool on) => throw new NotImplementedException();

    /// <summary>Addresses of both families, of one link when given.</summary>
    public IReadOnlyList<HostAddress> ListAddresses(int? linkIndex = null) => throw new NotImplementedException();
    /// <summary>Adds an address. EEXIST when the link has it.</summary>
    public void AddAddress(int linkIndex, IPAddress address, int prefixLength, AddressFlags flags = AddressFlags.None) => throw new NotImplementedException();
    /// <summary>Removes an address. EADDRNOTAVAIL when the link does not have it.</summary>
    public void RemoveAddress(int linkIndex, IPAddress address, int prefixLength) => throw new NotImplementedException();

    /// <summary>Routes of the main table, both families.</summary>
    public IReadOnlyList<HostRoute> ListRoutes() => throw new NotImplementedException();
    /// <summary>Adds a route. EEXIST when there is one to the same destination with the same metric.</summary>
    public void AddRoute(HostRoute route) => throw new NotImplementedException();
    /// <summary>Adds a route in the place of one to the same destination with the same metric.</summary>
    public void ReplaceRoute(HostRoute route) => throw new NotImplementedException();
    /// <summary>Removes a route. ESRCH when there is none.</summary>
    public void RemoveRoute(HostRoute route) => throw new NotImplementedException();

    /// <summary>Neighbors of both families, of one link when given, without those that need no resolution.</summary>
    public IReadOnlyList<HostNeighbor> ListNeighbors(int? linkIndex = null) => throw new NotImplementedException();
    /// <summary>Adds or replaces a neighbor.</summary>
    public void SetNeighbor(int linkIndex, IPAddress address, PhysicalAddress mac, NeighborState state = NeighborState.Permanent) => throw new NotImplementedException();
    /// <summary>Removes a neighbor. ENOENT when there is none.</summary>
    public void RemoveNeighbor(int linkIndex, IPAddress address) => throw new NotImplementedException();
    /// <summary>Asks the kernel to resolve a neighbor; returns at once, the result comes as a change of the watch.</summary>
    public void Resolve(int linkIndex, IPAddress address) => throw new NotImplementedException();

    /// <summary>Starts a batch: many changes in few system calls.</summary>
    public RouteBatch CreateBatch() => throw new NotImplementedException();

    /// <summary>Closes the socket.</summary>
    public void Dispose() => throw new NotImplementedException();
}

/// <summary>A change of a <see cref="RouteBatch"/> that the kernel refused.</summary>
/// <param name="Position">The change's place in the batch, from 0.</param>
/// <param name="Error">Why.</param>
public sealed record BatchFailure(int Position, HostNetworkException Error);

/// <summary>Changes that are sent together. Each is tried on its own: one that fails does not stop the others.</summary>
[SupportedOSPlatform("linux")]
public sealed partial class RouteBatch
{
    /// <summary>The number of changes collected.</summary>
    public int Count => throw new NotImplementedException();
    /// <inheritdoc cref="RouteNetlink.AddAddress"/>
    public void AddAddress(int linkIndex, IPAddress address, int prefixLength, AddressFlags flags = AddressFlags.None) => throw new NotImplementedException();
    /// <inheritdoc cref="RouteNetlink.RemoveAddress"/>
    public void RemoveAddress(int linkIndex, IPAddress address, int prefixLength) => throw new NotImplementedException();
    /// <inheritdoc cref="RouteNetlink.AddRoute"/>
    public void AddRoute(HostRoute route) => throw new NotImplementedException();
    /// <inheritdoc cref="RouteNetlink.ReplaceRoute"/>
    public void ReplaceRoute(HostRoute route) => throw new NotImplementedException();
    /// <inheritdoc cref="RouteNetlink.RemoveRoute"/>
    public void RemoveRoute(HostRoute route) => throw new NotImplementedException();
    /// <inheritdoc cref="RouteNetlink.SetNeighbor"/>
    public void SetNeighbor(int linkIndex, IPAddress address, PhysicalAddress mac, NeighborState state = NeighborState.Permanent) => throw new NotImplementedException();
    /// <inheritdoc cref="RouteNetlink.RemoveNeighbor"/>
    public void RemoveNeighbor(int linkIndex, IPAddress address) => throw new NotImplementedException();
    /// <summary>Sends all, empties the batch and returns what was refused, in order.</summary>
    public IReadOnlyList<BatchFailure> Send() => throw new NotImplementedException();
}
