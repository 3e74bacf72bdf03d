using System.Text.Json.Serialization;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>
/// What a stand-in's settings were before it got its profile: it is kept with the desired state and given back before the stand-in is
/// removed. A value that is null was not changed.
/// </summary>
public sealed record StandInProfile
{
    /// <summary>IPv4 settings to put back.</summary>
    public IpInterfaceChange? V4 { get; init; }

    /// <summary>IPv6 settings to put back.</summary>
    public IpInterfaceChange? V6 { get; init; }

    /// <summary>FullDNSRegistrationEnabled ("Register this connection's addresses in DNS").</summary>
    public bool? FullDnsRegistration { get; init; }

    /// <summary>DomainDNSRegistrationEnabled (with this connection's suffix).</summary>
    public bool? DomainDnsRegistration { get; init; }

    /// <summary>TcpipNetbiosOptions: 0 by DHCP, 1 on, 2 off.</summary>
    public uint? Netbios { get; init; }

    /// <summary>True when LLMNR was switched.</summary>
    public bool LlmnrChanged { get; init; }

    /// <summary>The registry's EnableMulticast before; null: there was no value.</summary>
    public int? Llmnr { get; init; }

    /// <summary>Bindings that were changed, by component, as they were.</summary>
    public IReadOnlyDictionary<string, bool> Bindings { get; init; } = new Dictionary<string, bool>();

    /// <summary>True when the system must be restarted before all of it is in force.</summary>
    [JsonIgnore]
    public bool NeedsRestart { get; init; }
}
