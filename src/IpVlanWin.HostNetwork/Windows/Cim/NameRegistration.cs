namespace IpVlanWin.HostNetwork.Windows;

/// <summary>
/// How an adapter makes the host's name known: dynamic DNS and NetBIOS (Win32_NetworkAdapterConfiguration), which exist while
/// IPv4 is bound.
/// </summary>
internal sealed class NameRegistration(ICimSession cim)
{
    public const string Namespace = @"root\CIMV2";

    /// <summary>NetBIOS over TCP/IP: TcpipNetbiosOptions.</summary>
    public const uint NetbiosByDhcp = 0, NetbiosEnabled = 1, NetbiosDisabled = 2;

    /// <summary>The settings now; null values where the class has none.</summary>
    public (bool? Full, bool? Domain, uint? Netbios) Read(Guid guid)
    {
        var configuration = Require(guid, $"read the name registration of adapter {guid}");
        return (configuration.OptionalFlag("FullDNSRegistrationEnabled"), configuration.OptionalFlag("DomainDNSRegistrationEnabled"),
            configuration["TcpipNetbiosOptions"] is null ? null : (uint)configuration.Number("TcpipNetbiosOptions"));
    }

    /// <summary>Registers the adapter's addresses in DNS, or not.</summary>
    /// <returns>True when the system must be restarted for it.</returns>
    public bool SetDns(Guid guid, bool full, bool domain)
    {
        var attempt = $"{(full || domain ? "register" : "keep")} the addresses of adapter {guid} {(full || domain ? "in" : "out of")} DNS";
        return CimError.CheckConfiguration(cim.Invoke(Require(guid, attempt), "SetDynamicDNSRegistration",
            new CimArgument("FullDNSRegistrationEnabled", CimKind.Boolean, full), new CimArgument("DomainDNSRegistrationEnabled", CimKind.Boolean, domain)), attempt);
    }

    /// <summary>Switches NetBIOS over TCP/IP.</summary>
    /// <returns>True when the system must be restarted for it.</returns>
    public bool SetNetbios(Guid guid, uint option)
    {
        var attempt = $"set NetBIOS of adapter {guid} to {option}";
        return CimError.CheckConfiguration(cim.Invoke(Require(guid, attempt), "SetTcpipNetbios", new CimArgument("TcpipNetbiosOptions", CimKind.UInt32, option)), attempt);
    }

    private CimObject Require(Guid guid, string attempt)
    {
        var found = cim.Query(Namespace, $"SELECT * FROM Win32_NetworkAdapterConfiguration WHERE SettingID={CimText.Quote(guid.ToString("B").ToUpperInvariant())}");
        return found.Count > 0 ? found[0] : throw CimError.Create(CimFailure.NotFound, (int)CimFailure.NotFound, attempt, null);
    }
}
