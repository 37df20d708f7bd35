"""Values: frozen, comparable, hashable, picklable, readable."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import azs_backup
import pytest
from azs_backup import (
    Backup,
    Component,
    Deployment,
    EncryptionCertificate,
    FolderShare,
    Host,
    Job,
    JobProcess,
    Name,
    Operation,
    Place,
    Progress,
    ScaleUnit,
    SetName,
    SharePath,
    UncPath,
    list_sets,
)

NAMES = [
    UncPath(r"\\fs.contoso.com\AzSBackups\contoso.com"),
    SharePath("contoso.com/nyc"),
    Name("nyc"),
    Host("fe80::1%4"),
    Component("Racks"),
    ScaleUnit("su1"),
    SetName("20261123T020000Z-7f3a91c2"),
    Deployment("contoso.com", "nyc"),
    Place("contoso.com/nyc", "Switches", "su1"),
    Progress(1, 2, 3, None),
]


@pytest.mark.parametrize("value", NAMES, ids=lambda value: type(value).__name__)
def test_names_are_values(value: object) -> None:
    for again in (pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)):
        assert again == value and hash(again) == hash(value) and type(again) is type(value)
    names = {**vars(azs_backup)}
    assert eval(repr(value), names) == value
    assert value != "something else" and value is not None
    with pytest.raises(AttributeError):
        value.text = "changed"  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        _ = value < 3  # type: ignore[operator]


def test_names_sort_and_tell_their_parts() -> None:
    assert sorted([SetName("20261124T020000Z-00000000"), SetName("20261123T020000Z-7f3a91c2")])[0].suffix == 0x7F3A91C2
    path = UncPath(r"\\10.0.0.2\C$") / "a" / SharePath("b/c")
    assert path.is_administrative and path.host.ip == "10.0.0.2" and path.folders.names[-1] == Name("c")
    assert path.parent == UncPath(r"\\10.0.0.2\C$\a\b") and path.same_place(str(path).upper())
    place = Place("contoso.com/nyc", "switches")
    assert str(place.set_folder("20261123T020000Z-7f3a91c2")) == "contoso.com/nyc/Switches/20261123T020000Z-7f3a91c2"
    assert place.scale_unit is None and Place(Deployment("contoso.com", "nyc"), "HLH", "su1").scale_unit == ScaleUnit("su1")


def test_reports_are_values(backup: Backup, share: FolderShare, certificate: EncryptionCertificate) -> None:
    report = backup.report
    assert report is not None
    again = pickle.loads(pickle.dumps(report))
    assert again == report and hash(again) == hash(report) and again.to_dict() == report.to_dict()
    assert repr(report).startswith("BackupReport(deployment=Deployment('contoso.com', 'nyc')")
    assert report.replace(seconds=0.0) != report and report.replace(seconds=report.seconds) == report
    for change in ("status", "labels", "nothing"):
        with pytest.raises(AttributeError):
            setattr(report, change, "x")
        with pytest.raises(AttributeError):
            delattr(report, change)
    with pytest.raises(AttributeError, match="BackupReport has no nothing"):
        _ = report.nothing  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        report.labels["x"] = "y"  # type: ignore[index]
    report.to_dict()["status"] = "changed"
    assert report.status == "Succeeded" and "certificates" in dir(report)
    assert report.certificates[0] == certificate.facts and report.certificates[0].key.bits == 2048
    (summary,) = list_sets(share, "contoso.com/nyc")
    assert summary == list_sets(share, "contoso.com/nyc")[0] and hash(summary) == hash(list_sets(share, "contoso.com/nyc")[0])


def test_certificates_are_equal_by_what_they_are(folder: Path, certificate: EncryptionCertificate) -> None:
    again = EncryptionCertificate.from_cer(certificate.to_der())
    assert again == certificate == pickle.loads(pickle.dumps(certificate)) and len({again, certificate}) == 1
    pfx = azs_backup.DecryptionCertificate.load(folder / "backup.pfx", "correct horse")
    assert pfx.encryption_certificate == certificate and pfx != certificate


def test_times_come_in_and_go_out_with_a_zone() -> None:
    east = datetime(2026, 11, 23, 4, tzinfo=timezone(timedelta(hours=2)))
    job = Job.start("1", now=east)
    assert job.started == east and job.started.tzinfo is UTC
    assert SetName.at(east, 1).created == east
    assert Operation(kind="update", state="running", started=east).to_dict()["started"] == "2026-11-23T02:00:00Z"
    with pytest.raises(ValueError, match="no time zone"):
        Job.start("1", now=datetime(2026, 11, 23))
    with pytest.raises(azs_backup.InvalidArgumentError, match="not a time"):
        Job.start("1", now="tomorrow")


def test_fields_of_later_versions_are_there() -> None:
    value = azs_backup.Space._of({"total": 2, "free": 1, "quota": {"soft": [1, 2]}})
    assert value.quota["soft"] == (1, 2) and hash(value) and value.free == 1  # type: ignore[attr-defined]
    assert value.to_json() == '{"total": 2, "free": 1, "quota": {"soft": [1, 2]}}'
    assert value.replace(free=2).to_dict() == {"total": 2, "free": 2, "quota": {"soft": [1, 2]}}


def test_a_value_takes_its_fields_and_no_others() -> None:
    with pytest.raises(TypeError, match="Operation has no knd: it has expected_end, kind, name, started, state"):
        Operation(knd="update", kind="update", state="running")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Operation needs kind, state"):
        Operation()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Space has no fre: it has free, total"):
        azs_backup.Space(total=2, free=1).replace(fre=2)
    job = Job.start("1", now="2026-11-23T02:00:00Z")
    assert job.bytes is None and job.slow is False and job.replace(process={"host": "hlh", "id": 7}).process == JobProcess(host="hlh", id=7)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [("1760000000.123456789", 1760000000123456789), ("-1.5", -1500000000), ("-0.000000001", -1), ("0", 0)],
)
def test_the_time_of_an_entry_is_right_to_the_nanosecond(text: str, nanoseconds: int) -> None:
    entry = azs_backup.Entry._of({"kind": "file", "path": "a", "mtime": text})
    assert entry.mtime_ns == nanoseconds and entry.mtime is not None
    assert entry.mtime == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1000)
    assert azs_backup.Entry(kind="folder", path="b").mtime is None
