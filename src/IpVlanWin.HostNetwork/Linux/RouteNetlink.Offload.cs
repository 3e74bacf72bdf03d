using System.Text;

namespace IpVlanWin.HostNetwork.Linux;

public sealed partial class RouteNetlink
{
    /// <summary>Whether an offload is on. EOPNOTSUPP when the driver knows nothing of it.</summary>
    /// <param name="linkName">The link.</param>
    /// <param name="offload">Which.</param>
    public bool GetOffload(string linkName, LinkOffload offload) =>
        Ethtool(linkName, CommandsOf(offload).Get, 0, $"read offload {offload} of link {linkName}") != 0;

    /// <summary>Switches an offload. EOPNOTSUPP when the driver cannot.</summary>
    /// <param name="linkName">The link.</param>
    /// <param name="offload">Which.</param>
    /// <param name="on">On or off.</param>
    public void SetOffload(string linkName, LinkOffload offload, bool on) =>
        Ethtool(linkName, CommandsOf(offload).Set, on ? 1u : 0, $"switch offload {offload} of link {linkName} {(on ? "on" : "off")}");

    // SIOCETHTOOL goes to the namespace of any socket, so the netlink socket serves (dev_ioctl).
    private unsafe uint Ethtool(string linkName, uint command, uint value, string attempt)
    {
        RequireName(linkName);
        var argument = new EthtoolValue { Command = command, Data = value };
        var request = new IfReq { Data = &argument };
        Encoding.UTF8.GetBytes(linkName, new Span<byte>(request.Name, MaxNameBytes));
        lock (_lock)
        {
            if (NativeMethods.Ioctl(_socket.Handle, NativeMethods.SIOCETHTOOL, &request) != 0) LinuxError.ThrowLast(attempt);
        }
        return argument.Data;
    }

    /// <summary>linux/ethtool.h ETHTOOL_G* and ETHTOOL_S*.</summary>
    private static (uint Get, uint Set) CommandsOf(LinkOffload offload) => offload switch
    {
        LinkOffload.ReceiveChecksum => (0x14, 0x15),
        LinkOffload.TransmitChecksum => (0x16, 0x17),
        LinkOffload.ScatterGather => (0x18, 0x19),
        LinkOffload.TcpSegmentation => (0x1E, 0x1F),
        LinkOffload.GenericSegmentation => (0x23, 0x24),
        LinkOffload.GenericReceive => (0x2B, 0x2C),
        _ => throw new ArgumentOutOfRangeException(nameof(offload), offload, "must be one of LinkOffload"),
    };
}
