<#
.SYNOPSIS
Makes a test-signed driver package: ipvlan.sys with an embedded signature, and ipvlan.cat. Needs the WDK (inf2cat, signtool), elevated.

.PARAMETER Directory
Holds ipvlan.sys; ipvlan.inf is put beside it.

.PARAMETER Platform
x64 or arm64.

.PARAMETER Subject
Of the test certificate, which is made in LocalMachine\My where it is missing and exported to test.cer.

.NOTES
Not tried on Windows yet. On the test machine, with Secure Boot off:
  bcdedit /set testsigning on        and a restart
  certutil -addstore Root test.cer; certutil -addstore TrustedPublisher test.cer
  netcfg -v -l ipvlan.inf -c s -i ipvlanwin
#>
#Requires -RunAsAdministrator
[CmdletBinding()]
param(
    [Parameter(Mandatory)][string] $Directory,
    [ValidateSet('x64', 'arm64')][string] $Platform = 'x64',
    [string] $Subject = 'CN=IpVlanWin test'
)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest

function Find-KitTool([string] $Name) {
    $found = Get-Command $Name -ErrorAction SilentlyContinue
    if ($found) { return $found.Source }
    $kits = (Get-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Windows Kits\Installed Roots' -ErrorAction SilentlyContinue).KitsRoot10
    $found = if ($kits) { Get-ChildItem (Join-Path $kits 'bin') -Recurse -Filter $Name | Sort-Object FullName -Descending | Select-Object -First 1 }
    if (-not $found) { throw "$Name is missing: install the Windows Driver Kit" }
    return $found.FullName
}

function Invoke-Tool([string] $Tool, [string[]] $Arguments) {
    & $Tool @Arguments
    if ($LASTEXITCODE -ne 0) { throw "$(Split-Path -Leaf $Tool) ended with $LASTEXITCODE" }
}

$signtool = Find-KitTool 'signtool.exe'
$inf2cat = Find-KitTool 'inf2cat.exe'
$Directory = (Resolve-Path $Directory).Path
$sys = Join-Path $Directory 'ipvlan.sys'
if (-not (Test-Path $sys)) { throw "$sys is missing: driver/build makes it" }
Copy-Item (Join-Path $PSScriptRoot '..\inf\ipvlan.inf') $Directory

$certificate = Get-ChildItem Cert:\LocalMachine\My -CodeSigningCert | Where-Object Subject -EQ $Subject | Sort-Object NotAfter -Descending | Select-Object -First 1
if (-not $certificate) {
    $certificate = New-SelfSignedCertificate -Type CodeSigningCert -Subject $Subject -CertStoreLocation Cert:\LocalMachine\My -HashAlgorithm SHA256
}
[void](Export-Certificate -Cert $certificate -FilePath (Join-Path $Directory 'test.cer'))

# The driver first: the catalog holds its hash.
$sign = 'sign', '/sm', '/s', 'My', '/sha1', $certificate.Thumbprint, '/fd', 'sha256'
Invoke-Tool $signtool ($sign + $sys)
$system = if ($Platform -eq 'x64') { '10_RS5_X64,ServerRS5_X64' } else { '10_RS5_ARM64' }
Invoke-Tool $inf2cat @("/driver:$Directory", "/os:$system")
Invoke-Tool $signtool ($sign + (Join-Path $Directory 'ipvlan.cat'))
Write-Output "signed: $Directory"
