#!/usr/bin/env python3
"""Verifies a large snapshot of Azure Stack Hub, and does the same authentication and decryption by `openssl`.

    python3 benches/mas_backup.py [--program azs-backup] [--gib 20] [--folder DIR] [--rounds 3]
                                  [--root '\\\\server\\share' --smb-user ACCOUNT --port N]

It needs the package `cryptography`, and room for the snapshot in the folder. Each round runs both, one after the other, and
prints CPU seconds (user and system), wall seconds and peak memory; the last line is the ratio of the medians. `openssl` reads
the file twice, as the program does: once for HMAC-SHA512, once for AES-256-CBC. It does not look into the zip, whose files the
program also compares with their checksums. With --root the folder is what that share shows: the program reads it over SMB,
and `openssl` reads what `smbclient` gets twice, encrypted, too; AZS_SMB_PASSWORD has the password.
"""

import argparse
import datetime
import hmac
import os
import shutil
import statistics
import struct
import subprocess
import sys
import time
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "vectors"))

import mas_backup as vectors  # noqa: E402
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: E402

BLOCK = 16 << 20


class Sealing:
    """A stream that encrypts what a zip writes, behind the header of a data file."""

    def __init__(self, file, key):
        self.file, self.iv, self.length = file, os.urandom(16), 0
        self.encryptor = Cipher(algorithms.AES(key[:32]), modes.CBC(self.iv)).encryptor()
        self.tag = hmac.new(key[32:], None, "sha512")
        file.write(bytes(90))

    def write(self, content):
        self._put(self.encryptor.update(content))
        self.length += len(content)
        return len(content)

    def flush(self):
        pass

    def _put(self, sealed):
        self.tag.update(sealed)
        self.file.write(sealed)

    def end(self):
        pad = 16 - self.length % 16
        self._put(self.encryptor.update(bytes([pad]) * pad) + self.encryptor.finalize())
        self.file.seek(0)
        self.file.write(struct.pack("<5h", 1, 0, 0, 16, 64) + self.iv + self.tag.digest())


def make(folder, gib):
    """Makes a tree with one snapshot: a zip with a file that does not compress."""
    shutil.rmtree(folder, ignore_errors=True)
    keys = os.path.join(folder, "keys")
    pair = vectors.make_pair(keys, "new", 2048, 1)
    tree = vectors.Tree(folder, {"new": pair}, 1)
    tree.registrations(vectors.NEW, [vectors.CRP])
    when = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=6)
    snapshot = tree.snapshot(vectors.NEW, vectors.CRP, tree.guid(), when, "new", False)
    key, block = tree.blobs[snapshot["id"]], os.urandom(BLOCK)
    with open(snapshot["zip"], "wb") as file:
        sealing = Sealing(file, key)
        with zipfile.ZipFile(sealing, "w", zipfile.ZIP_DEFLATED, compresslevel=0) as archive:
            with archive.open("data.bin", "w", force_zip64=True) as content:
                for _ in range(gib * (1 << 30) // BLOCK):
                    content.write(block)
        sealing.end()
    return snapshot["zip"], key, sealing.iv, pair["path"]


def run(command, stdin=None, **options):
    """Runs a command; returns CPU seconds, wall seconds, peak memory in MiB."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.DEVNULL, **options)
    peak, ended = 0, 0
    while not ended:
        # The peak that wait4 knows begins with that of this program, from which the process was made.
        with open("/proc/%d/status" % process.pid) as lines:
            peak = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), peak)
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        time.sleep(0.02)
    if status != 0:
        sys.exit("%s ended with %d" % (command[0], os.waitstatus_to_exitcode(status)))
    return usage.ru_utime + usage.ru_stime, time.monotonic() - began, peak / 1024


def got_by_smbclient(given, path):
    """Begins to get the file from the share, without its header; its data comes out of the pipe."""
    server, name = given.root.lstrip("\\").split("\\", 1)
    folder, file = os.path.split(os.path.relpath(path, os.path.join(given.folder, "share")))
    command = ["smbclient", "//%s/%s" % (server, name), "-U", given.smb_user, "--client-protection=encrypt"]
    command += ["-p", given.port] if given.port else []
    command += ["-D", folder.replace("/", "\\"), "-c", 'get "%s" -' % file]
    environment = dict(os.environ, PASSWD=os.environ["AZS_SMB_PASSWORD"])
    client = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, bufsize=0)
    left = 90
    while left:
        left -= len(client.stdout.read(left))
    return client


def by_openssl(given, path, key, iv):
    mac = ["openssl", "dgst", "-sha512", "-mac", "HMAC", "-macopt", "hexkey:" + key[32:].hex()]
    cipher = ["openssl", "enc", "-d", "-aes-256-cbc", "-K", key[:32].hex(), "-iv", iv.hex(), "-bufsize", str(1 << 20)]
    total = [0.0, 0.0, 0.0]
    for command in (mac, cipher):
        if given.root:
            client = got_by_smbclient(given, path)
            cpu, wall, peak = run(command, stdin=client.stdout)
            client.stdout.close()
            usage = os.wait4(client.pid, 0)[2]
            cpu += usage.ru_utime + usage.ru_stime
        else:
            with open(path, "rb") as file:
                os.lseek(file.fileno(), 90, os.SEEK_SET)
                cpu, wall, peak = run(command, stdin=file)
        total = [total[0] + cpu, total[1] + wall, max(total[2], peak)]
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="azs-backup")
    parser.add_argument("--gib", type=int, default=20)
    parser.add_argument("--folder", default="mas-backup-bench")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--root", help="the share as the program is to open it; else the folder")
    parser.add_argument("--smb-user")
    parser.add_argument("--port", help="of the file server")
    given = parser.parse_args()
    path, key, iv, pfx = make(given.folder, given.gib)
    share = os.path.join(given.folder, "share")
    verify = [given.program, "mas-backup", "verify", "--root", given.root or share, "--pfx", pfx]
    verify += ["--smb-user", given.smb_user] if given.smb_user else []
    verify += ["--port", given.port] if given.port else []
    secrets = dict(os.environ, AZS_PFX_PASSWORD=vectors.PASSWORD.decode())
    ours, theirs = [], []
    for number in range(given.rounds):
        for name, done, result in (
            ("azs-backup", ours, lambda: run(verify, env=secrets)),
            ("openssl", theirs, lambda: by_openssl(given, path, key, iv)),
        ):
            done.append(result())
            print("round %d  %-10s  %7.2f s CPU  %7.2f s wall  %5.0f MiB" % (number + 1, name, *done[-1]), flush=True)
    cpu, wall = (statistics.median(of[at] for of in theirs) / statistics.median(of[at] for of in ours) for at in (0, 1))
    print("%d GiB: %.2f of openssl's speed by CPU, %.2f by wall; peak %.0f MiB" % (given.gib, cpu, wall, max(of[2] for of in ours)))


if __name__ == "__main__":
    main()
