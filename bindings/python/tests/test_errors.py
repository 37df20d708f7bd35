"""Errors and alerts: complete, and what Python expects them to be."""

from __future__ import annotations

import errno
import io
import pickle
from pathlib import Path

import azs_backup
import pytest
from azs_backup import (
    Alert,
    AlertKind,
    BackupError,
    DocumentedKind,
    EncryptionCertificate,
    ErrorKind,
    FolderShare,
    TextClassifier,
    UncPath,
    _native,
    classify_errno,
    classify_error,
    classify_kind,
    classify_ntstatus,
    classify_text,
)
from azs_backup.errors import CLASSES
from conftest import PASSWORD, VECTORS


def test_every_error_kind_has_an_exception() -> None:
    codes = _native.error_kinds()
    assert [kind.value for kind in ErrorKind] == codes == list(CLASSES)
    for code, exception in CLASSES.items():
        assert issubclass(exception, BackupError) and exception.code == code and exception.__doc__
        assert exception.__name__ == "".join(part.capitalize() for part in code.split("_")) + "Error"
        assert getattr(azs_backup, exception.__name__) is exception and exception.__name__ in azs_backup.__all__
        assert ErrorKind(code).exception is exception
        made = exception("the line")
        assert str(made) == made.message == "the line" and made.alert.evidence[0].name == code


def test_every_alert_kind_is_there() -> None:
    assert [kind.value for kind in AlertKind] == _native.alert_kinds()
    assert [kind.value for kind in AlertKind][:5] == [kind.value for kind in DocumentedKind]
    for kind in AlertKind:
        assert classify_kind(kind).kind is kind
        assert AlertKind.from_fault_type_id(kind.fault_type_id) is kind
        assert AlertKind.from_title(kind.alert_title) is kind
        assert kind.documented in DocumentedKind and kind.severity in ("Warning", "Critical")
    assert AlertKind.from_title("nothing") is None


@pytest.mark.parametrize(
    ("exception", "parent", "number"),
    [
        ("AccessDeniedError", PermissionError, errno.EACCES),
        ("AlreadyExistsError", FileExistsError, errno.EEXIST),
        ("NotFoundError", FileNotFoundError, errno.ENOENT),
        ("OutOfCapacityError", OSError, errno.ENOSPC),
        ("TimedOutError", TimeoutError, errno.ETIMEDOUT),
        ("UnreachableError", ConnectionError, errno.ENOTCONN),
        ("LogonFailedError", PermissionError, errno.EACCES),
    ],
)
def test_exceptions_are_what_python_expects(exception: str, parent: type[OSError], number: int) -> None:
    kind = getattr(azs_backup, exception)
    assert issubclass(kind, parent) and kind("x").errno == number


def test_a_real_error_has_code_alert_causes_and_errno(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        FolderShare.open(tmp_path / "none")
    error = raised.value
    assert isinstance(error, azs_backup.NotFoundError) and error.code == "NOT_FOUND" and error.errno == errno.ENOENT
    assert str(tmp_path / "none") in str(error) and "\n" not in str(error)
    assert error.causes == ("No such file or directory (os error 2)",)
    assert (error.operation, error.path, error.set) == ("open", str(tmp_path / "none"), None)
    assert error.filename == error.path
    assert error.alert.kind is AlertKind.PATH and error.alert.documented_kind == "PATH"
    assert error.alert.evidence[0].name == "ENOENT"
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and str(again) == str(error) and again.causes == error.causes
    assert again.alert.kind is AlertKind.PATH
    assert (again.operation, again.path, again.set) == (error.operation, error.path, None)
    assert isinstance(again, FileNotFoundError) and again.filename == error.filename


def test_an_error_without_a_place_says_so() -> None:
    with pytest.raises(azs_backup.InvalidNameError) as raised:
        azs_backup.UncPath("no path")
    assert (raised.value.operation, raised.value.path, raised.value.set) == (None, None, None)
    assert azs_backup.BackupError("by hand").path is None


def test_an_error_names_its_set(tmp_path: Path) -> None:
    set_folder = "contoso.com/nyc/Switches/20261123T020000Z-7f3a91c2"
    (tmp_path / set_folder).mkdir(parents=True)
    with pytest.raises(azs_backup.IncompleteError) as raised:
        azs_backup.BackupSet.open(FolderShare.open(tmp_path), set_folder)
    error = raised.value
    assert (error.operation, error.set) == ("open", "20261123T020000Z-7f3a91c2")
    assert error.path == str(tmp_path.resolve() / set_folder)


def test_a_wrong_password_is_not_a_malformed_file() -> None:
    data = (VECTORS / "envelope" / "rsa2048.pfx").read_bytes()
    with pytest.raises(azs_backup.WrongPasswordError) as raised:
        azs_backup.DecryptionCertificate.from_pfx(data, "a secret that is wrong")
    assert "a secret" not in repr(raised.value) + str(raised.value.causes)
    with pytest.raises(azs_backup.MalformedError):
        azs_backup.DecryptionCertificate.from_pfx(data[:100], PASSWORD)
    shown = repr(azs_backup.DecryptionCertificate.from_pfx(data, PASSWORD))
    assert "thumbprint" in shown and PASSWORD not in shown
    with pytest.raises(TypeError):
        pickle.dumps(azs_backup.DecryptionCertificate.from_pfx(data, PASSWORD))


def test_any_exception_is_classified_with_its_causes() -> None:
    assert classify_error(OSError(errno.ENOSPC, "full")).kind is AlertKind.OUT_OF_CAPACITY
    try:
        try:
            raise OSError(errno.EHOSTUNREACH, "No route to host")
        except OSError as cause:
            raise RuntimeError("the upload did not work") from cause
    except RuntimeError as error:
        assert classify_error(error).kind is AlertKind.CONNECTIVITY
    try:
        UncPath("nothing")
    except BackupError as cause:
        wrapped = ValueError("bad configuration")
        wrapped.__cause__ = cause
        assert classify_error(wrapped).kind is AlertKind.PATH
        assert classify_error(cause, profile="microsoft-2301").kind is AlertKind.SHARE_NOT_ACCESSIBLE
    assert classify_error(RuntimeError("NT_STATUS_LOGON_FAILURE")).kind is AlertKind.AUTHENTICATION
    assert classify_error(KeyError()).confidence == "LOW"


def test_a_classification_tells_what_to_do() -> None:
    found = classify_ntstatus(0xC000006D)
    assert found.retry.when == "LOCK_OUT" and found.retry.could_lock_out
    assert found == classify_ntstatus(0xC000006D) != classify_errno(28)
    assert hash(found) == hash(classify_ntstatus(0xC000006D))
    steps = found.remedy(share=r"\\fs.contoso.com\AzSBackups", account=r"CONTOSO\azsbackup")
    assert len(steps) > 2 and any(r"CONTOSO\azsbackup" in step for step in steps)
    alert = Alert(found, id="7", now="2026-11-23T02:00:00Z", location="nyc")
    assert Alert.parse(alert.to_json()) == alert == pickle.loads(pickle.dumps(alert))
    assert alert.classify().kind is found.kind and alert.alert_id == "7" and alert.alert_property("kind") == "AUTHENTICATION"
    assert alert.created is not None and alert.created.isoformat() == "2026-11-23T02:00:00+00:00"
    assert [one.alert_id for one in Alert.parse_list({"value": [alert.to_dict()]})] == ["7"]


def test_text_is_taken_line_by_line() -> None:
    classifier = TextClassifier()
    for line in io.StringIO("mounting…\nmount error(13): Permission denied\n"):
        classifier.line(line)
    found = classifier.finish()
    assert found.kind is AlertKind.AUTHENTICATION and found.evidence[0].line == 2
    with pytest.raises(azs_backup.InvalidArgumentError):
        classifier.finish()
    assert classify_text(b"\xff\xfe").confidence == "LOW"


def test_a_certificate_that_cannot_serve_is_refused(tmp_path: Path) -> None:
    with pytest.raises(azs_backup.CertificateUnsuitableError):
        EncryptionCertificate.load(VECTORS / "envelope" / "cer-rsa1024.cer")
    facts = EncryptionCertificate.load(VECTORS / "envelope" / "p384.cer").facts
    assert facts.key.algorithm == "EC P-384" and facts.not_before.tzinfo is not None
