"""The share over SMB: with a Samba server of our own, and without a server."""

from __future__ import annotations

import getpass
import math
import pickle
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import azs_backup
import pytest
from azs_backup import Backup, BackupSet, EncryptionCertificate, Opener, Place, SmbShare, check_smb_share, list_sets

PASSWORD = "Backup-1 pass"


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        port: int = made.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def samba(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A throw-away server with the share `data`; its port."""
    if shutil.which("smbd") is None:
        pytest.skip("samba is not installed: apt-get install samba")
    folder = tmp_path_factory.mktemp("samba")
    for above in (folder, *list(folder.parents)[:2]):
        above.chmod(0o755)
    names = ("private", "state", "cache", "lock", "pid", "ncalrpc", "log", "data")
    for name in names:
        (folder / name).mkdir()
    (folder / "data").chmod(0o777)
    (folder / "data" / "contoso.com" / "nyc").mkdir(parents=True)
    port = free_port()
    places = "\n".join(
        f"{option} = {folder}/{name}"
        for option, name in (
            ("private dir", "private"), ("state directory", "state"), ("cache directory", "cache"), ("lock directory", "lock"),
            ("pid directory", "pid"), ("ncalrpc dir", "ncalrpc"), ("log file", "log/smbd"),
        )
    )  # fmt: skip
    (folder / "smb.conf").write_text(
        f"[global]\nworkgroup = TEST\nserver role = standalone server\npassdb backend = tdbsam:{folder}/private/passdb.tdb\n"
        f"{places}\nsmb ports = {port}\nbind interfaces only = yes\ninterfaces = lo 127.0.0.1/8\ndisable netbios = yes\n"
        "load printers = no\nprintcap name = /dev/null\ndisable spoolss = yes\nserver min protocol = SMB3_00\n"
        f"[data]\npath = {folder}/data\nread only = no\n"
    )
    configuration = ["-s", str(folder / "smb.conf")]
    user = subprocess.run(
        ["pdbedit", *configuration, "-t", "-a", "-u", getpass.getuser()],
        input=f"{PASSWORD}\n{PASSWORD}\n", text=True, capture_output=True,
    )  # fmt: skip
    assert user.returncode == 0, user.stderr
    with (folder / "log" / "out").open("wb") as log:
        server = subprocess.Popen(
            ["smbd", "--foreground", "--no-process-group", "--debug-stdout", *configuration],
            stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    for _ in range(200):
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield port
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    assert server.stdin is not None
    server.stdin.close()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_backup_over_smb_comes_back(
    samba: int, certificate: EncryptionCertificate, opener: Opener, place: Place, tmp_path: Path
) -> None:
    user = getpass.getuser()
    with SmbShare.connect(r"\\127.0.0.1\data", user, PASSWORD, port=samba, oldest_dialect="3.1.1") as share:
        assert share.facts.dialect == "3.1.1" and share.account == user and share.root.share == "data"
        assert share.space().free > 0
        with Backup(share, place, certificates=certificate) as backup:
            backup.add_bytes("tor1/running-config", b"hostname tor1\n")
        (summary,) = list_sets(share, place.deployment)
        found = BackupSet.open(share, summary.folder)
        assert found.verify_full(opener).is_sound
        assert found.restore(opener, tmp_path / "restored").files == 1
        assert PASSWORD not in repr(share) + str(share.facts) + share.describe()
        with pytest.raises(TypeError):
            pickle.dumps(share)
    with pytest.raises(azs_backup.InvalidArgumentError, match="closed"):
        share.space()


def test_a_wrong_password_is_a_failed_logon(samba: int) -> None:
    with pytest.raises(azs_backup.LogonFailedError) as raised:
        SmbShare.connect(r"\\127.0.0.1\data", getpass.getuser(), "wrong and secret", port=samba)
    assert raised.value.alert.kind == "AUTHENTICATION" and raised.value.alert.retry.could_lock_out
    assert "wrong and secret" not in str(raised.value) + repr(raised.value) + str(raised.value.causes)
    with pytest.raises(azs_backup.NotFoundError):
        SmbShare.connect(r"\\127.0.0.1\nothing", getpass.getuser(), PASSWORD, port=samba)


def test_the_way_to_the_share_is_checked(samba: int) -> None:
    user = getpass.getuser()
    found = check_smb_share(r"\\127.0.0.1\data", user, PASSWORD, "contoso.com/nyc", components="Switches", port=samba)
    assert found.is_sound and found.first_failure is None, found.to_table()
    assert [step.step for step in found.steps][:4] == ["name", "connection", "dialect", "log_on"]
    found = check_smb_share(r"\\127.0.0.1\data", user, "wrong and secret", "contoso.com/nyc", port=samba)
    assert found.first_failure is not None and found.first_failure.step == "log_on" and found.first_failure.alert is not None
    assert found.first_failure.alert.error == "LOGON_FAILED" and found.first_failure.alert.kind == "AUTHENTICATION"
    assert "wrong and secret" not in found.to_table() + repr(found) + str(found.to_dict())


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with pytest.raises(ConnectionError) as raised:
        SmbShare.connect(r"\\127.0.0.1\data", r"CONTOSO\backup", "secret", port=free_port(), attempts=1)
    assert isinstance(raised.value, azs_backup.UnreachableError) and raised.value.alert.kind == "CONNECTIVITY"


def test_options_that_make_no_sense_are_refused() -> None:
    wrong: list[dict[str, Any]] = [
        {"encryption": "maybe"}, {"oldest_dialect": "1.0"}, {"connect_limit": -1.0}, {"call_limit": 1e300},
        {"connect_limit": math.nan}, {"silence_limit": -math.inf}, {"call_limit": math.inf},
    ]  # fmt: skip
    for options in wrong:
        with pytest.raises(azs_backup.InvalidArgumentError):
            SmbShare.connect(r"\\127.0.0.1\data", "user", "secret", **options)
    for account, password in (("", "x"), ("user", ""), ("a/b", "x")):
        with pytest.raises(azs_backup.InvalidArgumentError):
            SmbShare.connect(r"\\127.0.0.1\data", account, password)


def test_ctrl_c_is_heard_while_it_connects() -> None:
    """A server that accepts and says nothing."""
    before = signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    try:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            begun = time.monotonic()
            with pytest.raises(KeyboardInterrupt):
                SmbShare.connect(r"\\127.0.0.1\data", "user", "secret", port=silent.getsockname()[1])
            print(f"interrupted after {time.monotonic() - begun:.2f} s")
            assert time.monotonic() - begun < 5
    finally:
        signal.signal(signal.SIGALRM, before)
