using System.Collections.Immutable;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Service.State;

/// <summary>A port as it should be.</summary>
/// <param name="Master">The master's name; the key.</param>
/// <param name="Mode">Mode of all its interfaces.</param>
/// <param name="Flag">Flag of all its interfaces.</param>
/// <param name="Datapath">What was asked for: auto or a kind.</param>
/// <param name="Count">Number of its interfaces; at least one.</param>
/// <param name="Version">State version of its last change.</param>
internal sealed record DesiredPort(string Master, PortMode Mode, PortFlag Flag, string Datapath, int Count, long Version);

/// <summary>An interface as it should be.</summary>
/// <param name="Id">Its number in the store: stays through a change of name.</param>
/// <param name="Name">The key.</param>
/// <param name="Master">Its port.</param>
/// <param name="Namespace">Where its stack lives; null for the host's.</param>
/// <param name="IpMtu">MTU in bytes of IP packet; null follows the master.</param>
/// <param name="IsUp">Up.</param>
/// <param name="Addresses">In the order they were added.</param>
/// <param name="Groups">Multicast groups it joins beside those of its stack, in the order they were added.</param>
/// <param name="Version">State version of its last change.</param>
internal sealed record DesiredInterface(
    long Id, string Name, string Master, string? Namespace, int? IpMtu, bool IsUp, ImmutableArray<L3Prefix> Addresses,
    ImmutableArray<MacAddress> Groups, long Version);

/// <summary>An address belongs to one interface of a port.</summary>
internal readonly record struct AddressKey(string Master, L3Address Address);

/// <summary>The whole desired state at one moment. Immutable: whoever has it may read it without a lock.</summary>
internal sealed class Model
{
    private readonly Lazy<string[]> _names;

    public Model(
        long version,
        ImmutableDictionary<string, DesiredPort> ports,
        ImmutableDictionary<string, DesiredInterface> interfaces,
        ImmutableDictionary<AddressKey, string> owners)
    {
        (Version, Ports, Interfaces, Owners) = (version, ports, interfaces, owners);
        _names = new Lazy<string[]>(() => Sorted(Interfaces.Keys));
    }

    public static Model Empty { get; } = new(
        0,
        ImmutableDictionary.Create<string, DesiredPort>(StringComparer.Ordinal),
        ImmutableDictionary.Create<string, DesiredInterface>(StringComparer.Ordinal),
        ImmutableDictionary<AddressKey, string>.Empty);

    /// <summary>Grows with every transaction.</summary>
    public long Version { get; }

    /// <summary>By master.</summary>
    public ImmutableDictionary<string, DesiredPort> Ports { get; }

    /// <summary>By name.</summary>
    public ImmutableDictionary<string, DesiredInterface> Interfaces { get; }

    /// <summary>Name of the interface that has an address.</summary>
    public ImmutableDictionary<AddressKey, string> Owners { get; }

    /// <summary>Names of the interfaces, sorted by character code; do not change it.</summary>
    public string[] InterfaceNames => _names.Value;

    public static string[] Sorted(IEnumerable<string> names)
    {
        var sorted = names.ToArray();
        Array.Sort(sorted, StringComparer.Ordinal);
        return sorted;
    }
}
