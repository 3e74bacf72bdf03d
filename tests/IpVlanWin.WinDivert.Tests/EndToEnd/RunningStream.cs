using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.Versioning;

namespace IpVlanWin.WinDivert.Tests.EndToEnd;

/// <summary>A TCP connection that sends as fast as it can, or some megabytes a second, its bytes checked at the other end, until it is stopped.</summary>
[SupportedOSPlatform("linux")]
internal sealed class RunningStream : IDisposable
{
    private readonly bool _isPaced;
    private readonly string _name;
    private readonly Socket _from, _to;
    private readonly Thread _sender, _receiver;
    private volatile bool _stopping;
    private Exception? _fault;
    private long _sent, _received;

    /// <param name="client">Sends.</param>
    /// <param name="server">Receives.</param>
    /// <param name="isPaced">Leaves the processors to what it runs beside: a service that starts.</param>
    public RunningStream(Talk.End client, Talk.End server, bool isPaced = false)
    {
        _isPaced = isPaced;
        _name = $"{client.Address} to {server.Address}";
        (_from, _to) = Talk.Connect(client, server);
        _sender = new Thread(() => Guard(Send)) { IsBackground = true };
        _receiver = new Thread(() => Guard(Receive)) { IsBackground = true };
        _sender.Start();
        _receiver.Start();
    }

    public long Received => Volatile.Read(ref _received);

    /// <summary>Waits until this many more bytes have come through.</summary>
    public void WaitForMore(long bytes)
    {
        var (before, deadline) = (Received, Environment.TickCount64 + 20_000);
        while (Received < before + bytes && _fault is null && Environment.TickCount64 < deadline)
            Thread.Sleep(2);
        Assert.IsNull(_fault, _fault?.ToString());
        Assert.IsGreaterThanOrEqualTo(before + bytes, Received, "the connection stands still");
    }

    /// <summary>Ends it, and asserts that every byte sent has come.</summary>
    public void Stop()
    {
        _stopping = true;
        _sender.Join();
        _receiver.Join();
        Assert.IsNull(_fault, _fault?.ToString());
        Assert.AreEqual(_sent, Received);
    }

    public void Dispose()
    {
        _stopping = true;
        _from.Dispose();
        _to.Dispose();
    }

    private void Send()
    {
        var block = new byte[8192];
        while (!_stopping)
        {
            for (var i = 0; i < block.Length; i += 8)
                BinaryPrimitives.WriteInt64BigEndian(block.AsSpan(i), _sent + i);
            for (var done = 0; done < block.Length;)
                done += _from.Send(block.AsSpan(done));
            _sent += block.Length;
            if (_isPaced)
                Thread.Sleep(1);
        }
        _from.Shutdown(SocketShutdown.Send);
    }

    private void Receive()
    {
        var block = new byte[8192];
        for (; ; )
        {
            var length = 0;
            while (length < block.Length)
            {
                var got = _to.Receive(block.AsSpan(length));
                if (got == 0)
                    return;
                length += got;
            }
            for (var i = 0; i < block.Length; i += 8)
            {
                if (BinaryPrimitives.ReadInt64BigEndian(block.AsSpan(i)) != _received + i)
                    throw new InvalidDataException($"wrong bytes at {_received + i}");
            }
            Volatile.Write(ref _received, _received + block.Length);
        }
    }

    private void Guard(Action body)
    {
        try
        {
            body();
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException or InvalidDataException)
        {
            if (!_stopping || fault is not ObjectDisposedException)
                _fault ??= new IOException($"{_name}, {_sent} sent, {_received} received: {fault.Message}", fault);
        }
    }
}
