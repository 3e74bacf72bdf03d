namespace IpVlanWin.Conformance;

/// <summary>
/// Turns what Linux did with a frame into what the port must do, by the documented deviations alone (conformance format, section 7). Works on
/// recorded answers: of the frame itself, and of its twin (<see cref="Plan"/>). Shares no code with engine or driver.
/// </summary>
internal static class Deviations
{
    /// <summary>More than this share of all judged steps, in percent, and a deviation would hide what it was not made for.</summary>
    public static readonly IReadOnlyDictionary<string, double> Ceilings = new Dictionary<string, double>(StringComparer.Ordinal)
    {
        ["D1"] = 3,
        ["D2"] = 3,
        ["D3"] = 2,
        ["D4"] = 1,
        ["D5"] = 15,
        ["D6"] = 2,
        ["D7"] = 6,
        ["D8"] = 3,
    };

    /// <summary>What the port must do, and the deviations that made it differ from what Linux did.</summary>
    public static (Outcome Expected, List<string> Applied) Apply(DraftStep step, PortModel port, Outcome linux, Outcome? twin, byte[] twinFrame)
    {
        List<string> applied = [];
        var expected = linux.Clone();
        if (twin is not null)
            expected = FromTwin(step, port, expected, twin, twinFrame, applied);
        if (new FrameView(step.Frame).IsMulticast)
            KeepMembersOnly(step, port, expected, applied);
        if (step.At != "wire")
            CountOnce(step, expected, applied);
        return (expected, applied);
    }

    private static Outcome FromTwin(DraftStep step, PortModel port, Outcome linux, Outcome twin, byte[] twinFrame, List<string> applied)
    {
        var view = new FrameView(step.Frame);
        if (step.At != "wire" && view.IsTagged)
        {
            // D4: the untagged twin is dropped because somebody of the port is meant; if that is not the sender, so is the frame.
            if (twin.SendError != "ENOBUFS" || port.Has(step.At, FrameView.Key(view.InnerType, view.Inner)))
                return linux;
            applied.Add("D4");
            return twin.Clone();
        }
        var expected = twin.Clone();
        var length = FrameView.Inspected(step.Frame).Offset;
        for (var i = 0; i < expected.Copies.Count; i++)
        {
            var copy = expected.Copies[i];
            // Where the twin comes out as it is, so does the frame; what was routed has got a length and a checksum of its own.
            if (copy.At == "host" && copy.Type == "lo/host")
                continue;
            if (copy.Type == "local-in")
                expected.Copies[i] = copy with { Frame = [.. copy.Frame[..14], .. step.Frame[length..(length + copy.Frame.Length - 14)]] };
            else if (copy.Frame.AsSpan().SequenceEqual(twinFrame))
                expected.Copies[i] = copy with { Frame = step.Frame };
        }
        if (expected.Same(linux))
            return linux;
        applied.Add(step.At == "wire" ? "D8" : "D1");
        return expected;
    }

    /// <summary>D2 and D3: a flooded frame reaches members of exactly its group, now.</summary>
    private static void KeepMembersOnly(DraftStep step, PortModel port, Outcome expected, List<string> applied)
    {
        var mac = string.Join(':', step.Frame.Take(6).Select(part => part.ToString("x2", System.Globalization.CultureInfo.InvariantCulture)));
        foreach (var name in expected.Counters.Keys.ToList())
        {
            var isFlooded = expected.Counter(name, "multicast") > 0 || (port.Mode == "l2" && expected.Counter(name, "rxErrors") > 0);
            if (!isFlooded || mac == "ff:ff:ff:ff:ff:ff" || port.TakesAllMulticast(name) || port.IsMember(name, mac))
                continue;
            foreach (var counter in (string[])["rxPackets", "rxBytes", "multicast", "rxErrors"])
                expected.Counters[name].Remove(counter);
            if (expected.Counters[name].Count == 0)
                expected.Counters.Remove(name);
            expected.Copies.RemoveAll(copy => copy.At == name);
            var deviation = port.WasMember(name, mac) ? "D3" : "D2";
            if (!applied.Contains(deviation))
                applied.Add(deviation);
        }
    }

    /// <summary>D5: Linux adds 14 to the length of a frame from another interface.</summary>
    private static void CountOnce(DraftStep step, Outcome expected, List<string> applied)
    {
        foreach (var (_, counters) in expected.Counters)
        {
            if (counters.GetValueOrDefault("rxPackets") != 1 || counters.GetValueOrDefault("rxBytes") != step.Frame.Length + 14)
                continue;
            counters["rxBytes"] -= 14;
            if (!applied.Contains("D5"))
                applied.Add("D5");
        }
    }
}
