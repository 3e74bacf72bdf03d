using System.Diagnostics;

namespace IpVlanWin.Service.Tests;

/// <summary>
/// A mount namespace with a small file system of its own over one folder; nobody else sees it. It ends with this object, or with this
/// process.
/// </summary>
internal sealed class MountSpace : IDisposable
{
    private readonly Process _holder;
    private readonly string _folder;

    /// <summary>Skips the test where that cannot be done.</summary>
    public MountSpace(string folder, string size)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
            Assert.Inconclusive("needs Linux and root to mount a small file system");
        _folder = folder;
        _holder = Process.Start(new ProcessStartInfo(
            "unshare", ["--mount", "--propagation", "private", "sh", "-c", $"mount -t tmpfs -o size={size} tmpfs '{folder}' && echo ready && exec cat"])
        { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        if (_holder.StandardOutput.ReadLine() != "ready")
            Assert.Inconclusive($"needs the right to mount: {_holder.StandardError.ReadToEnd()}");
    }

    /// <summary>The folder as this process reaches it.</summary>
    public string Path => $"/proc/{_holder.Id}/root{_folder}";

    /// <summary>What runs a command in there.</summary>
    public string[] Inside => ["nsenter", "--mount", $"--target={_holder.Id}", "--wd=/", "--"];

    public void Run(params string[] command)
    {
        using var process = Process.Start(new ProcessStartInfo(Inside[0], [.. Inside[1..], .. command]) { RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode, $"{string.Join(' ', command)}: {errors}");
    }

    /// <summary>Leaves no room.</summary>
    public void Fill()
    {
        var zeros = new byte[4096];
        using var file = new FileStream(System.IO.Path.Combine(Path, "filler"), FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            for (; ; )
                file.Write(zeros);
        }
        catch (IOException)
        {
            // Full.
        }
    }

    public void MakeRoom() => File.Delete(System.IO.Path.Combine(Path, "filler"));

    public void Dispose()
    {
        _holder.StandardInput.Close();
        _holder.WaitForExit();
        _holder.Dispose();
    }
}
