using System.Buffers.Binary;
using System.Reflection.PortableExecutable;

namespace IpVlanWin.Driver.Tests;

/// <summary>The loader of driver/test takes the linked image, and says why it does not take a spoilt one.</summary>
[TestClass]
public class LoaderTests
{
    private static readonly Lazy<byte[]> Image = new(() => File.ReadAllBytes(NativeBuild.Image()));

    [TestMethod]
    public void The_image_as_it_is_loads() => StringAssert.StartsWith(Load(Image.Value, 0), "loaded: ");

    [TestMethod]
    public void A_missing_import_is_named()
    {
        var spoilt = (byte[])Image.Value.Clone();
        var at = spoilt.AsSpan().IndexOf("NdisFRestartFilter\0"u8);
        spoilt[at + 4] = (byte)'X';
        Assert.AreEqual("missing import: NDIS.SYS has no NdisXRestartFilter", Load(spoilt, 1));
    }

    [TestMethod]
    public void An_import_from_another_library_is_missing()
    {
        var spoilt = (byte[])Image.Value.Clone();
        "XTOSKRNL.exe\0"u8.CopyTo(spoilt.AsSpan(spoilt.AsSpan().IndexOf("ntoskrnl.exe\0"u8)));
        StringAssert.StartsWith(Load(spoilt, 1), "missing import: XTOSKRNL.exe has no ");
    }

    [TestMethod]
    [DataRow(0, "not a PE image: no MZ header")]
    [DataRow(200, "not a PE image, or truncated in its headers: ")]
    [DataRow(600, "truncated: ")]
    [DataRow(5000, "truncated: section ")]
    [DataRow(-1, "truncated: section ")]
    public void A_truncated_image_is_refused(int length, string why) =>
        StringAssert.StartsWith(Load(length < 0 ? Image.Value[..^600] : Image.Value[..length], 1), why);

    [TestMethod]
    public void Bad_relocations_are_refused()
    {
        var (at, bytes) = FileRange(headers => headers.PEHeader!.BaseRelocationTableDirectory);
        Assert.IsGreaterThan(8, bytes);
        StringAssert.StartsWith(Load(Spoilt(at + 8, 0x3000 | (Word(at + 8) & 0xfff)), 1), "bad relocation: type 3 at ");
        StringAssert.EndsWith(Load(Spoilt(at + 4, 7), 1), $"a block of 7 bytes, {bytes} are left");
        StringAssert.StartsWith(Load(Spoilt(at + 2, 0x7fff), 1), "bad relocation: 7fff");
        // Its page is that of the headers, where no addresses stand.
        var spoilt = (byte[])Image.Value.Clone();
        spoilt.AsSpan(at, 4).Clear();
        StringAssert.Contains(Load(spoilt, 1), "which is no address of the image");
    }

    [TestMethod]
    public void Another_machine_and_a_section_that_is_both_are_refused()
    {
        using var image = new PEReader(new MemoryStream(Image.Value));
        var coff = image.PEHeaders.CoffHeaderStartOffset;
        StringAssert.StartsWith(Load(Spoilt(coff, 0xaa64), 1), "machine aa64, ");
        var spoilt = (byte[])Image.Value.Clone();
        // Characteristics of the first section, .text: 40 bytes a section, the last four.
        spoilt[image.PEHeaders.PEHeaderStartOffset + image.PEHeaders.CoffHeader.SizeOfOptionalHeader + 39] |= 0x80;
        Assert.AreEqual("section .text is both writable and executable", Load(spoilt, 1));
    }

    [TestMethod]
    public void What_is_no_file_is_named() =>
        StringAssert.Contains(NativeBuild.Run(NativeBuild.Program("load"), "/nonexistent/ipvlan.sys").Output, "/nonexistent/ipvlan.sys: No such file");

    private static int Word(int at) => BinaryPrimitives.ReadUInt16LittleEndian(Image.Value.AsSpan(at));

    private static byte[] Spoilt(int at, int word)
    {
        var spoilt = (byte[])Image.Value.Clone();
        BinaryPrimitives.WriteUInt16LittleEndian(spoilt.AsSpan(at), (ushort)word);
        return spoilt;
    }

    private static (int Offset, int Bytes) FileRange(Func<PEHeaders, DirectoryEntry> pick)
    {
        using var image = new PEReader(new MemoryStream(Image.Value));
        var directory = pick(image.PEHeaders);
        var section = image.PEHeaders.SectionHeaders.Single(one =>
            directory.RelativeVirtualAddress >= one.VirtualAddress && directory.RelativeVirtualAddress < one.VirtualAddress + one.VirtualSize);
        return (section.PointerToRawData + directory.RelativeVirtualAddress - section.VirtualAddress, directory.Size);
    }

    private static string Load(byte[] image, int expected)
    {
        var program = NativeBuild.Program("load");
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, image);
            var (status, output) = NativeBuild.Run(program, path);
            Assert.AreEqual(expected, status, output);
            Assert.AreEqual(1, output.Count(one => one == '\n'), $"one line: {output}");
            return output.TrimEnd();
        }
        finally
        {
            File.Delete(path);
        }
    }
}
