"""Error codes and alert kinds as enumerations whose members are the codes."""

from __future__ import annotations

from enum import StrEnum

from azs_backup import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from azs_backup.errors import BackupError
    from azs_backup.literals import AlertSeverity


class ErrorKind(StrEnum):
    """The conditions that a caller can tell apart. A code never changes its meaning; new ones may be added.

    >>> ErrorKind.NOT_FOUND.exception.__name__
    'NotFoundError'
    """

    ACCESS_DENIED = "ACCESS_DENIED"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    CANCELLED = "CANCELLED"
    CERTIFICATE_EXPIRED = "CERTIFICATE_EXPIRED"
    CERTIFICATE_UNSUITABLE = "CERTIFICATE_UNSUITABLE"
    CONFLICT = "CONFLICT"
    DAMAGED = "DAMAGED"
    INCOMPLETE = "INCOMPLETE"
    INTERNAL = "INTERNAL"
    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    INVALID_NAME = "INVALID_NAME"
    IO = "IO"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    LOGON_FAILED = "LOGON_FAILED"
    MALFORMED = "MALFORMED"
    NOT_FOUND = "NOT_FOUND"
    NOT_TRUSTED = "NOT_TRUSTED"
    OUT_OF_CAPACITY = "OUT_OF_CAPACITY"
    RESERVED_PATH = "RESERVED_PATH"
    SOURCE_CHANGED = "SOURCE_CHANGED"
    SOURCE_UNREADABLE = "SOURCE_UNREADABLE"
    TIMED_OUT = "TIMED_OUT"
    UNREACHABLE = "UNREACHABLE"
    UNSUPPORTED = "UNSUPPORTED"
    WRONG_CERTIFICATE = "WRONG_CERTIFICATE"
    WRONG_PASSWORD = "WRONG_PASSWORD"

    @property
    def exception(self) -> type[BackupError]:
        """The exception that has this code."""
        from azs_backup.errors import CLASSES

        return CLASSES[self.value]


class DocumentedKind(StrEnum):
    """The five alerts that the best practices name."""

    OUT_OF_CAPACITY = "OUT_OF_CAPACITY"
    CONNECTIVITY = "CONNECTIVITY"
    PATH = "PATH"
    AUTHENTICATION = "AUTHENTICATION"
    GENERAL = "GENERAL"


class AlertKind(StrEnum):
    """What an alert is about: the documented five, and more that systems show.

    >>> AlertKind.ALMOST_FULL.documented
    <DocumentedKind.OUT_OF_CAPACITY: 'OUT_OF_CAPACITY'>
    """

    OUT_OF_CAPACITY = "OUT_OF_CAPACITY"
    CONNECTIVITY = "CONNECTIVITY"
    PATH = "PATH"
    AUTHENTICATION = "AUTHENTICATION"
    GENERAL = "GENERAL"
    SHARE_NOT_WRITABLE = "SHARE_NOT_WRITABLE"
    SHARE_NOT_ACCESSIBLE = "SHARE_NOT_ACCESSIBLE"
    UPLOAD_FAILED = "UPLOAD_FAILED"
    PARTIALLY_SUCCEEDED = "PARTIALLY_SUCCEEDED"
    SKIPPED_BY_CONFLICT = "SKIPPED_BY_CONFLICT"
    SCHEDULER_DISABLED = "SCHEDULER_DISABLED"
    NOT_CONFIGURED = "NOT_CONFIGURED"
    ALMOST_FULL = "ALMOST_FULL"
    DELETION_FAILED = "DELETION_FAILED"
    KEY_BASED_ENCRYPTION_DEPRECATED = "KEY_BASED_ENCRYPTION_DEPRECATED"
    INTERNAL_BACKUP_FAILED = "INTERNAL_BACKUP_FAILED"
    INTERNAL_DELETION_FAILED = "INTERNAL_DELETION_FAILED"
    CERTIFICATE_EXPIRING = "CERTIFICATE_EXPIRING"

    @classmethod
    def from_fault_type_id(cls, id: str) -> AlertKind | None:
        """Returns the kind of a `faultTypeId`, in any letter case; `None` if it is unknown."""
        code = _native.alert_kind_of_fault_type(id)
        return None if code is None else cls(code)

    @classmethod
    def from_title(cls, title: str) -> AlertKind | None:
        """Returns the kind of a title, documented or seen on a system. A last resort, since titles change."""
        code = _native.alert_kind_of_title(title)
        return None if code is None else cls(code)

    @property
    def documented(self) -> DocumentedKind:
        """Which of the documented five it belongs to."""
        return DocumentedKind(_native.alert_kind_facts(self.value)[0])

    @property
    def severity(self) -> AlertSeverity:
        """How serious it is."""
        return _native.alert_kind_facts(self.value)[1]

    @property
    def fault_type_id(self) -> str:
        """Its `faultTypeId` in Azure Stack Hub."""
        return _native.alert_kind_facts(self.value)[2]

    @property
    def alert_title(self) -> str:
        """The title of the alert."""
        return _native.alert_kind_facts(self.value)[3]
