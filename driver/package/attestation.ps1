<#
.SYNOPSIS
Makes the CAB that the Hardware Dev Center signs (attestation). Needs makecab; for a signature the Windows SDK (signtool).

.PARAMETER Output
The CAB.

.PARAMETER X64
Holds ipvlan.sys and ipvlan.pdb of x64.

.PARAMETER Arm64
The same of arm64.

.PARAMETER Thumbprint
Of the EV code-signing certificate that is registered with the Dev Center. Without it the CAB is not signed, and not taken there.

.NOTES
Not tried on Windows yet.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)][string] $Output,
    [Parameter(Mandatory)][string] $X64,
    [string] $Arm64,
    [string] $Thumbprint
)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest

function Invoke-Tool([string] $Tool, [string[]] $Arguments) {
    & $Tool @Arguments
    if ($LASTEXITCODE -ne 0) { throw "$Tool ended with $LASTEXITCODE" }
}

$inf = (Resolve-Path (Join-Path $PSScriptRoot '..\inf\ipvlan.inf')).Path
$work = Join-Path ([IO.Path]::GetTempPath()) ([Guid]::NewGuid())
[void](New-Item -ItemType Directory $work)
try {
    $lines = @('.Set CabinetNameTemplate=package.cab', ".Set DiskDirectoryTemplate=`"$work`"", '.Set Cabinet=on', '.Set Compress=on',
        '.Set MaxDiskSize=0', ".Set RptFileName=`"$work\setup.rpt`"", ".Set InfFileName=`"$work\setup.inf`"")
    foreach ($package in @{ Name = 'ipvlan-x64'; From = $X64 }, @{ Name = 'ipvlan-arm64'; From = $Arm64 }) {
        if (-not $package.From) { continue }
        # Each package is a folder of the CAB.
        $lines += ".Set DestinationDir=$($package.Name)", "`"$inf`""
        foreach ($file in 'ipvlan.sys', 'ipvlan.pdb') { $lines += "`"$((Resolve-Path (Join-Path $package.From $file)).Path)`"" }
    }
    Set-Content (Join-Path $work 'package.ddf') $lines -Encoding ascii
    Invoke-Tool 'makecab.exe' @('/f', (Join-Path $work 'package.ddf'))
    Move-Item (Join-Path $work 'package.cab') $Output -Force
    if ($Thumbprint) {
        Invoke-Tool 'signtool.exe' @('sign', '/sha1', $Thumbprint, '/fd', 'sha256', '/tr', 'http://timestamp.digicert.com', '/td', 'sha256', $Output)
    }
    Write-Output "made: $((Resolve-Path $Output).Path)"
}
finally {
    Remove-Item -Recurse -Force $work
}
