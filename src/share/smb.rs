//! A share over SMB 3, reached by its UNC path without mounting it.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use super::{Durability, concerning};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{SharePath, UncPath};

mod account;
mod answer;
mod builder;
mod calls;
mod check;
mod client_errors;
mod connection;
mod contents;
mod credits;
mod dfs;
mod failure;
mod handles;
mod log_on;
mod operations;
mod options;
mod pool;
mod referral;
mod rights;
mod session;
mod status;
mod target;
mod transfer;
mod transport;

pub use account::SmbAccount;
pub use builder::SmbBuilder;
pub use target::{Encryption, SmbDialect, SmbFacts};

use failure::Failure;
use pool::{Attempt, Pool};
use session::Session;
use target::Target;

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
