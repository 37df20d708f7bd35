"""Runs of the program in such a world, disturbed or not, and what must hold after each."""

import json
import os
import shutil
import signal
import subprocess
import time

from copies_sets import REGION, is_damaged_only, is_whole, key_of, sets_of, sets_of_one
from copies_world import World

STRACE = shutil.which("strace")


class Runs(World):
    def argv(self, *args):
        return [str(self.program), *map(str, args)]

    def start(self, argv):
        return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)

    def finish(self, process, what, killed=False):
        try:
            out, err = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            self.fail(f"{what}: hangs")
        self.say(f"{what} -> {process.returncode} {err.decode(errors='replace').strip()[:300]}")
        if b"panicked" in err or b"RUST_BACKTRACE" in err or not killed and process.returncode not in (0, 1, 3, 4):
            self.fail(f"{what}: exit code {process.returncode}: {err.decode(errors='replace')}")
        try:
            return process.returncode, json.loads(out).get("result")
        except ValueError:
            return process.returncode, None

    def copy(self, a, b, *more):
        return self.argv("copy", "--root", a, "--to", b, "--json", *more)

    def disturbed(self):
        rng = self.rng
        kind = rng.choice(["kill", "kill", "kill", "inject", "inject", "two", "retention", "verify"])
        argv = self.copy(self.a, self.b)
        if kind == "inject" and STRACE:
            calls = rng.choice(
                [
                    "renameat,renameat2",
                    "linkat",
                    "fsync",
                    "fdatasync",
                    "mkdirat",
                    "openat2",
                    "write",
                    "read",
                    "unlinkat",
                    "getdents64",
                ]
            )
            act = rng.choice(
                ["signal=SIGKILL", "error=ENOSPC", "error=EIO", "error=EPERM", "error=EMLINK", "error=EXDEV"]
            )
            when = rng.choice([f"{rng.randrange(1, 30)}", f"{rng.randrange(1, 6)}+"])
            trace = [
                STRACE,
                "-f",
                "-qq",
                "-o",
                "/dev/null",
                "-e",
                f"trace={calls}",
                "-e",
                f"inject={calls}:{act}:when={when}",
            ]
            if rng.random() < 0.3 and calls != "linkat":
                trace += ["-e", "trace=linkat", "-e", "inject=linkat:error=EPERM"]
            self.finish(self.start(trace + argv), f"inject {calls} {act} {when}", killed=True)
        elif kind in ("kill", "inject"):
            process, wait = self.start(argv), rng.uniform(0, 0.12)
            time.sleep(wait)
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.finish(process, f"kill after {wait:.3f}", killed=True)
        else:
            other = {
                "two": argv,
                "verify": self.argv("list", "--root", self.b, "--deployment", REGION, "--json"),
                "retention": self.argv(
                    "retention",
                    "--root",
                    rng.choice([self.a, self.b]),
                    "--deployment",
                    REGION,
                    "--keep-last",
                    100,
                    "--grace-hours",
                    rng.choice([0, 24]),
                    "--json",
                ),
            }[kind]
            one = self.start(argv)
            time.sleep(rng.uniform(0, 0.03))
            two = self.start(other)
            self.finish(one, f"copy beside {kind}")
            self.finish(two, kind)
        return kind

    def listed(self, root):
        _, result = self.finish(
            self.start(self.argv("list", "--root", root, "--deployment", REGION, "--json")), "list"
        )
        names = {}
        for s in (result or {}).get("sets", []):
            names[key_of(s)] = s["state"]
        return names

    def check(self, before, what, listed=True):
        after = sets_of(self.b)
        for key, old in before.items():
            if is_whole(old, *key):
                if any(after.get(key, {}).get(f) != d for f, d in old.items()):
                    self.fail(f"{what}: {key} was whole at the target and changed")
        for key, new in after.items():
            if is_whole(new, *key) and not is_whole(before.get(key, {}), *key):
                source, first = sets_of_one(self.a, key), self.originals.get(key, {})
                ours = {f: d for f, d in new.items() if f != "backup.json.p7s" and not f.startswith("unfinished-")}
                if any(
                    d not in (source.get(f), first.get(f)) for f, d in ours.items() if f not in before.get(key, {})
                ):
                    self.fail(f"{what}: {key} is new at the target, and not what the source has")
        if listed:
            for key, state in self.listed(self.b).items():
                if state == "complete" and not (
                    is_whole(after[key], *key)
                    or is_damaged_only(before.get(key))
                    or self.rot & set(after[key].values())
                ):
                    self.fail(f"{what}: list takes {key} for complete, and it is not whole")
        if (
            sorted(p.name for p in self.outside.iterdir()) != ["canary"]
            or (self.outside / "canary").read_bytes() != b"canary"
        ):
            self.fail(f"{what}: wrote outside of the share: {list(self.outside.iterdir())}")
        if os.path.exists("/tmp/azs-evil") or (self.b / REGION / "canary").exists():
            self.fail(f"{what}: followed a hostile name")
        return after

    def run(self):
        self.build()
        before = sets_of(self.b)
        for _ in range(self.rng.randrange(0, 6)):
            kind = self.disturbed()
            before = self.check(before, kind, self.rng.random() < 0.3)
        whole = {k: {f for f, d in v.items() if self.good.get(k, {}).get(f) == d} for k, v in before.items()}
        code, result = self.finish(self.start(self.copy(self.a, self.b)), "copy")
        after = self.check(before, "copy")
        if result is None:
            self.fail(f"copy without a result, exit code {code}")
        outcomes = {}
        for s in (x for d in result["deployments"] for x in d["sets"]):
            outcomes[key_of(s)] = s
        for key, found in self.good.items():
            if key in self.blocked or self.rot & set(after.get(key, {}).values()):
                continue
            if not is_whole(after.get(key, {}), *key):
                self.fail(f"{key} is good, and not whole at the target: {outcomes.get(key)}")
            if any(f.startswith("unfinished-") for f in after[key]):
                self.fail(f"{key} is complete and has unfinished files: {sorted(after[key])}")
            sent = outcomes[key].get("sent", {}).get("files", 0)
            missing = set(found) - {"backup.json", "SHA256SUMS", "backup.json.p7s"} - whole.get(key, set())
            if sent > len(missing):
                self.fail(f"{key}: {sent} files sent, {len(missing)} were missing")
        if code == 0 and any(
            not is_whole(after.get(k, {}), *k) and not self.rot & set(after.get(k, {}).values()) for k in outcomes
        ):
            self.fail("exit code 0, and not all that the run names is whole")
        _, again = self.finish(self.start(self.copy(self.a, self.b)), "copy again")
        for s in (x for d in again["deployments"] for x in d["sets"]):
            key = key_of(s)
            if s["outcome"] == "copied" and is_whole(after.get(key, {}), *key):
                self.fail(f"sent again: {s}")
        self.check(after, "copy again")
        if self.rng.random() < 0.3:
            self.circle()
        shutil.rmtree(self.dir)

    def circle(self):
        start, c = sets_of(self.a), self.dir / "c"
        for one, two in ((self.b, c), (c, self.a), (self.a, self.b)):
            self.finish(self.start(self.copy(one, two, "--create")), f"copy {one.name} to {two.name}")
        end = sets_of(self.a)
        for key, old in start.items():
            if is_whole(old, *key) and any(end[key].get(f) != d for f, d in old.items()):
                self.fail(f"circle: {key} changed where it began")
