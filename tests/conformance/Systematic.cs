using System.Globalization;

namespace IpVlanWin.Conformance;

/// <summary>
/// Scenarios for each mode and flag: what the shared vectors do not tell apart, and every rule of the semantics at its edges. In comments
/// the numbers of the rules.
/// </summary>
internal static class Systematic
{
    private static readonly (string Theme, Action<ScenarioBuilder> Write)[] Themes =
    [
        ("routes", SystematicRouting.Routes),
        ("scopes", SystematicRouting.Scopes),
        ("routed-headers", SystematicRouting.Headers),
        ("routed-addresses", SystematicRouting.Addresses),
        ("master-addresses", SystematicRouting.MasterAddresses),
        ("headers-wire", bed => SystematicFrames.Headers(bed, isSent: false)),
        ("headers-sent", bed => SystematicFrames.Headers(bed, isSent: true)),
        ("short-tags", SystematicFrames.ShortTags),
        ("many-tags", SystematicFrames.ManyTags),
        ("to-itself", SystematicFrames.ToItself),
        ("ours", SystematicFrames.Ours),
        ("groups", SystematicFrames.Groups),
        ("pause", SystematicFrames.Pause),
        ("l3s-sources", SystematicFrames.Sources),
        ("l3s-both", SystematicFrames.OfBoth),
        ("l3s-lengths", SystematicFrames.InspectedLengths),
        ("l3s-fragments", SystematicFrames.Fragments),
        ("tx-length", SystematicFrames.SentLengths),
        ("lengths", SystematicFrames.Lengths),
        ("own-mtu", SystematicState.OwnMtu),
        ("small-mtu", SystematicState.SmallMtu),
        ("prefixes", SystematicState.Prefixes),
        ("duplicates", SystematicState.Duplicates),
        ("emptied", SystematicState.Emptied),
        ("link-add", SystematicState.LinkAdd),
        ("mode-and-flag", SystematicState.ModeAndFlag),
        ("up-and-down", SystematicState.UpAndDown),
        ("mac", SystematicState.Mac),
        ("left-groups", SystematicState.LeftGroups),
    ];

    public static IEnumerable<Draft> All()
    {
        foreach (var (theme, write) in Themes)
        {
            foreach (var mode in Pool.Modes)
            {
                foreach (var flag in Pool.Flags)
                {
                    var bed = new ScenarioBuilder(mode, flag);
                    write(bed);
                    if (bed.Steps.Count > 0)
                        yield return Draft(bed, $"{mode}-{flag}/recorded/{theme}", "recorded/" + theme);
                }
            }
        }
    }

    public static Draft Draft(ScenarioBuilder bed, string name, string category) =>
        new(name, category, new Cli.Replay.Topology(bed.Mode, bed.Flag, bed.Master, bed.Interfaces), bed.Steps);

    public static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
