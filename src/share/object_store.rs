//! A share in an object store: Amazon S3 and what is compatible with it, Azure Blob.
//!
//! The crate `object_store` makes the requests, signs them, finds credentials and reads listings. What it leaves to us is
//! in `wire.rs`: limits of time, locks, old versions of Azure's API, and what an answer says besides. docs/object-stores.md
//! lists what an object store cannot do.

use std::fmt;
use std::sync::atomic::AtomicBool;

use crate::error::{Error, ErrorKind, Result};
use crate::layout::SharePath;
use crate::share::{concerning, joined};

mod builder;
mod calls;
mod client;
mod credentials;
mod crypto;
mod engine;
mod environment;
mod failure;
mod left;
mod listing;
mod location;
mod lock;
mod options;
mod wire;

pub use builder::ObjectStoreBuilder;
pub use credentials::StoreCredentials;
pub use lock::LockMode;

use engine::Engine;
use failure::Failure;
use lock::Rule;

/// A [`Share`](super::Share) in a bucket or container of an object store.
///
/// Many threads may use it at once; their requests run side by side, on a thread of its own. So you can call it from
/// inside any asynchronous runtime, and no call takes longer than [`call_limit`](ObjectStoreBuilder::call_limit). In a
/// process forked from the one that opened it, every call fails.
///
/// ```no_run
/// use azs_backup::ObjectStoreShare;
///
/// // Credentials come from the environment: AWS_ACCESS_KEY_ID and so on, or the role of the instance.
/// let share = ObjectStoreShare::builder("s3://contoso-backups/azs")?.region("eu-west-1").connect()?;
/// # Ok::<(), azs_backup::Error>(())
/// ```
pub struct ObjectStoreShare {
    /// Its URL.
    root: String,
    /// The folder in the bucket.
    prefix: SharePath,
    /// The lock that each object gets.
    lock: Option<Rule>,
    /// Whether the store was seen to keep such a lock.
    holds_locks: AtomicBool,
    engine: Engine,
}

impl ObjectStoreShare {
    /// Prepares to open a share: `s3://bucket/folder`, `az://account/container/folder`, or the URL of an endpoint,
    /// `https://account.blob.core.windows.net/container/folder`, `https://minio.contoso.com:9000/bucket/folder`. Any other
    /// host than one like `account.blob.…` counts as S3.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for any other form, and for a URL with credentials in it; `INVALID_NAME`; `RESERVED_PATH`.
    pub fn builder(url: impl AsRef<str>) -> Result<ObjectStoreBuilder> {
        ObjectStoreBuilder::new(url.as_ref())
    }

    /// Opens a share with the defaults of [`ObjectStoreBuilder`], and credentials from the environment.
    ///
    /// # Errors
    /// As [`builder`](Self::builder) and [`ObjectStoreBuilder::connect`].
    pub fn connect(url: impl AsRef<str>) -> Result<Self> {
        Self::builder(url)?.connect()
    }

    /// Returns the key of a path: no slash at either end.
    fn key(&self, path: &SharePath) -> String {
        self.prefix.join_path(path).to_string()
    }

    fn failed(&self, doing: &'static str, path: &SharePath, failure: Failure) -> Error {
        let shown = joined(self.root.clone(), path);
        concerning(failure.into_error(format_args!("{doing} {shown}")), doing, shown, path)
    }

    /// Returns the key of anything but the root, and that of its folder, which is empty if it always exists.
    fn place(&self, action: &str, path: &SharePath) -> Result<(String, String)> {
        let Some(folder) = path.parent() else {
            let message = format!("{action}: the root of a share has no name");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        };
        let folder = if folder.is_root() { String::new() } else { self.key(&folder) };
        Ok((self.key(path), folder))
    }
}

impl fmt::Debug for ObjectStoreShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectStoreShare")
            .field("root", &self.root)
            .field("lock", &self.lock)
            .finish_non_exhaustive()
    }
}
