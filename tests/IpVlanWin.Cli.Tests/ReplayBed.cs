using System.Buffers.Binary;
using System.Text;

namespace IpVlanWin.Cli.Tests;

/// <summary>A directory of its own, and the command run in this process.</summary>
internal sealed class ReplayBed : IDisposable
{
    public const string Topology =
        """
        {"mode": "l2", "flag": "bridge",
         "master": {"name": "eth0", "mac": "02:00:00:00:00:01", "mtu": 1500, "addresses": ["10.0.0.1/24"],
          "routes": [{"destination": "default", "via": "10.0.0.254"}], "neighbors": [{"address": "10.0.0.254", "mac": "02:00:00:00:00:fe"}]},
         "interfaces": [
          {"name": "ipvl0", "addresses": ["10.0.0.2/24", "fd00::2/64"], "multicast": ["01:00:5e:00:00:01"]},
          {"name": "ipvl1", "addresses": ["10.0.0.3/24"]}]}
        """;

    public string Directory { get; } =
        System.IO.Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"ipvlan-replay-{Environment.ProcessId}-{Guid.NewGuid():N}")).FullName;

    /// <summary>Where the tests have the outputs written; not there at the start.</summary>
    public string Out => this["out"];

    public string this[string name] => Path.Combine(Directory, name);

    public string Write(string name, string text)
    {
        File.WriteAllText(this[name], text);
        return this[name];
    }

    public string Write(string name, params byte[][] blocks)
    {
        File.WriteAllBytes(this[name], [.. blocks.SelectMany(block => block)]);
        return this[name];
    }

    /// <summary>Exit status, standard output and standard error.</summary>
    public static (int Status, string Output, string Errors) Run(params string[] arguments)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var status = Program.Run(["replay", .. arguments], errors, output);
        return (status, output.ToString(), errors.ToString());
    }

    /// <summary>Replays a capture through the topology.</summary>
    public (int Status, string Output, string Errors) Replay(string capture, params string[] more) =>
        Run(["--in", capture, "--config", Write("topology.json", Topology), "--out", Out, .. more]);

    /// <summary>A refusal: one line, the status, nothing on standard output.</summary>
    public static void AssertRefused(int status, string line, (int Status, string Output, string Errors) got)
    {
        Assert.AreEqual($"ipvlan: {line}{Environment.NewLine}", got.Errors);
        Assert.AreEqual(status, got.Status);
        Assert.AreEqual("", got.Output);
    }

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);
}

/// <summary>pcapng blocks and frames by hand, so that the writer under test is not its own judge (draft-ietf-opsawg-pcapng sections 3.1, 4.1 to 4.3).</summary>
internal static class Raw
{
    public static readonly byte[] Mac = Bytes("020000000001");
    public static readonly byte[] Station = Bytes("020000000099");
    public static readonly byte[] Broadcast = Bytes("ffffffffffff");

    public static byte[] Bytes(string hex) => Convert.FromHexString(hex);

    /// <summary>The section header of the command's files.</summary>
    public static byte[] OwnSection() =>
        Block(0x0A0D0D0A, [.. SectionBody, .. Option(4, Encoding.UTF8.GetBytes($"IpVlanWin {typeof(Program).Assembly.GetName().Version!.ToString(3)}")), .. Option(0, [])]);

    public static byte[] Section() => Block(0x0A0D0D0A, SectionBody);

    private static byte[] SectionBody => Bytes("4d3c2b1a01000000ffffffffffffffff");

    /// <summary>An interface with nanoseconds.</summary>
    public static byte[] Interface(string name) =>
        Block(1, [.. Bytes("0100000000000400"), .. Option(2, Encoding.UTF8.GetBytes(name)), .. Option(9, [9]), .. Option(0, [])]);

    /// <summary>An interface of another kind, with microseconds.</summary>
    public static byte[] PlainInterface(byte linkType = 1) => Block(1, [linkType, 0, 0, 0, 0, 0, 4, 0]);

    /// <param name="time">In units of the interface.</param>
    /// <param name="frame">The captured bytes.</param>
    /// <param name="direction">1 inbound, 2 outbound, 0 nothing said.</param>
    /// <param name="comment">Null for none.</param>
    /// <param name="original">Its length before it was cut short.</param>
    public static byte[] Packet(ulong time, byte[] frame, byte direction = 0, string? comment = null, int? original = null)
    {
        var body = new List<byte>();
        foreach (var word in (uint[])[0, (uint)(time >> 32), (uint)time, (uint)frame.Length, (uint)(original ?? frame.Length)])
            body.AddRange(Little(word));
        body.AddRange(Padded(frame));
        if (comment is not null)
            body.AddRange(Option(1, Encoding.UTF8.GetBytes(comment)));
        if (direction != 0)
            body.AddRange(Option(2, [direction, 0, 0, 0]));
        if (comment is not null || direction != 0)
            body.AddRange(Option(0, []));
        return Block(6, [.. body]);
    }

    public static byte[] Ethernet(byte[] destination, byte[] source, int type, params byte[] packet) =>
        [.. destination, .. source, (byte)(type >> 8), (byte)type, .. packet];

    /// <summary>A UDP packet to a host of 10.0.0.0/24, from its station 99 unless told.</summary>
    public static byte[] Ipv4(byte destination, int payload = 26, byte source = 99, byte network = 0)
    {
        var packet = new byte[20 + payload];
        Bytes("4500000000004000401100000a000000").CopyTo(packet, 0);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        packet[15] = source;
        (packet[16], packet[18], packet[19]) = (10, network, destination);
        var sum = 0;
        for (var i = 0; i < 20; i += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(i));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), (ushort)~((sum & 0xffff) + (sum >> 16)));
        return packet;
    }

    /// <summary>ARP: who has a host of 10.0.0.0/24, asked by station 99.</summary>
    public static byte[] WhoHas(byte target) => [.. Bytes("0001080006040001"), .. Station, 10, 0, 0, 99, .. new byte[6], 10, 0, 0, target];

    private static byte[] Little(uint word) => [(byte)word, (byte)(word >> 8), (byte)(word >> 16), (byte)(word >> 24)];

    private static byte[] Padded(byte[] bytes) => [.. bytes, .. new byte[-bytes.Length & 3]];

    private static byte[] Option(byte code, byte[] value) => [code, 0, (byte)value.Length, 0, .. Padded(value)];

    private static byte[] Block(uint type, byte[] body)
    {
        var length = Little((uint)body.Length + 12);
        return [.. Little(type), .. length, .. body, .. length];
    }
}
