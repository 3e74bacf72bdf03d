using IpVlanWin.Engine.Ipvlan;

namespace IpVlanWin.Engine.Tests.Oracle;

/// <summary>Whatever carries frames through the engine's port: the engine alone, or a pump with devices.</summary>
public interface IPortUnderTest
{
    Port Port { get; }

    /// <summary>It has <see cref="HoldsSnapshot"/>.</summary>
    bool CanHoldSnapshot { get; }

    /// <summary>While held, frames are decided on with the snapshot of that moment, as in a batch during which the port changes.</summary>
    bool HoldsSnapshot { get; set; }

    void Attached(VirtualInterface added);

    void Detached(VirtualInterface removed);

    /// <summary>Carries a frame from the wire (sender null) or an interface through, floods included.</summary>
    (Decision Decision, List<NaiveCopy> Copies) Inject(VirtualInterface? sender, ForgedFrame frame, TimeSpan now);
}
