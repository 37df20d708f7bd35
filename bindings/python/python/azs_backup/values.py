"""Values: what the library reports and finds, frozen, comparable, hashable and picklable.

A value has the fields that the core gives it, also those that a later version adds. `to_dict` and `to_json` give all of
them as plain data; times are `datetime` in UTC here and RFC 3339 text there.
"""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType

from azs_backup import _native
from azs_backup._native import Component, Deployment, Place, ScaleUnit, SetName, SharePath
from azs_backup.kinds import AlertKind, DocumentedKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any, ClassVar, NoReturn, Self

    from typing_extensions import disjoint_base

    from azs_backup._native import Decision, SetSummary

    # What makes the value of a field from plain data.
    _Shape = Callable[[Any], Any]
else:

    def disjoint_base(cls: type) -> type:
        """Tells type checkers that a class has attributes beside those of the class that it derives from."""
        return cls


def _time(text: str | None) -> datetime | str | None:
    """A moment; as text where the calendar of Python does not reach."""
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return text


def _path(data: str | dict[str, str]) -> str:
    """A name in a set: bytes that are no text become surrogates, as `os.fsdecode` has it."""
    if isinstance(data, str):
        return data
    from base64 import b64decode

    return b64decode(data["base64"]).decode("utf-8", "surrogateescape")


def _frozen(data: Any) -> Any:
    if isinstance(data, dict):
        return MappingProxyType({key: _frozen(item) for key, item in data.items()})
    if isinstance(data, list):
        return tuple(map(_frozen, data))
    return data


def _hashable(data: Any) -> Any:
    if isinstance(data, dict):
        return frozenset((key, _hashable(item)) for key, item in data.items())
    if isinstance(data, list):
        return tuple(map(_hashable, data))
    return data


def _copy(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _copy(item) for key, item in data.items()}
    if isinstance(data, list):
        return list(map(_copy, data))
    return data


def _optional(shape: _Shape) -> _Shape:
    return lambda data: None if data is None else shape(data)


def _several(shape: _Shape) -> _Shape:
    return lambda data: tuple(map(shape, data))


class Value:
    """What all values have in common.

    >>> operation = Operation(kind="update", state="running", name="1.2311.0.24")
    >>> operation.kind, operation.started
    ('update', None)
    >>> operation == Operation(**operation.to_dict())
    True
    """

    __slots__ = ("_data",)
    _data: dict[str, Any]
    _shapes: ClassVar[Mapping[str, _Shape]] = {}
    _defaults: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, **fields: Any) -> None:
        object.__setattr__(self, "_data", {name: _native.plain(field) for name, field in fields.items()})

    @classmethod
    def _of(cls, data: dict[str, Any]) -> Self:
        value = cls.__new__(cls)
        object.__setattr__(value, "_data", data)
        return value

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        copy: dict[str, Any] = _copy(self._data)
        return copy

    def to_json(self, *, indent: int | None = None) -> str:
        """All of it as JSON."""
        from json import dumps

        return dumps(self._data, indent=indent, ensure_ascii=False)

    def replace(self, **changes: Any) -> Self:
        """The same with other fields."""
        return type(self)(**{**self._data, **changes})

    __replace__ = replace

    def __getattr__(self, name: str) -> Any:
        try:
            field = self._data[name]
        except KeyError:
            if name in self._defaults:
                return self._defaults[name]
            raise AttributeError(f"{type(self).__name__} has no {name}", name=name, obj=self) from None
        shape = self._shapes.get(name, _frozen)
        return shape(field)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen; see replace()")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._data, *self._defaults})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Value) and type(self) is type(other) and self._data == other._data

    def __hash__(self) -> int:
        return hash((type(self), _hashable(self._data)))

    def __repr__(self) -> str:
        declared = (name for kind in reversed(type(self).__mro__) for name in kind.__dict__.get("__annotations__", ()))
        order = [name for name in dict.fromkeys([*declared, *self._data]) if name in self._data]
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in order)
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self)._of, (self._data,)


class KeyFacts(Value):
    """A key's type and size."""

    __slots__ = ()
    algorithm: str
    bits: int


class CertificateFacts(Value):
    """What a certificate says about itself. None of it is verified."""

    __slots__ = ()
    _shapes = {"not_before": _time, "not_after": _time, "key": KeyFacts._of}
    subject: str
    issuer: str
    serial: str
    sha1_thumbprint: str
    sha256_thumbprint: str
    not_before: datetime
    not_after: datetime
    key: KeyFacts


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
    """What a connection came to. `dialect` is `3.0`, `3.0.2` or `3.1.1`."""

    __slots__ = ()
    address: str
    dialect: str
    encrypted: bool
    cipher: str | None
    signing: str | None
    block: int


class CheckAlert(Value):
    """What a failed step means: the code of its error, what happened, and what to do next."""

    __slots__ = ()
    error: str
    description: str
    remedy: tuple[str, ...]

    @property
    def kind(self) -> AlertKind:
        """The kind of alert."""
        return AlertKind(self._data["class"]["kind"])


class CheckedStep(Value):
    """One step of a check and how it went: `passed`, `warned`, `failed` or `skipped`."""

    __slots__ = ()
    _shapes = {"alert": _optional(CheckAlert._of)}
    step: str
    outcome: str
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
    """What a set's folder holds, without `SHA256SUMS` and `backup.json`."""

    __slots__ = ()
    files: int
    bytes: int


class Problem(Value):
    """Something of the source that the set does not hold as it was."""

    __slots__ = ()
    _shapes = {"path": _path}
    path: str
    code: str
    message: str


def _deployment(data: dict[str, str]) -> Deployment:
    return Deployment(data["external_domain_name"], data["region"])


class _Placed(Value):
    """What lies in a place."""

    __slots__ = ()
    _shapes = {
        "deployment": _deployment,
        "component": Component,
        "scale_unit": _optional(ScaleUnit),
        "set": SetName,
        "folder": SharePath,
        "created": _optional(_time),
        "finished": _time,
    }
    _defaults = {"scale_unit": None, "labels": MappingProxyType({})}
    deployment: Deployment
    component: Component
    scale_unit: ScaleUnit | None
    set: SetName
    labels: Mapping[str, str]

    @property
    def place(self) -> Place:
        """Deployment, component and scale unit."""
        return Place(self.deployment, self.component, self.scale_unit)


class CoverSheet(_Placed):
    """What anyone may know of a set: whose it is, when it was made, which certificates open it, how large it is."""

    __slots__ = ()
    _shapes = {
        **_Placed._shapes,
        "certificates": _several(CertificateFacts._of),
        "content": Counts._of,
        "stored": Stored._of,
    }
    format_version: int
    made_by: str
    created: datetime
    finished: datetime
    status: str
    certificates: tuple[CertificateFacts, ...]
    content: Counts
    stored: Stored
    sha256sums: str


class Reuse(Value):
    """What was read and stored for a set, and what earlier sets had already.

    `base` is the folder of the earlier set that this one builds on, none for a full one. `rewritten` names stored files of
    it that were missing or damaged: what they held was stored again. `checked` were read back; `damaged` of them were.
    """

    __slots__ = ()
    _shapes = {
        "base": _optional(SharePath),
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
    """What protected the traffic to a share over SMB. `cipher` is none if it was signed only."""

    __slots__ = ()
    dialect: str
    signing: str
    cipher: str | None


class BackupReport(CoverSheet):
    """What a backup did: its cover sheet, and more.

    `skipped` are sockets, devices and pipes; `warnings` tell what cost time or space, but not the set. `protection` is none
    for a folder.

    >>> backup.report.reuse.base is None, backup.report.reuse.files_read, backup.report.warnings
    (True, 1, ())
    """

    __slots__ = ()
    _shapes = {
        **CoverSheet._shapes,
        "reuse": Reuse._of,
        "problems": _several(Problem._of),
        "skipped": _several(Problem._of),
        "protection": _optional(ShareProtection._of),
    }
    folder: SharePath
    reuse: Reuse
    problems: tuple[Problem, ...]
    skipped: tuple[Problem, ...]
    warnings: tuple[str, ...]
    protection: ShareProtection | None
    seconds: float


class Fault(Value):
    """A stored file that is not what was written."""

    __slots__ = ()
    file: str
    kind: str
    message: str


class Loss(Value):
    """Something that is not restored: the set can no longer give it, or the target refused it."""

    __slots__ = ()
    _shapes = {"path": _optional(_path)}
    path: str | None
    file: str | None
    code: str
    refused: bool
    message: str


class VerifyReport(Value):
    """What a verification found."""

    __slots__ = ()
    _shapes = {"faults": _several(Fault._of), "foreign": tuple, "losses": _several(Loss._of)}
    full: bool
    stored_files: int
    stored_bytes: int
    files: int
    bytes: int
    faults: tuple[Fault, ...]
    foreign: tuple[str, ...]
    losses: tuple[Loss, ...]

    @property
    def is_sound(self) -> bool:
        """Whether the set is what was written."""
        return not self.faults and not self.losses


class Unrestored(Value):
    """Metadata or links that could not be put back, of one kind."""

    __slots__ = ()
    what: str
    count: int
    example: str


class RestoreReport(Value):
    """What a restore did."""

    __slots__ = ()
    _shapes = {
        "kept_differing": _several(_path),
        "losses": _several(Loss._of),
        "unmatched": tuple,
        "unrestored": _several(Unrestored._of),
        "problems": _several(Problem._of),
    }
    status: str
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


class Entry(Value):
    """One entry of a set. `kind` is `file`, `large_file`, `folder`, `symlink` or `hard_link`."""

    __slots__ = ()
    _shapes = {
        "path": _path,
        "target": _optional(_path),
        "mode": _optional(lambda digits: int(digits, 8)),
        "mtime": _optional(float),
    }
    _defaults = {
        "size": 0, "target": None, "sha256": None, "sparse": False, "mode": None, "uid": None, "gid": None, "mtime": None,
    }  # fmt: skip
    kind: str
    path: str
    size: int
    target: str | None
    sha256: str | None
    sparse: bool
    mode: int | None
    uid: int | None
    gid: int | None
    mtime: float | None


class UnreadableFolder(Value):
    """A folder that may hold sets and cannot be listed."""

    __slots__ = ()
    folder: str
    code: str
    reason: str


@disjoint_base
class SetList(tuple["SetSummary", ...]):
    """A listing of sets: a tuple that shows as a table in a notebook.

    `unreadable` names the folders that could not be listed: sets in them are missing here.
    """

    unreadable: tuple[UnreadableFolder, ...]

    def __new__(cls, sets: Iterable[SetSummary] = (), unreadable: Iterable[UnreadableFolder] = ()) -> SetList:
        listing = super().__new__(cls, sets)
        listing.unreadable = tuple(unreadable)
        return listing

    def complete(self) -> SetList:
        """Those that can be restored."""
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
    """Whether and when to try again, and whether that could make it worse.

    `when` is `SOON`, `LATER`, `NEW_SESSION`, `AFTER_FIX`, `LOCK_OUT`, `UNKNOWN` or `NO_FAILURE`.
    """

    __slots__ = ()
    when: str
    delay_seconds: int | None
    attempts: int
    could_lock_out: bool


class Evidence(Value):
    """One reason for a classification: a code, name or sentence that was found, and what it says."""

    __slots__ = ()
    _shapes = {"kind": AlertKind, "documented_kind": DocumentedKind, "other_kind": _optional(AlertKind)}
    form: str
    code: int | None
    name: str
    kind: AlertKind
    documented_kind: DocumentedKind
    meaning: str
    other_kind: AlertKind | None
    probe: str | None
    line: int | None


class Operation(Value):
    """Something that a deployment does, or failed to do, and that backups may have to wait for.

    `kind` is `backup`, `fru`, `restore`, `secret_rotation`, `update` or any other word; `state` is `failed`, `resolved`,
    `running`, `succeeded` or any other.
    """

    __slots__ = ()
    _shapes = {"started": _optional(_time), "expected_end": _optional(_time)}
    _defaults = {"name": None, "started": None, "expected_end": None}
    kind: str
    state: str
    name: str | None
    started: datetime | None
    expected_end: datetime | None


class Job(Value):
    """The record of one run, or of one that was skipped.

    >>> job = Job.start("2026-11-23", now="2026-11-23T02:00:00Z")
    >>> job.end("Failed", now="2026-11-23T02:00:07Z").replace(alert="CONNECTIVITY").status
    'Failed'
    """

    __slots__ = ()
    _shapes = {
        "started": _time,
        "ended": _optional(_time),
        "next_run": _optional(_time),
        "set": _optional(SetName),
        "place": _optional(
            lambda data: Place(_deployment(data["deployment"]), data["component"], data.get("scale_unit"))
        ),
    }
    _defaults = {
        "ended": None, "place": None, "set": None, "bytes": None, "alert": None, "reason": None, "slow": False,
        "next_run": None, "process": None,
    }  # fmt: skip
    id: str
    trigger: str
    started: datetime
    ended: datetime | None
    status: str
    place: Place | None
    set: SetName | None
    bytes: int | None
    alert: str | None
    reason: str | None
    slow: bool
    next_run: datetime | None
    process: Mapping[str, Any] | None

    @classmethod
    def start(cls, id: str, trigger: str = "scheduled", *, now: datetime | str | None = None) -> Job:
        """A job that begins. `trigger` is `scheduled` or `on_demand`."""
        return cls._of(_native.job_start(id, trigger, now))

    @classmethod
    def skipped(cls, id: str, decision: Decision, *, now: datetime | str | None = None) -> Job:
        """A scheduled job that was skipped."""
        return cls._of(_native.job_skipped(id, decision, now))

    def end(self, status: str, *, now: datetime | str | None = None) -> Job:
        """Ends it, and notes whether it was slow. `status` is a word of the admin API: `Succeeded`, `Failed`…"""
        return type(self)._of(_native.job_end(self, status, now))


class Jobs(Value):
    """What a log of jobs holds."""

    __slots__ = ()
    _shapes = {
        "jobs": _several(Job._of),
        "died": _several(Job._of),
        "running": _several(Operation._of),
        "last_scheduled": _optional(_time),
        "last_good": _optional(_time),
    }
    jobs: tuple[Job, ...]
    died: tuple[Job, ...]
    unreadable: int
    is_cut: bool
    last_scheduled: datetime | None
    last_good: datetime | None
    running: tuple[Operation, ...]


class BackupWarning(Value):
    """Something that an operator should see to. `warning` says which, `message` is for people."""

    __slots__ = ()
    _shapes = {"since": _time, "due": _time, "last": _optional(_time)}
    warning: str
    message: str


class Candidate(_Placed):
    """A set as retention sees it.

    `condition` is `succeeded`, `partial_succeeded`, `damaged`, `foreign`, `incomplete`, `unreadable` or `unrecognised`;
    `content` has `files` and `bytes`, and `newest_file` is when one that is not complete was last written to.
    """

    __slots__ = ()
    _shapes = {**_Placed._shapes, "newest_file": _optional(_time)}
    _defaults = {**_Placed._defaults, "content": None, "newest_file": None}
    condition: str
    created: datetime | None
    bytes: int
    content: Mapping[str, int] | None
    newest_file: datetime | None


class Deletion(Candidate):
    """A set that goes, and why: `expired`, `incomplete` or `make_room`."""

    __slots__ = ()
    folder: SharePath
    reason: str
    freed_bytes: int


class Kept(Candidate):
    """A set that stays, and every rule that keeps it."""

    __slots__ = ()
    folder: SharePath
    reasons: tuple[str, ...]


class Outcome(Value):
    """What became of a set that was to be deleted.

    `outcome` is `deleted`, `gone`, `folder_left`, `skipped`, `failed` or `stopped`.
    """

    __slots__ = ()
    _shapes = {"folder": SharePath}
    _defaults = {"foreign": (), "why": None, "code": None, "message": None}
    folder: SharePath
    outcome: str
    foreign: tuple[str, ...]
    why: str | None
    code: str | None
    message: str | None


class RetentionReport(Value):
    """What became of each set that a plan wanted to delete."""

    __slots__ = ()
    _shapes = {"outcomes": _several(lambda pair: Outcome._of({"folder": pair[0], **pair[1]}))}
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
    severity: str
    title: str
    why: str
    practice: str
    remedy: str


class Finding(Rule):
    """Something that is not as the practices have it: the rule, what it is about, and what was seen."""

    __slots__ = ()
    about: str
    seen: str


class Silenced(Finding):
    """A finding that the configuration silences, and why."""

    __slots__ = ()
    reason: str


class Day(Value):
    """One day of UTC: sets that are complete, partial and incomplete."""

    __slots__ = ()
    date: str
    complete: int
    partial: int
    incomplete: int


class Size(Value):
    """The size of one set."""

    __slots__ = ()
    _shapes = {"created": _time}
    created: datetime
    bytes: int


class ComponentReview(Value):
    """How the backups of one component, or of one scale unit of it, stand."""

    __slots__ = ()
    _shapes = {"last_backup": _optional(_time), "days": _several(Day._of), "sizes": _several(Size._of)}
    name: str
    worst: str | None
    is_configured: bool
    frequency_hours: int
    retention_days: int | None
    last_backup: datetime | None
    complete: int
    others: int
    bytes: int
    days: tuple[Day, ...]
    sizes: tuple[Size, ...]
