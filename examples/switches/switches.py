"""What the programs of this folder share: which switches there are, and a set of what was fetched from them."""

import argparse
import os
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import azs_backup as azs

REFUSED = ("% Invalid", "% Error", "% Unrecognized", "Unknown command", "Error: Unrecognized", "command not found")
"""What a switch prints instead of a configuration, if it does not take a command."""


@dataclass(frozen=True)
class Switch:
    name: str
    address: str
    kind: str
    user: str = field(default_factory=lambda: os.environ.get("AZS_SWITCH_USER", ""), repr=False)
    password: str = field(default_factory=lambda: os.environ.get("AZS_SWITCH_PASSWORD", ""), repr=False)


Fetch = Callable[[Switch], dict[str, str]]
"""Returns texts by their names; raises whatever it likes if the switch does not answer."""


def parser() -> argparse.ArgumentParser:
    given = argparse.ArgumentParser()
    given.add_argument("--root", required=True, help="the share: its UNC path, or a folder")
    given.add_argument("--cer", required=True, action="append", help="encryption certificate")
    given.add_argument("--place", default="contoso.com/nyc/Switches")
    given.add_argument("--state", help="folder that remembers the last set")
    return given


def listed(file: str) -> list[Switch]:
    """Reads [[switch]] tables with name, address and kind."""
    with open(file, "rb") as text:
        return [Switch(**table) for table in tomllib.load(text)["switch"]]


def open_share(root: str) -> azs.Share:
    if root.startswith("\\\\"):
        return azs.SmbShare.connect(root, os.environ["AZS_SMB_USER"], os.environ["AZS_SMB_PASSWORD"])
    return azs.FolderShare.open(root)


def checked(texts: dict[str, str]) -> dict[str, str]:
    """An empty answer or a refused command must not look like a configuration."""
    for name, text in texts.items():
        if not text.strip() or text.lstrip().startswith(REFUSED):
            raise ValueError(f"{name}: {text.strip()[:80] or 'an empty answer'}")
    return texts


def back_up(fetch: Fetch, given: argparse.ArgumentParser | None = None, switches: list[Switch] | None = None) -> int:
    """Fetches from all switches, eight at a time, into one set. Returns the exit code."""
    given = given or parser()
    if switches is None:
        given.add_argument("switches", help="TOML file with the switches")
    options = given.parse_args()
    switches = listed(options.switches) if switches is None else switches
    certificates = [azs.EncryptionCertificate.load(cer) for cer in options.cer]
    with (
        open_share(options.root) as share,
        azs.Backup(
            share, options.place, certificates=certificates, state=options.state, source_problems="report"
        ) as backup,
        ThreadPoolExecutor(8) as pool,
    ):
        for switch, fetched in [(switch, pool.submit(fetch, switch)) for switch in switches]:
            try:
                texts = checked(fetched.result())
            except Exception as error:  # Libraries for switches raise anything; this switch is named, the others go on.
                backup.add_problem(switch.name, error)
                continue
            for name, text in texts.items():
                backup.add_bytes(f"{switch.name}/{name.replace('/', '_')}", text.encode())
    report = backup.report
    assert report is not None
    print(report.status, report.folder, f"{report.content.files} files")
    for problem in report.problems:
        print(problem.message)
    return 0 if report.status == "Succeeded" else 3
