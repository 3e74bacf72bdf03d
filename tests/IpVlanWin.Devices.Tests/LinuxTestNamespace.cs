using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using IpVlanWin.Devices.Linux;

namespace IpVlanWin.Devices.Tests;

/// <summary>
/// A network namespace without a name: it lives as long as its descriptor and what was opened in it, so that a test that is killed
/// leaves nothing behind and two runs never meet.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class LinuxTestNamespace : IDisposable
{
    private readonly FileDescriptor _descriptor;

    public LinuxTestNamespace()
    {
        FileDescriptor? made = null;
        var errno = 0;
        var thread = new Thread(() =>
        {
            if (LinuxNativeMethods.Unshare(NativeMethods.NetworkNamespace) != 0)
                errno = Marshal.GetLastSystemError();
            else
                made = new FileDescriptor(NativeMethods.Open("/proc/thread-self/ns/net", NativeMethods.OpenCloseOnExec));
        });
        thread.Start();
        thread.Join();
        if (errno != 0)
            throw new LinuxDeviceException("cannot make a network namespace", errno);
        _descriptor = made!;
        Ip("link set lo up");
    }

    public SafeHandle Handle => _descriptor;

    /// <summary>A path under which `ip link ... netns PATH` finds the namespace.</summary>
    public string Path => $"/proc/{Environment.ProcessId}/fd/{_descriptor.Number}";

    /// <summary>Skips the test, with the reason, where it cannot run.</summary>
    public static void Require()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Inconclusive("needs Linux");
        if (!Environment.IsPrivilegedProcess)
            Assert.Inconclusive("needs root: network namespaces and TAP interfaces");
        if (!File.Exists("/dev/net/tun"))
            Assert.Inconclusive("needs /dev/net/tun (the kernel's tun module)");
        try
        {
            using var trial = new LinuxTestNamespace();
        }
        catch (LinuxDeviceException refused)
        {
            Assert.Inconclusive(refused.Message);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Inconclusive("needs the command ip (iproute2)");
        }
    }

    public T Run<T>(Func<T> call) => NamespaceThread.Run(_descriptor, call);

    /// <summary>Runs `ip` commands, one a line.</summary>
    public void Ip(params string[] commands) => Assert.AreEqual("", RunIp(commands).Errors, string.Join("; ", commands));

    /// <summary>Runs one `ip` command that a kernel may not know.</summary>
    public bool TryIp(string command) => RunIp(command).Errors.Length == 0;

    /// <summary>What an `ip` command that begins with an option prints.</summary>
    public string AskIp(string command) => RunIp(command).Output;

    /// <summary>
    /// Waits until an interface sends. A veth whose other end came up later has its queue put in by the kernel's link watch, a moment
    /// after the command returns; frames sent before that are lost without an error.
    /// </summary>
    public void WaitForLink(string name)
    {
        var clock = Stopwatch.StartNew();
        string state;
        do
            state = AskIp($"-o link show dev {name}");
        while ((!state.Contains("state UP", StringComparison.Ordinal) || state.Contains("qdisc noop ", StringComparison.Ordinal)) && clock.Elapsed < TimeSpan.FromSeconds(10));
        Assert.Contains("state UP", state);
    }

    private (string Output, string Errors) RunIp(params string[] commands)
    {
        var isQuestion = commands is [['-', ..]];
        using var process = Run(() => Process.Start(new ProcessStartInfo("ip", isQuestion ? commands[0] : "-batch -")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!);
        if (!isQuestion)
            process.StandardInput.Write(string.Join('\n', commands) + "\n");
        process.StandardInput.Close();
        // What `ip` prints here fits the pipes: none waits for the other to be read.
        var (output, errors) = (process.StandardOutput.ReadToEnd(), process.StandardError.ReadToEnd());
        process.WaitForExit();
        return (output, process.ExitCode == 0 ? "" : $"status {process.ExitCode}: {errors}");
    }

    public Socket Socket(AddressFamily family, SocketType type, ProtocolType protocol) =>
        Run(() => new Socket(family, type, protocol) { SendTimeout = 10_000, ReceiveTimeout = 10_000 });

    public void Dispose() => _descriptor.Dispose();
}
