using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;
using IpVlanWin.Cli.Replay;

namespace IpVlanWin.Conformance;

/// <summary>
/// What is added to the steps before the guest gets them. Where a deviation changes the port's state, Linux is led to the same state behind
/// its answer (D6, D7); where one changes what a frame comes to, Linux is asked about its twin as well: the frame that is for Linux
/// what the original is for the port (D1, D4, D8).
/// </summary>
internal sealed class Plan
{
    private readonly string _master;
    private readonly SortedDictionary<string, (int Mtu, bool IsOwn)> _interfaces = new(StringComparer.Ordinal);
    private string _mode;
    private string _flag;
    private int _mtu;
    private bool _isUp = true;

    public Plan(Topology start)
    {
        (_master, _mode, _flag, _mtu) = (start.Master.Name, start.Mode, start.Flag, start.Master.Mtu);
        foreach (var declared in start.Interfaces)
            _interfaces[declared.Name] = (_mtu, false);
    }

    public string Mode => _mode;

    public JsonObject Prepare(DraftStep step)
    {
        var prepared = step.ToJson();
        if (step.Arguments is { } arguments)
        {
            var then = Act(step.Kind, arguments);
            if (then.Count > 0)
                prepared["then"] = new JsonArray([.. then.Select(one => (JsonNode)new JsonArray(one.Kind, JsonSerializer.SerializeToNode(one.Arguments, Draft.Json)))]);
            return prepared;
        }
        if (IsRefused(step))
            prepared["refused"] = true;
        else if (TwinOf(step) is { } twin)
            prepared["twin"] = Convert.ToHexStringLower(twin);
        return prepared;
    }

    private bool IsRefused(DraftStep step) => step.At == "wire" && (!_isUp || step.Frame.Length < 14 || step.Frame.Length > _mtu + 18);

    private byte[]? TwinOf(DraftStep step)
    {
        if (step.At == "wire")
        {
            return _mode == "l3s" && new FrameView(FrameView.WithLastTag(step.Frame)).IsFragment
                ? WholeInsteadOfFragment(step.Frame, FrameView.Inspected(step.Frame).Offset)
                : null;
        }
        var view = new FrameView(step.Frame);
        if (view.Type == 0x0800 && view.Packet is { Length: >= 20 } packet)
        {
            var beyond = FrameView.Number(packet, 2) - packet.Length;
            if (beyond is < 1 or > 14)
                return null;
            var twin = (byte[])step.Frame.Clone();
            twin[16] = twin[17] = 0xff;
            return twin;
        }
        if (_mode != "l2" || _flag != "private" || !view.IsTagged || !view.IsToItself || view.Length < 18)
            return null;
        // Sent without its tag, the header would be taken for valid with up to 14 bytes too few.
        if (view.InnerType == 0x0800 && (view.Inner.Length < 20 || FrameView.Number(view.Inner, 2) > view.Inner.Length))
            return null;
        byte[] untagged = [.. step.Frame.AsSpan(0, 12), .. step.Frame.AsSpan(16)];
        return new FrameView(untagged).IsUndefinedWhenSent(isRouted: false) ? null : untagged;
    }

    /// <summary>RFC 1624: the checksum stays as right or as wrong as it was.</summary>
    private static byte[] WholeInsteadOfFragment(byte[] frame, int offset)
    {
        var twin = (byte[])frame.Clone();
        var field = twin.AsSpan(offset + 6, 2);
        var checksum = twin.AsSpan(offset + 10, 2);
        var before = BinaryPrimitives.ReadUInt16BigEndian(field);
        var after = (ushort)(before & 0xc000);
        var sum = (uint)(ushort)~BinaryPrimitives.ReadUInt16BigEndian(checksum) + (ushort)~before + after;
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(field, after);
        BinaryPrimitives.WriteUInt16BigEndian(checksum, (ushort)~sum);
        return twin;
    }

    /// <summary>Follows an action, and names what leads Linux to where the port is.</summary>
    private List<(string Kind, ActionArguments Arguments)> Act(string kind, ActionArguments a)
    {
        List<(string, ActionArguments)> then = [];
        switch (kind)
        {
            case "set-mode" when a.Mode is "l2" or "l3" or "l3s":
                _mode = a.Mode;
                break;
            case "set-flag" when a.Flag is "bridge" or "private" or "vepa":
                _flag = a.Flag;
                break;
            case "link-up" or "link-down" when a.Interface == _master:
                _isUp = kind == "link-up";
                break;
            case "link-del":
                _interfaces.Remove(a.Interface!);
                break;
            case "link-add":
                AddInterface(a, then);
                break;
            case "set-mtu" when a.Interface == _master && a.Mtu is >= 68 and <= 65_535:
                _mtu = a.Mtu.Value;
                foreach (var (name, (mtu, isOwn)) in _interfaces.ToList())
                {
                    _interfaces[name] = (isOwn ? Math.Min(mtu, _mtu) : _mtu, isOwn);
                    if (isOwn && mtu < _mtu)
                        then.Add(("set-mtu", new ActionArguments(name, Mtu: mtu)));
                }
                break;
            case "set-mtu" when _interfaces.TryGetValue(a.Interface!, out var before) && a.Mtu is >= 68 and <= 65_535:
                if (a.Mtu > _mtu)
                    then.Add(("set-mtu", new ActionArguments(a.Interface, Mtu: before.Mtu)));
                else
                    _interfaces[a.Interface!] = (a.Mtu.Value, true);
                break;
        }
        return then;
    }

    private void AddInterface(ActionArguments a, List<(string, ActionArguments)> then)
    {
        if (_interfaces.ContainsKey(a.Interface!) || a.Mode is not (null or "l2" or "l3" or "l3s") || a.Flag is not (null or "bridge" or "private" or "vepa"))
            return;
        var isFirst = _interfaces.Count == 0;
        _interfaces[a.Interface!] = (_mtu, false);
        if (a.Mode is null && !isFirst && _mode != "l3")
            then.Add(("set-mode", new ActionArguments(Mode: _mode)));
        _mode = a.Mode ?? (isFirst ? "l3" : _mode);
        _flag = a.Flag ?? (isFirst ? "bridge" : _flag);
    }
}
