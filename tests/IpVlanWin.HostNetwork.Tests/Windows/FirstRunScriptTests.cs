using System.Text.RegularExpressions;

namespace IpVlanWin.HostNetwork.Tests.Windows;

/// <summary>What can be said of tests/windows/first-run.ps1 where there is no PowerShell to run it.</summary>
[TestClass]
public sealed partial class FirstRunScriptTests
{
    [GeneratedRegex(@"(?:Test-Assumption|Add-Row|Invoke-Probe|@\()\s*'(?<id>\d+[a-z]?(?:\.\d+)?)'")]
    private static partial Regex Ids();

    [GeneratedRegex(@"Invoke-Probe '[^']+' @\('(?<command>[^']+)'")]
    private static partial Regex Commands();

    [GeneratedRegex(@"'(?<id>\d+[a-z]?(?:\.\d+)?)' '[TIU]: |@\('(?<id>\d+[a-z]?(?:\.\d+)?)', '[TIU]: ")]
    private static partial Regex Assumed();

    [GeneratedRegex(@"^\| (?<ids>\d+[a-z]?(?:\.\d+)?(?:, \d+[a-z]?(?:\.\d+)?)*) \|", RegexOptions.Multiline)]
    private static partial Regex PageIds();

    [GeneratedRegex(@"^\s*function (?<name>[\w-]+)", RegexOptions.Multiline)]
    private static partial Regex Functions();

    [TestMethod]
    public void Script_IsPlain_BalancedAndForWindowsPowerShell()
    {
        var text = Read("tests/windows/first-run.ps1");
        Assert.IsTrue(System.Text.Ascii.IsValid(text), "Windows PowerShell 5.1 reads a file without a mark in the system's code page: ASCII only");
        var code = WithoutTextAndComments(text);
        foreach (var later in new[] { "&&", "||", "??", "?.", "-Parallel", "clean {" }) Assert.IsFalse(code.Contains(later, StringComparison.Ordinal), $"{later} is of a later PowerShell");
        var open = new Stack<char>();
        foreach (var c in code)
        {
            if ("([{".Contains(c)) open.Push(c);
            else if (")]}".Contains(c)) Assert.AreEqual(c switch { ')' => '(', ']' => '[', _ => '{' }, open.Count > 0 ? open.Pop() : ' ');
        }
        Assert.IsEmpty(open);
    }

    [TestMethod]
    public void Rows_HaveIdentifiersOfTheirOwn_AndProbeCommandsExist()
    {
        var text = Read("tests/windows/first-run.ps1");
        // A row in both branches of an "if" has one identifier.
        var ids = Ids().Matches(text).Select(match => match.Groups["id"].Value).GroupBy(id => id).Where(group => group.Count() > 1).Select(group => group.Key).ToList();
        CollectionAssert.AreEquivalent(new[] { "5", "6", "8f", "13.5", "14.1", "14.2" }, ids);
        var program = Read("tests/wine/HostProbe/Program.cs");
        var commands = Commands().Matches(text).Select(match => match.Groups["command"].Value).ToHashSet();
        Assert.IsGreaterThan(7, commands.Count);
        foreach (var command in commands) StringAssert.Contains(program, $"case [\"{command}\"");
    }

    /// <summary>Each row that is assumed (T, I, U) is in the page's table with what relies on it, and the table has no row that the script has not.</summary>
    [TestMethod]
    public void Page_HasEveryAssumption()
    {
        var text = Read("tests/windows/first-run.ps1");
        var ids = Ids().Matches(text).Select(match => match.Groups["id"].Value).ToHashSet();
        var page = Read("tests/windows/README.md");
        var listed = PageIds().Matches(page).SelectMany(match => match.Groups["ids"].Value.Split(", ")).ToList();
        Assert.IsGreaterThan(20, listed.Count);
        CollectionAssert.IsSubsetOf(listed, ids.ToList());
        var assumed = Assumed().Matches(text).Select(match => match.Groups["id"].Value).Distinct().ToList();
        Assert.IsGreaterThan(15, assumed.Count);
        CollectionAssert.IsSubsetOf(assumed, listed);
    }

    /// <summary>PowerShell's own parser, where there is a PowerShell: no errors, and no command but Windows' and the script's own.</summary>
    [TestMethod]
    public void Script_IsParsed_ByPowerShell()
    {
        if (Shell() is not { } shell)
        {
            Assert.Inconclusive("needs pwsh on the path, or IPVLANWIN_PWSH");
            return;
        }
        var start = new System.Diagnostics.ProcessStartInfo(shell[0], [.. shell[1..], "-NoProfile", "-NonInteractive", "-Command", Parse.Replace("PATH", PathOf("tests/windows/first-run.ps1").Replace("'", "''", StringComparison.Ordinal), StringComparison.Ordinal)])
        {
            RedirectStandardOutput = true,
        };
        using var parsing = System.Diagnostics.Process.Start(start)!;
        var lines = parsing.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        parsing.WaitForExit();
        Assert.IsEmpty(lines.Where(line => line.StartsWith("error", StringComparison.Ordinal)));
        var own = Functions().Matches(Read("tests/windows/first-run.ps1")).Select(match => match.Groups["name"].Value).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var unknown = lines.Where(name => !own.Contains(name) && !s_commands.Contains(name)).ToList();
        Assert.IsGreaterThan(30, lines.Length);
        Assert.IsEmpty(unknown, string.Join(" ", unknown));
    }

    private const string Parse = """
        $errors = $null; $tokens = $null
        $tree = [System.Management.Automation.Language.Parser]::ParseFile('PATH', [ref] $tokens, [ref] $errors)
        foreach ($one in $errors) { 'error ' + $one.Extent.StartLineNumber + ': ' + $one.Message }
        $tree.FindAll({ param($node) $node -is [System.Management.Automation.Language.CommandAst] }, $true) | ForEach-Object { $_.GetCommandName() } | Where-Object { $_ } | Sort-Object -Unique
        """;

    // Of Windows PowerShell 5.1 and of Windows itself.
    private static readonly HashSet<string> s_commands = new(StringComparer.OrdinalIgnoreCase)
    {
        "Add-Member", "ConvertFrom-Json", "ConvertTo-Json", "Copy-Item", "ForEach-Object", "Get-Acl", "Get-CimInstance", "Get-Content", "Get-Date", "Get-Item", "Get-ItemProperty", "Get-Location",
        "Get-NetAdapter", "Get-NetAdapterAdvancedProperty", "Get-NetAdapterBinding", "Get-NetAdapterStatistics", "Get-NetCompartment", "Get-NetIPAddress", "Get-NetIPInterface", "Get-NetRoute",
        "Get-PnpDeviceProperty", "Get-Process", "Get-Service", "Get-WinEvent", "Join-Path", "New-NetIPAddress", "New-NetNeighbor", "New-Object", "Out-Null", "Out-String", "Remove-Item",
        "Remove-NetIPAddress", "Select-Object", "Select-String", "Set-Content", "Set-NetIPInterface", "Set-StrictMode", "Start-Process", "Start-Sleep", "Stop-Process", "Test-Path", "Where-Object",
        "Write-Host", "netsh", "pnputil", "sc.exe",
    };

    private static string[]? Shell()
    {
        if (Environment.GetEnvironmentVariable("IPVLANWIN_PWSH") is { Length: > 0 } given) return given.Split(' ');
        var name = OperatingSystem.IsWindows() ? "pwsh.exe" : "pwsh";
        return (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, name))) ? [name] : null;
    }

    /// <summary>The script without comments and with its strings emptied; ends in an assertion when one of them does not end.</summary>
    private static string WithoutTextAndComments(string text)
    {
        var code = new System.Text.StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '<' when text[i..].StartsWith("<#", StringComparison.Ordinal):
                    i = End(text, "#>", i) + 1;
                    break;
                case '#':
                    i = End(text, "\n", i);
                    code.Append('\n');
                    break;
                // Quotes are doubled inside: that reads as two strings side by side.
                case '\'':
                    i = End(text, "'", i + 1);
                    break;
                case '"':
                    for (i++; text[i] != '"'; i++)
                    {
                        if (text[i] == '`') i++;
                    }
                    break;
                default:
                    code.Append(text[i]);
                    break;
            }
        }
        return code.ToString();
    }

    private static int End(string text, string mark, int from)
    {
        var at = text.IndexOf(mark, from, StringComparison.Ordinal);
        Assert.IsGreaterThanOrEqualTo(0, at, $"{mark} is missing after position {from}");
        return at;
    }

    private static string Read(string path) => File.ReadAllText(PathOf(path));

    private static string PathOf(string path)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var file = Path.Combine(folder.FullName, path);
            if (File.Exists(Path.Combine(folder.FullName, "IpVlanWin.sln")) && File.Exists(file)) return file;
        }
        Assert.Inconclusive("needs the source beside the tests");
        return "";
    }
}
