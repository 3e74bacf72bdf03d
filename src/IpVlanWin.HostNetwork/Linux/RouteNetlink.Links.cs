using System.Net.NetworkInformation;
using System.Text;

namespace IpVlanWin.HostNetwork.Linux;

public sealed partial class RouteNetlink
{
    /// <summary>IFNAMSIZ less the terminating zero.</summary>
    private const int MaxNameBytes = 15;

    /// <summary>All links.</summary>
    public IReadOnlyList<HostLink> ListLinks() => Repeat("list the links", (List<HostLink> list) => DumpLinks(_socket, list.Add));

    /// <summary>The link of that name, or null.</summary>
    /// <param name="name">1 to 15 bytes without '/' and white space.</param>
    public HostLink? FindLink(string name)
    {
        RequireName(name);
        return Find($"read link {name}", 0, name);
    }

    /// <summary>The link of that index, or null.</summary>
    /// <param name="index">The index, from 1.</param>
    public HostLink? FindLink(int index)
    {
        RouteRequests.RequireIndex(index);
        return Find($"read link {index}", index, null);
    }

    /// <summary>The link of that name. ENODEV when there is none.</summary>
    /// <param name="name">1 to 15 bytes without '/' and white space.</param>
    public HostLink GetLink(string name) => FindLink(name) ?? throw LinuxError.Create(LinuxError.ENODEV, $"read link {name}");

    /// <summary>The link of that index. ENODEV when there is none.</summary>
    /// <param name="index">The index, from 1.</param>
    public HostLink GetLink(int index) => FindLink(index) ?? throw LinuxError.Create(LinuxError.ENODEV, $"read link {index}");

    /// <summary>Makes a pair of joined links (veth(4)). EEXIST when a name is taken.</summary>
    /// <param name="name">The near end.</param>
    /// <param name="peerName">The far end.</param>
    /// <param name="peerNamespace">Where the far end is made; null for this namespace.</param>
    /// <returns>The near end; <see cref="HostLink.PeerIndex"/> is the far end's index in its namespace.</returns>
    public HostLink CreateVeth(string name, string peerName, NetworkNamespace? peerNamespace = null)
    {
        RequireName(name);
        RequireName(peerName);
        var near = Create(name, "veth", $"create the veth links {name} and {peerName}", writer =>
        {
            var data = writer.BeginNest(Rtnl.IFLA_INFO_DATA);
            var peer = writer.BeginNest(Rtnl.VETH_INFO_PEER);
            writer.Append(new IfInfoMsg());
            writer.Attribute(Rtnl.IFLA_IFNAME, peerName);
            if (peerNamespace is not null) AppendNamespace(writer, peerNamespace);
            writer.EndNest(peer);
            writer.EndNest(data);
        });
        GC.KeepAlive(peerNamespace);
        return near;
    }

    /// <summary>Makes a link that swallows what is sent to it. EOPNOTSUPP on a kernel without the dummy driver.</summary>
    /// <param name="name">Its name.</param>
    public HostLink CreateDummy(string name)
    {
        RequireName(name);
        return Create(name, "dummy", $"create the dummy link {name}", null);
    }

    /// <summary>Makes an Ethernet bridge without spanning tree.</summary>
    /// <param name="name">Its name.</param>
    public HostLink CreateBridge(string name)
    {
        RequireName(name);
        return Create(name, "bridge", $"create the bridge {name}", null);
    }

    /// <summary>Deletes a link; of a veth pair both ends go.</summary>
    /// <param name="index">The link.</param>
    public void DeleteLink(int index)
    {
        RouteRequests.RequireIndex(index);
        Execute(writer =>
        {
            writer.Begin(Rtnl.RTM_DELLINK, 0, $"delete link {index}", new IfInfoMsg { Index = index });
            writer.End();
        });
    }

    /// <summary>Sets a link up or down.</summary>
    /// <param name="index">The link.</param>
    /// <param name="up">Up or down.</param>
    public void SetUp(int index, bool up) => SetFlag(index, LinkFlags.Up, up, $"set link {index} {(up ? "up" : "down")}");

    /// <summary>Switches ARP and ND on or off (<c>IFF_NOARP</c>).</summary>
    /// <param name="index">The link.</param>
    /// <param name="on">True lets the link resolve neighbors.</param>
    public void SetArp(int index, bool on) => SetFlag(index, LinkFlags.NoArp, !on, $"switch ARP of link {index} {(on ? "on" : "off")}");

    /// <summary>Switches promiscuous reception by the link's flag, which adds to what packet sockets ask for.</summary>
    /// <param name="index">The link.</param>
    /// <param name="on">On or off.</param>
    public void SetPromiscuous(int index, bool on) => SetFlag(index, LinkFlags.Promiscuous, on, $"switch promiscuous reception of link {index} {(on ? "on" : "off")}");

    /// <summary>Switches reception of all multicast by the link's flag.</summary>
    /// <param name="index">The link.</param>
    /// <param name="on">On or off.</param>
    public void SetAllMulticast(int index, bool on) => SetFlag(index, LinkFlags.AllMulticast, on, $"switch reception of all multicast of link {index} {(on ? "on" : "off")}");

    /// <summary>Sets the MTU. EINVAL when the driver cannot do it.</summary>
    /// <param name="index">The link.</param>
    /// <param name="ipMtu">The largest IP packet in bytes.</param>
    public void SetMtu(int index, int ipMtu)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(ipMtu);
        Change(index, $"set the MTU of link {index} to {ipMtu}", writer => writer.Attribute(Rtnl.IFLA_MTU, (uint)ipMtu));
    }

    /// <summary>Writes something about a link that whoever lists links sees.</summary>
    /// <param name="index">The link.</param>
    /// <param name="alias">Up to 255 bytes.</param>
    public void SetAlias(int index, string alias)
    {
        ArgumentException.ThrowIfNullOrEmpty(alias);
        Change(index, $"set the alias of link {index}", writer => writer.Attribute(Rtnl.IFLA_IFALIAS, alias));
    }

    /// <summary>Sets the MAC address. EADDRNOTAVAIL for a multicast or zero address.</summary>
    /// <param name="index">The link.</param>
    /// <param name="mac">Six bytes on Ethernet.</param>
    public void SetMac(int index, PhysicalAddress mac)
    {
        ArgumentNullException.ThrowIfNull(mac);
        Change(index, $"set the MAC address of link {index} to {mac}", writer => writer.Attribute(Rtnl.IFLA_ADDRESS, mac.GetAddressBytes()));
    }

    /// <summary>Makes the link a port of a bridge.</summary>
    /// <param name="index">The link.</param>
    /// <param name="masterIndex">The bridge, or 0 to take the link out of its bridge.</param>
    public void SetMaster(int index, int masterIndex)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(masterIndex);
        Change(index, masterIndex == 0 ? $"take link {index} out of its bridge" : $"make link {index} a port of link {masterIndex}",
            writer => writer.Attribute(Rtnl.IFLA_MASTER, (uint)masterIndex));
    }

    /// <summary>Renames a link. EEXIST when the name is taken; EBUSY on an older kernel when the link is up.</summary>
    /// <param name="index">The link.</param>
    /// <param name="name">1 to 15 bytes without '/' and white space.</param>
    public void Rename(int index, string name)
    {
        RequireName(name);
        Change(index, $"rename link {index} to {name}", writer => writer.Attribute(Rtnl.IFLA_IFNAME, name));
    }

    /// <summary>
    /// Moves a link to another namespace. It is down there, without addresses, and may have another index: look it up by name.
    /// EEXIST when the name is taken there.
    /// </summary>
    /// <param name="index">The link.</param>
    /// <param name="networkNamespace">Where to.</param>
    /// <param name="newName">Its name there; null keeps the name.</param>
    public void MoveTo(int index, NetworkNamespace networkNamespace, string? newName = null)
    {
        ArgumentNullException.ThrowIfNull(networkNamespace);
        if (newName is not null) RequireName(newName);
        Change(index, $"move link {index} to namespace {networkNamespace}", writer =>
        {
            AppendNamespace(writer, networkNamespace);
            if (newName is not null) writer.Attribute(Rtnl.IFLA_IFNAME, newName);
        });
        GC.KeepAlive(networkNamespace);
    }

    /// <summary>Says how the link makes its own IPv6 link-local address; set it before the link goes up.</summary>
    /// <param name="index">The link.</param>
    /// <param name="mode">How.</param>
    public void SetAddressGeneration(int index, AddressGeneration mode) =>
        Change(index, $"set the IPv6 address generation of link {index} to {mode}", writer =>
        {
            var families = writer.BeginNest(Rtnl.IFLA_AF_SPEC);
            var inet6 = writer.BeginNest(Rtnl.AF_INET6);
            writer.Attribute(Rtnl.IFLA_INET6_ADDR_GEN_MODE, (byte)mode);
            writer.EndNest(inet6);
            writer.EndNest(families);
        });

    /// <summary>Unicast frames that a link has received and sent so far (struct rtnl_link_stats64). ENODEV.</summary>
    /// <param name="index">The link.</param>
    public long CountUnicast(int index)
    {
        RouteRequests.RequireIndex(index);
        long? count = null;
        Ask($"read the counters of link {index}", index, null, payload => RouteParser.TryCountUnicast(payload, out count));
        return count ?? throw LinuxError.Create(LinuxError.ENODEV, $"read the counters of link {index}");
    }

    private HostLink? Find(string attempt, int index, string? name)
    {
        HostLink? found = null;
        Ask(attempt, index, name, payload => RouteParser.Link(payload, out found) != ParseResult.Malformed);
        return found;
    }

    private void Ask(string attempt, int index, string? name, PayloadTaker take)
    {
        var writer = new NetlinkWriter();
        writer.Begin(Rtnl.RTM_GETLINK, 0, attempt, new IfInfoMsg { Index = index });
        if (name is not null) writer.Attribute(Rtnl.IFLA_IFNAME, name);
        writer.End();
        var failures = new List<BatchFailure>();
        lock (_lock) _socket.Execute(writer, failures, (in header, payload) => take(payload));
        foreach (var failure in failures)
        {
            if (failure.Error.NativeCode != LinuxError.ENODEV) throw failure.Error;
        }
    }

    private delegate bool PayloadTaker(ReadOnlySpan<byte> payload);

    private HostLink Create(string name, string kind, string attempt, Action<NetlinkWriter>? writeData)
    {
        Execute(writer =>
        {
            writer.Begin(Rtnl.RTM_NEWLINK, Rtnl.NLM_F_CREATE | Rtnl.NLM_F_EXCL, attempt, new IfInfoMsg());
            writer.Attribute(Rtnl.IFLA_IFNAME, name);
            var info = writer.BeginNest(Rtnl.IFLA_LINKINFO);
            writer.Attribute(Rtnl.IFLA_INFO_KIND, kind);
            writeData?.Invoke(writer);
            writer.EndNest(info);
            writer.End();
        });
        return GetLink(name);
    }

    private void SetFlag(int index, LinkFlags flag, bool on, string attempt)
    {
        RouteRequests.RequireIndex(index);
        Execute(writer =>
        {
            writer.Begin(Rtnl.RTM_NEWLINK, 0, attempt, new IfInfoMsg { Index = index, Flags = on ? (uint)flag : 0, Change = (uint)flag });
            writer.End();
        });
    }

    private void Change(int index, string attempt, Action<NetlinkWriter> writeAttributes)
    {
        RouteRequests.RequireIndex(index);
        Execute(writer =>
        {
            writer.Begin(Rtnl.RTM_NEWLINK, 0, attempt, new IfInfoMsg { Index = index });
            writeAttributes(writer);
            writer.End();
        });
    }

    private static void AppendNamespace(NetlinkWriter writer, NetworkNamespace networkNamespace)
    {
        // The number is only valid while the object lives: callers keep it alive until the kernel has answered.
        ObjectDisposedException.ThrowIf(networkNamespace.Handle.IsClosed, networkNamespace);
        writer.Attribute(Rtnl.IFLA_NET_NS_FD, (uint)networkNamespace.Handle.DangerousGetHandle());
    }

    /// <summary>The kernel's dev_valid_name, and its length.</summary>
    internal static void RequireName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var valid = name.Length > 0 && Encoding.UTF8.GetByteCount(name) <= MaxNameBytes && name is not ("." or "..");
        foreach (var c in name) valid &= c is not ('/' or ':' or '\0') && !char.IsWhiteSpace(c);
        if (!valid) throw new ArgumentException($"link name \"{name}\" must be 1 to {MaxNameBytes} bytes without '/', ':' and white space", nameof(name));
    }
}
