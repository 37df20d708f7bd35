//! Certificates and keys that the operating system keeps: on Windows, in its certificate stores.
//!
//! Their names are PowerShell's: `Cert:\LocalMachine\My\` and the thumbprint. The key stays where it is.

use openssl::x509::X509;

use crate::Result;

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(super) use unix::{StoredKey, find};
#[cfg(windows)]
pub(super) use windows::{StoredKey, find};

/// A certificate that the system keeps.
pub(super) struct Stored {
    pub(super) x509: X509,
    /// Finds its private key.
    pub(super) key: Box<dyn FnOnce() -> Result<StoredKey>>,
}
