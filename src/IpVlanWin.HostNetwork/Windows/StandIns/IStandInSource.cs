namespace IpVlanWin.HostNetwork.Windows;

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
