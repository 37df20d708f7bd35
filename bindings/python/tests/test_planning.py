"""Schedule, gate, jobs, retention and review."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import azs_backup
import pytest
from azs_backup import (
    RULES,
    Backup,
    EncryptionCertificate,
    FolderShare,
    Gate,
    Job,
    JobLog,
    Operation,
    Place,
    RetentionPolicy,
    Schedule,
    SetName,
    backup_warnings,
    list_sets,
    parse_operations,
    review,
)

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)


def test_a_night_with_gate_jobs_and_warnings(tmp_path: Path) -> None:
    schedule = Schedule(12, jitter_seconds=1800, host="hlh01")
    assert schedule == Schedule(12, jitter_seconds=1800, host="hlh01") != Schedule(12)
    log = JobLog(tmp_path / "jobs.jsonl")
    assert log.read().jobs == () and schedule.next_run(log.read().last_scheduled, NOW).is_due(NOW)
    file = tmp_path / "operations.json"
    file.write_text(json.dumps({"operations": [{"kind": "update", "state": "failed", "name": "1.2311"}]}))
    gate = Gate(file, lambda: log.read(NOW).running)
    decision = gate.scheduled(schedule, NOW)
    assert not decision and decision.holds[0].reason == "failed_exclusive_action"
    assert decision.holds[0].operation == Operation(kind="update", state="failed", name="1.2311")
    log.append(Job.skipped("1", decision, now=NOW))
    with pytest.raises(azs_backup.ConflictError, match="resolve") as raised:
        gate.on_demand(NOW)
    assert raised.value.alert.kind == "SKIPPED_BY_CONFLICT"

    file.write_text("[]")
    job = Job.start("2", now=NOW + timedelta(hours=12))
    log.append(job)
    later = NOW + timedelta(hours=12, minutes=1)
    assert [one.name for one in log.read(later).running] == ["2"]
    ended = job.end("Succeeded", now=later).replace(bytes=1234, set="20261123T140000Z-7f3a91c2")
    log.append(ended)
    jobs = log.read(later)
    assert jobs.jobs[0].status == "Skipped" and jobs.jobs[0].next_run == decision.next_run
    assert jobs.jobs[1] == ended and jobs.jobs[1].set == SetName("20261123T140000Z-7f3a91c2")
    assert jobs.last_good == job.started and jobs.running == () and not jobs.is_cut

    assert backup_warnings(last_backup=jobs.last_good, now=later) == ()
    (warning,) = backup_warnings(last_backup=NOW - timedelta(days=2), now=NOW)
    assert warning.warning == "no_recent_backup" and warning.last == NOW - timedelta(days=2)
    assert warning.message.startswith("no good backup since")
    holds = Gate(b'[{"kind": "fru", "state": "failed", "started": "2026-11-01T00:00:00Z"}]').holds()
    found = backup_warnings(last_backup=NOW, holds=holds, next_run=schedule.next_run(NOW - timedelta(days=3), NOW), now=NOW)
    assert {one.warning for one in found} == {"gate_closed_too_long", "missed_runs"}


def test_a_source_that_fails_keeps_the_gate_closed() -> None:
    def ask() -> str:
        raise PermissionError("the token has expired")

    with pytest.raises(PermissionError, match="the token"):
        Gate(ask).scheduled(Schedule(), NOW)
    with pytest.raises(azs_backup.MalformedError):
        Gate(lambda: "{").holds()
    with pytest.raises(azs_backup.InvalidArgumentError):
        Gate(lambda: [{"kind": "update"}]).holds()
    with pytest.raises(FileNotFoundError):
        Gate("no such file").holds()
    assert Gate(lambda: [Operation(kind="update", state="running")], ignore="update").holds() == ()
    assert parse_operations('[{"kind": "MAS Update", "state": "InProgress"}]')[0].state == "running"


def test_frequencies_beyond_microsofts_are_asked_for() -> None:
    with pytest.raises(azs_backup.InvalidArgumentError, match="4 and 12"):
        Schedule(24)
    assert Schedule(24, beyond_microsoft=True, phase_seconds=7200).frequency_hours == 24


def test_retention_is_planned_looked_at_and_applied(
    folder: Path, share: FolderShare, place: Place, certificate: EncryptionCertificate
) -> None:
    for day in (1, 2, 3, 4):
        name = SetName.at(datetime(2026, 11, day, 2, tzinfo=UTC), day)
        with Backup(share, place, certificates=certificate, set_name=name, labels={"day": str(day)}) as backup:
            backup.add_bytes("a", b"a")
    sets = list_sets(share, place.deployment)
    plan = RetentionPolicy(keep_last=1, pin="20261102T020000Z-00000002", keep_labels=[("day", "3")]).plan(sets)
    # Their cover sheets are of today, so the names alone do not age them.
    assert [str(one.set) for one in plan.deletions] == ["20261101T020000Z-00000001"]
    assert plan.deletions[0].reason == "expired" and plan.deletions[0].place == place
    assert {str(one.set)[-1]: one.reasons for one in plan.kept}["3"] == ("label",)
    asked: list[str] = []
    stopped = plan.apply(share, before=lambda deletion: asked.append(str(deletion.folder)) or False)  # type: ignore[func-returns-value]
    assert stopped.outcomes[0].outcome == "stopped" and stopped.deleted == 0 and len(asked) == 1
    with pytest.raises(RuntimeError, match="mine"):
        plan.apply(share, before=lambda _: (_ for _ in ()).throw(RuntimeError("mine")))
    done = plan.apply(share)
    assert done.deleted == 1 and done.outcomes[0].folder == sets[0].folder
    assert done.freed_bytes == plan.freed_bytes > 0
    assert len(list_sets(share, place.deployment)) == 3
    assert RetentionPolicy().plan(list_sets(share, place.deployment)).is_empty


def test_a_review_shows_in_a_notebook(backup: Backup, folder: Path, share: FolderShare) -> None:
    (folder / "share" / "contoso.com" / "nyc" / "Switches" / "<b>.txt").write_text("plain")
    configuration = {
        "root": r"\\fs\AzSBackups",
        "deployment": {"external_domain_name": "contoso.com", "region": "nyc"},
        "components": [{"name": "Switches"}],
        "password": "do not show this",
    }
    found = review(configuration, share, now=NOW)
    again = review(json.dumps(configuration), share, now=NOW)
    # The share is asked for its space, which may change between two looks.
    one, other = ({**of.to_dict(), "space": None} for of in (found, again))
    assert one == other and found.now == NOW
    rules = {finding.rule for finding in found.findings}
    assert "ROOT_HOST_NOT_FQDN" in rules and rules <= {rule.rule for rule in RULES}
    assert sum(found.counts().values()) == len(found.findings)
    assert [component.name for component in found.components] == ["Switches"] and found.components[0].complete == 1
    for text in (found.to_html(), found.to_table(), found._repr_html_(), repr(found), str(found.to_dict())):
        assert "do not show this" not in text
    assert "<b>.txt" not in found.to_html() and "srcdoc=" in found._repr_html_()
    with pytest.raises(azs_backup.MalformedError):
        review("{", share)
