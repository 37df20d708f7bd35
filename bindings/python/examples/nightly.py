"""One turn of a nightly job: due? may it run? back up, raise an alert if need be, delete what is old.

    python nightly.py --share /mnt/AzSBackups --cer backup.cer --state /var/lib/azs-backup SOURCE...

The gate reads `operations.json` in the state folder, which a script writes that has a token of the admin API.
"""

import argparse
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

import azs_backup as azs


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", required=True)
    parser.add_argument("--cer", required=True)
    parser.add_argument("--state", required=True, type=Path)
    parser.add_argument("--place", default="contoso.com/nyc/HLH")
    parser.add_argument("sources", nargs="+")
    given = parser.parse_args()

    schedule = azs.Schedule(12, jitter_seconds=1800, host=socket.gethostname())
    log = azs.JobLog(given.state / "jobs.jsonl")
    gate = azs.Gate(given.state / "operations.json", lambda: log.read().running)
    next_run = schedule.next_run(log.read().last_scheduled)
    if not next_run.is_due():
        print("next at", next_run.at)
        return 0
    id = datetime.now(UTC).isoformat()
    decision = gate.scheduled(schedule)
    if not decision:
        log.append(azs.Job.skipped(id, decision))
        print(decision)
        return 0

    job = azs.Job.start(id)
    log.append(job)
    place = azs.Place.parse(given.place)
    try:
        with azs.FolderShare.open(given.share) as share:
            certificate = azs.EncryptionCertificate.load(given.cer)
            with azs.Backup(
                share, place, certificates=certificate, state=given.state, source_problems="report"
            ) as backup:
                for source in given.sources:
                    backup.add(source)
            policy = azs.RetentionPolicy(keep_days=7, keep_monthly=12)
            policy.plan(azs.list_sets(share, place.deployment, place.component)).apply(share)
    except azs.BackupError as error:
        alert = azs.Alert(error.alert, share=given.share, path=str(place), operation="backup")
        (given.state / "alert.json").write_text(alert.to_json(), encoding="utf-8")
        log.append(job.end("Failed").replace(alert=error.alert.kind, reason=str(error)))
        print(f"{error.code}: {error}", alert.remediation, sep="\n", file=sys.stderr)
        return 1
    report = backup.report
    assert report is not None
    log.append(job.end(report.status).replace(set=report.set, place=place, bytes=report.stored.bytes))
    print(report.status, report.folder)
    for warning in azs.backup_warnings(last_backup=log.read().last_good, next_run=next_run):
        print(warning.message, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
