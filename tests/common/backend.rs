//! The shares of the tests: a folder; a Samba server that serves the same folder; an object store that must do what the
//! folder does.
//!
//! `AZS_TEST_SHARE=smb`, `=s3` or `=azure` chooses another than the first. `cargo xtask test` runs the same tests once for
//! each backend.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use azs_backup::share::Durability;
use azs_backup::{FolderShare, Share};

/// The kinds of share.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Backend {
    Folder,
    Smb,
    S3,
    Azure,
}

fn backend() -> Backend {
    match std::env::var("AZS_TEST_SHARE").as_deref() {
        Ok("folder") | Err(_) => Backend::Folder,
        Ok("smb") => Backend::Smb,
        Ok("s3") => Backend::S3,
        Ok("azure") => Backend::Azure,
        Ok(other) => panic!("AZS_TEST_SHARE is {other}; it can be folder, smb, s3 or azure"),
    }
}

/// Opens a share in this folder, in the backend of the tests.
pub fn share(root: &Path) -> Arc<dyn Share> {
    share_with(root, Durability::Flushed)
}

pub fn share_with(root: &Path, durability: Durability) -> Arc<dyn Share> {
    match backend() {
        Backend::Folder => Arc::new(FolderShare::open(root).unwrap().with_durability(durability)),
        Backend::Smb => smb::share(root, durability),
        Backend::S3 => object_store::s3(root),
        Backend::Azure => object_store::azure(root),
    }
}

/// Whether shares are on a Samba server.
pub fn is_smb() -> bool {
    backend() == Backend::Smb
}

/// Whether shares are on any server: none shows links.
pub fn is_remote() -> bool {
    backend() != Backend::Folder
}

/// Whether shares have hard links, and tell their space.
pub fn is_file_system() -> bool {
    matches!(backend(), Backend::Folder | Backend::Smb)
}

/// Asserts that a backup that was given up has removed what it stored.
///
/// In a folder, and over SMB, that is so at once. In an object store giving up can outlast the 3 s that it makes its caller
/// wait: what the store has received, it writes when it gets to it, and only then it can be removed. A thread goes on.
pub fn assert_given_up(is_gone: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !is_file_system() && !is_gone() && begun.elapsed() < std::time::Duration::from_secs(60) {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(is_gone(), "what a backup stored that was given up is still there");
}

/// Lets a child process use the server of this one.
pub fn inherit(command: &mut Command) {
    if is_smb() {
        command.env(PORT, smb::port().to_string());
    }
}

const PORT: &str = "AZS_TEST_SMB_PORT";

#[cfg(feature = "smb")]
mod smb {
    use std::path::Path;
    use std::sync::{Arc, OnceLock};

    use azs_backup::share::Durability;
    use azs_backup::{Share, SmbShare};

    use super::super::samba::{Samba, account};

    pub(super) fn share(root: &Path, durability: Durability) -> Arc<dyn Share> {
        let inside = root.strip_prefix(std::env::temp_dir()).expect("shares of tests are temporary folders");
        let root = format!(r"\\127.0.0.1\temporary\{}", inside.display());
        let builder = SmbShare::builder(root.parse().unwrap(), account()).port(port());
        Arc::new(builder.durability(durability).connect().unwrap())
    }

    /// The port of a server for all tests of this program. The server ends with the program.
    pub(super) fn port() -> u16 {
        static SERVER: OnceLock<Samba> = OnceLock::new();
        match std::env::var(super::PORT) {
            Ok(port) => port.parse().unwrap(),
            Err(_) => SERVER
                .get_or_init(|| {
                    let folder = std::env::temp_dir();
                    let rules = "read only = no\n follow symlinks = no";
                    let share = format!("[temporary]\n path = {}\n {rules}\n", folder.display());
                    Samba::with("", &share)
                })
                .port(),
        }
    }
}

#[cfg(not(feature = "smb"))]
mod smb {
    use std::path::Path;
    use std::sync::Arc;

    use azs_backup::Share;
    use azs_backup::share::Durability;

    pub(super) fn share(_: &Path, _: Durability) -> Arc<dyn Share> {
        panic!("the tests were built without the feature smb")
    }

    pub(super) fn port() -> u16 {
        panic!("the tests were built without the feature smb")
    }
}

#[cfg(feature = "object-store")]
mod object_store {
    use std::path::Path;
    use std::sync::Arc;

    use azs_backup::Share;

    use super::super::mirror::Mirror;
    use super::super::store::Store;

    pub(super) fn s3(root: &Path) -> Arc<dyn Share> {
        Arc::new(Mirror::open(Store::S3, root))
    }

    pub(super) fn azure(root: &Path) -> Arc<dyn Share> {
        Arc::new(Mirror::open(Store::Azure, root))
    }
}

#[cfg(not(feature = "object-store"))]
mod object_store {
    use std::path::Path;
    use std::sync::Arc;

    use azs_backup::Share;

    pub(super) fn s3(_: &Path) -> Arc<dyn Share> {
        panic!("the tests were built without the feature object-store")
    }

    pub(super) use s3 as azure;
}
