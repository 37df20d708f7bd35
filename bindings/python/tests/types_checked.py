"""What type checkers accept and refuse. Only checked, never run: an `ignore` that hides no error is one itself."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import assert_type

import azs_backup as azs
from azs_backup.literals import BackupStatus, Condition, JobStatus, KeepReason, Severity


def accepted(report: azs.BackupReport, backup: azs.Backup, plan: azs.RetentionPlan, review: azs.Review) -> None:
    assert_type(report.status, BackupStatus)
    assert report.status == "PartialSucceeded" or report.problems[0].code == "SOURCE_UNREADABLE"
    assert_type(report.replace(seconds=0.0), azs.BackupReport)
    backup.add_bytes(PurePosixPath("tor1/running-config"), "hostname tor1\n")
    assert_type(plan.kept[0].reasons, tuple[KeepReason, ...])
    assert_type(plan.deletions[0].condition, Condition)
    assert_type(review.findings[0].severity, Severity)
    assert_type(review.counts()["critical"], int)
    job = azs.Job.start("1").end("Succeeded")
    assert_type(job.status, JobStatus)
    assert job.process is None or job.process.host
    azs.Operation(kind="rack move", state="running", name="nyc")
    candidate = azs.Candidate(
        deployment=azs.Deployment("contoso.com", "nyc"),
        component=azs.Component("Switches"),
        set=azs.SetName("20261123T020000Z-7f3a91c2"),
        condition="succeeded",
        content=azs.SetContent(files=1, bytes=2),
    )
    azs.RetentionPolicy(keep_days=7).plan([candidate])


def refused(report: azs.BackupReport, summary: azs.SetSummary, kept: azs.Kept, entry: azs.Entry) -> None:
    report.statsu  # type: ignore[attr-defined]
    report.status == "Suceeded"  # type: ignore[comparison-overlap]
    report.status = "Succeeded"  # type: ignore[misc]
    report.problems[0].code == "NO_SUCH_CODE"  # type: ignore[comparison-overlap]
    summary.state == "Complete"  # type: ignore[comparison-overlap]
    kept.reasons[0] == "wihtin"  # type: ignore[comparison-overlap]
    entry.kind == "directory"  # type: ignore[comparison-overlap]
    summary < summary  # type: ignore[operator]
    azs.Operation(knd="update", state="running")  # type: ignore[call-arg]
    azs.Operation(kind="update")  # type: ignore[call-arg]
    azs.Operation(kind="update", state=3)  # type: ignore[arg-type]
    azs.Job.start("1", "by_hand")  # type: ignore[arg-type]
    azs.classify_kind("OUT_OF_SPACE")  # type: ignore[arg-type]
    azs.FolderShare.open("share", durability="never")  # type: ignore[arg-type]
