#!/usr/bin/env python3
"""Our backup beside its peers, on the same trees, in the same rounds.

  benches/peers/run.py [A B C] [--tools azs,tar,age,restic,borg,bupstash] [--scale F] [--runs N] [--nights N] [--growth]
                     [--before PROGRAM] [--work DIR] [--targets DIR]

Makes the trees of gen.py from their seed, builds our program in release, takes the peers that are installed (with
--install, as root on Debian, it installs them first; bupstash comes from the Rust registry) and runs all in turn: full
backup, again unchanged, again with 1 % changed, verify, restore, one file. Writes results.md and results.svg beside
itself or into --out. README.md says how to read them.
"""
import argparse, datetime, json, math, os, platform, shutil, statistics, subprocess, sys, tempfile, time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
GEN = HERE.parent / "gen.py"
PROGRAM = ROOT / "target/release/azs-backup"
JOBS = ["full", "unchanged", "changed", "check", "verify", "restore", "one file"]


def sh(command, env=None):
    """Runs a line of bash. Returns its output, CPU seconds, wall seconds, and peak MiB of the largest process."""
    # A process of its own: the kernel's peak of all children so far would hide the later, smaller ones.
    script = ("import json,resource,subprocess,sys,time; t=time.monotonic(); "
              "p=subprocess.run(['bash','-o','pipefail','-c',sys.argv[1]],stdout=subprocess.PIPE,stderr=subprocess.PIPE); "
              "u=resource.getrusage(resource.RUSAGE_CHILDREN); "
              "json.dump([p.returncode,p.stdout.decode(errors='replace'),p.stderr.decode(errors='replace')[-2000:],"
              "u.ru_utime+u.ru_stime,time.monotonic()-t,u.ru_maxrss/1024],sys.stdout)")
    done = subprocess.run([sys.executable, "-c", script, command], stdout=subprocess.PIPE, check=True,
                          env={**os.environ, **(env or {})})
    code, out, err, cpu, wall, peak = json.loads(done.stdout)
    if code:
        raise RuntimeError(f"{command}: exit {code}: {err.strip()}")
    return out, (cpu, wall, peak)


def size(folder):
    """Returns bytes and files below a folder; a file with several names counts once. Leaves out the host's state, which
    is not on the share.
    """
    seen, total = set(), 0
    for base, folders, names in os.walk(folder):
        if base == str(folder) and "state" in folders:
            folders.remove("state")
        for name in names:
            stat = os.lstat(os.path.join(base, name))
            if stat.st_ino not in seen:
                seen.add(stat.st_ino)
                total += stat.st_size
    return total, len(seen)


class Tool:
    """A way to back up: shell lines by job, with {repo}, {tree}, {parent}, {name}, {target}, {work}, {one}."""
    env, needs, lines, program = {}, [], {}, PROGRAM

    def __init__(self, work):
        self.work = work

    def installed(self):
        return all(shutil.which(need) for need in self.needs)

    def line(self, job, **places):
        line = self.lines.get(job)
        return line and line.format(work=self.work, program=self.program, **places)


class Azs(Tool):
    title = "azs-backup"
    env = {"AZS_PFX_PASSWORD": "bench"}
    _set = "--root {repo}/share contoso.com/nyc/HLH/latest"
    _backup = ("mkdir -p {repo}/share/contoso.com/nyc && {program} backup --root {repo}/share --place contoso.com/nyc/HLH "
               "--cer {work}/backup.cer --state {repo}/state {tree}")
    lines = {"full": _backup, "unchanged": _backup, "changed": _backup,
             "check": "{program} verify " + _set,
             "verify": "{program} verify --pfx {work}/backup.pfx " + _set,
             "restore": "{program} restore --pfx {work}/backup.pfx --into {target} " + _set,
             "one file": "{program} restore --pfx {work}/backup.pfx --into {target} " + _set + " '/{name}/{one}'"}


class Before(Azs):
    title = "azs-backup before"


class Tar(Tool):
    title = "tar, zstd, openssl cms"
    needs = ["tar", "zstd", "openssl"]
    _seal = "openssl cms -encrypt -stream -binary -outform DER -aes-256-gcm -recip {work}/backup.pem " \
            "-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256 -out {repo}/$(date +%s%N).p7m"
    _open = "openssl cms -decrypt -binary -inform DER -in $(ls {repo}/*.p7m | head -n 1) -inkey {work}/key.pem"
    _backup = "mkdir -p {repo} && tar -g {repo}.snar -C {parent} --format=pax -cf - {name} | zstd -3 -q | " + _seal
    lines = {"full": _backup, "unchanged": _backup, "changed": _backup,
             "verify": _open + " | zstd -tq", "restore": "mkdir {target} && " + _open + " | zstd -dcq | tar -C {target} -xf -",
             "one file": "mkdir {target} && " + _open + " | zstd -dcq | tar -C {target} -xf - {name}/{one}"}


class Age(Tar):
    title = "tar, zstd, age"
    needs = ["tar", "zstd", "age"]
    _open = "age -d -i {work}/age.key $(ls {repo}/*.age | head -n 1)"
    _backup = "mkdir -p {repo} && tar -g {repo}.snar -C {parent} --format=pax -cf - {name} | zstd -3 -q | " \
              "age -R {work}/age.pub -o {repo}/$(date +%s%N).age"
    lines = {"full": _backup, "unchanged": _backup, "changed": _backup,
             "verify": _open + " | zstd -tq", "restore": "mkdir {target} && " + _open + " | zstd -dcq | tar -C {target} -xf -",
             "one file": "mkdir {target} && " + _open + " | zstd -dcq | tar -C {target} -xf - {name}/{one}"}


class Restic(Tool):
    title = "restic"
    needs = ["restic"]
    env = {"RESTIC_PASSWORD": "bench"}
    _backup = "restic -q -r {repo} --no-cache backup {tree}"
    lines = {"init": "restic -q -r {repo} init", "full": _backup, "unchanged": _backup, "changed": _backup,
             "verify": "restic -q -r {repo} --no-cache check --read-data",
             "restore": "restic -q -r {repo} --no-cache restore latest --target {target}",
             "one file": "restic -q -r {repo} --no-cache restore latest --target {target} --include {tree}/{one}"}


class Borg(Tool):
    title = "borg"
    needs = ["borg"]
    env = {"BORG_PASSPHRASE": "bench", "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes"}
    _backup = "borg create -C zstd,3 {repo}::$(date +%s%N) {tree}"
    _last = "$(borg list --short --last 1 {repo})"
    lines = {"init": "borg init -e repokey-blake2 {repo}", "full": _backup, "unchanged": _backup, "changed": _backup,
             "check": "borg check --repository-only {repo}", "verify": "borg check --verify-data {repo}",
             "restore": "mkdir {target} && cd {target} && borg extract {repo}::" + _last,
             "one file": "mkdir {target} && cd {target} && borg extract {repo}::" + _last + " $(echo {tree}/{one} | cut -c2-)"}


class Bupstash(Tool):
    title = "bupstash"
    needs = ["bupstash"]
    _backup = "bupstash put -q -k {work}/bupstash.put -r {repo} --send-log {repo}.log name=tree {tree} > {repo}.id"
    _get = "bupstash get -q -k {work}/bupstash.key -r {repo} id=$(cat {repo}.id)"
    lines = {"init": "bupstash init -r {repo}", "full": _backup, "unchanged": _backup, "changed": _backup,
             "verify": _get + " > /dev/null", "restore": "mkdir {target} && " + _get + " | tar -C {target} -xf -",
             "one file": "mkdir {target} && bupstash get -q -k {work}/bupstash.key -r {repo} --pick {one} id=$(cat {repo}.id) > {target}/file"}


TOOLS = {"azs": Azs, "tar": Tar, "age": Age, "restic": Restic, "borg": Borg, "bupstash": Bupstash}


def install(work):
    subprocess.run(["apt-get", "install", "-y", "-q", "tar", "zstd", "openssl", "age", "restic", "borgbackup", "pkg-config",
                    "libsodium-dev"], check=True)
    subprocess.run(["cargo", "install", "--locked", "bupstash", "--root", work / "tools"], check=True)


def keys(work):
    def run(*command):
        subprocess.run(command, check=True, cwd=work, capture_output=True)
    if shutil.which("bupstash") and not (work / "bupstash.put").exists():
        run("bash", "-c", "bupstash new-key -o bupstash.key && bupstash new-sub-key --put -k bupstash.key -o bupstash.put")
    if (work / "backup.pfx").exists():
        return
    run("openssl", "req", "-x509", "-newkey", "rsa:3072", "-nodes", "-keyout", "key.pem", "-out", "backup.pem", "-days", "365",
        "-subj", "/CN=azs-backup bench")
    run("openssl", "x509", "-in", "backup.pem", "-outform", "DER", "-out", "backup.cer")
    run("openssl", "pkcs12", "-export", "-inkey", "key.pem", "-in", "backup.pem", "-passout", "pass:bench", "-out", "backup.pfx")
    if shutil.which("age-keygen"):
        run("bash", "-c", "age-keygen -o age.key 2>/dev/null && age-keygen -y age.key > age.pub")


def gen(verb, which, folder, *more):
    subprocess.run([sys.executable, GEN, verb, which, folder, *map(str, more)], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def one_file(tree, which):
    """A small file in the middle of the tree."""
    names = sorted(p.relative_to(tree).as_posix() for p in tree.rglob("*.txt" if which == "A" else "*.json") if p.is_file())
    return names[len(names) // 2] if names else None


def run_round(tool, which, tree, work, number, restored):
    """Runs all jobs of a tool once, restoring below `restored`. Returns {job: (CPU, wall, peak)} and what was stored."""
    repo, rows, stored = work / "repos" / f"{which}-{type(tool).__name__}-{number}", {}, {}
    repo.parent.mkdir(exist_ok=True)
    one = one_file(tree, which)
    places = dict(repo=repo, tree=tree, parent=tree.parent, name=tree.name, one=one, target="")
    if "init" in tool.lines:
        sh(tool.line("init", **places), tool.env)
    for job in JOBS:
        if job not in tool.lines or (job == "one file" and (which == "B" or not one)):
            continue
        places["target"] = restored / f"{repo.name}-{job.replace(' ', '-')}"
        restored.mkdir(exist_ok=True)
        if job == "changed":
            gen("mutate", which, tree, "--pct", 1)
        try:
            # This tool must not pay for writing what the one before left.
            os.sync()
            before = size(repo)[0] if repo.exists() else 0
            rows[job] = sh(tool.line(job, **places), tool.env)[1]
            bytes_, files = size(repo)
            if job in ("full", "unchanged", "changed"):
                stored[job] = (bytes_ - before, files)
        except RuntimeError as failure:
            print(f"{tool.title}, {which}, {job} failed: {failure}", file=sys.stderr)
        finally:
            if job == "changed":
                gen("revert", which, tree)
    subprocess.run(["rm", "-rf", repo, *repo.parent.glob(repo.name + ".*"), *restored.glob(repo.name + "-*")], check=True)
    return rows, stored


def nights(tool, which, tree, work, count):
    """Runs `count` nights with 1 % changed, the first one full. Returns MB stored and CPU seconds."""
    copy, repo = work / f"{which}-nights", work / "repos" / f"{which}-nights-{type(tool).__name__}"
    shutil.rmtree(copy, ignore_errors=True)
    subprocess.run(["cp", "-a", tree, copy], check=True)
    repo.parent.mkdir(exist_ok=True)
    places = dict(repo=repo, tree=copy, parent=copy.parent, name=copy.name, one="", target="")
    if "init" in tool.lines:
        sh(tool.line("init", **places), tool.env)
    cpu = 0
    for night in range(count):
        if night:
            gen("mutate", which, copy, "--pct", 1, "--round", night)
            shutil.rmtree(f"{copy}.undo")
        cpu += sh(tool.line("full", **places), tool.env)[1][0]
    stored = size(repo)[0]
    shutil.rmtree(repo)
    shutil.rmtree(copy)
    return stored / 1e6, cpu


def growth(tool, work, counts):
    """Runs full backup, unchanged backup and verification of this many tiny files. Returns {count: {job: (CPU, wall,
    peak)}}.
    """
    rows = {}
    for count in counts:
        tree, repo = work / f"growth-{count}", work / "repos" / f"growth-{count}"
        for number in range(count):
            if number % 1000 == 0:
                folder = tree / f"{number // 100_000:03}/{number // 1000:06}"
                folder.mkdir(parents=True)
            (folder / f"{number:08}.txt").write_text(f"interface Ethernet1/{number}\n  description port {number}\n")
        # Otherwise files written within the last tick of the clock would be read again.
        time.sleep(1)
        repo.parent.mkdir(exist_ok=True)
        places = dict(repo=repo, tree=tree, parent=tree.parent, name=tree.name, one="", target="")
        rows[count] = {job: sh(tool.line(job, **places), tool.env)[1] for job in ("full", "unchanged", "verify")}
        shutil.rmtree(repo)
        shutil.rmtree(tree)
    return rows


def growth_table(rows):
    lines = ["### Growth: tiny files", "", "| files | job | CPU s | per file, of the first row's | peak MiB |", "| --- | --- | --- | --- | --- |"]
    first = next(iter(rows))
    for count, jobs in rows.items():
        for job, (cpu, _, peak) in jobs.items():
            lines.append(f"| {count:,} | {job} | {cpu:.2f} | {cpu / count / (rows[first][job][0] / first):.2f} | {peak:.0f} |")
    return "\n".join(lines)


def table(which, results):
    lines = [f"### {which}: {TREES[which]}", "",
             "| | " + " | ".join(f"{job}: CPU s" for job in JOBS) + " | stored MB, files | added MB, changed | peak MiB |",
             "| --- |" + " --- |" * (len(JOBS) + 3)]
    ours = results.get("azs")
    for name, result in results.items():
        cells = []
        for job in JOBS:
            if job not in result["rows"]:
                cells.append("–")
                continue
            cpu = result["rows"][job][0]
            ratio = ours and job in ours["rows"] and name != "azs" and cpu > 0 and ours["rows"][job][0] / cpu
            cells.append(f"{cpu:.2f}" + (f" ({ratio:.2f})" if ratio else ""))
        peak = max(row[2] for row in result["rows"].values())
        full, changed = result["stored"].get("full", (0, 0)), result["stored"].get("changed", (0, 0))
        lines.append(f"| {TOOLS[name].title} | " + " | ".join(cells) +
                     f" | {full[0] / 1e6:.1f}, {full[1]} | {changed[0] / 1e6:.2f} | {peak:.0f} |")
    lines.append("")
    lines.append("Wall s of the full backup: " + ", ".join(
        f"{TOOLS[name].title} {result['rows']['full'][1]:.2f}" for name, result in results.items() if "full" in result["rows"]) + ".")
    return "\n".join(lines)


TREES = {"A": "20,000 small files", "B": "one 4 GiB image", "C": "2.65 GB mixed"}


# How a peer is drawn: a colour that is seen on light and dark, and a shape for whoever sees no colours.
MARKS = {
    "tar": ("#c2703d", '<rect x="-4" y="-4" width="8" height="8"/>'),
    "age": ("#b0901c", '<path d="M0-5 5 4H-5Z"/>'),
    "restic": ("#4a86c5", '<circle r="4.5"/>'),
    "borg": ("#3f9c6b", '<path d="M0-6 6 0 0 6-6 0Z"/>'),
    "bupstash": ("#9a68b8", '<path d="M-5-5 5 5M5-5-5 5" stroke-width="3" fill="none"/>'),
}
LABELS = {"changed": "1 % changed", "check": "check, no key"}
# Multiples of our CPU seconds that the picture shows; what is outside is drawn at its edge.
LEAST, MOST = 1 / 32, 64
STYLE = ("text{font:12px sans-serif;fill:#333}.head{font-weight:bold}.small{font-size:10px}line{stroke:#999;stroke-opacity:.35}"
         ".ours{stroke:#d33;stroke-opacity:.9;stroke-width:1.5}"
         "@media(prefers-color-scheme:dark){text{fill:#ddd}.ours{stroke:#f66}}")


def svg(everything, caption):
    """Draws the CPU seconds of each peer as a multiple of ours, on a logarithmic scale: right of the line costs more."""
    wide, row, left, aside = 220, 22, 96, 46
    everything = {which: everything[which] for which in sorted(everything) if "azs" in everything[which]}
    width, bottom = left + len(everything) * (wide + aside) + 4, 64 + len(JOBS) * row
    out = []

    def at(ratio):
        share = math.log(min(max(ratio, LEAST), MOST) / LEAST) / math.log(MOST / LEAST)
        return 8 + share * (wide - 16)

    for y, job in enumerate(JOBS):
        out.append(f'<text x="{left - 8}" y="{76 + y * row}" text-anchor="end">{LABELS.get(job, job)}</text>')
    for panel, (which, results) in enumerate(everything.items()):
        x = left + panel * (wide + aside)
        out.append(f'<text x="{x + 8}" y="42" class="head">{which}: {TREES[which]}</text>')
        for ratio in (1 / 16, 1 / 4, 1, 4, 16):
            label = f"1/{round(1 / ratio)}" if ratio < 1 else f"{ratio}"
            kind = ' class="ours"' if ratio == 1 else ""
            out.append(f'<line x1="{x + at(ratio):.1f}" x2="{x + at(ratio):.1f}" y1="54" y2="{bottom}"{kind}/>'
                       f'<text x="{x + at(ratio):.1f}" y="{bottom + 14}" text-anchor="middle" class="small">{label}</text>')
        ours = results["azs"]["rows"]
        for y, job in enumerate(JOBS):
            out.append(f'<line x1="{x}" x2="{x + wide}" y1="{72 + y * row}" y2="{72 + y * row}"/>')
            if job in ours:
                out.append(f'<text x="{x + wide + 4}" y="{76 + y * row}" class="small">{ours[job][0]:.2f} s</text>')
            for name, (colour, shape) in MARKS.items():
                if job in ours and ours[job][0] > 0 and job in results.get(name, {}).get("rows", {}):
                    ratio = results[name]["rows"][job][0] / ours[job][0]
                    out.append(f'<g transform="translate({x + at(ratio):.1f} {72 + y * row})" fill="{colour}" '
                               f'stroke="{colour}" fill-opacity=".75"><title>{TOOLS[name].title}: {ratio:.2f}</title>{shape}</g>')
    x = left
    for name, (colour, shape) in MARKS.items():
        out.append(f'<g transform="translate({x + 8} {bottom + 34})" fill="{colour}" stroke="{colour}" fill-opacity=".75">{shape}</g>'
                   f'<text x="{x + 18}" y="{bottom + 38}">{TOOLS[name].title}</text>')
        x += 36 + 7 * len(TOOLS[name].title)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom + 66}" role="img">'
            f"<title>CPU seconds of each peer as a multiple of ours</title><style>{STYLE}</style>"
            '<text x="8" y="18" class="head">CPU seconds of each peer as a multiple of ours (red line, and behind each row): right of it, a peer takes more'
            f'</text>{"".join(out)}<text x="8" y="{bottom + 58}" class="small">{caption}</text></svg>\n')


def machine():
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    memory = int(next(line.split()[1] for line in open("/proc/meminfo") if line.startswith("MemTotal"))) >> 20
    return f"{os.cpu_count()} cores of {cpu}, {memory} GiB of memory, Linux {platform.release().split('-')[0]}"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("trees", nargs="*", default=["A", "B", "C"])
    arguments.add_argument("--tools", default=",".join(TOOLS))
    arguments.add_argument("--scale", type=float, default=1.0)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--before", type=Path, help="our program of an earlier commit, as one more tool")
    arguments.add_argument("--nights", type=int, default=0, help="also so many nights with 1 %% changed, ours, restic and bupstash")
    arguments.add_argument("--growth", action="store_true", help="also 100,000 and 1,000,000 tiny files, ours alone")
    arguments.add_argument("--work", type=Path, help="trees and repositories; made and deleted otherwise")
    arguments.add_argument("--targets", type=Path, help="where restores go, best in memory; otherwise below --work")
    arguments.add_argument("--out", type=Path, default=HERE)
    arguments.add_argument("--no-build", action="store_true", help="our program is built already")
    arguments.add_argument("--install", action="store_true")
    options = arguments.parse_args()
    work = (options.work or Path(tempfile.mkdtemp(prefix="azs-peers-"))).resolve()
    work.mkdir(parents=True, exist_ok=True)
    os.environ["PATH"] = f"{work / 'tools/bin'}:{os.environ['PATH']}"
    if options.install:
        install(work)
    restored = (options.targets or work).resolve() / "targets"
    keys(work)
    tools = {name: TOOLS[name](work) for name in options.tools.split(",")}
    if options.before:
        TOOLS["before"], Before.program = Before, options.before.resolve()
        tools["before"] = Before(work)
    for name in [name for name, tool in tools.items() if not tool.installed()]:
        print(f"{tools.pop(name).title} is not installed: left out", file=sys.stderr)
    if "azs" in tools and not options.no_build:
        subprocess.run(["cargo", "build", "--release", "--locked", "--package", "azs-backup-cli"], check=True, cwd=ROOT)
    everything, text = {}, []
    for which in options.trees:
        tree = work / which
        if not tree.exists():
            gen("make", which, tree, "--scale", options.scale)
        rounds = {name: [] for name in tools}
        for number in range(options.runs):
            for name, tool in tools.items():
                rounds[name].append(run_round(tool, which, tree, work, number, restored))
                print(f"{which} round {number + 1}: {tool.title} "
                      + ", ".join(f"{job} {row[0]:.2f}" for job, row in rounds[name][-1][0].items()), file=sys.stderr, flush=True)
        results = {}
        for name, done in rounds.items():
            jobs = [job for job in JOBS if all(job in rows for rows, _ in done)]
            rows = {job: tuple(statistics.median(rows[job][i] for rows, _ in done) for i in range(3)) for job in jobs}
            if rows:
                results[name] = {"rows": rows, "stored": done[-1][1]}
        everything[which] = results
        text.append(table(which, results))
        if options.nights and which != "C":
            for name in [n for n in ("azs", "restic", "bupstash") if n in tools]:
                stored, cpu = nights(tools[name], which, tree, work, options.nights)
                text.append(f"{options.nights} nights at 1 %: {tools[name].title} {stored:.1f} MB in all, {cpu:.1f} CPU s.")
    if options.growth and "azs" in tools:
        text.append(growth_table(growth(tools["azs"], work, [100_000, 1_000_000])))
    head = (f"{datetime.date.today()}, {machine()}; scale {options.scale:g}, medians of {options.runs} rounds. "
            "CPU seconds are user + system of all processes; in brackets ours divided by it: below 1 we need less.")
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "results.md").write_text("# Results\n\n" + head + "\n\n" + "\n\n".join(text) + "\n")
    caption = f"{datetime.date.today()}, {machine()}; scale {options.scale:g}: benches/peers/run.py {' '.join(options.trees)}"
    (options.out / "results.svg").write_text(svg(everything, caption))
    print((options.out / "results.md").read_text())
    if not options.work:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
