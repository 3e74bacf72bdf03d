using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>
/// Reads and changes adapters, addresses, routes and neighbors by IP Helper, in the network compartment of the calling
/// thread (<see cref="Compartment.Run{T}(Func{T})"/> for another one). All members may be called from any thread.
/// </summary>
/// <remarks>
/// Changes last until the system restarts or the adapter goes: IP Helper writes the active store alone. Every member throws
/// <see cref="HostNetworkException"/> with the Win32 code when the system refuses (5 when not elevated, 1168 for an unknown adapter).
/// </remarks>
public sealed partial class WindowsNetwork : IHostNetwork
{
    private readonly IIphlpapi _ip;
    private readonly NeighborResolver _resolver;

    internal WindowsNetwork(IIphlpapi ip)
    {
        _ip = ip;
        _resolver = new NeighborResolver(ip);
    }

    /// <summary>Opens IP Helper; holds nothing of the system.</summary>
    [SupportedOSPlatform("windows")]
    public static WindowsNetwork Open() => new(new Iphlpapi());

    /// <summary>All adapters but the pseudo adapters of filter drivers.</summary>
    public IReadOnlyList<Adapter> ListAdapters()
    {
        WindowsError.Check(_ip.GetInterfaces(out var rows), "list the adapters");
        var adapters = new List<Adapter>(rows.Length);
        foreach (ref readonly var row in rows.AsSpan())
        {
            var adapter = Adapter.From(row);
            if (!adapter.IsFilter) adapters.Add(adapter);
        }
        return adapters;
    }

    /// <summary>The adapter that is meant, or null: by alias whatever its case, else by index, else by LUID (decimal or 0x).</summary>
    /// <param name="text">An alias, an index or a LUID.</param>
    public Adapter? FindAdapter(string text)
    {
        ArgumentException.ThrowIfNullOrEmpty(text);
        var adapters = ListAdapters();
        foreach (var adapter in adapters)
        {
            if (string.Equals(adapter.Alias, text, StringComparison.OrdinalIgnoreCase)) return adapter;
        }
        var isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        if (!ulong.TryParse(isHex ? text.AsSpan(2) : text, isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return null;
        foreach (var adapter in adapters)
        {
            if (!isHex && (ulong)adapter.Index == number) return adapter;
        }
        foreach (var adapter in adapters)
        {
            if (adapter.Luid == number) return adapter;
        }
        return null;
    }

    /// <inheritdoc/>
    public IReadOnlyList<HostLink> ListLinks()
    {
        var adapters = ListAdapters();
        CheckTable(_ip.GetIpInterfaces(SockAddrInet.Unspecified, out var rows), "read the adapters' MTU");
        var smallest = new Dictionary<uint, uint>(rows.Length);
        foreach (ref readonly var row in rows.AsSpan())
        {
            if (!smallest.TryGetValue(row.InterfaceIndex, out var mtu) || row.NlMtu < mtu) smallest[row.InterfaceIndex] = row.NlMtu;
        }
        var links = new List<HostLink>(adapters.Count);
        foreach (var adapter in adapters) links.Add(adapter.ToLink(smallest.TryGetValue((uint)adapter.Index, out var mtu) ? Rows.Clamp(mtu) : null));
        return links;
    }

    /// <summary>Unicast packets that an adapter has received and sent so far. Win32 error 2 or 1168 where it is not there.</summary>
    /// <param name="index">The adapter.</param>
    public long CountUnicast(int index)
    {
        RequireIndex(index);
        var row = new MibIfRow2 { InterfaceIndex = (uint)index };
        WindowsError.Check(_ip.GetInterface(ref row), $"read the counters of adapter {index}");
        return (long)(row.InUcastPkts + row.OutUcastPkts);
    }

    /// <inheritdoc/>
    public HostLink? FindLink(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return ListLinks().FirstOrDefault(link => string.Equals(link.Name, name, StringComparison.OrdinalIgnoreCase));
    }

    /// <inheritdoc/>
    public HostLink? FindLink(int index)
    {
        RequireIndex(index);
        return ListLinks().FirstOrDefault(link => link.Index == index);
    }

    /// <inheritdoc/>
    public IReadOnlyList<HostAddress> ListAddresses(int? linkIndex = null)
    {
        CheckTable(_ip.GetAddresses(SockAddrInet.Unspecified, out var rows), "list the addresses");
        var addresses = new List<HostAddress>(rows.Length);
        foreach (ref readonly var row in rows.AsSpan())
        {
            if ((linkIndex is null || row.InterfaceIndex == (uint)linkIndex) && Rows.ToAddress(row) is { } address) addresses.Add(address);
        }
        return addresses;
    }

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">
    /// <see cref="AddressFlags.NoPrefixRoute"/> with a length that is not the whole address, or <see cref="AddressFlags.NoDad"/> while the
    /// adapter still probes (<see cref="IpInterfaceSettings.DadTransmits"/>): Windows has neither for a single address.
    /// </exception>
    public void AddAddress(int linkIndex, IPAddress address, int prefixLength, AddressFlags flags = AddressFlags.None) =>
        AddAddress(linkIndex, address, prefixLength, flags, skipAsSource: false);

    /// <inheritdoc cref="AddAddress(int, IPAddress, int, AddressFlags)"/>
    /// <param name="linkIndex">The adapter.</param>
    /// <param name="address">The address.</param>
    /// <param name="prefixLength">In bits.</param>
    /// <param name="flags">As above.</param>
    /// <param name="skipAsSource">True: programs that bind to no address do not get this one as their source.</param>
    public void AddAddress(int linkIndex, IPAddress address, int prefixLength, AddressFlags flags, bool skipAsSource)
    {
        RequireIndex(linkIndex);
        var bits = RequirePrefix(address, prefixLength);
        if ((flags & ~(AddressFlags.NoDad | AddressFlags.NoPrefixRoute | AddressFlags.Permanent)) != 0) throw new ArgumentException($"flags must be NoDad, NoPrefixRoute or none, not {flags}", nameof(flags));
        if ((flags & AddressFlags.NoPrefixRoute) != 0 && prefixLength != bits)
            throw new NotSupportedException($"Windows makes a route for every prefix: NoPrefixRoute needs the prefix length {bits}");
        if ((flags & AddressFlags.NoDad) != 0 && GetIpInterface(linkIndex, address.AddressFamily).DadTransmits != 0)
            throw new NotSupportedException($"Windows probes by adapter, not by address: set DadTransmits of adapter {linkIndex} to 0 first");
        _ip.InitializeAddress(out var row);
        row.Address = SockAddrInet.From(address);
        row.InterfaceIndex = (uint)linkIndex;
        row.OnLinkPrefixLength = (byte)prefixLength;
        row.PrefixOrigin = row.SuffixOrigin = Rows.OriginManual;
        row.ValidLifetime = row.PreferredLifetime = Rows.Infinite;
        row.SkipAsSource = skipAsSource ? (byte)1 : (byte)0;
        WindowsError.Check(_ip.CreateAddress(row), $"add {address}/{prefixLength} to adapter {linkIndex}");
    }

    /// <summary>Removes an address. Windows has an address once on an adapter: its prefix length is not compared.</summary>
    /// <inheritdoc/>
    public void RemoveAddress(int linkIndex, IPAddress address, int prefixLength)
    {
        RequireIndex(linkIndex);
        RequirePrefix(address, prefixLength);
        _ip.InitializeAddress(out var row);
        row.Address = SockAddrInet.From(address);
        row.InterfaceIndex = (uint)linkIndex;
        WindowsError.Check(_ip.DeleteAddress(row), $"remove {address} from adapter {linkIndex}");
    }

    /// <summary>Stops resolving neighbors; the system keeps what was changed.</summary>
    public void Dispose() => _resolver.Dispose();

    /// <summary>A table without a row is told as ERROR_NOT_FOUND.</summary>
    private static void CheckTable(uint code, string attempted)
    {
        if (code != WindowsError.NotFound) WindowsError.Check(code, attempted);
    }

    private static void RequireIndex(int index) => ArgumentOutOfRangeException.ThrowIfNegativeOrZero(index);

    /// <summary>The address's length in bits.</summary>
    private static int RequirePrefix(IPAddress address, int prefixLength)
    {
        var bits = RequireFamily(address) == AddressFamily.InterNetwork ? 32 : 128;
        if (prefixLength < 0 || prefixLength > bits) throw new ArgumentOutOfRangeException(nameof(prefixLength), prefixLength, $"a prefix length of {address} must be 0 to {bits}");
        return bits;
    }

    private static AddressFamily RequireFamily(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return address.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6
            ? address.AddressFamily
            : throw new ArgumentException($"\"{address}\" must be an IPv4 or IPv6 address", nameof(address));
    }

    private static ushort NativeFamily(AddressFamily family) => family switch
    {
        AddressFamily.InterNetwork => SockAddrInet.V4,
        AddressFamily.InterNetworkV6 => SockAddrInet.V6,
        _ => throw new ArgumentException($"family {family} must be InterNetwork or InterNetworkV6", nameof(family)),
    };
}
