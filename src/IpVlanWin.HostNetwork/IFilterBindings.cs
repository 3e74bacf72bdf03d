namespace IpVlanWin.HostNetwork;

/// <summary>
/// Which adapters a filter driver is bound to. Members may be called by any thread and throw <see cref="HostNetworkException"/> with the
/// system's own code when it refuses.
/// </summary>
public interface IFilterBindings
{
    /// <summary>A link's NET_LUID, by which drivers know it.</summary>
    /// <param name="link">The link.</param>
    /// <param name="namespaceName">Its namespace; null for the host's.</param>
    ulong LuidOf(HostLink link, string? namespaceName = null);

    /// <summary>Whether a component is bound to a link; null where it is not installed, or cannot be bound to this link.</summary>
    /// <param name="link">The link.</param>
    /// <param name="component">The component's identifier, such as ipvlanwin.</param>
    /// <param name="namespaceName">Its namespace; null for the host's.</param>
    bool? FindBinding(HostLink link, string component, string? namespaceName = null);

    /// <summary>Binds or unbinds it, and sees that it is so; nothing where it is so already.</summary>
    /// <param name="link">The link.</param>
    /// <param name="component">The component's identifier.</param>
    /// <param name="isBound">Which.</param>
    /// <param name="namespaceName">Its namespace; null for the host's.</param>
    void SetBinding(HostLink link, string component, bool isBound, string? namespaceName = null);
}
