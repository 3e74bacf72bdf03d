namespace IpVlanWin.Conformance;

/// <summary>Frames as stacks send them, and mutants of these.</summary>
internal sealed class RandomFrames(int seed)
{
    private readonly Random _random = new(seed);
    private int _number;

    /// <param name="owned">ADDRESS/PREFIX that some interface may have.</param>
    /// <param name="isSent">An interface's stack sends it, so mostly with the shared MAC as its source.</param>
    public byte[] Next(IReadOnlyList<string> owned, bool isSent)
    {
        _number++;
        var to = _random.Next(20) switch
        {
            < 8 => Forge.Own,
            < 11 => Forge.Broadcast,
            < 14 => Pick([.. Pool.Groups, "01:00:5e:00:00:01", "33:33:00:00:00:01", "33:33:ff:00:00:02", "01:80:c2:00:00:01", "33:33:5e:00:00:fb"]),
            15 => "00:00:00:00:00:00",
            _ => Pick([Forge.Station, Forge.Gateway, Forge.Foreign]),
        };
        var from = isSent ? _random.Next(8) == 0 ? to : Forge.Own : _random.Next(4) == 0 ? Forge.Own : Forge.Station;
        var frame = Whole(to, from, owned);
        if (_random.Next(7) == 0)
        {
            do
                frame = Forge.Tagged(frame, Pick([0, 0, 5, 0x6000]), Pick([0x8100, 0x8100, 0x88a8]));
            while (_random.Next(3) == 0 && frame.Length < 1400);
        }
        return _random.Next(4) == 0 ? Mutated(frame) : frame;
    }

    private T Pick<T>(IReadOnlyList<T> list) => list[_random.Next(list.Count)];

    private string Four(IReadOnlyList<string> owned) => Choose(owned.Where(one => !one.Contains(':', StringComparison.Ordinal)), Pool.Four, [.. Pool.ElsewhereFour, "10.0.0.77", "10.5.0.7", "172.16.0.1"]);

    private string Six(IReadOnlyList<string> owned) => Choose(owned.Where(one => one.Contains(':', StringComparison.Ordinal)), Pool.Six, [.. Pool.ElsewhereSix, "fd00::77", "fe80::77", "fd00:5::7"]);

    private string Choose(IEnumerable<string> owned, string[] members, string[] elsewhere)
    {
        var present = owned.ToList();
        return present.Count > 0 && _random.Next(2) == 0 ? Pick(present).Split('/')[0] : _random.Next(3) == 0 ? Pick(members) : Pick(elsewhere);
    }

    private static string Source(string address, string instead) =>
        address[0] == 'f' && address[1] == 'f' ? instead : address is "255.255.255.255" || address.StartsWith("224", StringComparison.Ordinal) || address.StartsWith("239", StringComparison.Ordinal) ? instead : address;

    private byte[] Whole(string to, string from, IReadOnlyList<string> owned)
    {
        var (four, six) = (Source(Four(owned), "10.0.0.99"), Source(Six(owned), "fd00::99"));
        switch (_random.Next(24))
        {
            case < 7:
                return Forge.Ethernet(to, from, 0x0800, Forge.Four(four, Four(owned), Pick([17, 17, 1, 132]), ttl: Pick([64, 64, 1, 0]), number: _number));
            case 7 or 8:
                return Forge.Ethernet(to, from, 0x0800, Forge.Four(four, Four(owned), fragment: Pick([0x2000, 0x2000, 0x0001, 0x4000, 0x2010]), number: 0x4000 + _number));
            case 9:
                return Forge.Ethernet(to, from, 0x0800, Forge.Four(four, Four(owned), options: Pick((byte[][])[[1, 1, 1, 1], [0x94, 4, 0, 0], [7, 7, 4, 0, 0, 0, 0, 0]]), number: _number));
            case 10:
                return Forge.Ethernet(to, from, 0x0800, Forge.Four(Pick(["127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.5", "10.0.0.1", four]), Four(owned), number: _number));
            case < 13:
                return Forge.Ethernet(to, from, 0x0806, Forge.Arp(Pick([1, 1, 2]), from, _random.Next(8) == 0 ? "0.0.0.0" : four, Four(owned)));
            case < 17:
                return Forge.Ethernet(to, from, 0x86dd, Forge.Six(six, Six(owned), hopLimit: Pick([64, 1, 0])));
            case 17:
                return Forge.Ethernet(to, from, 0x86dd, Forge.Six(six, Six(owned), Pick([44, 0, 43, 60, 59, 50]), [17, 0, 0, 1, 0, 0, 0, (byte)_number, 0x0f, 0xa0, 0x13, 0x88, 0, 8, 0, 0]));
            case < 21:
                var target = Six(owned);
                return Forge.Ethernet(to, from, 0x86dd, Forge.Discovery(Pick([135, 135, 136]), _random.Next(3) == 0 ? "::" : six, _random.Next(2) == 0 ? target : "ff02::1:ff00:2", target, _random.Next(2) == 0 ? from : null));
            case 21:
                return Forge.Ethernet(to, from, 0x86dd, Forge.Six(_random.Next(2) == 0 ? "::" : six, "ff02::2", 58, [133, 0, 0, 0, 0, 0, 0, 0]));
            case 22:
                return Forge.Ethernet(to, from, Pick([0x8808, 0x8808, 0x88b5, 0x88cc, 0x0100, 0x05ff]), new byte[46]);
            default:
                return Forge.Ethernet(to, from, 0x0800, Forge.Four(four, Four(owned), payload: new byte[_random.Next(1200, 1560)], number: _number));
        }
    }

    private byte[] Mutated(byte[] frame)
    {
        var mutant = (byte[])frame.Clone();
        var (ip, kind) = (new FrameView(frame).InnerOffset, new FrameView(frame).InnerType);
        switch (_random.Next(10))
        {
            case 0 or 1:
                mutant[_random.Next(Math.Min(mutant.Length, ip + 48))] ^= (byte)(1 << _random.Next(8));
                break;
            case 2 or 3:
                return mutant[.._random.Next(Math.Min(14, mutant.Length), mutant.Length + 1)];
            case 4:
                return [.. mutant, .. new byte[_random.Next(1, 30)]];
            case 5 or 6 when kind == 0x0800 && mutant.Length >= ip + 20:
                var change = _random.Next(-30, 17);
                mutant[ip + 3] = (byte)(mutant[ip + 3] + change);
                if (_random.Next(3) != 0)
                    Forge.SetChecksum(mutant.AsSpan(ip));
                break;
            case 7 when kind is 0x0800 or 0x86dd && mutant.Length > ip:
                mutant[ip] = Pick((byte[])[0x44, 0x46, 0x55, 0x65, 0x60, 0x45, 0x4f]);
                if (kind == 0x0800 && mutant.Length >= ip + 60)
                    Forge.SetChecksum(mutant.AsSpan(ip));
                break;
            case 8 when kind == 0x86dd && mutant.Length >= ip + 40:
                mutant[ip + 5] = (byte)(mutant[ip + 5] + _random.Next(-20, 20));
                break;
            default:
                // Tag types over and over, and lengths about those of headers.
                return mutant[..Math.Min(mutant.Length, ip + Pick([0, 1, 19, 20, 27, 28, 39, 40, 47, 48, 63, 64]))];
        }
        return mutant;
    }
}
