using System.Text;

namespace IpVlanWin.Devices.WinDivert;

/// <summary>Which way packets go.</summary>
public enum DivertDirection
{
    /// <summary>To the host, by an interface. Never loopback.</summary>
    Inbound,

    /// <summary>From the host.</summary>
    Outbound,

    /// <summary>From the host to itself: WinDivert sees it outbound only.</summary>
    Loopback,

    /// <summary>Through the host, at layer FORWARD. The interface is the one they leave by.</summary>
    Forwarded,
}

/// <summary>Where packets are looked for: a direction and interfaces. Without the interfaces, equal addresses of other compartments would match.</summary>
/// <param name="Direction">Which way.</param>
/// <param name="Interfaces">Interface indexes; at least one.</param>
public sealed record DivertScope(DivertDirection Direction, params IReadOnlyList<uint> Interfaces)
{
    /// <summary>The layer that sees that direction.</summary>
    public DivertLayer Layer => Direction == DivertDirection.Forwarded ? DivertLayer.Forward : DivertLayer.Network;
}

/// <summary>Addresses that a filter lets through: those in the ranges, or all but those.</summary>
/// <param name="Ranges">Of both families, in any order.</param>
/// <param name="IsComplement">All but those.</param>
public sealed record AddressCondition(IReadOnlyCollection<AddressRange> Ranges, bool IsComplement = false);

/// <summary>
/// Writes filters of at most 255 tests, of which at most 250 for addresses. An address set that needs more is split over several filters, no
/// packet matching two of them. The documented grammar negates single tests only, so complements are written without "not" around
/// parentheses.
/// </summary>
public static class DivertFilter
{
    /// <summary>Most tests for addresses in one filter.</summary>
    public const int MaxAddressTests = 250;

    private const int MaxInterfaces = 32;

    /// <summary>The filters that together match packets of one family, in a scope, whose addresses meet the conditions.</summary>
    /// <param name="scope">Where.</param>
    /// <param name="isSix">IPv6, or IPv4.</param>
    /// <param name="source">Condition of the source address; null for any.</param>
    /// <param name="destination">Condition of the destination address; null for any.</param>
    /// <returns>Empty where no packet can meet them.</returns>
    /// <exception cref="ArgumentException">No interface, or complements of more ranges than a filter holds.</exception>
    public static IReadOnlyList<string> Build(DivertScope scope, bool isSix, AddressCondition? source = null, AddressCondition? destination = null)
    {
        ArgumentNullException.ThrowIfNull(scope);
        if (scope.Interfaces.Count == 0)
            throw new ArgumentException("a filter needs an interface", nameof(scope));
        var filters = new List<string>();
        var from = Terms.Of(source, isSix);
        var to = Terms.Of(destination, isSix);
        foreach (var interfaces in scope.Interfaces.Distinct().Order().Chunk(MaxInterfaces))
        {
            var head = Head(scope.Direction, interfaces, isSix, out var tests);
            var (fromRoom, toRoom) = Share(Math.Min(MaxAddressTests, DivertLimits.MaxFilterTests - tests), from, to);
            foreach (var fromPart in from.Split(fromRoom))
            {
                foreach (var toPart in to.Split(toRoom))
                    filters.Add(head + fromPart.Write(isSix, "Src") + toPart.Write(isSix, "Dst"));
            }
        }
        return filters;
    }

    private static string Head(DivertDirection direction, uint[] interfaces, bool isSix, out int tests)
    {
        var (word, words) = direction switch
        {
            DivertDirection.Inbound => ("inbound and ", 1),
            DivertDirection.Outbound => ("outbound and ", 1),
            DivertDirection.Loopback => ("outbound and loopback and ", 2),
            DivertDirection.Forwarded => ("", 0),
            _ => throw new ArgumentOutOfRangeException(nameof(direction), direction, null),
        };
        tests = words + interfaces.Length + 1;
        var any = string.Join(" or ", interfaces.Select(static index => $"ifIdx == {index}"));
        return word + (interfaces.Length == 1 ? any : $"({any})") + (isSix ? " and ipv6" : " and ip");
    }

    /// <summary>Room for each side. A complement cannot be split and comes first; two sets that can be share what is there.</summary>
    private static (int Source, int Destination) Share(int room, Terms source, Terms destination)
    {
        if (source.Tests + destination.Tests <= room)
            return (room, room);
        if (source.IsComplement && destination.IsComplement)
            throw new ArgumentException($"{source.Tests + destination.Tests} tests to leave addresses out: one filter holds {room}");
        if (source.IsComplement || (!destination.IsComplement && source.Tests <= room / 2))
            return (source.Tests, Left(room - source.Tests));
        if (destination.IsComplement || destination.Tests <= room / 2)
            return (Left(room - destination.Tests), destination.Tests);
        return (room / 2, room - (room / 2));
    }

    private static int Left(int room) =>
        room >= 2 ? room : throw new ArgumentException($"too many addresses to leave out: one filter holds {MaxAddressTests} tests");

    private sealed record Terms(IReadOnlyList<AddressRange> Ranges, bool IsComplement)
    {
        public int Tests { get; } = Ranges.Sum(static range => range.Tests);

        /// <summary>No condition is the complement of nothing.</summary>
        public static Terms Of(AddressCondition? condition, bool isSix) =>
            new(AddressRange.Merge(condition?.Ranges ?? [], isSix), condition?.IsComplement ?? true);

        public IEnumerable<Terms> Split(int room)
        {
            if (IsComplement)
            {
                yield return this;
                yield break;
            }
            var part = new List<AddressRange>();
            var tests = 0;
            foreach (var range in Ranges)
            {
                if (tests + range.Tests > room)
                {
                    yield return new Terms(part, false);
                    part = [];
                    tests = 0;
                }
                part.Add(range);
                tests += range.Tests;
            }
            if (part.Count > 0)
                yield return new Terms(part, false);
        }

        public string Write(bool isSix, string side)
        {
            if (Ranges.Count == 0)
                return "";
            var field = $"{(isSix ? "ipv6" : "ip")}.{side}Addr";
            var text = new StringBuilder(" and ");
            if (!IsComplement)
                text.Append('(');
            var separator = "";
            foreach (var (first, last) in Ranges)
            {
                text.Append(separator);
                separator = IsComplement ? " and " : " or ";
                if (first == last)
                    text.Append($"{field} {(IsComplement ? "!=" : "==")} {first}");
                else if (IsComplement)
                    text.Append($"({field} < {first} or {field} > {last})");
                else
                    text.Append($"({field} >= {first} and {field} <= {last})");
            }
            return text.Append(IsComplement ? "" : ")").ToString();
        }
    }
}
