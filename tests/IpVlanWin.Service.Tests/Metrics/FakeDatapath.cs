using IpVlanWin.Datapath;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;

namespace IpVlanWin.Service.Tests.Metrics;

/// <summary>A data path that has counted what a test says, and can nothing else.</summary>
internal sealed class FakeDatapath(PortStatus port, params InterfaceStatus[] interfaces) : IDatapath
{
    public string Kind => "memory";

    public PortStatus Port { get; set; } = port;

    public IReadOnlyList<InterfaceStatus> Interfaces { get; set; } = interfaces;

    public Task Completion => Task.CompletedTask;

    public InterfaceStatus? Find(string name) => Interfaces.FirstOrDefault(one => one.Name == name);

    public PortResult AddInterface(InterfaceSettings settings) => throw new NotSupportedException();

    public PortResult RemoveInterface(string name) => throw new NotSupportedException();

    public PortResult SetMode(PortMode mode) => throw new NotSupportedException();

    public PortResult SetFlag(PortFlag flag) => throw new NotSupportedException();

    public PortResult SetUp(string name, bool isUp) => throw new NotSupportedException();

    public PortResult SetMtu(string name, int ipMtu) => throw new NotSupportedException();

    public PortResult AddAddress(string name, L3Prefix prefix) => throw new NotSupportedException();

    public PortResult RemoveAddress(string name, L3Prefix prefix) => throw new NotSupportedException();

    public PortResult Rename(string name, string newName) => throw new NotSupportedException();

    public void Dispose()
    {
    }
}
