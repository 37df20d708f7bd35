"""Long work: progress, stopping, signals, threads, forks."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import azs_backup
import pytest
from azs_backup import Backup, BackupSet, EncryptionCertificate, FolderShare, Opener, Place, Progress, list_sets

SIZE = 48 << 20


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that takes some tenths of a second to back up."""
    file = tmp_path_factory.mktemp("large") / "image.bin"
    file.write_bytes(os.urandom(SIZE))
    return file


def start(share: FolderShare, place: Place, certificate: EncryptionCertificate, progress: object) -> Backup:
    return Backup(share, place, certificates=certificate, progress=progress, workers=1, level=12)  # type: ignore[arg-type]


def feed(backup: Backup, file: Path) -> None:
    """Long enough for the callback, on any machine."""
    for number in range(200):
        backup.add_file(file, name=f"image{number}.bin")
    backup.commit()


def test_progress_grows(share: FolderShare, place: Place, certificate: EncryptionCertificate, large: Path) -> None:
    seen: list[Progress] = []

    def progress(so_far: Progress) -> bool:
        seen.append(so_far)
        return len(seen) < 5

    backup = start(share, place, certificate, progress)
    with pytest.raises(azs_backup.CancelledError):
        feed(backup, large)
    assert [one.bytes for one in seen] == sorted(one.bytes for one in seen) and len(seen) == 5
    backup.abandon()
    assert list_sets(share, place.deployment) == ()


def test_what_a_callback_raises_is_raised(
    share: FolderShare, place: Place, certificate: EncryptionCertificate, large: Path
) -> None:
    def progress(_: Progress) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"), start(share, place, certificate, progress) as backup:
        feed(backup, large)
    assert list_sets(share, place.deployment) == ()


def test_tqdm_and_rich_take_it(
    share: FolderShare, place: Place, certificate: EncryptionCertificate, opener: Opener, large: Path, tmp_path: Path
) -> None:
    tqdm = pytest.importorskip("tqdm").tqdm
    rich = pytest.importorskip("rich.progress")
    with tqdm(unit="B", unit_scale=True, file=io.StringIO()) as bar:
        with Backup(share, place, certificates=certificate, progress=lambda p: bar.update(p.bytes - bar.n)) as backup:
            for number in range(4):
                backup.add_file(large, name=str(number))
    assert backup.report is not None
    found = BackupSet.open(share, backup.report.folder)
    with rich.Progress(disable=True) as progress:
        task = progress.add_task("restore")
        found.restore(
            opener,
            tmp_path / "restored",
            progress=lambda p: progress.update(task, completed=p.bytes, total=p.total_bytes),
        )


def test_ctrl_c_is_heard_within_half_a_second(folder: Path, large: Path) -> None:
    script = textwrap.dedent(
        f"""
        import signal, sys
        from azs_backup import Backup, EncryptionCertificate, FolderShare
        # In the background of a shell it is ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        share = FolderShare.open({str(folder / "share")!r}, durability="cached")
        certificate = EncryptionCertificate.load({str(folder / "backup.cer")!r})
        try:
            with Backup(share, "contoso.com/nyc/Switches", certificates=certificate, level=12) as backup:
                print("begun", flush=True)
                for number in range(1000):
                    backup.add_file({str(large)!r}, name=str(number))
        except KeyboardInterrupt:
            sys.exit(42)
        """
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert child.stdout is not None and child.stdout.readline() == b"begun\n"
    time.sleep(0.7)
    child.send_signal(signal.SIGINT)
    sent = time.monotonic()
    assert child.wait(timeout=30) == 42
    took = time.monotonic() - sent
    # Half a second is the goal; what is asserted leaves room for a machine that does other things.
    assert took < 5, took
    print(f"Ctrl-C to exit: {took:.2f} s")
    assert not list((folder / "share").rglob("*.p7m"))
    child.stdout.close()


def test_a_signal_handler_runs_meanwhile(
    share: FolderShare, place: Place, certificate: EncryptionCertificate, large: Path
) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: heard.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        backup = start(share, place, certificate, lambda _: not heard)
        with pytest.raises(azs_backup.CancelledError):
            feed(backup, large)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert heard


def test_a_callback_cannot_call_its_backup(share: FolderShare, place: Place, certificate: EncryptionCertificate, large: Path) -> None:
    said: list[str] = []

    def progress(_: Progress) -> bool:
        for call in (backup.commit, lambda: backup.add_bytes("x", b""), backup.abandon):
            with pytest.raises(azs_backup.InvalidArgumentError, match="its own callbacks and streams"):
                call()
        said.append(repr(backup))
        return False

    backup = start(share, place, certificate, progress)
    with pytest.raises(azs_backup.CancelledError):
        feed(backup, large)
    assert "at work" in said[0]


def test_a_pool_of_threads_adds_to_one_backup(share: FolderShare, place: Place, certificate: EncryptionCertificate) -> None:
    def fetch(number: int) -> None:
        backup.add_bytes(f"tor{number}/running-config", f"hostname tor{number}\n" * 1000)

    with ThreadPoolExecutor(8) as pool, Backup(share, place, certificates=certificate) as backup:
        list(pool.map(fetch, range(100)))
    assert backup.report is not None and backup.report.content.files == 100


def test_a_thread_that_waits_for_its_turn_can_be_interrupted(
    share: FolderShare, place: Place, certificate: EncryptionCertificate
) -> None:
    backup = Backup(share, place, certificates=certificate)
    reads, may_end = threading.Event(), threading.Event()

    class Slow(io.RawIOBase):
        def read(self, size: int = -1, /) -> bytes:
            reads.set()
            may_end.wait(30)
            return b""

    adding = threading.Thread(target=lambda: backup.add_reader("slow", Slow()))
    adding.start()
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        assert reads.wait(30)
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(KeyboardInterrupt):
            backup.add_bytes("second", b"")
    finally:
        signal.signal(signal.SIGALRM, before)
        may_end.set()
        adding.join()
    report = backup.commit()
    assert report.content.files == 1


def test_other_threads_run_and_openers_are_shared(
    share: FolderShare, backup: Backup, opener: Opener, certificate: EncryptionCertificate
) -> None:
    assert backup.report is not None
    found = BackupSet.open(share, backup.report.folder)
    sealer = azs_backup.Sealer(certificate)
    wrong: list[object] = []

    def work() -> None:
        for _ in range(20):
            if found.restore_bytes(opener, "tor1/running-config") != b"hostname tor1\n":
                wrong.append("restore")
            if opener.open(sealer.seal(b"x" * 100_000)) != b"x" * 100_000:
                wrong.append("seal")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_neither_goes_on_nor_harms(
    share: FolderShare, place: Place, certificate: EncryptionCertificate, opener: Opener
) -> None:
    backup = Backup(share, place, certificates=certificate)
    backup.add_bytes("a", b"a")
    sealer = azs_backup.Sealer(certificate)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            refused = 0
            for call in (backup.commit, lambda: sealer.seal(b"x")):
                try:
                    call()
                except azs_backup.InvalidArgumentError:
                    refused += 1
            del backup
            if refused == 2 and opener.open(azs_backup.Sealer(certificate).seal(b"x")) == b"x":
                code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert backup.commit().status == "Succeeded"
    assert [summary.is_complete for summary in list_sets(share, place.deployment)] == [True]


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_pool_of_processes_takes_values_and_errors(method: str) -> None:
    import multiprocessing

    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.apply(azs_backup.UncPath, (r"\\fs\share",)) == azs_backup.UncPath(r"\\fs\share")
        with pytest.raises(azs_backup.InvalidNameError) as raised:
            pool.apply(azs_backup.UncPath, ("nothing",))
    assert raised.value.alert.kind == "PATH"
