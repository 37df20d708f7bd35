#!/usr/bin/env bash
# Restores a backup set of azs-backup without azs-backup: recover.sh SET BACKUP.PFX INTO
# It takes bash, openssl 3, zstd, tar and coreutils. The password of the PFX is in AZS_PFX_PASSWORD, or typed.
# What is damaged is named LOST. `tar` follows links that it unpacked before: take a folder of its own.
set -eu
if [ $# -ne 3 ]; then
  sed -n '2,4s/^# //p' "$0" >&2
  exit 2
fi
set=$(realpath "$1") pfx=$(realpath "$2")
if [ -z "${AZS_PFX_PASSWORD+set}" ]; then
  read -rsp "Password of $2: " AZS_PFX_PASSWORD </dev/tty
  export AZS_PFX_PASSWORD
fi
mkdir -p "$3"
cd "$3"
ln -s "$set"/*.p7m "$set/SHA256SUMS" .
ln -s "$pfx" backup.pfx

# As in the README of azs-backup.
mkdir plain restored
while read -r digest file; do
  (set -o pipefail; echo "$digest  $file" | sha256sum -c --status - && openssl cms -decrypt -binary -inform DER -in "$file" -inkey backup.pfx -passin env:AZS_PFX_PASSWORD | zstd -dcq > "plain/${file%%[-.]*}") || { rm -f "plain/${file%%[-.]*}"; echo "LOST $file" >&2; }
done < <(sed $'1s/^\xef\xbb\xbf//; s/\r$//' SHA256SUMS | grep -v '  index-')
while read -r segment from length; do
  if [ -f "plain/$segment" ]; then dd if="plain/$segment" bs=1M iflag=skip_bytes,count_bytes,fullblock skip="$from" count="$length" status=none; else head -c "$length" /dev/zero; fi
done < plain/extents | tar --delay-directory-restore -ixf - -C restored

rm -r ./*.p7m SHA256SUMS backup.pfx plain
echo "The files are in $3/restored" >&2
