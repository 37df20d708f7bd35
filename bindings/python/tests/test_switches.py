"""The programs of `examples/switches`, against switches that answer, refuse, and do not answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import azs_backup as azs
import pytest
from conftest import REPOSITORY

EXAMPLES = REPOSITORY / "examples" / "switches"

NETMIKO = '''
class ConnectHandler:
    def __init__(self, device_type, host, username, password):
        assert (username, password) == ("backup", "of switches")
        if host.endswith(".9"):
            raise TimeoutError(f"TCP connection to {host} timed out")
        self.host = host
    def __enter__(self): return self
    def __exit__(self, *_): pass
    def send_command(self, command, read_timeout):
        assert read_timeout > 60
        if self.host.endswith(".8"):
            return "% Invalid command at '^' marker."
        return f"! {command}\\nhostname {self.host}\\n"
'''
"""Stands for netmiko: .9 does not answer, .8 refuses commands."""

NAPALM = '''
def get_network_driver(kind):
    assert kind == "nxos_ssh"
    return Driver
class Driver:
    def __init__(self, address, user, password, timeout): self.address = address
    def __enter__(self): return self
    def __exit__(self, *_): pass
    def get_config(self, sanitized):
        assert not sanitized
        return {"running": f"hostname {self.address}\\n", "startup": "saved\\n", "candidate": ""}
'''


def run(folder: Path, name: str, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    share = ["--root", str(folder / "share"), "--cer", str(folder / "backup.cer")]
    account = {"AZS_SWITCH_USER": "backup", "AZS_SWITCH_PASSWORD": "of switches"}
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-B", "-W", "error", str(EXAMPLES / name), *share, *arguments],
        env={**os.environ, **account, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == code, done.stderr
    return done


def contents(folder: Path, opener: azs.Opener) -> dict[str, str]:
    """Every file of the newest set."""
    with azs.FolderShare.open(folder / "share") as share:
        newest = [found for found in azs.list_sets(share, "contoso.com/nyc") if found.is_complete][-1]
        found = azs.BackupSet.open(share, newest.folder)
        files = [str(entry.path) for entry in found.entries(opener) if entry.kind == "file"]
        return {name: found.restore_bytes(opener, name).decode() for name in files}


def test_netmiko_names_each_switch_that_did_not_answer(folder: Path, opener: azs.Opener) -> None:
    (folder / "netmiko.py").write_text(NETMIKO)
    listed = (EXAMPLES / "switches.toml").read_text(encoding="utf-8")
    file = folder / "switches.toml"
    file.write_text(listed)
    assert run(folder, "with_netmiko.py", str(file)).stdout.startswith("Succeeded contoso.com/nyc/Switches/")
    found = contents(folder, opener)
    assert found["tor1/show running-config"] == "! show running-config\nhostname 10.0.0.2\n"
    assert found["bmc/cat _etc_network_interfaces"].startswith("! cat /etc/network/interfaces")
    assert {name.split("/")[0] for name in found} == {"tor1", "tor2", "bmc"}

    file.write_text(listed.replace("10.0.0.3", "10.0.0.8").replace("10.0.0.4", "10.0.0.9"))
    said = run(folder, "with_netmiko.py", str(file), code=3).stdout
    assert said.startswith("PartialSucceeded ") and " 4 files" in said
    assert "tor2" in said and "% Invalid command" in said
    assert "bmc" in said and "timed out" in said


def test_napalm_stores_what_there_is(folder: Path, opener: azs.Opener) -> None:
    (folder / "napalm.py").write_text(NAPALM)
    (folder / "switches.toml").write_text('[[switch]]\nname = "tor1"\naddress = "10.0.0.2"\nkind = "nxos_ssh"\n')
    run(folder, "with_napalm.py", str(folder / "switches.toml"))
    assert contents(folder, opener) == {"tor1/running-config": "hostname 10.0.0.2\n", "tor1/startup-config": "saved\n"}


@pytest.fixture
def oxidized() -> Iterator[str]:
    """Stands for oxidized-web: `tor1` and `dc/tor2` are there, `bmc` failed, `new` was never fetched."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/node/fetch/")
            body = f"hostname {name}\n"
            if self.path == "/nodes.json":
                last = {"status": "success", "end": "2026-11-30 02:00:00 UTC"}
                failed = {"status": "no_connection", "end": "2026-11-29 02:00:00 UTC"}
                states = {"tor1": last, "dc/tor2": last, "bmc": failed, "new": None}
                body = json.dumps([{"full_name": name, "ip": "", "last": state} for name, state in states.items()])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_oxidized_s_failures_are_problems_of_the_set(folder: Path, opener: azs.Opener, oxidized: str) -> None:
    said = run(folder, "from_oxidized.py", "--oxidized", oxidized, code=3).stdout
    assert "bmc" in said and "no_connection, at 2026-11-29" in said
    assert "new" in said and "never fetched" in said
    assert contents(folder, opener) == {"tor1/config": "hostname tor1\n", "dc/tor2/config": "hostname dc/tor2\n"}
