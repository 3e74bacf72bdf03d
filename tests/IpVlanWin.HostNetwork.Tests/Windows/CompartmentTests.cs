using IpVlanWin.HostNetwork.Windows;

namespace IpVlanWin.HostNetwork.Tests.Windows;

[TestClass]
public sealed class CompartmentTests
{
    private static readonly Guid s_id = Guid.Parse("3f1c2b7e-0000-4000-8000-00000000abcd");

    private readonly StrictIphlpapi _ip = new() { Compartments = { 3 } };

    [TestMethod]
    public void Run_IsInTheCompartment_OnAThreadOfItsOwn()
    {
        var mine = Environment.CurrentManagedThreadId;
        var (compartment, thread) = new Compartment(_ip, 3).Run(() => (_ip.GetThreadCompartment(), Environment.CurrentManagedThreadId));
        Assert.AreEqual(3u, compartment);
        Assert.AreNotEqual(mine, thread);
        Assert.AreEqual(1u, _ip.GetThreadCompartment());
    }

    [TestMethod]
    public void Run_PassesErrorsOut()
    {
        Assert.AreEqual("body", Assert.ThrowsExactly<InvalidDataException>(() => new Compartment(_ip, 3).Run(() => throw new InvalidDataException("body"))).Message);
        var error = Assert.ThrowsExactly<HostNetworkException>(() => new Compartment(_ip, 4).Run(() => { }));
        Assert.AreEqual(1168, error.NativeCode);
        StringAssert.Contains(error.Message, "enter network compartment 4");
        _ip.Elevated = false;
        Assert.AreEqual(5, Assert.ThrowsExactly<HostNetworkException>(() => new Compartment(_ip, 3).Run(() => { })).NativeCode);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new Compartment(_ip, 0));
    }

    /// <summary>The container service with prepared answers; refuses a query that is not the documented one.</summary>
    private sealed class Hcn : IComputeNetwork
    {
        public Dictionary<Guid, string> Namespaces { get; } = [];
        public List<Guid> Gone { get; } = [];
        public uint Code { get; set; }

        public uint EnumerateNamespaces(string query, out string? ids, out string? error)
        {
            Require(query);
            ids = System.Text.Json.JsonSerializer.Serialize(Namespaces.Keys.Concat(Gone));
            error = Code == 0 ? null : """{"Success":false,"Error":"the service says no","ErrorCode":5}""";
            return Code;
        }

        public uint QueryNamespace(Guid id, string query, out string? properties, out string? error)
        {
            Require(query);
            error = null;
            if (Namespaces.TryGetValue(id, out properties)) return 0;
            error = """{"Success":false,"Error":"not found"}""";
            return 0x80070490;
        }

        private static void Require(string query) => Assert.AreEqual("""{"SchemaVersion":{"Major":2,"Minor":0},"Flags":0}""", query);
    }

    [TestMethod]
    public void Namespaces_AreListed_WithTheirCompartments()
    {
        var hcn = new Hcn { Namespaces = { [s_id] = """{"ID":"3F1C2B7E-0000-4000-8000-00000000ABCD","NamespaceId":3,"Type":"Guest","Resources":[{"Type":"Container"}],"SchemaVersion":{"Major":2,"Minor":0}}""" } };
        var namespaces = new ComputeNamespaces(hcn);
        Assert.AreEqual(new ComputeNamespace(s_id, 3, "Guest"), namespaces.List().Single());
        Assert.AreEqual(3u, namespaces.FindCompartment(s_id));
        var pending = Guid.NewGuid();
        hcn.Namespaces[pending] = """{"Type":"Host"}""";
        Assert.IsNull(namespaces.FindCompartment(pending));
        Assert.AreEqual(pending, namespaces.Find(pending)!.Id);
        // One that went meanwhile is left out.
        hcn.Gone.Add(Guid.NewGuid());
        Assert.HasCount(2, namespaces.List());
        Assert.IsNull(namespaces.Find(Guid.NewGuid()));
    }

    [TestMethod]
    public void Namespaces_Errors_AreTold()
    {
        var hcn = new Hcn { Code = 0x80070005 };
        var error = Assert.ThrowsExactly<HostNetworkException>(() => new ComputeNamespaces(hcn).List());
        Assert.AreEqual((unchecked((int)0x80070005), "the service says no"), (error.NativeCode, error.NativeText));
        hcn.Namespaces[s_id] = "{";
        StringAssert.Contains(Assert.ThrowsExactly<HostNetworkException>(() => new ComputeNamespaces(hcn).Find(s_id)).Message, "its answer of 1 characters");
    }
}
