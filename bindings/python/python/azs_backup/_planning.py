"""Values of schedule, gate, retention and review."""

from __future__ import annotations

from datetime import datetime

from azs_backup import _native
from azs_backup._native import Deployment, Place, SetName, SharePath
from azs_backup._sets import Placed, Signature, deployment_of
from azs_backup._value import Value, absent, moment, optional, several

TYPE_CHECKING = False
if TYPE_CHECKING:
    from azs_backup._native import Decision
    from azs_backup.literals import (
        AlertCode,
        BackupStatus,
        Condition,
        DeleteReason,
        DeletionOutcome,
        ErrorCode,
        JobStatus,
        KeepReason,
        OperationKind,
        OperationState,
        Severity,
        Trigger,
        WarningKind,
    )


class Operation(Value):
    """Something that a deployment does or failed to do, and that backups may have to wait for."""

    __slots__ = ()
    _shapes = {"started": optional(moment), "expected_end": optional(moment)}
    kind: OperationKind
    state: OperationState
    name: str | None = absent(default=None)
    started: datetime | None = absent(default=None)
    expected_end: datetime | None = absent(default=None)


class JobProcess(Value):
    """The process that runs a job: the name of its host, and its ID there."""

    __slots__ = ()
    host: str
    id: int


class Job(Value):
    """The record of one run, or of a skipped one.

    >>> job = Job.start("2026-11-23", now="2026-11-23T02:00:00Z")
    >>> job.end("Failed", now="2026-11-23T02:00:07Z").replace(alert="CONNECTIVITY").status
    'Failed'
    """

    __slots__ = ()
    _shapes = {
        "started": moment,
        "ended": optional(moment),
        "next_run": optional(moment),
        "set": optional(SetName),
        "process": optional(JobProcess._of),
        "place": optional(
            lambda data: Place(deployment_of(data["deployment"]), data["component"], data.get("scale_unit"))
        ),
    }
    id: str
    trigger: Trigger
    started: datetime
    ended: datetime | None = absent(default=None)
    status: JobStatus
    place: Place | None = absent(default=None)
    set: SetName | None = absent(default=None)
    bytes: int | None = absent(default=None)
    alert: AlertCode | str | None = absent(default=None)
    reason: str | None = absent(default=None)
    slow: bool = absent(default=False)
    next_run: datetime | None = absent(default=None)
    process: JobProcess | None = absent(default=None)

    @classmethod
    def start(cls, id: str, trigger: Trigger = "scheduled", *, now: datetime | str | None = None) -> Job:
        """Makes a job that begins now."""
        return cls._of(_native.job_start(id, trigger, now))

    @classmethod
    def skipped(cls, id: str, decision: Decision, *, now: datetime | str | None = None) -> Job:
        """Makes a scheduled job that was skipped."""
        return cls._of(_native.job_skipped(id, decision, now))

    def end(self, status: JobStatus, *, now: datetime | str | None = None) -> Job:
        """Ends the job, and records whether it was slow. `status` is a word of the admin API: `Succeeded`, `Failed`…"""
        return type(self)._of(_native.job_end(self, status, now))


class Jobs(Value):
    """The content of a log of jobs."""

    __slots__ = ()
    _shapes = {
        "jobs": several(Job._of),
        "died": several(Job._of),
        "running": several(Operation._of),
        "last_scheduled": optional(moment),
        "last_good": optional(moment),
    }
    jobs: tuple[Job, ...]
    died: tuple[Job, ...]
    unreadable: int
    is_cut: bool
    last_scheduled: datetime | None
    last_good: datetime | None
    running: tuple[Operation, ...]


class BackupWarning(Value):
    """Something that an operator should look into: `warning` says what, and `message` says it for people.

    `seconds`: by how much the clock was set back. `since`, `hold`: when the gate closed, and why. `count`, `due`: how
    many runs were missed, and when the first of them was due. `last`: when the last good backup began.
    """

    __slots__ = ()
    _shapes = {"since": moment, "due": moment, "last": optional(moment)}
    warning: WarningKind
    message: str
    seconds: int | None = absent(default=None)
    since: datetime | None = absent(default=None)
    hold: str | None = absent(default=None)
    count: int | None = absent(default=None)
    due: datetime | None = absent(default=None)
    last: datetime | None = absent(default=None)


class SetContent(Value):
    """How many files a set holds, and the bytes in them."""

    __slots__ = ()
    files: int
    bytes: int


class Candidate(Placed):
    """A set as retention sees it. `newest_file` is when something was last written to an incomplete set."""

    __slots__ = ()
    _shapes = {**Placed._shapes, "content": optional(SetContent._of), "newest_file": optional(moment)}
    condition: Condition
    created: datetime | None = absent(default=None)
    bytes: int = absent(default=0)
    content: SetContent | None = absent(default=None)
    newest_file: datetime | None = absent(default=None)


class Deletion(Candidate):
    """A set to delete, and why."""

    __slots__ = ()
    folder: SharePath
    reason: DeleteReason
    freed_bytes: int


class Kept(Candidate):
    """A set to keep, and every rule that keeps it."""

    __slots__ = ()
    folder: SharePath
    reasons: tuple[KeepReason, ...]


class Outcome(Value):
    """The outcome of deleting a set.

    `foreign`: names in a folder that stays. `why`: what changed about a set that was skipped. `code`, `message`: those
    of a failure.
    """

    __slots__ = ()
    _shapes = {"folder": SharePath}
    folder: SharePath
    outcome: DeletionOutcome
    foreign: tuple[str, ...] = absent(default=())
    why: str | None = absent(default=None)
    code: ErrorCode | None = absent(default=None)
    message: str | None = absent(default=None)


class RetentionReport(Value):
    """The outcome of each deletion of a plan."""

    __slots__ = ()
    _shapes = {"outcomes": several(lambda pair: Outcome._of({"folder": pair[0], **pair[1]}))}
    outcomes: tuple[Outcome, ...]
    freed_bytes: int

    @property
    def deleted(self) -> int:
        """How many sets were deleted."""
        return sum(outcome.outcome == "deleted" for outcome in self.outcomes)


class Rule(Value):
    """One rule of the best practices. `rule` is its id, which never changes its meaning."""

    __slots__ = ()
    rule: str
    severity: Severity
    title: str
    why: str
    practice: str
    remedy: str


class Finding(Rule):
    """Something that does not follow the practices: the rule, what it is about, and what was seen."""

    __slots__ = ()
    about: str
    seen: str


class Silenced(Finding):
    """A finding that the configuration silences, and why."""

    __slots__ = ()
    reason: str


class Day(Value):
    """One day in UTC: how many sets are complete, partial and incomplete."""

    __slots__ = ()
    date: str
    complete: int
    partial: int
    incomplete: int


class Size(Value):
    """The size of one set."""

    __slots__ = ()
    _shapes = {"created": moment}
    created: datetime
    bytes: int


class ComponentReview(Value):
    """The state of the backups of one component, or of one of its scale units."""

    __slots__ = ()
    _shapes = {
        "last_backup": optional(moment),
        "last_copy": optional(moment),
        "days": several(Day._of),
        "sizes": several(Size._of),
    }
    name: str
    worst: Severity | None
    is_configured: bool
    frequency_hours: int
    retention_days: int | None
    last_backup: datetime | None
    last_copy: datetime | None
    complete: int
    others: int
    bytes: int
    days: tuple[Day, ...]
    sizes: tuple[Size, ...]


class SurveyRow(Value):
    """A component, or one of its scale units, in a survey; or a share or deployment that shows none.

    `deployment` is `None` if the share cannot be read, `component` if the deployment has no set or cannot be read,
    `severity` if all is well. `remarks` say what is not as it should be. `last_good` is the newest complete set; `status`,
    `files`, `bytes`, `stored_bytes`, `signature` and `thumbprints` are what it says. `bytes_before` is the content of the
    complete set before it, and `last_copy` when its newest complete copy elsewhere began.
    """

    __slots__ = ()
    _shapes = {
        "deployment": optional(deployment_of),
        "last_good": optional(SetName),
        "due": optional(moment),
        "signature": optional(Signature._of),
        "last_copy": optional(moment),
    }
    share: str
    deployment: Deployment | None
    component: str | None
    severity: Severity | None
    remarks: tuple[str, ...]
    sets: int
    last_good: SetName | None
    due: datetime | None
    status: BackupStatus | None
    files: int
    bytes: int
    stored_bytes: int
    bytes_before: int | None
    signature: Signature | None
    thumbprints: tuple[str, ...]
    last_copy: datetime | None
