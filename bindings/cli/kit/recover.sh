#!/usr/bin/env bash
# Restores a backup set of azs-backup without azs-backup: recover.sh SET BACKUP.PFX INTO
# It takes bash, openssl 3 (3.6 for a key of ML-KEM), zstd, tar and coreutils. The password of the PFX is in AZS_PFX_PASSWORD, or typed.
# What is damaged is named LOST; the exit code is then 3, and what is whole is restored.
# `tar` follows links that it unpacked before: take a folder of its own.
set -eu
if [ $# -ne 3 ]; then
  sed -n '2,5s/^# //p' "$0" >&2
  exit 2
fi
set=$(realpath "$1") pfx=$(realpath "$2")
if [ -z "${AZS_PFX_PASSWORD+set}" ]; then
  read -rsp "Password of $2: " AZS_PFX_PASSWORD </dev/tty
  export AZS_PFX_PASSWORD
fi
# What else it may be, if the set has a certificate of ML-KEM.
tell_of_ml_kem() {
  if grep -qs '"algorithm": *"ML-KEM-' "$set/backup.json"; then
    echo "If its key is of ML-KEM, it takes OpenSSL 3.6 or later, and this is $(openssl version); azs-backup opens it without" >&2
  fi
}
# A wrong password is not damage.
openssl pkey -in "$pfx" -passin env:AZS_PFX_PASSWORD -noout 2>/dev/null || {
  echo "$2 does not open: its password is wrong, or it is no PFX" >&2
  tell_of_ml_kem
  exit 1
}
# Neither is a PFX of another certificate: the cover sheet says which it takes.
list=extents.txt.zst.p7m
if (cd "$set" && sed $'1s/^\xef\xbb\xbf//; s/\r$//' SHA256SUMS | grep "  $list\$" | sha256sum -c --status -) 2>/dev/null &&
  ! openssl cms -decrypt -binary -inform DER -in "$set/$list" -inkey "$pfx" -passin env:AZS_PFX_PASSWORD -out /dev/null 2>/dev/null; then
  echo "$2 does not open this set, which needs a PFX with one of these thumbprints:" >&2
  grep -o '"sha1_thumbprint": *"[0-9A-F]*"' "$set/backup.json" | grep -o '[0-9A-F]\{40\}' >&2
  tell_of_ml_kem
  exit 1
fi
# Certificates beside this script say who makes the sets here: whoever may write to the share can make one that opens.
here=$(dirname "$(realpath "$0")")
is_signed_by() {
  pem=$(mktemp)
  openssl x509 -in "$1" -out "$pem" 2>/dev/null &&
    finished=$(date -d "$(sed -n 's/^  "finished": "\(.*\)",$/\1/p' "$set/backup.json")" +%s) &&
    openssl cms -verify -binary -inform DER -in "$set/backup.json.p7s" -content "$set/backup.json" -nointern -certfile "$pem" -CAfile "$pem" -partial_chain -purpose any -attime "$finished" -out /dev/null 2>/dev/null &&
    grep -q "\"sha256sums\": \"$(sha256sum < "$set/SHA256SUMS" | cut -c1-64)\"" "$set/backup.json"
  set -- $?
  rm -f "$pem"
  return "$1"
}
signed=none
for signer in "$here"/signer-*.cer; do
  if [ -e "$signer" ] && [ "$signed" != yes ]; then
    if is_signed_by "$signer"; then signed=yes; else signed=no; fi
  fi
done
if [ "$signed" = no ]; then
  echo "This set is not signed by any of $here/signer-*.cer: anyone may have made it, or its cover sheet is damaged. Take another, or, to restore it all the same, take these files away" >&2
  exit 1
fi
if ! mkdir -p "$3" || [ -n "$(ls -A "$3")" ]; then
  echo "$3 is not an empty folder: name another" >&2
  exit 1
fi
cd "$3"
chmod 700 .
into=$PWD
ln -s "$set"/*.p7m "$set/SHA256SUMS" .
ln -s "$pfx" backup.pfx

# However it ends: what is lost is said, and nothing else than the files is left.
finish() {
  code=$?
  while read -r _ file; do
    if [ ! -e "plain/${file%%[-.]*}" ]; then code=3; fi
  done < <(grep -v '  index-' SHA256SUMS)
  if [ ! -s plain/extents ]; then
    echo "The list of extents is LOST: the program can do without it (azs-backup restore --by-index), or take an older set" >&2
  elif [ "$code" -ne 0 ]; then
    echo "Not all is in $into/restored: files that were in what is LOST are missing, or have zeros in its place" >&2
  else
    echo "The files are in $into/restored" >&2
  fi
  rm -rf ./*.p7m SHA256SUMS backup.pfx plain
  exit "$code"
}
trap finish EXIT

# As in the README of azs-backup.
mkdir plain restored
while read -r digest file; do
  (set -o pipefail; echo "$digest  $file" | sha256sum -c --status - && openssl cms -decrypt -binary -inform DER -in "$file" -inkey backup.pfx -passin env:AZS_PFX_PASSWORD | zstd -dcq > "plain/${file%%[-.]*}") || { rm -f "plain/${file%%[-.]*}"; echo "LOST $file" >&2; }
done < <(sed $'1s/^\xef\xbb\xbf//; s/\r$//' SHA256SUMS | grep -v '  index-')
while read -r segment from length; do
  if [ -f "plain/$segment" ]; then dd if="plain/$segment" bs=1M iflag=skip_bytes,count_bytes,fullblock skip="$from" count="$length" status=none; else head -c "$length" /dev/zero; fi
done < plain/extents | tar --delay-directory-restore -ixf - -C restored
