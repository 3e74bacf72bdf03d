using IpVlanWin.Protocol;
using IpVlanWin.Service.State;

namespace IpVlanWin.Service.Tests;

/// <summary>A state folder of one test, removed afterwards.</summary>
internal sealed class TestFolder : IDisposable
{
    public TestFolder(string? parent = null)
    {
        Path = System.IO.Path.Combine(parent ?? System.IO.Path.GetTempPath(), $"ipvlanwin-test-{Environment.ProcessId}-{Guid.NewGuid():N}");
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    public string File => System.IO.Path.Combine(Path, "state.db");

    public string Backups => System.IO.Path.Combine(Path, "backups");

    public DesiredState Open(IReadOnlyList<string>? migrations = null, TimeProvider? time = null) =>
        DesiredState.Open(Path, new FakeHost(), time ?? TimeProvider.System, new ServiceLog(TextWriter.Null), migrations);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>A host with the adapters eth0 (index 2) and eth1, both of MTU 1500.</summary>
internal sealed class FakeHost : IHost
{
    public MasterInfo FindMaster(string master, string datapath) => master switch
    {
        "eth0" or "2" => new MasterInfo("eth0", "memory", 1500),
        "eth1" => new MasterInfo("eth1", "memory", 1500),
        "tun0" => throw ErrorCode.MasterNotEthernet.With(master),
        _ => throw ErrorCode.MasterNotFound.With(master),
    };

    public string NameOf(string master) => master == "2" ? "eth0" : master;
}
