#!/usr/bin/env python3
"""Restore a backup set of azs-backup without azs-backup: read_set.py SET BACKUP.PFX INTO

It shares no code with azs-backup, and follows its specification (docs/format.md). It takes Python 3.9 or later, `openssl` 3
(3.6 for a key of ML-KEM), and `zstd` unless Python is 3.14 or later. The password of the PFX is in AZS_PFX_PASSWORD, or typed.

What is damaged is named LOST; the exit code is then 3, and everything else is restored. Links that were unpacked before
are not followed. Give it a folder of its own all the same.
"""

import calendar
import getpass
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

BLOCK = 1 << 20
MESSAGE = (64 << 20) + (64 << 10)


def decompress(data: bytes) -> bytes:
    try:
        from compression import zstd
    except ImportError:
        return subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE, check=True).stdout
    return zstd.decompress(data)


def opened(file: Path, digest: str, pfx: Path, password: str) -> bytes:
    """Returns what a stored file holds, after it was compared with its digest and authenticated."""
    if file.stat().st_size > MESSAGE:
        raise ValueError("longer than any stored file")
    data = file.read_bytes()
    if hashlib.sha256(data).hexdigest() != digest:
        raise ValueError("it has changed since it was written")
    cms = ["openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-inkey", str(pfx), "-passin", "env:AZS_PFX_PASSWORD"]
    environment = {**os.environ, "AZS_PFX_PASSWORD": password}
    done = subprocess.run(cms, input=data, env=environment, capture_output=True)
    if done.returncode != 0:
        raise ValueError(f"openssl: {done.stderr.decode(errors='replace').strip().splitlines()[-1:]}")
    return decompress(done.stdout)


def of_ml_kem(folder: Path) -> str:
    """What else it may be that a PFX does not open, if the set has a certificate of ML-KEM."""
    try:
        cover = json.loads((folder / "backup.json").read_text(encoding="utf-8"))
        keys = [str(certificate["key"]["algorithm"]) for certificate in cover["certificates"]]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    if not any(key.startswith("ML-KEM-") for key in keys):
        return ""
    version = subprocess.run(["openssl", "version"], capture_output=True).stdout.decode(errors="replace").strip()
    return f"\nIf its key is of ML-KEM, it takes OpenSSL 3.6 or later, and this is {version}; azs-backup opens it without"


def check(folder: Path, pfx: Path, password: str) -> None:
    """A wrong password is not damage."""
    command = ["openssl", "pkey", "-in", str(pfx), "-passin", "env:AZS_PFX_PASSWORD", "-noout"]
    environment = {**os.environ, "AZS_PFX_PASSWORD": password}
    if subprocess.run(command, env=environment, capture_output=True).returncode != 0:
        raise SystemExit(f"{pfx} does not open: its password is wrong, or it is no PFX{of_ml_kem(folder)}")


def is_signed_by(folder: Path, signer: Path) -> bool:
    """Whether this certificate's key signed the cover sheet, and the cover sheet names this SHA256SUMS."""
    with tempfile.TemporaryDirectory() as temporary:
        pem = Path(temporary) / "signer.pem"
        if subprocess.run(["openssl", "x509", "-in", str(signer), "-out", str(pem)], capture_output=True).returncode:
            return False
        try:
            cover = json.loads((folder / "backup.json").read_text(encoding="utf-8"))
            finished = calendar.timegm(time.strptime(cover["finished"][:19], "%Y-%m-%dT%H:%M:%S"))
        except (OSError, ValueError, KeyError):
            return False
        command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", str(folder / "backup.json.p7s"), "-content",
                   str(folder / "backup.json"), "-nointern", "-certfile", str(pem), "-CAfile", str(pem), "-partial_chain",
                   "-purpose", "any", "-attime", str(finished), "-out", os.devnull]
        if subprocess.run(command, capture_output=True).returncode:
            return False
    return hashlib.sha256((folder / "SHA256SUMS").read_bytes()).hexdigest() == cover.get("sha256sums")


def check_signer(folder: Path) -> None:
    """Certificates beside this program say who makes the sets: whoever may write to the share can make one that opens."""
    signers = sorted(Path(__file__).resolve().parent.glob("signer-*.cer"))
    if signers and not any(is_signed_by(folder, signer) for signer in signers):
        sys.exit(f"{folder} is not signed by any of the certificates signer-*.cer beside this program: anyone may have made it, "
                 "or its cover sheet is damaged. Take another, or, to restore it all the same, take these files away")


def check_recipient(folder: Path, sums: "dict[str, str]", pfx: Path, password: str) -> None:
    """Neither is a PFX of another certificate: the cover sheet says which it takes."""
    name = "extents.txt.zst.p7m"
    try:
        opened(folder / name, sums[name], pfx, password)
    except (KeyError, OSError, subprocess.CalledProcessError):
        return
    except ValueError as error:
        if not str(error).startswith("openssl"):
            return
    else:
        return
    cover = json.loads((folder / "backup.json").read_text(encoding="utf-8"))
    needed = ", ".join(str(certificate["sha1_thumbprint"]) for certificate in cover["certificates"])
    raise SystemExit(f"{pfx} does not open this set, which needs a PFX with one of these thumbprints: {needed}{of_ml_kem(folder)}")


def digests(folder: Path) -> "dict[str, str]":
    lines = (folder / "SHA256SUMS").read_text(encoding="utf-8-sig").splitlines()
    pairs = [line.split("  ", 1) for line in lines]
    if not all(len(digest) == 64 and Path(name).name == name for digest, name in pairs):
        raise SystemExit("SHA256SUMS is not one")
    return {name: digest for digest, name in pairs}


def short(name: str) -> str:
    """`000001` of a segment's name, `extents` of `extents.txt.zst.p7m`."""
    return name.split("-")[0].split(".")[0]


class Stream(io.RawIOBase):
    """The set's tar stream: the runs of bytes that the list of extents names, one behind the other."""

    def __init__(self, extents: "list[tuple[str, int, int]]", folder: Path) -> None:
        self.pieces = self.read_runs(extents, folder)
        self.left = b""

    @staticmethod
    def read_runs(extents: "list[tuple[str, int, int]]", folder: Path) -> "object":
        for segment, begin, length in extents:
            # `zeros`, or a segment that is lost.
            path = folder / segment
            with path.open("rb") if path.exists() else open(os.devnull, "rb") as file:
                file.seek(begin)
                while length > 0:
                    piece = file.read(min(length, BLOCK)) or bytes(min(length, BLOCK))
                    length -= len(piece)
                    yield piece

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        if not self.left:
            self.left = next(self.pieces, b"")
        count = min(len(buffer), len(self.left))
        buffer[:count], self.left = self.left[:count], self.left[count:]
        return count


def main(folder: Path, pfx: Path, into: Path) -> int:
    password = os.environ.get("AZS_PFX_PASSWORD")
    password = getpass.getpass(f"Password of {pfx}: ") if password is None else password
    check(folder, pfx, password)
    check_signer(folder)
    sums = digests(folder)
    check_recipient(folder, sums, pfx, password)
    lost = 0
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into) as plain:
        for name, digest in sums.items():
            if name.startswith("index-"):
                continue
            try:
                (Path(plain) / short(name)).write_bytes(opened(folder / name, digest, pfx, password))
            except (OSError, ValueError, subprocess.CalledProcessError) as error:
                print(f"LOST {name}: {error}", file=sys.stderr)
                lost += 1
        listed = Path(plain) / "extents"
        if not listed.exists():
            raise SystemExit("the list of extents is lost: the program can do without it (azs-backup restore --by-index), or take an older set")
        lines = [line.split(" ") for line in listed.read_text(encoding="ascii").splitlines()]
        extents = [(segment, int(begin), int(length)) for segment, begin, length in lines]
        stream = io.BufferedReader(Stream(extents, Path(plain)), BLOCK)
        with tarfile.open(fileobj=stream, mode="r|", ignore_zeros=True, encoding="utf-8") as tar:
            # Nothing leaves the folder, where Python can see to it (3.12, and security releases before).
            safe = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}
            tar.extractall(into, **safe)
    return 3 if lost else 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    sys.exit(main(*(Path(argument) for argument in sys.argv[1:])))
