using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace IpVlanWin.Cli.Tests;

/// <summary>Who may know whom. What is written down in the project files is one thing; this is what the assemblies refer to.</summary>
[TestClass]
public sealed class AssemblyReferenceTests
{
    private const string Prefix = "IpVlanWin.";

    [TestMethod]
    [DataRow("Engine")]
    [DataRow("HostNetwork")]
    [DataRow("Devices", "Engine")]
    [DataRow("Datapath", "Engine", "Devices", "HostNetwork")]
    [DataRow("Cli", "Datapath", "Engine", "Devices", "HostNetwork", "Protocol")]
    public void A_room_knows_only_the_rooms_below(string room, params string[] allowed)
    {
        var unwanted = References(room).Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)).Except(allowed.Select(name => Prefix + name));
        Assert.AreEqual("", string.Join(' ', unwanted), $"references of {room}");
    }

    [TestMethod]
    public void The_engine_knows_the_base_class_library_only()
    {
        var frameworkFolder = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        foreach (var name in References("Engine"))
        {
            Assert.StartsWith("System.", name);
            Assert.IsTrue(File.Exists(Path.Combine(frameworkFolder, name + ".dll")), $"{name} is not of the framework");
            // Nothing to reach out with: no sockets, files, processes, threads of its own.
            Assert.IsFalse(name.StartsWith("System.Net.Sock", StringComparison.Ordinal) || name is "System.Diagnostics.Process" or "System.IO.FileSystem", name);
        }
    }

    private static List<string> References(string room)
    {
        // The command line's assembly has the command's name.
        var name = room == "Cli" ? "ipvlan.dll" : $"{Prefix}{room}.dll";
        using var file = File.OpenRead(Path.Combine(AppContext.BaseDirectory, name));
        using var assembly = new PEReader(file);
        var metadata = assembly.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name))];
    }
}
