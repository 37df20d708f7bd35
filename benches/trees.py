#!/usr/bin/env python3
"""Full backup, verify and restore of generated trees, beside `tar | zstd -3 | openssl cms`, as whole processes.

  benches/trees.py [A B C] [--scale F] [--runs N] [--work DIR] [--image-scale F]

Builds the examples in release, makes the trees of gen.py from their seed, runs ours and the pipeline in turn, and
prints a Markdown table of medians: CPU seconds (user + system of all processes), peak memory of the largest process,
wall time. Only the standard library is needed, and tar, zstd, openssl for the pipeline.
"""
import argparse, json, os, resource, shutil, statistics, subprocess, sys, tempfile, time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PIPELINE = ("tar -C {parent} --format=pax -cf - {name} | zstd -3 -q | openssl cms -encrypt -stream -binary -outform DER "
            "-aes-256-gcm -recip {work}/backup.pem -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256 -out {out}")


def measured(command, **options):
    """Runs a command; gives its output and (CPU seconds, peak MiB, wall seconds)."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    out, err = process.communicate()
    wall, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        sys.exit(f"{command}: exit {process.returncode}\n{err.decode()}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return out.decode(), (cpu, wall)


def peak(command, **options):
    """The peak memory of a command in MiB, as GNU time or the kernel counts it: of a process of its own."""
    script = "import resource,subprocess,sys; subprocess.run(sys.argv[1:],check=True,stdout=2); " \
             "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    done = subprocess.run([sys.executable, "-c", script, *map(str, command)], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True, **options)
    return int(done.stdout.split()[-1]) / 1024


def certificate(work):
    run = lambda *a: subprocess.run(a, check=True, cwd=work, capture_output=True)
    run("openssl", "req", "-x509", "-newkey", "rsa:3072", "-nodes", "-keyout", "key.pem", "-out", "backup.pem",
        "-days", "365", "-subj", "/CN=azs-backup bench")
    run("openssl", "x509", "-in", "backup.pem", "-outform", "DER", "-out", "backup.cer")
    run("openssl", "pkcs12", "-export", "-inkey", "key.pem", "-in", "backup.pem", "-passout", "pass:bench", "-out", "backup.pfx")


def one_round(examples, work, tree, number):
    """One backup, two verifications and a restore; gives {job: (CPU, wall, peak)} and the stored bytes."""
    memory = number == 0
    # Each round restores into a folder of its own, and none is removed before the end: ext4 looks long for free inodes
    # where many were freed in the last minutes, which would be measured with it.
    share, target = work / "share", work / f"target-{tree.name}-{number}"
    shutil.rmtree(share, ignore_errors=True)
    share.mkdir()
    env = dict(os.environ, AZS_PFX_PASSWORD="bench")
    backup = [examples / "backup", "--root", share, "--domain", "contoso.com", "--region", "nyc", "--component", "HLH",
              "--cer", work / "backup.cer", "--json", tree]
    jobs, rows = {}, {}
    out, rows["backup"] = measured(backup, env=env)
    report = json.loads(out)
    folder = next(share.glob("contoso.com/nyc/HLH/*"))
    jobs["verify"] = [examples / "verify", "--set", folder]
    jobs["verify --pfx"] = [examples / "verify", "--set", folder, "--pfx", work / "backup.pfx"]
    jobs["restore"] = [examples / "restore", "--set", folder, "--pfx", work / "backup.pfx", "--to", target]
    for job, command in jobs.items():
        _, rows[job] = measured(command, env=env)
    if memory:
        jobs["restore"][-1] = target.with_name(target.name + "-peak")
        jobs["backup"] = backup
        rows = {job: (*row, peak(jobs[job], env=env)) for job, row in rows.items()}
    return rows, report["stored"]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("trees", nargs="*", default=["A", "B", "C"])
    arguments.add_argument("--scale", type=float, default=1.0, help="of the trees; 1 is 308 MB, 4 GiB and 2.6 GB")
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--work", type=Path)
    options = arguments.parse_args()
    subprocess.run(["cargo", "build", "--release", "--locked", "--examples"], check=True, cwd=HERE.parent)
    examples = HERE.parent / "target/release/examples"
    work = options.work or Path(tempfile.mkdtemp(prefix="azs-bench-"))
    work.mkdir(parents=True, exist_ok=True)
    certificate(work)
    print("| tree | job | CPU s | of the pipeline's | wall s | peak MiB | stored MB |\n| --- | --- | --- | --- | --- | --- | --- |")
    for tree in options.trees:
        source = work / tree
        if not source.exists():
            subprocess.run([sys.executable, HERE / "gen.py", "make", tree, source, "--scale", str(options.scale)],
                           check=True, stderr=subprocess.DEVNULL)
        rounds, pipeline, stored = [], [], None
        for number in range(options.runs):
            rows, stored = one_round(examples, work, source, number)
            rounds.append(rows)
            out = work / "pipeline.p7m"
            command = PIPELINE.format(parent=work, name=tree, work=work, out=out)
            pipeline.append(measured(["bash", "-o", "pipefail", "-c", command])[1])
            size = out.stat().st_size
            out.unlink()
        middle = lambda values: statistics.median(values)
        base = middle([row[0] for row in pipeline])
        print(f"| {tree} | tar\\|zstd -3\\|openssl cms | {base:.2f} | 1.00 | {middle([row[1] for row in pipeline]):.2f} | | {size / 1e6:.1f} |")
        for job in rounds[0]:
            cpu, wall = (middle([rows[job][i] for rows in rounds]) for i in (0, 1))
            print(f"| {tree} | {job} | {cpu:.2f} | {cpu / base:.2f} | {wall:.2f} | {rounds[0][job][2]:.0f} | "
                  f"{stored['bytes'] / 1e6:.1f} in {stored['files']} files |" if job == "backup" else
                  f"| {tree} | {job} | {cpu:.2f} | {cpu / base:.2f} | {wall:.2f} | {rounds[0][job][2]:.0f} | |", flush=True)
    if not options.work:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
