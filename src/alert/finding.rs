//! One row of a table, and how to find it.

use super::kind::AlertKind;
use super::retry::Retry;

/// The numbers or words that a finding comes from.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Form {
    /// An NTSTATUS (MS-ERREF 2.3).
    Ntstatus,
    /// A Win32 error code (MS-ERREF 2.2), including those of networking and sockets.
    Win32,
    /// An HRESULT (MS-ERREF 2.1) that carries no Win32 code and no NTSTATUS.
    Hresult,
    /// A POSIX errno.
    Errno,
    /// An HTTP status, or the error code of an object store that came with it.
    Http,
    /// The kind of an error of the standard library that carries no code.
    IoKind,
    /// The kind of an error of this library.
    Error,
    /// A `faultTypeId` of an Azure Stack Hub alert.
    FaultType,
    /// Words: a known sentence of a tool or an operating system, or the title of an alert.
    Wording,
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Ntstatus,
        Self::Win32,
        Self::Hresult,
        Self::Errno,
        Self::Http,
        Self::IoKind,
        Self::Error,
        Self::FaultType,
        Self::Wording,
    ];

    /// Returns the stable code, in capitals: `NTSTATUS`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ntstatus => "NTSTATUS",
            Self::Win32 => "WIN32",
            Self::Hresult => "HRESULT",
            Self::Errno => "ERRNO",
            Self::Http => "HTTP",
            Self::IoKind => "IO_KIND",
            Self::Error => "ERROR",
            Self::FaultType => "FAULT_TYPE",
            Self::Wording => "WORDING",
        }
    }
}

/// What to check to decide an ambiguous code.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Probe {
    /// Free space and quota.
    FreeSpace,
    /// Name resolution and TCP port 445.
    ResolveName,
    /// The list of the server's shares.
    ListShares,
    /// A new session with the same credentials.
    Reauthenticate,
    /// The state of the server.
    ServerState,
    /// Rights on the share and the folder.
    CheckAccess,
    /// The folder above.
    LookUpPath,
    /// Dialect, signing and encryption.
    Dialect,
    /// The domain controllers.
    ReachDomainController,
    /// Open handles and attributes.
    CheckHandles,
    /// The server's volume.
    Disk,
    /// The call that failed.
    Context,
}

impl Probe {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::FreeSpace,
        Self::ResolveName,
        Self::ListShares,
        Self::Reauthenticate,
        Self::ServerState,
        Self::CheckAccess,
        Self::LookUpPath,
        Self::Dialect,
        Self::ReachDomainController,
        Self::CheckHandles,
        Self::Disk,
        Self::Context,
    ];

    /// Returns the stable code, in capitals: `RESOLVE_NAME`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::FreeSpace => "FREE_SPACE",
            Self::ResolveName => "RESOLVE_NAME",
            Self::ListShares => "LIST_SHARES",
            Self::Reauthenticate => "REAUTHENTICATE",
            Self::ServerState => "SERVER_STATE",
            Self::CheckAccess => "CHECK_ACCESS",
            Self::LookUpPath => "LOOK_UP_PATH",
            Self::Dialect => "DIALECT",
            Self::ReachDomainController => "REACH_DOMAIN_CONTROLLER",
            Self::CheckHandles => "CHECK_HANDLES",
            Self::Disk => "DISK",
            Self::Context => "CONTEXT",
        }
    }

    /// Returns what to do, and what the outcome means.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::FreeSpace => {
                "compare the free space of the share and the quota of the account with what is to be stored"
            }
            Self::ResolveName => {
                "resolve the server's name and open TCP port 445: no address is the path, no connection the network"
            }
            Self::ListShares => {
                "list the server's shares with the same account: a share that is listed exists"
            }
            Self::Reauthenticate => {
                "set up one new session with the same account: if that works, the old one had ended"
            }
            Self::ServerState => "ask whether the server is starting, paused, failing over or at its limits",
            Self::CheckAccess => "create and delete a file in the folder with the same account",
            Self::LookUpPath => "list the folder above and see what stands under the name",
            Self::Dialect => "compare the SMB dialect, signing and encryption that server and client demand",
            Self::ReachDomainController => {
                "resolve and reach a domain controller from the server and from this host"
            }
            Self::CheckHandles => "list the open handles and the attributes of the file on the server",
            Self::Disk => "look at the volume and the system log on the server",
            Self::Context => "see in the message which call returned it",
        }
    }
}

/// One row of the tables: a code or sentence, its name, its class, and its meaning.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) form: Form,
    pub(super) code: u32,
    pub(super) name: &'static str,
    /// The Win32 code that Windows makes of it; 0 if there is none.
    pub(super) win32: u32,
    pub(super) kind: AlertKind,
    pub(super) retry: Retry,
    pub(super) meaning: &'static str,
    pub(super) or: Option<AlertKind>,
    pub(super) probe: Option<Probe>,
}

impl Finding {
    /// Whether it reports no failure at all.
    pub(super) const fn is_failure(&self) -> bool {
        !matches!(self.retry, Retry::NoFailure)
    }

    /// Whether it names no cause: a general code that only says that something failed.
    pub(super) const fn is_vague(&self) -> bool {
        matches!((self.kind, self.retry), (AlertKind::General, Retry::Unknown))
    }
}

/// The rows of a table, one per line; a row without a class is *general* and says nothing about retries.
macro_rules! findings {
    ($form:ident, $($code:literal $name:ident $($win32:literal)? $($kind:ident $retry:ident $meaning:literal
        $(or $or:ident by $probe:ident)?)?;)+) => {
        &[$(crate::alert::finding::Finding {
            form: crate::alert::finding::Form::$form,
            code: $code,
            name: stringify!($name),
            win32: findings!(@win32 $form $code $($win32)?),
            kind: findings!(@kind $($kind)?),
            retry: findings!(@retry $($retry)?),
            meaning: findings!(@meaning $($meaning)?),
            or: findings!(@or $($(crate::alert::kind::AlertKind::$or)?)?),
            probe: findings!(@or $($(crate::alert::finding::Probe::$probe)?)?),
        },)+]
    };
    (@win32 Win32 $code:literal) => { $code };
    (@win32 $form:ident $code:literal $win32:literal) => { $win32 };
    (@kind) => { crate::alert::kind::AlertKind::General };
    (@kind $kind:ident) => { crate::alert::kind::AlertKind::$kind };
    (@retry) => { crate::alert::retry::Retry::Unknown };
    (@retry $retry:ident) => { crate::alert::retry::Retry::$retry };
    (@meaning) => { "names nothing about a share" };
    (@meaning $meaning:literal) => { $meaning };
    (@or) => { None };
    (@or $value:expr) => { Some($value) };
}
pub(super) use findings;

/// A hash index over the codes of a table, made at compile time: one or two probes find a row.
pub(super) struct Index<const N: usize>([u16; N]);

impl<const N: usize> Index<N> {
    pub(super) const fn new(rows: &[Finding]) -> Self {
        assert!(N.is_power_of_two() && rows.len() * 2 < N && rows.len() < u16::MAX as usize);
        let mut slots = [0; N];
        let mut row = 0;
        while row < rows.len() {
            let mut slot = Self::slot(rows[row].code);
            while slots[slot] != 0 {
                slot = (slot + 1) % N;
            }
            row += 1;
            slots[slot] = row as u16;
        }
        Self(slots)
    }

    #[inline]
    pub(super) fn find(&self, rows: &'static [Finding], code: u32) -> Option<&'static Finding> {
        let mut slot = Self::slot(code);
        // Ends at an empty slot: at least half of them are empty.
        while let Some(row) = usize::from(self.0[slot]).checked_sub(1) {
            if rows[row].code == code {
                return Some(&rows[row]);
            }
            slot = (slot + 1) % N;
        }
        None
    }

    const fn slot(code: u32) -> usize {
        (code.wrapping_mul(0x9E37_79B1) >> (32 - N.trailing_zeros())) as usize
    }
}
