# Restores a backup set of azs-backup without azs-backup: .\recover.ps1 SET BACKUP.PFX INTO
# It takes openssl 3 (3.6 for a key of ML-KEM) and zstd on the PATH, and the tar that Windows has. Set $env:AZS_PFX_PASSWORD first.
# What is damaged is named LOST.
param([Parameter(Mandatory)] $Set, [Parameter(Mandatory)] $Pfx, [Parameter(Mandatory)] $Into)
$Set = (Resolve-Path $Set -ErrorAction Stop).Path
$Pfx = (Resolve-Path $Pfx -ErrorAction Stop).Path
New-Item -ItemType Directory $Into -ErrorAction Stop > $null
Push-Location $Into
Copy-Item (Join-Path $Set '*.p7m'), (Join-Path $Set 'SHA256SUMS') .
Copy-Item $Pfx backup.pfx

if (Select-String '"algorithm": *"ML-KEM-' (Join-Path $Set 'backup.json') -Quiet) {
  [Console]::Error.WriteLine("A PFX with a key of ML-KEM takes OpenSSL 3.6 or later; this is $(openssl version)")
}

# As in docs/windows.md of azs-backup.
mkdir plain, restored > $null
foreach ($line in (Get-Content SHA256SUMS) -notmatch '  index-') {
  $digest, $file = $line -split '  ', 2; $plain = 'plain/' + ($file -replace '[-.].*')
  $good = (Get-FileHash $file).Hash -eq $digest
  if ($good) { openssl cms -decrypt -binary -inform DER -in $file -inkey backup.pfx -passin env:AZS_PFX_PASSWORD -out "$plain.zst"; $good = $LASTEXITCODE -eq 0 }
  if ($good) { zstd -dq "$plain.zst" -o $plain; $good = $LASTEXITCODE -eq 0 }
  if (!$good) { Remove-Item $plain -ErrorAction Ignore; [Console]::Error.WriteLine("LOST $file") }
  Remove-Item "$plain.zst" -ErrorAction Ignore
}
$tar = [IO.File]::Create("$PWD/plain/tar")
foreach ($line in Get-Content plain/extents) {
  $segment, [long]$from, [long]$length = -split $line
  $in = if (Test-Path "plain/$segment") { [IO.File]::OpenRead("$PWD/plain/$segment") }
  if ($in) { $null = $in.Seek($from, 'Begin') }
  for (; $length -gt 0; $length -= $count) {
    $count = [Math]::Min($length, 1MB); $bytes = [byte[]]::new($count)
    if ($in) { $null = $in.Read($bytes, 0, $count) }
    $tar.Write($bytes, 0, $count)
  }
  if ($in) { $in.Close() }
}
$tar.Close()
tar --ignore-zeros -xf plain/tar -C restored

Remove-Item -Recurse *.p7m, SHA256SUMS, backup.pfx, plain
Pop-Location
"The files are in $Into/restored"
