using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text.Json;

namespace IpVlanWin.Benchmarks.Lab;

/// <summary>One kind of traffic between two places.</summary>
/// <param name="Name">Name in the table.</param>
/// <param name="Unit">Of what it measures.</param>
/// <param name="From">Who sends.</param>
/// <param name="To">Who receives.</param>
[SupportedOSPlatform("linux")]
internal abstract record LabTest(string Name, string Unit, string From, string To)
{
    protected static readonly TimeSpan Slack = TimeSpan.FromSeconds(10);

    /// <summary>Less is better.</summary>
    public virtual bool IsLatency => false;

    /// <exception cref="BenchmarkException">The traffic did not pass.</exception>
    /// <exception cref="SocketException">The traffic did not pass.</exception>
    public abstract double Measure(Variant variant, TimeSpan duration);
}

/// <summary>iperf3, one stream: what arrives, in Gbit/s.</summary>
[SupportedOSPlatform("linux")]
internal sealed record TcpTest(string From, string To) : LabTest($"TCP {From}-{To}", "Gbit/s", From, To)
{
    public const int Port = 5201;

    private static readonly string Listening = $":{Port:X4} ";

    public override double Measure(Variant variant, TimeSpan duration)
    {
        using var server = Programs.StartDaemon("iperf3", ["ip", "netns", "exec", variant[To].Name!, "iperf3", "-s", "-1", "-p", $"{Port}"]);
        var until = Stopwatch.GetTimestamp() + (Slack.TotalSeconds * Stopwatch.Frequency);
        while (!IsListening(variant))
        {
            server.RequireRunning();
            if (Stopwatch.GetTimestamp() > until)
                throw new BenchmarkException("iperf3 does not listen");
            Thread.Sleep(5);
        }
        var output = Programs.Run(
            duration + Slack, "ip", "netns", "exec", variant[From].Name!, "iperf3", "-c", variant.AddressOf(To), "-p", $"{Port}",
            "-t", duration.TotalSeconds.ToString(CultureInfo.InvariantCulture), "-J", "--connect-timeout", "2000");
        using var json = JsonDocument.Parse(output);
        var root = json.RootElement;
        return root.TryGetProperty("end", out var end) && end.TryGetProperty("sum_received", out var sum)
            ? sum.GetProperty("bits_per_second").GetDouble() / 1e9
            : throw new BenchmarkException(root.TryGetProperty("error", out var error) ? $"iperf3: {error}" : "iperf3 measured nothing");
    }

    // Column 4 of /proc/net/tcp is the state; 0A is LISTEN.
    private bool IsListening(Variant variant) => (variant[To].ReadProc("tcp") + variant[To].ReadProc("tcp6")).Split('\n')
        .Any(static line => line.Contains(Listening, StringComparison.Ordinal) && line.Contains(" 0A ", StringComparison.Ordinal));
}

/// <summary>As many datagrams as one sender can send; what arrives counts.</summary>
/// <param name="Name">Name in the table.</param>
/// <param name="Unit">Gbit/s or kpps.</param>
/// <param name="From">Who sends.</param>
/// <param name="To">Who receives.</param>
/// <param name="Payload">Bytes of each datagram.</param>
/// <param name="Segments">Datagrams handed over at once, to be cut by the last device that cannot carry them whole (UDP_SEGMENT in udp(7)).</param>
[SupportedOSPlatform("linux")]
internal sealed record UdpTest(string Name, string Unit, string From, string To, int Payload, int Segments = 1) : LabTest(Name, Unit, From, To)
{
    public override double Measure(Variant variant, TimeSpan duration)
    {
        using var receiver = UdpEnd.Open(variant[To]);
        using var sender = UdpEnd.Open(variant[From]);
        receiver.Bind(new IPEndPoint(IPAddress.Any, 0));
        sender.Connect(new IPEndPoint(IPAddress.Parse(variant.AddressOf(To)), ((IPEndPoint)receiver.LocalEndPoint!).Port));
        if (Segments > 1)
        {
            UdpEnd.Segment(sender, Payload);
            UdpEnd.Coalesce(receiver);
        }
        var isOver = false;
        var sending = new Thread(() => Send(sender, ref isOver)) { IsBackground = true };
        var bytes = 0L;
        var receiving = new Thread(() => Receive(receiver, ref isOver, ref bytes)) { IsBackground = true };
        receiving.Start();
        sending.Start();
        // Neighbors are known by now and queues full: what comes from here on counts.
        Thread.Sleep(duration / 10);
        var (before, start) = (Volatile.Read(ref bytes), Stopwatch.GetTimestamp());
        Thread.Sleep(duration);
        var (after, elapsed) = (Volatile.Read(ref bytes), Stopwatch.GetElapsedTime(start));
        Volatile.Write(ref isOver, true);
        sending.Join();
        receiving.Join();
        var perSecond = (after - before) / elapsed.TotalSeconds;
        return Unit == "kpps" ? perSecond / Payload / 1e3 : perSecond * 8 / 1e9;
    }

    private void Send(Socket sender, ref bool isOver)
    {
        Span<byte> data = new byte[Payload * Segments];
        while (!Volatile.Read(ref isOver))
            sender.Send(data, SocketFlags.None, out _);
    }

    private static void Receive(Socket receiver, ref bool isOver, ref long bytes)
    {
        Span<byte> data = new byte[65536];
        while (!Volatile.Read(ref isOver))
        {
            var got = receiver.Receive(data, SocketFlags.None, out var error);
            if (error == SocketError.Success)
                Volatile.Write(ref bytes, bytes + got);
        }
    }
}

/// <summary>A small datagram there and back, one at a time: the median in microseconds.</summary>
[SupportedOSPlatform("linux")]
internal sealed record RoundTripTest(string From, string To) : LabTest($"UDP RR {From}-{To}", "us p50", From, To)
{
    private const int Payload = 18;

    public override bool IsLatency => true;

    public override double Measure(Variant variant, TimeSpan duration)
    {
        using var server = UdpEnd.Open(variant[To]);
        using var client = UdpEnd.Open(variant[From]);
        server.Bind(new IPEndPoint(IPAddress.Any, 0));
        client.Connect(new IPEndPoint(IPAddress.Parse(variant.AddressOf(To)), ((IPEndPoint)server.LocalEndPoint!).Port));
        var isOver = false;
        var serving = new Thread(() => Serve(server, ref isOver)) { IsBackground = true };
        serving.Start();
        var times = new List<double>(1 << 16);
        Span<byte> data = stackalloc byte[Payload];
        var end = Stopwatch.GetTimestamp() + (long)(duration.TotalSeconds * Stopwatch.Frequency);
        long sent;
        while ((sent = Stopwatch.GetTimestamp()) < end)
        {
            client.Send(data, SocketFlags.None, out _);
            client.Receive(data, SocketFlags.None, out var error);
            if (error == SocketError.Success)
                times.Add(Stopwatch.GetElapsedTime(sent).TotalMicroseconds);
        }
        Volatile.Write(ref isOver, true);
        serving.Join();
        return times.Count > 0 ? Statistics.Median(times) : throw new BenchmarkException("no datagram came back");
    }

    private static void Serve(Socket server, ref bool isOver)
    {
        Span<byte> data = stackalloc byte[Payload];
        var from = new SocketAddress(AddressFamily.InterNetwork);
        while (!Volatile.Read(ref isOver))
        {
            try
            {
                var got = server.ReceiveFrom(data, SocketFlags.None, from);
                server.SendTo(data[..got], SocketFlags.None, from);
            }
            catch (SocketException fault) when (fault.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
            {
                // Time to look whether it is over.
            }
        }
    }
}

/// <summary>ping, 50 a second: the mean in microseconds.</summary>
[SupportedOSPlatform("linux")]
internal sealed record PingTest(string From, string To) : LabTest($"ping {From}-{To}", "us", From, To)
{
    private const double Interval = 0.02;

    public override bool IsLatency => true;

    public override double Measure(Variant variant, TimeSpan duration)
    {
        var count = Math.Max(5, (int)(duration.TotalSeconds / Interval / 2));
        var output = Programs.Run(duration + Slack, "ip", "netns", "exec", variant[From].Name!, "ping", "-q", "-c", $"{count}", "-i", $"{Interval}", variant.AddressOf(To));
        // rtt min/avg/max/mdev = 0.013/0.015/0.020/0.001 ms
        var line = output.Split('\n').FirstOrDefault(static line => line.StartsWith("rtt ", StringComparison.Ordinal)) ?? throw new BenchmarkException("ping printed no times");
        return double.Parse(line.Split('=')[1].Split('/')[1], CultureInfo.InvariantCulture) * 1e3;
    }
}
