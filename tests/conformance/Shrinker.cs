using IpVlanWin.Cli.Replay;

namespace IpVlanWin.Conformance;

/// <summary>Cuts a walk down to the shortest that still differs from Linux, recording each attempt anew.</summary>
internal static class Shrinker
{
    private const int AttemptsOfBatch = 16;

    /// <summary>The shortest scenario, as a test case: one line of a vector file, and what differs.</summary>
    public static string Shrink(Recorder recorder, Candidate candidate, Transcript found, TextWriter output)
    {
        var fault = candidate.Compare(found.ToScenario())[0];
        var draft = found.Draft with { Name = "shrunk/" + found.Draft.Name, Steps = [.. found.Draft.Steps.Take(fault.Step + 1)] };
        var best = (Transcript: recorder.Record([draft])[0], Fault: fault);
        if (candidate.Compare(best.Transcript.ToScenario()) is not [var again, ..])
            return "the walk cut behind its first mismatch differs no longer: not shrunk";
        best.Fault = again;
        for (var width = Math.Max(1, best.Transcript.Draft.Steps.Count / 2); ;)
        {
            var smaller = FirstThatDiffers(recorder, candidate, Without(best.Transcript.Draft, width));
            if (smaller is { } one)
                best = one;
            else if (width == 1)
                break;
            width = Math.Min(smaller is null ? width / 2 : width, Math.Max(1, best.Transcript.Draft.Steps.Count - 1));
        }
        if (FirstThatDiffers(recorder, candidate, WithoutInterface(best.Transcript.Draft)) is { } lean)
            best = lean;
        output.WriteLine($"shrunk from {found.Draft.Steps.Count} steps to {best.Transcript.Draft.Steps.Count}: step {best.Fault.Step}: {best.Fault.What}: expected {best.Fault.Expected}, got {best.Fault.Got}");
        return best.Transcript.Json.ToJsonString(Draft.Json);
    }

    private static (Transcript Transcript, Mismatch Fault)? FirstThatDiffers(Recorder recorder, Candidate candidate, IEnumerable<Draft> drafts)
    {
        foreach (var batch in drafts.Where(draft => Walk.IsRunnable(draft)).Chunk(AttemptsOfBatch))
        {
            foreach (var transcript in recorder.Record(batch))
            {
                if (candidate.Compare(transcript.ToScenario()) is [var fault, ..])
                    return (transcript, fault);
            }
        }
        return null;
    }

    private static IEnumerable<Draft> Without(Draft draft, int width)
    {
        for (var at = 0; at + width < draft.Steps.Count; at += width)
            yield return draft with { Steps = [.. draft.Steps.Take(at), .. draft.Steps.Skip(at + width)] };
    }

    private static IEnumerable<Draft> WithoutInterface(Draft draft) =>
        draft.Start.Interfaces.Select(one => draft with { Start = draft.Start with { Interfaces = [.. draft.Start.Interfaces.Where(other => other != one)] } });
}
