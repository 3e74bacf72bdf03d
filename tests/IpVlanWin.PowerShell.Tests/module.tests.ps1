# The module in a real PowerShell, against the service on the pipe IPVLANWIN_PIPE. Ends with status 1 at the first thing that is not so.
param([Parameter(Mandatory)] [string] $Module)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$script:checks = 0

function Check([string] $What, $Expected, $Actual) {
    if ("$Expected" -cne "$Actual") {
        Write-Host "NOT SO: $What`n  expected: $Expected`n  actual:   $Actual"
        exit 1
    }
    $script:checks++
}

function Refusal([scriptblock] $Body) {
    try { & $Body | Out-Null } catch { return $_ }
    Check "$Body" 'refused' 'taken'
}

# Loading, manifest, metadata
Check 'manifest' '0.1.0' (Test-ModuleManifest (Join-Path $Module 'IpVlan.psd1')).Version
Import-Module $Module
Check 'cmdlets' 20 @(Get-Command -Module IpVlan -CommandType Cmdlet).Count
$approved = (Get-Verb).Verb
Check 'verbs' '' ((Get-Command -Module IpVlan | Where-Object { $_.Verb -notin $approved }) -join ' ')

# New, get, pipeline by property name
$made = New-IpVlanInterface ipvl0 eth0 -Mode l2 -Admin up -IPAddress 10.0.0.2/24
Check 'new' 'ipvl0 eth0 up up 10.0.0.2/24' "$($made.Name) $($made.Port) $($made.Admin) $($made.State) $($made.Addresses[0].Prefix)"
Check 'type' 'IpVlanWin.Protocol.InterfaceRecord' $made.PSObject.TypeNames[0]
@'
Name,IPAddress,Admin
ipvl1,10.0.0.3/24 fd00::3/64,up
ipvl2,10.0.0.4/24,down
other,10.0.0.5/24,down
'@ | Set-Content interfaces.csv
Check 'csv' 'ipvl1 ipvl2 other' ((Import-Csv interfaces.csv | New-IpVlanInterface -InterfaceAlias eth0).Name -join ' ')
Check 'wildcard' 'ipvl0 ipvl1 ipvl2' ((Get-IpVlanInterface IPVL*).Name -join ' ')
Check 'two addresses of one cell' '10.0.0.3/24 fd00::3/64' ((Get-IpVlanAddress ipvl1).Prefix -join ' ')
Check 'by master' 4 @(Get-IpVlanInterface -InterfaceAlias eth*).Count
Check 'port down the pipeline' 4 @(Get-IpVlanPort | Get-IpVlanInterface).Count
Check 'interface down the pipeline' 'eth0' ((Get-IpVlanInterface ipvl0 | Get-IpVlanPort).Master)

# WhatIf, Confirm
Get-IpVlanInterface | Remove-IpVlanInterface -WhatIf
Set-IpVlanPort eth0 -Mode l3 -WhatIf
Remove-IpVlanAddress ipvl0 10.0.0.2/24 -WhatIf
Check 'WhatIf changed nothing' '4 l2 10.0.0.2/24' "$(@(Get-IpVlanInterface).Count) $((Get-IpVlanPort eth0).Mode) $((Get-IpVlanAddress ipvl0).Prefix)"
Check 'removes without asking' 'other' (Get-IpVlanInterface other | Remove-IpVlanInterface -Confirm:$false -PassThru).Name
foreach ($name in 'Remove-IpVlanInterface', 'Remove-IpVlanAddress', 'Import-IpVlanConfiguration') {
    $meta = New-Object System.Management.Automation.CommandMetadata (Get-Command $name)
    Check "$name asks" 'High' $meta.ConfirmImpact
}

# Changes
Check 'set' '1400 down' (Set-IpVlanInterface ipvl2 -Mtu 1400 -Admin down -PassThru | ForEach-Object { "$($_.Mtu) $($_.Admin)" })
Check 'nothing is given unasked' '' (Get-IpVlanInterface ipvl2 | Enable-IpVlanInterface)
Check 'enabled' 'up' (Get-IpVlanInterface ipvl2).State
Check 'disabled' 'down' (Disable-IpVlanInterface ipvl2 -PassThru).State
Check 'MTU stays its own' 'True' (Get-IpVlanInterface ipvl2).HasOwnMtu
Get-IpVlanInterface ipvl1 | Set-IpVlanInterface -Admin up
Check 'MTU follows on, though the object that came had one' 'False' (Get-IpVlanInterface ipvl1).HasOwnMtu
Check 'renamed' 'blue' (Rename-IpVlanInterface ipvl2 blue -PassThru).Name
Check 'port' 'l3s private' (Get-IpVlanInterface blue | Set-IpVlanPort -Mode l3s -Flag private -PassThru | ForEach-Object { "$($_.Mode) $($_.Flag)" })
Check 'added' '10.0.0.9/24' (Add-IpVlanAddress blue 10.0.0.9 -PrefixLength 24 -PassThru).Prefix
Check 'address down the pipeline' 'removed removed' ((Get-IpVlanAddress blue | Remove-IpVlanAddress -Confirm:$false -PassThru).State -join ' ')
Get-IpVlanStatistics ipvl* | Reset-IpVlanStatistics
Reset-IpVlanStatistics -All
Check 'statistics' '0' (Get-IpVlanStatistics ipvl0).RxPackets

# Errors
$cases = @(
    @('not-found', 'GetIpVlanInterfaceCommand', 'ObjectNotFound', 'nosuch', { Get-IpVlanInterface nosuch }),
    @('not-found', 'RemoveIpVlanInterfaceCommand', 'ObjectNotFound', 'nosuch', { Remove-IpVlanInterface nosuch -Confirm:$false }),
    @('address-in-use', 'AddIpVlanAddressCommand', 'ResourceExists', '10.0.0.2/24', { Add-IpVlanAddress ipvl1 10.0.0.2/24 }),
    @('address-exists', 'AddIpVlanAddressCommand', 'ResourceExists', 'fd00::3/64', { Add-IpVlanAddress ipvl1 fd00::3/64 }),
    @('address-absent', 'RemoveIpVlanAddressCommand', 'ObjectNotFound', '10.9.9.9/24', { Remove-IpVlanAddress ipvl0 10.9.9.9/24 -Confirm:$false }),
    @('name-in-use', 'NewIpVlanInterfaceCommand', 'ResourceExists', 'ipvl0', { New-IpVlanInterface ipvl0 eth0 }),
    @('bad-argument', 'SetIpVlanInterfaceCommand', 'InvalidArgument', 'ipvl0', { Set-IpVlanInterface ipvl0 -Mtu 9000 }),
    @('mode-not-supported', 'SetIpVlanPortCommand', 'NotImplemented', 'eth0', { Set-IpVlanPort eth0 -Datapath filter }),
    @('conflict', 'SetIpVlanPortCommand', 'ResourceBusy', 'eth0', { Set-IpVlanPort eth0 -Mode l2 -Version 999999 }),
    @('master-not-found', 'NewIpVlanInterfaceCommand', 'ObjectNotFound', 'x', { New-IpVlanInterface x -InterfaceIndex 4000000000 })
)
foreach ($case in $cases) {
    $code, $command, $category, $target, $body = $case
    $refused = Refusal $body
    Check "$command $code" "$code,IpVlanWin.PowerShell.Cmdlets.$command|$category|$target" "$($refused.FullyQualifiedErrorId)|$($refused.CategoryInfo.Category)|$($refused.TargetObject)"
    Check "$code says what helps" $true ($refused.ErrorDetails.RecommendedAction.Length -gt 5)
    Check "$code is one line" $false ("$refused".Contains("`n"))
}
Check 'sentence' 'address 10.0.0.2 belongs to interface "ipvl0"; remove it there first' "$(Refusal { Add-IpVlanAddress ipvl1 10.0.0.2/24 })"
Check 'errno' 'EADDRINUSE' (Refusal { Add-IpVlanAddress ipvl1 10.0.0.2/24 }).Exception.Code.Errno
Check 'what follows a refusal is done' 'ipvl1' ((Get-IpVlanInterface nosuch, ipvl1 -ErrorAction SilentlyContinue).Name)
Check 'legal values' $true ("$(Refusal { Set-IpVlanPort eth0 -Mode l4 })" -like '*l2,l3,l3s*')
Check 'range' $true ("$(Refusal { New-IpVlanInterface y eth0 -Mtu 10 })" -like '*68*')
Check 'sets' 'AmbiguousParameterSet,IpVlanWin.PowerShell.Cmdlets.NewIpVlanInterfaceCommand' (Refusal { New-IpVlanInterface y -InterfaceAlias eth0 -InterfaceIndex 1 }).FullyQualifiedErrorId

# Configuration
$file = Export-IpVlanConfiguration config.json -PassThru
Check 'exported' 'config.json' $file.Name
Check 'file is kept' 'bad-argument,IpVlanWin.PowerShell.Cmdlets.ExportIpVlanConfigurationCommand' (Refusal { Export-IpVlanConfiguration config.json }).FullyQualifiedErrorId
Get-IpVlanInterface | Remove-IpVlanInterface -Confirm:$false
Check 'all gone' 0 @(Get-IpVlanInterface).Count
Check 'would be taken' 'True' (Get-Item config.json | Test-IpVlanConfiguration -Quiet)
Import-IpVlanConfiguration config.json -WhatIf
Check 'nothing came' 0 @(Get-IpVlanInterface).Count
Check 'imported' 3 (Get-Item config.json | Import-IpVlanConfiguration -Confirm:$false -PassThru).Interfaces
Check 'all is well' 'True' (Test-IpVlanConfiguration -Quiet)
(Get-Content config.json -Raw).Replace('l3s', 'l4') | Set-Content broken.json
Check 'broken' 'bad-argument' (Test-IpVlanConfiguration broken.json).Problem

# Trace and capture
$trace = Trace-IpVlanFrame ipvl0 -Protocol udp -Source 10.0.0.2 -Destination 10.0.0.3
Check 'trace' $true ($trace.Decision.Length -gt 0 -and @($trace.Steps).Count -gt 1 -and @($trace.Steps)[-1].Text.Length -gt 0)
Check 'trace from the wire' $true (@((Trace-IpVlanFrame -InterfaceAlias eth0 -Protocol arp -Source 10.0.0.9 -Destination 10.0.0.2).Steps).Count -gt 1)
Start-IpVlanCapture no.pcapng -Name ipvl0 -WhatIf
Check 'no file' $false (Test-Path no.pcapng)
$capture = Start-IpVlanCapture one.pcapng -Name ipvl0
Check 'capture' "running ipvl0 $(Join-Path $PWD one.pcapng)" "$($capture.State) $($capture.Interface) $($capture.Path)"
Check 'file is kept' 'bad-argument,IpVlanWin.PowerShell.Cmdlets.StartIpVlanCaptureCommand' (Refusal { Start-IpVlanCapture one.pcapng -Name ipvl0 }).FullyQualifiedErrorId
$second = Start-IpVlanCapture two.pcapng -InterfaceAlias eth0 -SnapLength 128
Check 'stopped' 'stopped 0 0' ($capture | Stop-IpVlanCapture -PassThru | ForEach-Object { "$($_.State) $($_.Recorded) $($_.Dropped)" })
Stop-IpVlanCapture
Check 'all stopped' 'stopped' $second.State
Check 'nothing left to stop' 'not-found,IpVlanWin.PowerShell.Cmdlets.StopIpVlanCaptureCommand' (Refusal { Stop-IpVlanCapture 77 }).FullyQualifiedErrorId
Check 'pcapng begins with its section header' '10 13 13 10' ([System.IO.File]::ReadAllBytes((Join-Path $PWD two.pcapng))[0..3] -join ' ')

# Completion
function Complete([string] $Line) { ((TabExpansion2 $Line $Line.Length).CompletionMatches | ForEach-Object { $_.CompletionText }) -join ' ' }
Check 'names complete' 'ipvl0 ipvl1' (Complete 'Get-IpVlanInterface ip')
Check 'names complete in Remove' 'blue' (Complete 'Remove-IpVlanInterface -Name bl')
Check 'masters complete' 'eth0' (Complete 'Set-IpVlanPort -InterfaceAlias e')
Check 'words complete' 'l2 l3 l3s' (Complete 'Set-IpVlanPort eth0 -Mode ')

# Format
$table = (Get-IpVlanInterface ipvl1 | Out-String -Width 120)
Check 'table' $true ($table -match '(?m)^Name +Port +Admin +State +Mtu +Namespace +Addresses' -and $table -match '10\.0\.0\.3/24, fd00::3/64')
Check 'list' $true ((Get-IpVlanInterface ipvl1 | Format-List | Out-String -Width 120) -match '(?m)^HasOwnMtu +: False')
foreach ($shown in (Get-IpVlanPort), (Get-IpVlanAddress), (Get-IpVlanStatistics), (Test-IpVlanConfiguration broken.json)) {
    Check "format of $(@($shown)[0].GetType().Name)" $true (($shown | Out-String -Width 160).Trim().Length -gt 40)
}

# Help
foreach ($command in Get-Command -Module IpVlan) {
    $help = Get-Help $command.Name -Full
    Check "$command has examples" 2 @($help.examples.example).Count
    Check "$command has a synopsis of its own" $true ($help.Synopsis -like '*.' -and $help.Synopsis -notlike "*$($command.Name)*")
    foreach ($parameter in $command.Parameters.Keys | Where-Object { $_ -notin [System.Management.Automation.PSCmdlet]::CommonParameters }) {
        Check "$command -$parameter is described" $true ("$((Get-Help $command.Name -Parameter $parameter).description.Text)".Length -gt 2)
    }
}
Check 'example' $true ((Get-Help New-IpVlanInterface -Examples | Out-String) -match 'Import-Csv interfaces.csv')

# Without a service
$env:IPVLANWIN_PIPE += 'x'
$refused = Refusal { Get-IpVlanInterface }
Check 'unreachable' 'service-unreachable,IpVlanWin.PowerShell.Cmdlets.GetIpVlanInterfaceCommand|ConnectionError' "$($refused.FullyQualifiedErrorId)|$($refused.CategoryInfo.Category)"
Check 'completion keeps silent' '' (Complete 'Get-IpVlanInterface zz')

Remove-Module IpVlan
Write-Host "PowerShell $($PSVersionTable.PSVersion) $($PSVersionTable.PSEdition): all checks passed ($script:checks)"
exit 0
