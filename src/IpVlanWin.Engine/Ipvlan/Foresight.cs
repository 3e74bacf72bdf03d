using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace IpVlanWin.Engine.Ipvlan;

/// <summary>Frames of a batch.</summary>
public interface IFrameList
{
    /// <summary>How many.</summary>
    int Count { get; }

    /// <summary>The bytes of one.</summary>
    ReadOnlySpan<byte> this[int index] { get; }
}

/// <summary>What was foreseen of the frames of a batch. One thread's, batch after batch.</summary>
/// <param name="capacity">Most frames of a batch.</param>
public sealed class Foresight(int capacity)
{
    // Defaults from the count on.
    private readonly Foreseen[] _all = new Foreseen[capacity];

    // Keeps the memory that what was foreseen lies in, until the next batch.
    private AddressMap.Reading _reading;
    private int _count;

    /// <summary>What was foreseen of each frame; the default where nothing was.</summary>
    public ReadOnlySpan<Foreseen> Frames => _all;

    /// <summary>
    /// Turns to be taken, however many addresses and interfaces there are: 0 to foresee nothing, 1 where addresses lie, 2 whose they are. Null, the
    /// default, for as many as pay.
    /// </summary>
    public int? Turns { get; init; }

    internal ref readonly AddressMap.Reading Reading => ref _reading;

    internal void Forget()
    {
        if (_count == 0)
            return;
        Shorten(0);
        _reading = default;
    }

    /// <summary>Room for what is foreseen of so many frames by the map as it is now.</summary>
    internal Span<Foreseen> Begin(AddressMap map, int count)
    {
        var all = _all.AsSpan(0, count);
        if (count < _count)
            Shorten(count);
        _count = count;
        if (!_reading.IsLatestOf(map))
            _reading = map.Now;
        return all;
    }

    private void Shorten(int count)
    {
        _all.AsSpan(count, _count - count).Clear();
        _count = count;
    }
}

/// <summary>Where the destination of a frame of a batch will be looked up, or who has it. The default: nothing is known yet.</summary>
public readonly unsafe struct Foreseen
{
    // Lines are aligned, so these bits of their place are free to tell what it is.
    private const nint Six = 1;
    private const nint Number = 2;
    private const nint Kinds = Six | Number;
    private const int NumberShift = 2;

    private readonly nint _value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Foreseen(nint value) => _value = value;

    /// <summary>The default.</summary>
    public bool IsNothing => _value == 0;

    /// <summary>The line; not to be looked at but to bring it nearer.</summary>
    internal void* Line => (void*)_value;

    internal static Foreseen InFour(nint line) => new(line);

    internal static Foreseen InSix(nint line) => new(line | Six);

    internal static Foreseen Of(int found) => new(((nint)found << NumberShift) | Number);

    /// <summary>Who has the destination, as <see cref="AddressMap.FindFour(ref byte)"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int Find(ReadOnlySpan<byte> frame)
    {
        ref var first = ref MemoryMarshal.GetReference(frame);
        if ((_value & Kinds) == 0)
            return AddressMap.FindFour(_value, ref Unsafe.Add(ref first, Classifier.Ipv4Destination));
        return (_value & Number) == 0
            ? AddressMap.FindSix(_value - Six, ref Unsafe.Add(ref first, Classifier.Ipv6Destination))
            : (int)(_value >> NumberShift);
    }
}
