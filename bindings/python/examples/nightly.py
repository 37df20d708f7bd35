"""One turn of a nightly job: due? may it run? back up, raise an alert if need be, delete what is old.

    python nightly.py --share /mnt/AzSBackups --cer backup.cer --state /var/lib/azs-backup SOURCE...

The gate reads `operations.json` in the state folder. Let a script with a token of the admin API write it; without it,
backups do not wait for updates and repairs. Failures are recorded in `alert.json` and `jobs.jsonl` there.
"""

import argparse
import signal
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

import azs_backup as azs


def back_up(given: argparse.Namespace, place: azs.Place) -> azs.BackupReport:
    certificate = azs.EncryptionCertificate.load(given.cer)
    with (
        azs.FolderShare.open(given.share) as share,
        azs.Backup(share, place, certificates=certificate, state=given.state, source_problems="report") as backup,
    ):
        for source in given.sources:
            try:
                backup.add(source)
            except azs.SourceUnreadableError as error:
                backup.add_problem(Path(source).name, error)
    assert backup.report is not None
    return backup.report


def delete_old(given: argparse.Namespace, place: azs.Place, newest: azs.SharePath) -> None:
    with azs.FolderShare.open(given.share) as share:
        # Retention takes it for a good one and would delete others for it.
        found = azs.BackupSet.open(share, newest).verify()
        if not found.is_sound:
            raise RuntimeError(f"{newest} is damaged: {found.faults[0].message}; no old set is deleted")
        policy = azs.RetentionPolicy(keep_days=7, keep_monthly=12)
        policy.plan(azs.list_sets(share, place.deployment, place.component)).apply(share)


def turn(given: argparse.Namespace, job: azs.Job) -> None:
    given.state.mkdir(parents=True, exist_ok=True)
    place = azs.Place.parse(given.place)
    schedule = azs.Schedule(12, jitter_seconds=1800, host=socket.gethostname())
    log = azs.JobLog(given.state / "jobs.jsonl")
    next_run = schedule.next_run(log.read().last_scheduled)
    if not next_run.is_due():
        print("next at", next_run.at)
        return
    gate = azs.Gate(lambda: log.read().running)
    operations = given.state / "operations.json"
    if operations.exists():
        gate = azs.Gate(operations, lambda: log.read().running)
    else:
        print(f"{operations} is not there: backups do not wait for updates and repairs", file=sys.stderr)
    decision = gate.scheduled(schedule)
    if not decision:
        log.append(azs.Job.skipped(job.id, decision))
        print(decision)
        return
    log.append(job)
    report = back_up(given, place)
    log.append(job.end(report.status).replace(set=report.set, place=place, bytes=report.stored.bytes))
    print(report.status, report.folder)
    delete_old(given, place, report.folder)
    for warning in azs.backup_warnings(last_backup=log.read().last_good, next_run=next_run):
        print(warning.message, file=sys.stderr)


def failed(given: argparse.Namespace, job: azs.Job, error: BaseException) -> None:
    """Writes an alert and the job's record to the state folder, and lines for people."""
    alert = azs.Alert(azs.classify_error(error), share=given.share, path=given.place, operation="backup")
    reason = f"{getattr(error, 'code', type(error).__name__)}: {error}"
    print(reason, alert.remediation, sep="\n", file=sys.stderr)
    (given.state / "alert.json").write_text(alert.to_json(), encoding="utf-8")
    log = azs.JobLog(given.state / "jobs.jsonl")
    if all(known.id != job.id or known.ended is None for known in log.read().jobs):
        log.append(job.end("Failed").replace(alert=azs.classify_error(error).kind, reason=reason))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", required=True)
    parser.add_argument("--cer", required=True)
    parser.add_argument("--state", required=True, type=Path)
    parser.add_argument("--place", default="contoso.com/nyc/HLH")
    parser.add_argument("sources", nargs="+")
    given = parser.parse_args()

    # When told to end, it ends as after Ctrl-C: it removes what it began from the share, and records the job.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(f"ended by {signal.Signals(number).name}"))
    job = azs.Job.start(datetime.now(UTC).isoformat())
    try:
        turn(given, job)
    except BaseException as error:
        failed(given, job, error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
