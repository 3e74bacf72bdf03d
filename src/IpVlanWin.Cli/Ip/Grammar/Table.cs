using IpVlanWin.Cli.Ip.Completion;
using IpVlanWin.Cli.Ip.Verbs;

namespace IpVlanWin.Cli.Ip.Grammar;

/// <summary>
/// The one table of nouns, verbs and words. Order decides what a beginning means and is that of iproute2's ip.c, iplink.c, ipaddress.c,
/// iproute.c and ipnetns.c, as are the words that may be shortened and those that may not.
/// </summary>
internal static class Table
{
    /// <summary>A group whose conflicts the service judges, so that all its clients get the same sentence.</summary>
    public const string ServiceJudges = "flags";

    private const string State = "state";

    private static readonly Keyword s_up = new("up") { Group = State };
    private static readonly Keyword s_down = new("down") { Group = State };
    private static readonly Keyword s_mtu = new("mtu", Kinds.Mtu);
    private static readonly Keyword s_address = new("address", Kinds.Mac) { Abbreviates = true };
    private static readonly Keyword s_namespace = new("netns", Kinds.Namespace);
    private static readonly Keyword s_device = new("dev", Kinds.Interface) { IsPositional = true, IsRequired = true };
    private static readonly Keyword s_scope = new("scope", Kinds.Scope);
    private static readonly Keyword s_type = new("type", Kinds.Type) { Abbreviates = true, OpensType = true };

    private static readonly Keyword s_group = new("address", Kinds.Group) { IsPositional = true, IsBare = true, IsRequired = true };
    private static readonly Keyword s_owner = new("dev", Kinds.Interface) { IsRequired = true };
    private static readonly Keyword s_version = new("version", Kinds.Version);

    private static readonly Keyword[] s_ofType =
    [
        new("mode", Kinds.Mode) { Abbreviates = true },
        new("private") { Abbreviates = true, Group = ServiceJudges },
        new("vepa") { Abbreviates = true, Group = ServiceJudges },
        new("bridge") { Abbreviates = true, Group = ServiceJudges },
        new("datapath", Kinds.Datapath) { Abbreviates = true },
    ];

    private static readonly Keyword[] s_selection =
    [
        s_scope,
        s_up,
        new("master", Kinds.Master),
        new("type", Kinds.Type),
        new("dev", Kinds.Interface) { IsPositional = true },
    ];

    private static readonly Keyword[] s_route =
    [
        new("src", Kinds.Address),
        new("via", Kinds.Address),
        new("metric", Kinds.Metric) { Abbreviates = true, Aliases = ["priority"] },
        new("onlink"),
        new("protocol", Kinds.Protocol) { Abbreviates = true },
        new("dev", Kinds.Device) { Aliases = ["oif"] },
        s_namespace,
        new("unicast") { Group = "kind" },
        new("blackhole") { Group = "kind" },
        new("unreachable") { Group = "kind" },
        new("prohibit") { Group = "kind" },
        new("to", Kinds.RoutePrefix) { IsPositional = true, IsRequired = true },
    ];

    public static IReadOnlyList<Noun> Nouns { get; } =
    [
        new("address", "show",
            new Verb("add", new Keyword("dev", Kinds.Interface) { IsRequired = true }, new Keyword("local", Kinds.Prefix) { IsPositional = true, IsRequired = true })
                { Plan = AddressVerbs.Add, Run = LoopbackVerbs.AddAddress },
            new Verb("delete", new Keyword("dev", Kinds.Interface) { IsRequired = true }, new Keyword("local", Kinds.OwnedPrefix) { IsPositional = true, IsRequired = true })
                { Plan = AddressVerbs.Delete, Run = LoopbackVerbs.DeleteAddress },
            new Verb("show", s_selection) { Aliases = ["lst", "list"], Run = AddressVerbs.ShowAsync },
            new Verb("flush", s_device, s_scope) { Run = AddressVerbs.FlushAsync }),
        new("maddress", "show",
            new Verb("add", s_group, s_owner) { Plan = MulticastVerbs.Add },
            new Verb("delete", s_group, s_owner) { Plan = MulticastVerbs.Delete },
            new Verb("show", new Keyword("dev", Kinds.Interface) { IsPositional = true }) { Aliases = ["lst", "list"], Run = MulticastVerbs.ShowAsync }),
        new("route", "show",
            new Verb("add", s_route) { Run = RouteVerbs.Add },
            new Verb("replace", s_route) { Run = RouteVerbs.Replace },
            new Verb("delete", s_route) { Run = RouteVerbs.Delete },
            new Verb("show", new Keyword("dev", Kinds.Device) { Aliases = ["oif"] }, s_namespace, new Keyword("to", Kinds.RoutePrefix) { IsPositional = true })
                { Aliases = ["list", "lst"], Run = RouteVerbs.Show })
        {
            Note = "routes of the namespace this is run in, or of NETNS; IPv4 unless -6. Linux only: on Windows use New-NetRoute and its kin",
        },
        new("link", "show",
            new Verb(
                "add",
                s_up,
                s_down,
                new Keyword("name", Kinds.NewName) { Aliases = ["dev"], IsPositional = true, IsRequired = true },
                new Keyword("link", Kinds.Master) { Abbreviates = true, IsRequired = true },
                s_address,
                s_mtu,
                s_namespace,
                s_type with { IsRequired = true }) { OfType = s_ofType, Plan = LinkVerbs.Add },
            new Verb("set", s_up, s_down, new Keyword("name", Kinds.NewName), s_address, s_mtu, s_namespace, s_type, s_version, s_device)
                { Aliases = ["change"], OfType = s_ofType, Plan = LinkVerbs.Set, Run = LoopbackVerbs.SetUp },
            new Verb("delete", s_device, s_type with { OpensType = false }, s_version) { Plan = LinkVerbs.Delete },
            new Verb("show", s_selection) { Aliases = ["lst", "list"], Run = LinkVerbs.ShowAsync }),
        new("monitor", "monitor",
            new Verb("monitor", new Keyword("label") { Abbreviates = true }, new Keyword("link") { Abbreviates = true }, new Keyword("address") { Abbreviates = true }, new Keyword("all"))
                { Run = MonitorVerbs.RunAsync }) { IsVerbless = true },
        new("netns", "list",
            new Verb("list") { Aliases = ["show", "lst"], Run = NamespaceVerbs.List },
            new Verb("add", new Keyword("name", Kinds.NewNamespace) { IsPositional = true, IsBare = true, IsRequired = true }) { Run = NamespaceVerbs.Add },
            new Verb("delete", new Keyword("name", Kinds.NamedNamespace) { IsPositional = true, IsBare = true, IsRequired = true }) { Run = NamespaceVerbs.Delete },
            new Verb("exec", new Keyword("name", Kinds.NamedNamespace) { IsPositional = true, IsBare = true, IsRequired = true })
                { Rest = new Keyword("command", Kinds.Program) { IsRequired = true }, Run = NamespaceVerbs.Execute })
        {
            Note = "Linux only: on Windows a namespace is a network compartment, which its container makes",
        },
        new("state", null,
            new Verb("export", new Keyword("file", Kinds.File) { IsPositional = true, IsBare = true }) { Run = StateVerbs.ExportAsync },
            new Verb("import", new Keyword("file", Kinds.File) { IsPositional = true, IsBare = true }) { Run = StateVerbs.ImportAsync })
        {
            Note = "the whole desired state as one JSON document",
        },
        new("completion", "completion",
            new Verb("completion", new Keyword("shell", Kinds.Shell) { IsPositional = true, IsBare = true, IsRequired = true }) { Run = CompletionScripts.Print })
        {
            IsVerbless = true, Note = "prints the script to be sourced: source <(ipvlan completion bash)",
        },
        new("complete", "complete", new Verb("complete")) { IsHidden = true, IsVerbless = true, IsRaw = true },
    ];

    /// <summary>Nouns of users.</summary>
    public static IEnumerable<Noun> Shown => Nouns.Where(static noun => !noun.IsHidden);

    /// <summary>The noun that a word means, or null.</summary>
    /// <param name="word">A noun or the beginning of one.</param>
    /// <param name="others">Verbs that are not in this table: what is written out in full is theirs.</param>
    public static Noun? FindNoun(string word, IEnumerable<string> others) =>
        word.Length == 0 || others.Contains(word) ? null : Nouns.FirstOrDefault(noun => noun.Name == word) ?? Shown.FirstOrDefault(noun => noun.Name.StartsWith(word, StringComparison.Ordinal));

    /// <summary>The verb that a word means, or null.</summary>
    public static Verb? FindVerb(Noun noun, string word) => word.Length == 0 ? null : Array.Find(noun.Verbs, verb => verb.Is(word));
}
