"""The words of values and options as types: `Literal`s for your own annotations.

Type checkers know the words, so `report.status == "Suceeded"` is an error in your editor. Where a source may use words
of its own (`JobStatus`, `OperationKind`, `OperationState`), any `str` is allowed, and editors offer the known ones.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

BackupStatus: TypeAlias = Literal["Succeeded", "PartialSucceeded"]
"""How a backup or a restore went."""

SetState: TypeAlias = Literal[
    "complete", "damaged", "foreign", "incomplete", "unreadable", "unsupported", "untrusted"
]
"""Whether a set of a listing is a backup, and if not, why."""

SignatureState: TypeAlias = Literal["unsigned", "signed", "invalid"]
"""Whether somebody signed a set."""

EntryKind: TypeAlias = Literal["copy", "file", "folder", "hard_link", "large_file", "symlink"]
"""What an entry of a set is. A `copy` is a file with the content of another, which is stored once."""

FaultKind: TypeAlias = Literal["content", "digest", "foreign", "length", "missing", "signature", "unreadable"]
"""What can be wrong with a stored file."""

Step: TypeAlias = Literal[
    "name",
    "connection",
    "dialect",
    "log_on",
    "share",
    "path",
    "write",
    "read_back",
    "hard_link",
    "copy",
    "rename",
    "delete",
    "space",
    "clock",
]
"""The steps of a check, in order."""

StepOutcome: TypeAlias = Literal["passed", "warned", "failed", "skipped"]
"""How a step of a check went."""

Durability: TypeAlias = Literal["flushed", "cached"]
"""Whether a share confirms a write once it is on the disk, or once it is in memory."""

Encryption: TypeAlias = Literal["required", "preferred", "off"]
"""Whether to encrypt a connection over SMB."""

Dialect: TypeAlias = Literal["3.0", "3.0.2", "3.1.1"]
"""A version of SMB."""

SourceProblems: TypeAlias = Literal["fail", "report"]
"""What to do about sources that cannot be read or that change."""

ShrunkenSources: TypeAlias = Literal["warn", "fail"]
"""What to do about sources that are empty, or hold less than half of last time."""

Existing: TypeAlias = Literal["refuse", "keep", "replace"]
"""What a restore does about existing things."""

Compare: TypeAlias = Literal["metadata", "content"]
"""How a restore compares existing files that it keeps with the set."""

Damage: TypeAlias = Literal["stop", "continue"]
"""What a restore does about damage."""

Profile: TypeAlias = Literal["refined", "microsoft-2301"]
"""Which mapping decides the class of a failure."""

Confidence: TypeAlias = Literal["LOW", "MEDIUM", "HIGH"]
"""How certain a classification is."""

EvidenceForm: TypeAlias = Literal[
    "NTSTATUS", "WIN32", "HRESULT", "ERRNO", "HTTP", "IO_KIND", "ERROR", "FAULT_TYPE", "WORDING"
]
"""The form in which evidence was found."""

Probe: TypeAlias = Literal[
    "FREE_SPACE",
    "RESOLVE_NAME",
    "LIST_SHARES",
    "REAUTHENTICATE",
    "SERVER_STATE",
    "CHECK_ACCESS",
    "LOOK_UP_PATH",
    "DIALECT",
    "REACH_DOMAIN_CONTROLLER",
    "CHECK_HANDLES",
    "DISK",
    "CONTEXT",
]
"""What to check to decide an ambiguous classification."""

Retry: TypeAlias = Literal["SOON", "LATER", "NEW_SESSION", "AFTER_FIX", "LOCK_OUT", "UNKNOWN", "NO_FAILURE"]
"""When trying again makes sense."""

AlertSeverity: TypeAlias = Literal["Warning", "Critical"]
"""How serious an alert is, in the admin API's words."""

AlertState: TypeAlias = Literal["Active", "Closed"] | str
"""The state of an alert, in the admin API's words."""

Trigger: TypeAlias = Literal["on_demand", "scheduled"]
"""What asked for a backup."""

HoldReason: TypeAlias = Literal[
    "backup_operation_running",
    "exclusive_action_running",
    "failed_exclusive_action",
    "restore_operation_running",
    "unknown",
]
"""Why a backup has to wait."""

OperationKind: TypeAlias = Literal["backup", "fru", "restore", "secret_rotation", "update"] | str
"""What a deployment does; any other word counts as exclusive."""

OperationState: TypeAlias = Literal["failed", "resolved", "running", "succeeded"] | str
"""How far an operation is; any other word holds backups."""

JobStatus: TypeAlias = (
    Literal[
        "Corrupted",
        "Creating",
        "Deleted",
        "Failed",
        "PartialSucceeded",
        "Queued",
        "Running",
        "Skipped",
        "Succeeded",
    ]
    | str
)
"""The status of a job, in the admin API's words."""

WarningKind: TypeAlias = Literal["clock_set_back", "gate_closed_too_long", "missed_runs", "no_recent_backup"]
"""What an operator should look into."""

Condition: TypeAlias = Literal[
    "succeeded", "partial_succeeded", "damaged", "foreign", "incomplete", "unreadable", "unrecognised", "untrusted"
]
"""The condition of a set, as retention sees it."""

DeleteReason: TypeAlias = Literal["expired", "incomplete", "make_room"]
"""Why a set is deleted."""

KeepReason: TypeAlias = Literal[
    "daily",
    "damaged",
    "foreign",
    "from_the_future",
    "grace",
    "label",
    "last",
    "last_full",
    "last_good",
    "monthly",
    "no_good_set",
    "no_rule",
    "not_displaced",
    "pinned",
    "unreadable",
    "unrecognised",
    "untrusted",
    "weekly",
    "within",
]
"""Why a set stays."""

DeletionOutcome: TypeAlias = Literal["deleted", "gone", "folder_left", "skipped", "failed", "not_needed", "stopped"]
"""The outcome of deleting a set."""

CopyOutcome: TypeAlias = Literal[
    "copied", "present", "missing", "not_kept", "skipped", "gone", "conflict", "failed"
]
"""What became of a set that was to be copied."""

Severity: TypeAlias = Literal["critical", "warning", "notice"]
"""How bad a finding of a review is."""

ErrorCode: TypeAlias = Literal[
    "ACCESS_DENIED",
    "ALREADY_EXISTS",
    "CANCELLED",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_UNSUITABLE",
    "CONFLICT",
    "DAMAGED",
    "INCOMPLETE",
    "INTERNAL",
    "INVALID_ARGUMENT",
    "INVALID_NAME",
    "IO",
    "LIMIT_EXCEEDED",
    "LOGON_FAILED",
    "MALFORMED",
    "NOT_FOUND",
    "NOT_TRUSTED",
    "OUT_OF_CAPACITY",
    "RESERVED_PATH",
    "SOURCE_CHANGED",
    "SOURCE_UNREADABLE",
    "TIMED_OUT",
    "UNREACHABLE",
    "UNSUPPORTED",
    "WRONG_CERTIFICATE",
    "WRONG_PASSWORD",
]
"""The code of an error: see `ErrorKind`."""

AlertCode: TypeAlias = Literal[
    "OUT_OF_CAPACITY",
    "CONNECTIVITY",
    "PATH",
    "AUTHENTICATION",
    "GENERAL",
    "SHARE_NOT_WRITABLE",
    "SHARE_NOT_ACCESSIBLE",
    "UPLOAD_FAILED",
    "PARTIALLY_SUCCEEDED",
    "SKIPPED_BY_CONFLICT",
    "SCHEDULER_DISABLED",
    "NOT_CONFIGURED",
    "ALMOST_FULL",
    "DELETION_FAILED",
    "KEY_BASED_ENCRYPTION_DEPRECATED",
    "INTERNAL_BACKUP_FAILED",
    "INTERNAL_DELETION_FAILED",
    "CERTIFICATE_EXPIRING",
]
"""The code of a kind of alert: see `AlertKind`."""
