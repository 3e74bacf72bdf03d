using System.Net;
using System.Text.RegularExpressions;

namespace IpVlanWin.Devices.Tests.WinDivert;

/// <summary>A packet as filters see it.</summary>
internal sealed record FilteredPacket(bool IsForwarded, bool IsOutbound, bool IsLoopback, uint Interface, IPAddress Source, IPAddress Destination)
{
    public bool IsSix => Source.GetAddressBytes().Length == 16;
}

/// <summary>
/// The part of WinDivert's filter language that we write, read word for word by its documented grammar: FILTER := TEST | (FILTER) |
/// FILTER and FILTER | FILTER or FILTER, TEST := FIELD | FIELD op VAL. Throws where a filter is not of that kind.
/// </summary>
internal sealed partial class NaiveFilter
{
    private readonly string[] _words;
    private readonly FilteredPacket? _packet;
    private int _at;

    private NaiveFilter(string text, FilteredPacket? packet) => (_words, _packet) = (Words().Matches(text).Select(static match => match.Value).ToArray(), packet);

    public int Tests { get; private set; }

    public int AddressTests { get; private set; }

    public static bool Matches(string text, FilteredPacket packet)
    {
        var filter = new NaiveFilter(text, packet);
        var matches = filter.Or();
        Assert.AreEqual(filter._words.Length, filter._at, text);
        return matches;
    }

    public static NaiveFilter Measure(string text)
    {
        var filter = new NaiveFilter(text, null);
        filter.Or();
        Assert.AreEqual(filter._words.Length, filter._at, text);
        return filter;
    }

    [GeneratedRegex(@"\(|\)|[=!<>]+|[\w.:]+")]
    private static partial Regex Words();

    private bool Or()
    {
        var matches = And();
        while (Take("or"))
            matches |= And();
        return matches;
    }

    private bool And()
    {
        var matches = Test();
        while (Take("and"))
            matches &= Test();
        return matches;
    }

    private bool Test()
    {
        if (Take("("))
        {
            var inner = Or();
            Assert.IsTrue(Take(")"));
            return inner;
        }
        Tests++;
        var field = _words[_at++];
        switch (field)
        {
            case "inbound":
                return _packet is { IsForwarded: false, IsOutbound: false };
            case "outbound":
                return _packet is { IsForwarded: false, IsOutbound: true };
            case "loopback":
                return _packet?.IsLoopback == true;
            case "ip":
                return _packet?.IsSix == false;
            case "ipv6":
                return _packet?.IsSix == true;
            case "ifIdx":
                Assert.AreEqual("==", _words[_at++]);
                return uint.Parse(_words[_at++]) == _packet?.Interface;
            default:
                return TestAddress(field, _words[_at++], IPAddress.Parse(_words[_at++]));
        }
    }

    private bool TestAddress(string field, string comparison, IPAddress value)
    {
        AddressTests++;
        var address = field switch
        {
            "ip.SrcAddr" or "ipv6.SrcAddr" => _packet?.Source,
            "ip.DstAddr" or "ipv6.DstAddr" => _packet?.Destination,
            _ => throw new FormatException(field),
        };
        var isSix = field.StartsWith("ipv6.", StringComparison.Ordinal);
        Assert.AreEqual(isSix, value.GetAddressBytes().Length == 16, $"{field} {value}");
        if (_packet is null || _packet.IsSix != isSix)
            return false;
        var order = address!.GetAddressBytes().AsSpan().SequenceCompareTo(value.GetAddressBytes());
        return comparison switch
        {
            "==" => order == 0,
            "!=" => order != 0,
            "<" => order < 0,
            ">" => order > 0,
            "<=" => order <= 0,
            ">=" => order >= 0,
            _ => throw new FormatException(comparison),
        };
    }

    private bool Take(string word)
    {
        if (_at >= _words.Length || _words[_at] != word)
            return false;
        _at++;
        return true;
    }
}
