namespace IpVlanWin.Devices;

/// <summary>A device whose interface may be taken away by others while it is open.</summary>
public interface IRemovableDevice : IFrameDevice
{
    /// <summary>The interface is gone for good. The device's descriptor may poll ready for ever: stop watching it and dispose the device.</summary>
    bool IsGone { get; }
}
