using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace IpVlanWin.HostNetwork.Windows;

public sealed partial class WindowsNetwork
{
    /// <summary>The IP layer's settings of an adapter. Code 1168 when that family is not bound to it.</summary>
    /// <param name="linkIndex">The adapter.</param>
    /// <param name="family">IPv4 or IPv6.</param>
    public IpInterfaceSettings GetIpInterface(int linkIndex, AddressFamily family) => IpInterfaceSettings.From(ReadIpInterface(linkIndex, family));

    /// <summary>Changes them and reads them back, since some settings are accepted and not taken over.</summary>
    /// <param name="linkIndex">The adapter.</param>
    /// <param name="family">IPv4 or IPv6.</param>
    /// <param name="change">What to change.</param>
    /// <returns>The change that undoes it.</returns>
    public IpInterfaceChange SetIpInterface(int linkIndex, AddressFamily family, IpInterfaceChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        if (change.IpMtu is { } mtu) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(mtu, nameof(change));
        if (change.DadTransmits is { } transmits) ArgumentOutOfRangeException.ThrowIfNegative(transmits, nameof(change));
        var row = ReadIpInterface(linkIndex, family);
        var before = IpInterfaceSettings.From(row);
        change.ApplyTo(ref row);
        var attempt = $"change the {Name(family)} settings of adapter {linkIndex}";
        WindowsError.Check(_ip.SetIpInterface(ref row), attempt);
        if (change.FirstDifference(GetIpInterface(linkIndex, family)) is { } different)
            WindowsError.Throw(WindowsError.NotSupported, attempt, $"{different} was accepted and not taken over");
        return change.Reverse(before);
    }

    /// <summary>Sets the MTU of both families that are bound, or of neither. IPv6 needs 1280 or more (RFC 8200 section 5).</summary>
    /// <inheritdoc/>
    public void SetMtu(int index, int ipMtu)
    {
        RequireIndex(index);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(ipMtu);
        var change = new IpInterfaceChange { IpMtu = ipMtu };
        var bound = new List<AddressFamily>();
        foreach (var family in (ReadOnlySpan<AddressFamily>)[AddressFamily.InterNetwork, AddressFamily.InterNetworkV6])
        {
            var row = new MibIpInterfaceRow { Family = NativeFamily(family), InterfaceIndex = (uint)index };
            var code = _ip.GetIpInterface(ref row);
            if (code == WindowsError.Success) bound.Add(family);
            else if (code is not (WindowsError.NotFound or WindowsError.FileNotFound)) WindowsError.Throw(code, $"read the {Name(family)} settings of adapter {index}");
        }
        if (bound.Count == 0) WindowsError.Throw(WindowsError.NotFound, $"set the MTU of adapter {index} to {ipMtu}");
        var undo = SetIpInterface(index, bound[0], change);
        if (bound.Count == 1) return;
        try
        {
            SetIpInterface(index, bound[1], change);
        }
        catch (HostNetworkException)
        {
            SetIpInterface(index, bound[0], undo);
            throw;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<HostNeighbor> ListNeighbors(int? linkIndex = null)
    {
        CheckTable(_ip.GetNeighbors(SockAddrInet.Unspecified, out var rows), "list the neighbors");
        var neighbors = new List<HostNeighbor>(rows.Length);
        foreach (ref readonly var row in rows.AsSpan())
        {
            if ((linkIndex is null || row.InterfaceIndex == (uint)linkIndex) && Rows.ToNeighbor(row) is { } neighbor) neighbors.Add(neighbor);
        }
        return neighbors;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The state is not Permanent, Reachable or Stale.</exception>
    public void SetNeighbor(int linkIndex, IPAddress address, PhysicalAddress mac, NeighborState state = NeighborState.Permanent)
    {
        ArgumentNullException.ThrowIfNull(mac);
        var bytes = mac.GetAddressBytes();
        if (bytes.Length is 0 or > 32) throw new ArgumentException($"MAC address \"{mac}\" must have 1 to 32 bytes", nameof(mac));
        var row = NeighborRow(linkIndex, address);
        bytes.CopyTo((Span<byte>)row.PhysicalAddress);
        row.PhysicalAddressLength = (uint)bytes.Length;
        row.State = state switch
        {
            NeighborState.Permanent => Rows.NeighborPermanent,
            NeighborState.Reachable => Rows.NeighborReachable,
            NeighborState.Stale => Rows.NeighborStale,
            _ => throw new ArgumentException($"state {state} must be Permanent, Reachable or Stale", nameof(state)),
        };
        var code = _ip.CreateNeighbor(row);
        WindowsError.Check(code == WindowsError.ObjectAlreadyExists ? _ip.SetNeighbor(ref row) : code, $"set neighbor {address} of adapter {linkIndex} to {mac}");
    }

    /// <inheritdoc/>
    public void RemoveNeighbor(int linkIndex, IPAddress address) =>
        WindowsError.Check(_ip.DeleteNeighbor(NeighborRow(linkIndex, address)), $"remove neighbor {address} of adapter {linkIndex}");

    /// <summary>
    /// Asks for a neighbor to be resolved and returns at once. The system's call blocks until it is answered or given up, so a few
    /// threads do it in the background; beyond their queue a request is refused and counted (<see cref="ResolutionsRefused"/>): ask again.
    /// </summary>
    /// <inheritdoc/>
    public void Resolve(int linkIndex, IPAddress address) => _resolver.Add(NeighborRow(linkIndex, address));

    /// <summary>Requests to resolve that were refused because the queue was full.</summary>
    public long ResolutionsRefused => _resolver.Refused;

    /// <summary>Resolves a neighbor and waits for it, for seconds when nobody answers. Code 67 or 31 when nobody does.</summary>
    /// <param name="linkIndex">The adapter.</param>
    /// <param name="address">The IP address.</param>
    public HostNeighbor ResolveNow(int linkIndex, IPAddress address)
    {
        var row = NeighborRow(linkIndex, address);
        var attempt = $"resolve {address} on adapter {linkIndex}";
        WindowsError.Check(_ip.ResolveNeighbor(ref row), attempt);
        var neighbor = Rows.ToNeighbor(row);
        if (neighbor is null) WindowsError.Throw(WindowsError.InvalidParameter, attempt, "a group or broadcast address needs no resolution");
        return neighbor!;
    }

    /// <summary>
    /// Lets the host answer ARP requests for an address that is not its own (CreateProxyArpEntry). The system offers no list
    /// of these: whoever adds one must remember it. It goes with a restart of the system.
    /// </summary>
    /// <param name="linkIndex">The adapter that answers, with its own MAC address.</param>
    /// <param name="address">The IPv4 address.</param>
    /// <returns>False when it was there already.</returns>
    public bool AddProxyArp(int linkIndex, IPAddress address)
    {
        var code = _ip.CreateProxyArp(RequireV4(linkIndex, address), uint.MaxValue, (uint)linkIndex);
        if (code == WindowsError.ObjectAlreadyExists) return false;
        WindowsError.Check(code, $"answer ARP for {address} on adapter {linkIndex}");
        return true;
    }

    /// <summary>Ends that.</summary>
    /// <param name="linkIndex">The adapter.</param>
    /// <param name="address">The IPv4 address.</param>
    /// <returns>False when there was no such entry.</returns>
    public bool RemoveProxyArp(int linkIndex, IPAddress address)
    {
        var code = _ip.DeleteProxyArp(RequireV4(linkIndex, address), uint.MaxValue, (uint)linkIndex);
        if (code is WindowsError.NotFound or WindowsError.FileNotFound) return false;
        WindowsError.Check(code, $"stop answering ARP for {address} on adapter {linkIndex}");
        return true;
    }

    /// <summary>
    /// Lets the host answer neighbor solicitations for an IPv6 address of another adapter of its own, without probing for duplicates
    /// (RFC 4291 section 2.6, RFC 4862 section 5.4).
    /// </summary>
    /// <param name="linkIndex">The adapter that answers, with its own MAC address.</param>
    /// <param name="address">The IPv6 address.</param>
    /// <returns>False when it was there already.</returns>
    public bool AddAnycast(int linkIndex, IPAddress address)
    {
        var code = _ip.CreateAnycast(AnycastRow(linkIndex, address));
        if (code == WindowsError.ObjectAlreadyExists) return false;
        WindowsError.Check(code, $"make {address} an anycast address of adapter {linkIndex}");
        return true;
    }

    /// <summary>Ends that.</summary>
    /// <param name="linkIndex">The adapter.</param>
    /// <param name="address">The address.</param>
    /// <returns>False when there was no such address.</returns>
    public bool RemoveAnycast(int linkIndex, IPAddress address)
    {
        var code = _ip.DeleteAnycast(AnycastRow(linkIndex, address));
        if (code is WindowsError.NotFound or WindowsError.FileNotFound) return false;
        WindowsError.Check(code, $"take anycast address {address} from adapter {linkIndex}");
        return true;
    }

    private static MibAnycastIpAddressRow AnycastRow(int linkIndex, IPAddress address)
    {
        RequireIndex(linkIndex);
        if (RequireFamily(address) != AddressFamily.InterNetworkV6) throw new ArgumentException($"anycast is IPv6 alone: \"{address}\" must be an IPv6 address", nameof(address));
        return new MibAnycastIpAddressRow { Address = SockAddrInet.From(address), InterfaceIndex = (uint)linkIndex };
    }

    private MibIpInterfaceRow ReadIpInterface(int linkIndex, AddressFamily family)
    {
        RequireIndex(linkIndex);
        var row = new MibIpInterfaceRow { Family = NativeFamily(family), InterfaceIndex = (uint)linkIndex };
        WindowsError.Check(_ip.GetIpInterface(ref row), $"read the {Name(family)} settings of adapter {linkIndex}");
        return row;
    }

    private static MibIpNetRow2 NeighborRow(int linkIndex, IPAddress address)
    {
        RequireIndex(linkIndex);
        RequireFamily(address);
        return new MibIpNetRow2 { Address = SockAddrInet.From(address), InterfaceIndex = (uint)linkIndex };
    }

    /// <summary>The address in network order.</summary>
    private static uint RequireV4(int linkIndex, IPAddress address)
    {
        RequireIndex(linkIndex);
        if (RequireFamily(address) != AddressFamily.InterNetwork) throw new ArgumentException($"proxy ARP is IPv4 alone: \"{address}\" must be an IPv4 address", nameof(address));
        return MemoryMarshal.Read<uint>(address.GetAddressBytes());
    }

    private static string Name(AddressFamily family) => family == AddressFamily.InterNetwork ? "IPv4" : "IPv6";
}
