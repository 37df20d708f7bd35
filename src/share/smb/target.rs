//! What a connection connects to and how, and what came of it.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;

use super::account::SmbAccount;
use crate::layout::UncPath;
use crate::share::Durability;

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
    pub(super) is_fallback: bool,
    /// Time that each step took.
    #[serde(skip)]
    pub(super) negotiated: Duration,
    #[serde(skip)]
    pub(super) logged_on: Duration,
    #[serde(skip)]
    pub(super) opened: Duration,
}

/// Everything that a connection needs to connect.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) root: UncPath,
    /// The path that was asked for, if it led here through a DFS namespace.
    pub(super) namespace: Option<UncPath>,
    pub(super) account: SmbAccount,
    pub(super) port: u16,
    pub(super) encryption: Encryption,
    pub(super) dialect: SmbDialect,
    pub(super) durability: Durability,
    pub(super) connections: usize,
    pub(super) times: Times,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) connect: Duration,
    pub(super) silence: Duration,
    pub(super) call: Duration,
    pub(super) attempts: u32,
}

/// SMB over TCP (MS-SMB2 2.1).
pub(super) const PORT: u16 = 445;
