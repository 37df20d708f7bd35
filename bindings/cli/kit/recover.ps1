# Restores a backup set of azs-backup without azs-backup: .\recover.ps1 SET BACKUP.PFX INTO
# It takes openssl 3 and zstd on the PATH, and the tar that Windows has. Set $env:AZS_PFX_PASSWORD first.
# What is damaged is named LOST. Pipes of Windows PowerShell change bytes, so each step writes a file.
param([Parameter(Mandatory)] $Set, [Parameter(Mandatory)] $Pfx, [Parameter(Mandatory)] $Into)
$ErrorActionPreference = 'Stop'
$Plain = Join-Path $Into 'plain'
$Restored = Join-Path $Into 'restored'
New-Item -ItemType Directory -Path $Plain, $Restored | Out-Null
$Plain = (Resolve-Path $Plain).Path

foreach ($Line in Get-Content (Join-Path $Set 'SHA256SUMS')) {
  $Digest, $File = $Line -split '  ', 2
  if ($File -like 'index-*') { continue }
  $Stored = Join-Path $Set $File
  $To = Join-Path $Plain ($File -replace '[-.].*')
  $Good = (Test-Path $Stored) -and ((Get-FileHash $Stored -Algorithm SHA256).Hash -eq $Digest)
  if ($Good) {
    openssl cms -decrypt -binary -inform DER -in $Stored -inkey $Pfx -passin env:AZS_PFX_PASSWORD -out "$To.zst"
    $Good = $LASTEXITCODE -eq 0
  }
  if ($Good) {
    zstd -dq "$To.zst" -o $To
    $Good = $LASTEXITCODE -eq 0
  }
  Remove-Item "$To.zst" -ErrorAction SilentlyContinue
  if (-not $Good) {
    Remove-Item $To -ErrorAction SilentlyContinue
    Write-Warning "LOST $File"
  }
}

$Stream = [IO.File]::Create((Join-Path $Plain 'stream.tar'))
$Buffer = New-Object byte[] 1MB
foreach ($Line in Get-Content (Join-Path $Plain 'extents')) {
  $Segment, [long] $From, [long] $Length = $Line -split ' '
  $Path = Join-Path $Plain $Segment
  $In = if (Test-Path $Path) { [IO.File]::OpenRead($Path) } else { [IO.Stream]::Null }
  if ($In.CanSeek -and $From -gt 0) { $In.Position = $From }
  while ($Length -gt 0) {
    $Count = [int] [Math]::Min($Length, $Buffer.Length)
    $Read = $In.Read($Buffer, 0, $Count)
    if ($Read -eq 0) { [Array]::Clear($Buffer, 0, $Count); $Read = $Count }
    $Stream.Write($Buffer, 0, $Read)
    $Length -= $Read
  }
  $In.Dispose()
}
$Stream.Dispose()
tar -xf (Join-Path $Plain 'stream.tar') -C $Restored
Remove-Item -Recurse $Plain
Write-Output "The files are in $Restored"
