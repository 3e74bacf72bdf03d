using IpVlanWin.InstallerBuild;
using IpVlanWin.Setup;
using WixSharp;

const string Usage = "usage: build [--output FOLDER] [--programs FOLDER] [--module FOLDER] [--version X.Y.Z] [--driver FOLDER] [--windivert FOLDER] [--sign CERTIFICATE.pfx]\n       build --publish FOLDER";

var options = new Dictionary<string, string?>(StringComparer.Ordinal)
{
    ["--output"] = "dist", ["--programs"] = null, ["--module"] = null, ["--version"] = null, ["--driver"] = null, ["--windivert"] = null, ["--sign"] = null, ["--publish"] = null,
};
for (var i = 0; i < args.Length; i += 2)
{
    if (args[i] is "--help" or "-h")
    {
        Console.WriteLine(Usage);
        return 0;
    }
    if (!options.ContainsKey(args[i]) || i + 1 == args.Length)
    {
        Console.Error.WriteLine($"build: \"{args[i]}\" {(options.ContainsKey(args[i]) ? "needs a value" : $"is unknown: must be {string.Join(", ", options.Keys)}")}");
        return 1;
    }
    options[args[i]] = args[i + 1];
}
try
{
    var repository = Repository.Find();
    var version = options["--version"] is { } text
        ? Version.TryParse(text, out var given) && given.Build >= 0 ? given : throw new BuildException($"argument of \"--version\" must be X.Y.Z, not \"{text}\"")
        : repository.Version;
    using var stage = new Stage(repository, options["--publish"]);
    if (options["--publish"] is not null)
    {
        stage.PublishPrograms();
        stage.PublishModule();
        return 0;
    }
    var output = Path.GetFullPath(options["--output"]!);
    Directory.CreateDirectory(output);
    var programs = options["--programs"] is { } built ? Path.GetFullPath(built) : stage.PublishPrograms();
    var module = options["--module"] is { } module0 ? Path.GetFullPath(module0) : stage.PublishModule();
    var windivert = options["--windivert"] is { } diversion ? WinDivertFiles.Check(Path.GetFullPath(diversion)) : null;
    var driver = options["--driver"] is { } filter ? Path.GetFullPath(filter) : null;
    if (options["--sign"] is { } certificate)
        Signing.Sign(certificate, Directory.EnumerateFiles(programs, "ipvlan*.exe"));
    var folders = new[] { programs, module, driver, windivert }.OfType<string>().ToArray();
    var input = new SetupInput(
        version, Contents.Code(version, folders), programs, module, Path.Combine(repository.Root, "installer", "appsettings.json"),
        Path.Combine(repository.Root, "installer", "licences"), output, driver, windivert);
    var msi = Compiler.BuildMsi(Product.Describe(input)) ?? throw new BuildException("the MSI was not made; what is above says why");
    if (options["--sign"] is { } again)
        Signing.Sign(again, [msi]);
    var bill = BillOfMaterials.Write(output, version, folders);
    Contents.WriteSums(output, [msi, bill]);
    Console.WriteLine($"{msi}: {new FileInfo(msi).Length / 1048576.0:f1} MiB");
    return 0;
}
catch (Exception fault) when (fault is InvalidOperationException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"build: {fault.Message}");
    return 2;
}
