@{
    RootModule = 'IpVlanWin.PowerShell.dll'
    ModuleVersion = '0.1.0'
    GUID = 'd0a6b7a3-51f4-4a39-9f0e-6f2f3c7d8b15'
    Author = 'IpVlanWin'
    CompanyName = 'IpVlanWin'
    Copyright = 'Copyright (c) 2026 the IpVlanWin authors'
    Description = 'Linux ipvlan for Windows: virtual network interfaces that share the MAC address of a master adapter.'
    CompatiblePSEditions = @('Desktop', 'Core')
    PowerShellVersion = '5.1'
    DotNetFrameworkVersion = '4.7.2'
    FormatsToProcess = @('IpVlan.Format.ps1xml')
    FunctionsToExport = @()
    CmdletsToExport = @(
        'Add-IpVlanAddress'
        'Disable-IpVlanInterface'
        'Enable-IpVlanInterface'
        'Export-IpVlanConfiguration'
        'Get-IpVlanAddress'
        'Get-IpVlanInterface'
        'Get-IpVlanPort'
        'Get-IpVlanStatistics'
        'Import-IpVlanConfiguration'
        'New-IpVlanInterface'
        'Remove-IpVlanAddress'
        'Remove-IpVlanInterface'
        'Rename-IpVlanInterface'
        'Reset-IpVlanStatistics'
        'Set-IpVlanInterface'
        'Set-IpVlanPort'
        'Start-IpVlanCapture'
        'Stop-IpVlanCapture'
        'Test-IpVlanConfiguration'
        'Trace-IpVlanFrame'
    )
    VariablesToExport = @()
    AliasesToExport = @()
    PrivateData = @{
        PSData = @{
            Tags = @('Network', 'ipvlan', 'PSEdition_Desktop', 'PSEdition_Core', 'Windows', 'Linux')
        }
    }
}
