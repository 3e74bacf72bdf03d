using System.Globalization;
using System.Runtime.Versioning;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Cli.Lab.Namespaces;

/// <summary>Packets that a stack threw away for a wrong header or checksum: /proc/net/snmp and snmp6 (RFC 4293, and Linux's InCsumErrors).</summary>
[SupportedOSPlatform("linux")]
internal static class DamagedPackets
{
    private static readonly string[] s_four = ["Ip:InHdrErrors", "Icmp:InCsumErrors", "Tcp:InCsumErrors", "Udp:InCsumErrors"];
    private static readonly string[] s_six = ["Ip6InHdrErrors", "Icmp6InCsumErrors", "Udp6InCsumErrors"];

    public static long Read(NetworkNamespace networkNamespace)
    {
        var (four, six) = networkNamespace.Run(() => (
            File.ReadAllText("/proc/thread-self/net/snmp"), File.ReadAllText("/proc/thread-self/net/snmp6")));
        return SumFour(four) + SumSix(six);
    }

    /// <summary>Pairs of lines: a table's name and columns, then its name and values.</summary>
    internal static long SumFour(string text)
    {
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        long sum = 0;
        for (var i = 0; i + 1 < lines.Length; i += 2)
        {
            var columns = lines[i].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var values = lines[i + 1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            for (var column = 1; column < Math.Min(columns.Length, values.Length); column++)
            {
                if (s_four.Contains(columns[0] + columns[column]))
                    sum += long.Parse(values[column], CultureInfo.InvariantCulture);
            }
        }
        return sum;
    }

    /// <summary>Lines of a name and a value.</summary>
    internal static long SumSix(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(line => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        .Where(parts => parts.Length == 2 && s_six.Contains(parts[0]))
        .Sum(parts => long.Parse(parts[1], CultureInfo.InvariantCulture));
}
