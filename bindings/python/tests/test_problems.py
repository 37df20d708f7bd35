"""What could not be fetched: problems that a program names itself, readers that fail, names that nobody could restore.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Literal

import azs_backup
import pytest
from azs_backup import Backup, BackupSet, EncryptionCertificate, FolderShare, Opener, Place


class Failing(io.RawIOBase):
    """A stream that gives some bytes and then fails."""

    def __init__(self, error: BaseException, length: int = 10) -> None:
        self.error = error
        self.left = length

    def read(self, size: int = -1) -> bytes:
        if self.left == 0:
            raise self.error
        count = min(size, self.left)
        self.left -= count
        return b"x" * count


def begin(
    share: FolderShare, place: Place, certificate: EncryptionCertificate, policy: Literal["fail", "report"]
) -> Backup:
    return Backup(share, place, certificates=certificate, source_problems=policy)


def test_a_problem_makes_the_set_partial_and_is_named(
    share: FolderShare, place: Place, certificate: EncryptionCertificate, opener: Opener
) -> None:
    with begin(share, place, certificate, "report") as backup:
        backup.add_bytes("tor1/running-config", b"hostname tor1\n")
        backup.add_problem("tor2/running-config", "no answer\nfrom 10.0.0.2")
        backup.add_problem("tor3/running-config", TimeoutError("timed out"))
        backup.add_problem("tor4/running-config", TimeoutError())
    report = backup.report
    assert report is not None and report.status == "PartialSucceeded"
    assert {problem.path: problem.code for problem in report.problems} == {
        f"tor{number}/running-config": "SOURCE_UNREADABLE" for number in (2, 3, 4)
    }
    said = " ".join(problem.message for problem in report.problems)
    assert "no answer from 10.0.0.2" in said and "timed out" in said and "TimeoutError" in said
    found = BackupSet.open(share, report.folder)
    assert found.verify_full(opener).is_sound and found.cover.content.problems == 3


@pytest.mark.parametrize("policy", ["fail", "report"])
def test_a_source_that_could_not_be_added_ends_the_backup_even_if_the_caller_goes_on(
    share: FolderShare,
    place: Place,
    certificate: EncryptionCertificate,
    policy: Literal["fail", "report"],
) -> None:
    backup = begin(share, place, certificate, policy)
    for name, content in [("tor1", b"hostname tor1"), ("tor1", b"again"), ("tor2", b"hostname tor2")]:
        with contextlib.suppress(azs_backup.BackupError):
            backup.add_bytes(name, content)
    with pytest.raises(azs_backup.AlreadyExistsError, match="tor1"):
        backup.commit()


def test_a_problem_is_an_error_where_problems_are(
    share: FolderShare, place: Place, certificate: EncryptionCertificate
) -> None:
    backup = begin(share, place, certificate, "fail")
    with pytest.raises(azs_backup.SourceUnreadableError, match="no answer"):
        backup.add_problem("tor2/running-config", "no answer")
    backup.abandon()


@pytest.mark.parametrize("length", [0, 10, 3 << 20])
def test_a_reader_that_fails_obeys_the_policy(
    share: FolderShare, place: Place, certificate: EncryptionCertificate, length: int
) -> None:
    backup = begin(share, place, certificate, "fail")
    with pytest.raises(LookupError, match="no answer"):
        backup.add_reader("tor1/running-config", Failing(LookupError("no answer"), length))
    backup.abandon()
    with begin(share, place, certificate, "report") as backup:
        backup.add_reader("tor1/running-config", Failing(LookupError("no answer"), length))
        backup.add_bytes("tor2/running-config", b"hostname tor2\n")
    report = backup.report
    assert report is not None and report.status == "PartialSucceeded" and report.content.files == 1
    (problem,) = report.problems
    assert problem.path == "tor1/running-config" and "no answer" in problem.message


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_what_ends_the_program_is_no_problem_of_a_source(
    share: FolderShare, place: Place, certificate: EncryptionCertificate, error: BaseException
) -> None:
    with pytest.raises(type(error)), begin(share, place, certificate, "report") as backup:
        backup.add_reader("tor1/running-config", Failing(error))
    assert azs_backup.list_sets(share, place.deployment) == ()


def test_a_name_that_no_file_system_restores_is_refused(
    share: FolderShare, place: Place, certificate: EncryptionCertificate, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    refusing = begin(share, place, certificate, "fail")
    for name in ("b" * 256, f"a/{'b' * 256}/c", "\u00e9" * 128):
        adding: list[Callable[[str], None]] = [
            lambda name: refusing.add_bytes(name, b"x"),
            lambda name: refusing.add_reader(name, io.BytesIO(b"x")),
            lambda name: refusing.add_file(file, name=name),
            lambda name: refusing.add_folder(tmp_path, name=name),
            lambda name: refusing.add_problem(name, "no answer"),
        ]
        for add in adding:
            with pytest.raises(azs_backup.InvalidNameError):
                add(name)
    refusing.abandon()
    with begin(share, place, certificate, "fail") as backup:
        backup.add_bytes("b" * 255, b"x")


def test_a_limit_of_0_is_the_default(backup: Backup, share: FolderShare, opener: Opener) -> None:
    assert backup.report is not None
    found = BackupSet.open(share, backup.report.folder)
    assert found.restore_bytes(opener, "tor1/running-config", limit=0) == b"hostname tor1\n"
    with pytest.raises(azs_backup.LimitExceededError):
        found.restore_bytes(opener, "tor1/running-config", limit=1)


def test_a_name_is_text_or_a_path_and_content_bytes_or_text(
    share: FolderShare, place: Place, certificate: EncryptionCertificate, opener: Opener
) -> None:
    with Backup(share, place, certificates=certificate) as backup:
        backup.add_bytes(PurePosixPath("tor1") / "running-config", "hostname tör1\n")
        backup.add_bytes(PureWindowsPath(r"tor2\running-config"), b"hostname tor2\n")
        with pytest.raises(TypeError, match="a name in a set is str or PurePath, not int"):
            backup.add_bytes(7, b"")  # type: ignore[arg-type]
    assert backup.report is not None
    found = BackupSet.open(share, backup.report.folder)
    assert found.restore_bytes(opener, "tor1/running-config").decode() == "hostname tör1\n"
    assert found.restore_bytes(opener, "tor2/running-config") == b"hostname tor2\n"
