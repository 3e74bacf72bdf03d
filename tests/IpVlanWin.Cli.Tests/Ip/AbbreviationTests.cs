using IpVlanWin.Cli.Ip;
using IpVlanWin.Cli.Ip.Grammar;

namespace IpVlanWin.Cli.Tests.Ip;

/// <summary>Beginnings of words mean what they mean to iproute2.</summary>
[TestClass]
public sealed class AbbreviationTests
{
    [TestMethod]
    [DataRow("a", "address")]
    [DataRow("addr", "address")]
    [DataRow("l", "link")]
    [DataRow("li", "link")]
    [DataRow("r", "route")]
    [DataRow("ro", "route")]
    [DataRow("m", "maddress")]
    [DataRow("mo", "monitor")]
    [DataRow("net", "netns")]
    [DataRow("s", "state")]
    [DataRow("la", null)]
    [DataRow("lab", null)]
    [DataRow("complete", "complete")]
    [DataRow("complet", "completion")]
    [DataRow("links", null)]
    public void Of_nouns(string word, string? noun) => Assert.AreEqual(noun, Table.FindNoun(word, ["lab", "replay"])?.Name);

    [TestMethod]
    [DataRow("link", "a", "add")]
    [DataRow("link", "s", "set")]
    [DataRow("link", "se", "set")]
    [DataRow("link", "c", "set")]
    [DataRow("link", "change", "set")]
    [DataRow("link", "d", "delete")]
    [DataRow("link", "del", "delete")]
    [DataRow("link", "sh", "show")]
    [DataRow("link", "l", "show")]
    [DataRow("link", "ls", "show")]
    [DataRow("link", "list", "show")]
    [DataRow("link", "lst", "show")]
    [DataRow("address", "a", "add")]
    [DataRow("address", "d", "delete")]
    [DataRow("address", "s", "show")]
    [DataRow("address", "l", "show")]
    [DataRow("address", "f", "flush")]
    [DataRow("route", "a", "add")]
    [DataRow("route", "d", "delete")]
    [DataRow("route", "r", "replace")]
    [DataRow("route", "l", "show")]
    [DataRow("netns", "l", "list")]
    [DataRow("netns", "s", "list")]
    [DataRow("netns", "a", "add")]
    [DataRow("netns", "d", "delete")]
    [DataRow("netns", "e", "exec")]
    [DataRow("state", "e", "export")]
    [DataRow("state", "i", "import")]
    [DataRow("link", "adds", null)]
    [DataRow("link", "x", null)]
    public void Of_verbs(string noun, string word, string? verb) => Assert.AreEqual(verb, Table.FindVerb(Table.FindNoun(noun, [])!, word)?.Name);

    [TestMethod]
    [DataRow("-s", nameof(GlobalOptions.HasStatistics))]
    [DataRow("-stat", nameof(GlobalOptions.HasStatistics))]
    [DataRow("-stats", nameof(GlobalOptions.HasStatistics))]
    [DataRow("-statistics", nameof(GlobalOptions.HasStatistics))]
    [DataRow("--statistics", nameof(GlobalOptions.HasStatistics))]
    [DataRow("-d", nameof(GlobalOptions.HasDetails))]
    [DataRow("-o", nameof(GlobalOptions.IsOneLine))]
    [DataRow("-j", nameof(GlobalOptions.IsJson))]
    [DataRow("--json", nameof(GlobalOptions.IsJson))]
    [DataRow("-p", nameof(GlobalOptions.IsPretty))]
    [DataRow("-br", nameof(GlobalOptions.IsBrief))]
    [DataRow("-brief", nameof(GlobalOptions.IsBrief))]
    [DataRow("-h", nameof(GlobalOptions.IsHuman))]
    [DataRow("-human", nameof(GlobalOptions.IsHuman))]
    [DataRow("-fo", nameof(GlobalOptions.IsForced))]
    [DataRow("-t", nameof(GlobalOptions.HasTimestamp))]
    [DataRow("-ts", nameof(GlobalOptions.IsTimestampShort))]
    [DataRow("-V", nameof(GlobalOptions.AsksVersion))]
    [DataRow("-he", nameof(GlobalOptions.AsksHelp))]
    public void Of_options(string option, string name)
    {
        var options = GlobalOptions.Read([option, "link"], out var rest);
        Assert.IsTrue((bool)typeof(GlobalOptions).GetProperty(name)!.GetValue(options)!);
        Assert.AreEqual("link", rest.Single());
    }

    [TestMethod]
    public void Of_options_with_values()
    {
        var options = GlobalOptions.Read(["-n", "ns0", "-b", "file", "-f", "inet6", "-c", "--", "-x"], out var rest);
        Assert.AreEqual(("ns0", "file", 6, "always", "-x"), (options.Namespace, options.BatchFile, options.Family, options.Color, rest.Single()));
        Assert.AreEqual("auto", GlobalOptions.Read(["-color=auto"], out _).Color);
        Assert.AreEqual(4, GlobalOptions.Read(["-6", "-4"], out _).Family);
    }

    [TestMethod]
    [DataRow("link add l eth0 ipvl0 t ipvlan m l2 p", "link=eth0 name=ipvl0 type=ipvlan mode=l2 private=")]
    [DataRow("link add type ipvlan", null)]
    [DataRow("link add dev ipvl0 link eth0 mtu 1400 netns ns0 up type ipvlan v d memory", "name=ipvl0 link=eth0 mtu=1400 netns=ns0 up= type=ipvlan vepa= datapath=memory")]
    [DataRow("link set up ipvl0 a 02:00:00:00:00:01 t ipvlan mode l3s b", "up= dev=ipvl0 address=02:00:00:00:00:01 type=ipvlan mode=l3s bridge=")]
    [DataRow("link set dev up down", "dev=up down=")]
    [DataRow("a a dev ipvl0 10.0.0.2/24", "dev=ipvl0 local=10.0.0.2/24")]
    [DataRow("r a default via 10.0.0.1 oif ipvl0 met 5 onlink proto static", "to=default via=10.0.0.1 dev=ipvl0 metric=5 onlink= protocol=static")]
    [DataRow("r a to 10.0.0.0/8 dev ipvl0 prio 7", "to=10.0.0.0/8 dev=ipvl0 metric=7")]
    public void Of_words(string line, string? words)
    {
        if (words is null)
        {
            Assert.ThrowsExactly<CommandException>(() => Line.Read(line.Split(' '), []));
            return;
        }
        var read = Line.Read(line.Split(' '), []).Words;
        foreach (var word in words.Split(' '))
        {
            var (name, value) = (word[..word.IndexOf('=', StringComparison.Ordinal)], word[(word.IndexOf('=', StringComparison.Ordinal) + 1)..]);
            Assert.AreEqual(value, read[name], $"{line}: {name}");
        }
        Assert.AreEqual(words.Split(' ').Length, read.Count, line);
    }
}
