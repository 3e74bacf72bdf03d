using System.Reflection.PortableExecutable;
using System.Text;

namespace IpVlanWin.Driver.Tests;

/// <summary>What Windows will look at in ipvlan.sys, and what it must not hold.</summary>
[TestClass]
public class ImageTests
{
    private static readonly Lazy<byte[]> Image = new(() => File.ReadAllBytes(NativeBuild.Image()));

    [TestMethod]
    public void Two_builds_are_the_same_byte_by_byte()
    {
        // Of sources that lie elsewhere: no path gets in.
        var copy = Directory.CreateTempSubdirectory("ipvlan-sources-");
        try
        {
            foreach (var part in new[] { "build", "core", "filter", "include", "inf", "tools" })
                Assert.AreEqual(0, NativeBuild.Run("cp", "-r", Path.Combine(NativeBuild.Driver, part), copy.FullName).Status);
            CollectionAssert.AreEqual(Image.Value, Build("x64", copy.FullName));
        }
        finally
        {
            copy.Delete(recursive: true);
        }
        Assert.AreEqual(Machine.Arm64, new PEReader(new MemoryStream(Build("arm64", NativeBuild.Driver))).PEHeaders.CoffHeader.Machine);
    }

    [TestMethod]
    public void Headers_are_those_of_a_driver()
    {
        using var image = new PEReader(new MemoryStream(Image.Value));
        var header = image.PEHeaders.PEHeader!;
        Assert.AreEqual(Machine.Amd64, image.PEHeaders.CoffHeader.Machine);
        Assert.AreEqual(Subsystem.Native, header.Subsystem);
        Assert.AreEqual(10, header.MajorSubsystemVersion);
        Assert.AreEqual(DllCharacteristics.DynamicBase | DllCharacteristics.NxCompatible | DllCharacteristics.HighEntropyVirtualAddressSpace, header.DllCharacteristics & (DllCharacteristics.DynamicBase | DllCharacteristics.NxCompatible | DllCharacteristics.HighEntropyVirtualAddressSpace));
        Assert.AreNotEqual(0, header.ExceptionTableDirectory.Size, "unwind tables (.pdata)");
        Assert.AreNotEqual(0, header.BaseRelocationTableDirectory.Size, "relocations");
        Assert.AreNotEqual(0, header.ResourceTableDirectory.Size, "a version");
        Assert.AreEqual(Checksum(Image.Value, image.PEHeaders.PEHeaderStartOffset + 64), header.CheckSum);
    }

    [TestMethod]
    public void No_section_is_both_writable_and_executable()
    {
        using var image = new PEReader(new MemoryStream(Image.Value));
        foreach (var section in image.PEHeaders.SectionHeaders)
        {
            var both = SectionCharacteristics.MemWrite | SectionCharacteristics.MemExecute;
            Assert.AreNotEqual(both, section.SectionCharacteristics & both, section.Name);
        }
    }

    [TestMethod]
    public void Imports_are_those_of_the_list_and_no_newer_than_17763()
    {
        var allowed = File.ReadAllLines(Path.Combine(NativeBuild.Driver, "filter", "imports.txt")).Select(line => line.Split(' ')[1]).ToHashSet(StringComparer.Ordinal);
        var imports = Imports(Image.Value);
        Assert.IsNotEmpty(imports);
        foreach (var (library, name) in imports)
            Assert.Contains(name, allowed, library);
        Assert.DoesNotContain("ExAllocatePool2", allowed, "it is of build 19041");
        CollectionAssert.AreEquivalent(new[] { "ntoskrnl.exe", "NDIS.SYS" }, imports.Select(entry => entry.Library).Distinct().ToArray());
    }

    [TestMethod]
    public void No_instruction_is_used_that_a_driver_may_not()
    {
        NativeBuild.RequireTool("llvm-objdump");
        var (status, output) = NativeBuild.Run("llvm-objdump", "-d", "--no-show-raw-insn", NativeBuild.Image());
        Assert.AreEqual(0, status, output);
        // IRQL is NDIS's and the kernel's to change; upper vector halves, x87 and ports belong to others.
        foreach (var forbidden in new[] { "%cr8", "%gs:", "%ymm", "%zmm", "\tinb\t", "\toutb\t", "\tinl\t", "\toutl\t", "\tfld", "\tcli", "\tsti", "__chkstk" })
            Assert.IsFalse(output.Contains(forbidden, StringComparison.Ordinal), forbidden);
    }

    private static byte[] Build(string platform, string sources)
    {
        NativeBuild.RequireTool("lld-link");
        var directory = Directory.CreateTempSubdirectory("ipvlan-image-");
        try
        {
            var (status, output) = NativeBuild.Run(Path.Combine(sources, "build"), platform, directory.FullName);
            Assert.AreEqual(0, status, output);
            return File.ReadAllBytes(Path.Combine(directory.FullName, "ipvlan.sys"));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static List<(string Library, string Name)> Imports(byte[] bytes)
    {
        using var image = new PEReader(new MemoryStream(bytes));
        var directory = image.PEHeaders.PEHeader!.ImportTableDirectory;
        List<(string, string)> imports = [];
        for (var at = directory.RelativeVirtualAddress; ; at += 20)
        {
            var entry = image.GetSectionData(at).GetReader(0, 20);
            var names = entry.ReadInt32();
            entry.ReadInt64();
            var library = entry.ReadInt32();
            if (names == 0)
                return imports;
            for (var i = 0; ; i++)
            {
                var name = image.GetSectionData(names + (i * 8)).GetReader(0, 8).ReadInt64();
                if (name == 0)
                    break;
                Assert.IsGreaterThan(0, name, "imported by name, not by number");
                imports.Add((Text(image, library), Text(image, (int)name + 2)));
            }
        }
    }

    private static string Text(PEReader image, int address)
    {
        var reader = image.GetSectionData(address).GetReader();
        var text = new StringBuilder();
        for (var next = reader.ReadByte(); next != 0; next = reader.ReadByte())
            text.Append((char)next);
        return text.ToString();
    }

    /// <summary>The sum of all 16-bit words but the field's, carries added, and the length.</summary>
    private static uint Checksum(byte[] image, int field)
    {
        ulong sum = 0;
        for (var i = 0; i < image.Length; i += 2)
        {
            if (i != field && i != field + 2)
                sum += image[i] | (i + 1 < image.Length ? (uint)image[i + 1] << 8 : 0);
            sum = (sum & 0xffff) + (sum >> 16);
        }
        return (uint)sum + (uint)image.Length;
    }
}
