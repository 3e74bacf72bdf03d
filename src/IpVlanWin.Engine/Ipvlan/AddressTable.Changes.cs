namespace IpVlanWin.Engine.Ipvlan;

// One writer at a time.
internal sealed unsafe partial class AddressTable<TKey>
{
    private static int Places => TKey.PerLine << SegmentPool.LineBits;

    /// <summary>Adds an address that is not there. Returns false where it is.</summary>
    /// <param name="key">The address.</param>
    /// <param name="value">More than 0.</param>
    /// <exception cref="InvalidOperationException">The table is full, far beyond 100 million addresses.</exception>
    public bool Add(in TKey key, int value)
    {
        var hash = HashOf(key, _seed);
        for (; ; )
        {
            var index = SegmentIndex(hash, _directory.Segments.Length - 1);
            var segment = (byte*)_directory.Segments[index];
            var head = SegmentPool.HeadOf(segment);
            var number = Locate(segment, key, hash, out var line, out var place);
            if (*number > 0)
                return false;
            var isDeepest = head->Depth == MaxDepth;
            var most = isDeepest ? Places - 1 : Places * TKey.MostTaken / 8;
            if (*number == Gone || head->Taken < most)
            {
                head->Taken += *number == Gone ? 0 : 1;
                head->Live++;
                key.WriteTo(line, place);
                Volatile.Write(ref *number, value);
                Count++;
                return true;
            }
            // Enough places come free for a good many changes before the next time.
            if (head->Live <= most * 3 / 4)
                Rebuild(index);
            else if (!isDeepest)
                Split(index);
            else
                throw new InvalidOperationException("the address map is full");
        }
    }

    /// <summary>Takes an address out. Returns false where it is not there.</summary>
    public bool Remove(in TKey key)
    {
        var hash = HashOf(key, _seed);
        var segment = SegmentOf(_directory.Segments, hash);
        var number = Locate(segment, key, hash, out _, out _);
        if (*number <= 0)
            return false;
        Volatile.Write(ref *number, Gone);
        SegmentPool.HeadOf(segment)->Live--;
        Count--;
        if (Count == 0 && _directory.Segments.Length > 1)
            Volatile.Write(ref _directory, SegmentDirectory.New());
        return true;
    }

    /// <summary>Where the number of a key is, gone or not, or else of the empty place where it would go.</summary>
    private static int* Locate(byte* segment, in TKey key, ulong hash, out byte* line, out int place)
    {
        var first = LineOffset(hash);
        for (var offset = first; ; offset = NextLine(offset, first))
        {
            line = segment + offset;
            var numbers = NumbersOf(line);
            for (place = 0; place < TKey.PerLine; place++)
            {
                if (numbers[place] == Empty || TKey.ReadFrom(line, place).Same(key))
                    return numbers + place;
            }
        }
    }

    /// <summary>A new segment without the places of addresses that are gone.</summary>
    private void Rebuild(int index)
    {
        var directory = _directory;
        var old = directory.Segments[index];
        var depth = SegmentPool.HeadOf((byte*)old)->Depth;
        var built = directory.TakeSegment(depth);
        Copy((byte*)old, built, 0, isSet: false);
        var segments = (nint[])directory.Segments.Clone();
        Put(segments, index, depth, built);
        Volatile.Write(ref _directory, directory.Followed(segments, old));
    }

    /// <summary>Two segments for one.</summary>
    private void Split(int index)
    {
        var directory = _directory;
        var old = directory.Segments[index];
        var depth = SegmentPool.HeadOf((byte*)old)->Depth;
        nint[] segments = 1 << depth == directory.Segments.Length ? [.. directory.Segments, .. directory.Segments] : [.. directory.Segments];
        var step = 1 << depth;
        var bit = (ulong)step << SegmentShift;
        var zeros = directory.TakeSegment(depth + 1);
        var ones = directory.TakeSegment(depth + 1);
        Copy((byte*)old, zeros, bit, isSet: false);
        Copy((byte*)old, ones, bit, isSet: true);
        var zero = index & (step - 1);
        Put(segments, zero, depth + 1, zeros);
        Put(segments, zero + step, depth + 1, ones);
        Volatile.Write(ref _directory, directory.Followed(segments, old));
    }

    /// <summary>Every entry that shares the segment's low bits gets it.</summary>
    private static void Put(nint[] segments, int index, int depth, SegmentHead* segment)
    {
        var step = 1 << depth;
        for (var i = index & (step - 1); i < segments.Length; i += step)
            segments[i] = (nint)segment - SegmentPool.LinesLength;
    }

    /// <summary>Copies the addresses whose hash has the bit as wanted; a bit of 0 copies all.</summary>
    private void Copy(byte* from, SegmentHead* to, ulong bit, bool isSet)
    {
        var built = (byte*)to - SegmentPool.LinesLength;
        for (var line = from; line < from + SegmentPool.LinesLength; line += SegmentPool.LineLength)
        {
            for (var i = 0; i < TKey.PerLine; i++)
            {
                var number = NumbersOf(line)[i];
                if (number <= 0)
                    continue;
                var key = TKey.ReadFrom(line, i);
                var hash = HashOf(key, _seed);
                if (bit != 0 && (hash & bit) != 0 != isSet)
                    continue;
                *Locate(built, key, hash, out var home, out var place) = number;
                key.WriteTo(home, place);
                to->Taken++;
                to->Live++;
            }
        }
    }
}
