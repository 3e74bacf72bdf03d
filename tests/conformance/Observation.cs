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
        foreach (var (place, kind, frame) in raw)
        {
            switch (place)
            {
                case "wire" when hostSpeaks || IsMembershipReport(frame, step.Frame):
                    break;
                case "wire":
                    outcome.Copies.Add(new Copy("wire", WireType(frame), frame));
                    break;
                case "lo":
                    outcome.Copies.Add(new Copy("host", "lo/host", frame));
                    break;
                default:
                    outcome.Copies.Add(new Copy(place, Types[kind], WithTag(frame, step.Frame)));
                    break;
            }
        }
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
        foreach (var removed in (int[])[4, 8])
        {
            if (got.Length == injected.Length - removed && got.Length >= 12 &&
                got.AsSpan(0, 12).SequenceEqual(injected.AsSpan(0, 12)) && got.AsSpan(12).SequenceEqual(injected.AsSpan(12 + removed)))
            {
                return injected;
            }
        }
        return got;
    }

    /// <summary>l3s hands packets over above the link layer, where only the counters show them.</summary>
    private static void AddLocalInput(Outcome outcome, byte[] injected)
    {
        foreach (var name in outcome.Counters.Keys)
        {
            if (outcome.Counter(name, "rxPackets") == 0 || outcome.Copies.Exists(copy => copy.At == name))
                continue;
            var view = new FrameView(injected);
            var length = (int)Math.Min(outcome.Counter(name, "rxBytes") - 14, view.Inner.Length);
            byte[] type = [(byte)(view.InnerType >> 8), (byte)view.InnerType];
            outcome.Copies.Add(new Copy(name, "local-in", [.. injected[..12], .. type, .. view.Inner[..length]]));
        }
    }

    private static bool IsMembershipReport(byte[] frame, byte[] injected)
    {
        if (frame.AsSpan().SequenceEqual(injected) || frame.Length < 34)
            return false;
        var type = BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(12));
        return (type == 0x86dd && frame.AsSpan(0, 6).SequenceEqual((ReadOnlySpan<byte>)[0x33, 0x33, 0, 0, 0, 0x16])) || (type == 0x0800 && frame[23] == 2 && (frame[0] & 1) != 0);
    }

    /// <summary>Whom the host asked for, where it asked for a neighbor.</summary>
    private static string? Asked(Outcome outcome, byte[] injected)
    {
        foreach (var copy in outcome.Copies)
        {
            var frame = copy.Frame;
            if (copy.At != "wire" || frame.AsSpan().SequenceEqual(injected) || (frame[0] & 1) == 0)
                continue;
            var type = BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(12));
            if (type == 0x0806 && frame.Length >= 42)
                return new IPAddress(frame.AsSpan(38, 4)).ToString();
            if (type == 0x86dd && frame.Length >= 78 && frame[20] == 58 && frame[54] == 135)
                return new IPAddress(frame.AsSpan(62, 16)).ToString();
        }
        return null;
    }
}
