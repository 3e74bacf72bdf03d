using System.Text.Json.Nodes;

namespace IpVlanWin.Conformance;

/// <summary>Records drafts in the guest, each several times where asked: what differs between two times is no answer.</summary>
internal sealed class Recorder(KernelImage kernel) : IDisposable
{
    // A step takes some 5 ms; the limit is for a machine that does much else.
    private static readonly TimeSpan LimitOfStep = TimeSpan.FromMilliseconds(200);
    private Guest? _guest;

    /// <summary>Records them one after another in one boot.</summary>
    public IReadOnlyList<Transcript> Record(IReadOnlyList<Draft> drafts)
    {
        var guest = _guest ??= new Guest(kernel);
        var steps = drafts.Sum(draft => draft.Steps.Count);
        var answers = guest.Run(drafts.Select(draft => draft.ToJob()), TimeSpan.FromSeconds(30) + (LimitOfStep * steps));
        return [.. drafts.Select((draft, i) => Transcript.Of(draft, (JsonObject)answers[i]!))];
    }

    /// <summary>
    /// Records over several boots, each with a multicast hash of its own, and keeps what all of them agree on: the transform takes away what
    /// the hash adds. What still differs is recorded again; if it goes on differing, that is a fault of the bed.
    /// </summary>
    /// <param name="drafts">What to record.</param>
    /// <param name="boots">How often.</param>
    /// <param name="unsteady">Told of a scenario whose answers differ again and again; it is left out.</param>
    public IReadOnlyList<Transcript> Record(IReadOnlyList<Draft> drafts, int boots, Action<string> unsteady)
    {
        const int Attempts = 3;
        Transcript?[] kept = [.. Record(drafts)];
        for (var boot = 1; boot < boots; boot++)
        {
            Reboot();
            var again = Record(drafts);
            for (var i = 0; i < kept.Length; i++)
            {
                var other = again[i];
                for (var attempt = 0; kept[i] is { } one && Text(one) != Text(other); attempt++)
                {
                    if (attempt == Attempts)
                        unsteady($"{drafts[i].Name}: two recordings differ: {Difference(one, other)}");
                    kept[i] = attempt == Attempts ? null : other;
                    other = Record([drafts[i]])[0];
                }
            }
        }
        return [.. kept.OfType<Transcript>()];
    }

    public void Reboot()
    {
        _guest?.Dispose();
        _guest = null;
    }

    public void Dispose() => Reboot();

    /// <summary>Without Linux's own answers, which depend on the boot.</summary>
    private static string Text(Transcript transcript)
    {
        var json = (JsonObject)transcript.Json.DeepClone();
        foreach (var step in (JsonArray)json["steps"]!)
        {
            ((JsonObject)step!).Remove("linux");
            ((JsonObject)step).Remove("deviation");
            if ((string?)step["decision"] is "stack" or "host")
            {
                foreach (var key in (string[])["expect", "types", "counters", "sendError", "neighborMissing"])
                    ((JsonObject)step).Remove(key);
            }
        }
        return json.ToJsonString();
    }

    private static string Difference(Transcript one, Transcript other)
    {
        var (left, right) = ((JsonArray)one.Json["steps"]!, (JsonArray)other.Json["steps"]!);
        for (var i = 0; i < left.Count; i++)
        {
            if (left[i]!.ToJsonString() != right[i]!.ToJsonString())
                return $"step {i}: {left[i]!.ToJsonString()} and {right[i]!.ToJsonString()}";
        }
        return "in the statistics";
    }
}
