namespace IpVlanWin.Service.Lifetime;

/// <summary>Numbers of events in the Windows event log. They never change: people filter by them.</summary>
internal static class EventNumbers
{
    /// <summary>Number of what has none of its own.</summary>
    public const uint Other = 1000;

    private static readonly Dictionary<string, uint> s_all = new(StringComparer.Ordinal)
    {
        ["started"] = 1,
        ["stopping"] = 2,
        ["not-started"] = 3,
        ["failed"] = 4,
        ["state-recovered"] = 10,
        ["backup-failed"] = 11,
        ["port-failed"] = 20,
        ["port-ended"] = 21,
        ["interface-failed"] = 22,
        ["drift"] = 23,
        ["reconcile-failed"] = 24,
        ["host-swept"] = 50,
        ["host-refused"] = 51,
        ["interface-refused"] = 52,
        ["interface-waits"] = 53,
        ["master-gone"] = 60,
        ["master-back"] = 61,
        ["master-refused"] = 62,
        ["master-renamed"] = 63,
        ["master-mac"] = 64,
        ["master-mtu"] = 65,
        ["master-up"] = 66,
        ["master-down"] = 67,
        ["stand-in-lost"] = 70,
        ["stand-in-renamed"] = 71,
        ["address-lost"] = 72,
        ["address-surplus"] = 73,
        ["address-duplicate"] = 74,
        ["route-lost"] = 75,
        ["route-surplus"] = 76,
        ["route-needed"] = 77,
        ["setting-lost"] = 78,
        ["queue-overrun"] = 79,
        ["firewall-profile"] = 80,
        ["filter-attached"] = 81,
        ["filter-detached"] = 82,
        ["binding-lost"] = 83,
        ["events-lost"] = 84,
        ["limit-reached"] = 85,
        ["container-gone"] = 86,
        ["client-refused"] = 30,
        ["client-failed"] = 31,
        ["request-failed"] = 32,
        ["metrics-ended"] = 40,
        ["metrics-failed"] = 41,
    };

    /// <summary>All numbers, by the event's name.</summary>
    public static IReadOnlyDictionary<string, uint> All => s_all;

    public static uint Of(string name) => s_all.GetValueOrDefault(name, Other);

    /// <summary>Warnings and errors are, and of the rest only that the service started or is ending.</summary>
    public static bool IsWritten(LogLevel level, string name) => level > LogLevel.Info || name is "started" or "stopping";
}
