using System.Runtime.Versioning;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>A protocol, service or filter and whether it is bound to an adapter (MSFT_NetAdapterBindingSettingData).</summary>
/// <param name="Component">The component's identifier: "ms_tcpip", "ms_server", "vms_pp", "ms_implat".</param>
/// <param name="DisplayName">Its localized name.</param>
/// <param name="IsEnabled">True when it is bound.</param>
public sealed record AdapterBinding(string Component, string DisplayName, bool IsEnabled);

/// <summary>Which firewall profile applies to an adapter (MSFT_NetConnectionProfile.NetworkCategory).</summary>
public enum NetworkCategory
{
    /// <summary>Public: the strictest, and that of a network Windows does not know.</summary>
    Public = 0,

    /// <summary>Private.</summary>
    Private = 1,

    /// <summary>A domain controller was found on it.</summary>
    DomainAuthenticated = 2,
}

/// <summary>What only CIM does with adapters (root\StandardCimv2): find by PnP identifier, rename, enable, bind.</summary>
/// <remarks>Any thread may call. Failures are <see cref="HostNetworkException"/> with the implementation's own code.</remarks>
public sealed class NetAdapters : IDisposable
{
    internal const string Namespace = @"root\StandardCimv2";

    private readonly ICimSession _cim;

    internal NetAdapters(ICimSession cim) => _cim = cim;

    /// <summary>Opens the CIM repository of this host.</summary>
    [SupportedOSPlatform("windows")]
    public static NetAdapters Open() => new(CimSessions.Open());

    /// <summary>Which CIM implementation is used.</summary>
    public string Implementation => _cim.Implementation;

    /// <summary>The adapter of a device, or null while there is none.</summary>
    /// <param name="pnpId">The device instance identifier; case does not matter.</param>
    internal CimObject? FindByPnpId(string pnpId)
    {
        // Compared here: the identifier is full of backslashes, which every layer of a query eats one of.
        foreach (var adapter in _cim.Query(Namespace, "SELECT * FROM MSFT_NetAdapter"))
        {
            if (string.Equals(adapter["PnPDeviceID"] as string, pnpId, StringComparison.OrdinalIgnoreCase)) return adapter;
        }
        return null;
    }

    /// <summary>The GUID of a device's adapter, or null while it has none.</summary>
    /// <param name="pnpId">The device instance identifier.</param>
    public Guid? FindGuid(string pnpId) => FindByPnpId(pnpId) is { } adapter ? GuidOf(adapter) : null;

    /// <summary>The adapter of a GUID (NetCfgInstanceId), or null.</summary>
    internal CimObject? Find(Guid guid)
    {
        var found = _cim.Query(Namespace, $"SELECT * FROM MSFT_NetAdapter WHERE DeviceID={CimText.Quote(Braced(guid))}");
        return found.Count == 0 ? null : found[0];
    }

    /// <summary>The adapter that has this permanent MAC address and is made by software, or null when it is none or several.</summary>
    /// <param name="mac">Twelve hexadecimal digits.</param>
    internal CimObject? FindVirtual(string mac)
    {
        var found = _cim.Query(Namespace, $"SELECT * FROM MSFT_NetAdapter WHERE PermanentAddress={CimText.Quote(mac)}").Where(adapter => adapter.Flag("Virtual")).ToList();
        return found.Count == 1 ? found[0] : null;
    }

    /// <summary>The adapter's GUID.</summary>
    internal static Guid GuidOf(CimObject adapter) => Guid.Parse(adapter.Text("DeviceID"));

    /// <summary>The firewall profile that applies to an adapter, or null while Windows sees no network on it.</summary>
    /// <param name="linkIndex">The adapter.</param>
    public NetworkCategory? FindNetworkCategory(int linkIndex)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(linkIndex);
        return ListNetworkCategories().TryGetValue(linkIndex, out var category) ? category : null;
    }

    /// <summary>The firewall profile of each adapter on which Windows sees a network, by index.</summary>
    public IReadOnlyDictionary<int, NetworkCategory> ListNetworkCategories()
    {
        var categories = new Dictionary<int, NetworkCategory>();
        foreach (var profile in _cim.Query(Namespace, "SELECT * FROM MSFT_NetConnectionProfile"))
            categories[(int)profile.Number("InterfaceIndex")] = (NetworkCategory)profile.Number("NetworkCategory");
        return categories;
    }

    /// <summary>Renames and sees that it is so.</summary>
    /// <param name="guid">The adapter.</param>
    /// <param name="name">The new alias, up to 255 characters.</param>
    public void Rename(Guid guid, string name)
    {
        var attempt = $"rename adapter {guid} to \"{name}\"";
        CimError.CheckStandard(_cim.Invoke(Require(guid, attempt), "Rename", new CimArgument("NewName", CimKind.String, name)), attempt);
        var now = Require(guid, attempt).Text("Name");
        if (now != name) throw CimError.Create(CimFailure.Failed, (int)CimFailure.Failed, attempt, $"it is named \"{now}\"; does a policy rename adapters?");
    }

    /// <summary>Enables or disables the adapter itself.</summary>
    /// <param name="guid">The adapter.</param>
    /// <param name="enabled">Which.</param>
    public void SetEnabled(Guid guid, bool enabled)
    {
        var attempt = $"{(enabled ? "enable" : "disable")} adapter {guid}";
        CimError.CheckStandard(_cim.Invoke(Require(guid, attempt), enabled ? "Enable" : "Disable"), attempt);
    }

    /// <summary>Stops and starts the adapter, as some settings need.</summary>
    /// <param name="guid">The adapter.</param>
    public void Restart(Guid guid)
    {
        var attempt = $"restart adapter {guid}";
        CimError.CheckStandard(_cim.Invoke(Require(guid, attempt), "Restart"), attempt);
    }

    /// <summary>All bindings of an adapter, also those of components that Windows hides.</summary>
    /// <param name="guid">The adapter.</param>
    public IReadOnlyList<AdapterBinding> ListBindings(Guid guid) =>
        [.. Bindings(guid).Select(binding => new AdapterBinding(binding.Text("ComponentID"), binding["DisplayName"] as string ?? "", binding.Flag("Enabled")))];

    /// <summary>Binds or unbinds a component and sees that it is so.</summary>
    /// <param name="guid">The adapter.</param>
    /// <param name="component">For example "ms_server", or our filter's identifier.</param>
    /// <param name="enabled">Which.</param>
    /// <returns>How it was before, or null when the component is not installed or cannot be bound to this adapter.</returns>
    public bool? SetBinding(Guid guid, string component, bool enabled)
    {
        var attempt = $"{(enabled ? "bind" : "unbind")} {component} {(enabled ? "to" : "from")} adapter {guid}";
        if (FindBinding(guid, component) is not { } binding) return null;
        var before = binding.Flag("Enabled");
        if (before == enabled) return before;
        CimError.CheckStandard(_cim.Invoke(binding, enabled ? "Enable" : "Disable"), attempt);
        if (FindBinding(guid, component)?.Flag("Enabled") != enabled) throw CimError.Create(CimFailure.Failed, (int)CimFailure.Failed, attempt, "it was accepted and not taken over");
        return before;
    }

    /// <summary>Closes the session.</summary>
    public void Dispose() => _cim.Dispose();

    private CimObject? FindBinding(Guid guid, string component) =>
        Bindings(guid).FirstOrDefault(binding => string.Equals(binding.Text("ComponentID"), component, StringComparison.OrdinalIgnoreCase));

    // Not by name, which people choose and which may hold quotes: by the GUID that begins the identifier.
    private IEnumerable<CimObject> Bindings(Guid guid)
    {
        var prefix = Braced(guid);
        return _cim.Query(Namespace, "SELECT * FROM MSFT_NetAdapterBindingSettingData", allBindings: true)
            .Where(binding => binding.Text("InstanceID").StartsWith(prefix, StringComparison.OrdinalIgnoreCase));
    }

    private CimObject Require(Guid guid, string attempt) => Find(guid) ?? throw CimError.Create(CimFailure.NotFound, (int)CimFailure.NotFound, attempt, null);

    private static string Braced(Guid guid) => guid.ToString("B").ToUpperInvariant();
}
