using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using IpVlanWin.Devices.WinDivert;
using IpVlanWin.HostNetwork.Windows;
using IpVlanWin.Service.Reconcile;

namespace IpVlanWin.WinDivert.Tests;

/// <summary>
/// What is said of Windows against what the code uses: a row of VERIFIED.md for each native entry point and CIM class, a test for each
/// field and constant of what is passed to them, and a check of first-run.ps1 for each thing that is only assumed.
/// </summary>
[TestClass]
public sealed partial class NativeRecordTests
{
    private const string Record = "src/IpVlanWin.HostNetwork/VERIFIED.md";

    [GeneratedRegex("""\[LibraryImport\((?<arguments>[^\]]*)\)\](?:\s*\[[^\]]*\])*\s*public static (?:unsafe )?partial [\w<>\*\.]+ (?<name>\w+)\(""")]
    private static partial Regex Imports();

    [GeneratedRegex("""EntryPoint = "(?<name>\w+)"|nameof\((?<name>\w+)\)""")]
    private static partial Regex EntryPoints();

    [GeneratedRegex(@"\b(?:MSFT|Msvm|Win32)_[A-Z]\w+")]
    private static partial Regex CimClasses();

    [GeneratedRegex(@"`(?<class>[A-Z]\w*Tests)(?:\.(?<method>\w+)(?<more>\*?))?`")]
    private static partial Regex Tests();

    [GeneratedRegex(@"first-run (?<id>\d+[a-z]?(?:\.\d+)?)")]
    private static partial Regex Rows();

    /// <summary>Windows' entry points and WinDivert's: one row each.</summary>
    [TestMethod]
    public void EntryPoints_EachHaveARow()
    {
        var record = Read(Record);
        var missing = new List<string>();
        var count = 0;
        foreach (var file in Sources("src").Where(static file => Path.GetFileName(file).StartsWith("NativeMethods", StringComparison.Ordinal) && !file.Contains("Linux", StringComparison.Ordinal)))
        {
            foreach (Match import in Imports().Matches(File.ReadAllText(file)))
            {
                count++;
                var other = EntryPoints().Match(import.Groups["arguments"].Value);
                var name = other.Success ? other.Groups["name"].Value : import.Groups["name"].Value;
                if (!Regex.IsMatch(record, $@"\b{name}\b"))
                    missing.Add($"{name} ({Path.GetFileName(file)})");
            }
        }
        Console.WriteLine($"{count} entry points");
        Assert.IsGreaterThan(60, count);
        Assert.IsEmpty(missing, string.Join(", ", missing));
    }

    [TestMethod]
    public void CimClasses_EachHaveARow_AndAreInTheStrictSchema()
    {
        var record = Read(Record);
        var schema = Read("tests/IpVlanWin.HostNetwork.Tests/Windows/CimSchema.cs");
        var used = Sources("src").Where(static file => file.Contains("HostNetwork", StringComparison.Ordinal) || file.Contains("Datapath", StringComparison.Ordinal))
            .SelectMany(static file => File.ReadLines(file)).Where(static line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal))
            .SelectMany(static line => CimClasses().Matches(line).Select(static match => match.Value)).Distinct().ToList();
        Assert.IsGreaterThan(8, used.Count);
        foreach (var name in used)
        {
            Assert.Contains($"`{name}`", record, name);
            Assert.Contains($"\"{name}\"", schema, name);
        }
    }

    /// <summary>The tests that VERIFIED.md names are there.</summary>
    [TestMethod]
    public void TestsNamed_Exist()
    {
        var tests = string.Join('\n', Sources("tests").Select(File.ReadAllText));
        foreach (Match named in Tests().Matches(Read(Record)))
        {
            Assert.Contains($"class {named.Groups["class"].Value}", tests, named.Value);
            if (named.Groups["method"] is { Success: true } method)
                Assert.IsTrue(Regex.IsMatch(tests, $@"\b(?:void|Task) {method.Value}{(named.Groups["more"].Value.Length > 0 ? @"\w*" : "")}\("), named.Value);
        }
    }

    /// <summary>Size and offsets of each structure, and the value of each constant, are asserted where the file says.</summary>
    [TestMethod]
    [DataRow(typeof(WindowsNetwork), "IpVlanWin.HostNetwork.Windows", "tests/IpVlanWin.HostNetwork.Tests/Windows/WindowsLayoutTests.cs")]
    [DataRow(typeof(DivertHandle), "IpVlanWin.Devices.WinDivert", "tests/IpVlanWin.Devices.Tests/WinDivert/DivertLayoutTests.cs")]
    [DataRow(typeof(DivertHost), "IpVlanWin.Service.Lifetime.Windows", "tests/IpVlanWin.Service.Tests/Lifetime/ScmTests.cs")]
    public void Structures_AndConstants_EachHaveATest(Type room, string space, string path)
    {
        var test = Read(path);
        var missing = new List<string>();
        var fields = 0;
        foreach (var type in room.Assembly.GetTypes().Where(type => type.Namespace == space && IsNative(type)))
        {
            if (!test.Contains($"SizeOf<{type.Name}>()", StringComparison.Ordinal) && !test.Contains($"sizeof({type.Name})", StringComparison.Ordinal))
                missing.Add($"size of {type.Name}");
            foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
            {
                fields++;
                if (!test.Contains($"{type.Name}.{field.Name})", StringComparison.Ordinal) && !test.Contains($"\"{field.Name}\"", StringComparison.Ordinal))
                    missing.Add($"{type.Name}.{field.Name}");
            }
        }
        foreach (var type in room.Assembly.GetTypes().Where(type => type.Namespace == space && type.Name is "NativeMethods" or "WindowsError" or "Rows" or "SockAddrInet"))
        {
            foreach (var field in type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic).Where(static field => field is { IsLiteral: true, IsPrivate: false } && field.FieldType != typeof(string)))
            {
                fields++;
                if (!Regex.IsMatch(test, $@"\b{type.Name}\.{field.Name}\b"))
                    missing.Add($"{type.Name}.{field.Name}");
            }
        }
        Console.WriteLine($"{fields} fields and constants");
        Assert.IsGreaterThan(3, fields);
        Assert.IsEmpty(missing, string.Join(", ", missing));
    }

    /// <summary>What is assumed of Windows names the row of first-run.ps1 that tries it, and each such row is there.</summary>
    [TestMethod]
    [DataRow(Record)]
    [DataRow("src/IpVlanWin.Datapath/WinDivert/README.md")]
    public void Assumptions_EachAreTriedByFirstRun(string page)
    {
        var script = Read("tests/windows/first-run.ps1");
        var assumed = File.ReadLines(Find(page)).Where(static line => Regex.IsMatch(line, @"\(T\)|\[I\]|\bis assumed\b|\bare assumed\b")).ToList();
        Assert.IsNotEmpty(assumed);
        foreach (var line in assumed)
        {
            Assert.IsTrue(Rows().IsMatch(line), $"no row of first-run.ps1 is named: {line}");
            foreach (Match row in Rows().Matches(line))
                Assert.IsTrue(Regex.IsMatch(script, $"'{Regex.Escape(row.Groups["id"].Value)}'"), $"first-run.ps1 has no row {row.Groups["id"].Value}: {line}");
        }
    }

    /// <summary>Passed to native code: laid out by us, and no handle.</summary>
    private static bool IsNative(Type type) => type is { IsValueType: true, IsEnum: false } && !type.IsAutoLayout && type.StructLayoutAttribute is { Value: LayoutKind.Sequential or LayoutKind.Explicit }
        && Declarations().Contains($"struct {type.Name}", StringComparison.Ordinal) && Regex.IsMatch(Declarations(), $@"\[StructLayout\([^\]]*\)\]\s*(?:public|internal) (?:unsafe )?struct {type.Name}\b");

    private static string Declarations() => s_declarations.Value;

    private static readonly Lazy<string> s_declarations = new(static () => string.Join('\n', Sources("src").Select(File.ReadAllText)));

    private static IEnumerable<string> Sources(string folder) =>
        Directory.EnumerateFiles(Find(folder), "*.cs", SearchOption.AllDirectories).Where(static file => !Regex.IsMatch(file, @"[\\/](?:obj|bin)[\\/]"));

    private static string Read(string path) => File.ReadAllText(Find(path));

    private static string Find(string path)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var found = Path.Combine(folder.FullName, path);
            if (File.Exists(Path.Combine(folder.FullName, "IpVlanWin.sln")) && Path.Exists(found))
                return found;
        }
        Assert.Inconclusive("needs the source beside the tests");
        return "";
    }
}
