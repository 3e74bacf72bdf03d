using System.Diagnostics;
using WixSharp.Msi;

namespace IpVlanWin.Installer.Tests;

[TestClass]
public sealed class PartsTests
{
    /// <summary>The example of RFC 9562, appendix A.4.</summary>
    [TestMethod]
    public void A_name_guid_is_as_the_rfc_says() => Assert.AreEqual(
        Guid.Parse("2ed6657d-e927-568b-95e1-2665a8aea6a2"), NameGuid.Create(Guid.Parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), "www.example.com"));

    [TestMethod]
    public void Short_names_are_8_3_and_unique()
    {
        var names = new ShortNames();
        Assert.AreEqual("a.dll", names.Of("a.dll"));
        Assert.AreEqual("SYSTEM~1.DLL|System.Runtime.dll", names.Of("System.Runtime.dll"));
        Assert.AreEqual("SYSTEM~2.DLL|System.Runtime.Loader.dll", names.Of("System.Runtime.Loader.dll"));
        Assert.AreEqual("IPVLAN~1.JSO|ipvlan.deps.json", names.Of("ipvlan.deps.json"));
        Assert.AreEqual("en-US", names.Of("en-US"));
        for (var i = 2; i < 12; i++)
            names.Of($"longer name {i}.txt");
        Assert.AreEqual("LONGE~11.TXT|longer name 1.txt", names.Of("longer name 1.txt"));
    }

    [TestMethod]
    public void The_version_of_an_executable_is_read_from_its_resource()
    {
        var path = typeof(object).Assembly.Location;
        var expected = FileVersionInfo.GetVersionInfo(path);
        var found = FileFacts.Version(path)!.Value;
        Assert.AreEqual(
            FormattableString.Invariant($"{expected.FileMajorPart}.{expected.FileMinorPart}.{expected.FileBuildPart}.{expected.FilePrivatePart}"), found.Number);
        Assert.AreEqual("0", found.Languages, "for every language");
    }

    /// <summary>VS_FIXEDFILEINFO and the structure Var, as a version resource holds them.</summary>
    [TestMethod]
    [DataRow("1033", 1033)]
    [DataRow("1033,1031", 1033, 1031)]
    [DataRow("0")]
    public void The_languages_of_an_executable_are_read_from_its_resource(string expected, params int[] languages)
    {
        using var resource = new MemoryStream();
        using var writer = new BinaryWriter(resource);
        writer.Write(0x12345678u);
        foreach (var number in (uint[])[0xfeef04bd, 0x00010000, 0x00020003, 0x00040005])
            writer.Write(number);
        writer.Write((ushort)(32 + 4 * languages.Length));
        writer.Write((ushort)(4 * languages.Length));
        writer.Write((ushort)0);
        writer.Write(System.Text.Encoding.Unicode.GetBytes("Translation\0"));
        writer.Write(new byte[(4 - resource.Length % 4) % 4]);
        foreach (var language in languages)
        {
            writer.Write((ushort)language);
            writer.Write((ushort)1200);
        }
        // What follows is another structure's.
        writer.Write(0x00010002);
        writer.Flush();
        Assert.AreEqual(("2.3.4.5", expected), FileFacts.Version(resource.ToArray().AsSpan()));
    }

    [TestMethod]
    public void What_is_no_executable_has_a_hash_instead()
    {
        var folder = Directory.CreateTempSubdirectory("ipvlanwin-test");
        try
        {
            var path = Path.Combine(folder.FullName, "abc");
            File.WriteAllText(path, "abc");
            Assert.IsNull(FileFacts.Version(path));
            // MD5 of "abc" is 900150983cd24fb0d6963f7d28e17f72 (RFC 1321, appendix A.5).
            CollectionAssert.AreEqual(new[] { unchecked((int)0x98500190), unchecked((int)0xb04fd23c), 0x7d3f96d6, 0x727fe128 }, FileFacts.Hash(path));
            File.WriteAllText(path, "");
            CollectionAssert.AreEqual(new int[4], FileFacts.Hash(path));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [TestMethod]
    public void A_cell_that_does_not_fit_its_column_is_refused()
    {
        var table = new Table("T", 1, "Key s4", "Number i2", "Text L8");
        table.Add("a", 1, null!);
        Refused("two rows", "a", 2, null);
        Refused("must not be empty", null, 2, null);
        Refused("holds 4 characters", "abcde", 2, null);
        Refused("16 bits", "b", 40000, null);
        Refused("cannot hold", "b", "x", null);
        Refused("ASCII", "b", 1, "\t");
        Refused("has 3 columns", "b", 1);

        void Refused(string message, params object?[] cells) =>
            StringAssert.Contains(Assert.ThrowsExactly<WixSharp.SetupException>(() => table.Add(cells!)).Message, message, StringComparison.Ordinal);
    }
}
