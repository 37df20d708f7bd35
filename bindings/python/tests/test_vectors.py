"""The vectors of `tests/vectors`, which Rust, Node and C walk too, with the same answers."""

from __future__ import annotations

import json
from base64 import b64decode
from functools import partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import azs_backup
import pytest
from azs_backup import (
    BackupError,
    BackupSet,
    Classification,
    DecryptionCertificate,
    EncryptionCertificate,
    FolderShare,
    Gate,
    Opener,
    RetentionPolicy,
    Schedule,
    Signer,
    SignerCertificate,
    SmbShare,
    check_share,
    classify_errno,
    classify_hresult,
    classify_json,
    classify_ntstatus,
    classify_text,
    classify_win32,
    list_sets,
    review,
)
from conftest import VECTORS, walked


def load(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


def code_of(work: Any) -> str | None:
    """The code that the work ends with; none where it succeeds."""
    try:
        work()
    except BackupError as error:
        return error.code
    return None


def check_count(theme: str) -> None:
    """As many cases as in every language."""
    assert walked[theme] == load("counts")[theme]


PARSERS: dict[str, Any] = {
    "component": azs_backup.Component,
    "deployment": azs_backup.Deployment.parse,
    "host": azs_backup.Host,
    "name": azs_backup.Name,
    "place": azs_backup.Place.parse,
    "scale_unit": azs_backup.ScaleUnit,
    "set_name": azs_backup.SetName,
    "share_path": azs_backup.SharePath,
    "unc_path": azs_backup.UncPath,
}


def test_layout() -> None:
    wrong = []
    for case in load("layout"):
        parse = PARSERS[case["type"]]
        try:
            got = {"expect": str(parse(case["input"]))}
        except BackupError as error:
            got = {"error": error.code}
        if got != {key: case[key] for key in ("expect", "error") if key in case}:
            wrong.append((case, got))
        walked["layout"] += 1
    assert not wrong
    check_count("layout")


def envelope_ends(case: dict[str, Any]) -> object:
    data = (VECTORS / "envelope" / case["file"]).read_bytes()
    match case["kind"]:
        case "cer":
            return EncryptionCertificate.from_cer(data).facts.to_dict()
        case "pfx":
            return DecryptionCertificate.from_pfx(data, case.get("password")).facts.to_dict()
        case "validity":
            EncryptionCertificate.from_cer(data).check_validity(case["at"])
            return None
        case "message":
            pfx = (VECTORS / "envelope" / case["pfx"]).read_bytes()
            return Opener(DecryptionCertificate.from_pfx(pfx, case.get("password"))).open(data).decode()
    pytest.fail(f"a kind that is not known: {case['kind']}")


def test_envelope() -> None:
    wrong = []
    for case in load("envelope"):
        wanted = case.get("facts", case.get("content"))
        try:
            got = envelope_ends(case)
            right = "error" not in case and got == wanted
        except BackupError as error:
            got = error.code
            right = case.get("error") == got
        if not right:
            wrong.append((case["kind"], case["name"], got))
        walked["envelope"] += 1
    assert not wrong
    check_count("envelope")


def classify(case: dict[str, Any]) -> Classification:
    form, given, profile = case["form"], case["input"], case["profile"]
    match form:
        case "ntstatus":
            return classify_ntstatus(int(given, 16), profile=profile)
        case "hresult":
            return classify_hresult(int(given, 16), profile=profile)
        case "win32":
            return classify_win32(given, profile=profile)
        case "errno":
            return classify_errno(given, profile=profile)
        case "text":
            return classify_text(given, profile=profile)
        case "json":
            return classify_json(given if isinstance(given, dict | list) else json.dumps(given), profile=profile)
        case "json_text":
            return classify_json(given, profile=profile)
    pytest.fail(f"a form that is not known: {form}")


def test_alert() -> None:
    wrong: list[object] = []
    for case in load("alert")["cases"]:
        walked["alert"] += 1
        try:
            found = classify(case)
        except BackupError as error:
            if error.code != case.get("error"):
                wrong.append((case, error.code))
            continue
        first = found.evidence[0] if found.evidence else None
        ambiguous = first is not None and first.other_kind is not None
        right = (
            "error" not in case
            and (found.kind, found.documented_kind) == (case["kind"], case["documented_kind"])
            and case.get("ambiguous") in (None, ambiguous)
            and case.get("failure") in (None, found.is_failure)
            and (case.get("status") is None or (first is not None and first.name == case["status"]))
        )
        if not right:
            wrong.append((case, found))
    assert not wrong
    check_count("alert")


def test_schedule() -> None:
    for case in load("schedule")["next_run"]:
        schedule = Schedule(
            case["frequency_hours"],
            beyond_microsoft=case.get("beyond_microsoft", False),
            phase_seconds=case.get("phase_seconds", 0),
        )
        found = schedule.next_run(case["last"], case["now"]).to_dict()
        wanted = {"at": case["at"], "missed": case["missed"], "clock_set_back_by": case.get("clock_set_back_by", 0)}
        if "due" in case:
            wanted["due"] = case["due"]
        assert {key: found[key] for key in wanted} == wanted, case["name"]
        walked["schedule"] += 1
    check_count("schedule")


def test_gate() -> None:
    now = "2026-11-23T02:00:00Z"
    for case in load("schedule")["gate"]:
        document = json.dumps(case["document"])
        gate = Gate(document.encode()) if "error" not in case else Gate(partial(str, document))
        walked["gate"] += 1
        if "error" in case:
            assert code_of(gate.holds) == case["error"], case["name"]
            continue
        assert [hold.reason for hold in gate.holds()] == case["reasons"], case["name"]
        decision = gate.scheduled(Schedule(), now)
        assert decision.runs == (not case["reasons"])
        if not decision:
            assert decision.next_run == Schedule().next_run(now, now).at
            with pytest.raises(azs_backup.ConflictError) as raised:
                gate.on_demand(now)
            assert case["says"] in str(raised.value), case["name"]
    check_count("gate")


def test_retention() -> None:
    switches = {
        "deployment": {"external_domain_name": "contoso.com", "region": "nyc"},
        "component": "Switches",
    }
    for case in load("retention"):
        given = dict(case["policy"])
        labels = [(key, value) for key, value in given.pop("keep_labels", [])]
        policy = RetentionPolicy(keep_labels=labels, **given)
        plan = policy.plan([{**switches, **candidate} for candidate in case["sets"]], case["now"])
        assert [[str(one.set), one.reason] for one in plan.deletions] == case["delete"], case["name"]
        assert len(plan.kept) + len(plan.deletions) == len(case["sets"])
        kept = {str(one.set): list(one.reasons) for one in plan.kept}
        for name, reasons in (case.get("keep") or {}).items():
            assert kept[name] == reasons, (case["name"], name)
        assert plan.shortfall == case.get("shortfall", 0)
        walked["retention"] += 1
    check_count("retention")


def set_ends(case: dict[str, Any], target: Path) -> dict[str, Any]:
    """What becomes of a set, in the terms of the vectors."""
    opener = Opener(DecryptionCertificate.load(VECTORS / "envelope" / case["pfx"], case["password"]))

    def of(work: Any) -> Any:
        try:
            return work()
        except BackupError as error:
            return error.code

    def content(name: str) -> dict[str, str]:
        try:
            return {"text": found.restore_bytes(opener, name, limit=1 << 20).decode()}
        except BackupError as error:
            return {"error": error.code}

    with FolderShare.open(VECTORS / "sets") as share:
        try:
            found = BackupSet.open(share, case["folder"], case.get("place"))
        except BackupError as error:
            return {"open": error.code}
        return {
            "faults": [[fault.file, fault.kind] for fault in found.verify().faults],
            "verify_full": of(lambda: found.verify_full(opener).is_sound),
            "entries": of(lambda: [[entry.kind, entry.path] for entry in found.entries(opener)]),
            "restore": of(lambda: found.restore(opener, target).files),
            "files": {name: content(name) for name in case["files"]},
        }


def test_sets(tmp_path: Path) -> None:
    for case in load("sets"):
        wanted = {key: value for key, value in case.items() if key not in ("name", "folder", "place", "pfx", "password")}
        assert set_ends(case, tmp_path / case["name"]) == wanted, case["name"]
        walked["sets"] += 1
    check_count("sets")


SIGNATURES = VECTORS / "signatures"


def signature_ends(case: dict[str, Any], target: Path) -> dict[str, Any]:
    """What comes of a set, a plan or a certificate, with what the case demands."""

    def of(work: Any) -> Any:
        try:
            return work()
        except BackupError as error:
            return error.code

    if case["kind"].startswith("signer"):
        data = (SIGNATURES / case["file"]).read_bytes()
        try:
            if case["kind"] == "signer_certificate":
                return {"subject": SignerCertificate.from_cer(data).facts.subject}
            if "certificate" not in case:
                return {"subject": Signer.from_pfx(data, case.get("password")).facts.subject}
            cer = (SIGNATURES / case["certificate"]).read_bytes()
            return {"subject": Signer.from_pem(data, case["password"], certificate=cer).facts.subject}
        except BackupError as error:
            return {"error": error.code}

    demand: dict[str, Any] = {}
    if case["demand"]:
        demand = {"require_signers": [SignerCertificate.load(SIGNATURES / name) for name in case["demand"]]}
    with FolderShare.open(SIGNATURES / "share") as share:
        found = list_sets(share, "contoso.com/nyc", **demand)
        if case["kind"] == "retention":
            plan = RetentionPolicy(**case["policy"]).plan(found, case["now"])
            return {"delete": [str(deletion.folder) for deletion in plan.deletions]}

        opener = Opener(DecryptionCertificate.load(VECTORS / "envelope" / "rsa2048.pfx", "correct horse"))
        one, written = BackupSet.open(share, case["set"]), BytesIO()

        def stream() -> str:
            one.restore_stream(opener, "tor1", written, **demand)
            return written.getvalue().decode()

        ends = {
            "signature": one.signature().state,
            "signer": signer.subject if (signer := one.signature().signer) else None,
            "require_signers": not demand or of(lambda: one.require_signers(demand["require_signers"]) is not None),
            "faults": [[fault.file, fault.kind] for fault in one.verify(**demand).faults],
            "verify_full": one.verify_full(opener, **demand).is_sound,
            "restore": of(lambda: one.restore(opener, target, **demand).files),
            "restore_bytes": of(lambda: one.restore_bytes(opener, "tor1", **demand).decode()),
            "restore_stream": of(stream),
            "list": next(set.state for set in found if set.folder == one.folder),
        }
        assert target.exists() == (ends["restore"] == 1)
        assert bool(written.getvalue()) == target.exists()
        return ends


def test_signatures(tmp_path: Path) -> None:
    for number, case in enumerate(load("signatures")):
        assert signature_ends(case, tmp_path / str(number)) == case["ends"], case["name"]
        walked["signatures"] += 1
    check_count("signatures")


def test_review(tmp_path: Path) -> None:
    for case in load("review"):
        root = tmp_path / case["name"]
        root.mkdir()
        for name, text in case["share"].items():
            path = root / name
            if text is None:
                path.mkdir(parents=True, exist_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        with FolderShare.open(root) as share:
            found = review(case["configuration"], share, now=case["now"])
        about_room = ("SHARE_ALMOST_FULL", "SHARE_WITHOUT_ROOM")  # these depend on the disk
        findings = [[one.rule, one.about] for one in found.findings if one.rule not in about_room]
        assert findings == case["findings"], case["name"]
        assert [[one.rule, one.about, one.reason] for one in found.silenced] == case["silenced"], case["name"]
        walked["review"] += 1
    check_count("review")


REGION = {"external_domain_name": "contoso.com", "region": "nyc"}


def mas_backup_tree(root: Path, vectors: dict[str, Any], broken: dict[str, Any]) -> None:
    """Writes the healthy tree, and breaks it."""
    for name, content in (vectors["healthy"] | broken.get("written", {})).items():
        if name not in broken.get("removed", []):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(b64decode(content))
    for old, new in reversed(broken.get("renamed", {}).items()):
        (root / old).rename(root / new)
    for name, target in broken.get("links", {}).items():
        (root / name).symlink_to(target)


def test_mas_backup(tmp_path: Path) -> None:
    vectors = load("mas_backup")
    pfx = [DecryptionCertificate.from_pfx(b64decode(pfx), vectors["password"]) for pfx in vectors["pfx"].values()]
    opener, now = Opener(pfx), vectors["now"]
    for name, broken in [("healthy", {}), *vectors["breaks"].items()]:
        root = tmp_path / name
        root.mkdir()
        mas_backup_tree(root, vectors, broken)
        with FolderShare.open(root) as share:
            theirs = azs_backup.MasBackup.open(share, "")
            report = theirs.verify(opener, now=now)
            found = {finding["code"] for finding in report["findings"]}
            assert found.issuperset(broken.get("findings", [])), name
            if not broken:
                assert (report["state"], len(report["snapshots"])) == ("verified", 39)
                assert theirs.verify(now=now)["state"] == "not_checked"
                site = {"root": r"\\fs.contoso.com\AzSBackups", "deployment": REGION}
                for key, drill in [(opener, "verified"), (None, None)]:
                    assert [of["drill"] for of in review(site, share, opener=key, now=now).their_backups] == [drill]
                for backup in theirs.list(now=now)["backups"]:
                    if not any(of["chain"] for of in backup["repositories"]):
                        continue
                    target = tmp_path / "target" / backup["id"]
                    extracted = theirs.extract(opener, backup["id"], target, now=now)
                    assert extracted["state"] == "verified"
                    for snapshot in extracted["snapshots"]:
                        folder, stem = snapshot["path"].split("/")[-2:]
                        repository = stem if backup["is_legacy"] else folder
                        for file, digest in vectors["contents"][snapshot["path"] + ".zip"].items():
                            content = (target / repository / stem / file).read_bytes()
                            assert sha256(content).hexdigest() == digest, file
                wrong = Opener(DecryptionCertificate.load(VECTORS / "envelope/rsa2048.pfx", "correct horse"))
                newest = next(b["id"] for b in theirs.list(now=now)["backups"] if b["readiness"] == "ready")
                with pytest.raises(azs_backup.WrongCertificateError):
                    theirs.extract(wrong, newest, tmp_path / "wrong", now=now)
        walked["mas_backup"] += 1
    check_count("mas_backup")


def take_options(of: str, options: dict[str, Any], tmp_path: Path) -> None:
    """Does with the options what a user would."""
    opener = Opener(DecryptionCertificate.load(VECTORS / "envelope/rsa2048.pfx", "correct horse"))
    with FolderShare.open(tmp_path) as share:
        match of:
            case "backup":
                certificate = EncryptionCertificate.load(VECTORS / "envelope/rsa2048.cer")
                given: dict[str, Any] = {"create": True, "certificates": certificate} | options
                azs_backup.Backup(share, "contoso.com/nyc/Switches", **given).abandon()
            case "restore":
                with FolderShare.open(VECTORS / "sets") as sets:
                    BackupSet.open(sets, "whole").restore(opener, tmp_path / "new", **options)
            case "smb":
                SmbShare.connect(r"\\127.0.0.1\AzSBackups", r"CONTOSO\azsbackup", "not used", **options)
            case "check":
                check_share(share, "contoso.com/nyc", **options)
            case "schedule":
                Schedule(**options)
            case "retention":
                RetentionPolicy(**options)
            case "review":
                review(options, share, now="2026-11-23T02:00:00Z")


def test_options(tmp_path: Path) -> None:
    wrong = []
    for number, case in enumerate(load("options")):
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            take_options(case["of"], case["options"], folder)
        except BackupError as error:
            ended = error.code == case.get("error") and case.get("says", "") in str(error)
        except TypeError:
            # Of names Python itself has the word.
            ended = case.get("typed", False)
        else:
            ended = "error" not in case
        if not ended:
            wrong.append(case["name"])
        walked["options"] += 1
    assert not wrong
    check_count("options")
