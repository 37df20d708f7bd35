"""Backup, listing, verification and restore, with real sets on a real folder."""

from __future__ import annotations

import array
import asyncio
import io
import json
import logging
import os
import shutil
import time
from pathlib import Path

import azs_backup
import pytest
from azs_backup import (
    Backup,
    BackupReport,
    BackupSet,
    DecryptionCertificate,
    EncryptionCertificate,
    FolderShare,
    Opener,
    Place,
    Progress,
    Sealer,
    list_sets,
    recipients_of,
)
from conftest import PASSWORD, VECTORS


def tree(root: Path) -> Path:
    """A folder of small files, a link, and one file of several segments."""
    (root / "configs").mkdir(parents=True)
    for number in range(50):
        (root / "configs" / f"switch{number}.cfg").write_text(f"hostname switch{number}\n" * 20)
    (root / "configs" / "trace.tmp").write_text("left out")
    (root / "image.bin").write_bytes(os.urandom(9 << 20))
    (root / "latest").symlink_to("configs/switch1.cfg")
    return root


def same(one: Path, other: Path) -> bool:
    names = sorted(path.relative_to(one) for path in one.rglob("*"))
    return names == sorted(path.relative_to(other) for path in other.rglob("*")) and all(
        (one / name).read_bytes() == (other / name).read_bytes() for name in names if (one / name).is_file()
    )


def test_what_is_backed_up_comes_back(
    share: FolderShare, place: Place, certificate: EncryptionCertificate, opener: Opener, tmp_path: Path
) -> None:
    source = tree(tmp_path / "source")
    seen: list[Progress] = []
    with Backup(
        share,
        place,
        certificates=[certificate],
        labels={"vendor": "Contoso", "model": "S4148-ON"},
        exclude=["*.tmp"],
        segment_size=4 << 20,
        state=tmp_path / "state",
        progress=seen.append,
    ) as backup:
        backup.add_folder(source, name="tree")
        backup.add_file(source / "image.bin", name="images/first.bin")
        backup.add(source / "configs" / "switch7.cfg")
        backup.add_bytes("tor1/running-config", b"hostname tor1\n")
        backup.add_reader("tor2/running-config", io.BytesIO(b"hostname tor2\n"))
    report = backup.report
    assert report is not None and report.status == "Succeeded"
    assert report.labels == {"vendor": "Contoso", "model": "S4148-ON"}
    assert report.place == place and report.set == backup.set
    assert report.content.files == 55 and report.content.links == 1 and not report.problems
    assert str(report.folder).endswith(str(backup.set))

    (summary,) = list_sets(share, "contoso.com/nyc", "Switches")
    assert summary.is_complete and summary.folder == report.folder and summary.cover is not None
    assert summary.cover.sha256sums == report.sha256sums
    assert "<table>" in list_sets(share, place.deployment)._repr_html_()

    found = BackupSet.open(share, report.folder)
    assert found.verify().is_sound
    full = found.verify_full(opener, progress=seen.append)
    assert full.is_sound and full.full and full.bytes == report.content.bytes
    entries = {entry.path: entry for entry in found.entries(opener)}
    assert entries["tree/configs/switch1.cfg"].kind == "file" and entries["tree/latest"].target == "configs/switch1.cfg"
    assert "tree/configs/trace.tmp" not in entries

    done = found.restore(opener, tmp_path / "restored")
    assert done.status == "Succeeded" and done.files == 55 and done.bytes == report.content.bytes
    (source / "configs" / "trace.tmp").unlink()
    assert same(source, tmp_path / "restored" / "tree")
    assert (tmp_path / "restored" / "tor2" / "running-config").read_bytes() == b"hostname tor2\n"


def test_a_set_costs_what_changed_since_the_last(
    share: FolderShare, place: Place, certificate: EncryptionCertificate, opener: Opener, folder: Path
) -> None:
    source = tree(folder / "source")
    state = folder / "state"

    def night(*, reread_everything: bool = False, distrust: tuple[str, ...] = ()) -> BackupReport:
        # A file that changed within the last tick of the clock is looked at again.
        time.sleep(0.03)
        with Backup(share, place, certificates=certificate, state=state, reread_everything=reread_everything, distrust=distrust) as backup:
            backup.add_folder(source)
        assert backup.report is not None and not backup.report.warnings
        return backup.report

    first, second = night(), night()
    assert first.reuse.base is None and first.reuse.files_read == first.content.files
    assert first.reuse.stored == first.stored and first.reuse.linked.files == 0
    reuse = second.reuse
    assert reuse.base == first.folder and (reuse.files_read, reuse.bytes_read) == (0, 0)
    assert (reuse.files_kept, reuse.bytes_kept) == (second.content.files, second.content.bytes)
    assert reuse.linked.files + reuse.stored.files == second.stored.files and reuse.copied.files == reuse.taken_over.files == 0
    assert night(reread_everything=True).reuse.bytes_read == first.content.bytes

    segment = next(file for file in (folder / "share" / str(first.folder)).iterdir() if file.stat().st_size > 1 << 20)
    damaged = bytearray(segment.read_bytes())
    damaged[3000] ^= 1
    segment.write_bytes(damaged)
    faults = BackupSet.open(share, first.folder).verify().faults
    assert [fault.file for fault in faults] == [segment.name]
    report = night(distrust=tuple(fault.file for fault in faults))
    assert report.reuse.rewritten == (segment.name,)
    assert BackupSet.open(share, report.folder).verify_full(opener).is_sound


def test_what_the_state_cannot_serve_is_a_warning(
    share: FolderShare, place: Place, certificate: EncryptionCertificate, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    state.write_text("no folder")
    with Backup(share, place, certificates=certificate, state=state) as backup:
        backup.add_bytes("a", b"a")
    assert backup.report is not None and backup.report.status == "Succeeded"
    assert len(backup.report.warnings) == 1 and str(state) in backup.report.warnings[0]


def test_an_exclude_pattern_that_matches_nothing_is_a_warning(
    share: FolderShare, place: Place, certificate: EncryptionCertificate, folder: Path
) -> None:
    source = tree(folder / "source")
    with Backup(share, place, certificates=certificate, exclude=["*.tmp", "source/configs/", "#recycle/"]) as backup:
        backup.add_folder(source)
    assert backup.report is not None and backup.report.status == "Succeeded" and not backup.report.problems
    first, second = backup.report.warnings
    assert '"source/configs/"' in first and '"#recycle/"' in second


def test_patterns_choose_and_existing_files_are_spared(
    backup: Backup, share: FolderShare, opener: Opener, tmp_path: Path
) -> None:
    assert backup.report is not None
    found = BackupSet.open(share, str(backup.report.folder))
    target = tmp_path / "target"
    found.restore(opener, target, patterns="tor1/")
    with pytest.raises(FileExistsError):
        found.restore(opener, target)
    (target / "tor1" / "running-config").write_text("edited")
    kept = found.restore(opener, target, existing="keep")
    assert kept.kept_differing == ("tor1/running-config",) and kept.status == "PartialSucceeded"
    assert (target / "tor1" / "running-config").read_text() == "edited"
    found.restore(opener, target, existing="replace")
    assert (target / "tor1" / "running-config").read_text() == "hostname tor1\n"
    with pytest.raises(azs_backup.NotFoundError):
        found.restore(opener, tmp_path / "other", patterns=["nothing"])


def test_one_file_as_bytes_and_as_a_stream(backup: Backup, share: FolderShare, opener: Opener) -> None:
    assert backup.report is not None
    found = BackupSet.open(share, backup.report.folder)
    assert found.restore_bytes(opener, "tor1/running-config") == b"hostname tor1\n"
    assert found.restore_bytes(opener, b"tor1/running-config", limit=14) == b"hostname tor1\n"
    stream = io.BytesIO()
    entry = found.restore_stream(opener, "tor1/running-config", stream)
    assert stream.getvalue() == b"hostname tor1\n" and entry.size == 14
    with pytest.raises(azs_backup.LimitExceededError):
        found.restore_bytes(opener, "tor1/running-config", limit=13)
    with pytest.raises(FileNotFoundError):
        found.restore_bytes(opener, "tor2/running-config")


def test_a_block_that_ends_by_an_exception_leaves_nothing(
    folder: Path, share: FolderShare, place: Place, certificate: EncryptionCertificate
) -> None:
    with pytest.raises(ZeroDivisionError), Backup(share, place, certificates=certificate) as backup:
        backup.add_bytes("a", b"a")
        raise ZeroDivisionError
    assert backup.report is None
    assert list_sets(share, place.deployment) == ()
    assert not list((folder / "share").rglob(str(backup.set)))
    with pytest.raises(azs_backup.InvalidArgumentError, match="committed or abandoned"):
        backup.add_bytes("b", b"b")
    backup.abandon()


def test_damage_is_told_and_passed_over(backup: Backup, folder: Path, share: FolderShare, opener: Opener) -> None:
    assert backup.report is not None
    native = folder / "share" / str(backup.report.folder)
    (segment,) = native.glob("*.tar.zst.p7m")
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    found = BackupSet.open(share, backup.report.folder)
    report = found.verify()
    assert not report.is_sound and report.faults[0].kind == "digest" and report.faults[0].file == segment.name
    assert found.verify_full(opener).losses[0].path == "tor1/running-config"
    with pytest.raises(azs_backup.DamagedError):
        found.restore(opener, folder / "stop")
    done = found.restore(opener, folder / "continue", damage="continue")
    assert done.status == "PartialSucceeded" and done.losses[0].path == "tor1/running-config"
    (native / "backup.json").unlink()
    with pytest.raises(azs_backup.IncompleteError):
        BackupSet.open(share, backup.report.folder)
    (summary,) = list_sets(share, "contoso.com/nyc")
    assert summary.state == "incomplete" and summary.cover is None and "backup.json" in (summary.reason or "")


def test_sources_that_cannot_be_read_follow_the_policy(
    share: FolderShare, place: Place, certificate: EncryptionCertificate, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "good").write_text("good")
    (source / "bad").symlink_to("/dev/null")
    os.mkfifo(source / "pipe")
    with Backup(share, place, certificates=certificate, source_problems="report") as backup:
        backup.add_folder(source)
    assert backup.report is not None and [one.path for one in backup.report.skipped] == ["source/pipe"]


def test_names_that_are_no_text_survive(
    share: FolderShare, place: Place, certificate: EncryptionCertificate, opener: Opener, tmp_path: Path
) -> None:
    name = os.fsdecode(b"caf\xe9")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / name).write_text("latin 1")
    with Backup(share, place, certificates=certificate) as backup:
        backup.add_folder(tmp_path / "source")
    assert backup.report is not None
    found = BackupSet.open(share, backup.report.folder)
    (entry,) = (entry for entry in found.entries(opener) if entry.kind == "file")
    assert os.fsencode(entry.path) == b"source/caf\xe9"
    assert found.restore_bytes(opener, entry.path) == b"latin 1"


def test_messages_are_sealed_and_opened(certificate: EncryptionCertificate, opener: Opener, tmp_path: Path) -> None:
    sealer = Sealer(certificate)
    for data in (b"", b"abc", bytearray(b"abc"), memoryview(b"xabcx")[1:4], memoryview(b"a-b-c")[::2], array.array("B", b"abc")):
        assert opener.open(sealer.seal(data)) == bytes(data)
    message = sealer.seal(b"abc")
    assert opener.open(bytearray(message)) == opener.open(memoryview(message)) == b"abc"
    assert recipients_of(message)[0].serial == certificate.facts.serial
    (tmp_path / "plain").write_bytes(b"hostname tor1")
    assert sealer.seal_file(tmp_path / "plain", str(tmp_path / "sealed")) == 13
    assert opener.open_file(tmp_path / "sealed", tmp_path / "opened") == 13
    assert (tmp_path / "opened").read_bytes() == b"hostname tor1"
    with pytest.raises(FileExistsError):
        opener.open_file(tmp_path / "sealed", tmp_path / "opened")
    sealed, opened = io.BytesIO(), io.BytesIO()
    sealer.seal_stream(io.BytesIO(b"x" * 3_000_000), sealed)
    sealed.seek(0)
    assert opener.open_stream(sealed, opened) == 3_000_000 == len(opened.getvalue())
    other = Opener(DecryptionCertificate.load(VECTORS / "envelope" / "p256.pfx", PASSWORD))
    with pytest.raises(azs_backup.WrongCertificateError, match=certificate.facts.serial):
        other.open(message)
    both = Opener([DecryptionCertificate.load(VECTORS / "envelope" / f"{name}.pfx", PASSWORD) for name in ("p256", "rsa2048")])
    assert both.open(message) == b"abc" and len(both.certificates) == 2


def test_asyncio_runs_it_in_a_thread(share: FolderShare, place: Place, certificate: EncryptionCertificate) -> None:
    async def night() -> int:
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        turning = asyncio.create_task(turn())
        backup = await asyncio.to_thread(Backup, share, place, certificates=certificate)
        await asyncio.to_thread(backup.add_bytes, "noise", os.urandom(16 << 20))
        report = await asyncio.to_thread(backup.commit)
        turning.cancel()
        assert report.content.bytes == 16 << 20
        return turns

    assert asyncio.run(night()) > 100


def test_events_go_to_the_logger(
    share: FolderShare, place: Place, certificate: EncryptionCertificate, opener: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "azs_backup"):
        with Backup(share, place, certificates=certificate) as backup:
            backup.add_bytes("a", b"a")
        assert backup.report is not None
        BackupSet.open(share, backup.report.folder).verify()
        Backup(share, place, certificates=certificate).abandon()
    lines = [record.getMessage() for record in caplog.records if record.name == "azs_backup"]
    assert "begun" in lines[0] and "committed: 1 files with 1 bytes" in lines[1] and "sound" in lines[2]
    assert "abandoned" in lines[-1] and caplog.records[-1].levelname == "WARNING"


def test_a_closed_share_is_closed(folder: Path, place: Place, certificate: EncryptionCertificate) -> None:
    with FolderShare.open(folder / "share") as share:
        assert share.space().total >= share.space().free > 0
        assert not share.closed and str(folder) in share.describe()
        backup = Backup(share, place, certificates=certificate)
    assert share.closed and "closed" in repr(share)
    share.close()
    with pytest.raises(ValueError, match="is closed"):
        list_sets(share, place.deployment)
    backup.add_bytes("a", b"what is open on it goes on")
    assert backup.commit().status == "Succeeded"


def test_a_set_is_what_the_recovery_line_reads(backup: Backup, folder: Path) -> None:
    """The cover sheet on the share is the report's."""
    assert backup.report is not None
    sheet = json.loads((folder / "share" / str(backup.report.folder) / "backup.json").read_text())
    del sheet["cover_sha256"]
    assert {key: backup.report.to_dict()[key] for key in sheet} == sheet
    shutil.rmtree(folder / "share")
