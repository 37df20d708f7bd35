"""Whatever goes in, an exception of Python's own kind comes out."""

from __future__ import annotations

import io
import itertools
import json
import math
import sys
import textwrap
from decimal import Decimal
from pathlib import Path
from subprocess import run
from typing import Any

import azs_backup
import pytest
from azs_backup import Backup, BackupSet, EncryptionCertificate, FolderShare, Opener, Place, Sealer

BAD: list[Any] = [
    None, 0, -1, 2**64, 2**200, 1.5, float("nan"), "", "\0", "a\0b", "\ud800", "x" * 100_000, b"", b"\0" * 1000, [], {}, (), object(),
    object, print, lambda: 1 / 0, io.StringIO("text"), io.BytesIO(b"bytes"), memoryview(b"abc"), {"a": {"b": [None]}},
]  # fmt: skip

ACCEPTABLE = (azs_backup.BackupError, TypeError, ValueError, OverflowError, AttributeError, OSError, ZeroDivisionError)


def members() -> list[tuple[str, Any]]:
    names = [name for name in azs_backup.__all__ if callable(getattr(azs_backup, name))]
    calls: list[tuple[str, Any]] = [(name, getattr(azs_backup, name)) for name in names]
    for kind in (
        azs_backup.Deployment, azs_backup.Place, azs_backup.SetName, EncryptionCertificate, azs_backup.Alert,
        azs_backup.DecryptionCertificate, FolderShare, BackupSet, azs_backup.Job, azs_backup.AlertKind,
    ):  # fmt: skip
        for name, member in vars(kind).items():
            if isinstance(member, staticmethod | classmethod) and not name.startswith("_"):
                calls.append((f"{kind.__name__}.{name}", getattr(kind, name)))
    return calls


@pytest.mark.parametrize(("name", "call"), members(), ids=[name for name, _ in members()])
def test_nonsense_is_an_exception(name: str, call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for first in BAD:
        for arguments in ((first,), (first, first), (first, None), ("contoso.com/nyc", first), (first, first, first)):
            try:
                call(*arguments)
            except ACCEPTABLE:
                pass
        for keyword in ("profile", "now", "certificates", "password", "durability", "keep_days", "pin", "phase_seconds"):
            try:
                call("\\\\fs\\share", **{keyword: first})
            except ACCEPTABLE:
                pass


def test_methods_of_handles_take_no_nonsense(
    share: FolderShare, place: Place, certificate: EncryptionCertificate, opener: Opener, backup: Backup, tmp_path: Path
) -> None:
    assert backup.report is not None
    found = BackupSet.open(share, backup.report.folder)
    open_backup = Backup(share, place, certificates=certificate)
    gate, policy = azs_backup.Gate(), azs_backup.RetentionPolicy(keep_last=1)
    calls = [
        *(getattr(open_backup, name) for name in ("add_folder", "add_file", "add", "add_bytes", "add_reader")),
        *(getattr(found, name) for name in ("entries", "verify_full", "restore", "restore_bytes", "restore_stream")),
        *(getattr(Sealer(certificate), name) for name in ("seal", "seal_file", "seal_stream")),
        *(getattr(opener, name) for name in ("open", "open_file", "open_stream")),
        gate.scheduled, gate.on_demand, policy.plan, policy.plan([]).apply, certificate.check_validity,
        azs_backup.JobLog(tmp_path / "log").append, azs_backup.Schedule().next_run,
    ]  # fmt: skip
    for call in calls:
        for value in BAD:
            for arguments in ((value,), (opener, value), ("name", value), (opener, value, value)):
                try:
                    call(*arguments)
                except ACCEPTABLE:
                    pass


def test_numbers_out_of_range_are_refused(share: FolderShare, place: Place, certificate: EncryptionCertificate) -> None:
    for options in ({"level": 20}, {"level": -8}, {"segment_size": 0}, {"segment_size": 65 << 20}):
        with pytest.raises(azs_backup.InvalidArgumentError):
            Backup(share, place, certificates=certificate, **options)  # type: ignore[arg-type]
    wrong: dict[str, Any]
    for wrong in (
        {"level": 2**40}, {"level": 2**200}, {"segment_size": -1}, {"workers": 1.5}, {"create": "yes"}, {"exclude": [1]},
        {"labels": {"model": 1}}, {"labels": object()}, {"state": 7}, {"set_name": "now"}, {"recheck": float("nan")},
    ):  # fmt: skip
        with pytest.raises(azs_backup.InvalidArgumentError, match=next(iter(wrong))):
            Backup(share, place, certificates=certificate, **wrong)
    with pytest.raises(azs_backup.InvalidArgumentError, match="fail, report"):
        Backup(share, place, certificates=certificate, source_problems="ignore")  # type: ignore[arg-type]
    with pytest.raises(azs_backup.InvalidArgumentError):
        Backup(share, place, certificates=[])
    with pytest.raises(TypeError, match="unexpected keyword"):
        Backup(share, place, certificates=certificate, passwort="x")  # type: ignore[call-arg]
    with pytest.raises(azs_backup.CertificateExpiredError):
        certificate.check_validity("2000-01-01T00:00:00Z")


def test_paths_and_names_with_nul_or_lone_surrogates_are_refused(
    share: FolderShare, place: Place, certificate: EncryptionCertificate, opener: Opener
) -> None:
    with pytest.raises(ValueError, match="null"):
        FolderShare.open("a\0b")
    with pytest.raises(ValueError):
        FolderShare.open("\ud800")
    with pytest.raises(UnicodeEncodeError):
        azs_backup.UncPath("\\\\fs\\\ud800")
    backup = Backup(share, place, certificates=certificate)
    for name in ("", "/etc", "../up", "a/../b", "nul\0", "a//b"):
        with pytest.raises(azs_backup.InvalidNameError):
            backup.add_bytes(name, b"")
    with pytest.raises(UnicodeEncodeError):
        backup.add_bytes("\ud800", b"")
    backup.abandon()
    backup = Backup(share, place, certificates=certificate)
    backup.add_bytes("a", b"")
    with pytest.raises(azs_backup.AlreadyExistsError):
        backup.add_bytes("a/b", b"")
    with pytest.raises(azs_backup.ReservedPathError):
        Place("contoso.com/nyc", "MASBackup")
    backup.abandon()


class Broken(io.RawIOBase):
    """Gives some bytes, then what the test wants."""

    def __init__(self, then: object) -> None:
        self.then, self.calls = then, 0

    def read(self, size: int | None = -1, /) -> Any:
        self.calls += 1
        if self.calls < 4:
            return b"x" * 70_000
        if isinstance(self.then, BaseException):
            raise self.then
        return self.then


@pytest.mark.parametrize("error", [LookupError("mine"), KeyboardInterrupt(), OSError(5, "disk"), SystemExit(3)])
def test_what_a_stream_raises_is_raised(
    error: BaseException, share: FolderShare, place: Place, certificate: EncryptionCertificate
) -> None:
    with pytest.raises(type(error)) as raised, Backup(share, place, certificates=certificate) as backup:
        backup.add_reader("a", Broken(error))
    assert raised.value is error or str(raised.value) == str(error)
    with pytest.raises(type(error)):
        Sealer(certificate).seal_stream(Broken(error), io.BytesIO())


@pytest.mark.parametrize(("answer", "says"), [("text", "binary mode"), (None, "nothing yet"), (3, "bytes-like")])
def test_a_stream_that_gives_no_bytes_is_refused(
    answer: object, says: str, share: FolderShare, place: Place, certificate: EncryptionCertificate
) -> None:
    with pytest.raises((TypeError, BlockingIOError), match=says), Backup(share, place, certificates=certificate) as backup:
        backup.add_reader("a", Broken(answer))


def test_a_writer_that_writes_less_or_says_more(certificate: EncryptionCertificate, opener: Opener) -> None:
    class Slow:
        data = b""

        def write(self, data: bytes) -> int:
            self.data += data[:1000]
            return min(1000, len(data))

    slow = Slow()
    Sealer(certificate).seal_stream(io.BytesIO(b"y" * 9000), slow)
    assert opener.open(slow.data) == b"y" * 9000

    class Liar:
        def write(self, data: bytes) -> int:
            return len(data) + 1

    with pytest.raises(OSError, match="more than it was given"):
        Sealer(certificate).seal_stream(io.BytesIO(b"z"), Liar())
    with pytest.raises(TypeError, match="no write"):
        Sealer(certificate).seal_stream(io.BytesIO(b"z"), object())  # type: ignore[arg-type]


def test_damaged_messages_are_damaged_wherever_the_bit(certificate: EncryptionCertificate, opener: Opener) -> None:
    message = bytearray(Sealer(certificate).seal(b"hostname tor1"))
    for at in range(0, len(message), 7):
        message[at] ^= 1
        with pytest.raises(azs_backup.BackupError) as raised:
            # The certificate's name in a message is only where the search for the key begins.
            if opener.open(message) == b"hostname tor1":
                raise azs_backup.DamagedError("found by another name")
        assert raised.value.code in ("DAMAGED", "MALFORMED", "UNSUPPORTED", "WRONG_CERTIFICATE", "LIMIT_EXCEEDED")
        message[at] ^= 1
    for end in range(0, len(message), 11):
        with pytest.raises(azs_backup.BackupError):
            opener.open(message[:end])


def test_deep_and_cyclic_data_is_refused(share: FolderShare) -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    cycle: dict[str, Any] = {}
    cycle["self"] = cycle
    for data in (deep, cycle):
        with pytest.raises(azs_backup.LimitExceededError):
            azs_backup.Operation(kind=data, state="running")  # type: ignore[arg-type]
        with pytest.raises(azs_backup.LimitExceededError):
            azs_backup.review({"root": data}, share)
    # Taken apart step by step: its own destructor recurses.
    while deep:
        deep = deep.pop()
    with pytest.raises(azs_backup.BackupError):
        azs_backup.review(json.dumps({"root": "x"}), share)


def test_a_second_interpreter_is_told(tmp_path: Path) -> None:
    """PyO3 modules serve one interpreter; a second one gets an ImportError, not a crash."""
    script = textwrap.dedent(
        """
        import azs_backup
        try:
            import _xxsubinterpreters as interpreters
        except ImportError:
            import _interpreters as interpreters
        other = interpreters.create()
        try:
            interpreters.run_string(other, "import azs_backup")
        except Exception as error:
            assert "ImportError" in repr(error), error
        assert azs_backup.UncPath(r"\\\\fs\\share").share == "share"
        """
    )
    done = run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_what_is_dropped_at_the_end_of_the_interpreter_does_no_harm(folder: Path) -> None:
    script = textwrap.dedent(
        f"""
        from azs_backup import *
        share = FolderShare.open({str(folder / "share")!r})
        certificate = EncryptionCertificate.load({str(folder / "backup.cer")!r})
        backup = Backup(share, "contoso.com/nyc/Switches", certificates=certificate, progress=print)
        backup.add_bytes("a", b"a" * 10_000_000)
        """
    )
    done = run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert not list((folder / "share").rglob("backup.json"))


class NoNumber:
    """A number of another package."""

    def __float__(self) -> float:
        return math.nan


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, Decimal("NaN"), Decimal("Infinity"), NoNumber()], ids=lambda value: type(value).__name__
)
def test_what_is_no_finite_number_is_never_as_if_it_were_not_given(value: Any, share: FolderShare) -> None:
    with pytest.raises(azs_backup.InvalidArgumentError, match="keep_days.*finite number"):
        azs_backup.RetentionPolicy(keep_last=1, keep_days=value)
    with pytest.raises(azs_backup.InvalidArgumentError, match="keep_labels.*finite number"):
        azs_backup.RetentionPolicy(keep_labels=[("model", value)])
    site = {"deployment": {"external_domain_name": "contoso.com", "region": "nyc"}, "root": r"\\fs\share"}
    with pytest.raises(ValueError, match="finite number"):
        azs_backup.review({**site, "frequency_hours": value}, share)


@pytest.mark.parametrize("value", [b"", b"*.log", bytearray(b"x"), memoryview(b"x")], ids=repr)
def test_bytes_are_no_list(value: Any) -> None:
    with pytest.raises(azs_backup.InvalidArgumentError, match="keep_labels: .* is not plain data"):
        azs_backup.RetentionPolicy(keep_labels=value)


def test_lists_without_end_are_refused() -> None:
    shared: Any = "x"
    for _ in range(40):
        shared = [shared, shared]
    endless: list[Any] = [shared, itertools.count()]
    for value in endless:
        with pytest.raises(azs_backup.InvalidArgumentError, match="more than 1000000 items"):
            azs_backup.RetentionPolicy(pin=value)


def test_a_key_of_two_objects_is_given_twice(
    share: FolderShare, place: Place, certificate: EncryptionCertificate
) -> None:
    class Key(str):
        def __hash__(self) -> int:
            return id(self)

        def __eq__(self, other: object) -> bool:
            return self is other

    with pytest.raises(azs_backup.InvalidArgumentError, match="labels.*is given twice"):
        Backup(share, place, certificates=certificate, labels={Key("a"): "1", Key("a"): "2"})


def test_a_package_built_without_object_stores_says_so(tmp_path: Path) -> None:
    with pytest.raises(azs_backup.BackupError, match="object-store") as failed:
        azs_backup.open_share("s3://contoso-backups/azs?sig=hunter2", region="eu-west-1", lock_days=30)
    assert failed.value.code == "UNSUPPORTED"
    assert "hunter2" not in str(failed.value)
    # Its keywords reach the core, which refuses them for a folder.
    with pytest.raises(azs_backup.InvalidArgumentError, match="lock_mode"):
        azs_backup.open_share(tmp_path, lock_mode="compliance")
