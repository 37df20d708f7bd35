//! The options of a connection and their defaults: port, encryption, dialect, and the limits of time.

use std::time::Duration;

use super::account::SmbAccount;
use super::target::{Encryption, PORT, SmbDialect, Target, Times};
use super::{SmbShare, dfs};
use crate::error::Result;
use crate::layout::UncPath;
use crate::share::Durability;

/// The options of a connection to a share. Only the UNC path and the account are required.
#[derive(Clone, Debug)]
pub struct SmbBuilder {
    pub(super) target: Target,
}

impl SmbBuilder {
    /// Starts with a share, or a folder below one, and the account to log on with.
    pub(super) fn new(root: UncPath, account: SmbAccount) -> Self {
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

    /// Says how durable a write is when [`Share::put`](crate::share::Share::put) returns; by default it is on the server's
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

/// Limits of time: what is shorter is no time to the system, what is longer no limit.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
