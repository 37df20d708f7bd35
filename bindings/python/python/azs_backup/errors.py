"""The exceptions: one for each error code, all below `BackupError`.

If Python has a class of its own for the condition, the exception derives from it, too: `except FileNotFoundError`
catches `NotFoundError`. Tell exceptions apart by class or by `code`; the message is for people.
"""

from __future__ import annotations

import errno as _errno

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

    from azs_backup._native import Classification
    from azs_backup.literals import ErrorCode


class BackupError(Exception):
    """Any failure of this package.

    >>> from azs_backup import UncPath
    >>> try:
    ...     UncPath("no path")
    ... except BackupError as error:
    ...     print(error.code, error.alert.kind)
    INVALID_NAME PATH
    """

    code: ClassVar[ErrorCode] = "INTERNAL"
    """The stable code: the same word in Rust, Python, Node and C."""

    causes: tuple[str, ...] = ()
    """The causes, from the nearest to the deepest, each in one line."""

    path: str | None = None
    """The file or folder that it concerns, on the share or on this host; `None` if unknown."""

    operation: str | None = None
    """What was done when it failed, in one word: `read`, `write`, `list`; `None` if unknown."""

    set: str | None = None
    """The name of the backup set that it concerns: `20261123T020000Z-7f3a91c2`; `None` if unknown."""

    @property
    def message(self) -> str:
        """The failure in one line for people, without secrets."""
        return str(self.args[-1]) if self.args else ""

    @property
    def alert(self) -> Classification:
        """Which of the documented alerts this failure is, why, and what to do next."""
        from azs_backup._native import classify_error

        return classify_error(self)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        state = {name: value for name, value in self.__dict__.items() if name != "_failure"}
        if isinstance(self, OSError) and self.filename is not None:
            state["filename"] = self.filename
        return type(self), (self.message,), state or None


class AccessDeniedError(BackupError, PermissionError):
    """The account may not do this."""

    code = "ACCESS_DENIED"
    errno = _errno.EACCES


class AlreadyExistsError(BackupError, FileExistsError):
    """Something already has that name."""

    code = "ALREADY_EXISTS"
    errno = _errno.EEXIST


class CancelledError(BackupError):
    """The progress callback asked to stop."""

    code = "CANCELLED"


class CertificateExpiredError(BackupError, ValueError):
    """The encryption certificate is not valid today; an option allows it anyway."""

    code = "CERTIFICATE_EXPIRED"


class CertificateUnsuitableError(BackupError, ValueError):
    """The certificate cannot be used: a short key, an unsupported curve, a private key in a CER, none in a PFX."""

    code = "CERTIFICATE_UNSUITABLE"


class ConflictError(BackupError):
    """Something else is in the way: an operation until it ends, or a set that belongs elsewhere."""

    code = "CONFLICT"


class DamagedError(BackupError):
    """Stored data is not as it was written: a failed authentication, a wrong digest, a missing or foreign file."""

    code = "DAMAGED"


class IncompleteError(BackupError):
    """The set has no valid cover sheet: its backup never finished, or part of it was deleted."""

    code = "INCOMPLETE"


class InternalError(BackupError, RuntimeError):
    """A fault of this library; please report it."""

    code = "INTERNAL"


class InvalidArgumentError(BackupError, ValueError):
    """The call makes no sense as it is; change the code that makes it."""

    code = "INVALID_ARGUMENT"


class InvalidNameError(BackupError, ValueError):
    """A name or path breaks the rules for names on a share."""

    code = "INVALID_NAME"


class IoError(BackupError, OSError):
    """An input or output failure that no other kind names."""

    code = "IO"
    errno = _errno.EIO


class LimitExceededError(BackupError, ValueError):
    """Something is larger than a limit that protects memory or time."""

    code = "LIMIT_EXCEEDED"


class LogonFailedError(BackupError, PermissionError):
    """The file server does not accept the account: its name, its password, or its state."""

    code = "LOGON_FAILED"
    errno = _errno.EACCES


class MalformedError(BackupError, ValueError):
    """Bytes are not in the expected format."""

    code = "MALFORMED"


class NotFoundError(BackupError, FileNotFoundError):
    """Nothing has that name."""

    code = "NOT_FOUND"
    errno = _errno.ENOENT


class NotTrustedError(BackupError):
    """A signature by one of the signers demanded is missing."""

    code = "NOT_TRUSTED"


class OutOfCapacityError(BackupError, OSError):
    """The share, disk or quota is full."""

    code = "OUT_OF_CAPACITY"
    errno = _errno.ENOSPC


class ReservedPathError(BackupError, ValueError):
    """The path leads into `MASBackup`, which belongs to Azure Stack Hub."""

    code = "RESERVED_PATH"


class SourceChangedError(BackupError, OSError):
    """A source changed while it was read."""

    code = "SOURCE_CHANGED"
    errno = _errno.EIO


class SourceUnreadableError(BackupError, OSError):
    """A source could not be read."""

    code = "SOURCE_UNREADABLE"
    errno = _errno.EIO


class TimedOutError(BackupError, TimeoutError):
    """Something took longer than its limit."""

    code = "TIMED_OUT"
    errno = _errno.ETIMEDOUT


class UnreachableError(BackupError, ConnectionError):
    """The file server cannot be reached, or the connection to it is lost."""

    code = "UNREACHABLE"
    errno = _errno.ENOTCONN


class UnsupportedError(BackupError, NotImplementedError):
    """The format, algorithm or operation is not supported here."""

    code = "UNSUPPORTED"


class WrongCertificateError(BackupError):
    """The message was sealed to other certificates; the message names the thumbprint that is needed."""

    code = "WRONG_CERTIFICATE"


class WrongPasswordError(BackupError, ValueError):
    """The password of the PFX or key is wrong."""

    code = "WRONG_PASSWORD"


CLASSES: dict[str, type[BackupError]] = {kind.code: kind for kind in BackupError.__subclasses__()}
"""The exception of each code."""
