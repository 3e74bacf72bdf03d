using System.Runtime.Versioning;
using IpVlanWin.Devices.Tests;

namespace IpVlanWin.WinDivert.Tests.EndToEnd;

/// <summary>A namespace that has a name, as containers' have.</summary>
[SupportedOSPlatform("linux")]
internal sealed class NamedContainer : IDisposable
{
    public NamedContainer(string? name = null)
    {
        Name = name ?? $"divert-{Environment.ProcessId}-{Guid.NewGuid().ToString("N")[..6]}";
        Directory.CreateDirectory("/run/netns");
        File.WriteAllText("/run/netns/" + Name, "");
        Run("mount", "--bind", Space.Path, "/run/netns/" + Name);
    }

    public LinuxTestNamespace Space { get; } = new();

    public string Name { get; }

    public void Dispose()
    {
        Run("umount", "/run/netns/" + Name);
        File.Delete("/run/netns/" + Name);
        Space.Dispose();
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(program, arguments);
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode, program);
    }
}
