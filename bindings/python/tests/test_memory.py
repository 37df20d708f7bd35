"""Ten thousand calls of each kind leave memory as it was."""

from __future__ import annotations

import gc
import io
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import azs_backup
import pytest
from azs_backup import (
    Alert,
    Backup,
    BackupSet,
    EncryptionCertificate,
    FolderShare,
    Gate,
    Opener,
    Place,
    RetentionPolicy,
    Schedule,
    Sealer,
    UncPath,
    classify_text,
    list_sets,
)

CALLS = 10_000
MOST_GROWTH = 3 << 20
"""What an allocator may keep; a leak of 300 bytes a call is more."""


def memory() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def refused() -> None:
    try:
        UncPath("no path")
    except azs_backup.InvalidNameError as error:
        assert error.alert.kind == "PATH" and error.message


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_ten_thousand_calls_leave_memory_flat(
    share: FolderShare, place: Place, certificate: EncryptionCertificate, opener: Opener, backup: Backup
) -> None:
    assert backup.report is not None
    report, found = backup.report, BackupSet.open(share, backup.report.folder)
    sealer = Sealer(certificate)
    message, plain = sealer.seal(b"x" * 1024), b"y" * 1024
    der = certificate.to_der()
    policy, gate = RetentionPolicy(keep_last=1), Gate(lambda: [{"kind": "update", "state": "running"}])

    class Failing(io.RawIOBase):
        def read(self, size: int | None = -1, /) -> bytes:
            raise LookupError

    def failing_stream() -> None:
        try:
            sealer.seal_stream(Failing(), io.BytesIO())
        except LookupError:
            pass

    def begun_and_abandoned() -> None:
        Backup(share, place, certificates=certificate, progress=lambda _: None, workers=1).abandon()

    work: dict[str, tuple[Callable[[], object], int]] = {
        "parse": (lambda: str(UncPath(r"\\fs.contoso.com\AzSBackups\a") / "b"), CALLS),
        "refuse": (refused, CALLS),
        "classify": (lambda: classify_text("mount error(113): No route to host").to_dict(), CALLS),
        "alert": (lambda: Alert(classify_text("NT_STATUS_DISK_FULL"), id="1").to_json(), CALLS),
        "certificate": (lambda: EncryptionCertificate.from_cer(der).facts, CALLS),
        "seal": (lambda: sealer.seal(bytearray(plain)), CALLS),
        "open": (lambda: opener.open(message), CALLS),
        "streams": (lambda: opener.open_stream(io.BytesIO(message), io.BytesIO()), CALLS),
        "failing streams": (failing_stream, CALLS),
        "values": (lambda: hash(pickle.loads(pickle.dumps(report)).certificates), CALLS),
        "schedule": (lambda: Schedule().next_run("2026-11-23T02:00:00Z").to_dict(), CALLS),
        "gate": (lambda: [str(hold) for hold in gate.holds()], CALLS),
        "restore": (lambda: found.restore_bytes(opener, "tor1/running-config"), 1000),
        "verify": (lambda: found.verify(progress=lambda _: None), 1000),
        "list and plan": (lambda: policy.plan(list_sets(share, place.deployment)).to_dict(), 1000),
        "backups abandoned": (begun_and_abandoned, 300),
    }
    grown = {}
    for name, (call, times) in work.items():
        for _ in range(max(100, times // 10)):
            call()
        before = memory()
        for _ in range(times):
            call()
        grown[name] = memory() - before
    print(grown)
    assert max(grown.values()) < MOST_GROWTH, grown
