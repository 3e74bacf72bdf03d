using System.Collections.Immutable;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.Protocol;

namespace IpVlanWin.Service.State;

/// <summary>
/// One transaction while it is being built: changes are judged against the state with those before it, and gathered for the store. Nobody
/// else sees any of it until it is committed; dropping it undoes it.
/// </summary>
internal sealed class StateChange
{
    /// <summary>Most interfaces of the service.</summary>
    public const int MaxInterfaces = 1 << 17;

    /// <summary>Most addresses of an interface, so that its record fits a message.</summary>
    public const int MaxAddresses = 4096;

    /// <summary>Most multicast groups that an interface can be told to join.</summary>
    public const int MaxGroups = 256;

    private readonly IHost _host;
    private readonly ImmutableDictionary<string, DesiredPort>.Builder _ports;
    private readonly ImmutableDictionary<string, DesiredInterface>.Builder _interfaces;
    private readonly ImmutableDictionary<AddressKey, string>.Builder _owners;
    private readonly Dictionary<(string Master, string Datapath), MasterInfo> _masters = [];
    private long _nextId;

    public StateChange(Model before, long nextId, IHost host)
    {
        (_host, _nextId, Version) = (host, nextId, before.Version + 1);
        (_ports, _interfaces, _owners) = (before.Ports.ToBuilder(), before.Interfaces.ToBuilder(), before.Owners.ToBuilder());
    }

    /// <summary>The version the state will have.</summary>
    public long Version { get; }

    public long NextId => _nextId;

    /// <summary>Masters of ports that were made, changed or removed.</summary>
    public HashSet<string> TouchedPorts { get; } = new(StringComparer.Ordinal);

    /// <summary>Numbers of interfaces that were made or changed, with the name each has now; null for one that was removed.</summary>
    public Dictionary<long, string?> TouchedInterfaces { get; } = [];

    public DesiredPort? Port(string master) => _ports.GetValueOrDefault(master);

    public DesiredInterface? Interface(string name) => _interfaces.GetValueOrDefault(name);

    public Model Build() => new(Version, _ports.ToImmutable(), _interfaces.ToImmutable(), _owners.ToImmutable());

    public void SetPort(PortChange change)
    {
        var port = FindPort(change.Master);
        Checked.Version(change.Version, port.Version, port.Master);
        var datapath = change.Datapath is null ? port.Datapath : Checked.Datapath(change.Datapath);
        if (datapath != port.Datapath)
            Master(port.Master, datapath);
        var changed = port with
        {
            Mode = change.Mode is null ? port.Mode : Checked.Mode(change.Mode),
            Flag = change.Flag is null ? port.Flag : Checked.Flag(change.Flag),
            Datapath = datapath,
        };
        _host.RequireSupport(changed.Master, changed.Datapath, changed.Mode, changed.Flag);
        Put(changed);
    }

    public void AddInterface(InterfaceSpec spec)
    {
        var name = Checked.Name(spec.Name);
        // As on Linux, an unknown word is told before a name in use.
        var mode = spec.Mode is null ? default(PortMode?) : Checked.Mode(spec.Mode);
        var flag = spec.Flag is null ? default(PortFlag?) : Checked.Flag(spec.Flag);
        if (_interfaces.ContainsKey(name))
            throw ErrorCode.NameInUse.With(name);
        if (_interfaces.Count >= MaxInterfaces)
            throw ErrorCode.LimitReached.With($"{MaxInterfaces} interfaces");
        var master = Checked.Text(spec.Master, "master");
        // As on Linux, an interface given as master means its own master.
        if (_interfaces.TryGetValue(master, out var sibling))
            master = sibling.Master;
        var port = _ports.GetValueOrDefault(master);
        var datapath = spec.Datapath is null ? port?.Datapath ?? "auto" : Checked.Datapath(spec.Datapath);
        if (port is not null && datapath != port.Datapath)
            throw ErrorCode.BadArgument.With("datapath", $"{port.Datapath}, as the port has it; change it with port.set");
        var info = Master(master, datapath);
        // Asked for by index or another name.
        port ??= _ports.GetValueOrDefault(info.Name);
        if (info.Name == name)
            throw ErrorCode.NameInUse.With(name);
        port ??= new DesiredPort(info.Name, PortMode.L3, PortFlag.Bridge, datapath, 0, Version);
        var mtu = spec.Mtu is null ? default(int?) : Checked.Mtu(spec.Mtu.Value, info.IpMtu);
        var made = new DesiredInterface(
            _nextId, name, port.Master, Checked.Namespace(spec.Namespace), mtu, spec.Admin is not null && Checked.IsUp(spec.Admin), [], [], Version);
        var addresses = ImmutableArray.CreateBuilder<L3Prefix>(spec.Addresses?.Count ?? 0);
        foreach (var text in spec.Addresses ?? [])
        {
            var prefix = Checked.Prefix(text, "addresses");
            Own(made, addresses, prefix);
            addresses.Add(prefix);
        }
        _nextId++;
        port = port with
        {
            Mode = mode ?? port.Mode,
            Flag = flag ?? port.Flag,
            Count = port.Count + 1,
        };
        _host.RequireSupport(port.Master, port.Datapath, port.Mode, port.Flag);
        if (port.Count > info.MaxInterfaces)
            throw ErrorCode.LimitReached.With($"{info.MaxInterfaces} interfaces of a port of data path {info.Datapath}");
        Put(port);
        Put(made with { Addresses = addresses.DrainToImmutable() });
    }

    public void RemoveInterface(InterfaceName asked)
    {
        var gone = FindInterface(asked.Name);
        Checked.Version(asked.Version, gone.Version, gone.Name);
        foreach (var prefix in gone.Addresses)
            _owners.Remove(new AddressKey(gone.Master, prefix.Address));
        _interfaces.Remove(gone.Name);
        TouchedInterfaces[gone.Id] = null;
        var port = _ports[gone.Master];
        TouchedPorts.Add(port.Master);
        if (port.Count == 1)
            _ports.Remove(port.Master);
        else
            Put(port with { Count = port.Count - 1 });
    }

    public void SetInterface(InterfaceChange change)
    {
        var present = FindInterface(change.Name);
        if (change.Mac is not null)
            throw ErrorCode.MacNotSettable.With(present.Name);
        Checked.Version(change.Version, present.Version, present.Name);
        var name = change.NewName is null ? present.Name : Checked.Name(change.NewName, "newName");
        if (name != present.Name && (_interfaces.ContainsKey(name) || _ports.ContainsKey(name)))
            throw ErrorCode.NameInUse.With(name);
        var mtu = change.Mtu is { } value ? Checked.Mtu(value, Master(present.Master, _ports[present.Master].Datapath).IpMtu) : present.IpMtu;
        var place = change.Namespace is null ? present.Namespace : Checked.Namespace(change.Namespace);
        if (name != present.Name)
        {
            _interfaces.Remove(present.Name);
            foreach (var prefix in present.Addresses)
                _owners[new AddressKey(present.Master, prefix.Address)] = name;
        }
        Put(present with
        {
            Name = name,
            Namespace = place,
            IpMtu = mtu,
            IsUp = change.Admin is null ? present.IsUp : Checked.IsUp(change.Admin),
        });
    }

    public void AddAddress(AddressSpec spec)
    {
        var present = FindInterface(spec.Interface);
        var prefix = Checked.Prefix(spec.Prefix);
        Own(present, present.Addresses, prefix);
        Put(present with { Addresses = present.Addresses.Add(prefix) });
    }

    public void RemoveAddress(AddressSpec spec)
    {
        var present = FindInterface(spec.Interface);
        var prefix = Checked.Prefix(spec.Prefix);
        if (!present.Addresses.Contains(prefix))
            throw ErrorCode.AddressAbsent.With(present.Name, prefix);
        _owners.Remove(new AddressKey(present.Master, prefix.Address));
        Put(present with { Addresses = present.Addresses.Remove(prefix) });
    }

    /// <summary>Semantics 52: twice is once.</summary>
    public void AddGroup(GroupSpec spec)
    {
        var present = FindInterface(spec.Interface);
        var group = Checked.Group(spec.Group);
        if (present.Groups.Contains(group))
            return;
        if (present.Groups.Length >= MaxGroups)
            throw ErrorCode.LimitReached.With($"{MaxGroups} multicast groups that an interface is told to join");
        Put(present with { Groups = present.Groups.Add(group) });
    }

    public void RemoveGroup(GroupSpec spec)
    {
        var present = FindInterface(spec.Interface);
        var group = Checked.Group(spec.Group);
        if (!present.Groups.Contains(group))
            throw ErrorCode.GroupAbsent.With(present.Name, group);
        Put(present with { Groups = present.Groups.Remove(group) });
    }

    /// <summary>Puts a document in the place of the whole state.</summary>
    public void Replace(StateDocument document)
    {
        if (document.Schema != StateDocument.CurrentSchema)
            throw ErrorCode.BadArgument.With("schema", $"{StateDocument.CurrentSchema}; this document has {document.Schema}");
        foreach (var name in Model.Sorted(_interfaces.Keys))
            RemoveInterface(new InterfaceName { Name = name });
        foreach (var port in document.Ports)
        {
            if (port.Interfaces.Count == 0)
                throw ErrorCode.BadArgument.With("interfaces", "a list of at least one; a port without interfaces does not exist");
            if (port.Master is not null && _ports.ContainsKey(port.Master))
                throw ErrorCode.BadArgument.With("ports", $"one for each master; {port.Master} is there twice");
            foreach (var entry in port.Interfaces)
            {
                AddInterface(new InterfaceSpec
                {
                    Master = port.Master, Mode = port.Mode, Flag = port.Flag, Datapath = port.Datapath, Name = entry.Name, Namespace = entry.Namespace,
                    Mtu = entry.Mtu, Admin = entry.Admin, Addresses = entry.Addresses,
                });
                foreach (var group in entry.Multicast ?? [])
                    AddGroup(new GroupSpec { Interface = entry.Name, Group = group });
            }
        }
    }

    /// <summary>The port by its master's name, index or one of its interfaces.</summary>
    private DesiredPort FindPort(string? master)
    {
        var asked = Checked.Text(master, "master");
        return _ports.GetValueOrDefault(_interfaces.TryGetValue(asked, out var member) ? member.Master : asked)
            ?? _ports.GetValueOrDefault(_host.NameOf(asked))
            ?? throw ErrorCode.NotFound.With("port", asked);
    }

    private DesiredInterface FindInterface(string? name)
    {
        var asked = Checked.Text(name, "name");
        return _interfaces.GetValueOrDefault(asked) ?? throw ErrorCode.NotFound.With("interface", asked);
    }

    private MasterInfo Master(string master, string datapath)
    {
        if (!_masters.TryGetValue((master, datapath), out var info))
            _masters.Add((master, datapath), info = _host.FindMaster(master, datapath));
        return info;
    }

    /// <summary>Semantics 41: the address alone counts, whatever the prefix length.</summary>
    private void Own(DesiredInterface owner, IReadOnlyList<L3Prefix> present, L3Prefix prefix)
    {
        if (present.Count >= MaxAddresses)
            throw ErrorCode.LimitReached.With($"{MaxAddresses} addresses of an interface");
        var key = new AddressKey(owner.Master, prefix.Address);
        if (_owners.TryAdd(key, owner.Name))
            return;
        var isOwn = _owners[key] == owner.Name;
        if (isOwn && (prefix.Address.IsSix || present.Contains(prefix)))
            throw ErrorCode.AddressExists.With(owner.Name, prefix);
        throw ErrorCode.AddressInUse.With(prefix.Address, _owners[key]);
    }

    private void Put(DesiredPort port)
    {
        _ports[port.Master] = port with { Version = Version };
        TouchedPorts.Add(port.Master);
    }

    private void Put(DesiredInterface changed)
    {
        _interfaces[changed.Name] = changed with { Version = Version };
        TouchedInterfaces[changed.Id] = changed.Name;
    }
}

file static class BuilderExtensions
{
    /// <summary>Adds unless the key is there.</summary>
    public static bool TryAdd(this ImmutableDictionary<AddressKey, string>.Builder builder, AddressKey key, string value)
    {
        if (builder.ContainsKey(key))
            return false;
        builder.Add(key, value);
        return true;
    }
}
