using System.Text.RegularExpressions;

namespace IpVlanWin.PowerShell.Tests;

/// <summary>What cmdlets and parameters promise PowerShell, judged by their metadata.</summary>
[TestClass]
public sealed class CmdletTests
{
    // The contract's list: who changes something, how much, and what comes out.
    [TestMethod]
    [DataRow("Add-IpVlanAddress", true, false, "AddressRecord")]
    [DataRow("Disable-IpVlanInterface", true, false, "InterfaceRecord")]
    [DataRow("Enable-IpVlanInterface", true, false, "InterfaceRecord")]
    [DataRow("Export-IpVlanConfiguration", true, false, "FileInfo")]
    [DataRow("Get-IpVlanAddress", false, false, "AddressRecord")]
    [DataRow("Get-IpVlanInterface", false, false, "InterfaceRecord")]
    [DataRow("Get-IpVlanPort", false, false, "PortRecord")]
    [DataRow("Get-IpVlanStatistics", false, false, "StatisticsRecord")]
    [DataRow("Import-IpVlanConfiguration", true, true, "ServiceRecord")]
    [DataRow("New-IpVlanInterface", true, false, "InterfaceRecord")]
    [DataRow("Remove-IpVlanAddress", true, true, "AddressRecord")]
    [DataRow("Remove-IpVlanInterface", true, true, "InterfaceRecord")]
    [DataRow("Rename-IpVlanInterface", true, false, "InterfaceRecord")]
    [DataRow("Reset-IpVlanStatistics", true, false, "Void")]
    [DataRow("Set-IpVlanInterface", true, false, "InterfaceRecord")]
    [DataRow("Set-IpVlanPort", true, false, "PortRecord")]
    [DataRow("Start-IpVlanCapture", true, false, "CaptureSession")]
    [DataRow("Stop-IpVlanCapture", true, false, "CaptureSession")]
    [DataRow("Test-IpVlanConfiguration", false, false, "ConfigurationFinding Boolean")]
    [DataRow("Trace-IpVlanFrame", false, false, "TraceReply")]
    public void Cmdlet_is_as_the_contract_says(string name, bool changes, bool asksFirst, string outputs)
    {
        const int High = 3;
        var cmdlet = CmdletShape.All.Single(one => one.Name == name);
        Assert.AreEqual((changes, asksFirst), (cmdlet.Changes, cmdlet.Impact == High));
        Assert.AreEqual(outputs, string.Join(' ', cmdlet.Outputs.Select(type => type.Name)));
        Assert.AreEqual(cmdlet.Name.Replace("-", "", StringComparison.Ordinal) + "Command", cmdlet.Type.Name);
        Assert.IsTrue(cmdlet.Type.IsSealed);
        // What changes something and gives nothing by itself gives it when asked to.
        var givesAlways = cmdlet.Verb is "Get" or "New" or "Start" or "Trace" or "Test" or "Reset";
        Assert.AreEqual(!givesAlways, cmdlet.Parameters.Any(one => one.Name == "PassThru"));
    }

    [TestMethod]
    public void There_are_no_others() => Assert.HasCount(20, CmdletShape.All);

    [TestMethod]
    public void Verbs_are_approved_and_nouns_are_ours()
    {
        // Get-Verb of Windows PowerShell 5.1, as far as used here.
        string[] approved = ["Add", "Get", "New", "Remove", "Rename", "Reset", "Set", "Export", "Import", "Test", "Trace", "Disable", "Enable", "Start", "Stop"];
        foreach (var cmdlet in CmdletShape.All)
        {
            Assert.Contains(cmdlet.Verb, approved);
            Assert.MatchesRegex(new Regex("^IpVlan(Interface|Port|Address|Statistics|Capture|Frame|Configuration)$"), cmdlet.Noun);
        }
    }

    [TestMethod]
    public void Parameter_sets_are_sound()
    {
        foreach (var cmdlet in CmdletShape.All)
        {
            if (cmdlet.Sets.Count > 1)
                Assert.Contains(cmdlet.DefaultSet, cmdlet.Sets, cmdlet.Name);
            foreach (var set in cmdlet.Sets)
            {
                ParameterShape[] members = [.. cmdlet.Parameters.Where(one => one.IsIn(set))];
                int[] positions = [.. members.Select(one => one.In(set).Position).OfType<int>()];
                Assert.HasCount(positions.Length, positions.Distinct(), $"{cmdlet.Name} {set}: two parameters at one position");
                // A set is known by a mandatory parameter of its own, but for the default.
                if (set is not null && set != cmdlet.DefaultSet)
                    Assert.IsTrue(members.Any(one => one.In(set) is { Set: not null, IsMandatory: true }), $"{cmdlet.Name} {set}");
            }
            string[] words = [.. cmdlet.Parameters.SelectMany(one => one.Aliases.Append(one.Name))];
            Assert.HasCount(words.Length, words.Distinct(StringComparer.OrdinalIgnoreCase), $"{cmdlet.Name}: a name is there twice");
        }
    }

    [TestMethod]
    public void Master_is_given_by_alias_or_by_index_in_sets_of_their_own()
    {
        foreach (var cmdlet in CmdletShape.All.Where(one => one.Parameters.Any(parameter => parameter.Name.StartsWith("Interface", StringComparison.Ordinal))))
        {
            var alias = cmdlet.Parameters.Single(one => one.Name == "InterfaceAlias");
            var index = cmdlet.Parameters.Single(one => one.Name == "InterfaceIndex");
            Assert.AreEqual(("Alias", "Index"), (alias.Uses.Single().Set, index.Uses.Single().Set), cmdlet.Name);
            Assert.Contains("Master", alias.Aliases, cmdlet.Name);
            Assert.IsTrue(index.Uses.Single().IsMandatory && index.Has("ValidateRangeAttribute"), cmdlet.Name);
        }
    }

    [TestMethod]
    public void Names_come_down_the_pipeline_and_complete()
    {
        foreach (var cmdlet in CmdletShape.All)
        {
            foreach (var parameter in cmdlet.Parameters)
            {
                var what = $"{cmdlet.Name} -{parameter.Name}";
                // By value, an object would be taken for its text.
                Assert.IsFalse(parameter.Uses.Any(use => use.ByValue), what);
                if (parameter.Name is "Name" or "InterfaceAlias")
                {
                    Assert.IsTrue(parameter.Uses.All(use => use.ByName), what);
                    Assert.AreEqual(cmdlet.Verb != "New" || parameter.Name != "Name", parameter.Has("ArgumentCompleterAttribute"), what);
                    Assert.AreEqual(cmdlet.Verb == "Get", parameter.TakesWildcards, what);
                }
                if (parameter.Name is "Name" && cmdlet.Verb is not ("Start" or "Trace"))
                    Assert.AreEqual(0, parameter.Uses[0].Position, what);
            }
            // Whatever a table may hold.
            if (cmdlet.Verb == "New")
                Assert.IsTrue(cmdlet.Parameters.All(parameter => parameter.Uses.All(use => use.ByName)), cmdlet.Name);
        }
    }

    [TestMethod]
    [DataRow("Mode", "l2 l3 l3s")]
    [DataRow("Flag", "bridge private vepa")]
    [DataRow("Admin", "up down")]
    [DataRow("Datapath", "auto filter windivert linux memory")]
    [DataRow("Direction", "from-wire from-interface")]
    [DataRow("Protocol", "tcp udp icmp arp")]
    public void Words_are_listed(string parameter, string words)
    {
        ParameterShape[] found = [.. CmdletShape.All.SelectMany(cmdlet => cmdlet.Parameters).Where(one => one.Name == parameter)];
        Assert.IsNotEmpty(found);
        foreach (var one in found)
            Assert.AreEqual(words, string.Join(' ', one.Legal), one.Property.DeclaringType!.Name);
    }

    [TestMethod]
    public void Mtu_has_its_range()
    {
        foreach (var one in CmdletShape.All.SelectMany(cmdlet => cmdlet.Parameters).Where(one => one.Name == "Mtu"))
            Assert.AreEqual("68 65535", string.Join(' ', one.Find("ValidateRangeAttribute")!.ConstructorArguments.Select(argument => argument.Value)));
    }
}
