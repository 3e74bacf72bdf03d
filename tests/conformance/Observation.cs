using System.Buffers.Binary;
using System.Net;
using System.Text.Json.Nodes;

namespace IpVlanWin.Conformance;

/// <summary>Reads the guest's raw answer to one frame: where Linux let it come out. What belongs to the bed and not to ipvlan is taken away here.</summary>
internal static class Observation
{
    private static readonly string[] Types = ["host", "broadcast", "multicast", "otherhost"];

    public static Outcome Read(JsonObject answer, DraftStep step, PortModel port)
    {
        var raw = ((JsonArray)answer["out"]!).Select(one => (Place: (string)one![0]!, Kind: (int)one[1]!, Frame: Convert.FromHexString((string)one[2]!))).ToList();
        var outcome = new Outcome { SendError = (string)answer["error"]! is "ok" or null ? null : (string)answer["error"]! };
        foreach (var (name, counters) in (JsonObject)answer["counters"]!)
            outcome.Counters[name] = new SortedDictionary<string, long>(((JsonObject)counters!).ToDictionary(entry => entry.Key, entry => (long)entry.Value!), StringComparer.Ordinal);
        // The wire gets nothing of what came from it, nor of what went to the host: there, the host's own stack speaks.
        var hostSpeaks = step.At == "wire" || raw.Exists(one => one.Place is "host" or "lo");
        var isLoopedBack = false;
        foreach (var (place, kind, frame) in raw)
        {
            switch (place)
            {
                // The packet; what comes after it is what the host says of it to itself.
                case "lo" when isLoopedBack:
                    break;
                case "wire" when hostSpeaks || !IsOfFrame(frame, step.Frame, port.Mode != "l2"):
                    break;
                case "wire":
                    outcome.Copies.Add(new Copy("wire", WireType(frame), frame));
                    break;
                case "lo":
                    isLoopedBack = true;
                    outcome.Copies.Add(new Copy("host", "lo/host", frame));
                    break;
                default:
                    outcome.Copies.Add(new Copy(place, Types[kind], WithTag(frame, step.Frame)));
                    break;
            }
        }
        AddCutShort(outcome, step.Frame);
        if (step.At == "wire" && port.Mode == "l3s")
            AddLocalInput(outcome, step.Frame);
        outcome.Copies.Sort(static (one, other) => (Rank(one.At), one.At).CompareTo((Rank(other.At), other.At)));
        if (step.At != "wire" && port.Mode != "l2")
            outcome.NeighborMissing = Asked(outcome, step.Frame);
        return outcome;
    }

    private static int Rank(string place) => place switch
    {
        "wire" => 0,
        "host" => 1,
        _ => 2,
    };

    private static string WireType(byte[] frame) =>
        frame.AsSpan(0, 6).IndexOfAnyExcept((byte)0xff) < 0 ? "broadcast" : (frame[0] & 1) != 0 ? "multicast" : "otherhost";

    /// <summary>A tag that the stack has taken off is shown put back (format, section 3.1).</summary>
    private static byte[] WithTag(byte[] got, byte[] injected)
    {
        var removed = 12;
        while (removed < 12 + injected.Length - got.Length && new FrameView(injected.AsSpan(removed - 12)).IsTagged)
            removed += 4;
        return removed > 12 && got.Length >= 12 && got.AsSpan(0, 12).SequenceEqual(injected.AsSpan(0, 12)) && got.AsSpan(12).SequenceEqual(injected.AsSpan(removed))
            ? injected
            : got;
    }

    /// <summary>What the driver hands up with a tag cut short is lost in the interface's own stack before anybody sees it; the driver has counted it.</summary>
    private static void AddCutShort(Outcome outcome, byte[] injected)
    {
        if (injected.Length >= 20 || !new FrameView(injected).IsTagged)
            return;
        foreach (var name in outcome.Counters.Keys)
        {
            if (outcome.Counter(name, "rxPackets") == 1 && !outcome.Copies.Exists(copy => copy.At == name))
                outcome.Copies.Add(new Copy(name, WireType(injected) is "otherhost" ? "host" : WireType(injected), injected));
        }
    }

    /// <summary>l3s hands packets over above the link layer, where only the counters show them.</summary>
    private static void AddLocalInput(Outcome outcome, byte[] injected)
    {
        foreach (var name in outcome.Counters.Keys)
        {
            if (outcome.Counter(name, "rxPackets") == 0 || outcome.Copies.Exists(copy => copy.At == name))
                continue;
            var view = new FrameView(FrameView.WithLastTag(injected));
            var length = (int)Math.Min(outcome.Counter(name, "rxBytes") - 14, view.Inner.Length);
            byte[] type = [(byte)(view.InnerType >> 8), (byte)view.InnerType];
            outcome.Copies.Add(new Copy(name, "local-in", [.. injected[..12], .. type, .. view.Inner[..length]]));
        }
    }

    /// <summary>The frame itself, or its packet routed, or the host's question for the next hop; the rest is the host's own talk.</summary>
    private static bool IsOfFrame(byte[] frame, byte[] injected, bool isRouting)
    {
        if (frame.AsSpan().SequenceEqual(injected))
            return true;
        if (!isRouting || frame.Length < 14)
            return false;
        return IsQuestion(frame) || IsRouted(frame, injected);
    }

    private static bool IsRouted(byte[] frame, byte[] injected)
    {
        var addresses = BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(12)) == 0x0800 ? 26..34 : 22..54;
        return injected.Length >= addresses.End.Value && frame.Length >= addresses.End.Value && frame.AsSpan(12, 2).SequenceEqual(injected.AsSpan(12, 2)) &&
            frame.AsSpan(addresses).SequenceEqual(injected.AsSpan(addresses));
    }

    private static bool IsQuestion(byte[] frame) => BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(12)) switch
    {
        0x0806 => frame.Length >= 42 && frame[21] == 1,
        0x86dd => frame.Length >= 78 && frame[20] == 58 && frame[21] == 255 && frame[54] == 135,
        _ => false,
    };

    /// <summary>Whom the host asked for, where it asked for a neighbor.</summary>
    private static string? Asked(Outcome outcome, byte[] injected)
    {
        foreach (var copy in outcome.Copies)
        {
            var frame = copy.Frame;
            if (copy.At == "wire" && !IsRouted(frame, injected) && IsQuestion(frame))
                return new IPAddress(frame[13] == 0x06 ? frame.AsSpan(38, 4) : frame.AsSpan(62, 16)).ToString();
        }
        return null;
    }
}
