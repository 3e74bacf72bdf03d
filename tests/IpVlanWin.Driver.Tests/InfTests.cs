using System.Text.RegularExpressions;

namespace IpVlanWin.Driver.Tests;

/// <summary>Lints ipvlan.inf for what InfVerif and NDIS ask for: they exist on Windows alone.</summary>
[TestClass]
public class InfTests
{
    private static readonly string[] Lines = File.ReadAllLines(Path.Combine(NativeBuild.Driver, "inf", "ipvlan.inf"));
    private static readonly Dictionary<string, List<string>> Sections = Read();

    [TestMethod]
    public void It_is_ascii_with_no_tabs_and_every_section_is_there_once()
    {
        Assert.IsTrue(Lines.All(line => line.All(c => c is >= ' ' and <= '~')));
        var names = Lines.Where(line => line.StartsWith('[')).ToList();
        Assert.AreEqual(names.Count, names.Distinct(StringComparer.OrdinalIgnoreCase).Count());
    }

    [TestMethod]
    public void It_is_a_network_service_of_a_filter()
    {
        Assert.AreEqual("NetService", Value("Version", "Class"));
        Assert.AreEqual("{4D36E974-E325-11CE-BFC1-08002BE10318}", Value("Version", "ClassGuid"));
        Assert.AreEqual("1", Value("Version", "PnpLockdown"));
        Assert.AreEqual("ipvlan.cat", Value("Version", "CatalogFile"));
        Assert.AreEqual("0x40000", Value("Install", "Characteristics"));
        foreach (var (key, value) in new[] { ("FilterType", "2"), ("FilterRunType", "2"), ("UnbindOnAttach", "0"), ("FilterClass", "compression"), ("Service", "\"ipvlan\"") })
            Assert.AreEqual(value, Registry(key), key);
        Assert.AreEqual("ethernet", Registry("FilterMediaTypes"));
        Assert.AreEqual("noupper", Registry("UpperRange"));
        Assert.AreEqual("nolower", Registry("LowerRange"));
    }

    [TestMethod]
    public void It_names_the_driver_as_the_driver_names_itself()
    {
        var source = File.ReadAllText(Path.Combine(NativeBuild.Driver, "filter", "driver.c"));
        var id = Value("Install", "NetCfgInstanceId").Trim('"');
        StringAssert.Contains(source, $"WIDE_TEXT(UniqueName, u\"{id}\")");
        StringAssert.Contains(source, "WIDE_TEXT(ServiceName, u\"ipvlan\")");
        Assert.AreEqual(@"%13%\ipvlan.sys", Value("Service", "ServiceBinary"));
    }

    [TestMethod]
    public void Every_name_that_is_used_is_defined()
    {
        var text = string.Join('\n', Lines.Select(WithoutComment));
        foreach (Match match in Regex.Matches(text, "%([A-Za-z]+)%"))
            Assert.IsTrue(Sections["Strings"].Any(line => line.StartsWith(match.Groups[1].Value, StringComparison.Ordinal)), match.Value);
        foreach (var model in Value("Manufacturer", "%Provider%").Split(',')[1..])
            Assert.IsTrue(Sections.ContainsKey("IpVlan." + model), model);
        foreach (var section in new[] { "Install", "Ndi", "Files", "Service", "Install.Services", "Install.Remove.Services", "SourceDisksNames", "SourceDisksFiles" })
            Assert.IsTrue(Sections.ContainsKey(section), section);
    }

    private static string WithoutComment(string line) => line.Split(';')[0].TrimEnd();

    private static string Value(string section, string key)
    {
        var line = Sections[section].Single(line => line.Split('=')[0].Trim() == key);
        return line[(line.IndexOf('=', StringComparison.Ordinal) + 1)..].Trim();
    }

    private static string Registry(string key) => Sections["Ndi"].Select(line => line.Split(',', StringSplitOptions.TrimEntries)).Single(parts => parts[2] == key)[^1];

    private static Dictionary<string, List<string>> Read()
    {
        Dictionary<string, List<string>> sections = new(StringComparer.OrdinalIgnoreCase);
        List<string> current = [];
        foreach (var line in Lines.Select(WithoutComment).Where(line => line.Length > 0))
        {
            if (line.StartsWith('['))
                sections[line.Trim('[', ']')] = current = [];
            else
                current.Add(line);
        }
        return sections;
    }
}
