//! One call that opens a share, whatever kind it is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::{Durability, FolderShare, Share};
#[cfg(feature = "object-store")]
use super::{ObjectStoreBuilder, ObjectStoreShare};
#[cfg(feature = "smb")]
use super::{SmbAccount, SmbBuilder, SmbShare};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::UncPath;
use crate::options::from_json;

/// Prepares to open a share: a folder, a UNC path, or the URL of an object store.
///
/// | | with an account | without one |
/// | --- | --- | --- |
/// | folder | the system | the system |
/// | UNC path on Windows | our own client | the system, as the account that the program runs as |
/// | UNC path elsewhere | our own client | `INVALID_ARGUMENT` |
/// | `s3://`, `az://`, `https://` | `INVALID_ARGUMENT` | with the feature `object-store`; credentials come from the environment |
///
/// ```no_run
/// let folder = azs_backup::share::open("/mnt/backups").run()?;
/// let account = azs_backup::share::SmbAccount::new(r"CONTOSO\azsbackup", "its password")?;
/// let share = azs_backup::share::open(r"\\fileserver01.contoso.com\AzSBackups").account(account).run()?;
/// # Ok::<(), azs_backup::Error>(())
/// ```
pub fn open(root: impl Into<PathBuf>) -> OpenShare {
    OpenShare {
        root: root.into(),
        #[cfg(feature = "smb")]
        account: None,
        options: None,
    }
}

/// A share that is about to be opened by [`open`].
#[derive(Clone, Debug)]
#[must_use]
pub struct OpenShare {
    root: PathBuf,
    #[cfg(feature = "smb")]
    account: Option<SmbAccount>,
    options: Option<Vec<u8>>,
}

impl OpenShare {
    /// Sets the account that our own client logs on to the server of a UNC path with; a folder needs none.
    #[cfg(feature = "smb")]
    pub fn account(mut self, account: SmbAccount) -> Self {
        self.account = Some(account);
        self
    }

    /// Sets options from JSON: `durability`, and where our own client connects, those of a connection
    /// (`SmbBuilder::options`); for an object store those of `ObjectStoreBuilder::options`.
    pub fn options(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.options = Some(json.into());
        self
    }

    /// Opens the share.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for wrong options, for those of a connection where the system opens the share, and for a UNC
    /// path that takes an account; `UNSUPPORTED` for a URL without the feature
    /// `object-store`; those of [`FolderShare::open`], `SmbBuilder::connect` and `ObjectStoreBuilder::connect`.
    pub fn run(self) -> Result<Arc<dyn Share>> {
        #[cfg(feature = "object-store")]
        if let Some(builder) = self.object_store()? {
            return Ok(Arc::new(builder.connect()?));
        }
        if is_url(&self.root) {
            // Without its query, which may be secret.
            let url = self.root.to_string_lossy();
            let url = url.split(['?', '#']).next().unwrap_or_default();
            let message = format!(
                "{url} is the URL of an object store, which this program was built without: build it with the feature \
                 object-store, or name a folder or a UNC path"
            );
            return Err(Error::new(ErrorKind::Unsupported, message).doing("open", url));
        }
        #[cfg(feature = "smb")]
        if let Some(builder) = self.connection()? {
            return Ok(Arc::new(builder.connect()?));
        }
        if cfg!(not(windows)) && UncPath::is_meant_by(&self.root) {
            let message = format!(
                "{} is a UNC path, which takes an account here; or mount the share, and name the folder",
                self.root.display()
            );
            return Err(Error::new(ErrorKind::InvalidArgument, message).doing("open", self.root.display()));
        }
        let options = match &self.options {
            Some(json) => from_json("options of a share that the system opens", json)?,
            None => FolderOptions::default(),
        };
        let share = FolderShare::open(&self.root)?.with_durability(options.durability.unwrap_or_default());
        Ok(Arc::new(share))
    }

    /// Returns the share in an object store that [`run`](Self::run) would open; `None` if the root is no URL.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a URL with an account; those of `ObjectStoreShare::builder` and `ObjectStoreBuilder::options`.
    #[cfg(feature = "object-store")]
    pub fn object_store(&self) -> Result<Option<ObjectStoreBuilder>> {
        if !is_url(&self.root) {
            return Ok(None);
        }
        let builder = ObjectStoreShare::builder(self.root.to_string_lossy())?;
        #[cfg(feature = "smb")]
        if self.account.is_some() {
            let message = format!(
                "{} takes no account: credentials for an object store come from the environment",
                builder.url()
            );
            return Err(Error::new(ErrorKind::InvalidArgument, message).doing("open", builder.url()));
        }
        self.options.as_ref().map_or(Ok(builder.clone()), |json| builder.options(json)).map(Some)
    }

    /// Returns the connection of our own client that [`run`](Self::run) would open; `None` if the system opens the
    /// share.
    ///
    /// # Errors
    /// Those of a UNC path, and of `SmbBuilder::options`.
    #[cfg(feature = "smb")]
    pub fn connection(&self) -> Result<Option<SmbBuilder>> {
        let Some(account) = self.account.as_ref().filter(|_| UncPath::is_meant_by(&self.root)) else {
            return Ok(None);
        };
        let builder = SmbShare::builder(self.root.to_string_lossy().parse()?, account.clone());
        self.options.as_ref().map_or(Ok(builder.clone()), |json| builder.options(json)).map(Some)
    }
}

/// Whether a root is meant to be the URL of an object store, rather than a folder: it begins with `s3://`, `az://`, `https://`
/// or `http://`.
#[must_use]
pub fn is_url(root: impl AsRef<Path>) -> bool {
    let text = root.as_ref().to_string_lossy();
    let begins =
        |scheme: &str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    ["s3://", "az://", "https://", "http://"].into_iter().any(begins)
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct FolderOptions {
    durability: Option<Durability>,
}
