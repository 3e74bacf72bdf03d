using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.HostNetwork.Tests.Linux;

[TestClass]
[SupportedOSPlatform("linux")]
public sealed class NetworkNamespaceTests
{
    [TestMethod]
    public void Create_IsListedEnteredAndDeleted()
    {
        TestNamespace.RequireRoot();
        string name;
        using (var test = new TestNamespace("life"))
        {
            name = test.Name;
            Assert.IsTrue(NetworkNamespace.Exists(name));
            Assert.Contains(name, NetworkNamespace.List());
            using var current = NetworkNamespace.OpenCurrent();
            using var again = NetworkNamespace.Open(name);
            Assert.AreNotEqual(current.Identity, test.Namespace.Identity);
            Assert.AreEqual(test.Namespace.Identity, again.Identity);
            Assert.AreEqual(test.Namespace.Identity, test.Namespace.Run(() =>
            {
                using var inside = NetworkNamespace.OpenCurrent();
                return inside.Identity;
            }));
            var loopback = test.Netlink.GetLink("lo");
            Assert.IsTrue(loopback.IsUp);
            Assert.IsTrue(loopback.Flags.HasFlag(LinkFlags.Loopback));
        }
        Assert.IsFalse(NetworkNamespace.Exists(name));
        Assert.IsFalse(File.Exists($"/run/netns/{name}"));
        Assert.DoesNotContain(name, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);
    }

    [TestMethod]
    public void OpenProcess_OfThisProcess_IsTheCurrent()
    {
        TestNamespace.RequireRoot();
        using var process = NetworkNamespace.OpenProcess(Environment.ProcessId);
        using var current = NetworkNamespace.OpenCurrent();
        Assert.AreEqual(current.Identity, process.Identity);
        Assert.IsNull(process.Name);
    }

    [TestMethod]
    public void Names_Taken_Missing_AndWrong_AreRefused()
    {
        using var test = new TestNamespace("names");
        Assert.AreEqual("EEXIST", Assert.ThrowsExactly<HostNetworkException>(() => NetworkNamespace.Create(test.Name)).NativeName);
        Assert.IsTrue(NetworkNamespace.Exists(test.Name), "a refused creation must not remove the other's name");
        var missing = TestNamespace.UniqueName("missing");
        Assert.AreEqual(2, Assert.ThrowsExactly<HostNetworkException>(() => NetworkNamespace.Open(missing)).NativeCode);
        Assert.AreEqual("ENOENT", Assert.ThrowsExactly<HostNetworkException>(() => NetworkNamespace.Delete(missing)).NativeName);
        foreach (var wrong in new[] { "", ".", "..", "a/b", "a b", new string('x', 256) })
        {
            Assert.ThrowsExactly<ArgumentException>(() => NetworkNamespace.Create(wrong));
        }
    }

    [TestMethod]
    public void Open_FileThatIsNoNamespace_IsRefusedAndCanBeDeleted()
    {
        using var test = new TestNamespace("file");
        var name = TestNamespace.UniqueName("plain");
        File.WriteAllText($"/run/netns/{name}", "");
        try
        {
            Assert.AreEqual("ENOTTY", Assert.ThrowsExactly<HostNetworkException>(() => NetworkNamespace.Open(name)).NativeName);
        }
        finally
        {
            NetworkNamespace.Delete(name);
        }
        Assert.IsFalse(NetworkNamespace.Exists(name));
    }

    [TestMethod]
    public void Run_Exception_KeepsTypeAndStack()
    {
        using var test = new TestNamespace("throw");
        var error = Assert.ThrowsExactly<InvalidDataException>(() => test.Namespace.Run(Thrower));
        Assert.AreEqual("inside", error.Message);
        Assert.Contains(nameof(Thrower), error.StackTrace!, StringComparison.Ordinal);
    }

    private static int Thrower() => throw new InvalidDataException("inside");

    [TestMethod]
    public void Run_LeavesNoThreadInside()
    {
        using var test = new TestNamespace("threads");
        for (var i = 0; i < 20; i++)
        {
            test.Namespace.Run(() => { });
            Assert.ThrowsExactly<InvalidDataException>(() => test.Namespace.Run(Thrower));
        }
        using (HostWatch.Start(test.Namespace))
        using (MulticastList.Open(test.Namespace))
        {
            test.Namespace.ReadProc("dev");
            AssertNoThreadIn(test.Namespace);
        }
    }

    internal static void AssertNoThreadIn(NetworkNamespace networkNamespace)
    {
        // A thread that was joined may need a moment more to leave /proc.
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var inside = Directory.GetDirectories("/proc/self/task").Count(task =>
            {
                try
                {
                    return File.ResolveLinkTarget($"{task}/ns/net", false)?.Name == $"net:[{networkNamespace.Identity}]";
                }
                catch (IOException)
                {
                    return false;
                }
            });
            if (inside == 0) return;
            if (clock.Elapsed > TimeSpan.FromSeconds(5)) Assert.Fail($"{inside} threads stayed in {networkNamespace}");
            Thread.Yield();
        }
    }

    [TestMethod]
    public void Socket_OpenedInside_StaysInsideAfterTheNameIsGone()
    {
        TestNamespace.RequireRoot();
        Socket inside;
        using (var test = new TestNamespace("socket"))
        {
            inside = test.Namespace.Run(() =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
                socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
                return socket;
            });
        }
        using (inside)
        {
            // The same port is free outside: it is another loopback.
            using var outside = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            outside.Bind(inside.LocalEndPoint!);
            inside.SendTo([42], inside.LocalEndPoint!);
            inside.ReceiveTimeout = 5000;
            var buffer = new byte[1];
            Assert.AreEqual(1, inside.Receive(buffer));
            Assert.AreEqual(42, buffer[0]);
            Assert.AreEqual(0, outside.Available);
        }
    }

    [TestMethod]
    public void Sysctl_IsTheNamespacesOwn()
    {
        using var one = new TestNamespace("sysctl1");
        using var two = new TestNamespace("sysctl2");
        one.Namespace.WriteSysctl("net/ipv4/ip_forward", "1");
        Assert.AreEqual("1", one.Namespace.ReadSysctl("net/ipv4/ip_forward"));
        two.Namespace.WriteSysctl("net/ipv4/ip_forward", "0");
        Assert.AreEqual("0", two.Namespace.ReadSysctl("net/ipv4/ip_forward"));
        Assert.AreEqual("1", one.Namespace.ReadSysctl("net/ipv4/ip_forward"));
        Assert.Throws<IOException>(() => one.Namespace.WriteSysctl("net/ipv4/no_such_thing", "1"));
        Assert.Throws<IOException>(() => one.Namespace.WriteSysctl("net/ipv4/ip_forward", "banana"));
        Assert.ThrowsExactly<ArgumentException>(() => one.Namespace.WriteSysctl("kernel/hostname", "x"));
        Assert.ThrowsExactly<ArgumentException>(() => one.Namespace.ReadSysctl("net/../kernel/hostname"));
    }

    [TestMethod]
    public void IpNetnsExec_SeesWhatWeMade()
    {
        using var test = new TestNamespace("exec");
        test.Netlink.CreateVeth("here", "there");
        var output = Iproute.Run("netns", "exec", test.Name, "ip", "-o", "link");
        Assert.Contains("here@there", output, StringComparison.Ordinal);
        Assert.Contains(test.Name, Iproute.Run("netns", "list"), StringComparison.Ordinal);
    }
}
