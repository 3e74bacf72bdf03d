using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using IpVlanWin.Devices.Linux;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Lab.Tests;

/// <summary>A stack of the kernel's in a namespace of its own, with one device and one address of each family.</summary>
[SupportedOSPlatform("linux")]
internal sealed class Station : IDisposable
{
    public Station(NetworkNamespace networkNamespace, string role, string device, int number)
    {
        (Namespace, Role, Device) = (networkNamespace, role, device);
        Netlink = RouteNetlink.Open(networkNamespace);
        Four = IPAddress.Parse($"10.77.0.{number}");
        Six = IPAddress.Parse($"fd77::{number}");
    }

    public string Role { get; }

    public string Device { get; }

    public NetworkNamespace Namespace { get; }

    public RouteNetlink Netlink { get; }

    public IPAddress Four { get; }

    public IPAddress Six { get; }

    public int Link => Netlink.GetLink(Device).Index;

    public MacAddress Mac => MacAddress.Read(Netlink.GetLink(Device).Mac.GetAddressBytes());

    public IPAddress Address(bool isSix) => isSix ? Six : Four;

    /// <summary>Addresses and up.</summary>
    public void SetUp()
    {
        Netlink.AddAddress(Link, Four, 24);
        Netlink.AddAddress(Link, Six, 64, AddressFlags.NoDad);
        Netlink.SetUp(Link, true);
    }

    /// <summary>`ip` in this namespace; words separated by single spaces.</summary>
    public string Ip(string command) => Tool.Run("ip", ["-n", Namespace.Name!, .. command.Split(' ')]);

    /// <summary>Any command in this namespace, which must succeed.</summary>
    public string Exec(params string[] command) => Tool.Run("ip", ["netns", "exec", Namespace.Name!, .. command]);

    /// <summary>Any command in this namespace.</summary>
    public ToolResult TryExec(params string[] command) => Tool.Try("ip", ["netns", "exec", Namespace.Name!, .. command]);

    /// <summary>A setting of the device's, such as ("ipv6", "accept_ra", "1").</summary>
    public void Set(string family, string name, string value) => Namespace.WriteSysctl($"net/{family}/conf/{Device}/{name}", value);

    /// <summary>The MAC that this stack has for an address, or null.</summary>
    public MacAddress? NeighborOf(IPAddress address) => Netlink.ListNeighbors(Link).FirstOrDefault(known => known.Address.Equals(address)) is { IsUsable: true, Mac: { } mac }
        ? MacAddress.Read(mac.GetAddressBytes())
        : null;

    public Socket Open(AddressFamily family, SocketType type, ProtocolType protocol) =>
        Namespace.Run(() => new Socket(family, type, protocol) { SendTimeout = 10_000, ReceiveTimeout = 10_000 });

    /// <summary>A UDP socket bound to a port of the kernel's choice at this station's address.</summary>
    public Socket OpenUdp(bool isSix)
    {
        var socket = Open(isSix ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.ReceiveBufferSize = 1 << 20;
        socket.Bind(new IPEndPoint(Address(isSix), 0));
        return socket;
    }

    /// <summary>Raw frames at the device.</summary>
    public FrameTap OpenFrames() => new(LinuxPacket.Open(Device, Namespace.Handle, new LinuxPacketOptions { Promiscuous = true }));

    public void Dispose() => Netlink.Dispose();

    public override string ToString() => Role;
}
