using System.Globalization;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Actions;

/// <summary>The adapters of this host, which is the service's too: its pipe takes no remote clients.</summary>
internal static class Masters
{
    /// <summary>Names of the adapters that can be masters, in order.</summary>
    public static IEnumerable<string> Names() =>
        NetworkInterface.GetAllNetworkInterfaces()
            .Where(static one => one.NetworkInterfaceType is not (NetworkInterfaceType.Loopback or NetworkInterfaceType.Tunnel or NetworkInterfaceType.Ppp))
            .Select(static one => one.Name).OrderBy(static name => name, StringComparer.OrdinalIgnoreCase);

    /// <summary>The name of the adapter with an index.</summary>
    /// <exception cref="ControlException">master-not-found.</exception>
    public static string NameOf(uint index)
    {
        foreach (var one in NetworkInterface.GetAllNetworkInterfaces())
        {
            if (IndexOf(one) == index)
                return one.Name;
        }
        throw ErrorCode.MasterNotFound.With(index.ToString(CultureInfo.InvariantCulture));
    }

    private static uint IndexOf(NetworkInterface one)
    {
        try
        {
            var properties = one.GetIPProperties();
            return (uint)(one.Supports(NetworkInterfaceComponent.IPv4) ? properties.GetIPv4Properties().Index : properties.GetIPv6Properties().Index);
        }
        catch (Exception gone) when (gone is NetworkInformationException or SocketException)
        {
            // It went while we looked, or has neither protocol: an index that nobody asks for.
            return 0;
        }
    }
}
