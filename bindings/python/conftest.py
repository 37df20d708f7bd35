"""What the tests share: throw-away shares, the certificates of the vectors, and the number of vectors that ran."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from shutil import copy

import azs_backup
import pytest
from azs_backup import Backup, DecryptionCertificate, EncryptionCertificate, FolderShare, Opener, Place

REPOSITORY = Path(__file__).parents[2]
VECTORS = REPOSITORY / "tests" / "vectors"
PASSWORD = "correct horse"

walked: Counter[str] = Counter()
"""Vectors walked, by theme: all languages print the same numbers."""


@pytest.fixture(scope="session")
def certificate() -> EncryptionCertificate:
    return EncryptionCertificate.load(VECTORS / "envelope" / "rsa2048.cer")


@pytest.fixture(scope="session")
def opener() -> Opener:
    return Opener(DecryptionCertificate.load(VECTORS / "envelope" / "rsa2048.pfx", PASSWORD))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with `backup.cer`, `backup.pfx`, the same of `signing`, and a share in which a deployment has its own backups."""
    (tmp_path / "share" / "contoso.com" / "nyc" / "MASBackup").mkdir(parents=True)
    for name in ("cer", "pfx"):
        copy(VECTORS / "envelope" / f"rsa2048.{name}", tmp_path / f"backup.{name}")
        copy(VECTORS / "signatures" / f"hlh01.{name}", tmp_path / f"signing.{name}")
    return tmp_path


@pytest.fixture
def share(folder: Path) -> Iterator[FolderShare]:
    with FolderShare.open(folder / "share", durability="cached") as share:
        yield share


@pytest.fixture
def place() -> Place:
    return Place.parse("contoso.com/nyc/Switches")


@pytest.fixture
def backup(share: FolderShare, place: Place, certificate: EncryptionCertificate) -> Backup:
    """A committed backup of one running-config."""
    backup = Backup(share, place, certificates=certificate)
    backup.add_bytes("tor1/running-config", b"hostname tor1\n")
    backup.commit()
    return backup


@pytest.fixture(autouse=True)
def names_for_docstrings(
    doctest_namespace: dict[str, object], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if isinstance(request.node, pytest.Function):
        return
    doctest_namespace.update({name: getattr(azs_backup, name) for name in azs_backup.__all__})
    for name in ("folder", "share", "place", "certificate", "opener", "backup"):
        doctest_namespace[name] = request.getfixturevalue(name)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for theme, count in sorted(walked.items()):
        terminalreporter.write_line(f"vectors: {theme} {count}")
