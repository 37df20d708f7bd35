"""How a backup ends that nobody commits: a forked process, garbage, a share that hangs, SIGTERM, a cancelled task."""

from __future__ import annotations

import asyncio
import gc
import getpass
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import azs_backup
import pytest
from azs_backup import (
    Backup,
    BackupSet,
    EncryptionCertificate,
    FolderShare,
    Opener,
    Place,
    RetentionPolicy,
    SmbShare,
    list_sets,
)
from conftest import REPOSITORY
from test_smb import PASSWORD, free_port, samba

__all__ = ["samba"]


def script(folder: Path, body: str) -> str:
    """A program that has `share` and `certificate`, and whose `Backup` has a state folder."""
    begin = f"""
        import gc, multiprocessing, os, signal, sys
        from azs_backup import Backup, EncryptionCertificate, FolderShare, list_sets
        share = FolderShare.open({str(folder / "share")!r}, durability="cached")
        certificate = EncryptionCertificate.load({str(folder / "backup.cer")!r})
        backup = Backup(share, "contoso.com/nyc/Switches", certificates=certificate, state={str(folder / "state")!r})
        backup.add_bytes("a", os.urandom(30 << 20))
    """
    return textwrap.dedent(begin) + textwrap.dedent(body)


@pytest.mark.parametrize(
    "child",
    [
        "del backup; gc.collect(); os._exit(0)",
        # All that Python does at its end, with the backup still alive.
        "sys.exit(0)",
    ],
)
def test_a_forked_process_that_ends_leaves_the_backup_alone(folder: Path, child: str) -> None:
    body = f"""
        for _ in range(3):
            pid = os.fork()
            if pid == 0:
                {child}
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
            backup.add_bytes(f"b{{pid}}", b"b")
        print(backup.commit().status, [one.is_complete for one in list_sets(share, "contoso.com/nyc")])
    """
    done = subprocess.run([sys.executable, "-c", script(folder, body)], capture_output=True, text=True, timeout=60)
    assert done.stdout == "Succeeded [True]\n", done.stderr


def test_a_child_of_multiprocessing_leaves_the_backup_alone(folder: Path) -> None:
    body = """
        def work():
            global backup
            del backup
            gc.collect()
        child = multiprocessing.get_context("fork").Process(target=work)
        child.start()
        child.join(30)
        assert child.exitcode == 0, child.exitcode
        backup.add_bytes("b", b"b")
        print(backup.commit().status, [one.is_complete for one in list_sets(share, "contoso.com/nyc")])
    """
    done = subprocess.run([sys.executable, "-c", script(folder, body)], capture_output=True, text=True, timeout=60)
    assert done.stdout == "Succeeded [True]\n", done.stderr


def test_a_child_that_lives_on_does_not_keep_the_state_folder(folder: Path) -> None:
    body = """
        pid = os.fork()
        if pid == 0:
            signal.pause()
        backup.commit()
        backup = Backup(share, "contoso.com/nyc/Switches", certificates=certificate, state=backup_state)
        backup.add_bytes("a", os.urandom(30 << 20))
        print(backup.commit().warnings)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    """
    body = body.replace("backup_state", repr(str(folder / "state")))
    done = subprocess.run([sys.executable, "-c", script(folder, body)], capture_output=True, text=True, timeout=60)
    assert done.stdout == "()\n", (done.stdout, done.stderr)


def test_what_is_not_finished_at_the_end_of_the_program_is_removed(folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", script(folder, "")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert not list((folder / "share").rglob("*.p7m"))


class Pauses:
    """The longest time for which another thread of Python did not run."""

    def __enter__(self) -> Pauses:
        self.longest = 0.0
        self.is_over = False
        self.thread = threading.Thread(target=self.measure)
        self.thread.start()
        return self

    def measure(self) -> None:
        before = time.monotonic()
        while not self.is_over:
            time.sleep(0.01)
            now = time.monotonic()
            self.longest = max(self.longest, now - before)
            before = now

    def __exit__(self, *_: object) -> None:
        self.is_over = True
        self.thread.join()


class Way:
    """The way to a server: it can be made to carry nothing any more, as a cable that was pulled."""

    def __init__(self, to: int) -> None:
        self.to = to
        self.is_cut = False
        self.threads: list[threading.Thread] = []
        self.sockets: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.run(self.accept)

    def run(self, work: Callable[..., None], *arguments: socket.socket) -> None:
        thread = threading.Thread(target=work, args=arguments)
        self.threads.append(thread)
        thread.start()

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                near = self.listener.accept()[0]
                self.sockets.append(near)
                far = socket.create_connection(("127.0.0.1", self.to))
                self.sockets.append(far)
                self.run(self.carry, near, far)
                self.run(self.carry, far, near)

    def end(self) -> None:
        for one in (self.listener, *self.sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self.threads:
            thread.join()

    def carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(1 << 16):
                if not self.is_cut:
                    other.sendall(data)
            if not self.is_cut:
                other.shutdown(socket.SHUT_WR)


@pytest.fixture
def way(samba: int) -> Iterator[Way]:
    made = Way(samba)
    yield made
    made.end()


def test_garbage_on_a_share_that_hangs_stops_no_other_thread(way: Way, certificate: EncryptionCertificate) -> None:
    share = SmbShare.connect(
        r"\\127.0.0.1\data", getpass.getuser(), PASSWORD, port=way.port, encryption="off", durability="cached",
        attempts=1, silence_limit=1.0, connect_limit=1.0, call_limit=2.0,
    )  # fmt: skip
    backup = Backup(share, "contoso.com/nyc/Switches", certificates=certificate)
    backup.add_bytes("a", os.urandom(30 << 20))
    way.is_cut = True
    begun = time.monotonic()
    with Pauses() as pauses:
        del backup
        gc.collect()
        took = time.monotonic() - begun
    assert took > 0.9, f"the share did not hang: {took}"
    assert pauses.longest < 0.5, f"another thread stood still for {pauses.longest:.1f} of {took:.1f} s"


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_is_heard_whatever_waits_for_a_server_that_hangs(
    way: Way, certificate: EncryptionCertificate, opener: Opener, tmp_path: Path
) -> None:
    place = "contoso.com/nyc/Switches"
    share = SmbShare.connect(r"\\127.0.0.1\data", getpass.getuser(), PASSWORD, port=way.port)
    for name in ("a", "b"):
        with Backup(share, place, certificates=certificate) as backup:
            backup.add_bytes(name, os.urandom(1 << 20))
    found = BackupSet.open(share, list_sets(share, "contoso.com/nyc")[-1].folder)
    begun = Backup(share, place, certificates=certificate)
    begun.add_bytes("a", os.urandom(1 << 20))
    plan = RetentionPolicy(keep_last=1).plan(list_sets(share, "contoso.com/nyc"))
    assert plan.deletions
    way.is_cut = True
    waits: dict[str, Callable[[], object]] = {
        "list": lambda: list_sets(share, "contoso.com/nyc"),
        "open": lambda: BackupSet.open(share, found.folder),
        "verify": found.verify,
        "verify in full": lambda: found.verify_full(opener),
        "restore": lambda: found.restore(opener, tmp_path / "restored"),
        "retention": lambda: plan.apply(share),
        "start": lambda: Backup(share, place, certificates=certificate),
        "commit": begun.commit,
    }
    before = signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    try:
        for what, wait in waits.items():
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            asked = time.monotonic()
            with pytest.raises(KeyboardInterrupt):
                wait()
            took = time.monotonic() - asked - 0.5
            print(f"{what}: {took:.1f} s")
            assert took < 5, what
    finally:
        signal.signal(signal.SIGALRM, before)
    asked = time.monotonic()
    share.close()
    assert time.monotonic() - asked < 5


def test_garbage_that_still_compresses_stops_no_other_thread(
    share: FolderShare, place: Place, certificate: EncryptionCertificate
) -> None:
    backup = Backup(share, place, certificates=certificate, workers=1, level=19)
    for number in range(3):
        backup.add_bytes(str(number), os.urandom(1 << 10) * (2 << 10))
    begun = time.monotonic()
    with Pauses() as pauses:
        del backup
        gc.collect()
        took = time.monotonic() - begun
    assert pauses.longest < max(0.3, took / 2), f"another thread stood still for {pauses.longest:.1f} of {took:.1f} s"
    assert list_sets(share, place.deployment) == ()


def nightly(folder: Path, *sources: Path) -> subprocess.Popen[str]:
    program = REPOSITORY / "bindings" / "python" / "examples" / "nightly.py"
    arguments = ["--share", folder / "share", "--cer", folder / "backup.cer", "--state", folder / "state", *sources]
    return subprocess.Popen(
        [sys.executable, "-W", "error", str(program), *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_sigterm_takes_what_was_begun_off_the_share_and_is_recorded(folder: Path) -> None:
    source = folder / "hlh"
    source.mkdir()
    for number in range(40):
        (source / f"{number}.bin").write_bytes(os.urandom(1 << 20) * 16)
    child = nightly(folder, source)
    set_folder = folder / "share" / "contoso.com" / "nyc" / "HLH"
    deadline = time.monotonic() + 30
    while not list(set_folder.glob("*/*.p7m")) and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(signal.SIGTERM)
    sent = time.monotonic()
    _, said = child.communicate(timeout=60)
    assert child.returncode == 1 and time.monotonic() - sent < 10, said
    assert "ended by SIGTERM" in said
    assert not list(set_folder.glob("*/*"))
    last = json.loads((folder / "state" / "jobs.jsonl").read_text().splitlines()[-1])
    assert last["status"] == "Failed" and "ended by SIGTERM" in last["reason"]
    assert json.loads((folder / "state" / "alert.json").read_text())["properties"]


def test_a_cancelled_task_ends_its_backup(
    share: FolderShare, place: Place, certificate: EncryptionCertificate, tmp_path: Path
) -> None:
    large = tmp_path / "large"
    large.write_bytes(os.urandom(48 << 20))

    def back_up(stop: threading.Event, begun: threading.Event) -> None:
        with Backup(
            share, place, certificates=certificate, level=12, progress=lambda _: not stop.is_set()
        ) as backup:
            begun.set()
            for number in range(1000):
                backup.add_file(large, name=str(number))

    async def night() -> float:
        stop, begun = threading.Event(), threading.Event()
        work = asyncio.create_task(asyncio.to_thread(back_up, stop, begun))
        await asyncio.to_thread(begun.wait)
        await asyncio.sleep(0.3)
        asked = time.monotonic()
        stop.set()
        with pytest.raises(azs_backup.CancelledError):
            await work
        return time.monotonic() - asked

    assert asyncio.run(night()) < 5
    assert list_sets(share, place.deployment) == ()
