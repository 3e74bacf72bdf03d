namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>Names of parameter sets.</summary>
internal static class ParameterSets
{
    public const string Name = "Name";
    public const string Alias = "Alias";
    public const string Index = "Index";
    public const string All = "All";
}
