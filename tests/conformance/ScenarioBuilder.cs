using IpVlanWin.Cli.Replay;

namespace IpVlanWin.Conformance;

/// <summary>Writes one scenario down. Interfaces of the usual start: ipvl0 and ipvl1 up, ipvl2 up with addresses of other prefixes, ipvl3 down.</summary>
internal sealed class ScenarioBuilder(string mode, string flag)
{
    private readonly List<DraftStep> _steps = [];

    public static readonly IReadOnlyList<TopologyInterface> Usual =
    [
        new("ipvl0", true, ["10.0.0.2/24", "fd00::2/64", "fe80::2/64"], [], false, false),
        new("ipvl1", true, ["10.0.0.3/24", "fd00::3/64"], ["01:00:5e:00:00:fb", "33:33:00:00:00:fb"], false, false),
        new("ipvl2", true, ["10.0.1.4/24", "fd00:1::4/64"], [], false, false),
        new("ipvl3", false, ["10.0.0.5/24"], ["01:00:5e:00:00:fb"], false, false),
    ];

    public string Mode { get; } = mode;

    public string Flag { get; } = flag;

    public TopologyMaster Master { get; set; } = Pool.Master();

    public IReadOnlyList<TopologyInterface> Interfaces { get; set; } = Usual;

    public IReadOnlyList<DraftStep> Steps => _steps;

    /// <summary>The frame enters there; left out where Linux has no defined answer.</summary>
    public void Inject(string at, byte[] frame, string comment)
    {
        if (at == "wire" || !new FrameView(frame).IsUndefinedWhenSent(Mode != "l2"))
            _steps.Add(DraftStep.Inject(at, frame, comment));
    }

    public void Act(string kind, string? on = null, string? address = null, string? mode = null, string? flag = null, bool? isOn = null, string? mac = null, int? mtu = null) =>
        _steps.Add(DraftStep.Act(kind, new ActionArguments(on, address, mode, flag, isOn, mac, mtu)));

    public void FromWire(byte[] packet, string comment, int type = 0x0800, string to = Forge.Own, string from = Forge.Station) => Inject("wire", Forge.Ethernet(to, from, type, packet), comment);

    public void Sent(byte[] packet, string comment, int type = 0x0800, string to = Forge.Own, string from = Forge.Own, string by = "ipvl0") => Inject(by, Forge.Ethernet(to, from, type, packet), comment);

    /// <summary>One frame for each kind of receiver, from the wire and from ipvl0: shows the state that an action left.</summary>
    public void Probe(string comment)
    {
        foreach (var address in (string[])["10.0.0.2", "10.0.0.3", "10.0.1.4", "10.0.0.5"])
            FromWire(Forge.Four("10.0.0.99", address), $"{comment}: for {address}");
        FromWire(Forge.Six("fd00::99", "fd00::3"), $"{comment}: for fd00::3", 0x86dd);
        FromWire(Forge.Arp(1, Forge.Station, "10.0.0.99", "10.0.0.3"), $"{comment}: who has 10.0.0.3", 0x0806, Forge.Broadcast);
        FromWire(Forge.Four("10.0.0.99", "224.0.0.251"), $"{comment}: a group", to: "01:00:5e:00:00:fb");
        Sent(Forge.Four("10.0.0.2", "10.0.0.3"), $"{comment}: to a sibling");
        Sent(Forge.Four("10.0.0.2", "10.0.0.99"), $"{comment}: to a station", to: Forge.Station);
        Sent(Forge.Arp(1, Forge.Own, "10.0.0.2", "10.0.0.99"), $"{comment}: asks", 0x0806, Forge.Broadcast);
        Sent(Forge.Four("10.0.0.2", "10.0.0.1"), $"{comment}: to the master");
    }
}
