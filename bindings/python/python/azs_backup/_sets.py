"""Values of certificates, shares, sets and alerts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from azs_backup._native import Component, Deployment, Place, ScaleUnit, SetName, SharePath
from azs_backup._value import Value, absent, entry_path, moment, optional, several
from azs_backup.kinds import AlertKind, DocumentedKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from typing_extensions import disjoint_base

    from azs_backup._native import SetSummary
    from azs_backup.literals import (
        BackupStatus,
        Dialect,
        EntryKind,
        ErrorCode,
        EvidenceForm,
        FaultKind,
        Probe,
        Retry,
        SignatureState,
        Step,
        StepOutcome,
    )
else:

    def disjoint_base(cls: type) -> type:
        """Tells type checkers that a class adds attributes to those of its base."""
        return cls


class KeyFacts(Value):
    """A key's type and size."""

    __slots__ = ()
    algorithm: str
    bits: int


class CertificateFacts(Value):
    """What a certificate says about itself. None of it is verified."""

    __slots__ = ()
    _shapes = {"not_before": moment, "not_after": moment, "key": KeyFacts._of}
    subject: str
    issuer: str
    serial: str
    sha1_thumbprint: str
    sha256_thumbprint: str
    not_before: datetime
    not_after: datetime
    key: KeyFacts


class Signature(Value):
    """Whether somebody signed a set, and who. Only a demand for signers says whether that is one of your hosts."""

    __slots__ = ()
    _shapes = {"signer": CertificateFacts._of, "signed_at": optional(moment)}
    state: SignatureState
    signer: CertificateFacts | None = absent(default=None)
    signed_at: datetime | None = absent(default=None)
    reason: str | None = absent(default=None)


class RecipientFacts(Value):
    """Whom a message was sealed to, as the message names them."""

    __slots__ = ()
    issuer: str
    serial: str


class Space(Value):
    """The room on a share, in bytes."""

    __slots__ = ()
    total: int
    free: int


class SmbFacts(Value):
    """What client and server agreed on.

    `target` is the path of the share's root behind a DFS path; `None` without DFS.
    """

    __slots__ = ()
    address: str
    target: str | None
    dialect: Dialect
    encrypted: bool
    cipher: str | None
    signing: str | None
    block: int


class CheckAlert(Value):
    """What a failed step means: the code of its error, what happened, and what to do next."""

    __slots__ = ()
    error: ErrorCode
    description: str
    remedy: tuple[str, ...]

    @property
    def kind(self) -> AlertKind:
        """The kind of alert."""
        return AlertKind(self._data["class"]["kind"])


class CheckedStep(Value):
    """One step of a check, how it went, and what was seen."""

    __slots__ = ()
    _shapes = {"alert": optional(CheckAlert._of)}
    step: Step
    outcome: StepOutcome
    seconds: float
    seen: str
    alert: CheckAlert | None


class Counts(Value):
    """What a set holds."""

    __slots__ = ()
    files: int
    folders: int
    links: int
    bytes: int
    problems: int


class Stored(Value):
    """The stored files in a set's folder, without `SHA256SUMS` and `backup.json`."""

    __slots__ = ()
    files: int
    bytes: int


class Problem(Value):
    """Something in the source that the set does not hold as it was."""

    __slots__ = ()
    _shapes = {"path": entry_path}
    path: str
    code: ErrorCode
    message: str


def deployment_of(data: dict[str, str]) -> Deployment:
    return Deployment(data["external_domain_name"], data["region"])


class Placed(Value):
    """What belongs to a place."""

    __slots__ = ()
    _shapes = {
        "deployment": deployment_of,
        "component": Component,
        "scale_unit": optional(ScaleUnit),
        "set": SetName,
        "folder": SharePath,
        "created": optional(moment),
        "finished": moment,
    }
    deployment: Deployment
    component: Component
    scale_unit: ScaleUnit | None = absent(default=None)
    set: SetName
    labels: Mapping[str, str] = absent(default=MappingProxyType({}))

    @property
    def place(self) -> Place:
        """Deployment, component and scale unit."""
        return Place(self.deployment, self.component, self.scale_unit)


class CoverSheet(Placed):
    """What anyone may know about a set: its place, when it was made, which certificates open it, how large it is."""

    __slots__ = ()
    _shapes = {
        **Placed._shapes,
        "certificates": several(CertificateFacts._of),
        "content": Counts._of,
        "stored": Stored._of,
    }
    format_version: int
    made_by: str
    created: datetime
    finished: datetime
    status: BackupStatus
    certificates: tuple[CertificateFacts, ...]
    content: Counts
    stored: Stored
    sha256sums: str


class Reuse(Value):
    """What was read and stored for a set, and what earlier sets already had.

    `base` is the folder of the earlier set that this one builds on; `None` for a full set. `checked` counts the stored
    files that were read back, and `damaged` names those of them that are damaged. `rewritten` names stored files of the
    earlier set that were missing or damaged; this set stored their content again.
    """

    __slots__ = ()
    _shapes = {
        "base": optional(SharePath),
        **dict.fromkeys(("linked", "copied", "taken_over", "stored", "checked"), Stored._of),
    }
    base: SharePath | None
    files_read: int
    bytes_read: int
    files_kept: int
    bytes_kept: int
    linked: Stored
    copied: Stored
    taken_over: Stored
    stored: Stored
    checked: Stored
    damaged: tuple[str, ...]
    rewritten: tuple[str, ...]


class ShareProtection(Value):
    """What protected the traffic to a share over SMB. `cipher` is `None` if the traffic was only signed.

    `target` is the file server's path behind a DFS path; `None` without DFS.
    """

    __slots__ = ()
    dialect: Dialect
    signing: str
    cipher: str | None
    target: str | None


class BackupReport(CoverSheet):
    """What a backup did: its cover sheet, and more.

    `skipped` are sockets, devices and pipes. `warnings` say what cost time or space but does not harm the set.
    `protection` is `None` for a folder.

    >>> backup.report.reuse.base is None, backup.report.reuse.files_read, backup.report.warnings
    (True, 1, ())
    """

    __slots__ = ()
    _shapes = {
        **CoverSheet._shapes,
        "reuse": Reuse._of,
        "problems": several(Problem._of),
        "skipped": several(Problem._of),
        "protection": optional(ShareProtection._of),
    }
    folder: SharePath
    reuse: Reuse
    problems: tuple[Problem, ...]
    skipped: tuple[Problem, ...]
    warnings: tuple[str, ...]
    protection: ShareProtection | None
    seconds: float


class Fault(Value):
    """A stored file that is not as it was written."""

    __slots__ = ()
    file: str
    kind: FaultKind
    message: str


class Loss(Value):
    """Something wanted that was not restored: the set is damaged, or the target refused it."""

    __slots__ = ()
    _shapes = {"path": optional(entry_path)}
    path: str | None
    file: str | None
    code: ErrorCode
    refused: bool
    message: str


class VerifyReport(Value):
    """What a verification found."""

    __slots__ = ()
    _shapes = {
        "faults": several(Fault._of),
        "foreign": tuple,
        "losses": several(Loss._of),
        "signature": Signature._of,
    }
    full: bool
    stored_files: int
    stored_bytes: int
    files: int
    bytes: int
    faults: tuple[Fault, ...]
    foreign: tuple[str, ...]
    losses: tuple[Loss, ...]
    signature: Signature

    @property
    def is_sound(self) -> bool:
        """Whether the set is as it was written."""
        return not self.faults and not self.losses


class Unrestored(Value):
    """Metadata or links of one kind that could not be restored."""

    __slots__ = ()
    what: str
    count: int
    example: str


class RestoreReport(Value):
    """What a restore did."""

    __slots__ = ()
    _shapes = {
        "kept_differing": several(entry_path),
        "losses": several(Loss._of),
        "unmatched": tuple,
        "unrestored": several(Unrestored._of),
        "problems": several(Problem._of),
        "signature": Signature._of,
    }
    status: BackupStatus
    files: int
    folders: int
    links: int
    bytes: int
    stored_bytes: int
    kept: int
    kept_differing: tuple[str, ...]
    losses: tuple[Loss, ...]
    unmatched: tuple[str, ...]
    unrestored: tuple[Unrestored, ...]
    problems: tuple[Problem, ...]
    signature: Signature


def _nanoseconds(text: str) -> int:
    """Parses decimal seconds, with up to nine digits after the point and any sign."""
    seconds, _, fraction = text.partition(".")
    size = abs(int(seconds)) * 10**9 + int(fraction.ljust(9, "0"))
    return -size if text.startswith("-") else size


def _mtime(text: str) -> datetime | str:
    """A time; text if it is beyond Python's calendar."""
    try:
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=_nanoseconds(text) // 1000)
    except OverflowError:
        return text


class Entry(Value):
    """One entry of a set.

    `mtime` is when the content last changed, to the microsecond; `mtime_ns` is the same in nanoseconds since 1970, as
    in `os.stat`. `mode`, `uid` and `gid` are those of Unix.
    """

    __slots__ = ()
    _shapes = {
        "path": entry_path,
        "target": optional(entry_path),
        "mode": optional(lambda digits: int(digits, 8)),
        "mtime": optional(_mtime),
    }
    kind: EntryKind
    path: str
    size: int = absent(default=0)
    target: str | None = absent(default=None)
    sha256: str | None = absent(default=None)
    sparse: bool = absent(default=False)
    mode: int | None = absent(default=None)
    uid: int | None = absent(default=None)
    gid: int | None = absent(default=None)
    mtime: datetime | None = absent(default=None)

    @property
    def mtime_ns(self) -> int | None:
        """When the content last changed, in nanoseconds since 1970."""
        text = self._data.get("mtime")
        return None if text is None else _nanoseconds(text)


class UnreadableFolder(Value):
    """A folder that may contain sets but cannot be listed."""

    __slots__ = ()
    folder: str
    code: ErrorCode
    reason: str


@disjoint_base
class SetList(tuple["SetSummary", ...]):
    """A listing of sets: a tuple that a notebook shows as a table.

    `unreadable` names the folders that could not be listed; their sets are missing here.
    """

    unreadable: tuple[UnreadableFolder, ...]

    def __new__(cls, sets: Iterable[SetSummary] = (), unreadable: Iterable[UnreadableFolder] = ()) -> SetList:
        listing = super().__new__(cls, sets)
        listing.unreadable = tuple(unreadable)
        return listing

    def complete(self) -> SetList:
        """Returns the sets that can be restored."""
        return SetList((summary for summary in self if summary.is_complete), self.unreadable)

    def _repr_html_(self) -> str:
        from html import escape

        def row(summary: SetSummary) -> Iterator[str]:
            cover = summary.cover
            yield str(summary.place)
            yield str(summary.name)
            yield summary.state if cover is None else cover.status
            yield "" if cover is None else f"{cover.content.files:,}"
            yield "" if cover is None else f"{cover.content.bytes:,}"
            yield "" if cover is None else f"{cover.stored.bytes:,}"
            yield summary.reason or ""

        head = ("Place", "Set", "Status", "Files", "Bytes", "Stored", "Reason")
        cells = "".join(f"<th>{name}</th>" for name in head)
        rows = ("".join(f"<td>{escape(cell)}</td>" for cell in row(summary)) for summary in self)
        body = "".join(f"<tr>{cells}</tr>" for cells in rows)
        return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


class RetryAdvice(Value):
    """Whether and when to try again, and whether that could do harm."""

    __slots__ = ()
    when: Retry
    delay_seconds: int | None
    attempts: int
    could_lock_out: bool


class Evidence(Value):
    """One reason for a classification: a code, name or sentence that was found, and what it means."""

    __slots__ = ()
    _shapes = {"kind": AlertKind, "documented_kind": DocumentedKind, "other_kind": optional(AlertKind)}
    form: EvidenceForm
    code: int | None
    name: str
    kind: AlertKind
    documented_kind: DocumentedKind
    meaning: str
    other_kind: AlertKind | None
    probe: Probe | None
    line: int | None
