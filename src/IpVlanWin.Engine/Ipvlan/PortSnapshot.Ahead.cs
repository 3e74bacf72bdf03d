using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using IpVlanWin.Engine.Routing;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Engine.Ipvlan;

/// <summary>Where an address that a frame names will be looked up. The default: nowhere, the frame is not a plain one.</summary>
public readonly struct AddressProbe
{
    // The hash, whose lower half the map does not use; the family in its lowest bits.
    private const ulong FamilyBits = 3;

    private readonly ulong _packed;

    internal AddressProbe(ulong hash, KeyFamily family) => _packed = (hash & ~FamilyBits) | (ulong)family;

    internal KeyFamily Family => (KeyFamily)(_packed & FamilyBits);

    internal ulong Hash => _packed;
}

/// <summary>Who has the address that a frame names, if anyone. The default: not looked up.</summary>
public readonly struct FoundOwner
{
    private const int Bias = 2;

    private readonly int _biased;

    internal FoundOwner(int number) => _biased = number + Bias;

    internal bool IsKnown => _biased != 0;

    /// <summary>Number of an interface; negative where nobody has the address.</summary>
    internal int Number => _biased - Bias;
}

/// <content>
/// A batch may be looked up before its frames are decided on, in turns: <see cref="Probe"/> for each frame, then <see cref="Resolve"/> for each, then
/// the decisions. So the waits for memory of all frames overlap, and each frame is looked up once.
/// </content>
public sealed unsafe partial class PortSnapshot
{
    // From here on addresses outgrow the nearer caches.
    private const int ManyAddresses = 1 << 14;

    /// <summary>Looking a batch up beforehand pays.</summary>
    public bool PrefersLookingAhead => _map.Count >= ManyAddresses;

    /// <summary>Finds where a frame's address is looked up and has the processor bring it. Counts nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public AddressProbe Probe(ReadOnlySpan<byte> frame)
    {
        ref var first = ref MemoryMarshal.GetReference(frame);
        if (frame.Length < EtherType.HeaderLength || !Classifier.IsPlain(ref first, frame.Length, out var family))
            return default;
        return new AddressProbe(
            family == KeyFamily.Four
                ? _map.ProbeFour(ref Unsafe.Add(ref first, Classifier.Ipv4Destination))
                : _map.ProbeSix(ref Unsafe.Add(ref first, Classifier.Ipv6Destination)),
            family);
    }

    /// <summary>Looks a frame's address up and has the processor bring what its owner counts on. Counts nothing.</summary>
    /// <param name="frame">The frame as it was probed.</param>
    /// <param name="probe">What <see cref="Probe"/> said of it.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public FoundOwner Resolve(ReadOnlySpan<byte> frame, AddressProbe probe)
    {
        if (probe.Family == KeyFamily.None)
            return default;
        ref var first = ref MemoryMarshal.GetReference(frame);
        var number = probe.Family == KeyFamily.Four
            ? _map.FindFour(ref Unsafe.Add(ref first, Classifier.Ipv4Destination), probe.Hash)
            : _map.FindSix(ref Unsafe.Add(ref first, Classifier.Ipv6Destination), probe.Hash);
        if (Sse.IsSupported && (uint)number < (uint)_memberCount)
            Sse.Prefetch0(Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_members), (nint)(uint)number).State);
        return new FoundOwner(number);
    }

    /// <summary>As <see cref="Receive(ReadOnlySpan{byte}, in FrameOffload)"/>, with what was found beforehand.</summary>
    public Decision Receive(ReadOnlySpan<byte> frame, in FrameOffload offload, FoundOwner owner)
    {
        if ((uint)(frame.Length - EtherType.HeaderLength) < _receivable && owner.IsKnown && (MemoryMarshal.GetReference(frame) & _flooded) == 0)
        {
            var state = UpOrNull(owner.Number, out var target);
            return state == null ? new Decision(DecisionAction.Host) : Received(target, state, frame.Length);
        }
        return Receive(frame, offload);
    }

    /// <summary>As <see cref="Transmit(VirtualInterface, ReadOnlySpan{byte}, in FrameOffload, TimeSpan, ref NextHop)"/>, with what was found beforehand.</summary>
    public Decision Transmit(VirtualInterface sender, ReadOnlySpan<byte> frame, in FrameOffload offload, TimeSpan now, ref NextHop hop, FoundOwner owner)
    {
        ref var sending = ref sender.State;
        if (owner.IsKnown && sending.IsUp && (uint)(frame.Length - EtherType.HeaderLength) <= (uint)sending.IpMtu && Flag == PortFlag.Bridge
            && (Mode != PortMode.L2 || IsToOwnMac(ref MemoryMarshal.GetReference(frame))))
        {
            var state = UpOrNull(owner.Number, out var target);
            if (state != null && frame.Length <= state->IpMtu + MasterSlack)
            {
                sending.CountSent(frame.Length);
                return Received(target, state, frame.Length);
            }
            if (state == null && Mode != PortMode.L2)
                return TransmitToLink(sender, frame, offload, now, ref hop);
        }
        return Transmit(sender, frame, offload, now, ref hop);
    }
}
