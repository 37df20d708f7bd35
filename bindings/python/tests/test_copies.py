"""Copies on another share, and surveys of many regions."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import azs_backup
import pytest
from azs_backup import (
    Backup,
    BackupReport,
    Deployment,
    EncryptionCertificate,
    FolderShare,
    Place,
    Progress,
    RetentionPolicy,
    SetName,
    Signer,
    copy_set,
    list_deployments,
    list_sets,
    replicate,
    review,
    survey,
)
from conftest import PASSWORD

NOW = datetime.now(UTC).replace(microsecond=0)
MakeSet = Callable[..., BackupReport]


@pytest.fixture
def elsewhere(folder: Path) -> Iterator[FolderShare]:
    (folder / "elsewhere" / "contoso.com" / "nyc").mkdir(parents=True)
    with FolderShare.open(folder / "elsewhere", durability="cached") as share:
        yield share


@pytest.fixture
def signer(folder: Path) -> Signer:
    return Signer.load(folder / "signing.pfx", PASSWORD)


@pytest.fixture
def make_set(share: FolderShare, place: Place, certificate: EncryptionCertificate) -> MakeSet:
    def make(hours: int, *, place: Place | str = place, content: bytes = b"hostname tor1\n", **options: Any) -> BackupReport:
        name = SetName.at(NOW - timedelta(hours=hours), 7)
        with Backup(share, place, certificates=certificate, set_name=name, create=True, **options) as backup:
            backup.add_bytes("tor1/running-config", content)
        assert backup.report is not None
        return backup.report

    return make


def outcomes(report: azs_backup.CopyReport) -> list[str]:
    return [one.outcome for one in report.sets]


def test_sets_are_copied_once(share: FolderShare, elsewhere: FolderShare, place: Place, make_set: MakeSet) -> None:
    old, new = make_set(30), make_set(1)
    make_set(2, place="contoso.com/nyc/HLH/su1")
    planned = replicate(share, elsewhere, place.deployment, "Switches", dry_run=True)
    assert outcomes(planned) == ["missing", "missing"] and (planned.copied, planned.sent.files) == (0, 0)
    assert planned.sets[0].bytes is not None and planned.sets[0].bytes >= new.stored.bytes
    assert list(list_sets(elsewhere, place.deployment)) == []

    seen: list[Progress] = []
    report = replicate(share, elsewhere, "contoso.com/nyc", "Switches", progress=seen.append)
    assert outcomes(report) == ["copied", "copied"] and report.copied == 2 and not report.needs_attention
    first = report.sets[0]
    # The newest first.
    assert (first.place, first.name, str(first.folder)) == (place, new.set, str(new.folder))
    assert first.sent is not None and first.linked is not None and first.reason is first.code is None
    sent = sum(one.sent.bytes for one in report.sets if one.sent is not None)
    assert report.sent.bytes == sent > 0 and report.sent.files > 0
    assert seen[-1].total_bytes == seen[-1].bytes > 0
    assert {one.name for one in list_sets(elsewhere, place.deployment).complete()} == {old.set, new.set}
    assert [one.name for one in list_sets(elsewhere, place.deployment, newest=1)] == [new.set]
    assert [one.name for one in list_sets(elsewhere, place.deployment, newest=2)] == [old.set, new.set]
    with pytest.raises(OverflowError):
        list_sets(elsewhere, place.deployment, newest=-1)

    again = replicate(share, elsewhere, place.deployment)
    assert {str(one.place): one.outcome for one in again.sets} == {
        "contoso.com/nyc/HLH/su1": "copied",
        "contoso.com/nyc/Switches": "present",
    }
    again = replicate(share, elsewhere, place.deployment, read_back=True)
    assert (again.copied, again.sent.files) == (0, 0) and set(outcomes(again)) == {"present"}
    assert pickle.loads(pickle.dumps(report)) == report and report.to_dict()["sets"][0]["outcome"] == "copied"
    assert again.unreadable == ()


def test_one_set_is_copied(share: FolderShare, elsewhere: FolderShare, place: Place, make_set: MakeSet, folder: Path) -> None:
    old, new = make_set(30), make_set(1)
    assert outcomes(copy_set(share, elsewhere, place, old.set)) == ["copied"]
    assert outcomes(copy_set(share, elsewhere, str(place), str(old.set))) == ["present"]
    (folder / "share" / str(new.folder) / "backup.json").unlink()
    with pytest.raises(azs_backup.IncompleteError) as raised:
        copy_set(share, elsewhere, place, new.set)
    assert raised.value.set == str(new.set)
    with pytest.raises(azs_backup.NotFoundError, match="has no set"):
        copy_set(share, elsewhere, place, SetName.at(NOW, 1))


def test_what_is_no_backup_or_not_its_own_is_named(
    share: FolderShare, elsewhere: FolderShare, place: Place, make_set: MakeSet, signer: Signer, folder: Path
) -> None:
    planted, damaged = make_set(3), make_set(2, signer=signer)
    signed = make_set(1, signer=signer)
    stored = next((folder / "share" / str(damaged.folder)).glob("*.p7m"))
    content = bytearray(stored.read_bytes())
    content[len(content) // 2] ^= 1
    stored.unlink()
    stored.write_bytes(content)
    report = replicate(share, elsewhere, place.deployment, require_signers=signer.certificate)
    assert [one.name for one in report.sets] == [signed.set, damaged.set, planted.set]
    good, bad, stranger = report.sets
    assert (good.outcome, bad.outcome, bad.code, stranger.outcome) == ("copied", "failed", "DAMAGED", "skipped")
    assert bad.message is not None and stored.name in bad.message
    assert stranger.reason is not None and stranger.sent is None and report.needs_attention and report.copied == 1
    with pytest.raises(azs_backup.InvalidArgumentError, match="require_signers: an empty list"):
        replicate(share, elsewhere, place.deployment, require_signers=[])

    # Another set of this name is there.
    there = folder / "elsewhere" / str(planted.folder)
    copytree(folder / "share" / str(planted.folder), there)
    rmtree(folder / "share" / str(planted.folder))
    make_set(3, content=b"hostname tor2\n")
    before = {file.name: file.read_bytes() for file in there.iterdir()}
    report = replicate(share, elsewhere, place.deployment)
    (conflict,) = (one for one in report.sets if one.name == planted.set)
    assert conflict.outcome == "conflict" and conflict.reason is not None and "another set" in conflict.reason
    assert {file.name: file.read_bytes() for file in there.iterdir()} == before and report.needs_attention


def test_retention_of_the_other_share_is_heeded(share: FolderShare, elsewhere: FolderShare, place: Place, make_set: MakeSet) -> None:
    for hours in (72, 48, 24):
        make_set(hours)
    report = replicate(share, elsewhere, place.deployment, retention=RetentionPolicy(keep_last=1), now=NOW)
    assert outcomes(report) == ["copied", "not_kept", "not_kept"] and not report.needs_attention


def test_a_share_that_is_not_there_or_the_same_is_refused(
    share: FolderShare, elsewhere: FolderShare, place: Place, make_set: MakeSet, folder: Path
) -> None:
    made = make_set(1)
    (folder / "elsewhere" / "contoso.com" / "nyc").rmdir()
    calls: list[Any] = [
        lambda **options: replicate(share, elsewhere, place.deployment, **options),
        lambda **options: copy_set(share, elsewhere, place, made.set, **options),
    ]
    for call in calls:
        with pytest.raises(azs_backup.NotFoundError, match="no region folder"):
            call()
        assert call(create=True).copied == 1
        rmtree(folder / "elsewhere" / "contoso.com" / "nyc")
    with pytest.raises(azs_backup.InvalidArgumentError, match="are one share"):
        replicate(share, share, place.deployment)
    with pytest.raises(TypeError):
        replicate(share, str(folder / "elsewhere"), place.deployment)  # type: ignore[arg-type]
    elsewhere.close()
    with pytest.raises(azs_backup.InvalidArgumentError, match="is closed"):
        replicate(share, elsewhere, place.deployment)


def test_the_callback_stops_the_work(share: FolderShare, elsewhere: FolderShare, place: Place, make_set: MakeSet) -> None:
    made = make_set(1)
    with pytest.raises(azs_backup.CancelledError):
        replicate(share, elsewhere, place.deployment, progress=lambda _: False)
    with pytest.raises(RuntimeError, match="mine"):
        copy_set(share, elsewhere, place, made.set, progress=lambda _: (_ for _ in ()).throw(RuntimeError("mine")))
    with pytest.raises(azs_backup.CancelledError):
        survey(share, progress=lambda _: False)
    assert list(list_sets(elsewhere, place.deployment).complete()) == []
    assert replicate(share, elsewhere, place.deployment).copied == 1


def test_a_survey_of_two_regions(
    share: FolderShare, elsewhere: FolderShare, place: Place, make_set: MakeSet, signer: Signer, folder: Path
) -> None:
    make_set(14, content=bytes(1000))
    good = make_set(3, content=bytes(1500), signer=signer)
    make_set(240, place="contoso.com/lax/Switches")
    (folder / "share" / "fabrikam.com" / "chi").mkdir(parents=True)
    assert list_deployments(share) == tuple(map(Deployment.parse, ("contoso.com/lax", "contoso.com/nyc", "fabrikam.com/chi")))

    found = survey(share, now=NOW)
    assert [(str(row.deployment), row.severity) for row in found.rows] == [
        ("contoso.com/lax", "critical"),
        ("fabrikam.com/chi", "critical"),
        ("contoso.com/nyc", None),
    ]
    row = found.rows[-1]
    assert (row.component, row.last_good, row.status, row.sets) == ("Switches", good.set, "Succeeded", 2)
    assert (row.files, row.bytes, row.bytes_before) == (1, 1500, 1000) and row.due == good.set.created + timedelta(hours=12)
    assert row.signature is not None and row.signature.signer == signer.facts and row.last_copy is None
    assert row.thumbprints == (good.certificates[0].sha1_thumbprint,)
    assert "no set" in found.rows[1].remarks and found.rows[1].component is None
    assert found.counts() == {"critical": 2, "warning": 0, "notice": 0} and found.now == NOW
    assert "3 deployments" in found.to_html() and "srcdoc=" in found._repr_html_() and "2 critical" in repr(found)
    assert found == survey([share], now=NOW) and len(found.to_dict()["rows"]) == 3

    # One deployment, and the copies elsewhere.
    (row,) = survey((share, place.deployment), copies=elsewhere, now=NOW).rows
    assert row.severity is not None and any("copy" in remark for remark in row.remarks)
    replicate(share, elsewhere, place.deployment)
    (row,) = survey([(share, "contoso.com/nyc")], copies=[elsewhere], require_signers=signer.certificate, now=NOW).rows
    assert row.last_copy == good.set.created and row.severity is None
    (row,) = survey([(share, place.deployment)], frequency_hours=1, now=NOW).rows
    assert row.severity == "warning"
    wrong: list[Any] = ["contoso.com/nyc", [place], [(share, share, share)], [(share, 1)], 1]
    for regions in wrong:
        with pytest.raises(TypeError):
            survey(regions)


def test_a_review_says_how_old_the_newest_copy_is(
    share: FolderShare, elsewhere: FolderShare, place: Place, make_set: MakeSet
) -> None:
    made = make_set(1)
    configuration: dict[str, Any] = {
        "root": r"\\fs.contoso.com\AzSBackups",
        "deployment": {"external_domain_name": "contoso.com", "region": "nyc"},
        "components": [{"name": "Switches"}],
    }
    assert "COPY_MISSING" not in {finding.rule for finding in review(configuration, share, now=NOW).findings}
    assert "COPY_MISSING" in {finding.rule for finding in review(configuration, share, copies=elsewhere, now=NOW).findings}
    replicate(share, elsewhere, place.deployment)
    found = review(configuration, share, copies=[elsewhere], now=NOW)
    assert "COPY_MISSING" not in {finding.rule for finding in found.findings}
    assert found.components[0].last_copy == made.set.created
