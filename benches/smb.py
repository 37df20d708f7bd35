#!/usr/bin/env python3
"""Times shares over SMB one after another, on one Samba server with its share in memory, and prints a table.

  benches/smb.py [--rounds N]             objects: put, read and link beside smbclient
  benches/smb.py --work DIR A [B C]       sets: the trees of peers/run.py, which made DIR, backed up, verified and restored
                                          beside restic and an upload of the set's files by smbclient

restic knows no SMB, and rclone's no mandatory signing: rclone serves the same folder to it over HTTP, with no signature
and no encryption on the way.

CPU is user + system seconds of the client's processes; the server's are the same machine's and are not counted.
"""

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONFIGURATION = """[global]
  workgroup = TEST
  server role = standalone server
  passdb backend = tdbsam:{d}/private/passdb.tdb
  private dir = {d}/private
  state directory = {d}/state
  cache directory = {d}/cache
  lock directory = {d}/lock
  pid directory = {d}/pid
  ncalrpc dir = {d}/ncalrpc
  log file = {d}/log
  smb ports = {port}
  bind interfaces only = yes
  interfaces = lo 127.0.0.1/8
  disable netbios = yes
  load printers = no
  printcap name = /dev/null
  disable spoolss = yes
  server min protocol = SMB3_00
  server signing = mandatory
[data]
  path = {d}/data
  read only = no
"""
PASSWORD = "Bench-1 pass"
USER = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()


class Samba:
    def __init__(self, folder, port):
        self.folder, self.port = Path(folder), port
        for name in "private state cache lock pid ncalrpc data".split():
            (self.folder / name).mkdir()
        self.configuration = self.folder / "smb.conf"
        self.configuration.write_text(CONFIGURATION.format(d=folder, port=port))
        subprocess.run(
            ["pdbedit", "-s", self.configuration, "-t", "-a", "-u", USER],
            input=f"{PASSWORD}\n{PASSWORD}\n", text=True, check=True, stdout=subprocess.DEVNULL,
        )
        self.server = subprocess.Popen(
            ["smbd", "--foreground", "--no-process-group", "--configfile", self.configuration],
            stdin=subprocess.PIPE, start_new_session=True,
        )
        time.sleep(1)

    def client(self, script, protection):
        """Returns the smbclient command that does this on the share."""
        return ["smbclient", "-s", self.configuration, "-p", str(self.port), "-U", f"TEST\\{USER}%{PASSWORD}",
                f"--client-protection={protection}", "//127.0.0.1/data", "-c", script]

    def end(self):
        os.killpg(self.server.pid, signal.SIGKILL)
        self.server.wait()


def timed(command, **options):
    """Returns wall and CPU seconds of a command that must succeed."""
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options)
    stderr = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{command}: {stderr}"
    return time.monotonic() - begun, usage.ru_utime + usage.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trees", nargs="*")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--no-build", action="store_true", help="our program is built already")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--port", type=int, default=44500)
    rounds = parser.parse_args()
    if rounds.trees:
        return sets(rounds)
    build = ["cargo", "bench", "--package", "azs-backup-benches", "--bench", "smb", "--no-run", "--message-format", "short"]
    output = subprocess.run(build, capture_output=True, text=True, check=True)
    line = next(line for line in reversed(output.stderr.splitlines()) if "Executable" in line)
    program = line.split("(")[1].rstrip(")")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        samba = Samba(folder, rounds.port)
        try:
            compare(samba, program, rounds.rounds)
        finally:
            samba.end()


def sets(options):
    work = options.work.resolve()
    if not options.no_build:
        subprocess.run(["cargo", "build", "--release", "--locked", "--package", "azs-backup-cli"], check=True, cwd=ROOT)
    print("| tree | job | | wall s | client CPU s | ours, of its CPU | stored MB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for which in options.trees:
        results, stored = {}, {}
        for _ in range(options.rounds):
            with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
                samba = Samba(folder, options.port)
                try:
                    set_round(samba, which, work, results, stored)
                finally:
                    samba.end()
        for job in JOBS:
            of = {who: [statistics.median(column) for column in zip(*times)] for (j, who), times in results.items() if j == job}
            for who, (wall, cpu) in of.items():
                ratio = "" if who == "ours" else f"{of['ours'][1] / cpu:.2f}"
                size = f"{stored[job, who]:.2f}" if (job, who) in stored else ""
                print(f"| {which} | {job} | {who} | {wall:.2f} | {cpu:.2f} | {ratio} | {size} |", flush=True)


ROOT = Path(__file__).resolve().parent.parent
LOCAL, UPLOAD = "ours to a folder", "smbclient, the set's files"
JOBS = ["full", "unchanged", "1 % changed", "verify", "verify with the key", "restore"]


def set_round(samba, which, work, results, stored):
    data = samba.folder / "data"
    (data / "restic").mkdir()
    address = f"127.0.0.1:{samba.port + 1}"
    server = subprocess.Popen(["rclone", "serve", "restic", "--addr", address, data / "restic"], stderr=subprocess.DEVNULL)
    time.sleep(1)
    try:
        set_jobs(samba, which, work, f"rest:http://{address}/", results, stored)
    finally:
        server.kill()
        server.wait()


def set_jobs(samba, which, work, repository, results, stored):
    tree, data, port = work / which, samba.folder / "data", str(samba.port)
    gen = [sys.executable, ROOT / "benches/gen.py"]
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = {
        **os.environ, "AZS_SMB_USER": f"TEST\\{USER}", "AZS_SMB_PASSWORD": PASSWORD, "AZS_PFX_PASSWORD": "bench",
        "RESTIC_PASSWORD": "bench",
    }
    program, place = ROOT / "target/release/azs-backup", "contoso.com/nyc/HLH"
    restic = ["restic", "-q", "--no-cache", "-r", repository]

    def newest():
        return max((data / place).iterdir()).name

    def at_set():
        return ["--port", port, "\\".join([r"\\127.0.0.1\data", *place.split("/"), newest()])]

    def backup(root, *more):
        more = ["--create", "--place", place, "--cer", work / "backup.cer", *more]
        return [program, "backup", "--root", root, *more, tree]

    def job(name, who, command, **more):
        before = size(data)
        try:
            results.setdefault((name, who), []).append(timed(command, env=environment, **more))
        except AssertionError as failure:
            # A peer that fails is skipped; we are not.
            assert who != "ours", failure
            results.pop((name, who), None)
            print(f"{which}, {name}: {who} failed: {failure}", file=sys.stderr)
            return
        if JOBS.index(name) < 3:
            stored[name, who] = (size(data) - before) / 1e6

    def emptied(name):
        target = work / name
        shutil.rmtree(target, ignore_errors=True)
        return target

    # If this fails, so do its jobs.
    subprocess.run([*restic, "init"], env=environment, **{**quiet, "check": False})
    pfx = ["--pfx", work / "backup.pfx"]
    for name in JOBS[:3]:
        if name == "1 % changed":
            subprocess.run([*gen, "mutate", which, tree, "--pct", "1"], **quiet)
        job(name, "ours", backup(r"\\127.0.0.1\data", "--port", port, "--state", samba.folder / "our-state"))
        job(name, "restic", [*restic, "backup", tree])
        if name == "full":
            local = samba.folder / "local"
            local.mkdir()
            (data / "upload").mkdir()
            job(name, LOCAL, backup(local))
            job(name, UPLOAD, samba.client("recurse; prompt; cd upload; mput *", "encrypt"), cwd=local)
            parts = [results.get((name, who)) for who in (LOCAL, UPLOAD)]
            if all(parts):
                both = zip(*(rounds[-1] for rounds in parts))
                results.setdefault((name, f"{LOCAL} + {UPLOAD}"), []).append(tuple(map(sum, both)))
            shutil.rmtree(local)
            shutil.rmtree(data / "upload")
    job("verify", "ours", [program, "verify", *at_set()])
    job("verify", "restic check", [*restic, "check"])
    job("verify with the key", "ours", [program, "verify", *pfx, *at_set()])
    job("verify with the key", "restic", [*restic, "check", "--read-data"])
    job("restore", "ours", [program, "restore", *pfx, "--into", emptied("restored"), *at_set()])
    job("restore", "restic", [*restic, "restore", "latest", "--target", emptied("restored")])
    emptied("restored")
    subprocess.run([*gen, "revert", which, tree], **quiet)


def size(folder):
    """Returns the bytes below a folder; a file with several names counts once."""
    files = {}
    for base, _, names in os.walk(folder):
        for name in names:
            stat = os.lstat(os.path.join(base, name))
            files[stat.st_ino] = stat.st_size
    return sum(files.values())


def compare(samba, program, rounds):
    data = samba.folder / "data"
    local = samba.folder / "local"
    for name, size, count in [("large", 16 << 20, 64), ("small", 4 << 10, 2000)]:
        (local / name).mkdir(parents=True)
        content = os.urandom(size)
        for number in range(count):
            (local / name / f"{number:06}").write_bytes(content)
    environment = {**os.environ, "AZS_SMB_USER": f"TEST\\{USER}", "AZS_SMB_PASSWORD": PASSWORD}

    def ours(job, encryption):
        unc = r"\\127.0.0.1\data"
        return timed([program, job, unc, str(samba.port), encryption], env=environment)

    def theirs(script, encryption):
        protection = "encrypt" if encryption == "on" else "sign"
        return timed(samba.client(script, protection), cwd=local)

    def fresh(*names):
        for name in names:
            shutil.rmtree(data / name, ignore_errors=True)
            (data / name).mkdir()

    print("| job | | wall s | of smbclient's speed | client CPU s | of smbclient's |")
    print("| --- | --- | --- | --- | --- | --- |")
    for encryption in ["off", "on"]:
        word = "encrypted" if encryption == "on" else "signed"
        results = {}
        for _ in range(rounds):
            fresh("large")
            results.setdefault("put 1 GiB", []).append(("smbclient", theirs("prompt; cd large; lcd large; mput *", encryption)))
            (samba.folder / "got").mkdir(exist_ok=True)
            results.setdefault("read 1 GiB", []).append(
                ("smbclient", theirs(f"prompt; cd large; lcd {samba.folder}/got; mget *", encryption)))
            shutil.rmtree(samba.folder / "got")
            results["read 1 GiB"].append(("ours", ours("read", encryption)))
            fresh("large")
            results["put 1 GiB"].append(("ours", ours("put", encryption)))
            fresh("small")
            results.setdefault("put 2,000 of 4 KiB", []).append(
                ("smbclient", theirs("prompt; cd small; lcd small; mput *", encryption)))
            fresh("small", "link")
            results["put 2,000 of 4 KiB"].append(("ours", ours("put-small", encryption)))
            results.setdefault("link 10,000", []).append(("ours", ours("link", encryption)))
        for job, runs in results.items():
            median = {}
            for who in ["smbclient", "ours"]:
                of = [times for name, times in runs if name == who]
                if not of:
                    continue
                wall, cpu = (statistics.median(column) for column in zip(*of))
                median[who] = (wall, cpu)
                base = median.get("smbclient")
                ratio = (f"{base[0] / wall:.2f}", f"{cpu / base[1]:.2f}") if base else ("", "")
                note = f"{10_000 / wall:.0f} a second" if job.startswith("link") else ratio[0]
                print(f"| {job}, {word} | {who} | {wall:.2f} | {note} | {cpu:.2f} | {ratio[1]} |")


if __name__ == "__main__":
    main()
