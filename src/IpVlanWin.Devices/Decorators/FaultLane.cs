using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Devices.Decorators;

/// <summary>
/// Draws and applies the faults of one direction. Each frame uses up the same count of random numbers whatever befalls it, so that
/// one rate can be changed without moving the other faults to other frames.
/// </summary>
internal abstract class FaultLane(FaultRates rates, ulong seed)
{
    private readonly FaultRates _rates = rates;

    private readonly Held[] _held = Places(rates);
    private readonly byte[] _changed = rates.Corruption > 0 ? GC.AllocateUninitializedArray<byte>(Held.BufferLength) : [];
    private int _heldCount;
    private ulong _state = seed;

    public FaultCounters Counters { get; } = new();

    public bool IsIdle => _rates.AreZero;

    /// <summary>Sends a frame on its way.</summary>
    /// <param name="buffer">Headroom and frame; the frame is not changed.</param>
    /// <param name="offload">What is unfinished.</param>
    /// <returns>What the way on said to the frame itself; sent, when it vanished or is held back.</returns>
    public SendResult Pass(Span<byte> buffer, in FrameOffload offload)
    {
        Counters.Seen++;
        if (_rates.AreZero)
            return Emit(buffer, offload);
        var lose = Draw(_rates.Loss);
        var duplicate = Draw(_rates.Duplication);
        var holdBack = Draw(_rates.Reordering);
        var corrupt = Draw(_rates.Corruption);
        var truncate = Draw(_rates.Truncation);
        var (overtaking, place, change, cut) = (Next(), Next(), Next(), Next());
        if (lose)
        {
            Counters.Lost++;
            return SendResult.Sent;
        }
        var length = buffer.Length - FrameBatch.Headroom;
        if ((corrupt && (length == 0 || !offload.IsFinished)) || (truncate && (length < 2 || !offload.IsFinished)))
        {
            Counters.LeftWhole++;
            corrupt = truncate = false;
        }
        if (truncate)
        {
            Counters.Truncated++;
            length = 1 + Below(cut, length - 1);
            buffer = buffer[..(FrameBatch.Headroom + length)];
        }
        if (corrupt)
        {
            Counters.Corrupted++;
            buffer.CopyTo(_changed);
            buffer = _changed.AsSpan(0, buffer.Length);
            buffer[FrameBatch.Headroom + Below(place, length)] ^= (byte)(1 + Below(change, byte.MaxValue));
        }
        if (duplicate)
            Counters.Duplicated++;

        var result = SendResult.Sent;
        if (holdBack && _heldCount < _rates.ReorderWindow)
        {
            Counters.HeldBack++;
            Hold(buffer, offload, 1 + Below(overtaking, _rates.ReorderWindow));
            if (!duplicate)
                return SendResult.Sent;
            // The duplicate goes at once; there is room, or there would have been no call.
            EmitLate(buffer, offload);
        }
        else
        {
            result = Emit(buffer, offload);
            if (duplicate && HasRoom)
                EmitLate(buffer, offload);
            else if (duplicate)
                Hold(buffer, offload, 0);
        }
        foreach (ref var held in _held.AsSpan(0, _heldCount))
            held.Overtaking--;
        ReleaseDue();
        return result;
    }

    /// <summary>Sends on what has been overtaken enough, as far as there is room.</summary>
    public void ReleaseDue() => Release(all: false);

    /// <summary>Sends on everything held back, as far as there is room.</summary>
    public void ReleaseAll() => Release(all: true);

    /// <summary>Another frame can be emitted now; one that cannot is kept. True whenever <see cref="Pass"/> is called.</summary>
    protected abstract bool HasRoom { get; }

    /// <summary>The way on.</summary>
    protected abstract SendResult Emit(Span<byte> buffer, in FrameOffload offload);

    private void EmitLate(Span<byte> buffer, in FrameOffload offload)
    {
        if (Emit(buffer, offload) != SendResult.Sent)
            Counters.LateRefused++;
    }

    private void Hold(ReadOnlySpan<byte> buffer, in FrameOffload offload, int overtaking)
    {
        ref var held = ref _held[_heldCount++];
        buffer.CopyTo(held.Buffer);
        (held.Length, held.Offload, held.Overtaking) = (buffer.Length, offload, overtaking);
    }

    private void Release(bool all)
    {
        var kept = 0;
        for (var i = 0; i < _heldCount; i++)
        {
            ref var held = ref _held[i];
            if ((all || held.Overtaking <= 0) && HasRoom)
            {
                EmitLate(held.Buffer.AsSpan(0, held.Length), held.Offload);
            }
            else
            {
                // The buffers trade places, so none is lost.
                (_held[kept], _held[i]) = (_held[i], _held[kept]);
                kept++;
            }
        }
        _heldCount = kept;
    }

    /// <summary>Room for the window, and one place more for the duplicate that finds a full batch.</summary>
    private static Held[] Places(FaultRates rates)
    {
        var places = new Held[(rates.Reordering > 0 ? rates.ReorderWindow : 0) + 1];
        foreach (ref var place in places.AsSpan())
            place.Buffer = rates.AreZero ? [] : GC.AllocateUninitializedArray<byte>(Held.BufferLength);
        return places;
    }

    private bool Draw(double probability) => (Next() >> 11) * (1.0 / (1UL << 53)) < probability;

    private static int Below(ulong random, int bound) => (int)(((UInt128)random * (uint)bound) >> 64);

    /// <summary>SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014): the same numbers on every runtime.</summary>
    private ulong Next()
    {
        var z = _state += 0x9E37_79B9_7F4A_7C15;
        z = (z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9;
        z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB;
        return z ^ (z >> 31);
    }

    private struct Held
    {
        public const int BufferLength = FrameBatch.Headroom + FrameBatch.MaxFrameLength;

        public byte[] Buffer;
        public int Length;
        public int Overtaking;
        public FrameOffload Offload;
    }
}
