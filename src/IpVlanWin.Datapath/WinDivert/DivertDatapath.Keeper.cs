using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using IpVlanWin.Devices.WinDivert;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Datapath.WinDivert;

/// <summary>The host's network at one moment.</summary>
internal sealed record HostView(IReadOnlyDictionary<int, HostLink> Links, ILookup<int, HostAddress> Addresses, ILookup<int, HostRoute> Routes)
{
    public static HostView Of(IHostNetwork network) => new(
        network.ListLinks().ToDictionary(static link => link.Index),
        network.ListAddresses().ToLookup(static address => address.LinkIndex),
        network.ListRoutes().ToLookup(static route => route.LinkIndex));
}

// One thread follows the host and makes it as it should be, whatever happened: it looks at everything and changes what differs.
public sealed partial class DivertDatapath
{
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(1);

    private HostLink? _master;
    private volatile ImmutableDictionary<uint, int> _ipMtus = ImmutableDictionary<uint, int>.Empty;
    private string? _toldRefusal;

    private int MtuOf(uint index) => _ipMtus.GetValueOrDefault(index, Engine.Ipvlan.Port.MaxIpMtu);

    private void Keep()
    {
        try
        {
            WaitHandle[] signals = [_ending, _wake];
            var (wait, isRetry) = (_settings.Period, false);
            var start = Stopwatch.GetTimestamp();
            while (true)
            {
                var left = wait - Stopwatch.GetElapsedTime(start);
                var signal = WaitHandle.WaitAny(signals, TimeSpan.FromTicks(Math.Clamp(left.Ticks, 0, s_sample.Ticks)));
                if (signal == 0)
                    return;
                SampleLosses();
                if (signal == WaitHandle.WaitTimeout && left > s_sample)
                    continue;
                start = Stopwatch.GetTimestamp();
                isRetry = !Converge(isTime: signal == WaitHandle.WaitTimeout && !isRetry);
                wait = isRetry ? s_retry : _settings.Period;
                // However many changes come, no more than half of the time goes into looking.
                if (_ending.WaitOne(Stopwatch.GetElapsedTime(start)))
                    return;
            }
        }
        catch (Exception fault)
        {
            Fail(fault);
        }
    }

    /// <summary>Returns false where something was refused and is to be tried again soon.</summary>
    private bool Converge(bool isTime)
    {
        try
        {
            List<L3Address> unknown;
            HostLink? master;
            lock (_lock)
            {
                // Before the first commit nobody knows what is to be there.
                if (!_isCommitted || _isDisposed)
                    return true;
                _traffic.KeepSafetyNet();
                var view = HostView.Of(_host.Network);
                FollowMaster(view);
                foreach (var member in _members.Values)
                    MendStandIn(member, view);
                if (isTime)
                {
                    foreach (var member in _members.Values)
                        member.Duplicates = [];
                }
                (unknown, master) = (ToAsk(view), _master);
            }
            if (unknown.Count > 0 && master is not null)
                Judge(unknown, DuplicateProbe.Find(_host, master, unknown, _settings.ProbeTime, _ending));
            lock (_lock)
            {
                if (_ending.WaitOne(0))
                    return true;
                var isWhole = Place(HostView.Of(_host.Network), isTime);
                TellFirewall(isTime);
                _toldRefusal = isWhole ? null : _toldRefusal;
                return isWhole;
            }
        }
        catch (Exception refused) when (refused is HostNetworkException or DivertException or IOException)
        {
            if (_toldRefusal != refused.Message && !_completion.Task.IsFaulted)
                _onHost.Tell("host-refused", refused.Message, _settings.PortName, "", "");
            _toldRefusal = refused.Message;
            foreach (var member in _members.Values)
                member.Fault = refused.Message;
            return false;
        }
    }

    /// <summary>Name, index, MAC, MTU, state and addresses of the master, which is known by its identity.</summary>
    private void FollowMaster(HostView view)
    {
        var (before, now) = (_master, _host.FindLink(_settings.MasterId));
        _ipMtus = view.Links.Values.ToImmutableDictionary(static link => (uint)link.Index, static link => link.IpMtu);
        var name = now?.Name ?? before?.Name ?? _settings.PortName;
        if (now is null)
        {
            if (before is not null)
                _onHost.Tell("master-gone", "the master was unplugged or removed; its interfaces wait for it", name, "there", "gone");
            _port.SetMasterUp(false);
            _proxied.Clear();
            _master = null;
            return;
        }
        if (now != before && _host.MasterRefusal(now) is { } refusal)
        {
            _onHost.Tell("master-refused", refusal, name, "usable", "taken");
            throw Ended(new IOException(refusal));
        }
        if (before is null || before.Index != now.Index)
        {
            // Proxy entries and settings went with it.
            _proxied.Clear();
            _isMasterSet = false;
            if (before is null)
                _onHost.Tell("master-back", "the master is there again", name, "gone", "there");
        }
        if (before is not null && before.Name != now.Name)
            _onHost.Tell("master-renamed", "the master has another name; it stays the master", _settings.PortName, before.Name, now.Name);
        var snapshot = _port.Snapshot;
        if (now.Mac.TryToMac(out var mac) && mac != snapshot.Mac)
        {
            _onHost.Tell("master-mac", "the master has another MAC, and so have its interfaces", name, snapshot.Mac.ToString(), mac.ToString());
            _port.SetMasterMac(mac);
        }
        if (now.IpMtu != snapshot.IpMtu && _port.SetMasterMtu(now.IpMtu) == PortResult.Ok)
            _onHost.Tell("master-mtu", "the master has another MTU; interfaces follow", name, Text(snapshot.IpMtu), Text(now.IpMtu));
        var isUp = now.IsUp && now.IsRunning;
        if (isUp != snapshot.IsUp)
        {
            _onHost.Tell(isUp ? "master-up" : "master-down", isUp ? "the master carries frames" : now.IsUp ? "the master has no carrier" : "the master is disabled", name, isUp ? "down" : "up", isUp ? "up" : "down");
            _port.SetMasterUp(isUp);
            _proxied.Clear();
        }
        _master = now;
        var own = view.Addresses[now.Index].Select(static address => new L3Prefix(L3Address.From(address.Address), address.PrefixLength)).ToHashSet();
        foreach (var gone in _port.MasterAddresses.Where(prefix => !own.Contains(prefix)))
            _port.RemoveMasterAddress(gone);
        foreach (var prefix in own)
            _port.AddMasterAddress(prefix);
    }

    /// <summary>Addresses that are to come onto the host and of which it is not known whether somebody has them.</summary>
    private List<L3Address> ToAsk(HostView view)
    {
        var unknown = new List<L3Address>();
        var ours = _members.Values.Select(static member => member.StandIn.LinkIndex).ToHashSet();
        var hosts = view.Addresses.Where(group => !ours.Contains(group.Key)).SelectMany(static group => group).Select(static one => L3Address.From(one.Address)).ToHashSet();
        foreach (var member in _members.Values.Where(static member => member.Interface.IsUp))
        {
            var there = member.IsForwarded
                ? view.Routes[member.StandIn.LinkIndex].Select(static route => L3Address.From(route.Destination.BaseAddress)).ToHashSet()
                : view.Addresses[member.StandIn.LinkIndex].Select(static address => L3Address.From(address.Address)).ToHashSet();
            foreach (var prefix in _port.AddressesOf(member.Interface))
            {
                if (hosts.Contains(prefix.Address))
                {
                    Refuse(member, prefix.Address, "this host");
                    continue;
                }
                // What is on the host already was asked for before it came there; and without a wire nobody can be asked.
                if (there.Contains(prefix.Address) || !_port.IsMasterUp)
                    member.Confirmed.Add(prefix.Address);
                else if (!member.Confirmed.Contains(prefix.Address) && !member.Duplicates.Contains(prefix.Address))
                    unknown.Add(prefix.Address);
            }
        }
        if (unknown.Count > _host.ProbesAtOnce)
        {
            unknown.RemoveRange(_host.ProbesAtOnce, unknown.Count - _host.ProbesAtOnce);
            Wake();
        }
        return unknown;
    }

    private void Judge(List<L3Address> asked, Dictionary<L3Address, string> found)
    {
        lock (_lock)
        {
            foreach (var address in asked)
            {
                if (_port.OwnerOf(address) is not { } owner || !_members.TryGetValue(owner.Name, out var member))
                    continue;
                if (found.TryGetValue(address, out var mac))
                    Refuse(member, address, mac);
                else
                    member.Confirmed.Add(address);
            }
        }
    }

    /// <summary>Somebody has it; what was put on the host before comes off.</summary>
    private void Refuse(DivertMember member, L3Address address, string owner)
    {
        TakeOff(member, [address]);
        if (member.Duplicates.Contains(address))
            return;
        member.Duplicates = member.Duplicates.Add(address);
        _onHost.Tell("address-duplicate", "somebody has the address already; it is not put on the stand-in", member.Interface.Name, address.ToString(), owner);
    }

    /// <summary>Windows takes a while to know a network; who listens on a stand-in is reached as its profile says.</summary>
    private void TellFirewall(bool isTime)
    {
        if (!isTime && _members.Values.All(static member => member.FirewallProfile is not null))
            return;
        var profiles = _host.ListFirewallProfiles();
        foreach (var member in _members.Values)
        {
            if (!profiles.TryGetValue(member.StandIn.LinkIndex, out var profile) || profile == member.FirewallProfile)
                continue;
            _onHost.Tell("firewall-profile", $"the firewall's profile on the stand-in is {profile}, which decides who is reached there", member.Interface.Name, member.FirewallProfile ?? "", profile);
            member.FirewallProfile = profile;
        }
    }

    private IOException Ended(IOException fault)
    {
        Fail(fault);
        return fault;
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
