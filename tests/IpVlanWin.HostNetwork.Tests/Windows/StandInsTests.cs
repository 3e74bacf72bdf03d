using System.Net.Sockets;
using System.Text.Json;
using IpVlanWin.HostNetwork.Windows;

namespace IpVlanWin.HostNetwork.Tests.Windows;

[TestClass]
public sealed class StandInsTests
{
    private static readonly Guid s_tag = Guid.Parse("11112222-3333-4444-5555-666677778888");

    [TestMethod]
    public void Loopback_IsMadeFoundByItsDeviceRenamedAndRemoved()
    {
        using var bed = new StandInBed();
        // Others with the name and kind that a search by name or description would find.
        bed.Plug(@"PCI\VEN_8086&DEV_1\1", "Ethernet");
        var standIn = bed.StandIns.Create(StandInKind.Loopback, s_tag, "ipvl0");
        Assert.AreEqual(@"ROOT\NET\0000", standIn.Device.Id);
        Assert.AreEqual("ipvl0", bed.Adapter(standIn).Values["Name"]);
        // Somebody renames it: it is still found, by its tag.
        bed.Adapter(standIn).Values["Name"] = "renamed by a policy";
        Assert.AreEqual("renamed by a policy", bed.StandIns.Find(s_tag)!.Name);
        Assert.AreEqual("it's \"ipvl0\"", bed.StandIns.Rename(standIn, "it's \"ipvl0\"").Name);
        Assert.AreEqual("it's \"ipvl0\"", bed.StandIns.Find(s_tag)!.Name);
        bed.StandIns.Remove(s_tag);
        bed.StandIns.Remove(s_tag);
        Assert.IsNull(bed.StandIns.Find(s_tag));
        Assert.HasCount(1, bed.Cim.All("MSFT_NetAdapter").ToList());
    }

    [TestMethod]
    [DataRow(true, DisplayName = "by GUID")]
    [DataRow(false, DisplayName = "by MAC address")]
    public void VSwitch_IsMadeFoundAndRemoved(bool guid)
    {
        using var bed = new StandInBed { PortHasAdapterGuid = guid, Job = new([((ushort)4, (ushort)0, null), ((ushort)7, (ushort)0, null)]) };
        var standIn = bed.StandIns.Create(StandInKind.VSwitch, s_tag, "ipvl'0 <&>");
        Assert.AreEqual("ipvl'0 <&>", bed.Adapter(standIn).Values["Name"]);
        Assert.AreEqual(standIn, bed.StandIns.Find(s_tag));
        CollectionAssert.AreEqual(new[] { $"IpVlanWin stand-in {s_tag}" }, (string[])bed.Cim.All("Msvm_VirtualEthernetSwitchSettingData").Single().Values["Notes"]!);
        Assert.AreEqual("CIM_ERR_ALREADY_EXISTS", Assert.ThrowsExactly<HostNetworkException>(() => bed.StandIns.Create(StandInKind.VSwitch, Guid.NewGuid(), "ipvl'0 <&>")).NativeName);
        bed.StandIns.Remove(s_tag);
        Assert.IsEmpty(bed.Cim.All("Msvm_VirtualEthernetSwitch"));
        Assert.IsEmpty(bed.Cim.All("MSFT_NetAdapter"));
        bed.StandIns.Remove(s_tag);
    }

    [TestMethod]
    public void VSwitch_Failures_SayWhatHyperVSaid()
    {
        using var bed = new StandInBed { Job = new([((ushort)10, (ushort)32774, "The switch is busy.")]) };
        var error = Assert.ThrowsExactly<HostNetworkException>(() => bed.StandIns.Create(StandInKind.VSwitch, s_tag, "ipvl0"));
        Assert.AreEqual((32774, "The switch is busy."), (error.NativeCode, error.NativeText));
        foreach (var (code, name) in new[] { (32769u, "CIM_ERR_ACCESS_DENIED"), (32773u, "CIM_ERR_INVALID_PARAMETER"), (32777u, "CIM_ERR_FAILED"), (4711u, "CIM_ERR_FAILED") })
        {
            bed.Cim.ReturnCodes["Msvm_VirtualEthernetSwitchManagementService.DefineSystem"] = code;
            error = Assert.ThrowsExactly<HostNetworkException>(() => bed.StandIns.Create(StandInKind.VSwitch, s_tag, "ipvl0"));
            Assert.AreEqual(((int)code, name), (error.NativeCode, error.NativeName));
        }
        Assert.IsEmpty(bed.StandIns.List());
    }

    [TestMethod]
    public void WithoutHyperV_LoopbacksWork_AndASwitchIsRefusedWithTheReason()
    {
        using var bed = new StandInBed();
        bed.Cim.Missing.Add(SwitchAdapters.Namespace);
        bed.StandIns.Create(StandInKind.Loopback, s_tag, "ipvl0");
        Assert.HasCount(1, bed.StandIns.List());
        var error = Assert.ThrowsExactly<HostNetworkException>(() => bed.StandIns.Create(StandInKind.VSwitch, Guid.NewGuid(), "ipvl1"));
        Assert.AreEqual("CIM_ERR_INVALID_NAMESPACE", error.NativeName);
        StringAssert.Contains(error.Message, "Hyper-V");
    }

    [TestMethod]
    public void Create_ThatFailsHalfWay_LeavesNothing()
    {
        using var bed = new StandInBed { RenameLies = true };
        StringAssert.Contains(Assert.ThrowsExactly<HostNetworkException>(() => bed.StandIns.Create(StandInKind.Loopback, s_tag, "ipvl0")).Message, "it is named \"Ethernet 2\"");
        Assert.IsEmpty(bed.StandIns.List());
        Assert.IsEmpty(bed.Cim.All("MSFT_NetAdapter"));
        bed.RenameLies = false;
        bed.Devices.Starts = false;
        var error = Assert.ThrowsExactly<HostNetworkException>(() => bed.StandIns.Create(StandInKind.Loopback, s_tag, "ipvl0"));
        Assert.AreEqual("CIM_ERR_OPERATION_TIMEOUT", error.NativeName);
        Assert.IsNull(error.CleanupError);
        Assert.IsEmpty(bed.StandIns.List());
        // What cannot be removed either is told beside the first error, and found later by its tag.
        bed.Devices.Holds = true;
        error = Assert.ThrowsExactly<HostNetworkException>(() => bed.StandIns.Create(StandInKind.Loopback, s_tag, "ipvl0"));
        Assert.AreEqual(("CIM_ERR_OPERATION_TIMEOUT", 3010), (error.NativeName, error.CleanupError!.NativeCode));
        StringAssert.Contains(error.Message, "could not be undone: cannot remove loopback adapter");
        Assert.AreEqual(s_tag, bed.StandIns.FindOrphans(new HashSet<Guid>()).Single().Tag);
    }

    [TestMethod]
    public void Orphans_AreThoseNobodyKnows()
    {
        using var bed = new StandInBed();
        var other = Guid.NewGuid();
        bed.StandIns.Create(StandInKind.Loopback, s_tag, "ipvl0");
        bed.StandIns.Create(StandInKind.VSwitch, other, "ipvl1");
        // Switches of others, with and without notes.
        foreach (var notes in new string[]?[] { null, [], ["mine"], ["IpVlanWin stand-in of mine"] })
            bed.Cim.Add(SwitchAdapters.Namespace, "Msvm_VirtualEthernetSwitchSettingData", new() { ["InstanceID"] = Guid.NewGuid().ToString(), ["VirtualSystemIdentifier"] = "x", ["ElementName"] = "x", ["Notes"] = notes });
        Assert.HasCount(2, bed.StandIns.List());
        Assert.AreEqual(other, bed.StandIns.FindOrphans(new HashSet<Guid> { s_tag }).Single().Tag);
        bed.Devices.FeatureUpdate();
        Assert.IsNull(bed.StandIns.Find(s_tag));
        Assert.IsNotNull(bed.StandIns.Find(other));
    }

    [TestMethod]
    public void Profile_IsApplied_Remembered_AndGivenBack()
    {
        using var bed = new StandInBed();
        var standIn = bed.StandIns.Create(StandInKind.Loopback, s_tag, "ipvl0");
        var before4 = bed.Network.GetIpInterface(standIn.LinkIndex, AddressFamily.InterNetwork);
        var before6 = bed.Network.GetIpInterface(standIn.LinkIndex, AddressFamily.InterNetworkV6);
        var llmnr = $@"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\Interfaces\{standIn.Adapter:B}";

        var profile = bed.StandIns.Apply(standIn);
        foreach (var family in new[] { AddressFamily.InterNetwork, AddressFamily.InterNetworkV6 })
        {
            var now = bed.Network.GetIpInterface(standIn.LinkIndex, family);
            Assert.AreEqual((StandIns.Metric, 0, true), (now.Metric, now.DadTransmits, now.IgnoreDefaultRoutes));
        }
        Assert.IsFalse(bed.IsBound(standIn, "ms_server"));
        Assert.IsFalse(bed.IsBound(standIn, "ms_msclient"));
        Assert.IsTrue(bed.IsBound(standIn, "ms_tcpip"));
        Assert.AreEqual((false, false, 2u), (bed.Names(standIn).Values["FullDNSRegistrationEnabled"], bed.Names(standIn).Values["DomainDNSRegistrationEnabled"], bed.Names(standIn).Values["TcpipNetbiosOptions"]));
        Assert.AreEqual(0, bed.Registry.Read(llmnr, "EnableMulticast"));

        // A second time there is nothing to change, so nothing to give back but what cannot be told apart.
        var again = bed.StandIns.Apply(standIn);
        Assert.IsEmpty(again.Bindings);
        Assert.AreEqual((null, null, false), (again.FullDnsRegistration, again.Netbios, again.LlmnrChanged));

        // It survives being kept as text.
        profile = JsonSerializer.Deserialize<StandInProfile>(JsonSerializer.Serialize(profile))!;
        bed.StandIns.Restore(standIn, profile);
        Assert.AreEqual(before4, bed.Network.GetIpInterface(standIn.LinkIndex, AddressFamily.InterNetwork));
        Assert.AreEqual(before6, bed.Network.GetIpInterface(standIn.LinkIndex, AddressFamily.InterNetworkV6));
        Assert.IsTrue(bed.IsBound(standIn, "ms_server"));
        Assert.IsTrue(bed.IsBound(standIn, "ms_msclient"));
        Assert.AreEqual((true, false, 0u), (bed.Names(standIn).Values["FullDNSRegistrationEnabled"], bed.Names(standIn).Values["DomainDNSRegistrationEnabled"], bed.Names(standIn).Values["TcpipNetbiosOptions"]));
        Assert.IsNull(bed.Registry.Read(llmnr, "EnableMulticast"));
    }

    [TestMethod]
    [DataRow("registry")]
    [DataRow("binding")]
    [DataRow("netbios")]
    [DataRow("elevation")]
    public void Profile_ThatIsRefusedHalfWay_IsTakenBack(string what)
    {
        using var bed = new StandInBed();
        var standIn = bed.StandIns.Create(StandInKind.Loopback, s_tag, "ipvl0");
        var before = bed.Network.GetIpInterface(standIn.LinkIndex, AddressFamily.InterNetwork);
        if (what == "registry") bed.Registry.Denies = true;
        if (what == "binding") bed.BindingLies = true;
        if (what == "netbios") bed.Cim.ReturnCodes["Win32_NetworkAdapterConfiguration.SetTcpipNetbios"] = 84;
        if (what == "elevation") bed.Ip.Elevated = false;
        var error = Assert.ThrowsExactly<HostNetworkException>(() => bed.StandIns.Apply(standIn));
        if (what == "netbios") StringAssert.Contains(error.Message, "IPv4 is not enabled on the adapter");
        Assert.IsNull(error.CleanupError);
        Assert.AreEqual(before, bed.Network.GetIpInterface(standIn.LinkIndex, AddressFamily.InterNetwork));
        Assert.IsTrue(bed.IsBound(standIn, "ms_server"));
        Assert.AreEqual(true, bed.Names(standIn).Values["FullDNSRegistrationEnabled"]);
        Assert.AreEqual(0u, bed.Names(standIn).Values["TcpipNetbiosOptions"]);
    }

    [TestMethod]
    public void Bindings_AreListedSwitchedAndReadBack()
    {
        using var bed = new StandInBed();
        var adapters = new NetAdapters(bed.Cim);
        var adapter = bed.Plug(@"PCI\VEN_1\1", "Brad's NIC");
        bed.Plug(@"PCI\VEN_1\2", "Brad's NIC 2");
        var guid = NetAdapters.GuidOf(StrictCim.ToObject(adapter));
        CollectionAssert.Contains(adapters.ListBindings(guid).ToList(), new AdapterBinding("ms_wfplwf_lower", "ms_wfplwf_lower", true));
        Assert.HasCount(5, adapters.ListBindings(guid));
        Assert.AreEqual(true, adapters.SetBinding(guid, "MS_WFPLWF_LOWER", enabled: false));
        Assert.AreEqual(false, adapters.SetBinding(guid, "ms_wfplwf_lower", enabled: false));
        Assert.IsNull(adapters.SetBinding(guid, "ipvlan", enabled: true));
        adapters.SetEnabled(guid, false);
        Assert.AreEqual(3u, adapter.Values["State"]);
        adapters.SetEnabled(guid, true);
        adapters.Restart(guid);
        Assert.AreEqual(2u, adapter.Values["State"]);
        Assert.AreEqual("CIM_ERR_NOT_FOUND", Assert.ThrowsExactly<HostNetworkException>(() => adapters.Restart(Guid.NewGuid())).NativeName);
        bed.Cim.ReturnCodes["MSFT_NetAdapter.Disable"] = 5;
        Assert.AreEqual("ERROR_ACCESS_DENIED", Assert.ThrowsExactly<HostNetworkException>(() => adapters.SetEnabled(guid, false)).NativeName);
    }

    [TestMethod]
    public void FirewallProfile_IsTold()
    {
        using var bed = new StandInBed();
        var adapters = new NetAdapters(bed.Cim);
        bed.Cim.Add(NetAdapters.Namespace, "MSFT_NetConnectionProfile", new() { ["InstanceID"] = "{A}", ["InterfaceIndex"] = 7u, ["NetworkCategory"] = 1u });
        Assert.AreEqual(NetworkCategory.Private, adapters.FindNetworkCategory(7));
        Assert.IsNull(adapters.FindNetworkCategory(8));
    }
}
