using System.Globalization;

namespace IpVlanWin.Cli.HostCare;

/// <summary>Facts to findings. Pure.</summary>
internal static class Diagnosis
{
    private const int LeastWindowsBuild = 17763;

    // RFC 8200 section 5.
    private const int LeastIpv6Mtu = 1280;

    private static readonly Version s_udpSegmentation = new(6, 2);

    public static IReadOnlyList<Finding> Judge(HostFacts facts)
    {
        var findings = new List<Finding> { JudgeSystem(facts), JudgeRights(facts) };
        if (facts.IsLinux)
        {
            findings.Add(facts.TunFault is null
                ? new Finding("tun", FindingLevel.Ok, "/dev/net/tun can be opened")
                : new Finding("tun", FindingLevel.Fail, $"no interface can be made: {facts.TunFault}", "modprobe tun; in a container, pass the device /dev/net/tun"));
        }
        JudgeService(facts, findings);
        if (facts.Pipe is { } pipe)
        {
            findings.Add(pipe.IsClosed
                ? new Finding("pipe", FindingLevel.Ok, $"{pipe.Path} is closed to others ({pipe.Access})")
                : new Finding("pipe", FindingLevel.Fail, $"{pipe.Path} is open to others ({pipe.Access})", "restart the service, which closes it; if it stays open, something else listens there"));
        }
        if (facts.StateFolder is { } folder)
        {
            findings.Add(folder.IsClosed
                ? new Finding("state folder", FindingLevel.Ok, $"{folder.Path} is closed to others ({folder.Access})")
                : new Finding("state folder", FindingLevel.Fail, $"{folder.Path} is open to others ({folder.Access})", facts.IsLinux ? $"chmod 700 {folder.Path}" : "restart the service, which closes it"));
        }
        if (facts.LeftoverNamespaces.Count > 0)
            findings.Add(new Finding("namespaces", FindingLevel.Warn, $"left by labs that were killed: {string.Join(' ', facts.LeftoverNamespaces)}", "the next ipvlan lab as root removes them"));
        if (facts.Filter is { } filter)
            findings.AddRange(FilterDiagnosis.Judge(filter));
        if (facts.Adapters is { } adapters)
            JudgeAdapters(adapters, findings);
        return findings;
    }

    private static Finding JudgeSystem(HostFacts facts)
    {
        var version = facts.SystemVersion;
        if (facts.IsLinux)
        {
            return version >= s_udpSegmentation
                ? new Finding("system", FindingLevel.Ok, $"Linux {version.ToString(2)}, {facts.Architecture}")
                : new Finding("system", FindingLevel.Warn, $"Linux {version.ToString(2)} has no UDP segmentation for TAP devices: QUIC and other UDP bulk traffic is slower", "use Linux 6.2 or later");
        }
        if (facts.Architecture != "X64")
            return new Finding("system", FindingLevel.Fail, $"Windows on {facts.Architecture} is not supported", "use 64-bit Windows on x64");
        return version.Build >= LeastWindowsBuild
            ? new Finding("system", FindingLevel.Ok, string.Create(CultureInfo.InvariantCulture, $"Windows build {version.Build}, {facts.Architecture}"))
            : new Finding("system", FindingLevel.Fail, string.Create(CultureInfo.InvariantCulture, $"Windows build {version.Build} is too old"), "use Windows 10 1809, Windows Server 2019 (build 17763) or later");
    }

    private static Finding JudgeRights(HostFacts facts) => facts.MissingRights.Count == 0
        ? new Finding("rights", FindingLevel.Ok, facts.IsLinux ? "this user has the capabilities of the linux data path" : "this prompt is elevated")
        : new Finding("rights", FindingLevel.Fail, $"this user lacks {string.Join(' ', facts.MissingRights)}", facts.IsLinux ? "use sudo" : "use an elevated prompt (Run as administrator)");

    private static void JudgeService(HostFacts facts, List<Finding> findings)
    {
        if (facts.ServiceManagerState is { } state)
        {
            findings.Add(state == "running"
                ? new Finding("service manager", FindingLevel.Ok, "the service runs")
                : new Finding("service manager", FindingLevel.Fail, $"the service is {state}", state == "not installed" ? "ipvlan service install" : "ipvlan service start"));
        }
        if (facts.Service is not { } service)
        {
            findings.Add(new Finding("service", FindingLevel.Fail, facts.ServiceFault ?? "it does not answer", facts.IsLinux ? "ipvlan service install prints how to install and start it" : null));
            return;
        }
        findings.Add(service.Version == facts.OwnVersion
            ? new Finding("service", FindingLevel.Ok, string.Create(CultureInfo.InvariantCulture, $"version {service.Version} answers, process {service.ProcessId}: {service.Ports} ports, {service.Interfaces} interfaces"))
            : new Finding("service", FindingLevel.Warn, $"version {service.Version} answers, and this program is {facts.OwnVersion}", "restart the service after an upgrade"));
        if (service.Recovery is { } recovery)
            findings.Add(new Finding("state", FindingLevel.Warn, recovery, "compare with what should exist: ipvlan state export"));
        if (service.Drift > 0)
            findings.Add(new Finding("drift", FindingLevel.Warn, string.Create(CultureInfo.InvariantCulture, $"{service.Drift} differences were mended in the last check"), "find out what else changes the interfaces; the service's log names them"));
    }

    private static void JudgeAdapters(IReadOnlyList<AdapterFacts> adapters, List<Finding> findings)
    {
        foreach (var adapter in adapters)
            findings.Add(Judge(adapter));
        if (!adapters.Any(static adapter => adapter.IsInUse || IsUsable(adapter)))
            findings.Add(new Finding("masters", FindingLevel.Warn, "no adapter can be a master as it is", "add an Ethernet adapter without addresses, or take the addresses from one"));
    }

    private static bool IsUsable(AdapterFacts adapter) => !adapter.IsMember && adapter.Addresses.Count == 0;

    private static Finding Judge(AdapterFacts adapter)
    {
        var check = $"adapter {adapter.Name}";
        if (adapter.IsInUse)
            return new Finding(check, FindingLevel.Ok, "is a master");
        if (adapter.IsMember)
            return new Finding(check, FindingLevel.Warn, "belongs to a bridge or a bond", $"to make it a master: ip link set dev {adapter.Name} nomaster");
        if (adapter.Addresses.Count > 0)
        {
            return new Finding(check, FindingLevel.Warn, $"has {string.Join(' ', adapter.Addresses)}: the host's own stack would answer beside ours",
                $"to make it a master, move its addresses to an interface: ip addr flush dev {adapter.Name}");
        }
        if (adapter.IpMtu < LeastIpv6Mtu)
            return new Finding(check, FindingLevel.Warn, string.Create(CultureInfo.InvariantCulture, $"can be a master, but its MTU of {adapter.IpMtu} carries no IPv6"), $"ip link set dev {adapter.Name} mtu 1500");
        if (!adapter.IsUp)
            return new Finding(check, FindingLevel.Warn, "can be a master, but is down", $"ip link set dev {adapter.Name} up");
        if (!adapter.HasCarrier)
            return new Finding(check, FindingLevel.Warn, "can be a master, but has no carrier", "plug its cable, or bring up its other end");
        return new Finding(check, FindingLevel.Ok, string.Create(
            CultureInfo.InvariantCulture, $"can be a master, MTU {adapter.IpMtu}{(adapter.IsWireless ? "; it is Wi-Fi: access points that answer ARP for their clients or isolate them limit l2" : "")}"));
    }
}
