# The native half of the package, by hand: stubtest holds it against what there is.

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from os import PathLike
from pathlib import PurePath
from types import TracebackType
from typing import Any, Final, Literal, Never, Protocol, Self, TypeAlias, final, type_check_only

from typing_extensions import Buffer, disjoint_base

from azs_backup.kinds import AlertKind, DocumentedKind
from azs_backup.literals import (
    AlertCode,
    AlertSeverity,
    AlertState,
    Compare,
    Confidence,
    Damage,
    Dialect,
    Durability,
    Encryption,
    ErrorCode,
    Existing,
    HoldReason,
    JobStatus,
    Probe,
    Profile,
    SetState,
    Severity,
    ShrunkenSources,
    SourceProblems,
    Trigger,
)
from azs_backup.values import (
    BackupReport,
    BackupWarning,
    Candidate,
    CertificateFacts,
    CheckedStep,
    ComponentReview,
    CopyReport,
    CoverSheet,
    Deletion,
    Entry,
    Evidence,
    Finding,
    Job,
    Jobs,
    Kept,
    Operation,
    RecipientFacts,
    RestoreReport,
    RetentionReport,
    RetryAdvice,
    Rule,
    SetList,
    Signature,
    Silenced,
    SmbFacts,
    Space,
    SurveyRow,
    VerifyReport,
)

_StrPath: TypeAlias = str | PathLike[str]
_Name: TypeAlias = str | PurePath
_Time: TypeAlias = datetime | str
_Json: TypeAlias = str | Buffer
_Data: TypeAlias = Mapping[str, object]
_ProgressCallback: TypeAlias = Callable[[Progress], object]
_Region: TypeAlias = Share | tuple[Share, Deployment | str]

@type_check_only
class _Reader(Protocol):
    def read(self, size: int, /) -> Buffer | None: ...

@type_check_only
class _Writer(Protocol):
    def write(self, data: bytes, /) -> int | None: ...

__all__ = [
    "Alert",
    "Backup",
    "BackupSet",
    "CheckReport",
    "Classification",
    "Component",
    "Decision",
    "DecryptionCertificate",
    "Deployment",
    "EncryptionCertificate",
    "EntryIterator",
    "Failure",
    "FolderShare",
    "Gate",
    "Hold",
    "Host",
    "JobLog",
    "MasBackup",
    "Name",
    "NextRun",
    "Opener",
    "Place",
    "Progress",
    "RetentionPlan",
    "RetentionPolicy",
    "Review",
    "ScaleUnit",
    "Schedule",
    "Sealer",
    "SetName",
    "SetSummary",
    "Share",
    "SharePath",
    "Signer",
    "SignerCertificate",
    "SmbShare",
    "Survey",
    "TextClassifier",
    "UncPath",
    "VERSION",
    "alert_kind_facts",
    "alert_kind_of_fault_type",
    "alert_kind_of_title",
    "alert_kinds",
    "backup_warnings",
    "check_share",
    "check_smb_share",
    "classify_errno",
    "classify_error",
    "classify_hresult",
    "classify_json",
    "classify_kind",
    "classify_ntstatus",
    "classify_text",
    "classify_win32",
    "copy_set",
    "error_kinds",
    "is_mas_backup",
    "job_end",
    "job_skipped",
    "job_start",
    "list_deployments",
    "list_sets",
    "open_share",
    "parse_operations",
    "plain",
    "recipients_of",
    "replicate",
    "review",
    "rules",
    "run_program",
    "survey",
]

VERSION: Final[str]

# The program

def run_program(arguments: Sequence[str]) -> int:
    """Run the program `azs-backup` with these arguments, and return its exit code.

    It prints to the standard output, and handles signals: it belongs into a process of its own.
    """

# Names and places

@final
class UncPath:
    r"""Where a share is, and a folder in it: `\\fileserver01.contoso.com\AzSBackups\contoso.com`.

    It parses text as people write it, and prints one normal form. Raises `InvalidNameError`, or
    `ReservedPathError` for a path into `MASBackup`.

    >>> path = UncPath("//fs.contoso.com/AzSBackups/contoso.com/")
    >>> print(path, path.host, path.share, path.folders)
    \\fs.contoso.com\AzSBackups\contoso.com fs.contoso.com AzSBackups contoso.com
    >>> path / "nyc"
    UncPath('\\\\fs.contoso.com\\AzSBackups\\contoso.com\\nyc')
    """
    def __new__(cls, text: UncPath | str) -> Self: ...
    @property
    def host(self) -> Host:
        """The file server."""
    @property
    def share(self) -> str:
        """The share's name."""
    @property
    def folders(self) -> SharePath:
        """The folders below the share."""
    @property
    def parent(self) -> UncPath | None:
        """The folder above it; `None` for the share itself."""
    @property
    def verbatim(self) -> str:
        r"""The form that Windows uses without interpreting it: `\\?\UNC\…`."""
    @property
    def is_administrative(self) -> bool:
        """Whether the share is an administrative one: `C$`."""
    @property
    def len_utf16(self) -> int:
        """Length in UTF-16 code units, as Windows counts."""
    def join(self, path: SharePath | str) -> UncPath:
        """Returns this path continued by another."""
    def same_place(self, other: UncPath | str) -> bool:
        """Whether both are the same place, ignoring letter case."""
    def __truediv__(self, path: SharePath | str, /) -> UncPath: ...
    def __rtruediv__(self, value: Never, /) -> Never: ...
    def __getnewargs__(self) -> tuple[str]: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: UncPath, /) -> bool: ...
    def __le__(self, other: UncPath, /) -> bool: ...
    def __gt__(self, other: UncPath, /) -> bool: ...
    def __ge__(self, other: UncPath, /) -> bool: ...

@final
class SharePath:
    r"""A path on the share, relative to its root: `contoso.com/nyc/Switches`.

    >>> SharePath("contoso.com\\nyc").names
    (Name('contoso.com'), Name('nyc'))
    """
    def __new__(cls, text: SharePath | str) -> Self: ...
    @property
    def names(self) -> tuple[Name, ...]:
        """Its names from the top down."""
    @property
    def parent(self) -> SharePath | None:
        """The folder above it; `None` for the root."""
    @property
    def file_name(self) -> Name | None:
        """Its last name; `None` for the root."""
    @property
    def is_root(self) -> bool:
        """Whether it is the root."""
    @property
    def len_utf16(self) -> int:
        """Length in UTF-16 code units, as Windows counts."""
    def join(self, path: SharePath | str) -> SharePath:
        """Returns this path continued by another."""
    def same_place(self, other: SharePath | str) -> bool:
        """Whether both are the same place, ignoring letter case."""
    def __truediv__(self, path: SharePath | str, /) -> SharePath: ...
    def __rtruediv__(self, value: Never, /) -> Never: ...
    def __getnewargs__(self) -> tuple[str]: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: SharePath, /) -> bool: ...
    def __le__(self, other: SharePath, /) -> bool: ...
    def __gt__(self, other: SharePath, /) -> bool: ...
    def __ge__(self, other: SharePath, /) -> bool: ...

@final
class Name:
    """A name on a share. It follows the rules of Windows and is not `MASBackup`."""
    def __new__(cls, text: Name | str) -> Self: ...
    def same_name(self, other: Name | str) -> bool:
        """Whether both are the same name, ignoring letter case."""
    def __getnewargs__(self) -> tuple[str]: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Name, /) -> bool: ...
    def __le__(self, other: Name, /) -> bool: ...
    def __gt__(self, other: Name, /) -> bool: ...
    def __ge__(self, other: Name, /) -> bool: ...

@final
class Host:
    """A file server, by name or address.

    >>> Host("10.0.0.2").kind
    'ipv4'
    """
    def __new__(cls, text: Host | str) -> Self: ...
    @property
    def kind(self) -> Literal["fqdn", "single_label", "ipv4", "ipv6"]:
        """How it is written: `fqdn`, `single_label`, `ipv4` or `ipv6`."""
    @property
    def ip(self) -> str | None:
        """Its address, if it is written as one."""
    @property
    def scope_id(self) -> int | None:
        """The scope of a link-local address."""
    @property
    def address(self) -> str:
        """What a resolver accepts."""
    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine."""
    def same_host(self, other: Host | str) -> bool:
        """Whether both are written alike, ignoring letter case. Nothing is resolved."""
    def __getnewargs__(self) -> tuple[str]: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Host, /) -> bool: ...
    def __le__(self, other: Host, /) -> bool: ...
    def __gt__(self, other: Host, /) -> bool: ...
    def __ge__(self, other: Host, /) -> bool: ...

@final
class Component:
    """What is backed up: `HLH`, `Switches`, `DeploymentData`, `Registration`, or another name.

    >>> Component("switches"), Component("switches").is_known
    (Component('Switches'), True)
    """
    def __new__(cls, text: Component | str) -> Self: ...
    @property
    def is_known(self) -> bool:
        """Whether it is one of the four that the documentation names."""
    def __getnewargs__(self) -> tuple[str]: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Component, /) -> bool: ...
    def __le__(self, other: Component, /) -> bool: ...
    def __gt__(self, other: Component, /) -> bool: ...
    def __ge__(self, other: Component, /) -> bool: ...

@final
class ScaleUnit:
    """An instance of a component, if a region has several."""
    def __new__(cls, text: ScaleUnit | str) -> Self: ...
    def __getnewargs__(self) -> tuple[str]: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: ScaleUnit, /) -> bool: ...
    def __le__(self, other: ScaleUnit, /) -> bool: ...
    def __gt__(self, other: ScaleUnit, /) -> bool: ...
    def __ge__(self, other: ScaleUnit, /) -> bool: ...

@final
class SetName:
    """The name of a set's folder: `20261123T020000Z-7f3a91c2`, its time in UTC and a random suffix.

    >>> SetName("20261123T020000Z-7f3a91c2").created.isoformat()
    '2026-11-23T02:00:00+00:00'
    """
    def __new__(cls, text: SetName | str) -> Self: ...
    @staticmethod
    def at(created: _Time, suffix: int) -> SetName:
        """Returns the name of a set that begins at this time; drops the fraction of a second."""
    @property
    def created(self) -> datetime:
        """When the set began, to the second."""
    @property
    def suffix(self) -> int:
        """The random suffix."""
    def __getnewargs__(self) -> tuple[str]: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: SetName, /) -> bool: ...
    def __le__(self, other: SetName, /) -> bool: ...
    def __gt__(self, other: SetName, /) -> bool: ...
    def __ge__(self, other: SetName, /) -> bool: ...

@final
class Deployment:
    """A deployment: its external domain name and its region.

    >>> Deployment("contoso.com", "nyc").fqdn
    'nyc.contoso.com'
    """
    def __new__(cls, external_domain_name: str, region: str) -> Self: ...
    @staticmethod
    def parse(text: Deployment | str) -> Deployment:
        """Parses what a deployment prints: `contoso.com/nyc`."""
    @property
    def external_domain_name(self) -> Name:
        """The external domain name: `contoso.com`."""
    @property
    def region(self) -> Name:
        """The region: `nyc`."""
    @property
    def fqdn(self) -> str:
        """The deployment's fully qualified domain name: `nyc.contoso.com`."""
    @property
    def region_folder(self) -> SharePath:
        """The region folder: it contains the deployment's backups."""
    def __getnewargs__(self) -> tuple[str, str]: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Deployment, /) -> bool: ...
    def __le__(self, other: Deployment, /) -> bool: ...
    def __gt__(self, other: Deployment, /) -> bool: ...
    def __ge__(self, other: Deployment, /) -> bool: ...

@final
class Place:
    """Where sets are: a deployment, a component, and a scale unit if there are several.

    >>> print(Place(Deployment("contoso.com", "nyc"), "Switches").folder)
    contoso.com/nyc/Switches
    """
    def __new__(
        cls, deployment: Deployment | str, component: Component | str, scale_unit: ScaleUnit | str | None = None
    ) -> Self: ...
    @staticmethod
    def parse(text: Place | str) -> Place:
        """Parses what a place prints: `contoso.com/nyc/Switches`."""
    @property
    def deployment(self) -> Deployment:
        """The deployment."""
    @property
    def component(self) -> Component:
        """The component."""
    @property
    def scale_unit(self) -> ScaleUnit | None:
        """The scale unit, if there is one."""
    @property
    def folder(self) -> SharePath:
        """The folder on the share that contains its sets."""
    def set_folder(self, set: SetName | str) -> SharePath:
        """Returns the folder of the set with this name."""
    def __getnewargs__(self) -> tuple[Deployment, Component, ScaleUnit | None]: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Place, /) -> bool: ...
    def __le__(self, other: Place, /) -> bool: ...
    def __gt__(self, other: Place, /) -> bool: ...
    def __ge__(self, other: Place, /) -> bool: ...

def is_mas_backup(name: str) -> bool:
    """Whether a name is `MASBackup`, or one that Windows takes for it. That folder belongs to Azure Stack Hub.

    >>> is_mas_backup("masbackup."), is_mas_backup("Switches")
    (True, False)
    """

# Certificates, sealing, opening

@final
class EncryptionCertificate:
    """A public certificate that backups are sealed to: the CER.

    Create it with `from_cer` or `load`. Two are equal if they are the same certificate.

    >>> certificate = EncryptionCertificate.load(folder / "backup.cer")
    >>> certificate.facts.key
    KeyFacts(algorithm='RSA', bits=2048)
    >>> certificate.check_validity("2001-01-01T00:00:00Z")
    Traceback (most recent call last):
    azs_backup.errors.CertificateExpiredError: ...
    """
    @staticmethod
    def from_cer(data: Buffer) -> EncryptionCertificate:
        """Reads a CER: DER, PEM or Base64, as Windows and OpenSSL write it.

        Raises `MalformedError`, or `CertificateUnsuitableError` if the key cannot be used or the file contains a
        private key.
        """
    @staticmethod
    def load(file: _StrPath) -> EncryptionCertificate:
        """Reads a CER file."""
    @property
    def facts(self) -> CertificateFacts:
        """What the certificate says about itself: subject, issuer, thumbprints, validity, key."""
    def check_validity(self, at: _Time | None = None) -> None:
        """Raises `CertificateExpiredError` unless the certificate is valid at that time, by default now."""
    def to_der(self) -> bytes:
        """Returns the certificate in DER, as in a CER file."""
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Never, /) -> bool: ...
    def __le__(self, other: Never, /) -> bool: ...
    def __gt__(self, other: Never, /) -> bool: ...
    def __ge__(self, other: Never, /) -> bool: ...

@final
class DecryptionCertificate:
    """A certificate with its private key, which opens backups. It cannot be pickled, and never shows its key.

    >>> pfx = DecryptionCertificate.load(folder / "backup.pfx", "correct horse")
    >>> pfx.encryption_certificate == certificate
    True
    >>> DecryptionCertificate.load(folder / "backup.pfx", "wrong")
    Traceback (most recent call last):
    azs_backup.errors.WrongPasswordError: ...
    """
    @staticmethod
    def from_pfx(data: Buffer, password: str | None = None) -> DecryptionCertificate:
        """Reads a PFX, also in Base64 as a vault exports it.

        Raises `WrongPasswordError`, `MalformedError`, `CertificateUnsuitableError` and `UnsupportedError`.
        """
    @staticmethod
    def from_pem(key: Buffer, passphrase: str | None = None, *, certificate: Buffer) -> DecryptionCertificate:
        """Reads a private key in PEM and its certificate, which may be in the same file."""
    @staticmethod
    def load(file: _StrPath, password: str | None = None) -> DecryptionCertificate:
        """Reads a PFX file."""
    @property
    def facts(self) -> CertificateFacts:
        """What the certificate says about itself."""
    @property
    def encryption_certificate(self) -> EncryptionCertificate:
        """The public half, as in the CER."""
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Never, /) -> bool: ...
    def __le__(self, other: Never, /) -> bool: ...
    def __gt__(self, other: Never, /) -> bool: ...
    def __ge__(self, other: Never, /) -> bool: ...

@final
class Sealer:
    """Seals messages to one certificate or several.

    All messages of a sealer have one content key. Threads may share it. Create another one in a forked process.

    >>> message = Sealer(certificate).seal(b"hostname tor1")
    >>> recipients_of(message)[0].serial == certificate.facts.serial
    True
    >>> opener.open(message)
    b'hostname tor1'
    """
    def __new__(cls, certificates: EncryptionCertificate | Iterable[EncryptionCertificate]) -> Self: ...
    def seal(self, data: Buffer) -> bytes:
        """Seals at most 64 MiB as one message, which `openssl cms -decrypt` opens."""
    def seal_file(self, source: _StrPath, target: _StrPath) -> int:
        """Seals a file of at most 64 MiB into a new file. Returns how many bytes it had."""
    def seal_stream(self, reader: _Reader, writer: _Writer) -> int:
        """Seals everything that a binary stream returns as one message. Returns how many bytes that was."""

@final
class Opener:
    """Opens messages with one certificate or several: the old and the new one, while you rotate certificates.

    Threads may share it.

    >>> opener.open(b"anything")
    Traceback (most recent call last):
    azs_backup.errors.MalformedError: ...
    """
    def __new__(cls, certificates: DecryptionCertificate | Iterable[DecryptionCertificate]) -> Self: ...
    @property
    def certificates(self) -> tuple[CertificateFacts, ...]:
        """What its certificates say about themselves."""
    def open(self, message: Buffer) -> bytes:
        """Decrypts a message. Raises `DamagedError` unless all of it is authentic, or `WrongCertificateError`, which
        names the certificate that you need.
        """
    def open_file(self, source: _StrPath, target: _StrPath) -> int:
        """Opens a file with one message into a new file, which appears only once it is whole."""
    def open_stream(self, reader: _Reader, writer: _Writer) -> int:
        """Opens the single message that a binary stream returns. Writes nothing before all of it is authentic."""

def recipients_of(message: Buffer) -> tuple[RecipientFacts, ...]:
    """Returns whom a message is sealed to: issuer and serial number of each certificate that opens it. Needs no key."""

# The share

@disjoint_base
class Share:
    """An open share: what `FolderShare` and `SmbShare` have in common.

    As a context manager it closes the share at the end of the block. What you opened on it keeps working.
    """
    def describe(self) -> str:
        """Where it is, for messages."""
    def space(self) -> Space:
        """Returns how much room there is for this account, in bytes: `total` and `free`. Raises `UnsupportedError` if
        the share does not tell.
        """
    def close(self) -> None:
        """Closes the share. Does nothing if called again."""
    @property
    def closed(self) -> bool:
        """Whether it is closed."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _traceback: TracebackType | None, /
    ) -> None: ...

@final
class FolderShare(Share):
    """A share in a folder of this machine: a local disk, or a share that the operating system has mounted."""
    @staticmethod
    def open(root: _StrPath, *, durability: Durability | None = None) -> FolderShare:
        """Opens an existing folder as the root of a share.

        `durability` is `"flushed"`, to the disk or server, or `"cached"`, for a throw-away share. Raises
        `NotFoundError`, or `ReservedPathError` for a folder in `MASBackup`.
        """

@final
class SmbShare(Share):
    """A share over SMB 3, from any operating system, without mounting it.

    It never shows the password. Closing it logs off.
    """
    @staticmethod
    def connect(
        root: UncPath | str,
        account: str,
        password: str,
        *,
        port: int | None = None,
        encryption: Encryption | None = None,
        oldest_dialect: Dialect | None = None,
        durability: Durability | None = None,
        connections: int | None = None,
        connect_limit: float | None = None,
        silence_limit: float | None = None,
        call_limit: float | None = None,
        attempts: int | None = None,
    ) -> SmbShare:
        r"""Connects to a share, or a folder below one, and logs on.

        `account` is `CONTOSO\azsbackup` or `azsbackup@contoso.com`. `port`: 445 by default. `encryption`: `"required"`,
        `"preferred"` (the default) or `"off"`; everything is signed in any case. `oldest_dialect`: `"3.1.1"` by default;
        with `"3.0"` or `"3.0.2"` you give up encryption and protection of the negotiation. `connections`: 4 at most by
        default. Limits are in seconds: 10 for an attempt to connect, 30 for the server's silence, and 900 for one call
        with all its 7 `attempts`. Raises `UnreachableError`, `TimedOutError`, `LogonFailedError`, `AccessDeniedError`,
        `NotFoundError` or `UnsupportedError`.
        """
    @property
    def root(self) -> UncPath:
        """The UNC path of the root."""
    @property
    def account(self) -> str:
        """The account's name."""
    @property
    def facts(self) -> SmbFacts:
        """Returns what client and server agreed on: address, dialect, encryption. Connects if no connection is open."""

def open_share(
    root: _StrPath,
    account: str | None = None,
    password: str | None = None,
    *,
    port: int | None = None,
    encryption: Encryption | None = None,
    oldest_dialect: Dialect | None = None,
    durability: Durability | None = None,
    connections: int | None = None,
    connect_limit: float | None = None,
    silence_limit: float | None = None,
    call_limit: float | None = None,
    attempts: int | None = None,
    endpoint: str | None = None,
    region: str | None = None,
    path_style: bool | None = None,
    allow_http: bool | None = None,
    api_version: str | None = None,
    authorities: str | None = None,
    lock_days: float | None = None,
    lock_mode: Literal["compliance", "governance"] | None = None,
) -> Share:
    """Opens a share: a folder, a UNC path, or the URL of an object store.

    With an account, our own client logs on to the server of a UNC path; the keywords are those of `SmbShare.connect`.
    Without one, the operating system opens the share: any folder, and on Windows a UNC path, as the account that the
    program runs as. Elsewhere a UNC path without an account raises `InvalidArgumentError`. Where the system opens it,
    `durability` is the only keyword.

    The URL of an object store (`s3://bucket/folder`, `az://account/container/folder`, `https://…`) takes no account:
    credentials come from the environment. Its keywords are `endpoint`, `region`, `path_style`, `allow_http`,
    `api_version`, `authorities`, `lock_days`, `lock_mode`, the three limits and `attempts` (docs/object-stores.md).
    Where the package was built without the feature `object-store`, it raises `UnsupportedError`.
    """
def check_share(
    share: Share,
    deployment: Deployment | str,
    *,
    components: Component | str | Iterable[Component | str] | None = None,
    create_folders: bool | None = None,
) -> CheckReport:
    """Checks whether an open share can take the backups of a deployment.

    `components`: look for their folders, too; each like `Switches` or `Switches/su1`. `create_folders`: create missing
    folders. The check writes a few objects with random names, and removes them.

    >>> check_share(share, "contoso.com/nyc").is_sound
    True
    """
def check_smb_share(
    root: UncPath | str,
    account: str,
    password: str,
    deployment: Deployment | str,
    *,
    components: Component | str | Iterable[Component | str] | None = None,
    create_folders: bool | None = None,
    port: int | None = None,
    encryption: Encryption | None = None,
    oldest_dialect: Dialect | None = None,
    connect_limit: float | None = None,
    silence_limit: float | None = None,
    call_limit: float | None = None,
) -> CheckReport:
    """Checks a share over SMB, beginning with the server's name. Run it after an alert. The keywords are those of
    `check_share` and `SmbShare.connect`.

    A logon with a wrong password counts towards the account's lock-out. This check tries once.
    """
@final
class CheckReport:
    """How each step on the way to a share went. The first one that failed shows where the fault is."""
    @property
    def share(self) -> str:
        """The share."""
    @property
    def deployment(self) -> str:
        """The deployment whose folders the check looked for."""
    @property
    def steps(self) -> tuple[CheckedStep, ...]:
        """The steps, in the order in which they were tried."""
    @property
    def is_sound(self) -> bool:
        """Whether no step failed."""
    @property
    def first_failure(self) -> CheckedStep | None:
        """The first step that failed; `None` if all went well."""
    def to_table(self) -> str:
        """Returns the steps as plain text for a terminal, with the alert and the remedy of each failure."""
    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data."""

# Backup

@final
class Progress:
    """How far a backup, verification or restore has come.

    The `progress` callback gets one about ten times a second, and once more at the end, when `total_bytes` equals
    `bytes`. If the callback returns `False`, the work stops with `CancelledError`. If it raises an exception, so
    does the call that it interrupted.

    >>> def show(progress):
    ...     print(progress.files, "files", progress.bytes, "bytes")
    """
    def __new__(cls, files: int, bytes: int, stored_bytes: int, total_bytes: int | None = None) -> Self: ...
    @property
    def files(self) -> int:
        """Files finished."""
    @property
    def bytes(self) -> int:
        """Bytes of file content read from the source, or written to the target."""
    @property
    def stored_bytes(self) -> int:
        """Bytes written to the share or read from it, compressed and encrypted."""
    @property
    def total_bytes(self) -> int | None:
        """Bytes of file content expected in all; `None` if unknown."""
    def __getnewargs__(self) -> tuple[int, int, int, int | None]: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Never, /) -> bool: ...
    def __le__(self, other: Never, /) -> bool: ...
    def __gt__(self, other: Never, /) -> bool: ...
    def __ge__(self, other: Never, /) -> bool: ...

@final
class Backup:
    """A backup in the making: start it, add sources, commit.

    As a context manager it commits at the end of the block. If the block ends by an exception, it abandons the
    backup and leaves nothing that looks like one. A pool of threads may add to it: their calls wait for one another.
    It does not survive a fork.

    `certificates`: one or several; each of them can open the set. `signer`: signs the set, so that readers can demand
    sets of this host. `labels`: written on the cover sheet, in clear.
    `exclude`: patterns in gitignore syntax of what to leave out below each folder; `!` takes something back in.
    `source_problems`: `"fail"` (the default), or `"report"` to go on past sources that cannot be read or that change, and to name
    them. `shrunken_sources`: `"warn"` (the default) or `"fail"` if a source is empty or holds less than half of last time.
    `one_file_system`: leave out what is mounted below a source. `create`: create the region folder, and the folder
    of a component of your own, if it is missing. `recheck`: read back each stored file that is taken over from an
    earlier set, at least once in this many runs, 7 by default; 0 means never. `renew_after_days`: store again what was stored more
    than this many days ago, 180 by default; 0 means never. `level`: the zstd level, -7 to 19. `segment_size`: in bytes, 4 to 64 MiB.
    `workers`: the number of threads, by default one for each core. `state`: a folder of this host, one for each job,
    that remembers the last set; with it a set costs only what changed since. `reread_everything`: read every file,
    whatever its times say, and every stored file that is taken over from an earlier set. `distrust`: stored files
    that a verification found damaged; their content is stored again. `progress`: called about ten times a second
    with a `Progress`.

    >>> with Backup(share, place, certificates=certificate, labels={"model": "S4148-ON"}) as backup:
    ...     backup.add_bytes("tor1/running-config", b"hostname tor1")
    >>> backup.report.status
    'Succeeded'
    """
    def __new__(
        cls,
        share: Share,
        place: Place | str,
        *,
        certificates: EncryptionCertificate | Iterable[EncryptionCertificate],
        signer: Signer | None = None,
        allow_expired_certificates: bool | None = None,
        labels: Mapping[str, str] | None = None,
        exclude: str | Iterable[str] | None = None,
        source_problems: SourceProblems | None = None,
        shrunken_sources: ShrunkenSources | None = None,
        one_file_system: bool | None = None,
        create: bool | None = None,
        recheck: int | None = None,
        renew_after_days: int | None = None,
        level: int | None = None,
        segment_size: int | None = None,
        workers: int | None = None,
        state: _StrPath | None = None,
        reread_everything: bool | None = None,
        distrust: str | Iterable[str] | None = None,
        set_name: SetName | str | None = None,
        progress: _ProgressCallback | None = None,
    ) -> Self: ...
    @property
    def set(self) -> SetName:
        """The name of the set."""
    @property
    def report(self) -> BackupReport | None:
        """What the backup did; `None` until it is committed."""
    def add_folder(self, folder: _StrPath, *, name: _Name | None = None) -> None:
        """Adds a folder and everything below it, under this name or its own."""
    def add_file(self, file: _StrPath, *, name: _Name | None = None) -> None:
        """Adds one file under this name, which may include folders, or under its own."""
    def add(self, source: _StrPath) -> None:
        """Adds a file or a folder under its own name."""
    def add_bytes(self, name: _Name, data: str | Buffer) -> None:
        """Adds bytes under this name: a running-config just fetched from a switch. Text is stored as UTF-8."""
    def add_reader(self, name: _Name, reader: _Reader) -> None:
        """Adds everything that a binary stream returns, under this name. If the stream raises an exception, so does
        this call; with `source_problems="report"` the report names an `Exception` instead, and the set is partial.
        """
    def add_problem(self, name: _Name, error: BaseException | str) -> None:
        """Records that something could not be fetched: a switch did not answer.

        `error` is an exception or text. With `source_problems="report"` the report names it, and the set is partial;
        otherwise this raises `SourceUnreadableError`.
        """
    def commit(self) -> BackupReport:
        """Waits until everything is stored, then writes the cover sheet, which makes it a backup. Returns the report. If a
        source could not be added before, this fails with that error.
        """
    def abandon(self) -> None:
        """Gives up, and removes what was stored. Does nothing if called again, or after `commit`."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, _value: BaseException | None, _traceback: TracebackType | None, /
    ) -> None: ...

# Signers

@final
class SignerCertificate:
    """The public certificate of a host that signs its sets: the CER that readers demand.

    Create it with `from_cer` or `load`. Two are equal if they are the same certificate.
    """
    @staticmethod
    def from_cer(data: Buffer) -> SignerCertificate:
        """Reads a CER: DER, PEM or Base64, as Windows and OpenSSL write it. Validity does not count here: a signature is
        good if the certificate was valid at the time of the set.

        Raises `MalformedError`, or `CertificateUnsuitableError` if the certificate may not sign or the file contains a
        private key.
        """
    @staticmethod
    def load(file: _StrPath) -> SignerCertificate:
        """Reads a CER file."""
    @property
    def facts(self) -> CertificateFacts:
        """What the certificate says about itself."""
    def to_der(self) -> bytes:
        """Returns the certificate in DER, as in a CER file."""
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Never, /) -> bool: ...
    def __le__(self, other: Never, /) -> bool: ...
    def __gt__(self, other: Never, /) -> bool: ...
    def __ge__(self, other: Never, /) -> bool: ...

_Signers: TypeAlias = SignerCertificate | Iterable[SignerCertificate]

@final
class Signer:
    """A certificate with its private key, with which a host signs its sets. It cannot be pickled, and never shows its key.

    >>> signer = Signer.load(folder / "signing.pfx", "correct horse")
    >>> Signer.load(folder / "signing.pfx", "wrong")
    Traceback (most recent call last):
    azs_backup.errors.WrongPasswordError: ...
    """
    @staticmethod
    def from_pfx(data: Buffer, password: str | None = None) -> Signer:
        """Reads a PFX, also in Base64 as a vault exports it. One certificate in it must be fit to sign.

        Raises `WrongPasswordError`, `MalformedError`, `CertificateUnsuitableError` and `UnsupportedError`.
        """
    @staticmethod
    def from_pem(key: Buffer, passphrase: str | None = None, *, certificate: Buffer) -> Signer:
        """Reads a private key in PEM and its certificate, which may be in the same file."""
    @staticmethod
    def load(file: _StrPath, password: str | None = None) -> Signer:
        """Reads a PFX file."""
    @property
    def facts(self) -> CertificateFacts:
        """What the certificate says about itself."""
    @property
    def certificate(self) -> SignerCertificate:
        """The public half, which readers demand."""
    def check_validity(self, at: _Time | None = None) -> None:
        """Raises `CertificateExpiredError` unless the certificate is valid at that time, by default now."""
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Never, /) -> bool: ...
    def __le__(self, other: Never, /) -> bool: ...
    def __gt__(self, other: Never, /) -> bool: ...
    def __ge__(self, other: Never, /) -> bool: ...

# Sets

def list_sets(
    share: Share,
    deployment: Deployment | str,
    component: Component | str | None = None,
    *,
    newest: int = 0,
    require_signers: _Signers | None = None,
) -> SetList:
    """Lists the sets of a deployment or of one component, by place and then from old to new. Needs no key.

    It also lists what is not a backup, with the reason. `unreadable` has the folders that cannot be listed. It never
    looks into `MASBackup`. A notebook shows the listing as a table.

    `newest`: lists only the newest sets of each place, from the newest back until so many are complete, and reads no older
    one; 0 lists all. A set from the future is listed but does not count. Without the older ones nobody sees that a set is
    shrunken.

    `require_signers`: one or several signers. A set that none of them signed is `untrusted`, and no backup; retention
    deletes no such set, and counts none as good.
    """
@final
class SetSummary:
    """A set in a listing."""
    @property
    def place(self) -> Place:
        """Deployment, component and scale unit."""
    @property
    def name(self) -> SetName:
        """Its name."""
    @property
    def folder(self) -> SharePath:
        """Its folder on the share."""
    @property
    def has_cover_sheet(self) -> bool:
        """Whether it has a cover sheet. An incomplete set with one was complete once."""
    @property
    def is_shrunken(self) -> bool:
        """Whether it is complete, but holds no file, or less than half of what another set of its place holds."""
    @property
    def state(self) -> SetState:
        """`complete`, `damaged`, `foreign` (it belongs elsewhere), `incomplete`, `unreadable`, `unsupported` (a later
        version of the stored form), or `untrusted` (not signed by one of the signers demanded).
        """
    @property
    def belongs_to(self) -> SharePath | None:
        """The folder where a foreign set belongs."""
    @property
    def cover(self) -> CoverSheet | None:
        """The cover sheet of a complete set."""
    @property
    def reason(self) -> str | None:
        """Why it is not a backup; `None` for a complete set."""
    @property
    def signature(self) -> Signature | None:
        """Who signed it, if all of its files are there."""
    @property
    def is_complete(self) -> bool:
        """Whether it can be restored."""
    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data."""
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Never, /) -> bool: ...
    def __le__(self, other: Never, /) -> bool: ...
    def __gt__(self, other: Never, /) -> bool: ...
    def __ge__(self, other: Never, /) -> bool: ...

@final
class BackupSet:
    """A backup set on a share, complete by its cover sheet.

    >>> found = BackupSet.open(share, backup.report.folder)
    >>> found.verify().is_sound
    True
    """
    @staticmethod
    def open(share: Share, folder: SharePath | str, place: Place | str | None = None) -> BackupSet:
        """Opens the set in this folder, without a key.

        If the set was copied to where another belongs, open it by naming its own `place`.

        Raises `NotFoundError`, `IncompleteError` for a set that never finished, `ConflictError` for one that belongs
        elsewhere, or `UnsupportedError`.
        """
    @staticmethod
    def open_by_index(share: Share, folder: SharePath | str, opener: Opener) -> BackupSet:
        """Opens a set by its encrypted index alone. Use it if `backup.json` or `SHA256SUMS` is damaged or gone but the
        data is there.

        Raises `IncompleteError` if the set has no index, `DamagedError` if the index is damaged,
        `WrongCertificateError`, or `ConflictError` for a set that belongs elsewhere.
        """
    @property
    def cover(self) -> CoverSheet:
        """The cover sheet."""
    @property
    def folder(self) -> SharePath:
        """The set's folder on the share."""
    def entries(self, opener: Opener) -> EntryIterator:
        """Iterates over the entries of the set, with a few in memory at a time."""
    def signature(self) -> Signature:
        """Reads who signed the set. Whoever it was: only `require_signers` says whether that is one of your hosts."""
    def require_signers(self, signers: _Signers) -> Signature:
        """Returns the signature if it is by one of these signers.

        Raises `NotTrustedError`.
        """
    def verify(
        self, *, require_signers: _Signers | None = None, progress: _ProgressCallback | None = None
    ) -> VerifyReport:
        """Checks every stored file against `SHA256SUMS`. Needs no key. The report says what is wrong.

        `require_signers`: one or several signers; a set that none of them signed has a fault.
        """
    def verify_full(
        self, opener: Opener, *, require_signers: _Signers | None = None, progress: _ProgressCallback | None = None
    ) -> VerifyReport:
        """Checks every byte: authenticates it, decompresses it and compares it with the index. The report says what is
        wrong. `require_signers` is as for `verify`.
        """
    def restore(
        self,
        opener: Opener,
        target: _StrPath,
        *,
        patterns: str | Iterable[str] | None = None,
        existing: Existing | None = None,
        compare: Compare | None = None,
        damage: Damage | None = None,
        require_signers: _Signers | None = None,
        progress: _ProgressCallback | None = None,
    ) -> RestoreReport:
        """Restores the set into a folder, or only what `patterns` in gitignore syntax match: `tor1/`, `*.cfg`.

        `existing`: `"refuse"` accepts only an empty folder or one that does not exist yet, `"keep"` leaves existing
        things as they are, `"replace"` replaces them. `compare`: whether to compare what is kept with the set by
        `"metadata"` or by `"content"`. `damage`: `"stop"`, or `"continue"` to go on without what is lost and name it
        in the report. `require_signers`: one or several signers; if none of them signed the set, this raises
        `NotTrustedError` and restores nothing.
        """
    def restore_bytes(
        self, opener: Opener, path: str | Buffer, *, limit: int = ..., require_signers: _Signers | None = None
    ) -> bytes:
        """Restores one file of at most `limit` bytes into memory; 0 means the default, 64 MiB.

        Raises `NotFoundError`, `LimitExceededError`, `DamagedError` unless all of it is as it was written, or
        `NotTrustedError`: `require_signers` is as for `restore`.
        """
    def restore_stream(
        self,
        opener: Opener,
        path: str | Buffer,
        writer: _Writer,
        *,
        require_signers: _Signers | None = None,
        progress: _ProgressCallback | None = None,
    ) -> Entry:
        """Restores one file to a binary stream, and returns its entry. Writes nothing before the whole file is
        verified. `require_signers` is as for `restore`.
        """

@final
class EntryIterator:
    """The entries of a set, one after another."""
    def __iter__(self) -> Iterator[Entry]: ...
    def __next__(self) -> Entry: ...

# Alerts

@final
class Classification:
    """The class of a failure: the kind of alert, how certain it is, why, and whether to try again.

    >>> found = classify_text("mount error(113): No route to host")
    >>> found.kind, found.retry.when
    (<AlertKind.CONNECTIVITY: 'CONNECTIVITY'>, 'LATER')
    """
    @property
    def kind(self) -> AlertKind:
        """The kind of alert."""
    @property
    def documented_kind(self) -> DocumentedKind:
        """Which of the documented five the kind belongs to."""
    @property
    def confidence(self) -> Confidence:
        """How certain the class is: `LOW`, `MEDIUM` or `HIGH`."""
    @property
    def is_failure(self) -> bool:
        """Whether anything failed: false for codes that report no failure."""
    @property
    def profile(self) -> Profile:
        """The profile that was used."""
    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What was found, most telling first."""
    @property
    def retry(self) -> RetryAdvice:
        """Whether and when to try again."""
    @property
    def probe(self) -> Probe | None:
        """What to check to decide, in a sentence, if the most telling evidence is ambiguous."""
    def describe(
        self,
        *,
        share: str | None = None,
        path: str | None = None,
        account: str | None = None,
        operation: str | None = None,
        location: str | None = None,
    ) -> str:
        """Returns what happened, in up to three sentences."""
    def remedy(
        self,
        *,
        share: str | None = None,
        path: str | None = None,
        account: str | None = None,
        operation: str | None = None,
        location: str | None = None,
    ) -> tuple[str, ...]:
        """Returns what to do next, step by step."""
    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data."""
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Never, /) -> bool: ...
    def __le__(self, other: Never, /) -> bool: ...
    def __gt__(self, other: Never, /) -> bool: ...
    def __ge__(self, other: Never, /) -> bool: ...

def classify_ntstatus(status: int, *, profile: Profile | None = None) -> Classification:
    """Classifies an NTSTATUS: `0xC000006D`."""
def classify_win32(code: int, *, profile: Profile | None = None) -> Classification:
    """Classifies a Win32 error code: `53`."""
def classify_hresult(result: int, *, profile: Profile | None = None) -> Classification:
    """Classifies an HRESULT, signed or unsigned: `0x80070070`."""
def classify_errno(errno: int, *, profile: Profile | None = None) -> Classification:
    """Classifies an errno; its sign does not matter."""
def classify_text(text: _Json, *, profile: Profile | None = None) -> Classification:
    """Classifies what a tool printed: one line or many, as text or bytes."""
def classify_json(alerts: _Json | _Data | Iterable[_Data], *, profile: Profile | None = None) -> Classification:
    """Classifies an alert, or a listing of alerts, in the JSON of the admin API: text, bytes or a value."""
def classify_kind(kind: AlertKind | AlertCode) -> Classification:
    """Returns the classification of a kind, for alerts that no failure raises: an almost full share."""
def classify_error(error: BaseException, *, profile: Profile | None = None) -> Classification:
    """Classifies any exception by the most telling of its causes.

    Exceptions of this package count by their kind, `OSError` by its errno, all others by their text.
    """
@final
class TextClassifier:
    """Classifies text line by line, however long it is.

    >>> classifier = TextClassifier()
    >>> classifier.line("Connection to fs01 failed")
    >>> classifier.line(b"NT_STATUS_LOGON_FAILURE")
    >>> classifier.finish().kind
    <AlertKind.AUTHENTICATION: 'AUTHENTICATION'>
    """
    def __new__(cls, *, profile: Profile | None = None) -> Self: ...
    def line(self, line: _Json) -> None:
        """Reads one more line."""
    def finish(self) -> Classification:
        """Classifies all lines together."""

@final
class Alert:
    r"""An alert resource of the admin API: made for a failure, or read.

    A new alert is active. Without an `id` it gets a new GUID; use the same ID to close it.

    >>> alert = Alert(classify_ntstatus(0xC000006D), share=r"\\fs.contoso.com\AzSBackups", account=r"CONTOSO\azsbackup")
    >>> alert.title
    'Backup failed due to authentication issue.'
    """
    def __new__(
        cls,
        classification: Classification,
        *,
        id: str | None = None,
        now: _Time | None = None,
        location: str | None = None,
        share: str | None = None,
        path: str | None = None,
        account: str | None = None,
        operation: str | None = None,
    ) -> Self: ...
    @staticmethod
    def parse(alert: _Json | _Data) -> Alert:
        """Reads one alert: text, bytes, or a value."""
    @staticmethod
    def parse_list(alerts: _Json | _Data | Iterable[_Data]) -> tuple[Alert, ...]:
        """Reads the alerts of a listing, an array, or one alert."""
    @property
    def kind(self) -> AlertKind | None:
        """What it is about; `None` if neither its fault type nor its title is known."""
    def classify(self, *, profile: Profile | None = None) -> Classification:
        """Classifies the alert."""
    @property
    def fault_type_id(self) -> str | None:
        """`faultTypeId`."""
    @property
    def title(self) -> str | None:
        """`title`."""
    @property
    def state(self) -> AlertState | None:
        """`state`: `Active` or `Closed`."""
    @property
    def severity(self) -> AlertSeverity | str | None:
        """`severity`: `Warning` or `Critical`."""
    @property
    def alert_id(self) -> str | None:
        """`alertId`."""
    @property
    def created(self) -> datetime | None:
        """When it was raised; `None` if it does not say."""
    @property
    def closed(self) -> datetime | None:
        """When it was closed; `None` if it does not say."""
    @property
    def description(self) -> str:
        """`description` as plain text."""
    @property
    def remediation(self) -> str:
        """`remediation` as plain text, one step per line."""
    def alert_property(self, name: str) -> str | None:
        """Returns one of the `alertProperties`, in any letter case."""
    def to_dict(self) -> dict[str, Any]:
        """Returns the whole resource as plain data."""
    def to_json(self) -> str:
        """Returns the whole resource as JSON."""
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Never, /) -> bool: ...
    def __le__(self, other: Never, /) -> bool: ...
    def __gt__(self, other: Never, /) -> bool: ...
    def __ge__(self, other: Never, /) -> bool: ...

def alert_kinds() -> list[AlertCode]:
    """The codes of all alert kinds, the documented five first."""
def alert_kind_facts(code: str) -> tuple[str, AlertSeverity, str, str]:
    """The facts of a kind: documented kind, severity, fault type, title."""
def alert_kind_of_fault_type(id: str) -> str | None:
    """The code of the kind that a fault type has."""
def alert_kind_of_title(title: str) -> str | None:
    """The code of the kind that a title has."""

# Schedule and gate

@final
class Schedule:
    """When backups run: every `frequency_hours`, 4 to 12 as in Azure Stack Hub, or 1 to 744 `beyond_microsoft`; 12 by
    default.

    Slots begin at 00:00 UTC, moved by `phase_seconds` and by a fraction of `jitter_seconds` that depends only on
    `host`.

    >>> schedule = Schedule(24, beyond_microsoft=True, phase_seconds=2 * 3600)
    >>> schedule.next_run("2026-11-22T02:00:10Z", "2026-11-22T03:00:00Z").at.isoformat()
    '2026-11-23T02:00:00+00:00'
    """
    def __new__(
        cls,
        frequency_hours: int | None = None,
        *,
        beyond_microsoft: bool | None = None,
        phase_seconds: int | None = None,
        jitter_seconds: int | None = None,
        host: str | None = None,
    ) -> Self: ...
    @property
    def frequency_hours(self) -> int:
        """Hours between two backups."""
    def next_run(self, last: _Time | None = None, now: _Time | None = None) -> NextRun:
        """Returns when to run next, given when the last scheduled run began or was skipped, and the clock."""
    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data."""
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Never, /) -> bool: ...
    def __le__(self, other: Never, /) -> bool: ...
    def __gt__(self, other: Never, /) -> bool: ...
    def __ge__(self, other: Never, /) -> bool: ...

@final
class MasBackup:
    """The `MASBackup` in one folder of a share: Azure Stack Hub's own backups. It is read and never written.

    >>> MasBackup.open(share, "contoso.com/nyc").list()["backups"]
    []
    """
    @staticmethod
    def open(share: Share, folder: SharePath | str) -> MasBackup:
        """Finds `MASBackup`, in any letter case, in a folder of the share: that of a region, or with `""` the root.

        Raises `NotFoundError` if there is none.
        """
    @property
    def folder(self) -> str:
        """The folder."""
    def list(
        self, *, now: _Time | None = None, progress: _ProgressCallback | None = None
    ) -> dict[str, Any]:
        """Lists what lies there, by clear metadata alone, as plain data: `stores`, `backups` with their `readiness`,
        `certificates`, `findings`, `prunable`.
        """
    def verify(
        self,
        opener: Opener | None = None,
        *,
        backup: str | None = None,
        now: _Time | None = None,
        progress: _ProgressCallback | None = None,
    ) -> dict[str, Any]:
        """Verifies the snapshots that a backup needs, or all of them, and returns the report as plain data: all is well if
        `state` is `"verified"`.

        With an opener each snapshot is authenticated and decrypted, and each file in it compared with its checksum.
        Without one, only what can be seen is compared.
        """
    def extract(
        self,
        opener: Opener,
        backup: str,
        target: _StrPath,
        *,
        repository: str | None = None,
        existing: Existing | None = None,
        open_inner: bool | None = None,
        now: _Time | None = None,
        progress: _ProgressCallback | None = None,
    ) -> dict[str, Any]:
        """Extracts the snapshots that a backup needs, each into the folder `<repository>/<snapshot>` of `target`, and
        returns the report as plain data.

        `existing` is as in a restore. `open_inner`: write zips inside as folders, and decrypt what is encrypted once more.

        Raises `WrongCertificateError` if no certificate opens any of them.
        """

@final
class NextRun:
    """When to run next, and what to report about the time before that."""
    @property
    def at(self) -> datetime:
        """When to run: now or later."""
    @property
    def due(self) -> datetime | None:
        """When it was due, if that is before `at`."""
    @property
    def missed(self) -> int:
        """Scheduled times that passed without a run."""
    @property
    def clock_set_back_by(self) -> int:
        """By how many seconds the last run is in the future because the clock was set back."""
    def is_due(self, now: _Time | None = None) -> bool:
        """Whether it is time to run."""
    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data."""
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Never, /) -> bool: ...
    def __le__(self, other: Never, /) -> bool: ...
    def __gt__(self, other: Never, /) -> bool: ...
    def __ge__(self, other: Never, /) -> bool: ...

@final
class Gate:
    """Keeps backups from running beside what they conflict with.

    Each source is a file with a document of operations (`str` or `os.PathLike`), such a document itself (`bytes`),
    or a function that returns a document or a list of operations. The gate reads the file or calls the function each
    time you ask it. `ignore`: kinds of operation beside which backups may run.

    >>> gate = Gate(lambda: [{"kind": "update", "state": "running"}])
    >>> gate.on_demand()
    Traceback (most recent call last):
      ...
    azs_backup.errors.ConflictError: a backup cannot run now: update is running; try again when that has ended
    """
    def __new__(
        cls,
        *sources: _StrPath | bytes | Callable[[], str | bytes | Iterable[Operation | _Data]],
        ignore: str | Iterable[str] | None = None,
    ) -> Self: ...
    def holds(self) -> tuple[Hold, ...]:
        """Returns what keeps the gate closed now. If it is empty, the gate is open."""
    def scheduled(self, schedule: Schedule, now: _Time | None = None) -> Decision:
        """Decides whether a scheduled backup that is due now runs."""
    def on_demand(self, now: _Time | None = None) -> None:
        """Raises `ConflictError` if a backup on demand may not run; its message says until when."""

@final
class Hold:
    """An operation that keeps the gate closed. It prints as a text for people."""
    @property
    def reason(self) -> HoldReason:
        """Why: `backup_operation_running`, `exclusive_action_running`, `failed_exclusive_action`,
        `restore_operation_running` or `unknown`.
        """
    @property
    def operation(self) -> Operation:
        """The operation."""
    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data."""
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Never, /) -> bool: ...
    def __le__(self, other: Never, /) -> bool: ...
    def __gt__(self, other: Never, /) -> bool: ...
    def __ge__(self, other: Never, /) -> bool: ...

@final
class Decision:
    """Whether a scheduled backup runs, and if not, why. It is true if the backup runs."""
    @property
    def runs(self) -> bool:
        """Whether it runs."""
    @property
    def holds(self) -> tuple[Hold, ...]:
        """What holds it; empty if it runs."""
    @property
    def next_run(self) -> datetime | None:
        """When to try again, if it is skipped."""
    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data."""
    def __bool__(self) -> bool: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Never, /) -> bool: ...
    def __le__(self, other: Never, /) -> bool: ...
    def __gt__(self, other: Never, /) -> bool: ...
    def __ge__(self, other: Never, /) -> bool: ...

def parse_operations(document: _Json) -> tuple[Operation, ...]:
    """Reads a JSON document that lists operations: our own form, or resources of the admin API."""
def job_start(id: str, trigger: Trigger, now: _Time | None) -> dict[str, Any]:
    """Makes a job that begins now."""
def job_skipped(id: str, decision: Decision, now: _Time | None) -> dict[str, Any]:
    """Makes a scheduled job that was skipped."""
def job_end(job: Job | _Data, status: JobStatus, now: _Time | None) -> dict[str, Any]:
    """Ends a job."""
@final
class JobLog:
    """A file of jobs, one JSON object per line, appended to and never rewritten. Only one process may append at a time."""
    def __new__(cls, path: _StrPath) -> Self: ...
    @property
    def path(self) -> str:
        """The path of the file."""
    def append(self, job: Job | _Data) -> None:
        """Appends a job, and returns once it is on the disk. Append a job when it begins and again when it ends."""
    def read(self, now: _Time | None = None) -> Jobs:
        """Reads the jobs; a file that does not exist has none. `now` decides which of them are running. If a job's
        process ended without saying so, the job has failed and is in `died`; the next append records that.
        """

def backup_warnings(
    *,
    last_backup: _Time | None = None,
    set_up: _Time | None = None,
    retention_days: int | None = None,
    holds: Hold | Iterable[Hold] | None = None,
    closed_since: _Time | None = None,
    next_run: NextRun | None = None,
    now: _Time | None = None,
) -> tuple[BackupWarning, ...]:
    """Returns what nobody would notice otherwise: no backup for 24 hours, a gate that stays closed, missed runs, a
    clock that was set back. Empty if all is well.
    """

# Retention

@final
class RetentionPolicy:
    """Which sets of a deployment to keep.

    A complete set is deleted only if you give at least one keep rule and none keeps it, or to make room. The last
    good set of a place always stays. `keep_labels`: labels by key, or pairs of key and value. `pin`: names of sets.
    `make_room`: bytes to free, the oldest sets first. `grace_hours`: delete an incomplete set only if nothing was
    written to it for this long, 24 by default. `shrunken_below`: a percentage, 50 by default; a set that holds less than
    that of an older good set displaces no other.

    >>> policy = RetentionPolicy(keep_days=7, keep_monthly=12)
    >>> plan = policy.plan(list_sets(share, "contoso.com/nyc"))
    >>> plan.is_empty
    True
    """
    def __new__(
        cls,
        *,
        keep_days: int | None = None,
        keep_last: int | None = None,
        keep_daily: int | None = None,
        keep_weekly: int | None = None,
        keep_monthly: int | None = None,
        keep_labels: Iterable[str | tuple[str, str | None]] | None = None,
        pin: SetName | str | Iterable[SetName | str] | None = None,
        make_room: int | None = None,
        grace_hours: int | None = None,
        shrunken_below: int | None = None,
    ) -> Self: ...
    def plan(
        self, sets: Iterable[SetSummary | Candidate | _Data], now: _Time | None = None
    ) -> RetentionPlan:
        """Plans which of these sets to delete, and which to keep and why. Deletes nothing.

        Pass every set of the places in question, as `list_sets` returns them. Pass plain data to try out a policy;
        such a set is never deleted.
        """
    def make_room_for(self, bytes: int, space: Space) -> RetentionPolicy:
        """Returns a policy that also deletes sets until this many bytes are free on a share with this space
        (`Share.space`). Before each set that goes only to make room, `apply` checks the space again, and stops once
        there is enough.
        """
    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data: the keywords that make the same policy, without the room of
        `make_room_for`.
        """
    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, Any]]: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Never, /) -> bool: ...
    def __le__(self, other: Never, /) -> bool: ...
    def __gt__(self, other: Never, /) -> bool: ...
    def __ge__(self, other: Never, /) -> bool: ...

@final
class RetentionPlan:
    """Which sets to delete, and why the others stay. Look at it before you apply it."""
    @property
    def now(self) -> datetime:
        """The time for which it was made."""
    @property
    def deletions(self) -> tuple[Deletion, ...]:
        """The sets to delete, the oldest first."""
    @property
    def kept(self) -> tuple[Kept, ...]:
        """The sets to keep, by place and from old to new."""
    @property
    def freed_bytes(self) -> int:
        """Bytes that the deletions free, at most."""
    @property
    def shortfall(self) -> int:
        """Requested bytes that cannot be freed."""
    @property
    def room_for(self) -> int | None:
        """Free bytes at which `apply` stops making room, if the policy asks for that."""
    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to delete."""
    def apply(self, share: Share, *, before: Callable[[Deletion], object] | None = None) -> RetentionReport:
        """Deletes what the plan says, the oldest first. If a set cannot be deleted, the others still are.

        `before` is called before each deletion, with that deletion. If it returns `False`, the work stops there.
        """
    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data."""
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Never, /) -> bool: ...
    def __le__(self, other: Never, /) -> bool: ...
    def __gt__(self, other: Never, /) -> bool: ...
    def __ge__(self, other: Never, /) -> bool: ...

# Copies

def replicate(
    share: Share,
    to: Share,
    deployment: Deployment | str,
    component: Component | str | None = None,
    *,
    require_signers: _Signers | None = None,
    retention: RetentionPolicy | None = None,
    now: _Time | None = None,
    create: bool = False,
    read_back: bool = False,
    dry_run: bool = False,
    progress: _ProgressCallback | None = None,
) -> CopyReport:
    """Copies the complete sets of a deployment, or of one component, to another share: those that are not whole there, the
    newest of each place first. Needs no key.

    Sets go as they are, sealed. Only what is missing travels, and each byte is compared at both ends; the cover sheet comes
    last, so that a copy that was cut off is no backup, and the next call completes it. A set that cannot be copied is in the
    report, and the others still are.

    `require_signers`: copy only sets that one of these signed. `retention`: leave out what this policy would delete at the
    other share at the time `now`; without it, each call would send again what retention deleted there. `create`: create the
    region folder at the other share if it is missing. `read_back`: read back all that is there. `dry_run`: only
    find out which sets are missing. `progress` counts stored files.

    >>> (folder / "elsewhere").mkdir()
    >>> elsewhere = FolderShare.open(folder / "elsewhere")
    >>> report = replicate(share, elsewhere, "contoso.com/nyc", create=True)
    >>> report.needs_attention
    False
    """
def copy_set(
    share: Share,
    to: Share,
    place: Place | str,
    set: SetName | str,
    *,
    require_signers: _Signers | None = None,
    retention: RetentionPolicy | None = None,
    now: _Time | None = None,
    create: bool = False,
    read_back: bool = False,
    dry_run: bool = False,
    progress: _ProgressCallback | None = None,
) -> CopyReport:
    """Copies one set to another share. The keywords are those of `replicate`.

    Raises `NotFoundError` if there is no such set, and `IncompleteError` if it is no backup.
    """
def list_deployments(share: Share) -> tuple[Deployment, ...]:
    """Lists the deployments that have a region folder on a share, by name. Folders that cannot be listed are left out.

    >>> list_deployments(share)
    (Deployment('contoso.com', 'nyc'),)
    """

# Review

def review(
    configuration: _Json | _Data,
    share: Share,
    *,
    copies: Share | Iterable[Share] | None = None,
    opener: Opener | None = None,
    now: _Time | None = None,
) -> Review:
    r"""Compares a configuration, and the share whose root it names, with the best practices. Needs no key and changes
    nothing.

    The configuration is JSON: text, bytes, or a `dict`. An opener is tried on what the newest backup of Azure Stack Hub
    needs: a drill. `copies`: one or several other shares; the review says how old the newest copy on them is.

    >>> found = review({"root": r"\\fs.contoso.com\AzSBackups", "deployment": {
    ...     "external_domain_name": "contoso.com", "region": "nyc"}}, share)
    >>> len(found.findings) > 0
    True
    """
def rules() -> tuple[Rule, ...]:
    """The rules of a review."""
@final
class Review:
    """What a review found. A notebook shows it as a page."""
    @property
    def now(self) -> datetime:
        """The time for which it was made."""
    @property
    def deployment(self) -> Deployment:
        """The deployment."""
    @property
    def share(self) -> str:
        """The share, as it describes itself."""
    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is not as it should be, worst first."""
    @property
    def silenced(self) -> tuple[Silenced, ...]:
        """What is not as it should be, but is silenced."""
    @property
    def components(self) -> tuple[ComponentReview, ...]:
        """The state of each component."""
    @property
    def their_backups(self) -> list[dict[str, Any]]:
        """Azure Stack Hub's own backups, in each `MASBackup` that has any, as plain data."""
    @property
    def next_run_bytes(self) -> int:
        """Estimated bytes that the next run of all components needs."""
    def counts(self) -> dict[Severity, int]:
        """The number of findings of each severity, worst first."""
    def to_table(self) -> str:
        """Returns the review as plain text for a terminal."""
    def to_html(self) -> str:
        """Returns the review as one self-contained HTML page, without scripts or external content."""
    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data."""
    def _repr_html_(self) -> str: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Never, /) -> bool: ...
    def __le__(self, other: Never, /) -> bool: ...
    def __gt__(self, other: Never, /) -> bool: ...
    def __ge__(self, other: Never, /) -> bool: ...

def survey(
    regions: _Region | Iterable[_Region],
    *,
    copies: Share | Iterable[Share] | None = None,
    require_signers: _Signers | None = None,
    frequency_hours: int = 12,
    now: _Time | None = None,
    progress: _ProgressCallback | None = None,
) -> Survey:
    """Looks at many deployments side by side: when each component was last backed up, how large the set is and how that
    changed, who signed it, which PFX opens it, and how old the newest copy elsewhere is. Needs no key.

    `regions`: one or several; each a share, of which all deployments are meant, or a pair of a share and a deployment.
    `copies`: one or several shares with copies. `require_signers`: one or several signers; only sets that one of them signed
    count. `frequency_hours`: how many hours may lie between two backups. `progress` counts deployments as files. A share or
    a folder that cannot be read is a row that says so.

    Of each component it looks at the newest sets alone, so it costs little and says less than a `review`.

    >>> [row.component for row in survey([(share, "contoso.com/nyc")]).rows]
    ['Switches']
    """
@final
class Survey:
    """Many deployments side by side. A notebook shows it as a page."""
    @property
    def now(self) -> datetime:
        """The time for which it was made."""
    @property
    def rows(self) -> tuple[SurveyRow, ...]:
        """A row for each component and scale unit of each deployment, the worst first."""
    def counts(self) -> dict[Severity, int]:
        """The number of rows of each severity, worst first."""
    def to_html(self) -> str:
        """Returns the survey as one self-contained HTML page, without scripts or external content."""
    def to_dict(self) -> dict[str, Any]:
        """Returns everything as plain data."""
    def _repr_html_(self) -> str: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Never, /) -> bool: ...
    def __le__(self, other: Never, /) -> bool: ...
    def __gt__(self, other: Never, /) -> bool: ...
    def __ge__(self, other: Never, /) -> bool: ...

# What the rest of the package is made with

@final
class Failure:
    """The core's error behind an exception, which decides its alert."""

def error_kinds() -> list[ErrorCode]:
    """Every code, in alphabetical order."""
def plain(object: object) -> object:
    """Converts an object to plain data, as the field of a value holds it."""
