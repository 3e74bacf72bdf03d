#Requires -Version 5.1
#Requires -RunAsAdministrator
<#
.SYNOPSIS
Checks on a real Windows, one by one, what IpVlanWin assumes about it, and prints a report to paste into an issue.

.DESCRIPTION
Nothing of the project has run on a real Windows before its first run here. Use a test machine (Windows Server 2019 or later, or
Windows 10/11) that you can reach by its console: adapters are made and removed, settings of the master are changed and put back.

Build the probe first, on any machine with the .NET 10 SDK:
    dotnet publish tests/wine/HostProbe -c Release -r win-x64 --self-contained -o probe

Windows PowerShell 5.1, elevated:
    .\first-run.ps1 -Master Ethernet -Probe .\probe\HostProbe.exe

.PARAMETER Master
Alias of an Ethernet adapter with an IPv4 address and a default gateway.

.PARAMETER Probe
Path of HostProbe.exe.

.PARAMETER TestAddress
A free IPv4 address of the master's subnet. With it the weak-host arrangement is tried: the script then asks you to send
packets to that address from another machine.

.PARAMETER TestAddress6
The same for IPv6.

.PARAMETER Loopbacks
How many loopback adapters to make when their number is measured; 0 leaves it out.

.PARAMETER Ipvlan
Folder with ipvlan.exe, ipvlansvc.exe and, beside them, WinDivert.dll and WinDivert64.sys of WinDivert 2.2.2. With it and
-TestAddress the data path windivert is tried: two interfaces over the master, private and bridge, killed and removed. The
service IpVlanWin must not run.

.PARAMETER Sleep
Tries sleep and resume: the script then asks you to let the machine sleep and to wake it. Needs -Ipvlan and -TestAddress.

.PARAMETER Msi
The product's MSI. It is installed and, at the end, removed; with -NewerMsi an upgrade that fails and one that does not are tried
in between. Nothing of the product may be installed before.

.PARAMETER NewerMsi
An MSI of a newer version.

.PARAMETER Stage
"before-update" leaves an interface on the installed product, to be looked at after a Windows feature update by "after-update".
Both need -Master, -TestAddress and an installed product; the report of "after-update" has these rows alone. Default: all.

.PARAMETER WaitSeconds
How long to wait for packets from the other machine.

.PARAMETER Report
Where the report is written.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Master,
    [string] $Probe = (Join-Path $PSScriptRoot 'HostProbe.exe'),
    [string] $TestAddress = '',
    [string] $TestAddress6 = '',
    [int] $Loopbacks = 64,
    [string] $Ipvlan = '',
    [switch] $Sleep,
    [string] $Msi = '',
    [string] $NewerMsi = '',
    [ValidateSet('all', 'before-update', 'after-update')] [string] $Stage = 'all',
    [int] $WaitSeconds = 60,
    [string] $Report = (Join-Path (Get-Location) 'ipvlan-first-run.md')
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$script:Rows = New-Object System.Collections.ArrayList

function Add-Row {
    param([string] $Id, [string] $Assumption, [string] $Verdict, [string] $Seen)
    $text = ($Seen -replace '[\r\n]+', ' / ') -replace '\|', '/'
    [void] $script:Rows.Add([pscustomobject] @{ Id = $Id; Assumption = $Assumption; Verdict = $Verdict; Seen = $text.Trim() })
    Write-Host ('{0,-9} {1,-4} {2}: {3}' -f $Verdict, $Id, $Assumption, $text.Trim())
}

# The body returns what it saw; it throws when the assumption does not hold; it throws "SKIP: reason" when it cannot be tried here.
function Test-Assumption {
    param([string] $Id, [string] $Assumption, [scriptblock] $Body)
    try {
        $seen = (& $Body | Out-String)
        Add-Row $Id $Assumption 'holds' $seen
    }
    catch {
        $message = $_.Exception.Message
        if ($message.StartsWith('SKIP: ')) {
            Add-Row $Id $Assumption 'skipped' $message.Substring(6)
        }
        else {
            Add-Row $Id $Assumption 'DIFFERS' $message
        }
    }
}

# Runs one group of the probe: each of its lines becomes a row.
function Invoke-Probe {
    param([string] $Id, [string[]] $Arguments)
    if (-not (Test-Path -LiteralPath $Probe)) {
        Add-Row $Id ('HostProbe ' + ($Arguments -join ' ')) 'skipped' ('no file ' + $Probe + ': see the help of this script')
        return
    }
    $ErrorActionPreference = 'Continue'
    $lines = & $Probe $Arguments 2>&1 | ForEach-Object { [string] $_ }
    $ErrorActionPreference = 'Stop'
    $number = 0
    foreach ($line in $lines) {
        $fields = $line -split "`t"
        $number = $number + 1
        $rowId = $Id + '.' + $number
        if ($fields.Length -ge 3 -and $fields[0] -eq 'ok') { Add-Row $rowId $fields[1] 'holds' ($fields[2..($fields.Length - 1)] -join ' ') }
        elseif ($fields.Length -ge 3 -and $fields[0] -eq 'FAIL') { Add-Row $rowId $fields[1] 'DIFFERS' ($fields[2..($fields.Length - 1)] -join ' ') }
        else { Add-Row $rowId ('HostProbe ' + ($Arguments -join ' ')) 'note' $line }
    }
    if ($number -eq 0) { Add-Row $Id ('HostProbe ' + ($Arguments -join ' ')) 'DIFFERS' ('no output, exit status ' + $LASTEXITCODE) }
}


$masterAdapter = Get-NetAdapter -Name $Master
$masterIndex = $masterAdapter.ifIndex
$hasHyperV = $null -ne (Get-Service -Name vmms -ErrorAction SilentlyContinue)
$hasContainers = $null -ne (Get-Service -Name hns -ErrorAction SilentlyContinue)

# Writes the report and ends the script.
function Write-Report {
    $system = Get-CimInstance -ClassName Win32_OperatingSystem
    $output = New-Object System.Collections.ArrayList
    [void] $output.Add('## First run on Windows')
    [void] $output.Add('')
    [void] $output.Add(('{0} {1}, {2}; PowerShell {3}; Hyper-V {4}; containers {5}; master {6}' -f $system.Caption, $system.Version, $system.OSArchitecture, $PSVersionTable.PSVersion, $hasHyperV, $hasContainers, $masterAdapter.InterfaceDescription))
    [void] $output.Add('')
    [void] $output.Add('| id | assumption | verdict | seen |')
    [void] $output.Add('|---|---|---|---|')
    foreach ($row in $script:Rows) { [void] $output.Add(('| {0} | {1} | {2} | {3} |' -f $row.Id, $row.Assumption, $row.Verdict, $row.Seen)) }
    $differs = @($script:Rows | Where-Object { $_.Verdict -eq 'DIFFERS' }).Count
    [void] $output.Add('')
    [void] $output.Add(('{0} hold, {1} differ, {2} skipped' -f @($script:Rows | Where-Object { $_.Verdict -eq 'holds' }).Count, $differs, @($script:Rows | Where-Object { $_.Verdict -eq 'skipped' }).Count))
    $output | Set-Content -LiteralPath $Report -Encoding UTF8
    Write-Host ''
    Write-Host ('Report: ' + $Report + '. Paste it into an issue.')
    if ($differs -gt 0) { exit 1 }
    exit 0
}

# --- the installed product: its programs, and what a feature update does to it ----------------------------------------------------

$installed = Join-Path $env:ProgramFiles 'IpVlanWin'
$updateMarker = Join-Path $env:ProgramData 'ipvlan-first-run-update.json'

function Invoke-Installed {
    $seen = & (Join-Path $installed 'ipvlan.exe') $args 2>&1 | Out-String
    if ($LASTEXITCODE -ne 0) { throw ('ipvlan ' + ($args -join ' ') + ': ' + $seen) }
    return $seen
}

function Wait-Address {
    param([string] $Address, [bool] $IsThere)
    foreach ($i in 1..300) {
        if ([bool] (Get-NetIPAddress -IPAddress $Address -ErrorAction SilentlyContinue) -eq $IsThere) { return }
        Start-Sleep -Milliseconds 200
    }
    throw ($Address + ' on the host: still ' + (-not $IsThere) + ' after 60 s')
}

# An interface of the installed product, with its address in use.
function Add-Installed {
    param([string] $Name)
    [void] (Invoke-Installed link add link $Master name $Name type ipvlan mode l3)
    [void] (Invoke-Installed addr add ($TestAddress + '/24') dev $Name)
    [void] (Invoke-Installed link set dev $Name up)
    Wait-Address $TestAddress $true
}

if ($Stage -ne 'all') {
    if ($TestAddress -eq '') { throw 'give -TestAddress' }
    if (-not (Test-Path -LiteralPath (Join-Path $installed 'ipvlan.exe'))) { throw 'the product is not installed' }
    $build = (Get-CimInstance -ClassName Win32_OperatingSystem).BuildNumber
    if ($Stage -eq 'before-update') {
        Add-Installed 'ipvlfu0'
        @{ Build = $build; PnP = (Get-NetAdapter -Name ipvlfu0).PnPDeviceID; At = (Get-Date).ToString('o') } | ConvertTo-Json | Set-Content -LiteralPath $updateMarker -Encoding UTF8
        Write-Host ('Build ' + $build + ' is noted in ' + $updateMarker + '. Install the feature update, then run this script with -Stage after-update.')
        exit 0
    }
    $before = Get-Content -LiteralPath $updateMarker -Raw | ConvertFrom-Json
    Test-Assumption '14.2' 'a Windows feature update deletes KM-TEST adapters, and the service makes them again' {
        if ($before.Build -eq $build) { throw ('SKIP: Windows is still build ' + $build) }
        Wait-Address $TestAddress $true
        $now = (Get-NetAdapter -Name ipvlfu0).PnPDeviceID
        $told = @(Get-WinEvent -FilterHashtable @{ LogName = 'Application'; ProviderName = 'IpVlanWin'; StartTime = [datetime] $before.At; Id = 70 } -ErrorAction SilentlyContinue).Count
        'build {0} is {1}; {2} is {3}; event 70 (stand-in-lost) {4} times' -f $before.Build, $build, $before.PnP, $now, $told
    }
    Test-Assumption '14.3' 'after a feature update the product is whole: service, event source, drivers' {
        $service = Get-Service -Name IpVlanWin
        if ($service.Status -ne 'Running') { throw ('the service is ' + $service.Status) }
        Invoke-Installed doctor
    }
    [void] (Invoke-Installed link del ipvlfu0)
    Remove-Item -LiteralPath $updateMarker
    Write-Report
}

# --- 1 to 3: the host, IP Helper, CIM --------------------------------------------------------------------------------------------

Test-Assumption '1.1' 'the master is Ethernet or Wi-Fi and up' {
    if ($masterAdapter.Status -ne 'Up') { throw ('it is ' + $masterAdapter.Status) }
    'NdisPhysicalMedium {0}, MAC {1}, MTU {2}, {3}' -f $masterAdapter.NdisPhysicalMedium, $masterAdapter.MacAddress, $masterAdapter.MtuSize, $masterAdapter.InterfaceDescription
}
Test-Assumption '1.2' 'the master carries no virtual switch and is no team member' {
    $bindings = Get-NetAdapterBinding -Name $Master -AllBindings
    foreach ($component in @('vms_pp', 'ms_implat')) {
        if ($bindings | Where-Object { $_.ComponentID -eq $component -and $_.Enabled }) { throw ($component + ' is bound: take the host adapter above it as the master') }
    }
    ($bindings | ForEach-Object { $_.ComponentID + '=' + [int] $_.Enabled }) -join ' '
}
Test-Assumption '1.3' 'MSFT_NetAdapterBindingSettingData.InstanceID begins with the adapter GUID' {
    $first = Get-CimInstance -Namespace root/StandardCimv2 -ClassName MSFT_NetAdapterBindingSettingData | Where-Object { $_.Name -eq $Master } | Select-Object -First 1
    if (-not $first.InstanceID.StartsWith($masterAdapter.DeviceID, [StringComparison]::OrdinalIgnoreCase)) { throw $first.InstanceID }
    $first.InstanceID
}
Test-Assumption '1.4' 'a query hides internal bindings unless AllBindings is set' {
    $shown = @(Get-NetAdapterBinding -Name $Master).Count
    $all = @(Get-NetAdapterBinding -Name $Master -AllBindings).Count
    if ($all -le $shown) { throw ('{0} shown, {1} with AllBindings' -f $shown, $all) }
    '{0} shown, {1} with AllBindings' -f $shown, $all
}
Test-Assumption '1.5' 'Win32_NetworkAdapterConfiguration.SettingID is the adapter GUID' {
    $found = Get-CimInstance -ClassName Win32_NetworkAdapterConfiguration -Filter ("SettingID='" + $masterAdapter.DeviceID + "'")
    if ($null -eq $found) { throw 'not found by its GUID' }
    'FullDNSRegistrationEnabled {0}, TcpipNetbiosOptions {1}' -f $found.FullDNSRegistrationEnabled, $found.TcpipNetbiosOptions
}
Test-Assumption '1.6' 'an SR-IOV virtual function has the MAC address of the adapter above it, and no IP' {
    $all = @(Get-NetAdapter -IncludeHidden | Where-Object { $_.MacAddress })
    $functions = @()
    foreach ($one in $all) {
        $bound = @(Get-NetAdapterBinding -Name $one.Name -AllBindings -ErrorAction SilentlyContinue | Where-Object { $_.Enabled })
        $hasIp = $null -ne ($bound | Where-Object { $_.ComponentID -eq 'ms_tcpip' -or $_.ComponentID -eq 'ms_tcpip6' })
        $twins = @($all | Where-Object { $_.MacAddress -eq $one.MacAddress -and $_.ifIndex -ne $one.ifIndex })
        if (-not $hasIp -and $twins.Count -gt 0) { $functions += ('{0} ({1}; bound: {2}) beneath {3}' -f $one.Name, $one.PnPDeviceID, (($bound | ForEach-Object { $_.ComponentID }) -join ' '), (($twins | ForEach-Object { $_.Name }) -join ', ')) }
    }
    if ($functions.Count -eq 0) { throw 'SKIP: no two adapters of one MAC address, one of them without IP: needs a Hyper-V guest with SR-IOV' }
    $functions -join '; '
}
Invoke-Probe '2' @('read')
Invoke-Probe '3' @('watch')

# --- 4 to 6: stand-ins -----------------------------------------------------------------------------------------------------------

Test-Assumption '4.0' 'netloop.inf is there' {
    $inf = Join-Path $env:windir 'inf\netloop.inf'
    if (-not (Test-Path -LiteralPath $inf)) { throw ('no ' + $inf) }
    (Get-Item -LiteralPath $inf).Length.ToString() + ' bytes'
}
Invoke-Probe '4' @('loopback')
if ($hasHyperV) { Invoke-Probe '5' @('vswitch') }
else { Add-Row '5' 'internal switch as a stand-in' 'skipped' 'Hyper-V is not installed' }
if ($Loopbacks -gt 0) { Invoke-Probe '6' @('limit', [string] $Loopbacks) }
else { Add-Row '6' 'number of loopback adapters' 'skipped' '-Loopbacks 0' }
Invoke-Probe '6c' @('clean')

# --- 7: compartments -------------------------------------------------------------------------------------------------------------

Invoke-Probe '7' @('compartments')
Test-Assumption '7.9' 'the compartments Windows lists' {
    (Get-NetCompartment | ForEach-Object { '{0} {1} type {2}' -f $_.CompartmentId, $_.CompartmentDescription, $_.CompartmentType }) -join '; '
}
if (-not $hasContainers) { Add-Row '7.10' 'container namespaces have compartments' 'skipped' 'the Containers feature is not installed' }

# --- 8: the master ---------------------------------------------------------------------------------------------------------------

Invoke-Probe '8' @('bindings', $Master)
Invoke-Probe '8p' @('proxy', $Master)
Invoke-Probe '8a' @('anycast', $Master)
if ($TestAddress -ne '') { Invoke-Probe '8f' @('free', $Master, $TestAddress) }
else { Add-Row '8f' 'an address that nobody has does not resolve' 'skipped' 'give -TestAddress' }

# --- 9 and 10: a loopback adapter that stays for a while; 9 needs another machine ------------------------------------------------

$loopbackName = 'ipvlan-first-run'
Invoke-Probe '9' @('keep', $loopbackName)

function Get-Loopback {
    $found = Get-NetAdapter -Name $loopbackName -ErrorAction SilentlyContinue
    if ($null -eq $found) { throw 'SKIP: row 9 made no loopback adapter' }
    return $found
}

# Puts the address on a loopback adapter, sets WeakHostSend there and WeakHostReceive on the master, and listens.
function Test-WeakHost {
    param([string] $Address, [string] $Family)
    if ($Address -eq '') { throw 'SKIP: give -TestAddress and -TestAddress6 and another machine to send from' }
    $loopback = Get-Loopback
    $length = 32
    $any = [System.Net.IPAddress]::Any
    if ($Family -eq 'IPv6') { $length = 128; $any = [System.Net.IPAddress]::IPv6Any }
    $masterBefore = Get-NetIPInterface -InterfaceIndex $masterIndex -AddressFamily $Family
    $loopbackBefore = Get-NetIPInterface -InterfaceIndex $loopback.ifIndex -AddressFamily $Family
    New-NetIPAddress -InterfaceIndex $loopback.ifIndex -IPAddress $Address -PrefixLength $length -SkipAsSource $true -PolicyStore ActiveStore | Out-Null
    $socket = $null
    try {
        if ($Family -eq 'IPv4') { Invoke-Probe '9a' @('proxy-add', $Master, $Address) }
        else { Invoke-Probe '9d' @('anycast-add', $Master, $Address) }
        Set-NetIPInterface -InterfaceIndex $masterIndex -AddressFamily $Family -WeakHostReceive Enabled
        Set-NetIPInterface -InterfaceIndex $loopback.ifIndex -AddressFamily $Family -WeakHostSend Enabled
        $socket = New-Object System.Net.Sockets.UdpClient -ArgumentList (New-Object System.Net.IPEndPoint -ArgumentList ([System.Net.IPAddress]::Parse($Address)), 50505)
        $socket.Client.ReceiveTimeout = $WaitSeconds * 1000
        Write-Host ''
        Write-Host ('>>> From another machine of the subnet, within {0} s: send a UDP packet to {1} port 50505.' -f $WaitSeconds, $Address)
        Write-Host '>>> IPv6: without a neighbor entry first. If nothing arrives, the anycast address is not answered for: say so in the issue.'
        $from = New-Object System.Net.IPEndPoint -ArgumentList $any, 0
        try { $bytes = $socket.Receive([ref] $from) }
        catch [System.Net.Sockets.SocketException] { throw 'no packet arrived' }
        [void] $socket.Send($bytes, $bytes.Length, $from)
        '{0} bytes from {1}; the answer was sent by the host''s route: look whether it arrived there with source {2}' -f $bytes.Length, $from, $Address
    }
    finally {
        if ($null -ne $socket) { $socket.Close() }
        if ($Family -eq 'IPv4') { Invoke-Probe '9b' @('proxy-remove', $Master, $Address) }
        else { Invoke-Probe '9e' @('anycast-remove', $Master, $Address) }
        Remove-NetIPAddress -InterfaceIndex $loopback.ifIndex -IPAddress $Address -Confirm:$false
        Set-NetIPInterface -InterfaceIndex $masterIndex -AddressFamily $Family -WeakHostReceive $masterBefore.WeakHostReceive
        Set-NetIPInterface -InterfaceIndex $loopback.ifIndex -AddressFamily $Family -WeakHostSend $loopbackBefore.WeakHostSend
    }
}

Test-Assumption '9.1' 'T: an IPv4 address on a loopback adapter is reached over the master (weak host and a proxy ARP entry)' { Test-WeakHost $TestAddress 'IPv4' }
Test-Assumption '9.2' 'T: the same for IPv6 (weak host and an anycast address of the master, which answers solicitations)' { Test-WeakHost $TestAddress6 'IPv6' }

Test-Assumption '10.0' 'the tag beside *MSLOOP does not keep netloop.inf from matching' {
    $loopback = Get-Loopback
    if ($loopback.ComponentID -ne '*msloop') { throw ('ComponentID ' + $loopback.ComponentID) }
    $ids = (Get-PnpDeviceProperty -InstanceId $loopback.PnPDeviceID -KeyName DEVPKEY_Device_HardwareIds).Data
    if (-not ($ids -like 'IPVLANWIN-STANDIN-*')) { throw ('hardware identifiers: ' + ($ids -join ' ')) }
    $ids -join ' '
}
Test-Assumption '10.1' 'T: a KM-TEST adapter drops what it is sent and receives nothing' {
    $loopback = Get-Loopback
    $before = Get-NetAdapterStatistics -Name $loopback.Name
    New-NetIPAddress -InterfaceIndex $loopback.ifIndex -IPAddress 198.18.255.1 -PrefixLength 24 -PolicyStore ActiveStore | Out-Null
    try {
        New-NetNeighbor -InterfaceIndex $loopback.ifIndex -IPAddress 198.18.255.2 -LinkLayerAddress '02-00-00-00-00-02' -State Permanent -PolicyStore ActiveStore | Out-Null
        $socket = New-Object System.Net.Sockets.UdpClient
        foreach ($i in 1..20) { [void] $socket.Send([byte[]] (1, 2, 3), 3, '198.18.255.2', 9) }
        $socket.Close()
    }
    finally {
        Remove-NetIPAddress -InterfaceIndex $loopback.ifIndex -IPAddress 198.18.255.1 -Confirm:$false
    }
    $after = Get-NetAdapterStatistics -Name $loopback.Name
    $received = $after.ReceivedUnicastPackets - $before.ReceivedUnicastPackets
    if ($received -ne 0) { throw ('it received {0} unicast packets' -f $received) }
    'sent {0}, received 0' -f ($after.SentUnicastPackets - $before.SentUnicastPackets)
}
Test-Assumption '10.2' 'T: jumbo frames need the keyword MtuSize and a restart of the adapter' {
    $loopback = Get-Loopback
    $keywords = Get-NetAdapterAdvancedProperty -Name $loopback.Name -AllProperties | ForEach-Object { $_.RegistryKeyword }
    'keywords: ' + ($keywords -join ' ') + '; MTU now ' + $loopback.MtuSize
}
Test-Assumption '10.3' 'LLMNR is off on an adapter with EnableMulticast=0 below its Tcpip interface key' {
    $loopback = Get-Loopback
    $value = Get-ItemProperty -LiteralPath ('HKLM:\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\Interfaces\' + $loopback.DeviceID.ToLower()) -Name EnableMulticast
    $joined = netsh interface ipv4 show joins $loopback.ifIndex | Select-String '224.0.0.252'
    if ($joined) { throw ('EnableMulticast {0}, and the adapter has joined 224.0.0.252' -f $value.EnableMulticast) }
    'EnableMulticast {0}, 224.0.0.252 not joined' -f $value.EnableMulticast
}
Invoke-Probe '10c' @('clean')

# --- 12: data path windivert -----------------------------------------------------------------------------------------------------

$script:Service = $null
$serviceState = Join-Path $env:TEMP ('ipvlan-first-run-' + $PID)
$second = '198.18.254.2'

function Start-FirstRunService {
    $arguments = @('run', '--state', ('"' + $serviceState + '"'), '--pipe', 'ipvlanwin-first-run', '--datapath', 'windivert')
    $script:Service = Start-Process -FilePath (Join-Path $Ipvlan 'ipvlansvc.exe') -ArgumentList $arguments -PassThru -WindowStyle Hidden
    $env:IPVLANWIN_PIPE = 'ipvlanwin-first-run'
    foreach ($i in 1..100) {
        & (Join-Path $Ipvlan 'ipvlan.exe') link show 2>&1 | Out-Null
        if ($LASTEXITCODE -eq 0) { return }
        Start-Sleep -Milliseconds 200
    }
    throw 'the service does not answer'
}

function Invoke-Ipvlan {
    $seen = & (Join-Path $Ipvlan 'ipvlan.exe') $args 2>&1 | Out-String
    if ($LASTEXITCODE -ne 0) { throw ('ipvlan ' + ($args -join ' ') + ': ' + $seen) }
    return $seen
}

# True where a datagram from one address reaches the other, both of this host.
function Test-Between {
    param([string] $From, [string] $To)
    $receiver = New-Object System.Net.Sockets.UdpClient -ArgumentList (New-Object System.Net.IPEndPoint -ArgumentList ([System.Net.IPAddress]::Parse($To)), 50506)
    $sender = New-Object System.Net.Sockets.UdpClient -ArgumentList (New-Object System.Net.IPEndPoint -ArgumentList ([System.Net.IPAddress]::Parse($From)), 0)
    try {
        $receiver.Client.ReceiveTimeout = 1000
        [void] $sender.Send([byte[]] (1, 2, 3), 3, $To, 50506)
        $any = New-Object System.Net.IPEndPoint -ArgumentList ([System.Net.IPAddress]::Any), 0
        try { [void] $receiver.Receive([ref] $any); return $true }
        catch [System.Net.Sockets.SocketException] { return $false }
    }
    finally {
        $sender.Close()
        $receiver.Close()
    }
}

if ($Ipvlan -eq '' -or $TestAddress -eq '') {
    Add-Row '12' 'data path windivert' 'skipped' 'give -Ipvlan and -TestAddress'
}
else {
    Test-Assumption '12.1' 'WinDivert opens: an interface over the master gets its address, once nobody on the wire has it' {
        Start-FirstRunService
        [void] (Invoke-Ipvlan link add link $Master name ipvlfr0 type ipvlan mode l3 private)
        [void] (Invoke-Ipvlan addr add ($TestAddress + '/24') dev ipvlfr0)
        [void] (Invoke-Ipvlan link set dev ipvlfr0 up)
        [void] (Invoke-Ipvlan link add link $Master name ipvlfr1 type ipvlan)
        [void] (Invoke-Ipvlan addr add ($second + '/24') dev ipvlfr1)
        [void] (Invoke-Ipvlan link set dev ipvlfr1 up)
        Wait-Address $TestAddress $true
        Wait-Address $second $true
        Invoke-Ipvlan -d link show
    }
    Test-Assumption '12.2' 'T: private holds: the loopback-outbound packet is seen and dropped' {
        if (Test-Between $TestAddress $second) { throw 'a datagram came through: which interface index do loopback packets carry?' }
        Invoke-Ipvlan -s link show dev ipvlfr0
    }
    Test-Assumption '12.3' 'private stays closed when the service is killed (safety net)' {
        Stop-Process -Id $script:Service.Id -Force
        Start-Sleep -Seconds 1
        if (Test-Between $TestAddress $second) { throw 'a datagram came through' }
        'safety net: process ' + ((Get-Process -Name ipvlansvc -ErrorAction SilentlyContinue | ForEach-Object { $_.Id }) -join ' ')
    }
    Test-Assumption '12.4' 'a new service takes the stand-ins over, and bridge lets packets through' {
        Start-FirstRunService
        [void] (Invoke-Ipvlan link set dev ipvlfr0 type ipvlan bridge)
        Wait-Address $second $true
        Start-Sleep -Seconds 3
        if (-not (Test-Between $TestAddress $second)) { throw 'nothing came through' }
        'adapters: ' + ((Get-NetAdapter -Name ipvlfr0, ipvlfr1 | ForEach-Object { $_.PnPDeviceID }) -join ' ')
    }
    Test-Assumption '12.5' 'an address that is removed by hand comes back' {
        Remove-NetIPAddress -IPAddress $second -Confirm:$false
        Wait-Address $second $true
        'back'
    }
    Test-Assumption '12.6' 'a stand-in that is removed by hand comes back' {
        $pnp = (Get-NetAdapter -Name ipvlfr1).PnPDeviceID
        pnputil /remove-device $pnp | Out-Null
        Start-Sleep -Seconds 2
        Wait-Address $second $true
        $pnp + ' is ' + (Get-NetAdapter -Name ipvlfr1).PnPDeviceID
    }
    Test-Assumption '12.7' 'I: a datagram over the MTU leaves in pieces' {
        $socket = New-Object System.Net.Sockets.UdpClient -ArgumentList (New-Object System.Net.IPEndPoint -ArgumentList ([System.Net.IPAddress]::Parse($TestAddress)), 0)
        $gateway = (Get-NetRoute -DestinationPrefix '0.0.0.0/0' -InterfaceIndex $masterIndex | Select-Object -First 1).NextHop
        [void] $socket.Send((New-Object byte[] 4000), 4000, $gateway, 9)
        $socket.Close()
        Invoke-Ipvlan -s link show dev ipvlfr0
    }
    Test-Assumption '12.9' 'I: a burst beyond WinDivert''s queue is told: port.LostPackets and event 79 (queue-overrun)' {
        $sender = New-Object System.Net.Sockets.UdpClient -ArgumentList (New-Object System.Net.IPEndPoint -ArgumentList ([System.Net.IPAddress]::Parse($TestAddress)), 0)
        $gateway = (Get-NetRoute -DestinationPrefix '0.0.0.0/0' -InterfaceIndex $masterIndex | Select-Object -First 1).NextHop
        $payload = New-Object byte[] 1400
        $until = (Get-Date).AddSeconds(5)
        $count = 0
        while ((Get-Date) -lt $until) {
            foreach ($i in 1..1000) { [void] $sender.Send($payload, $payload.Length, $gateway, 9) }
            $count = $count + 1000
        }
        $sender.Close()
        Start-Sleep -Seconds 3
        '{0} sent in 5 s; {1}' -f $count, (Invoke-Ipvlan -s -d link show dev ipvlfr0)
    }
    if ($Sleep) {
        Test-Assumption '14.1' 'sleep and resume: addresses, routes and answers of the active store are there again, or are put back' {
            $asked = Get-Date
            Write-Host ''
            Write-Host ('>>> Let this machine sleep now, and wake it, within {0} s.' -f ($WaitSeconds * 5))
            $woken = $null
            foreach ($i in 1..($WaitSeconds * 5)) {
                $woken = Get-WinEvent -FilterHashtable @{ LogName = 'System'; ProviderName = 'Microsoft-Windows-Power-Troubleshooter'; Id = 1; StartTime = $asked } -ErrorAction SilentlyContinue | Select-Object -First 1
                if ($woken) { break }
                Start-Sleep -Seconds 1
            }
            if (-not $woken) { throw 'SKIP: it did not sleep' }
            Wait-Address $TestAddress $true
            Wait-Address $second $true
            Start-Sleep -Seconds 3
            if (-not (Test-Between $TestAddress $second)) { throw 'nothing came through after the resume' }
            'woken at {0}; {1}' -f $woken.TimeCreated, (Invoke-Ipvlan -d link show)
        }
    }
    else { Add-Row '14.1' 'sleep and resume' 'skipped' 'give -Sleep' }
    Test-Assumption '12.8' 'nothing is left of removed interfaces, nor of the master''s settings' {
        [void] (Invoke-Ipvlan link del ipvlfr0)
        [void] (Invoke-Ipvlan link del ipvlfr1)
        Wait-Address $TestAddress $false
        foreach ($i in 1..50) {
            if (-not (Get-NetAdapter -Name ipvlfr0, ipvlfr1 -ErrorAction SilentlyContinue)) { break }
            Start-Sleep -Milliseconds 200
        }
        if (Get-NetAdapter -Name ipvlfr0, ipvlfr1 -ErrorAction SilentlyContinue) { throw 'an adapter is left' }
        Stop-Process -Id $script:Service.Id -Force
        & (Join-Path $Ipvlan 'ipvlansvc.exe') clean-host --state $serviceState --data remove
        'WeakHostReceive ' + ((Get-NetIPInterface -InterfaceIndex $masterIndex | ForEach-Object { $_.WeakHostReceive }) -join ' ')
    }
}

# --- 13: the MSI -----------------------------------------------------------------------------------------------------------------

function Invoke-Com {
    param([object] $On, [string] $Name, [object[]] $With)
    return $On.GetType().InvokeMember($Name, [System.Reflection.BindingFlags]::InvokeMethod, $null, $On, $With)
}

function Invoke-Msi {
    param([string[]] $Arguments)
    $log = Join-Path $env:TEMP ('ipvlan-first-run-' + [Guid]::NewGuid().ToString('N') + '.log')
    $running = Start-Process -FilePath msiexec.exe -ArgumentList ($Arguments + @('/qn', '/norestart', '/l*v', ('"' + $log + '"'))) -PassThru -Wait
    return $running.ExitCode
}

# A copy of an MSI whose last action fails: all that it did is to be taken back.
function New-FailingMsi {
    param([string] $From)
    $copy = Join-Path $env:TEMP ('ipvlan-first-run-' + $PID + '-fails.msi')
    Copy-Item -LiteralPath $From -Destination $copy -Force
    $installer = New-Object -ComObject WindowsInstaller.Installer
    $database = Invoke-Com $installer 'OpenDatabase' @($copy, 1)
    $view = Invoke-Com $database 'OpenView' @("SELECT ``Sequence`` FROM ``InstallExecuteSequence`` WHERE ``Action``='InstallFinalize'")
    [void] (Invoke-Com $view 'Execute' $null)
    $record = Invoke-Com $view 'Fetch' $null
    $last = $record.GetType().InvokeMember('IntegerData', [System.Reflection.BindingFlags]::GetProperty, $null, $record, @(1))
    [void] (Invoke-Com $view 'Close' $null)
    foreach ($change in @(
            'INSERT INTO `CustomAction` (`Action`, `Type`, `Target`) VALUES (''FirstRunFails'', 19, ''first-run.ps1 ends this installation'')',
            ('INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES (''FirstRunFails'', ' + ($last - 1) + ')'))) {
        $view = Invoke-Com $database 'OpenView' @($change)
        [void] (Invoke-Com $view 'Execute' $null)
        [void] (Invoke-Com $view 'Close' $null)
    }
    [void] (Invoke-Com $database 'Commit' $null)
    foreach ($used in @($view, $record, $database, $installer)) { [void] [System.Runtime.InteropServices.Marshal]::ReleaseComObject($used) }
    return $copy
}

function Get-ProductState {
    $service = Get-Service -Name IpVlanWin
    if ($service.Status -ne 'Running') { throw ('the service is ' + $service.Status) }
    return 'version {0}, {1}' -f (Get-Item -LiteralPath (Join-Path $installed 'ipvlansvc.exe')).VersionInfo.FileVersion, ((Invoke-Installed -o link show) -replace '[\r\n]+', ' ')
}

if ($Msi -eq '' -or $TestAddress -eq '') {
    Add-Row '13' 'the MSI: installation, failed upgrade, upgrade, removal' 'skipped' 'give -Msi, -NewerMsi and -TestAddress'
}
else {
    Test-Assumption '13.1' 'the MSI installs, and the service runs an interface' {
        $code = Invoke-Msi @('/i', ('"' + $Msi + '"'))
        if ($code -ne 0) { throw ('msiexec ended with ' + $code) }
        Add-Installed 'ipvlfi0'
        Get-ProductState
    }
    Test-Assumption '13.2' 'U: the data folder is for SYSTEM and Administrators alone (MsiLockPermissionsEx)' {
        $acl = Get-Acl -LiteralPath (Join-Path $env:ProgramData 'IpVlanWin')
        $others = @($acl.Access | Where-Object { $_.IdentityReference.Translate([System.Security.Principal.SecurityIdentifier]).Value -notin @('S-1-5-18', 'S-1-5-32-544') })
        if ($others.Count -gt 0) { throw $acl.Sddl }
        $acl.Sddl
    }
    Test-Assumption '13.3' 'U: recovery actions, service SID, required privileges and preshutdown time are taken' {
        (sc.exe qfailure IpVlanWin) + (sc.exe qsidtype IpVlanWin) + (sc.exe qprivs IpVlanWin) + (sc.exe qpreshutdown IpVlanWin)
    }
    Test-Assumption '13.4' 'U: entries in the Application log have their text' {
        $entry = Get-WinEvent -FilterHashtable @{ LogName = 'Application'; ProviderName = 'IpVlanWin'; Id = 1 } -MaxEvents 1
        if ($entry.Message -match 'cannot be found') { throw $entry.Message }
        $entry.Message
    }
    if ($NewerMsi -eq '') { Add-Row '13.5' 'an upgrade that fails brings the old product back' 'skipped' 'give -NewerMsi' }
    else {
        Test-Assumption '13.5' 'U: an upgrade that fails brings the old product back, with its service and its interfaces' {
            $before = Get-ProductState
            $failing = New-FailingMsi $NewerMsi
            $code = Invoke-Msi @('/i', ('"' + $failing + '"'))
            Remove-Item -LiteralPath $failing
            if ($code -ne 1603) { throw ('msiexec ended with ' + $code + ', not 1603') }
            Wait-Address $TestAddress $true
            $after = Get-ProductState
            if ($after -ne $before) { throw ($before + ' is now ' + $after) }
            $after
        }
        Test-Assumption '13.6' 'U: an upgrade keeps state, settings and the stand-in' {
            $pnp = (Get-NetAdapter -Name ipvlfi0).PnPDeviceID
            $code = Invoke-Msi @('/i', ('"' + $NewerMsi + '"'))
            if ($code -ne 0) { throw ('msiexec ended with ' + $code) }
            Wait-Address $TestAddress $true
            if ((Get-NetAdapter -Name ipvlfi0).PnPDeviceID -ne $pnp) { throw ('the stand-in is another one: ' + (Get-NetAdapter -Name ipvlfi0).PnPDeviceID) }
            Get-ProductState
        }
    }
    Test-Assumption '13.7' 'removal takes everything off the host' {
        $last = $Msi
        if ($NewerMsi -ne '') { $last = $NewerMsi }
        $code = Invoke-Msi @('/x', ('"' + $last + '"'), 'REMOVEDATA=1')
        if ($code -ne 0) { throw ('msiexec ended with ' + $code) }
        Wait-Address $TestAddress $false
        if (Get-NetAdapter -Name ipvlfi0 -ErrorAction SilentlyContinue) { throw 'the stand-in is left' }
        if (Test-Path -LiteralPath $installed) { throw ($installed + ' is left') }
        'nothing left'
    }
}

# --- 11: what this script cannot try ---------------------------------------------------------------------------------------------

$elsewhere = @(
    @('11.1', 'I: WinDivert: lower priorities see what a closed handle gives back', 'a look at the source or a debugger'),
    @('11.2', 'I: WinDivert: inbound on another IfIdx than captured is accepted where the address belongs to that interface', 'WinDivert'),
    @('11.3', 'T: NetworkAddress set to the master''s MAC: does a stack refuse frames from its own MAC', 'the filter driver'),
    @('11.4', 'T: Wi-Fi masters: proxy ARP of access points, client isolation, roaming', 'a Wi-Fi adapter and an access point'),
    @('11.5', 'U: a cmdlet DLL finds the Microsoft.Management.Infrastructure of Windows PowerShell', 'the PowerShell module'),
    @('14.2', 'a Windows feature update deletes KM-TEST adapters, and the service makes them again', '-Stage before-update, the update, and -Stage after-update'),
    @('11.6', 'U: netcfg and pnputil put the driver''s package in and out', 'the filter driver''s package, signed'),
    @('11.10', 'T: a KM-TEST adapter lists ipvlanwin among its bindings, and enabling it attaches the filter without a restart', 'the filter driver installed: ipvlan link add ... datapath filter, then Get-NetAdapterBinding -ComponentID ipvlanwin'),
    @('11.11', 'U: each NTSTATUS of the driver becomes the Win32 code that RtlNtStatusToDosError documents', 'the filter driver installed: ipvlan addr add of an address that another interface has, and of one to an interface that is gone'),
    @('11.12', 'T: the filter comes onto a container''s adapter by itself, and the driver knows it by the LUID that its compartment shows; the adapter is the one whose name has the switch''s', 'the filter driver installed, and a process-isolated container with an endpoint on the switch that ipvlan link add ... netns GUID datapath filter makes'),
    @('11.13', 'T: in l2 the stack of a stand-in probes on the wire, and has an address that another machine has as a duplicate', 'the filter driver installed, and another machine of the subnet with the address of ipvlan addr add'),
    @('11.7', 'U: unprivileged and remote clients are refused by the pipe', 'another account and another machine'),
    @('12.10', 'I: WinDivert: outbound packets of a TCP stream are seen whole (LSO), and what is cut comes through', 'a TCP server of the subnet: send it a large file from -TestAddress, and compare what ipvlan -s and the adapter count'),
    @('11.8', 'a virtual switch made over the master ends the port with the sentence that names vEthernet', 'Hyper-V and a second adapter'),
    @('11.9', 'T: a container behind an internal switch is reached over the master (forwarding, 169.254.x.y and fe80::1 as gateways)', 'a process-isolated container with an endpoint on that switch')
)
foreach ($row in $elsewhere) { Add-Row $row[0] $row[1] 'skipped' ('needs ' + $row[2]) }

Write-Report
