namespace IpVlanWin.Driver.Tests;

/// <summary>The packages that are made of the driver: test-signed, and the CAB for attestation.</summary>
[TestClass]
public class PackageTests
{
    private string _directory = null!;

    [TestInitialize]
    public void Prepare()
    {
        foreach (var tool in new[] { "osslsigncode", "openssl", "gcab" })
            NativeBuild.RequireTool(tool);
        _directory = Directory.CreateTempSubdirectory("ipvlan-package-").FullName;
        foreach (var name in new[] { "ipvlan.sys", "ipvlan.pdb" })
            File.Copy(Path.Combine(Path.GetDirectoryName(NativeBuild.Image())!, name), Path.Combine(_directory, name));
    }

    [TestCleanup]
    public void Remove()
    {
        if (_directory is not null)
            Directory.Delete(_directory, recursive: true);
    }

    [TestMethod]
    public void A_test_signed_driver_verifies_and_loads_and_a_tampered_one_does_not_verify()
    {
        Must("sign-test", _directory);
        var sys = Path.Combine(_directory, "ipvlan.sys");
        Assert.AreEqual(0, Verify(sys).Status);
        Assert.AreEqual(0, NativeBuild.Run(NativeBuild.Program("load"), sys).Status, "a signature is behind the image");
        Assert.IsTrue(File.Exists(Path.Combine(_directory, "ipvlan.inf")));
        if (OperatingSystem.IsLinux())
            Assert.AreEqual(UnixFileMode.None, File.GetUnixFileMode(Path.Combine(_directory, "test.pfx")) & (UnixFileMode.GroupRead | UnixFileMode.OtherRead));
        var bytes = File.ReadAllBytes(sys);
        bytes[0x600] ^= 1;
        File.WriteAllBytes(sys, bytes);
        Assert.AreNotEqual(0, Verify(sys).Status);
    }

    [TestMethod]
    public void The_attestation_cab_has_a_folder_for_each_package_and_a_signature()
    {
        Must("sign-test", _directory);
        var cab = Path.Combine(_directory, "package.cab");
        Must("attestation", cab, _directory, _directory, Path.Combine(_directory, "test.pfx"), "");
        var names = NativeBuild.Run("gcab", "-t", cab).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        CollectionAssert.AreEqual(
            (from platform in new[] { "x64", "arm64" } from name in new[] { "inf", "sys", "pdb" } select $@"ipvlan-{platform}\ipvlan.{name}").ToArray(), names);
        Assert.AreEqual(0, Verify(cab).Status);
        var unpacked = Directory.CreateDirectory(Path.Combine(_directory, "unpacked")).FullName;
        Assert.AreEqual(0, NativeBuild.Run("gcab", "-x", "-C", unpacked, cab).Status);
        CollectionAssert.AreEqual(File.ReadAllBytes(Path.Combine(_directory, "ipvlan.sys")), File.ReadAllBytes(Path.Combine(unpacked, "ipvlan-arm64", "ipvlan.sys")));
    }

    [TestMethod]
    public void A_directory_without_a_driver_is_refused()
    {
        var nothing = Directory.CreateDirectory(Path.Combine(_directory, "nothing")).FullName;
        StringAssert.Contains(Run("sign-test", nothing).Output, "DIRECTORY must hold ipvlan.sys");
        StringAssert.Contains(Run("attestation", Path.Combine(_directory, "x.cab"), nothing).Output, "must hold ipvlan.sys and ipvlan.pdb");
        Assert.IsFalse(File.Exists(Path.Combine(_directory, "x.cab")));
    }

    private (int Status, string Output) Verify(string path)
    {
        var (certificate, pem) = (Path.Combine(_directory, "test.cer"), Path.Combine(_directory, "test.pem"));
        Assert.AreEqual(0, NativeBuild.Run("openssl", "x509", "-inform", "der", "-in", certificate, "-out", pem).Status);
        return NativeBuild.Run("osslsigncode", "verify", "-CAfile", pem, "-in", path);
    }

    private static (int Status, string Output) Run(string script, params string[] arguments) =>
        NativeBuild.Run(Path.Combine(NativeBuild.Driver, "package", script), arguments);

    private static void Must(string script, params string[] arguments)
    {
        var (status, output) = Run(script, arguments);
        Assert.AreEqual(0, status, output);
    }
}
