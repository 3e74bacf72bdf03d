using IpVlanWin.HostNetwork.Windows;

namespace IpVlanWin.HostNetwork.Tests.Windows;

/// <summary>
/// The documented classes, as far as they are used: MSFT_* from the NetAdapter CIM provider's reference, Msvm_* from the Hyper-V WMI
/// provider's (v2), Win32_NetworkAdapterConfiguration from the CIMWin32 provider's.
/// </summary>
internal static class CimSchema
{
    public sealed record Property(CimKind Kind, bool IsKey = false);

    public sealed record Method(IReadOnlyDictionary<string, CimKind> In, IReadOnlyDictionary<string, CimKind> Out);

    public sealed record Class(IReadOnlyDictionary<string, Property> Properties, IReadOnlyDictionary<string, Method> Methods);

    public static readonly HashSet<string> Namespaces = new(StringComparer.OrdinalIgnoreCase) { NetAdapters.Namespace, NameRegistration.Namespace, SwitchAdapters.Namespace };

    // "name:type" with k for a key; types b u1 u2 u4 u8 s s[] r r[]. A method is "name(in; out)".
    private static readonly (string Namespace, string Class, string Properties, string[] Methods)[] s_text =
    [
        (NetAdapters.Namespace, "MSFT_NetAdapter",
            "DeviceID:sk CreationClassName:s SystemName:s Name:s InterfaceDescription:s InterfaceName:s InterfaceGuid:s PnPDeviceID:s PermanentAddress:s NetworkAddresses:s[] InterfaceIndex:u4 InterfaceType:u4 MtuSize:u4 "
            + "State:u4 InterfaceOperationalStatus:u4 InterfaceAdminStatus:u4 MediaConnectState:u4 NdisMedium:u4 NdisPhysicalMedium:u4 NetLuid:u8 NetLuidIndex:u4 TransmitLinkSpeed:u8 ReceiveLinkSpeed:u8 Speed:u8 VlanID:u2 "
            + "Virtual:b Hidden:b HardwareInterface:b ConnectorPresent:b PromiscuousMode:b AdminLocked:b ComponentID:s",
            ["Enable(; CmdletOutput:s)", "Disable(; CmdletOutput:s)", "Restart(; CmdletOutput:s)", "Lock(; CmdletOutput:s)", "Unlock(; CmdletOutput:s)", "Rename(NewName:s; CmdletOutput:s)"]),
        (NetAdapters.Namespace, "MSFT_NetAdapterBindingSettingData",
            "InstanceID:sk Name:s InterfaceDescription:s DisplayName:s ComponentID:s BindName:s ComponentClassName:s ComponentClassGuid:s Characteristics:u4 Enabled:b",
            ["Enable(; CmdletOutput:s)", "Disable(; CmdletOutput:s)"]),
        (NetAdapters.Namespace, "MSFT_NetConnectionProfile", "InstanceID:sk Name:s InterfaceAlias:s InterfaceIndex:u4 NetworkCategory:u4 IPv4Connectivity:u4 IPv6Connectivity:u4", []),
        (NameRegistration.Namespace, "Win32_NetworkAdapterConfiguration",
            "Index:u4k SettingID:s Description:s InterfaceIndex:u4 IPEnabled:b MACAddress:s FullDNSRegistrationEnabled:b DomainDNSRegistrationEnabled:b TcpipNetbiosOptions:u4",
            ["SetTcpipNetbios(TcpipNetbiosOptions:u4;)", "SetDynamicDNSRegistration(FullDNSRegistrationEnabled:b DomainDNSRegistrationEnabled:b;)"]),
        (SwitchAdapters.Namespace, "Msvm_ComputerSystem", "CreationClassName:sk Name:sk ElementName:s Caption:s EnabledState:u2", []),
        (SwitchAdapters.Namespace, "Msvm_VirtualEthernetSwitch", "CreationClassName:sk Name:sk ElementName:s MaxVMQOffloads:u4", []),
        (SwitchAdapters.Namespace, "Msvm_VirtualEthernetSwitchSettingData",
            "InstanceID:sk ElementName:s Notes:s[] VirtualSystemIdentifier:s IOVPreferred:b ExtensionOrder:s[] TeamingEnabled:b PacketDirectEnabled:b BandwidthReservationMode:u4", []),
        (SwitchAdapters.Namespace, "Msvm_EthernetPortAllocationSettingData",
            "InstanceID:sk ElementName:s ResourceType:u2 ResourceSubType:s OtherResourceType:s PoolID:s HostResource:s[] Address:s CompartmentGuid:s TestReplicaPoolID:s", []),
        (SwitchAdapters.Namespace, "Msvm_InternalEthernetPort", "CreationClassName:sk DeviceID:sk SystemCreationClassName:sk SystemName:sk ElementName:s Name:s PermanentAddress:s EnabledState:u2", []),
        (SwitchAdapters.Namespace, "Msvm_ConcreteJob", "InstanceID:sk JobState:u2 ErrorCode:u2 ErrorDescription:s PercentComplete:u2", []),
        (SwitchAdapters.Namespace, "Msvm_VirtualEthernetSwitchManagementService", "CreationClassName:sk Name:sk SystemCreationClassName:sk SystemName:sk ElementName:s",
        [
            "DefineSystem(SystemSettings:s ResourceSettings:s[] ReferenceConfiguration:r; ResultingSystem:r Job:r)",
            "DestroySystem(AffectedSystem:r; Job:r)",
            "AddResourceSettings(AffectedConfiguration:r ResourceSettings:s[]; ResultingResourceSettings:r[] Job:r)",
            "ModifySystemSettings(SystemSettings:s; Job:r)",
            "RemoveResourceSettings(ResourceSettings:r[]; Job:r)",
            "AddFeatureSettings(AffectedConfiguration:r FeatureSettings:s[]; ResultingFeatureSettings:r[] Job:r)",
        ]),
    ];

    public static readonly IReadOnlyDictionary<(string Namespace, string Class), Class> Classes = s_text.ToDictionary(
        text => (text.Namespace.ToUpperInvariant(), text.Class),
        text => new Class(
            Words(text.Properties).ToDictionary(word => word.Name, word => new Property(word.Kind, word.IsKey), StringComparer.OrdinalIgnoreCase),
            text.Methods.ToDictionary(method => method[..method.IndexOf('(')], ToMethod, StringComparer.OrdinalIgnoreCase)));

    public static void Require(IReadOnlyDictionary<string, Property> properties, string name, object? value, string where)
    {
        if (!properties.TryGetValue(name, out var property)) throw new InvalidOperationException($"there is no {where}");
        if (value is not null && !Fits(property, value)) throw new InvalidOperationException($"{where} is {property.Kind}, not {value.GetType().Name}");
    }

    public static bool Fits(Property property, object? value) => property.Kind switch
    {
        CimKind.Boolean => value is bool,
        CimKind.UInt8 => value is byte,
        CimKind.UInt16 => value is ushort,
        CimKind.UInt32 => value is uint,
        CimKind.UInt64 => value is ulong,
        CimKind.String => value is string,
        CimKind.StringArray => value is string[],
        CimKind.Reference => value is CimObject,
        CimKind.ReferenceArray => value is CimObject[],
        _ => false,
    };

    private static Method ToMethod(string text)
    {
        var parts = text[(text.IndexOf('(') + 1)..^1].Split(';');
        return new Method(Kinds(parts[0]), Kinds(parts[1]));
    }

    private static Dictionary<string, CimKind> Kinds(string text) => Words(text).ToDictionary(word => word.Name, word => word.Kind, StringComparer.OrdinalIgnoreCase);

    private static IEnumerable<(string Name, CimKind Kind, bool IsKey)> Words(string text)
    {
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var colon = word.IndexOf(':');
            var type = word[(colon + 1)..];
            yield return (word[..colon], type.TrimEnd('k') switch
            {
                "b" => CimKind.Boolean,
                "u1" => CimKind.UInt8,
                "u2" => CimKind.UInt16,
                "u4" => CimKind.UInt32,
                "u8" => CimKind.UInt64,
                "s" => CimKind.String,
                "s[]" => CimKind.StringArray,
                "r" => CimKind.Reference,
                "r[]" => CimKind.ReferenceArray,
                _ => throw new InvalidOperationException(word),
            }, type.EndsWith('k'));
        }
    }
}
