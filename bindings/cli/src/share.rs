//! Shares, named by arguments.

use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use azs_backup::alert::Context;
use azs_backup::layout::{Component, Deployment, SharePath, UncPath};
use azs_backup::share::{self, CheckReport, OpenShare, ShareCheck, is_url};
use azs_backup::{Error, ErrorKind, Result, Share};
use clap::Args;
use jiff::Timestamp;

use crate::options::{SERVER, SmbOptions, to_json};
use crate::output::{Output, invalid};
use crate::progress;
use crate::secret::{SMB_PASSWORD, SmbPassword};

mod set;

pub(crate) use set::{SetArgs, is_ahead};

/// The root of a share.
#[derive(Args)]
pub(crate) struct ShareArgs {
    /// The share: its UNC path, or the folder at which it is mounted
    #[arg(long, value_name = "ROOT", env = "AZS_ROOT")]
    root: PathBuf,
    #[command(flatten)]
    server: ServerArgs,
}

/// How to reach the file server of a UNC path.
#[derive(Args)]
pub(crate) struct ServerArgs {
    /// Account on the file server of a UNC path, like CONTOSO\azsbackup
    #[arg(long, value_name = "ACCOUNT", env = "AZS_SMB_USER", hide_env_values = true, help_heading = SERVER)]
    smb_user: Option<String>,
    #[command(flatten)]
    password: SmbPassword,
    #[command(flatten)]
    options: SmbOptions,
    /// Options of an object store, as JSON, like {"region": "eu-west-1", "lock_days": 30}
    #[cfg(feature = "object-store")]
    #[arg(long, value_name = "JSON", env = "AZS_STORE_OPTIONS", help_heading = SERVER)]
    store_options: Option<String>,
    /// The options of a site's configuration, as JSON.
    #[arg(skip)]
    configured: Option<String>,
}

impl ShareArgs {
    /// Opens the share.
    pub(crate) fn open(&self, output: &Output) -> Result<Arc<dyn Share>> {
        self.server.open(&self.root, output)
    }

    /// Whether the share is in an object store.
    pub(crate) fn is_store(&self) -> bool {
        is_url(&self.root)
    }

    /// Opens another share in the same way.
    pub(crate) fn open_other(&self, root: &Path, output: &Output) -> Result<Arc<dyn Share>> {
        self.server.open(root, output)
    }

    /// The options of the connection, as JSON.
    pub(crate) fn options(&self) -> Result<String> {
        to_json(&self.server.options)
    }

    /// Checks the way to the share, from the name of its server on.
    pub(crate) fn check(&self, check: &ShareCheck, output: &Output) -> Result<CheckReport> {
        self.server.check(&self.root, check, output)
    }
}

impl ServerArgs {
    /// What a site's configuration says: the account, the file with its password, and options as JSON.
    pub(crate) fn of_site(user: Option<String>, password_file: Option<PathBuf>, options: String) -> Self {
        Self {
            smb_user: user.or_else(|| std::env::var("AZS_SMB_USER").ok()),
            password: SmbPassword::in_file(password_file),
            options: SmbOptions::default(),
            #[cfg(feature = "object-store")]
            store_options: None,
            configured: Some(options),
        }
    }

    /// The account, if there is one.
    pub(crate) fn user(&self) -> Option<&str> {
        self.smb_user.as_deref()
    }

    /// The TCP port, if it is another than that of SMB.
    pub(crate) fn port(&self) -> Option<u16> {
        self.options.port
    }

    /// What an alert about the share names.
    pub(crate) fn context(&self, root: &Path) -> Context {
        let context = Context::new("", Timestamp::now()).share(root.display().to_string());
        match &self.smb_user {
            Some(user) if UncPath::is_meant_by(root) => context.account(user),
            _ => context,
        }
    }

    /// Opens a share: the system does, or our own client if there is an account.
    pub(crate) fn open(&self, root: &Path, output: &Output) -> Result<Arc<dyn Share>> {
        let share = self.prepare(root, output)?;
        progress::saying(output, root, || share.run()).map_err(|error| hinted(root, error))
    }

    /// Opens shares, several at a time: one whose server does not answer holds up few others.
    pub(crate) fn open_all(&self, roots: &[PathBuf], output: &Output) -> Vec<Result<Arc<dyn Share>>> {
        let mut prepared = roots.iter().map(|root| (root, self.prepare(root, output)));
        progress::saying(output, Path::new("the shares"), || {
            let mut opened = Vec::new();
            while opened.len() < roots.len() {
                std::thread::scope(|scope| {
                    let open = |(root, share): (&PathBuf, Result<OpenShare>)| {
                        share?.run().map_err(|error| hinted(root, error))
                    };
                    let some = prepared.by_ref().take(AT_ONCE).map(|share| scope.spawn(move || open(share)));
                    let some: Vec<_> = some.collect();
                    opened.extend(
                        some.into_iter().map(|of| of.join().unwrap_or_else(|panic| resume_unwind(panic))),
                    );
                });
            }
            opened
        })
    }

    /// Refuses what is meant to be a UNC path or a URL, and is none.
    fn check_root(root: &Path) -> Result<()> {
        let text = root.to_string_lossy();
        let is_broken = text.starts_with('\\') && !UncPath::is_meant_by(root) && cfg!(not(windows));
        if is_broken || (text.contains("://") && !is_url(root)) {
            return Err(Error::new(
                ErrorKind::InvalidName,
                format!(
                    "{text}: a file server is named by a UNC path, '\\\\server\\share', in single quotes"
                ),
            ));
        }
        Ok(())
    }

    /// Judges the options of a connection and the file with the password, and connects to nothing.
    #[cfg_attr(not(feature = "smb"), allow(unused_variables))]
    pub(crate) fn check_files(&self, root: &Path) -> Result<()> {
        Self::check_root(root)?;
        self.password.check_file()?;
        if is_url(root) {
            let share = self.store(root);
            #[cfg(feature = "object-store")]
            return share.object_store().map(drop);
            // Says that this program was built without it.
            #[cfg(not(feature = "object-store"))]
            return share.run().map(drop);
        }
        #[cfg(feature = "smb")]
        if let (true, Some(options)) = (UncPath::is_meant_by(root), &self.configured) {
            let somebody = share::SmbAccount::new("somebody", "whatever it is")?;
            share::open(root).account(somebody).options(options.clone()).connection()?;
        }
        Ok(())
    }

    pub(crate) fn check(&self, root: &Path, check: &ShareCheck, output: &Output) -> Result<CheckReport> {
        #[cfg(feature = "smb")]
        if let Some(builder) = self.prepare(root, output)?.connection()? {
            return Ok(progress::saying(output, root, || check.run_smb(&builder)));
        }
        Ok(check.run(&*self.open(root, output)?))
    }

    /// Returns the UNC path of a set, if our own client is to open it; `None` if the system is.
    fn unc(&self, path: &Path) -> Result<Option<UncPath>> {
        let is_ours = UncPath::is_meant_by(path) && !(SYSTEM_OPENS_UNC && self.smb_user.is_none());
        is_ours.then(|| path.to_string_lossy().parse()).transpose()
    }

    #[cfg(feature = "smb")]
    fn prepare(&self, root: &Path, output: &Output) -> Result<OpenShare> {
        Self::check_root(root)?;
        let share = self.store(root);
        if !UncPath::is_meant_by(root) {
            return Ok(share);
        }
        let share = share.options(match &self.configured {
            Some(options) => options.clone(),
            None => to_json(&self.options)?,
        });
        let account = match (&self.smb_user, self.password.read()?) {
            (Some(user), Some(password)) => share::SmbAccount::new(user, &**password)?,
            // The system opens it, as the account that this program runs as.
            (None, _) if SYSTEM_OPENS_UNC => return Ok(share),
            _ => {
                let unc: UncPath = root.to_string_lossy().parse()?;
                return Err(invalid(format_args!(
                    "{unc} takes an account: set AZS_SMB_USER and {SMB_PASSWORD}, or --smb-user and \
                     --smb-password-file"
                )));
            }
        };
        if account.is_bare() {
            output
                .warn(format_args!(
                    "account {} names no domain; write it like DOMAIN\\{0}, or .\\{0} if it is one of the file server itself",
                    account.name()
                ));
        }
        Ok(share.account(account))
    }

    #[cfg(not(feature = "smb"))]
    fn prepare(&self, root: &Path, _: &Output) -> Result<OpenShare> {
        Self::check_root(root)?;
        if let Some(unc) = self.unc(root)? {
            let message = format!("{unc} is a UNC path, and this program was built without the feature smb");
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        Ok(self.store(root))
    }

    /// Names the share; one in an object store has options of its own.
    fn store(&self, root: &Path) -> OpenShare {
        #[cfg(feature = "object-store")]
        if let Some(options) =
            self.configured.as_ref().or(self.store_options.as_ref()).filter(|_| is_url(root))
        {
            return share::open(root).options(options.clone());
        }
        share::open(root)
    }
}

/// How many shares are opened at a time.
const AT_ONCE: usize = 16;

/// Says what may be wrong with a root, where that is likely.
fn hinted(root: &Path, error: Error) -> Error {
    if error.kind() != ErrorKind::NotFound || UncPath::is_meant_by(root) || is_url(root) {
        return error;
    }
    let hint = "is the share mounted there? A UNC path begins with two backslashes, in quotes";
    Error::new(ErrorKind::NotFound, format!("{error}; {hint}")).with_source(error)
}

/// Refuses a listing that is empty because there is no region folder: whoever mistyped it, or has not mounted the share, must
/// not read that there are no backups. A component that is not there is a warning: it may have none yet.
pub(crate) fn demand_folder(
    share: &Arc<dyn Share>,
    deployment: &Deployment,
    component: Option<&Component>,
    output: &Output,
) -> Result<()> {
    let region: SharePath = deployment.to_string().parse()?;
    let items = share.list(&region).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            let message = format!(
                "{} has no region folder {region}: is the share mounted there, and is the name right?",
                share.describe()
            );
            Error::new(ErrorKind::NotFound, message).with_source(error)
        }
        _ => error,
    })?;
    if let Some(component) = component.filter(|of| !items.iter().any(|item| item.name == of.as_str())) {
        output.warn(format_args!("{region} on {} has no component {component}", share.describe()));
    }
    Ok(())
}

/// Whether the system opens a UNC path, as the account that this program runs as.
const SYSTEM_OPENS_UNC: bool = cfg!(windows);
