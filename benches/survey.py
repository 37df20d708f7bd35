#!/usr/bin/env python3
"""Surveys many regions on one share, made for it.

    python3 benches/survey.py [--program azs-backup] [--regions 1000] [--sets 14] [--folder DIR]

Each region has four components, each with so many sets, 12 hours apart. The first set is made by the program. The others are
the same files by hard links, with a cover sheet of their own. It prints CPU seconds (user and system), wall seconds and peak
memory of `survey`, and the sets for each second. The folder, in which 56,000 sets take some 500 MB, is removed at the end.
"""

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import tempfile
import time
from datetime import datetime, timedelta, timezone

COMPONENTS = ["Switches", "HLH", "Deployment", "Registration"]


def sheet(text, domain, region, component, name, created):
    """Returns a cover sheet of another place and name, with its own digest."""
    sheet = json.loads(text)
    del sheet["cover_sha256"]
    sheet["set"] = name
    sheet["deployment"] = {"external_domain_name": domain, "region": region}
    sheet["component"] = component
    sheet["created"] = sheet["finished"] = created.strftime("%Y-%m-%dT%H:%M:%SZ")
    body = json.dumps(sheet, indent=2)[: -len("\n}")] + ',\n  "cover_sha256": "'
    digest = hashlib.sha256(body[: -len(',\n  "cover_sha256": "')].encode()).hexdigest()
    return body + digest + '"\n}\n'


def first_set(program, root, work):
    """Makes a set; returns its folder."""
    source = os.path.join(work, "configs")
    os.makedirs(source)
    with open(os.path.join(source, "tor1"), "w", encoding="utf-8") as file:
        file.write("hostname tor1\n")
    run = {"cwd": work, "check": True, "stdout": subprocess.DEVNULL}
    subprocess.run([program, "key", "new", "backup"], env={**os.environ, "AZS_PFX_PASSWORD": "correct horse"}, **run)
    subprocess.run(
        [program, "backup", "--place", "first.example/nyc/Switches", "configs", "--cer", "backup.cer", "--root", root, "--create"],
        **run,
    )
    folder = os.path.join(root, "first.example", "nyc", "Switches")
    return os.path.join(folder, os.listdir(folder)[0])


def fill(root, first, regions, sets):
    """Makes the regions."""
    with open(os.path.join(first, "backup.json"), encoding="utf-8") as file:
        text = file.read()
    others = [name for name in os.listdir(first) if name != "backup.json"]
    now = datetime.now(timezone.utc).replace(microsecond=0)
    # A file has some tens of thousands of names at most, on most file systems.
    parents = {}
    for at in range(regions):
        if at % 100 == 0:
            for name in others:
                parents[name] = os.path.join(root, f"{at}-{name}")
                shutil.copyfile(os.path.join(first, name), parents[name])
        for component in COMPONENTS:
            for age in range(sets):
                created = now - timedelta(hours=12 * age + 1)
                name = created.strftime("%Y%m%dT%H%M%SZ") + f"-{at:08x}"
                folder = os.path.join(root, "contoso.com", f"r{at}", component, name)
                os.makedirs(folder)
                for other in others:
                    os.link(parents[other], os.path.join(folder, other))
                with open(os.path.join(folder, "backup.json"), "w", encoding="utf-8") as file:
                    file.write(sheet(text, "contoso.com", f"r{at}", component, name, created))
        if at % 100 == 99 or at == regions - 1:
            for name in others:
                os.remove(parents[name])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="azs-backup")
    parser.add_argument("--regions", type=int, default=1000)
    parser.add_argument("--sets", type=int, default=14)
    parser.add_argument("--folder", default=None)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as work:
        root = os.path.join(work, "share")
        os.makedirs(root)
        program = os.path.abspath(arguments.program) if os.path.exists(arguments.program) else arguments.program
        first = first_set(program, root, work)
        fill(root, first, arguments.regions, arguments.sets)
        shutil.rmtree(os.path.join(root, "first.example"))
        page = os.path.join(work, "survey.html")
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        surveyed = subprocess.run(
            [program, "survey", "--root", root, "--json-lines", "--html", page], stdout=subprocess.PIPE, check=False
        )
        wall, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
        rows = [json.loads(line) for line in surveyed.stdout.splitlines()]
        good = sum(row["severity"] is None for row in rows)
        count = sum(row["sets"] for row in rows)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"{len(rows)} rows, {good} good, {count} sets, page {os.path.getsize(page) >> 10} KiB")
        print(f"{cpu:.2f} s CPU  {wall:.2f} s wall  {after.ru_maxrss >> 10} MiB  {count / wall:.0f} sets/s")


if __name__ == "__main__":
    main()
