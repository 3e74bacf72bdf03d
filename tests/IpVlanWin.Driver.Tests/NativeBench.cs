using System.Runtime.InteropServices;
using IpVlanWin.Datapath.Filter;

namespace IpVlanWin.Driver.Tests;

/// <summary>How a bench feeds frames (driver/test/bench.h).</summary>
[Flags]
internal enum BenchOptions : uint
{
    None = 0,
    Translate = 1,
    TagOutOfBand = 2,
    Split = 4,
    Served = 8,
}

/// <summary>One bench of a native build: driver/test/bench.h. The library's path is known only when it is built, so its functions are looked up.</summary>
internal sealed unsafe class NativeBench : IDisposable
{
    public const ulong Wire = 0;
    public const ulong Host = 1;

    private readonly Functions _functions;
    private nint _bench;

    public NativeBench(string library, ReadOnlySpan<byte> mac, int ipMtu, BenchOptions options)
    {
        _functions = Functions.Of(library);
        fixed (byte* at = mac)
            _bench = _functions.Create(at, (uint)ipMtu, (uint)options);
        Assert.AreNotEqual(0, _bench, "a bench");
    }

    public uint Control(uint function, Span<byte> buffer, int inputLength, out int written)
    {
        uint length;
        uint status;
        fixed (byte* at = buffer)
            status = _functions.Control(_bench, function, at, (uint)inputLength, (uint)buffer.Length, &length);
        written = (int)length;
        return status;
    }

    public void SetMaster(ReadOnlySpan<byte> mac, int ipMtu, bool isUp)
    {
        fixed (byte* at = mac)
            _functions.SetMaster(_bench, at, (uint)ipMtu, isUp ? 1u : 0);
    }

    public void Attach(ulong luid) => _functions.Attach(_bench, luid);

    public void Detach(ulong luid) => _functions.Detach(_bench, luid);

    public void SetGroups(ulong luid, ReadOnlySpan<byte> macs, bool isPromiscuous, bool isAllMulticast)
    {
        fixed (byte* at = macs)
            _functions.SetGroups(_bench, luid, at, (uint)(macs.Length / 6), isPromiscuous ? 1u : 0, isAllMulticast ? 1u : 0);
    }

    public uint Inject(ulong place, ReadOnlySpan<byte> frame, int longestSegment)
    {
        fixed (byte* at = frame)
            return _functions.Inject(_bench, place, at, (uint)frame.Length, (uint)longestSegment);
    }

    public bool TryTake(out ulong place, out byte[] frame)
    {
        var buffer = new byte[66_000];
        ulong from;
        int length;
        fixed (byte* at = buffer)
            length = _functions.Take(_bench, &from, at, (uint)buffer.Length);
        place = from;
        frame = length < 0 ? [] : buffer[..length];
        return length >= 0;
    }

    /// <summary>Places at which frames come out for one that enters.</summary>
    public ulong[] PlacesOf(ulong place, byte[] frame)
    {
        Inject(place, frame, frame.Length);
        List<ulong> places = [];
        while (TryTake(out var to, out _))
            places.Add(to);
        return [.. places];
    }

    public bool TryTakeMissing(out byte[] address)
    {
        var buffer = new byte[16];
        uint family;
        fixed (byte* at = buffer)
            family = _functions.TakeMissing(_bench, at);
        address = family == 4 ? buffer[..4] : buffer;
        return family != 0;
    }

    public bool TryTakeEvent(out AbiEvent happened)
    {
        AbiEvent taken;
        var isTaken = _functions.TakeEvent(_bench, &taken) != 0;
        happened = isTaken ? taken : default;
        return isTaken;
    }

    public byte[] MacOf(ulong luid)
    {
        var mac = new byte[6];
        fixed (byte* at = mac)
            _functions.MacOf(_bench, luid, at);
        return mac;
    }

    /// <summary>Ends it, and asserts that nothing is left behind.</summary>
    public void Dispose()
    {
        var bench = Interlocked.Exchange(ref _bench, 0);
        if (bench != 0)
            Assert.AreEqual(0u, _functions.Destroy(bench), "what is left at the end");
    }

    private sealed class Functions
    {
        private static readonly Dictionary<string, Functions> Known = [];

        public readonly delegate* unmanaged<byte*, uint, uint, nint> Create;
        public readonly delegate* unmanaged<nint, uint> Destroy;
        public readonly delegate* unmanaged<nint, uint, void*, uint, uint, uint*, uint> Control;
        public readonly delegate* unmanaged<nint, byte*, uint, uint, void> SetMaster;
        public readonly delegate* unmanaged<nint, ulong, void> Attach;
        public readonly delegate* unmanaged<nint, ulong, void> Detach;
        public readonly delegate* unmanaged<nint, ulong, byte*, uint, uint, uint, void> SetGroups;
        public readonly delegate* unmanaged<nint, ulong, byte*, uint, uint, uint> Inject;
        public readonly delegate* unmanaged<nint, ulong*, byte*, uint, int> Take;
        public readonly delegate* unmanaged<nint, byte*, uint> TakeMissing;
        public readonly delegate* unmanaged<nint, void*, uint> TakeEvent;
        public readonly delegate* unmanaged<nint, ulong, byte*, void> MacOf;

        private Functions(string library)
        {
            var handle = NativeLibrary.Load(library);
            Create = (delegate* unmanaged<byte*, uint, uint, nint>)NativeLibrary.GetExport(handle, "BenchCreate");
            Destroy = (delegate* unmanaged<nint, uint>)NativeLibrary.GetExport(handle, "BenchDestroy");
            Control = (delegate* unmanaged<nint, uint, void*, uint, uint, uint*, uint>)NativeLibrary.GetExport(handle, "BenchControl");
            SetMaster = (delegate* unmanaged<nint, byte*, uint, uint, void>)NativeLibrary.GetExport(handle, "BenchSetMaster");
            Attach = (delegate* unmanaged<nint, ulong, void>)NativeLibrary.GetExport(handle, "BenchAttach");
            Detach = (delegate* unmanaged<nint, ulong, void>)NativeLibrary.GetExport(handle, "BenchDetach");
            SetGroups = (delegate* unmanaged<nint, ulong, byte*, uint, uint, uint, void>)NativeLibrary.GetExport(handle, "BenchSetGroups");
            Inject = (delegate* unmanaged<nint, ulong, byte*, uint, uint, uint>)NativeLibrary.GetExport(handle, "BenchInject");
            Take = (delegate* unmanaged<nint, ulong*, byte*, uint, int>)NativeLibrary.GetExport(handle, "BenchTake");
            TakeMissing = (delegate* unmanaged<nint, byte*, uint>)NativeLibrary.GetExport(handle, "BenchTakeMissing");
            TakeEvent = (delegate* unmanaged<nint, void*, uint>)NativeLibrary.GetExport(handle, "BenchTakeEvent");
            MacOf = (delegate* unmanaged<nint, ulong, byte*, void>)NativeLibrary.GetExport(handle, "BenchMacOf");
        }

        public static Functions Of(string library)
        {
            lock (Known)
                return Known.TryGetValue(library, out var known) ? known : Known[library] = new Functions(library);
        }
    }
}
