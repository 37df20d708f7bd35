//! Shares and sets, named by arguments.

use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use azs_backup::alert::Context;
use azs_backup::layout::{Component, Deployment, SetName, SharePath, UncPath};
use azs_backup::set::{SetState, SetSummary};
use azs_backup::share::{self, CheckReport, OpenShare, ShareCheck, is_url};
use azs_backup::signature::SignerCertificate;
use azs_backup::{
    DecryptionCertificate, EncryptionCertificate, Error, ErrorKind, FolderShare, Opener, Place, Result, Set,
    Share, list_sets,
};
use clap::Args;
use jiff::{SignedDuration, Timestamp};

use crate::options::{SERVER, SmbOptions, to_json};
use crate::output::{Output, invalid};
use crate::progress;
use crate::secret::{PFX_PASSWORD, PfxPassword, PfxPasswords, SMB_PASSWORD, Secret, SmbPassword};
use crate::signers::TrustArgs;

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

/// A set on a share or in a folder of its own.
#[derive(Args)]
pub(crate) struct SetArgs {
    /// The set: its folder, its UNC path, or with --root its path on the share, such as
    /// contoso.com/nyc/Switches/20261123T020000Z-7f3a91c2 or contoso.com/nyc/Switches/latest
    set: PathBuf,
    /// The share that has the set: its UNC path, or the folder at which it is mounted
    #[arg(long, value_name = "ROOT", env = "AZS_ROOT")]
    root: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
    /// External domain name and region, where the set is named as `list` does: Switches/20261123T020000Z-7f3a91c2
    #[arg(long, env = "AZS_DEPLOYMENT")]
    deployment: Option<Deployment>,
    /// The place that the set belongs to, like contoso.com/nyc/Switches, if its folder is elsewhere
    #[arg(long)]
    place: Option<Place>,
    #[command(flatten)]
    trust: TrustArgs,
}

/// The key that opens a set.
#[derive(Args)]
pub(crate) struct KeyArgs {
    /// Decryption certificate
    #[arg(long, value_name = "FILE", env = "AZS_PFX")]
    pfx: PathBuf,
    #[command(flatten)]
    password: PfxPassword,
}

/// The key that opens a set, if there is one.
#[derive(Args)]
pub(crate) struct OptionalKeyArgs {
    /// Decryption certificate
    #[arg(long, value_name = "FILE")]
    pfx: Option<PathBuf>,
    #[command(flatten)]
    password: PfxPassword,
}

/// Reads several PFX files.
pub(crate) fn certificates(
    files: &[PathBuf],
    passwords: &PfxPasswords,
) -> Result<Vec<DecryptionCertificate>> {
    let passwords = passwords.read(files.len())?;
    files.iter().zip(&passwords).map(|(file, password)| opened(file, password.as_ref())).collect()
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
                .warn(format_args!("account {} names no domain; write it like DOMAIN\\{0}", account.name()));
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

impl SetArgs {
    /// Reads the certificates of which one must have signed the set; none demands nothing.
    pub(crate) fn signers(&self) -> Result<Vec<SignerCertificate>> {
        self.trust.read()
    }

    /// Refuses to restore onto the share: what is restored is in the clear.
    pub(crate) fn check_target(&self, into: &Path) -> Result<()> {
        let absolute = |path: &Path| path.canonicalize().ok();
        // What does not exist yet is where its nearest folder is.
        let into_folder = into
            .ancestors()
            .find_map(|path| absolute(if path.as_os_str().is_empty() { Path::new(".") } else { path }));
        match (self.root.as_deref().and_then(absolute), into_folder) {
            (Some(root), Some(folder)) if folder.starts_with(&root) => Err(invalid(format_args!(
                "--into {}: that is on the share, where everyone could read what is restored; name a folder of this host",
                into.display()
            ))),
            _ => Ok(()),
        }
    }

    /// Opens the set by its cover sheet.
    pub(crate) fn open(&self, output: &Output) -> Result<Set> {
        self.open_other(&self.set, output)
    }

    /// Opens another set, which is named in the same way.
    pub(crate) fn open_other(&self, set: &Path, output: &Output) -> Result<Set> {
        let (share, folder) = self.find(set, output)?;
        match &self.place {
            Some(place) => Set::open_foreign(share, folder, place),
            None => Set::open(share, folder),
        }
    }

    /// Opens the set by its encrypted index alone.
    pub(crate) fn open_by_index(&self, opener: &Opener, output: &Output) -> Result<Set> {
        let (share, folder) = self.find(&self.set, output)?;
        Set::open_by_index(share, folder, opener)
    }

    /// The path of a set on its share.
    fn on_share(&self, set: &Path) -> Result<SharePath> {
        let folder: SharePath = set.to_string_lossy().replace('\\', "/").trim_end_matches('/').parse()?;
        match &self.deployment {
            // A component, perhaps a scale unit, and the set; with a domain and a region there are two more.
            Some(deployment) if folder.names().len() <= 3 => format!("{deployment}/{folder}").parse(),
            _ => Ok(folder),
        }
    }

    fn find(&self, set: &Path, output: &Output) -> Result<(Arc<dyn Share>, SharePath)> {
        // A folder of this host needs no share, though the environment may name one.
        let is_folder = set.is_absolute() && !UncPath::is_meant_by(set) && set.is_dir();
        if let Some(root) = self.root.as_ref().filter(|_| !is_folder) {
            let share = self.server.open(root, output)?;
            let folder = self.on_share(set)?;
            let folder = newest(&share, &folder, &self.signers()?, output)?.unwrap_or(folder);
            return Ok((share, folder));
        }
        if let Some(unc) = self.server.unc(set)? {
            let names: Vec<_> = unc.folders().names().iter().map(ToString::to_string).collect();
            let folder = set_folder(&names)?;
            let root = (0..folder.names().len()).try_fold(unc, |root, _| root.parent());
            let root = root.ok_or_else(|| invalid("the UNC path of a set has the share in front of it"))?;
            return Ok((self.server.open(Path::new(&root.to_string()), output)?, folder));
        }
        if is_url(set) {
            let url = set.to_string_lossy().trim_end_matches('/').to_owned();
            // Behind the bucket, or the host and what is in its place.
            let (scheme, rest) = url.split_once("://").unwrap_or_default();
            let names = rest.split('/').skip(if scheme.eq_ignore_ascii_case("s3") { 1 } else { 2 });
            let folder = set_folder(&names.map(str::to_owned).collect::<Vec<_>>())?;
            let root = url.strip_suffix(&folder.to_string()).unwrap_or(&url).trim_end_matches('/');
            return Ok((self.server.open(Path::new(root), output)?, folder));
        }
        let path = set.canonicalize().map_err(|e| Error::io(format_args!("open {}", set.display()), e))?;
        let names: Vec<_> = path.iter().skip(1).map(|name| name.to_string_lossy().into_owned()).collect();
        let folder = set_folder(&names)?;
        let root = path.ancestors().nth(folder.names().len()).unwrap_or(&path);
        Ok((Arc::new(FolderShare::open(root)?), folder))
    }
}

/// Whether a set is from the future. A clock that ran ahead for a night would hide every set that was made since.
pub(crate) fn is_ahead(set: &SetSummary) -> bool {
    set.name.created() > Timestamp::now() + SignedDuration::from_hours(1)
}

/// The folder of the newest complete set of a place, if this path is the place's and ends with `latest`. It must be signed
/// by one of these signers, if there are any.
fn newest(
    share: &Arc<dyn Share>,
    path: &SharePath,
    signers: &[SignerCertificate],
    output: &Output,
) -> Result<Option<SharePath>> {
    let (Some(name), Some(parent)) = (path.file_name(), path.parent()) else { return Ok(None) };
    if name.as_str() != "latest" {
        return Ok(None);
    }
    let place: Place = parent.to_string().parse()?;
    let sets = list_sets(share.clone(), place.deployment()).component(place.component());
    let sets = sets.require_signers(signers).run()?;
    let is_here = |set: &&SetSummary| set.place == place && set.is_complete();
    let (ahead, past): (Vec<_>, Vec<_>) = sets.iter().filter(is_here).partition(|set| is_ahead(set));
    for set in &ahead {
        output.warn(format_args!("{} is not taken for the latest: its time is in the future", set.folder));
    }
    let newest = past.last().or(ahead.last());
    // Older ones do not matter here: a listing names them.
    let is_untrusted = |set: &&SetSummary| {
        matches!(set.state, SetState::Untrusted { .. })
            && set.place == place
            && newest.is_none_or(|newest| set.name.created() >= newest.name.created())
    };
    for set in sets.iter().filter(is_untrusted) {
        let reason = set.state.reason().unwrap_or_default();
        output.warn(format_args!("{} is not taken for the latest: {reason}", set.folder));
    }
    let missing = || Error::new(ErrorKind::NotFound, format!("{place} has no complete set"));
    newest.map(|set| Some(set.folder.clone())).ok_or_else(missing)
}

/// Returns the path of a set's folder below its share's root, given the names on the way. In a region folder it begins
/// with the external domain name; elsewhere it is the folder's own name if that is a set's, and otherwise empty.
fn set_folder(names: &[String]) -> Result<SharePath> {
    let path = |count: usize| names[names.len() - count..].join("/").parse::<SharePath>();
    for count in [5, 4] {
        // Domains in Microsoft's layout contain a dot; without that check any folders would match.
        if names.len() >= count
            && names[names.len() - count].contains('.')
            && let Ok(folder) = path(count)
            && Place::of_set_folder(&folder).is_some()
        {
            return Ok(folder);
        }
    }
    let is_set = names.last().is_some_and(|name| name.parse::<SetName>().is_ok());
    if is_set { path(1) } else { Ok(SharePath::root()) }
}

impl KeyArgs {
    /// Reads the PFX.
    pub(crate) fn opener(&self) -> Result<Opener> {
        opener(&self.pfx, &self.password)
    }
}

impl OptionalKeyArgs {
    /// Reads the PFX, if one was given.
    pub(crate) fn opener(&self) -> Result<Option<Opener>> {
        self.pfx.as_deref().map(|pfx| opener(pfx, &self.password)).transpose()
    }
}

fn opener(file: &Path, password: &PfxPassword) -> Result<Opener> {
    certificate(file, password).map(Opener::new)
}

/// Reads a PFX.
pub(crate) fn certificate(file: &Path, password: &PfxPassword) -> Result<DecryptionCertificate> {
    opened(file, password.read()?.as_ref())
}

fn opened(file: &Path, password: Option<&Secret>) -> Result<DecryptionCertificate> {
    let pfx = DecryptionCertificate::load(file, password.map(|text| &***text));
    pfx.map_err(|e| {
        let hint = match (e.kind(), password) {
            (ErrorKind::WrongPassword, None) => format!("; set {PFX_PASSWORD}, or use --pfx-password-file"),
            (ErrorKind::WrongPassword, Some(password)) if password.ends_with(['\n', '\r']) => {
                format!("; what is in {PFX_PASSWORD} ends with a line break, which counts")
            }
            _ => String::new(),
        };
        Error::new(e.kind(), format!("{e}{hint}")).with_source(e)
    })
}

/// Whether the system opens a UNC path, as the account that this program runs as.
const SYSTEM_OPENS_UNC: bool = cfg!(windows);

/// Reads the certificates of those who are to open a set. Whoever gives one twice believes to have a second one.
pub(crate) fn encryption_certificates(files: &[PathBuf]) -> Result<Vec<EncryptionCertificate>> {
    let certificates: Vec<_> = files.iter().map(EncryptionCertificate::load).collect::<Result<_>>()?;
    for (n, certificate) in certificates.iter().enumerate() {
        if let Some(same) =
            certificates[..n].iter().position(|earlier| earlier.facts() == certificate.facts())
        {
            let (one, other) = (files[same].display(), files[n].display());
            return Err(invalid(format_args!("{one} and {other} are one certificate: give it once")));
        }
    }
    Ok(certificates)
}
