using System.Text.Json.Serialization.Metadata;

namespace IpVlanWin.Protocol;

/// <summary>A change that is to be made, for <see cref="ControlClient.BatchAsync"/>.</summary>
public sealed class RpcCall
{
    private RpcCall(string method, object arguments, JsonTypeInfo type) => (Method, Arguments, Type) = (method, arguments, type);

    /// <summary>The method's name.</summary>
    public string Method { get; }

    internal object Arguments { get; }

    internal JsonTypeInfo Type { get; }

    /// <summary>Changes a port.</summary>
    public static RpcCall SetPort(PortChange change) => new("port.set", change, ProtocolJson.Plain.PortChange);

    /// <summary>Makes an interface.</summary>
    public static RpcCall AddInterface(InterfaceSpec spec) => new("interface.add", spec, ProtocolJson.Plain.InterfaceSpec);

    /// <summary>Removes an interface.</summary>
    public static RpcCall RemoveInterface(InterfaceName name) => new("interface.remove", name, ProtocolJson.Plain.InterfaceName);

    /// <summary>Changes an interface.</summary>
    public static RpcCall SetInterface(InterfaceChange change) => new("interface.set", change, ProtocolJson.Plain.InterfaceChange);

    /// <summary>Adds an address.</summary>
    public static RpcCall AddAddress(AddressSpec spec) => new("address.add", spec, ProtocolJson.Plain.AddressSpec);

    /// <summary>Removes an address.</summary>
    public static RpcCall RemoveAddress(AddressSpec spec) => new("address.remove", spec, ProtocolJson.Plain.AddressSpec);

    /// <summary>Joins a multicast group.</summary>
    public static RpcCall AddMulticast(GroupSpec spec) => new("multicast.add", spec, ProtocolJson.Plain.GroupSpec);

    /// <summary>Leaves a multicast group that was joined by <see cref="AddMulticast"/>.</summary>
    public static RpcCall RemoveMulticast(GroupSpec spec) => new("multicast.remove", spec, ProtocolJson.Plain.GroupSpec);

    internal static RpcCall Ask(string method, object arguments, JsonTypeInfo type) => new(method, arguments, type);
}
