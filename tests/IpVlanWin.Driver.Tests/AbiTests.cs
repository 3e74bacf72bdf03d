using System.Globalization;
using System.Runtime.InteropServices;
using IpVlanWin.Datapath.Filter;
using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Driver.Tests;

/// <summary>The C# mirror of ipvlan_ioctl.h against the numbers of the C header itself.</summary>
[TestClass]
public class AbiTests
{
    private static readonly Dictionary<string, Type> Mirrors = new(StringComparer.Ordinal)
    {
        ["HEADER"] = typeof(AbiHeader),
        ["CAPABILITIES"] = typeof(AbiCapabilities),
        ["PORT"] = typeof(AbiPort),
        ["PORT_STATUS"] = typeof(AbiPortStatus),
        ["INTERFACE"] = typeof(AbiInterface),
        ["INTERFACE_STATUS"] = typeof(AbiInterfaceStatus),
        ["ITEM"] = typeof(AbiItem),
        ["GROUPS"] = typeof(AbiGroups),
        ["CHANGES"] = typeof(AbiChanges),
        ["EVENT"] = typeof(AbiEvent),
    };

    private static readonly Dictionary<string, long> Values = new(StringComparer.Ordinal)
    {
        ["IOCTL_IPVLAN_QUERY_CAPABILITIES"] = FilterAbi.Code(FilterAbi.QueryCapabilities),
        ["IOCTL_IPVLAN_NEXT_EVENT"] = FilterAbi.Code(FilterAbi.NextEvent),
        ["IOCTL_IPVLAN_QUERY_GROUPS"] = FilterAbi.Code(FilterAbi.QueryGroups),
        ["IPVLAN_MAX_GROUPS"] = FilterAbi.MaxGroups,
        ["IPVLAN_ITEM_GROUP"] = FilterAbi.ItemGroup,
        ["IPVLAN_EVENT_MASTER_CHANGED"] = FilterAbi.EventMasterChanged,
        ["IPVLAN_DROP_REASONS"] = DropReasons.Count,
        ["IPVLAN_MAX_CHANGES"] = FilterAbi.MaxChanges,
        ["IPVLAN_ABI_VERSION"] = FilterAbi.Version,
        ["DropPrivate"] = (long)DropReason.Private,
        ["DropMtuExceeded"] = (long)DropReason.MtuExceeded,
        ["DropDeviceQueueFull"] = (long)DropReason.DeviceQueueFull,
        ["PortLimitReached"] = (long)PortResult.LimitReached,
        ["SendErrorInvalid"] = (long)SendError.Invalid,
        ["ModeL3S"] = (long)PortMode.L3S,
        ["FlagVepa"] = (long)PortFlag.Vepa,
    };

    [TestMethod]
    public void Sizes_offsets_and_numbers_are_those_of_the_header()
    {
        var program = NativeBuild.Program("abi");
        var (status, output) = NativeBuild.Run(program);
        Assert.AreEqual(0, status, output);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = line.Split(' ');
            var number = long.Parse(parts[1], CultureInfo.InvariantCulture);
            seen.Add(parts[0]);
            if (parts[0][0] == '=')
                Assert.AreEqual(number, Values[parts[0][1..]], line);
            else if (parts[0].Split('.') is [var type, var field])
                Assert.AreEqual(number, Marshal.OffsetOf(Mirrors[type], field), line);
            else
                Assert.AreEqual(number, Marshal.SizeOf(Mirrors[parts[0]]), line);
        }
        foreach (var (name, mirror) in Mirrors)
        {
            foreach (var field in mirror.GetFields().Where(field => !field.IsStatic && field.Name is not ("Header" or "Reserved" or "Reserved2")))
                Assert.Contains($"{name}.{field.Name}", seen, "every field is compared");
        }
    }
}
