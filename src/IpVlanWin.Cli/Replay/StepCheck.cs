namespace IpVlanWin.Cli.Replay;

/// <summary>Whether a step has the shape of one (conformance format, section 3), so that judging it need not ask again.</summary>
internal static class StepCheck
{
    /// <exception cref="FormatException">It has not.</exception>
    public static void Check(ScenarioStep? step, IReadOnlyList<string> counterNames)
    {
        if (step is null)
            throw new FormatException("null is not a step");
        if ((step.Inject is null) == (step.Action is null))
            throw new FormatException("a step must have either inject or action");
        if (step.Action is not null)
            CheckAction(step, step.Action);
        else
            CheckInject(step, counterNames);
    }

    /// <exception cref="FormatException">The frame is not hexadecimal.</exception>
    public static byte[] ReadFrame(PlacedFrame placed)
    {
        try
        {
            return Convert.FromHexString(placed.Frame);
        }
        catch (FormatException fault)
        {
            const int MostShown = 40;
            var shown = placed.Frame.Length <= MostShown ? placed.Frame : placed.Frame[..MostShown] + "...";
            throw new FormatException($"frame '{shown}' at {placed.At} must be pairs of hexadecimal digits", fault);
        }
    }

    private static void CheckAction(ScenarioStep step, Dictionary<string, ActionArguments> action)
    {
        if (action.Count != 1 || action.First().Value is null)
            throw new FormatException("action must have one key, the kind, with an object of arguments");
        foreach (var (name, after) in step.After ?? new Dictionary<string, InterfaceAfter>())
        {
            if (after is null)
                throw new FormatException($"after '{name}' must be an object");
        }
    }

    private static void CheckInject(ScenarioStep step, IReadOnlyList<string> counterNames)
    {
        if (step.Decision is not ("driver" or "routed" or "local-in" or "stack" or "host"))
            throw new FormatException($"decision '{step.Decision}' must be driver, routed, local-in, stack or host");
        if (step.Expect is null || step.Types is null || step.Expect.Count != step.Types.Count)
            throw new FormatException("expect and types must be lists of the same length");
        if (step.Expect.Any(entry => entry is null) || step.Types.Any(type => type is null))
            throw new FormatException("expect and types must not hold null");
        foreach (var (name, counters) in step.Counters ?? new Dictionary<string, IReadOnlyDictionary<string, long>>())
        {
            foreach (var counter in counters?.Keys ?? throw new FormatException($"counters '{name}' must be an object"))
            {
                if (!counterNames.Contains(counter))
                    throw new FormatException($"counter '{counter}' must be {string.Join(", ", counterNames)}");
            }
        }
    }
}
