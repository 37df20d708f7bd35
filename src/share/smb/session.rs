//! One connection, from the first byte to the log-off.
//!
//! This file, `handles.rs`, `contents.rs`, `operations.rs`, `rights.rs`, `log_on.rs`, `referral.rs`, `client_errors.rs`
//! and `transport.rs` are the only ones that name the client (the crate `smb`). They work around these weaknesses,
//! measured with 0.12.1:
//!
//! - It loses the credits of answers that only say "later": calls move to a new connection before they run out
//!   (`credits.rs`).
//! - It loses the credits of an abandoned request, too: no single request times out, and a connection that is silent
//!   for too long is given up as a whole.
//! - It keeps the NTSTATUS of a failed read, write or flush only in words.
//! - It remembers a file's length from when it was opened: query the length instead.
//! - Some waits end only with an answer: they are always inside a connection, whose callers wait with a limit.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use smb::connection::EncryptionMode;
use smb::{Connection, Dialect, Tree, UncPath};

use super::client_errors::connect_failure;
use super::credits::Credits;
use super::failure::{Failure, Stage};
use super::log_on::log_on;
use super::referral::refer;
use super::status::BAD_NETWORK_NAME;
use super::target::{Encryption, SmbDialect, SmbFacts, Target};
use super::transport::Link;

/// How many bytes of a file go into one request: what the server grants, but no more than is of use. Larger requests
/// are no faster, and take more memory.
#[derive(Clone, Copy)]
pub(super) struct Blocks {
    pub(super) read: u32,
    pub(super) write: u32,
}

impl Blocks {
    /// Sizes of at most `most`, for a server that takes and gives at most this much at once.
    pub(super) fn agreed(most: u32, read: u32, write: u32) -> Self {
        Self { read: read.clamp(1, most), write: write.clamp(1, most) }
    }
}

type Result<T, E = Failure> = std::result::Result<T, E>;

/// A logged-on connection to a share.
///
/// It lives and dies on a connection's thread, because the client's types start tasks when they are dropped.
pub(super) struct Session {
    // These drop in this order.
    pub(super) tree: Tree,
    session: smb::Session,
    connection: Connection,
    pub(super) blocks: Blocks,
    pub(super) credits: Credits,
    facts: SmbFacts,
}

impl Session {
    /// Connects to one of the addresses, negotiates a dialect, logs on and opens the share.
    pub(super) async fn open(target: &Target, addresses: &[SocketAddr], link: &Arc<Link>) -> Result<Self> {
        let begun = Instant::now();
        let (connection, session, negotiated) = log_on(target, addresses, link).await?;
        let logged_on = Instant::now();
        let at = |error| connect_failure(link, error).at(Stage::OpenShare);
        let share = UncPath::new(&target.root.host().to_string())
            .and_then(|server| server.with_share(target.root.share()))
            .map_err(at)?;
        link.enter(Stage::OpenShare);
        let tree = match session.tree_connect(&share).await.map_err(at) {
            Ok(tree) if tree.is_dfs_root().unwrap_or(false) => {
                return Err(refer(target, addresses).await.at(Stage::OpenShare));
            }
            // The host may be a domain, whose controllers know the namespace and have no share of that name; or the whole
            // share leads elsewhere.
            Err(failure) if failure.ntstatus() == Some(BAD_NETWORK_NAME) => {
                let referred = refer(target, addresses).await;
                let is_dfs = referred.targets().is_some();
                return Err(if is_dfs { referred.at(Stage::OpenShare) } else { failure });
            }
            tree => tree?,
        };
        let agreed = &connection.conn_info().ok_or_else(|| Failure::lost("no dialect was agreed on"))?;
        let negotiation = &agreed.negotiation;
        let credits = Credits::new(link).map_err(|failure| failure.at(Stage::OpenShare))?;
        let blocks = Blocks::agreed(credits.block(), negotiation.max_read_size, negotiation.max_write_size);
        let facts = SmbFacts {
            address: agreed.server_address,
            target: target.namespace.as_ref().map(|_| target.root.to_string()),
            dialect: match negotiation.dialect_rev {
                Dialect::Smb030 => SmbDialect::Smb300,
                Dialect::Smb0302 => SmbDialect::Smb302,
                _ => SmbDialect::Smb311,
            },
            encrypted: link.is_encrypted(),
            cipher: negotiation.encryption_cipher.map(|cipher| format!("{cipher:?}")),
            signing: negotiation.signing_algo.map(|algorithm| format!("{algorithm:?}")),
            block: blocks.write,
            is_fallback: target.encryption == Encryption::Preferred
                && agreed.config.encryption_mode != EncryptionMode::Required,
            negotiated: negotiated - begun,
            logged_on: logged_on - negotiated,
            opened: logged_on.elapsed(),
        };
        Ok(Self { tree, session, connection, blocks, credits, facts })
    }

    pub(super) fn facts(&self) -> &SmbFacts {
        &self.facts
    }

    /// Logs off, which closes the share and whatever is open, and closes the connection.
    pub(super) async fn log_off(self) {
        let _ = self.session.logoff().await;
        let _ = self.connection.close().await;
    }
}
