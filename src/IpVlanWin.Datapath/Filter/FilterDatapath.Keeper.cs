using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.HostNetwork;

namespace IpVlanWin.Datapath.Filter;

// One thread sees that master and stand-ins are as they should be, whatever happened to them, and tells what that was.
public sealed partial class FilterDatapath
{
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(1);

    private readonly AutoResetEvent _wake = new(initialState: false);
    private readonly ManualResetEvent _ending = new(initialState: false);
    private readonly Thread _keeper;

    // Under _lock.
    private bool _isCommitted;
    private AbiPortStatus? _told;

    // The keeper's alone.
    private string? _toldRefusal;

    private void Keep()
    {
        try
        {
            WaitHandle[] signals = [_ending, _wake];
            var (wait, looked) = (_settings.Period, Stopwatch.GetTimestamp());
            while (WaitHandle.WaitAny(signals, wait) != 0)
            {
                var start = Stopwatch.GetTimestamp();
                var isTime = Stopwatch.GetElapsedTime(looked, start) >= _settings.Period;
                looked = isTime ? start : looked;
                wait = Converge(isTime) ? _settings.Period : s_retry;
                // However many changes come, no more than half of the time goes into looking.
                if (_ending.WaitOne(Stopwatch.GetElapsedTime(start)))
                    return;
            }
        }
        catch (Exception fault)
        {
            _completion.TrySetException(fault);
        }
    }

    /// <summary>Returns false where something was refused, or goes on, and is to be looked at again soon.</summary>
    /// <param name="isTime">To ask anew for addresses that somebody had.</param>
    private bool Converge(bool isTime)
    {
        try
        {
            List<L3Address> unknown;
            lock (_lock)
            {
                if (_isDisposed || !FollowMaster())
                    return true;
                // Before the first commit nobody knows what is to be there.
                if (!_isCommitted)
                    return true;
                foreach (var member in _members.Values)
                    Mend(member, isTime);
                _host.Tidy();
                unknown = Unknown(isTime);
                if (unknown.Count == 0)
                {
                    _toldRefusal = null;
                    return _members.Values.All(static member => member.Asked.Count == 0);
                }
            }
            var others = _host.FindOthers(unknown, _settings.ProbeTime, _ending);
            lock (_lock)
            {
                if (_isDisposed)
                    return true;
                Judge(unknown, others);
                _toldRefusal = null;
            }
            // What came of it, and what is to be asked for next.
            Wake();
            return true;
        }
        catch (Exception refused) when (refused is HostNetworkException or IOException)
        {
            // Of a driver that is gone there is nothing to be tried again.
            if (_settings.Driver.Completion.IsCompleted)
                return true;
            if (_toldRefusal != refused.Message)
                Tell("host-refused", refused.Message, _settings.MasterName);
            _toldRefusal = refused.Message;
            return false;
        }
    }

    /// <summary>False where the port has ended.</summary>
    private unsafe bool FollowMaster()
    {
        if (_requests.FindPort(_luid) is not { } now)
        {
            _completion.TrySetException(new IOException($"somebody removed the port over {_settings.MasterName} from the driver"));
            return false;
        }
        var before = _told;
        _told = now;
        if (before is { } known)
        {
            var (oldMac, mac) = (MacAddress.Read(new ReadOnlySpan<byte>(known.Mac, MacAddress.Bytes)), MacAddress.Read(new ReadOnlySpan<byte>(now.Mac, MacAddress.Bytes)));
            if (oldMac != mac)
                Tell("master-mac", "the master has another MAC, and so have its interfaces", _settings.MasterName, $"{oldMac}", $"{mac}");
            if (known.Mtu != now.Mtu)
                Tell("master-mtu", "the master has another MTU; interfaces follow", _settings.MasterName, Text(known.Mtu), Text(now.Mtu));
            if (known.IsUp != now.IsUp)
                Tell(now.IsUp != 0 ? "master-up" : "master-down", now.IsUp != 0 ? "the master carries frames" : "the master is paused, asleep, without a link or gone",
                    _settings.MasterName, known.IsUp != 0 ? "up" : "down", now.IsUp != 0 ? "up" : "down");
        }
        try
        {
            _host.FollowMaster(now.IsAttached != 0);
            return true;
        }
        catch (IOException refused)
        {
            _completion.TrySetException(refused);
            return false;
        }
    }

    private void Mend(Member member, bool isTime)
    {
        try
        {
            var stack = _requests.FindInterface(_luid, member.StandIn.Luid) is { } status
                ? _host.Mend(member.StandIn, new FilterWish(member.Name, (int)status.Mtu, Given(member), status.IsAttached != 0)
                {
                    Withheld = member.Withheld.IsEmpty ? [] : member.Addresses.FindAll(prefix => member.Withheld.Contains(prefix.Address)), Asks = IsL2, AsksAgain = isTime,
                })
                : null;
            // An adapter whose driver was put in anew may have another LUID.
            if (stack is null || stack.StandIn.Luid != member.StandIn.Luid)
                Remake(member);
            else
                Follow(member, stack);
        }
        catch (NamespacePendingException waits)
        {
            // As on Linux, it goes with its namespace; whoever wants it makes it again, and waits.
            _requests.RemoveInterface(_luid, member.StandIn.Luid);
            _members = _members.Remove(member.Name);
            Tell("container-gone", waits.Message, member.Name, "there", "gone");
        }
        catch (Exception refused) when (refused is HostNetworkException or IOException)
        {
            Replace(_members[member.Name], _members[member.Name] with { Fault = refused.Message });
            throw;
        }
    }

    /// <summary>Another adapter, or the driver's interface anew: with all that the interface had.</summary>
    private void Remake(Member old)
    {
        var port = _requests.FindPort(_luid) ?? throw new IOException($"the driver has no port over {_settings.MasterName} any more");
        var standIn = _host.Create(old.Name, old.Namespace);
        _requests.RemoveInterface(_luid, old.StandIn.Luid);
        var luid = standIn.Luid;
        // Of a single interface mode and flag would begin anew (semantics 46).
        if (_requests.AddInterface(_luid, luid, port.Mode, port.Flag) is not PortResult.Ok and var refused)
            throw new IOException($"the driver does not take the new stand-in of {old.Name} ({refused.ErrnoName()})");
        Replace(old, old with { StandIn = standIn, Fault = null });
        if (old.OwnMtu is { } ipMtu)
            _requests.SetMtu(_luid, luid, ipMtu);
        _requests.Change(_luid, (AbiItem[])[.. old.Addresses.Select(prefix => FilterItems.Address(luid, prefix)), .. old.Groups.Select(group => FilterItems.Group(luid, group))]);
        _requests.SetUp(_luid, luid, old.IsUp);
        Replace(old, _members[old.Name] with { Asked = [.. _host.AddAddresses(standIn, Given(old), IsL2)], Taken = old.Taken.Intersect(old.Withheld) });
        if (_requests.FindInterface(_luid, luid) is { } made)
            _host.SetMtu(standIn, (int)made.Mtu);
    }

    private static ImmutableList<L3Prefix> Given(Member member) => member.Withheld.IsEmpty ? member.Addresses : member.Addresses.RemoveAll(prefix => member.Withheld.Contains(prefix.Address));

    private void Wake()
    {
        try
        {
            _wake.Set();
        }
        catch (ObjectDisposedException)
        {
            // It has ended meanwhile.
        }
    }

    private static string Text(uint number) => number.ToString(CultureInfo.InvariantCulture);
}
