using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Decorators;

/// <summary>
/// A bad wire: loss, duplication, reordering, a changed byte, a lost end, drawn under a seed, for each direction apart. The same
/// seed, frames and batches give the same faults. A frame with unfinished work is never corrupted or truncated, since finishing it would
/// hide or contradict that. Nothing is held back for ever: received frames go on when no more wait, sent ones at <see cref="Flush"/>;
/// a batch that comes back full may leave some for the next <see cref="Receive"/>, as with any device.
/// </summary>
public sealed class FaultInjector : IFrameDevice
{
    private readonly IFrameDevice _inner;
    private readonly ReceiveLane _received;
    private readonly SendLane _sent;

    /// <summary>Puts the bad wire before a device, which it disposes.</summary>
    /// <param name="inner">The device.</param>
    /// <param name="seed">Print it with a failure: it brings the same faults back.</param>
    /// <param name="received">Faults of frames that the pump receives; none when null.</param>
    /// <param name="sent">Faults of frames that the pump sends; none when null.</param>
    public FaultInjector(IFrameDevice inner, ulong seed, FaultRates? received = null, FaultRates? sent = null)
    {
        _inner = inner;
        Seed = seed;
        _received = new ReceiveLane(received ?? FaultRates.None, seed);
        // Any other stream of numbers will do.
        _sent = new SendLane(inner, sent ?? FaultRates.None, ~seed);
    }

    /// <inheritdoc/>
    public string Name => _inner.Name;

    /// <inheritdoc/>
    public OffloadKinds Accepts => _inner.Accepts;

    /// <inheritdoc/>
    public int PollDescriptor => _inner.PollDescriptor;

    /// <summary>What the faults are drawn from.</summary>
    public ulong Seed { get; }

    /// <summary>What befell received frames.</summary>
    public FaultCounters Received => _received.Counters;

    /// <summary>What befell sent frames.</summary>
    public FaultCounters Sent => _sent.Counters;

    /// <inheritdoc/>
    public void Receive(FrameBatch batch) => _received.Fill(batch, _inner);

    /// <inheritdoc/>
    /// <remarks>A frame that vanishes or is held back counts as sent.</remarks>
    public SendResult Send(Span<byte> buffer, in FrameOffload offload) =>
        buffer.Length > FrameBatch.Headroom + FrameBatch.MaxFrameLength ? _inner.Send(buffer, offload) : _sent.Pass(buffer, offload);

    /// <inheritdoc/>
    public void Flush()
    {
        _sent.ReleaseAll();
        _inner.Flush();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _received.Dispose();
        _inner.Dispose();
    }

    private sealed class ReceiveLane(FaultRates rates, ulong seed) : FaultLane(rates, seed), IDisposable
    {
        // One frame at a time, so that whatever leaves the device has a place in the pump's batch.
        private readonly FrameBatch _one = new(1, FrameBatch.FrameStart + FrameBatch.MaxFrameLength);
        private FrameBatch? _batch;

        protected override bool HasRoom => !_batch!.IsFull;

        public void Fill(FrameBatch batch, IFrameDevice inner)
        {
            if (IsIdle)
            {
                var before = batch.Count;
                inner.Receive(batch);
                Counters.Seen += batch.Count - before;
                return;
            }
            _batch = batch;
            ReleaseDue();
            while (!batch.IsFull)
            {
                _one.Clear();
                inner.Receive(_one);
                if (_one.Count == 0)
                {
                    ReleaseAll();
                    break;
                }
                Pass(_one.Buffer(0), _one.Offload(0));
            }
        }

        public void Dispose() => _one.Dispose();

        protected override SendResult Emit(Span<byte> buffer, in FrameOffload offload)
        {
            _batch!.Append(buffer[FrameBatch.Headroom..], offload);
            return SendResult.Sent;
        }
    }

    private sealed class SendLane(IFrameDevice inner, FaultRates rates, ulong seed) : FaultLane(rates, seed)
    {
        protected override bool HasRoom => true;

        protected override SendResult Emit(Span<byte> buffer, in FrameOffload offload) => inner.Send(buffer, offload);
    }
}
