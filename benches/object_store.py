#!/usr/bin/env python3
"""Full backups into an object store, beside rclone and restic, into the same server in one run.

    python3 benches/object_store.py [--program azs-backup] [--moto moto_server] [--scale 0.1] [--rounds 3] [--folder DIR]

The program must be built with the feature `object-store`; moto is `pip install 'moto[server,s3]'`; rclone and restic are
Debian's, and are left out if they are not there. Each round starts a server, which keeps everything in memory, and runs each
tool once, in a bucket of its own. Printed is the best of all rounds: wall seconds, CPU seconds (user and system) of the tool,
peak memory, objects and bytes that are stored, and ratios. rclone copies files as they are; restic and azs-backup compress and
encrypt. A tool that cannot do the job is left out: rclone does not store all names of C.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

KEYS = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "a secret", "AWS_REGION": "us-east-1"}
SOMEBODY = "AWS4-HMAC-SHA256 Credential=AKIATEST/20261130/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0000"


class Failed(Exception):
    """A tool could not do the job."""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """A server that ends with the block."""

    def __init__(self, moto):
        self.port = free_port()
        self.process = subprocess.Popen(
            [moto, "-H", "127.0.0.1", "-p", str(self.port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def __enter__(self):
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            except OSError:
                time.sleep(0.05)
        sys.exit("moto does not start")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method, path):
        request = urllib.request.Request(self.url + path, method=method, headers={"Authorization": SOMEBODY})
        with urllib.request.urlopen(request) as answer:
            return answer.read().decode()

    def stored(self, bucket):
        """Returns the number of objects in a bucket, and their bytes."""
        objects, size, more = 0, 0, ""
        while True:
            page = self.ask("GET", f"/{bucket}?list-type=2{more}")
            sizes = [int(part.split("<", 1)[0]) for part in page.split("<Size>")[1:]]
            objects, size = objects + len(sizes), size + sum(sizes)
            if "<NextContinuationToken>" not in page:
                return objects, size
            more = "&continuation-token=" + page.split("<NextContinuationToken>")[1].split("<")[0]


def run(arguments, environment, work):
    """Runs a tool; returns wall seconds, CPU seconds and peak MiB."""
    # What else this machine says of AWS is about other stores.
    others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    begun = time.perf_counter()
    with open(os.path.join(work, "output"), "w+b") as output:
        process = subprocess.Popen(
            arguments, env={**others, **KEYS, **environment}, stdout=output, stderr=output, cwd=work
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        if status != 0:
            output.seek(0)
            raise Failed(f"{arguments[0]} failed: {output.read().decode()[-400:]}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def azs_backup(program, server, bucket, source, work):
    arguments = [program, "backup", source, "--place", "contoso.com/nyc/Switches", "--create", "--cer", "backup.cer"]
    arguments += ["--root", f"{server.url}/{bucket}", "--store-options", '{"allow_http": true}']
    return run(arguments, {}, work)


def rclone(server, bucket, source, work):
    remote = {
        "RCLONE_CONFIG": os.path.join(work, "none"),
        "RCLONE_CONFIG_S_TYPE": "s3",
        "RCLONE_CONFIG_S_PROVIDER": "Other",
        "RCLONE_CONFIG_S_ENDPOINT": server.url,
        "RCLONE_CONFIG_S_ENV_AUTH": "true",
    }
    return run(["rclone", "copy", source, f"s:{bucket}", "--s3-no-check-bucket"], remote, work)


def restic(server, bucket, source, work):
    repository = {
        "RESTIC_REPOSITORY": f"s3:{server.url}/{bucket}",
        "RESTIC_PASSWORD": "correct horse",
        "RESTIC_CACHE_DIR": os.path.join(work, f"cache-{bucket}"),
    }
    run(["restic", "init", "--repository-version", "2"], repository, work)
    return run(["restic", "backup", source], repository, work)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="azs-backup")
    parser.add_argument("--moto", default="moto_server")
    parser.add_argument("--corpus", default="C", choices=["A", "B", "C"], help="of gen.py")
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", help="for the corpus and what the tools keep [default: the system's]")
    arguments = parser.parse_args()
    program = os.path.abspath(arguments.program) if os.sep in arguments.program else arguments.program
    work = tempfile.mkdtemp(prefix="azs-object-store-", dir=arguments.folder)
    try:
        source = os.path.join(work, "source")
        generator = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gen.py")
        subprocess.run(
            [sys.executable, generator, "make", arguments.corpus, source, "--scale", str(arguments.scale)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        subprocess.run(
            [program, "key", "new", "backup"],
            env={**os.environ, "AZS_PFX_PASSWORD": "correct horse"},
            cwd=work,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        tools = {"azs-backup": lambda *where: azs_backup(program, *where)}
        tools |= {name: tool for name, tool in {"rclone": rclone, "restic": restic}.items() if shutil.which(name)}
        measured = {name: [] for name in tools}
        stored = {}
        for number in range(arguments.rounds):
            with Server(arguments.moto) as server:
                # Whoever is first finds a cold server: each in turn.
                order = list(tools)[number % len(tools) :] + list(tools)[: number % len(tools)]
                server.ask("PUT", "/warm-up")
                for name in order:
                    bucket = f"bucket-{name}"
                    server.ask("PUT", f"/{bucket}")
                    try:
                        measured[name].append(tools[name](server, bucket, source, work))
                    except Failed as failure:
                        if name == "azs-backup":
                            sys.exit(failure)
                        print(failure)
                        del tools[name], measured[name]
                        continue
                    stored[name] = server.stored(bucket)
        size = sum(os.lstat(os.path.join(at, file)).st_size for at, _, files in os.walk(source) for file in files)
        print(f"corpus {arguments.corpus}, {size / 2**20:.0f} MiB, best of {arguments.rounds} rounds")
        print(f"{'':12}{'wall s':>8}{'CPU s':>8}{'MiB':>6}{'objects':>9}{'stored MiB':>12}{'wall':>7}{'CPU':>7}")
        best = {name: [min(column) for column in zip(*rows)] for name, rows in measured.items()}
        own = best["azs-backup"]
        for name, (wall, cpu, memory) in best.items():
            objects, stored_bytes = stored[name]
            ratios = f"{wall / own[0]:>7.2f}{cpu / own[1]:>7.2f}"
            print(f"{name:12}{wall:8.2f}{cpu:8.2f}{memory:6.0f}{objects:9}{stored_bytes / 2**20:12.1f}{ratios}")
        print("The last two columns are relative to azs-backup: above 1, it takes less.")
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
