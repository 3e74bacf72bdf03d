using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using IpVlanWin.Datapath.Filter;
using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Driver.Tests;

/// <summary>The C# mirror of ipvlan_ioctl.h against the numbers of the C header itself.</summary>
[TestClass]
public partial class AbiTests
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

    /// <summary>Every constant of the mirror is in the header under its name, and every request of the header in the mirror.</summary>
    [TestMethod]
    public void Every_number_is_the_headers()
    {
        var header = File.ReadAllText(Path.Combine(NativeBuild.Driver, "include", "ipvlan_ioctl.h"));
        var numbers = Numbers().Matches(header).ToDictionary(static match => match.Groups["name"].Value, static match => uint.Parse(match.Groups["number"].Value, CultureInfo.InvariantCulture));
        var requests = Requests().Matches(header).ToDictionary(static match => match.Groups["name"].Value, static match => uint.Parse(match.Groups["number"].Value, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
        var own = typeof(FilterAbi).GetFields().Where(static field => field.IsLiteral).ToDictionary(static field => field.Name, static field => Convert.ToUInt32(field.GetRawConstantValue(), CultureInfo.InvariantCulture));
        Assert.HasCount(13, requests);
        foreach (var (name, number) in requests)
        {
            Assert.AreEqual(number, own[Pascal(name)], name);
            own.Remove(Pascal(name));
        }
        foreach (var (name, number) in numbers)
        {
            // The names of bits of a field, and of an option, differ by a word.
            var mirrored = name.StartsWith("SET_", StringComparison.Ordinal) ? Pascal(name) + "Field" : Pascal(name.Replace("ABI_", "", StringComparison.Ordinal).Replace("OPTION_", "", StringComparison.Ordinal));
            if (own.Remove(mirrored, out var value))
                Assert.AreEqual(number, value, name);
            else if (name.StartsWith("RESULT_", StringComparison.Ordinal))
                Assert.AreEqual((PortResult)number, Enum.Parse<PortResult>(Pascal(name["RESULT_".Length..])), name);
            else if (name.StartsWith("MODE_", StringComparison.Ordinal))
                Assert.AreEqual((PortMode)number, Enum.Parse<PortMode>(name["MODE_".Length..]), name);
            else if (name.StartsWith("FLAG_", StringComparison.Ordinal))
                Assert.AreEqual((PortFlag)number, Enum.Parse<PortFlag>(Pascal(name["FLAG_".Length..])), name);
        }
        Assert.IsEmpty(own, "in the mirror alone");

        static string Pascal(string name) => string.Concat(name.Split('_').Select(static word => word[0] + word[1..].ToLowerInvariant()));
    }

    /// <summary>What each NTSTATUS of the driver means, by the Win32 code that RtlNtStatusToDosError makes of it (MS-ERREF 2.3.1, 2.2).</summary>
    [TestMethod]
    [System.Runtime.Versioning.SupportedOSPlatform("windows")]
    public void Codes_of_Windows_mean_what_the_drivers_statuses_mean()
    {
        foreach (var (status, code) in new (uint, int)[]
        {
            (0, 0), (0xC000000D, 87), (0xC0000010, 1), (0xC0000017, 8), (0xC0000023, 122), (0xC0000035, 183), (0xC0000059, 1306), (0xC000009A, 1450), (0xC000020A, 52), (0xC0000225, 1168),
        })
        {
            Assert.AreEqual(NativeFilterDevice.StatusOf(status), WindowsFilterDevice.StatusOf(code), $"{status:x8}");
        }
        Assert.AreEqual(FilterStatus.Closed, WindowsFilterDevice.StatusOf(995));
        Assert.IsNull(WindowsFilterDevice.StatusOf(5));
    }

    [GeneratedRegex(@"(?:#define |^ +|[{,] )IPVLAN_(?<name>[A-Z0-9_]+)(?: =)? (?<number>[0-9]+)\b", RegexOptions.Multiline)]
    private static partial Regex Numbers();

    [GeneratedRegex(@"#define IOCTL_IPVLAN_(?<name>[A-Z_]+) IPVLAN_IOCTL\(0x(?<number>[0-9a-f]+)\)")]
    private static partial Regex Requests();
}
