"""The examples, as programs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from conftest import PASSWORD, REPOSITORY


def run(name: str, *arguments: str | Path, text: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
    script = REPOSITORY / "bindings" / "python" / "examples" / f"{name}.py"
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), *map(str, arguments)],
        input=text,
        env={**os.environ, "AZS_PFX_PASSWORD": PASSWORD},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == code, done.stderr
    return done


def test_switches_and_one_file_on_the_day_of_need(folder: Path) -> None:
    share = ("--share", folder / "share")
    done = run("switches", *share, "--cer", folder / "backup.cer", "tor1", "tor2")
    assert done.stdout.startswith("Succeeded contoso.com/nyc/Switches/") and "2 files" in done.stdout
    # Names of sets tell seconds apart, and nothing finer.
    time.sleep(1.1)
    run("switches", *share, "--cer", folder / "backup.cer", "tor1")
    pfx = ("--pfx", folder / "backup.pfx")
    assert run("one_file", *share, *pfx, "tor1/running-config").stdout == "hostname tor1\n"
    older = run("one_file", *share, *pfx, "tor2/running-config")
    assert older.stdout == "hostname tor2\n" and "NOT_FOUND" in older.stderr
    assert "no set has" in run("one_file", *share, *pfx, "nothing", code=1).stderr


def test_the_first_night_and_one_in_which_everything_fails(folder: Path) -> None:
    state, source = folder / "state", folder / "hlh"
    source.mkdir()
    (source / "hosts").write_text("127.0.0.1 localhost\n")
    arguments = ("--share", folder / "share", "--cer", folder / "backup.cer", "--state", state)
    # No state folder, no operations.json, and a source that is not mounted.
    done = run("nightly", *arguments, source, folder / "absent")
    assert done.stdout.startswith("PartialSucceeded contoso.com/nyc/HLH/")
    assert "operations.json is not there" in done.stderr
    jobs = state / "jobs.jsonl"
    for name, content, code in (("operations.json", "{", "MALFORMED"), ("jobs.jsonl", None, "IO")):
        jobs.unlink()
        (state / "alert.json").unlink(missing_ok=True)
        file = state / name
        file.mkdir() if content is None else file.write_text(content)
        done = run("nightly", *arguments, source, code=1)
        assert code in done.stderr.splitlines()[0] and (state / "alert.json").exists()
        if content is not None:
            last = json.loads(jobs.read_text().splitlines()[-1])
            assert last["status"] == "Failed" and last["alert"] and code in last["reason"]


def test_a_nightly_job(folder: Path) -> None:
    state, source = folder / "state", folder / "hlh"
    for made in (state, source):
        made.mkdir()
    (source / "hosts").write_text("127.0.0.1 localhost\n")
    arguments = ("--share", folder / "share", "--cer", folder / "backup.cer", "--state", state, source)
    (state / "operations.json").write_text('[{"kind": "update", "state": "running"}]')
    assert "was skipped: update is running" in run("nightly", *arguments).stdout
    jobs = state / "jobs.jsonl"
    jobs.unlink()
    (state / "operations.json").write_text("[]")
    assert run("nightly", *arguments).stdout.startswith("Succeeded contoso.com/nyc/HLH/")
    assert run("nightly", *arguments).stdout.startswith("next at")
    jobs.unlink()
    broken = ("--share", folder / "none", *arguments[2:])
    assert run("nightly", *broken, code=1).stderr.startswith("NOT_FOUND: open share folder")
    alert = json.loads((state / "alert.json").read_text())
    assert alert["properties"]["title"] == "Backup failed due to a fault in the path."
    assert json.loads(jobs.read_text().splitlines()[-1])["alert"] == "PATH"


def test_classify_what_went_wrong() -> None:
    assert run("classify", "0xC000006D").stdout.startswith("AUTHENTICATION (AUTHENTICATION), confidence HIGH")
    assert run("classify", "53").stdout.startswith("CONNECTIVITY")
    assert run("classify", text="mount error(113): No route to host\n").stdout.startswith("CONNECTIVITY")
    alert = '{"properties": {"faultTypeId": "AzureStack.BackupController.ExternalShareAlmostFullFault"}}'
    assert run("classify", alert).stdout.startswith("ALMOST_FULL (OUT_OF_CAPACITY)")


def test_the_package_brings_the_program(folder: Path) -> None:
    command = Path(sys.executable).with_name("azs-backup")
    backup = ("backup", "--root", folder / "share", "--place", "contoso.com/nyc/Switches")
    made = subprocess.run(
        [command, *backup, "--cer", folder / "backup.cer", "--stdin", "tor1", "--json"],
        input="hostname tor1\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert made.returncode == 0, made.stderr
    place = json.loads(made.stdout)["result"]["folder"]
    module = (sys.executable, "-m", "azs_backup")
    cat = (*module, "cat", "--root", folder / "share", "--pfx", folder / "backup.pfx", place, "tor1")
    env = {**os.environ, "AZS_PFX_PASSWORD": PASSWORD}
    assert subprocess.run(cat, env=env, capture_output=True, text=True).stdout == "hostname tor1\n"
    assert subprocess.run([*module, "backup"], capture_output=True).returncode == 2


def test_ctrl_c_ends_the_program_without_a_traceback(folder: Path) -> None:
    backup = ("backup", "--root", folder / "share", "--place", "contoso.com/nyc/Switches")
    command = [sys.executable, "-m", "azs_backup", *backup, "--cer", folder / "backup.cer", "--stdin", "tor1"]
    running = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stdin is not None
    running.stdin.write("hostname tor1\n" * 100_000)
    running.stdin.flush()
    # It reads, so it handles signals.
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130, errors
    assert errors.startswith("CANCELLED: ") and "Traceback" not in errors
