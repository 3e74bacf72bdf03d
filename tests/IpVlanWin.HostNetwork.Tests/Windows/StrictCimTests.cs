using System.Management;
using System.Runtime.Versioning;
using IpVlanWin.HostNetwork.Windows;

namespace IpVlanWin.HostNetwork.Tests.Windows;

/// <summary>That the repository is as strict as it says: what no Windows would take, it does not take.</summary>
[TestClass]
public sealed class StrictCimTests
{
    private static StrictCim Repository(out CimObject adapter)
    {
        var cim = new StrictCim();
        cim.On("MSFT_NetAdapter.Rename", (_, _) => StrictCim.Reply(0));
        adapter = StrictCim.ToObject(cim.Add(NetAdapters.Namespace, "MSFT_NetAdapter", new() { ["DeviceID"] = "{A}", ["Name"] = @"a\'b", ["InterfaceIndex"] = 3u }));
        return cim;
    }

    private static CimFailure FailureOf(Action body) => (CimFailure)Assert.ThrowsExactly<HostNetworkException>(body).NativeCode;

    [TestMethod]
    [DataRow(@"root\cimv3", "SELECT * FROM MSFT_NetAdapter", (int)CimFailure.InvalidNamespace)]
    [DataRow(@"root\StandardCimv2", "SELECT * FROM MSFT_NetAdaptor", (int)CimFailure.InvalidClass)]
    [DataRow(@"root\CIMV2", "SELECT * FROM MSFT_NetAdapter", (int)CimFailure.InvalidClass)]
    [DataRow(@"root\StandardCimv2", "SELECT Name FROM MSFT_NetAdapter", (int)CimFailure.InvalidQuery)]
    [DataRow(@"root\StandardCimv2", "SELECT * FROM MSFT_NetAdapter WHERE Naem='a'", (int)CimFailure.InvalidQuery)]
    [DataRow(@"root\StandardCimv2", "SELECT * FROM MSFT_NetAdapter WHERE InterfaceIndex='3'", (int)CimFailure.InvalidQuery)]
    [DataRow(@"root\StandardCimv2", "SELECT * FROM MSFT_NetAdapter WHERE Name='Brad's NIC'", (int)CimFailure.InvalidQuery)]
    [DataRow(@"root\StandardCimv2", "SELECT * FROM MSFT_NetAdapter WHERE Name='a\\'", (int)CimFailure.InvalidQuery)]
    [DataRow(@"root\StandardCimv2", "SELECT * FROM MSFT_NetAdapter WHERE Name=a", (int)CimFailure.InvalidQuery)]
    public void Query_ThatIsWrong_IsRefused(string cimNamespace, string query, int failure)
    {
        using var cim = Repository(out _);
        Assert.AreEqual((CimFailure)failure, FailureOf(() => cim.Query(cimNamespace, query)));
    }

    [TestMethod]
    public void Quote_CarriesEveryName()
    {
        using var cim = Repository(out _);
        Assert.HasCount(1, cim.Query(NetAdapters.Namespace, $"SELECT * FROM MSFT_NetAdapter WHERE Name={CimText.Quote(@"a\'b")}"));
        Assert.AreEqual(@"'a\\\'\""b'", CimText.Quote("a\\'\"b"));
        Assert.AreEqual(@"\\H\root\x:C.A=""q\""\\"",B=3,C=TRUE", CimText.Path("H", @"root\x", "C", [new("A", "q\"\\"), new("B", 3u), new("C", true)]));
    }

    [TestMethod]
    public void Invoke_ThatIsWrong_IsRefused()
    {
        using var cim = Repository(out var adapter);
        cim.Invoke(adapter, "Rename", new CimArgument("NewName", CimKind.String, "b"));
        Assert.AreEqual(CimFailure.MethodNotFound, FailureOf(() => cim.Invoke(adapter, "Delete")));
        Assert.AreEqual(CimFailure.InvalidParameter, FailureOf(() => cim.Invoke(adapter, "Rename", new CimArgument("Name", CimKind.String, "b"))));
        Assert.AreEqual(CimFailure.TypeMismatch, FailureOf(() => cim.Invoke(adapter, "Rename", new CimArgument("NewName", CimKind.UInt32, 3u))));
        Assert.AreEqual(CimFailure.TypeMismatch, FailureOf(() => cim.Invoke(adapter, "Rename", new CimArgument("NewName", CimKind.String, 3u))));
        Assert.AreEqual(CimFailure.InvalidParameter, FailureOf(() => cim.Invoke(adapter, "Rename", new CimArgument("NewName", CimKind.String, "b"), new CimArgument("NewName", CimKind.String, "c"))));
        cim.Delete((StrictCim.Stored)adapter.Native!);
        Assert.IsNull(cim.Read(adapter));
        Assert.AreEqual(CimFailure.NotFound, FailureOf(() => cim.Invoke(adapter, "Rename", new CimArgument("NewName", CimKind.String, "b"))));
    }

    [TestMethod]
    public void Objects_KnowTheirTypes()
    {
        using var cim = Repository(out var adapter);
        Assert.AreEqual(3UL, adapter.Number("interfaceindex"));
        Assert.AreEqual(CimFailure.NoSuchProperty, FailureOf(() => _ = adapter["ifIndex"]));
        Assert.AreEqual(CimFailure.TypeMismatch, FailureOf(() => adapter.Text("InterfaceIndex")));
        Assert.AreEqual(CimFailure.TypeMismatch, FailureOf(() => adapter.Number("Name")));
        Assert.AreEqual(CimFailure.TypeMismatch, FailureOf(() => adapter.Flag("Virtual")));
        Assert.IsNull(adapter.OptionalFlag("Virtual"));
        Assert.ThrowsExactly<InvalidOperationException>(() => cim.Add(NetAdapters.Namespace, "MSFT_NetAdapter", new() { ["DeviceID"] = "{B}", ["ifIndex"] = 3u }));
        Assert.ThrowsExactly<InvalidOperationException>(() => cim.Add(NetAdapters.Namespace, "MSFT_NetAdapter", new() { ["DeviceID"] = "{B}", ["InterfaceIndex"] = 3 }));
        Assert.ThrowsExactly<InvalidOperationException>(() => cim.Add(NetAdapters.Namespace, "MSFT_NetAdapter", []));
    }

    [TestMethod]
    public void Embedded_IsReadBack_AndWhatTheClassLacksIsRefused()
    {
        const string Class = "Msvm_EthernetPortAllocationSettingData";
        var text = new EmbeddedInstance(Class).Set("ElementName", "a<b>&\"c\"").Set("ResourceType", 33).Set("HostResource", ["x", "y"]).ToString();
        var values = StrictCim.Embedded(SwitchAdapters.Namespace, Class, text);
        Assert.AreEqual(("a<b>&\"c\"", (ushort)33), (values["ElementName"], values["ResourceType"]));
        CollectionAssert.AreEqual(new[] { "x", "y" }, (string[])values["HostResource"]!);
        Assert.AreEqual(CimFailure.NoSuchProperty, FailureOf(() => StrictCim.Embedded(SwitchAdapters.Namespace, Class, new EmbeddedInstance(Class).Set("Nmae", "x").ToString())));
        Assert.AreEqual(CimFailure.TypeMismatch, FailureOf(() => StrictCim.Embedded(SwitchAdapters.Namespace, Class, new EmbeddedInstance(Class).Set("HostResource", "x").ToString())));
        Assert.AreEqual(CimFailure.InvalidParameter, FailureOf(() => StrictCim.Embedded(SwitchAdapters.Namespace, Class, new EmbeddedInstance("Msvm_Other").ToString())));
    }

    [TestMethod]
    public void Errors_KeepTheCodeAndSayWhatToDo()
    {
        foreach (var failure in Enum.GetValues<CimFailure>())
        {
            Assert.Contains(failure, CimError.Known);
            var error = CimError.Create(failure, 4711, "try", " text ");
            Assert.AreEqual(4711, error.NativeCode);
            Assert.MatchesRegex(@"^cannot try: [^\r\n]{10,} \(CIM_ERR_[A-Z_]+\): text$", error.Message);
        }
        Assert.AreEqual("CIM error 99", CimError.Create((CimFailure)99, 99, "try", null).NativeName);
        Assert.IsTrue(CimError.CheckConfiguration(StrictCim.Reply(1), "try"));
        foreach (var code in new uint[] { 64, 65, 68, 84, 91 }) Assert.AreEqual((int)code, Assert.ThrowsExactly<HostNetworkException>(() => CimError.CheckConfiguration(StrictCim.Reply(code), "try")).NativeCode);
    }

    [TestMethod]
    [SupportedOSPlatform("windows")]
    public void WbemStatus_MeansWhatSystemManagementSays()
    {
        foreach (var (status, failure) in new[]
        {
            (ManagementStatus.NotFound, CimFailure.NotFound), (ManagementStatus.AccessDenied, CimFailure.AccessDenied), (ManagementStatus.TypeMismatch, CimFailure.TypeMismatch),
            (ManagementStatus.InvalidParameter, CimFailure.InvalidParameter), (ManagementStatus.InvalidMethodParameters, CimFailure.InvalidParameter), (ManagementStatus.NotSupported, CimFailure.NotSupported),
            (ManagementStatus.InvalidNamespace, CimFailure.InvalidNamespace), (ManagementStatus.InvalidClass, CimFailure.InvalidClass), (ManagementStatus.InvalidQuery, CimFailure.InvalidQuery),
            (ManagementStatus.AlreadyExists, CimFailure.AlreadyExists), (ManagementStatus.InvalidMethod, CimFailure.MethodNotFound), (ManagementStatus.MethodNotImplemented, CimFailure.MethodNotAvailable),
            (ManagementStatus.InvalidProperty, CimFailure.NoSuchProperty), (ManagementStatus.Timedout, CimFailure.Timeout), (ManagementStatus.ShuttingDown, CimFailure.ServerIsShuttingDown),
            (ManagementStatus.ServerTooBusy, CimFailure.ServerLimitsExceeded), (ManagementStatus.ProviderFailure, CimFailure.Failed),
        })
            Assert.AreEqual(failure, CimError.FromWbem((uint)status), $"{status}");
    }
}
