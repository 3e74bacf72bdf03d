using System.Runtime.InteropServices;
using IpVlanWin.Datapath.Filter;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Driver.Tests;

/// <summary>The requests of ipvlan_ioctl.h, as a bench carries them out.</summary>
internal sealed unsafe class DriverControl(NativeBench bench)
{
    public const ulong Master = NativeBench.Host;

    private const int SegmentSlots = 1024;

    public PortResult Port(uint function, uint fields = 0, uint mode = 0, uint flag = 0, uint options = 0)
    {
        var request = new AbiPort { Header = AbiHeader.Of<AbiPort>(), MasterLuid = Master, Fields = fields, Mode = mode, Flag = flag, Options = options };
        return Result(bench.Control(FilterAbi.Code(function), Bytes(ref request), sizeof(AbiPort), out _));
    }

    public PortResult Interface(uint function, ulong luid, uint fields = 0, uint mode = 0, uint flag = 0, uint ipMtu = 0, bool isUp = false)
    {
        var request = new AbiInterface
        {
            Header = AbiHeader.Of<AbiInterface>(),
            MasterLuid = Master,
            StandInLuid = luid,
            Fields = fields,
            Mode = mode,
            Flag = flag,
            Mtu = ipMtu,
            IsUp = isUp ? 1u : 0,
        };
        return Result(bench.Control(FilterAbi.Code(function), Bytes(ref request), sizeof(AbiInterface), out _));
    }

    public AbiPortStatus Port()
    {
        var buffer = new byte[sizeof(AbiPortStatus)];
        var request = new AbiPort { Header = AbiHeader.Of<AbiPort>(), MasterLuid = Master };
        Bytes(ref request).CopyTo(buffer);
        Assert.AreEqual(PortResult.Ok, Result(bench.Control(FilterAbi.Code(FilterAbi.QueryPort), buffer, sizeof(AbiPort), out var written)));
        Assert.AreEqual(sizeof(AbiPortStatus), written);
        return MemoryMarshal.Read<AbiPortStatus>(buffer);
    }

    public AbiInterfaceStatus Interface(ulong luid)
    {
        var buffer = new byte[sizeof(AbiInterfaceStatus)];
        var request = new AbiInterface { Header = AbiHeader.Of<AbiInterface>(), MasterLuid = Master, StandInLuid = luid };
        Bytes(ref request).CopyTo(buffer);
        Assert.AreEqual(PortResult.Ok, Result(bench.Control(FilterAbi.Code(FilterAbi.QueryInterface), buffer, sizeof(AbiInterface), out var written)));
        Assert.AreEqual(sizeof(AbiInterfaceStatus), written);
        return MemoryMarshal.Read<AbiInterfaceStatus>(buffer);
    }

    public PortResult Address(ulong luid, L3Prefix prefix, bool isRemoved = false) =>
        Change(Item(luid == Master ? FilterAbi.ItemMasterAddress : FilterAbi.ItemAddress, prefix, isRemoved) with { StandInLuid = luid == Master ? 0 : luid });

    public PortResult Route(L3Prefix prefix, L3Address? gateway, uint metric = 0, bool isUnreachable = false, bool isRemoved = false)
    {
        var item = Item(FilterAbi.ItemRoute, prefix, isRemoved) with { Metric = metric };
        if (isUnreachable)
            item.Flags |= FilterAbi.ItemUnreachable;
        if (gateway is { } next)
        {
            item.GatewayFamily = Family(next);
            next.Write(new Span<byte>(item.Gateway, 16));
        }
        return Change(item);
    }

    public PortResult Neighbor(L3Address address, MacAddress mac, bool isRemoved = false)
    {
        var item = Item(FilterAbi.ItemNeighbor, new L3Prefix(address, address.Bits), isRemoved);
        mac.Write(new Span<byte>(item.Mac, 6));
        return Change(item);
    }

    public List<(ulong Luid, L3Prefix Prefix)> Addresses()
    {
        List<(ulong, L3Prefix)> all = [];
        var buffer = new byte[sizeof(AbiChanges) + (SegmentSlots * sizeof(AbiItem))];
        var request = new AbiChanges { Header = AbiHeader.Of<AbiChanges>(), MasterLuid = Master };
        while (request.Cursor != uint.MaxValue)
        {
            Bytes(ref request).CopyTo(buffer);
            Assert.AreEqual(PortResult.Ok, Result(bench.Control(FilterAbi.Code(FilterAbi.QueryAddresses), buffer, sizeof(AbiChanges), out var written)));
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

    private static byte Family(L3Address address) => (byte)(address.IsSix ? 6 : 4);

    private static Span<byte> Bytes<T>(ref T value)
        where T : unmanaged => MemoryMarshal.AsBytes(new Span<T>(ref value));

    private static AbiItem Item(byte kind, L3Prefix prefix, bool isRemoved)
    {
        var item = new AbiItem { Kind = kind, Family = Family(prefix.Address), PrefixLength = (byte)prefix.Length, Flags = isRemoved ? FilterAbi.ItemRemove : (byte)0 };
        prefix.Address.Write(new Span<byte>(item.Address, 16));
        return item;
    }

    private static PortResult Result(uint status) => status switch
    {
        0 => PortResult.Ok,
        0xC000000D => PortResult.Invalid,
        0xC0000035 => PortResult.Exists,
        0xC000020A => PortResult.AddressInUse,
        0xC0000225 => PortResult.NoDevice,
        0xC000009A => PortResult.LimitReached,
        _ => throw new InvalidOperationException($"NTSTATUS {status:x8}"),
    };

    private PortResult Change(AbiItem item)
    {
        var buffer = new byte[sizeof(AbiChanges) + sizeof(AbiItem)];
        var request = new AbiChanges { Header = AbiHeader.Of<AbiChanges>(), MasterLuid = Master, Count = 1 };
        Bytes(ref request).CopyTo(buffer);
        Bytes(ref item).CopyTo(buffer.AsSpan(sizeof(AbiChanges)));
        var result = Result(bench.Control(FilterAbi.Code(FilterAbi.Change), buffer, buffer.Length, out _));
        return result == PortResult.Ok ? (PortResult)MemoryMarshal.Read<AbiItem>(buffer.AsSpan(sizeof(AbiChanges))).Result : result;
    }
}
