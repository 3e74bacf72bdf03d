namespace IpVlanWin.HostNetwork;

/// <summary>The system's tables that are mirrored.</summary>
[Flags]
internal enum HostTables
{
    None = 0,
    Links = 1,
    Addresses = 2,
    Routes = 4,
    Neighbors = 8,
    All = Links | Addresses | Routes | Neighbors,
}
