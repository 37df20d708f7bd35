# Registers the nightly job on a Windows host. Run it once, in an elevated prompt.
param(
    [string] $Account = 'CONTOSO\azsbackup$',
    [string] $Program = 'C:\Program Files\azs-backup\azs-backup.exe',
    [string] $Site = 'C:\ProgramData\azs-backup\site.toml'
)
$ErrorActionPreference = 'Stop'

$task = @{
    TaskName  = 'azs-backup'
    Action    = New-ScheduledTaskAction -Execute $Program -Argument "nightly --quiet --config `"$Site`""
    # The program knows whether a run is due.
    Trigger   = New-ScheduledTaskTrigger -Once -At (Get-Date) -RepetitionInterval (New-TimeSpan -Minutes 10)
    # A group managed service account: Windows knows its password, nobody else does.
    Principal = New-ScheduledTaskPrincipal -UserId $Account -LogonType Password
    Settings  = New-ScheduledTaskSettingsSet -MultipleInstances IgnoreNew -StartWhenAvailable `
        -ExecutionTimeLimit (New-TimeSpan -Hours 12) -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries
}
Register-ScheduledTask @task -Force
