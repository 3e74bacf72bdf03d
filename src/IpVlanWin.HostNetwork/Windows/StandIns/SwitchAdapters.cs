using System.Diagnostics;

namespace IpVlanWin.HostNetwork.Windows;

/// <summary>
/// Internal Hyper-V switches and the host's adapter on each (root\virtualization\v2). The tag is a line of the switch's notes, which
/// it is made with.
/// </summary>
internal sealed class SwitchAdapters(ICimSession cim, NetAdapters adapters, TimeSpan patience, TimeSpan poll) : IStandInSource
{
    public const string Namespace = @"root\virtualization\v2";
    public const string TagPrefix = "IpVlanWin stand-in ";

    // What Hyper-V's methods return when a job goes on (hyperv_v2), and the job's states (CIM_ConcreteJob).
    private const uint Completed = 0, JobStarted = 4096;
    private const ulong JobCompleted = 7, JobTerminated = 8;

    /// <summary>CIM_ResourceAllocationSettingData.ResourceType: Ethernet connection.</summary>
    private const ushort EthernetConnection = 33;
    private const string EthernetConnectionSubType = "Microsoft:Hyper-V:Ethernet Connection";

    public StandInKind Kind => StandInKind.VSwitch;

    public StandInDevice Create(Guid tag, string name)
    {
        var attempt = $"make the internal switch \"{name}\"";
        if (cim.Query(Namespace, $"SELECT * FROM Msvm_VirtualEthernetSwitch WHERE ElementName={CimText.Quote(name)}").Count > 0)
            throw CimError.Create(CimFailure.AlreadyExists, (int)CimFailure.AlreadyExists, attempt, null);
        // Virtual machines have a GUID for a name; only the host has the computer's.
        var hosts = cim.Query(Namespace, $"SELECT * FROM Msvm_ComputerSystem WHERE Name={CimText.Quote(Environment.MachineName)}");
        if (hosts.Count != 1) throw CimError.Create(CimFailure.NotFound, (int)CimFailure.NotFound, attempt, $"Hyper-V shows {hosts.Count} computers named {Environment.MachineName}");
        var settings = new EmbeddedInstance("Msvm_VirtualEthernetSwitchSettingData").Set("ElementName", name).Set("Notes", [TagPrefix + tag.ToString("D")]);
        var port = new EmbeddedInstance("Msvm_EthernetPortAllocationSettingData")
            .Set("ElementName", name)
            .Set("ResourceType", EthernetConnection)
            .Set("ResourceSubType", EthernetConnectionSubType)
            .Set("HostResource", [hosts[0].Path]);
        var reply = cim.Invoke(Service(attempt), "DefineSystem",
            new CimArgument("SystemSettings", CimKind.String, settings.ToString()),
            new CimArgument("ResourceSettings", CimKind.StringArray, new[] { port.ToString() }));
        Await(reply, attempt);
        foreach (var device in List())
        {
            if (device.Tag == tag) return device;
        }
        throw CimError.Create(CimFailure.NotFound, (int)CimFailure.NotFound, attempt, "Hyper-V reports success and the switch is not there");
    }

    public IReadOnlyList<StandInDevice> List()
    {
        var list = new List<StandInDevice>();
        foreach (var settings in cim.Query(Namespace, "SELECT * FROM Msvm_VirtualEthernetSwitchSettingData"))
        {
            foreach (var line in settings.Texts("Notes").SelectMany(note => note.Split('\n')))
            {
                if (!line.StartsWith(TagPrefix, StringComparison.Ordinal) || !Guid.TryParse(line.AsSpan(TagPrefix.Length), out var tag)) continue;
                list.Add(new StandInDevice(Kind, tag, settings.Text("VirtualSystemIdentifier"), settings.Text("ElementName")));
                break;
            }
        }
        return list;
    }

    public CimObject? FindAdapter(StandInDevice device)
    {
        var ports = cim.Query(Namespace, $"SELECT * FROM Msvm_InternalEthernetPort WHERE ElementName={CimText.Quote(device.Name)}");
        if (ports.Count != 1) return null;
        // "Microsoft:{GUID}", the GUID being the adapter's; where it is not, the permanent MAC address leads to it.
        var id = ports[0].Text("DeviceID");
        if (Guid.TryParse(id.AsSpan(id.IndexOf(':') + 1), out var guid) && adapters.Find(guid) is { } adapter) return adapter;
        return adapters.FindVirtual(ports[0].Text("PermanentAddress"));
    }

    public void Remove(StandInDevice device)
    {
        var attempt = $"remove the internal switch \"{device.Name}\"";
        var found = cim.Query(Namespace, $"SELECT * FROM Msvm_VirtualEthernetSwitch WHERE Name={CimText.Quote(device.Id)}");
        if (found.Count == 0) return;
        Await(cim.Invoke(Service(attempt), "DestroySystem", new CimArgument("AffectedSystem", CimKind.Reference, found[0])), attempt);
    }

    private CimObject Service(string attempt)
    {
        var services = cim.Query(Namespace, "SELECT * FROM Msvm_VirtualEthernetSwitchManagementService");
        return services.Count > 0 ? services[0] : throw CimError.Create(CimFailure.NotFound, (int)CimFailure.NotFound, attempt, "the switch service of Hyper-V does not run");
    }

    /// <summary>Waits for the job that a method started, if it did.</summary>
    private void Await(CimReply reply, string attempt)
    {
        if (reply.ReturnValue == Completed) return;
        if (reply.ReturnValue != JobStarted) CimError.ThrowVirtualization(reply.ReturnValue, attempt);
        var reference = reply.Reference("Job") ?? throw CimError.Create(CimFailure.Failed, (int)JobStarted, attempt, "Hyper-V started a job and does not say which");
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            // A job that is over may be gone before it is read.
            if (cim.Read(reference) is not { } job) return;
            var state = job.Number("JobState");
            if (state == JobCompleted) return;
            if (state >= JobTerminated) CimError.ThrowVirtualization((uint)job.Number("ErrorCode"), attempt, job["ErrorDescription"] as string);
            if (Stopwatch.GetElapsedTime(start) > patience) throw CimError.Create(CimFailure.Timeout, (int)JobStarted, attempt, $"its job has not ended after {patience.TotalSeconds} s");
            Thread.Sleep(poll);
        }
    }
}
