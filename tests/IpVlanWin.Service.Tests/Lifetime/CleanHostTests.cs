using IpVlanWin.Service.Lifetime;

namespace IpVlanWin.Service.Tests.Lifetime;

[TestClass]
public sealed class CleanHostTests
{
    [TestMethod]
    public void Data_is_kept_unless_it_is_to_be_removed()
    {
        using var folder = new TestFolder();
        var state = Path.Combine(folder.Path, "state");
        Directory.CreateDirectory(state);
        File.WriteAllText(Path.Combine(state, "state.db"), "state");
        Assert.AreEqual((ExitStatus.Ok, true), (Run(state, "keep"), Directory.Exists(state)));
        Assert.AreEqual((ExitStatus.Ok, false), (Run(state, "remove"), Directory.Exists(state)));
        Assert.AreEqual(ExitStatus.Ok, Run(state, "remove"), "again");
    }

    [TestMethod]
    public void Another_folder_is_not_removed()
    {
        using var folder = new TestFolder();
        File.WriteAllText(Path.Combine(folder.Path, "letter.txt"), "dear");
        Assert.AreEqual(ExitStatus.Refused, Run(folder.Path, "remove"));
        Assert.IsTrue(File.Exists(Path.Combine(folder.Path, "letter.txt")));
    }

    [TestMethod]
    public void Wrong_line_lists_the_legal_values() => Assert.AreEqual(
        "argument of \"--data\" must be keep or remove",
        Assert.ThrowsExactly<SettingsException>(() => CommandLine.Parse(["clean-host", "--data", "perhaps"])).Message);

    private static ExitStatus Run(string folder, string data) =>
        ServiceVerbs.Run(CommandLine.Parse(["clean-host", "--data", data, "--state", folder]), TextWriter.Null, TextWriter.Null);
}
