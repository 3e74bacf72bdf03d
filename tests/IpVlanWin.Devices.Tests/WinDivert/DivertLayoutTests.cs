using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using IpVlanWin.Devices.WinDivert;

namespace IpVlanWin.Devices.Tests.WinDivert;

/// <summary>Sizes, offsets, bits and values of WinDivert 2.2.2.</summary>
[TestClass]
public sealed class DivertLayoutTests
{
    [TestMethod]
    public void Address_Is80Bytes()
    {
        Assert.AreEqual(80, Unsafe.SizeOf<DivertAddress>());
        foreach (var (field, offset) in ((string, int)[])[(nameof(DivertAddress.Timestamp), 0), ("_layer", 8), ("_event", 9), ("_bits", 10),
            (nameof(DivertAddress.InterfaceIndex), 16), (nameof(DivertAddress.SubInterfaceIndex), 20)])
            Assert.AreEqual(offset, (int)Marshal.OffsetOf<DivertAddress>(field), field);
    }

    [TestMethod]
    public void Address_Bits()
    {
        AssertBit(0x01, new DivertAddress { IsSniffed = true }, static address => address.IsSniffed);
        AssertBit(0x02, new DivertAddress { IsOutbound = true }, static address => address.IsOutbound);
        AssertBit(0x04, new DivertAddress { IsLoopback = true }, static address => address.IsLoopback);
        AssertBit(0x08, new DivertAddress { IsImpostor = true }, static address => address.IsImpostor);
        AssertBit(0x10, new DivertAddress { IsSix = true }, static address => address.IsSix);
        AssertBit(0x20, new DivertAddress { HasIpChecksum = true }, static address => address.HasIpChecksum);
        AssertBit(0x40, new DivertAddress { HasTcpChecksum = true }, static address => address.HasTcpChecksum);
        AssertBit(0x80, new DivertAddress { HasUdpChecksum = true }, static address => address.HasUdpChecksum);
    }

    [TestMethod]
    public void Address_LayerAndEvent()
    {
        var address = new DivertAddress { Layer = DivertLayer.Forward, Event = DivertEvent.ReflectClose };
        var bytes = MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref address, 1));
        Assert.AreEqual((1, 9), (bytes[8], bytes[9]));
        Assert.AreEqual((DivertLayer.Forward, DivertEvent.ReflectClose), (address.Layer, address.Event));
    }

    [TestMethod]
    public void Address_Unset_LeavesOtherBits()
    {
        var address = new DivertAddress { IsOutbound = true, IsImpostor = true, HasUdpChecksum = true };
        address.IsImpostor = false;
        Assert.AreEqual((true, false, true), (address.IsOutbound, address.IsImpostor, address.HasUdpChecksum));
    }

    [TestMethod]
    public void Values()
    {
        CollectionAssert.AreEqual(new[] { 0, 1, 2, 3, 4 }, Array.ConvertAll(Enum.GetValues<DivertLayer>(), static value => (int)value));
        CollectionAssert.AreEqual(Enumerable.Range(0, 10).ToArray(), Array.ConvertAll(Enum.GetValues<DivertEvent>(), static value => (int)value));
        CollectionAssert.AreEqual(new ulong[] { 0, 1, 2, 4, 8, 0x10, 0x20 }, Array.ConvertAll(Enum.GetValues<DivertOpenFlags>(), static value => (ulong)value));
        CollectionAssert.AreEqual(new[] { 0, 1, 2, 3, 4 }, Array.ConvertAll(Enum.GetValues<DivertParameter>(), static value => (int)value));
        CollectionAssert.AreEqual(new[] { 1, 2, 3 }, Array.ConvertAll(Enum.GetValues<DivertShutdown>(), static value => (int)value));
        int[] limits = [DivertLimits.MaxPacketLength, DivertLimits.MaxBatch, DivertLimits.AddressLength, DivertLimits.HighestPriority, DivertLimits.MaxFilterTests];
        CollectionAssert.AreEqual(new[] { 65_575, 255, 80, 30_000, 255 }, limits);
        DivertParameter[] parameters = [DivertParameter.QueueLength, DivertParameter.QueueTime, DivertParameter.QueueSize];
        CollectionAssert.AreEqual(new[] { 0, 1, 2 }, Array.ConvertAll(parameters, static value => (int)value));
    }

    [TestMethod]
    [DataRow(0, DivertError.None)]
    [DataRow(2, DivertError.DriverMissing)]
    [DataRow(5, DivertError.AccessDenied)]
    [DataRow(6, DivertError.HandleClosed)]
    [DataRow(22, DivertError.NotPossible)]
    [DataRow(87, DivertError.InvalidParameter)]
    [DataRow(122, DivertError.Truncated)]
    [DataRow(232, DivertError.NoData)]
    [DataRow(577, DivertError.SignatureRefused)]
    [DataRow(592, DivertError.Other)]
    [DataRow(654, DivertError.OtherVersionLoaded)]
    [DataRow(995, DivertError.Aborted)]
    [DataRow(997, DivertError.Pending)]
    [DataRow(1058, DivertError.ServiceDisabled)]
    [DataRow(1060, DivertError.NotInstalled)]
    [DataRow(1232, DivertError.ImpostorExpired)]
    [DataRow(1233, DivertError.Other)]
    [DataRow(1275, DivertError.DriverBlocked)]
    [DataRow(1450, DivertError.NoResources)]
    [DataRow(1753, DivertError.FilteringEngineStopped)]
    public void Errors_KeepTheirCode(int code, DivertError meaning)
    {
        var error = new DivertException("cannot", code);
        Assert.AreEqual((meaning, code), (error.Error, error.NativeError));
        Assert.AreEqual($"cannot: {meaning.Sentence()} (error {code})", error.Message);
    }

    [TestMethod]
    public void Errors_EachHaveWordsOfTheirOwn()
    {
        var sentences = Array.ConvertAll(Enum.GetValues<DivertError>(), DivertErrors.Sentence);
        Assert.HasCount(sentences.Length, sentences.Distinct());
    }

    [TestMethod]
    public void Library_Missing_SaysSo()
    {
        if (File.Exists(Path.Combine(AppContext.BaseDirectory, "WinDivert.dll")))
            Assert.Inconclusive("WinDivert.dll is there");
        var missing = Assert.ThrowsExactly<DivertException>(() => DivertHandle.Open("true", DivertLayer.Network, 0));
        Assert.AreEqual((DivertError.LibraryMissing, 0), (missing.Error, missing.NativeError));
        Assert.AreEqual(DivertError.LibraryMissing, Assert.ThrowsExactly<DivertException>(() => ChecksumSelfTest.Run()).Error);
    }

    private static void AssertBit(int bit, DivertAddress address, Func<DivertAddress, bool> read)
    {
        Assert.AreEqual(bit, MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref address, 1))[10]);
        Assert.IsTrue(read(address));
        Assert.IsFalse(read(default));
    }
}
