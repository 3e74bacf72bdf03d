namespace IpVlanWin.Conformance.Tests;

/// <summary>Another kernel, given by path.</summary>
[TestClass]
public class KernelTests
{
    private DirectoryInfo _made = null!;

    [TestInitialize]
    public void Make() => _made = Directory.CreateTempSubdirectory("ipvlan-kernel-");

    [TestCleanup]
    public void End() => _made.Delete(recursive: true);

    [TestMethod]
    public void A_kernel_given_by_path_is_recorded()
    {
        var (image, modules) = Kernel.Required();
        var copy = Path.Combine(_made.FullName, "linux");
        File.Copy(image, copy);
        using var recorder = new Recorder(KernelImage.At(copy, modules));
        using var output = new StringWriter();
        Assert.AreEqual(0, Program.RunRandom(recorder, 1, Kernel.Seed, output), output.ToString());
        StringAssert.Contains(output.ToString(), "1 walks against");
    }

    [TestMethod]
    public void A_path_that_leads_nowhere_is_told_with_what_is_expected()
    {
        var nowhere = Path.Combine(_made.FullName, "nowhere");
        var image = Assert.ThrowsExactly<ArgumentException>(() => KernelImage.At(nowhere, _made.FullName));
        StringAssert.StartsWith(image.Message, $"--kernel {nowhere}: no such file; must be a kernel built with ARCH=um");
        var modules = Assert.ThrowsExactly<ArgumentException>(() => KernelImage.At(typeof(KernelTests).Assembly.Location, nowhere));
        StringAssert.StartsWith(modules.Message, $"--modules {nowhere}: no such folder; must be what is /lib/modules/VERSION");
    }

    [TestMethod]
    public void A_program_that_is_no_kernel_and_a_file_that_is_none_are_told()
    {
        _ = Kernel.Required();
        var text = Path.Combine(_made.FullName, "text");
        File.WriteAllText(text, "no program");
        foreach (var (program, told) in ((string, string)[])[("/bin/true", "it said nothing; must be a kernel built with ARCH=um"), (text, "does not start")])
        {
            using var recorder = new Recorder(KernelImage.At(program, _made.FullName));
            var fault = Assert.ThrowsExactly<InvalidOperationException>(() => recorder.Record([Walk.Make(1, 1)]));
            StringAssert.StartsWith(fault.Message, program);
            StringAssert.Contains(fault.Message, told);
        }
    }

    [TestMethod]
    public void Modules_that_are_missing_are_told()
    {
        using var recorder = new Recorder(KernelImage.At(Kernel.Required().Program, _made.FullName));
        var fault = Assert.ThrowsExactly<InvalidOperationException>(() => recorder.Record([Walk.Make(1, 1)]));
        StringAssert.Contains(fault.Message, "the kernel must have ipvlan, TUN, IPv6, clsact");
    }
}
