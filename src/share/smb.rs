//! A share over SMB 3, by its UNC path, with no mount.

use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{SharePath, UncPath};

mod account;
mod calls;
mod check;
mod failures;
mod lane;
mod operations;
mod options;
mod pool;
mod session;
mod status;
mod transport;

pub use account::SmbAccount;

use pool::{Attempt, Pool};
use session::Session;
use status::Failure;

/// Whether what goes over the network is encrypted. It is signed in any case.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Encryption {
    /// A server that cannot encrypt is refused.
    Required,
    /// It is encrypted where the server can.
    #[default]
    Preferred,
    /// It is not encrypted; a share that demands it is refused.
    Off,
}

/// A version of SMB 3.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[non_exhaustive]
pub enum SmbDialect {
    /// SMB 3.0: Windows Server 2012.
    #[default]
    #[serde(rename = "3.0")]
    Smb300,
    /// SMB 3.0.2: Windows Server 2012 R2.
    #[serde(rename = "3.0.2")]
    Smb302,
    /// SMB 3.1.1: Windows Server 2016 and later, Samba 4.3 and later. Its negotiation cannot be tampered with.
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

/// What a connection came to.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SmbFacts {
    /// The address that answered.
    pub address: SocketAddr,
    /// The version of the protocol.
    pub dialect: SmbDialect,
    /// Whether all is encrypted because this side wants it; a share may demand it of its own.
    pub encrypted: bool,
    /// The cipher: `Aes128Gcm`.
    pub cipher: Option<String>,
    /// The algorithm that signs: `AesGmac`; none where the dialect fixes it.
    pub signing: Option<String>,
    /// Bytes in a request.
    pub block: u32,
    /// Times that the steps took.
    #[serde(skip)]
    negotiated: Duration,
    #[serde(skip)]
    logged_on: Duration,
    #[serde(skip)]
    opened: Duration,
}

/// How to connect to a share: the UNC path and the account are a must, all else has a default.
#[derive(Clone, Debug)]
pub struct SmbBuilder {
    target: Target,
}

/// All that a lane must know to connect.
#[derive(Clone, Debug)]
struct Target {
    root: UncPath,
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
    /// A share, or a folder below one, and the account to log on with.
    #[must_use]
    pub fn new(root: UncPath, account: SmbAccount) -> Self {
        let times = Times {
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(30),
            call: Duration::from_secs(15 * 60),
            attempts: 7,
        };
        Self {
            target: Target {
                root,
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

    /// The UNC path.
    #[must_use]
    pub fn root(&self) -> &UncPath {
        &self.target.root
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> &SmbAccount {
        &self.target.account
    }

    /// The TCP port, 445 where none is given.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.target.port = port;
        self
    }

    /// Whether to encrypt: where the server can, unless said otherwise.
    #[must_use]
    pub fn encryption(mut self, encryption: Encryption) -> Self {
        self.target.encryption = encryption;
        self
    }

    /// The oldest dialect to accept, SMB 3.0 where none is given. The newest that the server has is taken.
    #[must_use]
    pub fn oldest_dialect(mut self, dialect: SmbDialect) -> Self {
        self.target.dialect = dialect;
        self
    }

    /// How far a write has gone when [`Share::put`](super::Share::put) returns: to the server's disk, unless said otherwise.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.target.durability = durability;
        self
    }

    /// How many connections may be open at once: 4, where not said. Each takes the work of any number of threads;
    /// more than one spread the work of encryption over processors.
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.target.connections = connections.max(1);
        self
    }

    /// How long resolving the name, connecting and logging on may take in all, at each attempt: 10 s, where not said.
    #[must_use]
    pub fn connect_limit(mut self, limit: Duration) -> Self {
        self.target.times.connect = limit;
        self
    }

    /// How long the server may be silent while it owes an answer, before the connection counts as lost: 30 s, where
    /// not said. On a slow link bytes keep moving, and it does not.
    #[must_use]
    pub fn silence_limit(mut self, limit: Duration) -> Self {
        self.target.times.silence = limit.max(Duration::from_millis(100));
        self
    }

    /// How long one call may take in all, with all its attempts and whatever happens: 15 minutes, where not said.
    #[must_use]
    pub fn call_limit(mut self, limit: Duration) -> Self {
        self.target.times.call = limit;
        self
    }

    /// How often a call is tried where the connection breaks or the server cannot be reached: 7 times, where not said.
    /// The pauses between are 0, 1, 2, 4, 8 and 15 seconds. A refused account is not tried again.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.target.times.attempts = attempts.max(1);
        self
    }

    /// Connects, logs on, and looks whether the root is there.
    ///
    /// # Errors
    /// `UNREACHABLE` and `TIMED_OUT` for the name, the network and the server; `LOGON_FAILED`; `ACCESS_DENIED`;
    /// `NOT_FOUND` when there is no such share or folder; `UNSUPPORTED` where the server knows no dialect, encryption or
    /// signing that is asked for, or the share is the root of a DFS namespace.
    pub fn connect(self) -> Result<SmbShare> {
        let share = SmbShare { pool: Pool::new(self.target) };
        let root = share.path(&SharePath::root());
        share.run("open", &SharePath::root(), move |session, _| {
            let root = root.clone();
            async move { session.look(&root).await }
        })?;
        Ok(share)
    }
}

/// A [`Share`](super::Share) over SMB 3, from any operating system, with no mount.
///
/// It may be used from many threads at once, whose calls then run side by side. All work is done on threads of its own,
/// so it can be called from inside any asynchronous runtime, and no call takes longer than
/// [`call_limit`](SmbBuilder::call_limit). In a process that was forked from the one that connected, every call fails.
/// Dropping it logs off.
///
/// ```no_run
/// use azs_backup::{SmbAccount, SmbShare};
///
/// let account = SmbAccount::new(r"CONTOSO\azsbackup", "its password")?;
/// let share = SmbShare::connect(r"\\fileserver01.contoso.com\AzSBackups".parse()?, account)?;
/// # Ok::<(), azs_backup::Error>(())
/// ```
pub struct SmbShare {
    pool: Arc<Pool>,
}

impl SmbShare {
    /// Connects with the defaults of [`SmbBuilder`].
    ///
    /// # Errors
    /// As [`SmbBuilder::connect`].
    pub fn connect(root: UncPath, account: SmbAccount) -> Result<Self> {
        SmbBuilder::new(root, account).connect()
    }

    /// The UNC path of the root.
    #[must_use]
    pub fn root(&self) -> &UncPath {
        &self.pool.target().root
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> &SmbAccount {
        &self.pool.target().account
    }

    /// What the connection came to; connects where none is open.
    ///
    /// # Errors
    /// As [`SmbBuilder::connect`].
    pub fn facts(&self) -> Result<SmbFacts> {
        let until = Instant::now() + self.pool.target().times.call;
        let lane =
            self.pool.lane(until).map_err(|e| e.into_error(self.doing("connect to", &SharePath::root())))?;
        Ok(lane.facts().clone())
    }

    /// The path as the server knows it: from the root of the share, with backslashes.
    fn path(&self, path: &SharePath) -> String {
        let folders = self.root().folders();
        let names = folders.names().iter().chain(path.names());
        names.map(|name| name.as_str()).collect::<Vec<_>>().join("\\")
    }

    fn doing(&self, action: &str, path: &SharePath) -> String {
        format!("{action} {}", self.root().join(path))
    }

    fn run<T, F, W>(&self, action: &str, path: &SharePath, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(Rc<Session>, Attempt) -> W + Clone + Send + 'static,
        W: Future<Output = Result<T, Failure>> + 'static,
    {
        self.pool.run(work).map_err(|failure| failure.into_error(self.doing(action, path)))
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

/// SMB over TCP (MS-SMB2 2.1).
const PORT: u16 = 445;
