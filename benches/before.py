#!/usr/bin/env python3
"""Our program of this commit beside those of an earlier one, in the same rounds.

  benches/before.py OLD NEW [A B C] [--scale F] [--rounds N] [--work DIR]

OLD and NEW are programs built in release (target/release/azs-backup). Prints a table of new divided by old: CPU
seconds and, in brackets, peak memory, each the lowest of all rounds.
"""
import argparse, os, shutil, sys, tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent / "peers"))
from run import Azs, TREES, gen, keys, sh

JOBS = ["full", "unchanged", "check", "verify", "restore"]


def measure(tool, program, job, repo, tree, target):
    """CPU seconds and peak MiB of one job."""
    line = tool.lines[job].format(work=tool.work, program=program, repo=repo, tree=tree, target=target)
    # What was written before is not this one's to put on the disk.
    os.sync()
    cpu, _, peak = sh(line, tool.env)[1]
    return cpu, peak


def run_round(tool, which, versions, tree, work, number):
    """All jobs, each of all versions in turn; gives {(job, version): (CPU, peak)}."""
    rows = {}
    # Who is first pays for what is not yet in memory.
    order = sorted(versions, reverse=number % 2 == 1)
    for job in JOBS:
        for version in order:
            places = work / f"{which}-{version}"
            rows[job, version] = measure(tool, versions[version], job, places / "repo", tree, places / "target")
            print(f"{which} round {number + 1}: {job}, {version}: {rows[job, version][0]:.2f} s, "
                  f"{rows[job, version][1]:.0f} MiB", file=sys.stderr, flush=True)
    for version in order:
        shutil.rmtree(work / f"{which}-{version}")
    return rows


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("old", type=Path)
    arguments.add_argument("new", type=Path)
    arguments.add_argument("trees", nargs="*", default=["A", "B", "C"])
    arguments.add_argument("--scale", type=float, default=0.1)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--work", type=Path, help="trees and sets; made and deleted otherwise")
    options = arguments.parse_args()
    work = (options.work or Path(tempfile.mkdtemp(prefix="azs-before-"))).resolve()
    work.mkdir(parents=True, exist_ok=True)
    keys(work)
    tool = Azs(work)
    versions = {"new": options.new.resolve(), "old": options.old.resolve()}
    print("| | " + " | ".join(JOBS) + " |\n| --- |" + " --- |" * len(JOBS))
    for which in options.trees:
        tree = work / which
        if not tree.exists():
            gen("make", which, tree, "--scale", options.scale)
        rounds = [run_round(tool, which, versions, tree, work, number) for number in range(options.rounds)]
        best = {key: tuple(min(rows[key][i] for rows in rounds) for i in range(2)) for key in rounds[0]}
        cells = []
        for job in JOBS:
            new, old = best[job, "new"], best[job, "old"]
            cells.append(f"{new[0]:.2f} ÷ {old[0]:.2f} = {new[0] / old[0]:.2f} ({new[1] / old[1]:.2f})")
        print(f"| {which}: {TREES[which]} | " + " | ".join(cells) + " |", flush=True)
    if not options.work:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
