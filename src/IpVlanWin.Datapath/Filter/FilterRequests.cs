using System.Runtime.InteropServices;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Datapath.Filter;

/// <summary>The driver's requests (driver/include/ipvlan_ioctl.h), typed. Refusals that a port can have are results, all others are thrown.</summary>
internal sealed unsafe class FilterRequests(IFilterDevice device)
{
    /// <summary>Room for the addresses of one segment of the driver's map, the most that one answer holds.</summary>
    private const int AddressesAtOnce = 2048;

    /// <exception cref="IOException">The driver speaks another version.</exception>
    public AbiCapabilities Capabilities()
    {
        var header = AbiHeader.Of<AbiHeader>();
        return Query<AbiHeader, AbiCapabilities>(FilterAbi.QueryCapabilities, header) ?? throw Refused(FilterAbi.QueryCapabilities, FilterStatus.Absent);
    }

    public PortResult Port(uint function, ulong master, PortMode? mode = null, PortFlag? flag = null, uint? options = null) =>
        Port(function, master, (uint?)mode, (uint?)flag, options);

    /// <summary>The same with any numbers.</summary>
    public PortResult Port(uint function, ulong master, uint? mode, uint? flag, uint? options)
    {
        var fields = (mode is null ? 0 : FilterAbi.SetModeField) | (flag is null ? 0 : FilterAbi.SetFlagField) | (options is null ? 0 : FilterAbi.SetOptionsField);
        return Do(function, new AbiPort
        {
            Header = AbiHeader.Of<AbiPort>(),
            MasterLuid = master,
            Fields = fields,
            Mode = mode ?? 0,
            Flag = flag ?? 0,
            Options = options ?? 0,
        });
    }

    /// <summary>Null where there is no such port.</summary>
    public AbiPortStatus? FindPort(ulong master) =>
        Query<AbiPort, AbiPortStatus>(FilterAbi.QueryPort, new AbiPort { Header = AbiHeader.Of<AbiPort>(), MasterLuid = master });

    public PortResult AddInterface(ulong master, ulong standIn, uint? mode = null, uint? flag = null) => Do(FilterAbi.AddInterface, Interface(master, standIn) with
    {
        Fields = (mode is null ? 0 : FilterAbi.SetModeField) | (flag is null ? 0 : FilterAbi.SetFlagField),
        Mode = mode ?? 0,
        Flag = flag ?? 0,
    });

    public PortResult RemoveInterface(ulong master, ulong standIn) => Do(FilterAbi.RemoveInterface, Interface(master, standIn));

    public PortResult SetUp(ulong master, ulong standIn, bool isUp) =>
        Do(FilterAbi.SetInterface, Interface(master, standIn) with { Fields = FilterAbi.SetUpField, IsUp = isUp ? 1u : 0 });

    public PortResult SetMtu(ulong master, ulong standIn, int ipMtu) =>
        Do(FilterAbi.SetInterface, Interface(master, standIn) with { Fields = FilterAbi.SetMtuField, Mtu = (uint)ipMtu });

    /// <summary>Null where there is no such interface.</summary>
    public AbiInterfaceStatus? FindInterface(ulong master, ulong standIn) =>
        Query<AbiInterface, AbiInterfaceStatus>(FilterAbi.QueryInterface, Interface(master, standIn));

    /// <summary>All groups of an interface, sorted; none where there is no such interface.</summary>
    public IReadOnlyList<MacAddress> Groups(ulong master, ulong standIn)
    {
        if (Query<AbiInterface, AbiGroups>(FilterAbi.QueryGroups, Interface(master, standIn)) is not { } told)
            return [];
        var groups = new MacAddress[told.Count];
        for (var i = 0; i < groups.Length; i++)
            groups[i] = MacAddress.Read(new ReadOnlySpan<byte>(told.Macs + (i * MacAddress.Bytes), MacAddress.Bytes));
        return groups;
    }

    /// <summary>Carries items out, as many requests as it takes, and sets the result of each.</summary>
    public void Change(ulong master, Span<AbiItem> items)
    {
        var buffer = new byte[sizeof(AbiChanges) + (Math.Min(items.Length, FilterAbi.MaxChanges) * sizeof(AbiItem))];
        for (; items.Length > 0; items = items[Math.Min(items.Length, FilterAbi.MaxChanges)..])
        {
            var part = items[..Math.Min(items.Length, FilterAbi.MaxChanges)];
            var used = buffer.AsSpan(0, sizeof(AbiChanges) + (part.Length * sizeof(AbiItem)));
            MemoryMarshal.Write(used, new AbiChanges { Header = AbiHeader.Of<AbiChanges>(), MasterLuid = master, Count = (uint)part.Length });
            MemoryMarshal.AsBytes(part).CopyTo(used[sizeof(AbiChanges)..]);
            var status = device.Request(FilterAbi.Code(FilterAbi.Change), used, used.Length, out _);
            if (status != FilterStatus.Ok)
                throw Refused(FilterAbi.Change, status);
            used[sizeof(AbiChanges)..].CopyTo(MemoryMarshal.AsBytes(part));
        }
    }

    /// <summary>Carries one item out.</summary>
    public PortResult Change(ulong master, AbiItem item)
    {
        Change(master, new Span<AbiItem>(ref item));
        return ResultOf(item);
    }

    /// <summary>The addresses of all interfaces, in no order. What changes meanwhile may be there or not.</summary>
    public List<(ulong StandIn, L3Prefix Prefix)> Addresses(ulong master)
    {
        List<(ulong, L3Prefix)> all = [];
        var buffer = new byte[sizeof(AbiChanges) + (AddressesAtOnce * sizeof(AbiItem))];
        var request = new AbiChanges { Header = AbiHeader.Of<AbiChanges>(), MasterLuid = master };
        while (request.Cursor != uint.MaxValue)
        {
            MemoryMarshal.Write(buffer, request);
            var status = device.Request(FilterAbi.Code(FilterAbi.QueryAddresses), buffer, sizeof(AbiChanges), out var written);
            if (status == FilterStatus.Absent)
                return [];
            if (status != FilterStatus.Ok)
                throw Refused(FilterAbi.QueryAddresses, status);
            request = MemoryMarshal.Read<AbiChanges>(buffer);
            foreach (var item in MemoryMarshal.Cast<byte, AbiItem>(buffer.AsSpan(sizeof(AbiChanges)..written)))
            {
                var bytes = new ReadOnlySpan<byte>(item.Address, 16);
                all.Add((item.StandInLuid, new L3Prefix(item.Family == 4 ? L3Address.ReadFour(bytes) : L3Address.ReadSix(bytes), item.PrefixLength)));
            }
            request.Count = 0;
        }
        return all;
    }

    /// <summary>An item's result. No memory is a limit of the system's.</summary>
    public static PortResult ResultOf(in AbiItem item) => item.Result switch
    {
        <= (uint)PortResult.LimitReached => (PortResult)item.Result,
        FilterAbi.ResultNoMemory => PortResult.LimitReached,
        _ => throw new IOException($"the driver answers {item.Result}, which this version does not know"),
    };

    private static AbiInterface Interface(ulong master, ulong standIn) =>
        new() { Header = AbiHeader.Of<AbiInterface>(), MasterLuid = master, StandInLuid = standIn };

    private PortResult Do<T>(uint function, T request)
        where T : unmanaged
    {
        var status = device.Request(FilterAbi.Code(function), MemoryMarshal.AsBytes(new Span<T>(ref request)), sizeof(T), out _);
        return status switch
        {
            FilterStatus.Ok => PortResult.Ok,
            FilterStatus.Invalid => PortResult.Invalid,
            FilterStatus.Exists => PortResult.Exists,
            FilterStatus.AddressInUse => PortResult.AddressInUse,
            FilterStatus.Absent => PortResult.NoDevice,
            FilterStatus.LimitReached or FilterStatus.NoMemory => PortResult.LimitReached,
            _ => throw Refused(function, status),
        };
    }

    private TAnswer? Query<TRequest, TAnswer>(uint function, TRequest request)
        where TRequest : unmanaged
        where TAnswer : unmanaged
    {
        Span<byte> buffer = stackalloc byte[Math.Max(sizeof(TRequest), sizeof(TAnswer))];
        MemoryMarshal.Write(buffer, request);
        var status = device.Request(FilterAbi.Code(function), buffer, sizeof(TRequest), out var written);
        if (status == FilterStatus.Absent)
            return null;
        if (status != FilterStatus.Ok || written != sizeof(TAnswer))
            throw Refused(function, status);
        return MemoryMarshal.Read<TAnswer>(buffer);
    }

    private static IOException Refused(uint function, FilterStatus status) => new(status switch
    {
        FilterStatus.OtherVersion or FilterStatus.Unknown =>
            $"the filter driver is of another version than this service, which speaks version {FilterAbi.Version} of its interface: put in the driver of this package (ipvlansvc install-driver)",
        FilterStatus.Closed => "the filter driver's device was closed",
        FilterStatus.NoMemory => "the system has no memory for the filter driver; free some and try again",
        _ => $"the filter driver refuses request {function:x}: {status}",
    });
}
