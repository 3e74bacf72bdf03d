using System.Net.NetworkInformation;
using System.Text;

namespace IpVlanWin.HostNetwork.Linux;

public sealed partial class RouteNetlink
{
    private const int EthernetBytes = 6;

    /// <summary>Lets a link receive a link-layer multicast group beside those of its stack, as ip-maddress(8) does; twice is once.</summary>
    /// <param name="linkName">The link.</param>
    /// <param name="group">The group's MAC address, 6 bytes.</param>
    /// <exception cref="HostNetworkException">ENODEV, EINVAL.</exception>
    public void AddMulticast(string linkName, PhysicalAddress group) => ChangeMulticast(NativeMethods.SIOCADDMULTI, linkName, group, $"let link {linkName} receive group {group}");

    /// <summary>Takes back <see cref="AddMulticast"/>.</summary>
    /// <param name="linkName">The link.</param>
    /// <param name="group">The group's MAC address, 6 bytes.</param>
    /// <exception cref="HostNetworkException">ENOENT where it was not added; ENODEV, EINVAL.</exception>
    public void RemoveMulticast(string linkName, PhysicalAddress group) => ChangeMulticast(NativeMethods.SIOCDELMULTI, linkName, group, $"let link {linkName} no longer receive group {group}");

    // As with ethtool, the request goes to the namespace of any socket (dev_ifsioc).
    private unsafe void ChangeMulticast(nuint request, string linkName, PhysicalAddress group, string attempt)
    {
        ArgumentNullException.ThrowIfNull(group);
        RequireName(linkName);
        var bytes = group.GetAddressBytes();
        if (bytes.Length != EthernetBytes) throw new ArgumentException($"group {group} must be {EthernetBytes} bytes long", nameof(group));
        var argument = default(IfReqAddress);
        Encoding.UTF8.GetBytes(linkName, new Span<byte>(argument.Name, MaxNameBytes));
        bytes.CopyTo(new Span<byte>(argument.Address, EthernetBytes));
        lock (_lock)
        {
            if (NativeMethods.Ioctl(_socket.Handle, request, &argument) != 0) LinuxError.ThrowLast(attempt);
        }
    }
}
