namespace IpVlanWin.HostNetwork.Windows;

/// <summary>What a stand-in is made of.</summary>
public enum StandInKind
{
    /// <summary>A KM-TEST loopback adapter: compartment 1 only.</summary>
    Loopback,

    /// <summary>The host's port of an internal Hyper-V switch; the container service can move it to a compartment.</summary>
    VSwitch,
}

/// <summary>A device of ours, found by the tag it carries and never by its name.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Tag">The identity it was made with.</param>
/// <param name="Id">Loopback: the device instance identifier (ROOT\NET\0000). Switch: the switch's GUID.</param>
/// <param name="Name">What it was named; for reports only.</param>
public sealed record StandInDevice(StandInKind Kind, Guid Tag, string Id, string Name);

/// <summary>
/// Makes and removes the devices behind stand-ins: <see cref="LoopbackAdapters"/> and <see cref="SwitchAdapters"/>. Each carries its
/// tag from the moment it exists, so that what a crash leaves behind is found.
/// </summary>
internal interface IStandInSource
{
    StandInKind Kind { get; }

    /// <summary>Makes a device; when it fails, nothing is left of it.</summary>
    /// <param name="tag">Its identity.</param>
    /// <param name="name">The name it is to have, where the device itself has one.</param>
    StandInDevice Create(Guid tag, string name);

    /// <summary>All devices that carry a tag of ours, also those that are disabled or did not start.</summary>
    IReadOnlyList<StandInDevice> List();

    /// <summary>The device's adapter, or null while the system has not made it yet.</summary>
    CimObject? FindAdapter(StandInDevice device);

    /// <summary>Removes a device; nothing when it is gone already.</summary>
    void Remove(StandInDevice device);
}
