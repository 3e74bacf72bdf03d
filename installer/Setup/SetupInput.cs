namespace IpVlanWin.Setup;

/// <summary>What a setup is made of. Folders are whole paths.</summary>
/// <param name="Version">major.minor.build of the product.</param>
/// <param name="ProductCode">Of this very product: another content has another one.</param>
/// <param name="Programs">Folder with ipvlansvc.exe, ipvlan.exe and all they need.</param>
/// <param name="Module">Folder with the PowerShell module.</param>
/// <param name="Settings">The settings file that is put beside the state once and never replaced.</param>
/// <param name="Licences">Folder with licence texts.</param>
/// <param name="Output">Folder of the MSI.</param>
/// <param name="Driver">Folder with the filter driver's package, or null: the feature is left out.</param>
/// <param name="WinDivert">Folder with WinDivert's files, checked by the build, or null: the feature is left out.</param>
public sealed record SetupInput(
    Version Version, Guid ProductCode, string Programs, string Module, string Settings, string Licences, string Output, string Driver = null, string WinDivert = null);
