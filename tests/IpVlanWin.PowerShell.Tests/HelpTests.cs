using System.Xml.Linq;

namespace IpVlanWin.PowerShell.Tests;

/// <summary>The help file says what the code says. IPVLANWIN_WRITE_HELP=1 writes it anew.</summary>
[TestClass]
public sealed class HelpTests
{
    private static readonly string s_path = Path.Combine(Repository.Source, "en-US", "IpVlanWin.PowerShell.dll-Help.xml");

    [TestMethod]
    public void File_is_as_the_code_says()
    {
        var expected = new MamlHelp(Repository.Documentation).Write();
        if (Environment.GetEnvironmentVariable("IPVLANWIN_WRITE_HELP") == "1")
            File.WriteAllText(s_path, expected);
        Assert.AreEqual(expected, File.ReadAllText(s_path), "run the tests once with IPVLANWIN_WRITE_HELP=1, which writes it anew");
    }

    [TestMethod]
    public void Every_cmdlet_has_texts_two_examples_and_all_parameters()
    {
        var commands = XDocument.Load(Path.Combine(Repository.Module, "en-US", "IpVlanWin.PowerShell.dll-Help.xml")).Root!.Elements(MamlHelp.Command + "command").ToDictionary(
            command => command.Element(MamlHelp.Command + "details")!.Element(MamlHelp.Command + "name")!.Value);
        CollectionAssert.AreEquivalent(CmdletShape.All.Select(cmdlet => cmdlet.Name).ToArray(), commands.Keys);
        foreach (var cmdlet in CmdletShape.All)
        {
            var command = commands[cmdlet.Name];
            // The order that the schema of MAML commands prescribes.
            Assert.AreEqual(
                "details description syntax parameters inputTypes returnValues examples",
                string.Join(' ', command.Elements().Select(element => element.Name.LocalName)), cmdlet.Name);
            Assert.IsGreaterThan(20, command.Element(MamlHelp.Maml + "description")!.Value.Length, cmdlet.Name);
            var parameters = command.Element(MamlHelp.Command + "parameters")!.Elements().ToDictionary(one => one.Element(MamlHelp.Maml + "name")!.Value);
            CollectionAssert.AreEquivalent(
                cmdlet.Parameters.Select(one => one.Name).Concat(cmdlet.Changes ? ["WhatIf", "Confirm"] : []).ToArray(), parameters.Keys, cmdlet.Name);
            foreach (var (name, parameter) in parameters)
                Assert.IsFalse(string.IsNullOrWhiteSpace(parameter.Element(MamlHelp.Maml + "description")?.Value), $"{cmdlet.Name} -{name}");
            var sets = command.Element(MamlHelp.Command + "syntax")!.Elements().ToArray();
            Assert.HasCount(cmdlet.Sets.Count, sets, cmdlet.Name);
            var examples = command.Element(MamlHelp.Command + "examples")!.Elements().ToArray();
            Assert.HasCount(2, examples, cmdlet.Name);
            foreach (var example in examples)
            {
                Assert.Contains(cmdlet.Name, example.Element(MamlHelp.Dev + "code")!.Value);
                Assert.IsFalse(string.IsNullOrWhiteSpace(example.Element(MamlHelp.Dev + "remarks")?.Value), cmdlet.Name);
            }
        }
    }
}
