//! A share over SMB 3, reached by its UNC path without mounting it.

use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Durability, concerning};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{SharePath, UncPath};

mod account;
mod answer;
mod calls;
mod check;
mod connection;
mod credits;
mod dfs;
mod failures;
mod log_on;
mod operations;
mod options;
mod passing;
mod pool;
mod referral;
mod rights;
mod session;
mod status;
mod transport;

pub use account::SmbAccount;

use pool::{Attempt, Pool};
use session::Session;
use status::Failure;

/// Whether to encrypt network traffic, which is signed in any case.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Encryption {
    /// Refuse a server that cannot encrypt.
    Required,
    /// Encrypt if the server can.
    #[default]
    Preferred,
    /// Do not encrypt; refuse a share that demands it.
    Off,
}

/// A version of SMB 3.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[non_exhaustive]
pub enum SmbDialect {
    /// SMB 3.0: Windows Server 2012. Gives up encryption, and whoever is on the way can tamper with the negotiation.
    #[serde(rename = "3.0")]
    Smb300,
    /// SMB 3.0.2: Windows Server 2012 R2. Gives up the same.
    #[serde(rename = "3.0.2")]
    Smb302,
    /// SMB 3.1.1: Windows Server 2016 and later, Samba 4.3 and later. Nobody can tamper with its negotiation.
    #[default]
    #[serde(rename = "3.1.1")]
    Smb311,
}

impl fmt::Display for SmbDialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Smb300 => "3.0",
            Self::Smb302 => "3.0.2",
            Self::Smb311 => "3.1.1",
        })
    }
}

/// What client and server agreed on.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SmbFacts {
    /// The address that answered.
    pub address: SocketAddr,
    /// The path of the share's root behind a DFS path; `None` without DFS.
    pub target: Option<String>,
    /// The version of the protocol.
    pub dialect: SmbDialect,
    /// Whether messages are encrypted: because this side asked for it, or because the server or the share demands it.
    pub encrypted: bool,
    /// The cipher: `Aes128Gcm`.
    pub cipher: Option<String>,
    /// The signing algorithm: `AesGmac`; `None` if the dialect fixes it.
    pub signing: Option<String>,
    /// Bytes of a file that one request writes.
    pub block: u32,
    /// Whether encryption was preferred, but is not to be had.
    #[serde(skip)]
    is_fallback: bool,
    /// Time that each step took.
    #[serde(skip)]
    negotiated: Duration,
    #[serde(skip)]
    logged_on: Duration,
    #[serde(skip)]
    opened: Duration,
}

/// The options of a connection to a share. Only the UNC path and the account are required.
#[derive(Clone, Debug)]
pub struct SmbBuilder {
    target: Target,
}

/// Everything that a connection needs to connect.
#[derive(Clone, Debug)]
struct Target {
    root: UncPath,
    /// The path that was asked for, if it led here through a DFS namespace.
    namespace: Option<UncPath>,
    account: SmbAccount,
    port: u16,
    encryption: Encryption,
    dialect: SmbDialect,
    durability: Durability,
    connections: usize,
    times: Times,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    connect: Duration,
    silence: Duration,
    call: Duration,
    attempts: u32,
}

impl SmbBuilder {
    /// Starts with a share, or a folder below one, and the account to log on with.
    fn new(root: UncPath, account: SmbAccount) -> Self {
        let times = Times {
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(30),
            call: Duration::from_secs(15 * 60),
            attempts: 7,
        };
        Self {
            target: Target {
                root,
                namespace: None,
                account,
                port: PORT,
                encryption: Encryption::default(),
                dialect: SmbDialect::default(),
                durability: Durability::default(),
                connections: 4,
                times,
            },
        }
    }

    /// Returns the UNC path.
    #[must_use]
    pub fn root(&self) -> &UncPath {
        &self.target.root
    }

    /// Returns the account.
    #[must_use]
    pub fn account(&self) -> &SmbAccount {
        &self.target.account
    }

    /// Sets the TCP port; the default is 445.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.target.port = port;
        self
    }

    /// Says whether to encrypt; the default is to do so if the server can.
    #[must_use]
    pub fn encryption(mut self, encryption: Encryption) -> Self {
        self.target.encryption = encryption;
        self
    }

    /// Sets the oldest dialect to accept; the default is SMB 3.1.1. The connection uses the newest that the server has.
    ///
    /// An older one gives up two things: the traffic is signed, but not encrypted; and whoever can change what is on the
    /// way can tamper with the negotiation, and so choose that older dialect for a server that has 3.1.1.
    #[must_use]
    pub fn oldest_dialect(mut self, dialect: SmbDialect) -> Self {
        self.target.dialect = dialect;
        self
    }

    /// Says how durable a write is when [`Share::put`](super::Share::put) returns; by default it is on the server's
    /// disk.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.target.durability = durability;
        self
    }

    /// Sets how many connections may be open at once; the default is 4. Any number of threads can share one; more of
    /// them spread the work of encryption over processors.
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.target.connections = connections.max(1);
        self
    }

    /// Limits the time for resolving the name, connecting and logging on, for each attempt; the default is 10 s, the most
    /// a day.
    #[must_use]
    pub fn connect_limit(mut self, limit: Duration) -> Self {
        self.target.times.connect = limit.clamp(SHORTEST, LONGEST);
        self
    }

    /// Sets how long a server that owes an answer may be silent before the connection counts as lost; the default is 30
    /// s, the most a day. A slow link is not silent: its bytes keep moving.
    #[must_use]
    pub fn silence_limit(mut self, limit: Duration) -> Self {
        self.target.times.silence = limit.clamp(Duration::from_millis(100), LONGEST);
        self
    }

    /// Limits the time of one call, all attempts included; the default is 15 minutes, the most a day.
    #[must_use]
    pub fn call_limit(mut self, limit: Duration) -> Self {
        self.target.times.call = limit.clamp(SHORTEST, LONGEST);
        self
    }

    /// Sets how often to try a call when the connection breaks or the server cannot be reached; the default is 7 times.
    /// The pauses are 0, 1, 2, 4, 8 and 15 seconds. An account that was refused is not tried again.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.target.times.attempts = attempts.max(1);
        self
    }

    /// Connects, logs on, and checks that the root exists. A path through a DFS namespace is followed to the first target
    /// that answers; [`SmbShare::root`] then returns that target.
    ///
    /// # Errors
    /// `UNREACHABLE` and `TIMED_OUT` for the name, the network and the server; `LOGON_FAILED`; `ACCESS_DENIED`;
    /// `NOT_FOUND` when the share or folder does not exist; `UNSUPPORTED` when the server lacks the dialect, encryption
    /// or signing that you ask for, or the path is in a DFS namespace, but in none of its links.
    pub fn connect(self) -> Result<SmbShare> {
        dfs::connect(self.target)
    }
}

/// A [`Share`](super::Share) over SMB 3, from any operating system, without mounting it.
///
/// Many threads may use it at once; their calls run side by side. It does its work on threads of its own, so you can
/// call it from inside any asynchronous runtime, and no call takes longer than [`call_limit`](SmbBuilder::call_limit).
/// In a process forked from the one that connected, every call fails. Dropping it logs off.
///
/// ```no_run
/// use azs_backup::SmbShare;
/// use azs_backup::share::SmbAccount;
///
/// let account = SmbAccount::new(r"CONTOSO\azsbackup", "its password")?;
/// let share = SmbShare::connect(r"\\fileserver01.contoso.com\AzSBackups".parse()?, account)?;
/// # Ok::<(), azs_backup::Error>(())
/// ```
pub struct SmbShare {
    pool: Arc<Pool>,
}

impl SmbShare {
    /// Prepares a connection to a share, or a folder below one, with the account to log on with.
    #[must_use]
    pub fn builder(root: UncPath, account: SmbAccount) -> SmbBuilder {
        SmbBuilder::new(root, account)
    }

    /// Connects with the defaults of [`SmbBuilder`].
    ///
    /// # Errors
    /// As [`SmbBuilder::connect`].
    pub fn connect(root: UncPath, account: SmbAccount) -> Result<Self> {
        SmbBuilder::new(root, account).connect()
    }

    /// Returns the UNC path of the root: behind a DFS path the target on a file server.
    #[must_use]
    pub fn root(&self) -> &UncPath {
        &self.pool.target().root
    }

    /// Returns the DFS path that led to the root; `None` without DFS.
    #[must_use]
    pub fn namespace(&self) -> Option<&UncPath> {
        self.pool.target().namespace.as_ref()
    }

    /// Returns the account.
    #[must_use]
    pub fn account(&self) -> &SmbAccount {
        &self.pool.target().account
    }

    /// Returns what client and server agreed on. Connects if no connection is open.
    ///
    /// # Errors
    /// As [`SmbBuilder::connect`].
    pub fn facts(&self) -> Result<SmbFacts> {
        let until = Instant::now() + self.pool.target().times.call;
        let connection =
            self.pool.connection(until).map_err(|e| self.failed("connect to", &SharePath::root(), e))?;
        Ok(connection.facts())
    }

    /// Returns the path as the server knows it: from the root of the share, with backslashes.
    fn path(&self, path: &SharePath) -> String {
        let folders = self.root().folders();
        let names = folders.names().iter().chain(path.names());
        names.map(|name| name.as_str()).collect::<Vec<_>>().join("\\")
    }

    /// Checks that the root exists.
    fn open_root(&self) -> Result<(), Failure> {
        let root = self.path(&SharePath::root());
        self.pool.run(move |session, _| {
            let root = root.clone();
            async move { session.stat(&root).await }
        })
    }

    fn failed(&self, doing: &'static str, path: &SharePath, failure: Failure) -> Error {
        let shown = self.root().join(path);
        concerning(failure.into_error(format_args!("{doing} {shown}")), doing, shown, path)
    }

    fn run<T, F, W>(&self, doing: &'static str, path: &SharePath, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(Rc<Session>, Attempt) -> W + Clone + Send + 'static,
        W: Future<Output = Result<T, Failure>> + 'static,
    {
        self.pool.run(work).map_err(|failure| self.failed(doing, path, failure))
    }

    fn flushes(&self) -> bool {
        self.pool.target().durability == Durability::Flushed
    }
}

impl fmt::Debug for SmbShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Target { root, account, port, .. } = self.pool.target();
        f.debug_struct("SmbShare").field("root", root).field("account", account).field("port", port).finish()
    }
}

impl Drop for SmbShare {
    fn drop(&mut self) {
        self.pool.close();
    }
}

#[cold]
fn nameless(action: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("{action}: the root of a share has no name"))
}

/// Limits of time: what is shorter is no time to the system, what is longer no limit.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// SMB over TCP (MS-SMB2 2.1).
const PORT: u16 = 445;
