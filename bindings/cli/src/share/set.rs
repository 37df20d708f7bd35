//! Sets, named by arguments.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use azs_backup::layout::{Deployment, SetName, SharePath, UncPath};
use azs_backup::set::{SetState, SetSummary};
use azs_backup::share::is_url;
use azs_backup::signature::SignerCertificate;
use azs_backup::{Error, ErrorKind, FolderShare, Opener, Place, Result, Set, Share, list_sets};
use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::ServerArgs;
use crate::output::{Output, invalid};
use crate::signers::TrustArgs;

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

/// Whether a set is from the future, by more than clocks differ. A clock that ran ahead for a night would hide every set that
/// was made since.
pub(crate) fn is_ahead(set: &SetSummary) -> bool {
    set.name.created() > Timestamp::now() + SignedDuration::from_mins(5)
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
    let sets = list_sets(share.clone(), place.deployment()).component(place.component()).newest(1);
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
