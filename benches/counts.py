#!/usr/bin/env python3
"""Instructions and system calls of the main jobs on small trees: figures that do not depend on how busy a machine is.

  benches/counts.py PROGRAM            compares with counts.json; fails if a job takes over 3 % more than it did
  benches/counts.py PROGRAM --bless    writes counts.json anew

PROGRAM is `azs-backup`. It runs on one processor under valgrind's callgrind, and under strace. Another compiler makes
other instructions, and another kernel takes other calls, so counts.json names those it was made with; with others,
nothing is compared. Needs Linux on x86-64, valgrind, strace, openssl, and taskset (util-linux).
"""
import argparse, json, os, re, shutil, subprocess, sys, tempfile, time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
BASELINE = HERE / "counts.json"
# What may be more than before. Repeated runs differ by less than a tenth of it.
TOLERANCE = 0.03
# Chance says which of two threads sets up OpenSSL, and whether both do.
LEAST = {"functions": 2_000_000, "calls": 10}
# How many functions of each job are kept, to say where more was spent.
FUNCTIONS = 40
# What would hide the rest is counted by itself. Some labels of zstd's assembler have no name.
KINDS = {"hashing": r"sha256_block", "encryption": r"_?(aes|ossl_aes|gcm_|gf?hash|_aesni)",
         "compression": r"(ZSTD|HUF|FSE|HIST)_|0x0|XXH"}
# Kinds of trees as gen.py makes them, and their scales.
TREES = {"files": ("A", 0.01), "image": ("B", 0.002)}
PLACE = "contoso.com/nyc/HLH"
PASSWORD = "counts"
# The instructions of OpenSSL and of the C library are those of any x86-64 of the last ten years, wherever this runs.
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "LANG": "C", "TZ": "UTC", "OPENSSL_ia32cap": ":0",
               "AZS_PFX_PASSWORD": PASSWORD}
# How often threads wait and wake each other, and how memory is taken, is chance.
CHANCE = {"futex", "sched_yield", "mmap", "munmap", "madvise", "brk", "mprotect", "restart_syscall", "clock_nanosleep"}


class Job:
    """A command, and what has to be done before it."""

    def __init__(self, name, arguments, before=lambda: None):
        self.name, self.arguments, self.before = name, arguments, before


def run(line, env=None, **options):
    done = subprocess.run([str(word) for word in line], env=env, capture_output=True, text=True, **options)
    if done.returncode:
        sys.exit(f"{done.returncode}: {' '.join(map(str, line))}\n{done.stderr or done.stdout}")
    return done.stdout


def machine():
    """What the figures depend on, besides the program."""
    with open("/proc/cpuinfo") as file:
        flags = next((line.split() for line in file if line.startswith("flags")), [])
    return {
        "compiler": run(["rustc", "--version"]).strip(),
        "counter": run(["valgrind", "--version"]).strip(),
        "C library": os.confstr("CS_GNU_LIBC_VERSION"),
        "kernel": ".".join(os.uname().release.split(".")[:2]),
        "processor": " ".join(sorted({"avx2", "bmi2", "erms", "fsrm"} & set(flags))),
        "file system": run(["stat", "--file-system", "--format=%T", tempfile.gettempdir()]).strip(),
    }


def gen(*arguments):
    run([sys.executable, HERE / "gen.py", *arguments])


def certificate(work):
    run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650",
         "-subj", "/CN=counts", "-keyout", work / "key.pem", "-out", work / "backup.cer"])
    # One iteration: the time that a password takes is nobody's here.
    run(["openssl", "pkcs12", "-export", "-inkey", work / "key.pem", "-in", work / "backup.cer", "-iter", "1",
         "-macalg", "sha256", "-passout", f"pass:{PASSWORD}", "-out", work / "backup.pfx"])


def jobs(work, name):
    """The jobs on one tree, in order: each needs what those before it made."""
    kind, scale = TREES[name]
    tree, share, into = work / name, work / f"{name}-share", work / f"{name}-restored"
    if not tree.exists():
        gen("make", kind, tree, "--scale", scale)
        (share / Path(PLACE).parent).mkdir(parents=True)
    one = sorted(path for path in tree.rglob("*") if path.is_file())[-1].relative_to(tree.parent)
    backup = ["backup", "--root", share, "--place", PLACE, "--cer", work / "backup.cer", "--state", work / f"{name}-state",
              "--create", tree]
    at, key = ["--root", share, f"{PLACE}/latest"], ["--pfx", work / "backup.pfx"]

    def clean():
        shutil.rmtree(into, ignore_errors=True)

    def next_second():
        # Of two sets of one second chance says which is the latest. Nor does a run trust the times of files that were
        # written just before it: the next one would read them again.
        time.sleep(1.1)

    def change():
        gen("mutate", kind, tree, "--pct", 10)
        next_second()

    yield Job("full", backup, next_second)
    yield Job("unchanged", backup, next_second)
    yield Job("changed", backup, change)
    yield Job("check", ["verify", *at])
    yield Job("verify", ["verify", *at, *key])
    yield Job("restore", ["restore", *at, *key, "--into", into], clean)
    if kind == "A":
        yield Job("one file", ["restore", *at, *key, "--into", into, one], clean)


def profile(file):
    """Instructions of each function itself, out of what callgrind wrote."""
    spent, function, called = Counter(), "?", False
    for line in open(file, errors="replace"):
        if line.startswith("fn="):
            function = line[3:].strip()
        elif line.startswith("calls="):
            called = True
        elif re.match(r"[0-9+*-]", line):
            # What a call took is in the function that was called.
            if not called:
                spent[plain(function)] += int(line.split()[1])
            called = False
    return spent


def plain(function):
    """A function's name without what differs between builds."""
    return re.sub(r"(::h[0-9a-f]{16}|\.llvm\.\d+|'\d+)", "", function)


def instructions(line, work):
    out = work / "callgrind"
    callgrind = ["valgrind", "-q", "--tool=callgrind", "--compress-strings=no", f"--callgrind-out-file={out}"]
    run(["taskset", "1", *callgrind, *line], ENVIRONMENT)
    spent = profile(out)
    return spent


def by_kind(spent):
    """Instructions of each kind, and those of the functions that are most of the rest."""
    kinds, rest = Counter(dict.fromkeys([*KINDS, "rest"], 0)), Counter()
    for function, count in spent.items():
        kind = next((kind for kind, of in KINDS.items() if re.match(of, function)), "rest")
        kinds[kind] += count
        if kind == "rest":
            rest[function] = count
    return dict(kinds), dict(rest.most_common(FUNCTIONS))


def calls(line, work):
    out = work / "strace"
    run(["taskset", "1", "strace", "-f", "-qq", "-o", out, *line], ENVIRONMENT)
    found = re.findall(r"^\d+ +(\w+)\(", out.read_text(errors="replace"), re.MULTILINE)
    return Counter(name for name in found if name not in CHANCE)


def measure(program, work):
    """{job: its instructions, its system calls, and the functions and calls that are most of them}."""
    found = {}
    for how in ("instructions", "calls"):
        place = work / how
        place.mkdir()
        certificate(place)
        for name in TREES:
            for job in jobs(place, name):
                job.before()
                line = [program, *job.arguments]
                of = found.setdefault(f"{name} {job.name}", {})
                if how == "instructions":
                    of["instructions"], of["functions"] = by_kind(instructions(line, place))
                else:
                    of["calls"] = dict(sorted(calls(line, place).items()))
                print(f"{name} {job.name}: {sum(of[how].values()):,} {how}", file=sys.stderr, flush=True)
    return found


def grown(was, now):
    """What is more than before, most first."""
    more = {name: now.get(name, 0) - was.get(name, 0) for name in {*was, *now}}
    listed = sorted(more.items(), key=lambda item: -item[1])[:8]
    return "".join(f"\n    {count:+,} {name[:150]}" for name, count in listed if count > 0)


def compare(was, now):
    """Prints all figures beside those of before; gives what got worse."""
    worse = []
    kinds = [*KINDS, "rest"]
    print(f"| job | {' | '.join(kinds)} | system calls |\n|{' --- |' * (len(kinds) + 2)}")
    for job, of in now.items():
        before = was.get(job, of)
        figures = [(kind, of["instructions"][kind], before["instructions"][kind], "functions") for kind in kinds]
        figures.append(("system calls", sum(of["calls"].values()), sum(before["calls"].values()), "calls"))
        cells = []
        for what, count, then, parts in figures:
            ratio = count / then if then else 1
            cells.append(f"{count:,} ({ratio:.3f})")
            # A few more than none are none.
            if count > then * (1 + TOLERANCE) + LEAST[parts]:
                where = grown(before[parts], of[parts]) if what in ("rest", "system calls") else ""
                worse.append(f"{job}, {what}: {count:,}, {then:,} before ({ratio:.3f}){where}")
        print(f"| {job} | {' | '.join(cells)} |", flush=True)
    return worse


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("program", type=Path)
    arguments.add_argument("--bless", action="store_true")
    options = arguments.parse_args()
    here = machine()
    was = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    there = was.get("machine", {})
    if differs := [f"{what} {there.get(what)}, here {of}" for what, of in here.items() if there.get(what) != of]:
        if not options.bless:
            print(f"counts: SKIPPED: counts.json is for {'; '.join(differs)}")
            return
    with tempfile.TemporaryDirectory(prefix="azs-counts-") as work:
        now = measure(options.program.resolve(), Path(work))
    if options.bless:
        BASELINE.write_text(json.dumps({"machine": here, "jobs": now}, indent=1) + "\n")
        return
    if worse := compare(was["jobs"], now):
        sys.exit("counts: more than 3 % worse; where it is worth it: benches/counts.py PROGRAM --bless\n" + "\n".join(worse))


if __name__ == "__main__":
    main()
