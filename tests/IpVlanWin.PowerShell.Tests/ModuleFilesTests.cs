using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Tests;

/// <summary>The published folder: manifest, format file, assemblies.</summary>
[TestClass]
public sealed class ModuleFilesTests
{
    private static readonly string s_manifest = File.ReadAllText(Path.Combine(Repository.Module, "IpVlan.psd1"));

    [TestMethod]
    public void Manifest_exports_what_the_assembly_has()
    {
        var list = Regex.Match(s_manifest, @"CmdletsToExport = @\((?<list>[^)]*)\)").Groups["list"].Value;
        CollectionAssert.AreEqual(CmdletShape.All.Select(cmdlet => cmdlet.Name).ToArray(), Regex.Matches(list, "'([^']*)'").Select(match => match.Groups[1].Value).ToArray());
        Assert.AreEqual(typeof(ControlClient).Assembly.GetName().Version!.ToString(3), Value("ModuleVersion"));
        Assert.AreEqual(("5.1", "4.7.2", "IpVlanWin.PowerShell.dll"), (Value("PowerShellVersion"), Value("DotNetFrameworkVersion"), Value("RootModule")));
        Assert.Contains("CompatiblePSEditions = @('Desktop', 'Core')", s_manifest);
        Assert.IsTrue(Guid.TryParse(Value("GUID"), out _));
        foreach (var file in (string[])[Value("RootModule"), "IpVlan.Format.ps1xml", "en-US/IpVlanWin.PowerShell.dll-Help.xml"])
            Assert.IsTrue(File.Exists(Path.Combine(Repository.Module, file)), file);
    }

    [TestMethod]
    public void Format_file_knows_every_output_and_only_what_is_there()
    {
        var assemblies = new[] { typeof(ModuleLoading).Assembly, typeof(ControlClient).Assembly };
        var views = XDocument.Load(Path.Combine(Repository.Module, "IpVlan.Format.ps1xml")).Descendants("View").ToArray();
        Assert.HasCount(views.Length, views.Select(view => view.Element("Name")!.Value).Distinct());
        foreach (var view in views)
        {
            var name = view.Element("ViewSelectedBy")!.Element("TypeName")!.Value;
            var type = assemblies.Select(assembly => assembly.GetType(name)).FirstOrDefault(found => found is not null);
            Assert.IsNotNull(type, name);
            foreach (var property in view.Descendants("PropertyName").Select(one => one.Value).Concat(view.Descendants("ScriptBlock").SelectMany(OfThis)))
                Assert.IsNotNull(type.GetProperty(property), $"{name} has no {property}");
            // As many headers as columns, or PowerShell refuses the file.
            Assert.HasCount(view.Descendants("TableColumnHeader").Count(), view.Descendants("TableColumnItem"), name);
        }
        foreach (var type in CmdletShape.All.SelectMany(cmdlet => cmdlet.Outputs).Where(type => assemblies.Contains(type.Assembly)).Distinct())
        {
            foreach (var kind in (string[])["TableControl", "ListControl"])
                Assert.HasCount(1, views.Where(view => view.Descendants("TypeName").Any(one => one.Value == type.FullName) && view.Element(kind) is not null), $"{type} {kind}");
        }
    }

    [TestMethod]
    public void Folder_holds_all_that_Windows_PowerShell_lacks_and_nothing_PowerShell_brings()
    {
        Assert.AreEqual("IpVlanWin.PowerShell.dll", string.Join(' ', Directory.GetFiles(Repository.Module, "*.dll").Select(Path.GetFileName)));
        var dependencies = Directory.GetFiles(Path.Combine(Repository.Module, "Dependencies")).ToDictionary(path => Path.GetFileNameWithoutExtension(path)!);
        Assert.IsFalse(dependencies.ContainsKey("System.Management.Automation"));
        // What an assembly refers to lies beside it in that version or a later one, or is .NET Framework's own.
        var pending = new Queue<string>([Path.Combine(Repository.Module, "IpVlanWin.PowerShell.dll"), .. dependencies.Values]);
        while (pending.TryDequeue(out var path))
        {
            foreach (var reference in ReferencesOf(path).Where(reference => reference.Name is not ("netstandard" or "System.Management.Automation" or "mscorlib")))
            {
                Assert.IsTrue(dependencies.TryGetValue(reference.Name!, out var found), $"{Path.GetFileName(path)} needs {reference.Name}");
                Assert.IsGreaterThanOrEqualTo(reference.Version!, AssemblyName.GetAssemblyName(found).Version!, $"{Path.GetFileName(path)} needs {reference}");
            }
        }
    }

    /// <summary>The room's rule: the module speaks to the service, and knows nothing else of ours.</summary>
    [TestMethod]
    public void Module_refers_to_the_protocol_alone() =>
        Assert.AreEqual("IpVlanWin.Protocol", string.Join(' ', typeof(ModuleLoading).Assembly.GetReferencedAssemblies().Select(one => one.Name!).Where(name => name.StartsWith("IpVlanWin", StringComparison.Ordinal))));

    private static IEnumerable<AssemblyName> ReferencesOf(string path)
    {
        using var image = new PEReader(File.OpenRead(path));
        var metadata = image.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(handle => metadata.GetAssemblyReference(handle).GetAssemblyName())];
    }

    private static string Value(string key) => Regex.Match(s_manifest, $@"{key} = '([^']*)'").Groups[1].Value;

    // $_ of an inner block is an item of a list.
    private static IEnumerable<string> OfThis(XElement block) =>
        Regex.Matches(Regex.Replace(block.Value, @"ForEach-Object \{[^}]*\}", ""), @"\$_\.(\w+)").Select(match => match.Groups[1].Value);
}
