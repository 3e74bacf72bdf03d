using System.Net;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Datapath;

/// <summary>
/// Asks the wire whether somebody has an address, before it is put on the host (RFC 5227 section 2.1, RFC 4862 section 5.4). The host's
/// own stack asks, by resolving the address on the master: what stand-ins' stacks ask is answered to nobody (windivert), or in IPv4 to the
/// master (filter: an answer to a probe names no address of an interface's, semantics 11).
/// </summary>
internal static class DuplicateProbe
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(50);

    /// <summary>Asks for all of them and waits.</summary>
    /// <param name="host">The host.</param>
    /// <param name="master">The link to ask on.</param>
    /// <param name="addresses">None of them on the host.</param>
    /// <param name="patience">How long an answer may take.</param>
    /// <param name="ending">Ends the wait.</param>
    /// <returns>Those that somebody else has, with their MAC.</returns>
    public static Dictionary<L3Address, string> Find(IStandInHost host, HostLink master, IReadOnlyCollection<L3Address> addresses, TimeSpan patience, WaitHandle ending)
    {
        var found = new Dictionary<L3Address, string>();
        foreach (var some in addresses.Chunk(host.ProbesAtOnce))
        {
            var asked = some.ToDictionary(static address => address.ToIPAddress());
            foreach (var address in asked.Keys)
            {
                // What was known may be old.
                Forget(host, master, address);
                host.Network.Resolve(master.Index, address);
            }
            var deadline = Environment.TickCount64 + (long)patience.TotalMilliseconds;
            var isEnding = false;
            while (!isEnding && deadline - Environment.TickCount64 is > 0 and var left && asked.Count > 0)
            {
                isEnding = ending.WaitOne(TimeSpan.FromMilliseconds(Math.Min(left, s_look.TotalMilliseconds)));
                foreach (var neighbor in host.Network.ListNeighbors(master.Index))
                {
                    if (neighbor.IsUsable && asked.TryGetValue(neighbor.Address, out var address) && !neighbor.Mac!.Equals(master.Mac))
                    {
                        found.Add(address, neighbor.Mac.ToString());
                        asked.Remove(neighbor.Address);
                    }
                }
            }
            foreach (var address in some)
                Forget(host, master, address.ToIPAddress());
            if (isEnding)
                break;
        }
        return found;
    }

    private static void Forget(IStandInHost host, HostLink master, IPAddress address)
    {
        try
        {
            host.Network.RemoveNeighbor(master.Index, address);
        }
        catch (HostNetworkException)
        {
            // Nothing was known about it.
        }
    }
}
