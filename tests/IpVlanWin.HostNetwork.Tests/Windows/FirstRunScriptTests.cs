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
        CollectionAssert.AreEquivalent(new[] { "5", "6", "8f" }, ids);
        var program = Read("tests/wine/HostProbe/Program.cs");
        var commands = Commands().Matches(text).Select(match => match.Groups["command"].Value).ToHashSet();
        Assert.IsGreaterThan(7, commands.Count);
        foreach (var command in commands) StringAssert.Contains(program, $"case [\"{command}\"");
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

    private static string Read(string path)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var file = Path.Combine(folder.FullName, path);
            if (File.Exists(Path.Combine(folder.FullName, "IpVlanWin.sln")) && File.Exists(file)) return File.ReadAllText(file);
        }
        Assert.Inconclusive("needs the source beside the tests");
        return "";
    }
}
