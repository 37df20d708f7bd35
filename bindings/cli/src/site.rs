//! The configuration of a site: one TOML file that says what is backed up where, and how.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use azs_backup::alert::Context;
use azs_backup::backup::BackupBuilder;
use azs_backup::layout::{Deployment, UncPath};
use azs_backup::review::Configuration;
use azs_backup::schedule::{RetentionPolicy, Schedule};
use azs_backup::share::{CheckReport, ShareCheck};
use azs_backup::signature::{Signer, SignerCertificate};
use azs_backup::{Backup, EncryptionCertificate, Error, ErrorKind, Place, Result, Share};
use jiff::Timestamp;
use serde_json::Value;

use crate::certificates::encryption_certificates;
use crate::files::{read, text_of};
use crate::options::to_json;
use crate::output::Output;
use crate::secret::SignerPassword;
use crate::share::ServerArgs;
use crate::signers;

mod component;
mod file;
mod review;

pub(crate) use component::{Component, add_as};
use file::{ComponentSection, CopySection, Options, Sections, ShareSection, SigningSection, SourceSection};
pub(crate) use file::{GateSection, ReportSection, Webhook, schema};

/// A site that can be backed up: everything in its file was read and judged.
pub(crate) struct Site {
    sections: Sections,
    pub(crate) deployment: Deployment,
    pub(crate) schedule: Schedule,
    /// `None` if nothing is ever deleted.
    pub(crate) retention: Option<RetentionPolicy>,
    pub(crate) components: Vec<Component>,
    pub(crate) copies: Vec<Copy>,
    /// How the backups are set up, for a review; without the certificates.
    configuration: Configuration,
}

/// Where the configuration of a site is if nothing else is said.
#[cfg(not(windows))]
pub(crate) const CONFIGURATION: &str = "/etc/azs-backup/site.toml";
#[cfg(windows)]
pub(crate) const CONFIGURATION: &str = r"C:\ProgramData\azs-backup\site.toml";

/// Another share of a site, for copies.
pub(crate) struct Copy {
    pub(crate) root: PathBuf,
    server: ServerArgs,
    pub(crate) create: bool,
    pub(crate) read_back: bool,
    /// `None` if nothing is ever deleted there.
    pub(crate) retention: Option<RetentionPolicy>,
}

impl Site {
    /// Reads and judges a file. An error names its line.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = text_of(file)?;
        let at = At { file, text: &text };
        let mut sections: Sections = toml::from_str(&text).map_err(|e| {
            at.error(ErrorKind::Malformed, e.span().unwrap_or_default(), e.message().replace('\n', "; "))
        })?;
        let absolute = std::path::absolute(file);
        let absolute = absolute.map_err(|e| Error::io(format_args!("find {}", file.display()), e))?;
        sections.resolve(absolute.parent().unwrap_or(Path::new("")));
        let deployment: Deployment =
            sections.deployment.get_ref().parse().map_err(|e| at.judged(sections.deployment.span(), &e))?;
        let schedule = match &sections.schedule {
            Some(options) => at.options(options, Schedule::from_json)?,
            None => Schedule::default(),
        };
        let retention = sections.retention.as_ref();
        let retention = retention.map(|options| at.options(options, nightly_policy)).transpose()?;
        if sections.share.root.as_os_str().is_empty() {
            return Err(at.error(ErrorKind::InvalidArgument, 0..0, "root of [share] is empty".into()));
        }
        let copies: Vec<_> =
            sections.copies.iter().map(|section| section.get_ref().judge(&at)).collect::<Result<_>>()?;
        for (n, (copy, section)) in copies.iter().zip(&sections.copies).enumerate() {
            let others =
                std::iter::once(&sections.share.root).chain(copies[..n].iter().map(|copy| &copy.root));
            if let Some(other) = others.into_iter().find(|other| is_same_root(other, &copy.root)) {
                let message = format!("{} is there twice: a copy goes to another share", other.display());
                return Err(at.error(ErrorKind::InvalidArgument, section.span(), message));
            }
        }
        let components = sections.components.iter().map(|section| section.judge(&deployment, &at));
        let components: Vec<_> = components.collect::<Result<_>>()?;
        if components.is_empty() {
            let message = "there is no [[component]]: nothing would be backed up";
            return Err(at.error(ErrorKind::InvalidArgument, 0..0, message.into()));
        }
        for (n, (component, section)) in components.iter().zip(&sections.components).enumerate() {
            if components[..n].iter().any(|other| other.place == component.place) {
                let message = format!("{} is there twice: put its sources together", component.place);
                return Err(at.error(ErrorKind::InvalidArgument, section.name.span(), message));
            }
        }
        let configuration =
            review::configuration(&sections, &deployment, &schedule, retention.as_ref(), &components, &at)?;
        Ok(Self { deployment, schedule, retention, components, copies, configuration, sections })
    }

    /// Sources that are not there now, and of which component they are.
    pub(crate) fn missing_sources(&self) -> impl Iterator<Item = (&Place, &Path)> {
        let all =
            self.components.iter().flat_map(|of| of.sources.iter().map(move |source| (&of.place, source)));
        let paths = all.map(|(place, source)| match source {
            SourceSection::Path(path) | SourceSection::Named { path, .. } => (place, &**path),
        });
        paths.filter(|(_, path)| !path.exists())
    }

    pub(crate) fn state(&self) -> &Path {
        &self.sections.state
    }

    pub(crate) fn gate(&self) -> &GateSection {
        &self.sections.gate
    }

    pub(crate) fn report(&self) -> &ReportSection {
        &self.sections.report
    }

    pub(crate) fn root(&self) -> &Path {
        &self.sections.share.root
    }

    /// Opens the share.
    pub(crate) fn open(&self, output: &Output) -> Result<Arc<dyn Share>> {
        self.server()?.open(self.root(), output)
    }

    /// What an alert about the share names.
    pub(crate) fn context(&self) -> Context {
        let of_none = |_| Context::new("", Timestamp::now());
        self.server().map_or_else(of_none, |server| server.context(self.root()))
    }

    /// Opens the shares with copies, each by itself: one that is away is no reason not to look at the others.
    pub(crate) fn open_copies(&self, output: &Output) -> Vec<Result<Arc<dyn Share>>> {
        self.copies.iter().map(|copy| copy.open(output)).collect()
    }

    /// Checks the way to the share.
    pub(crate) fn check(&self, output: &Output) -> Result<CheckReport> {
        // A backup would create the region folder then.
        let creates = |component: &ComponentSection| {
            let create = component.options.as_ref().and_then(|options| options.get_ref().get("create"));
            create.and_then(toml::Value::as_bool).unwrap_or_default()
        };
        let creates = self.sections.components.iter().any(creates);
        let check = ShareCheck::new(self.deployment.clone()).create_folders(creates);
        self.server()?.check(self.root(), &check, output)
    }

    /// Judges what only a run would find: the files with the passwords, the options of the connections.
    pub(crate) fn check_shares(&self) -> Result<()> {
        self.server()?.check_files(self.root())?;
        self.copies.iter().try_for_each(|copy| copy.server.check_files(&copy.root))
    }

    fn server(&self) -> Result<ServerArgs> {
        self.sections.share.server()
    }

    /// The sections, with the defaults of what is not said.
    pub(crate) fn sections(&self) -> Result<serde_json::Value> {
        let not_json = |e| Error::new(ErrorKind::Internal, "the configuration is no JSON").with_source(e);
        let mut sections = serde_json::to_value(&self.sections).map_err(not_json)?;
        sections["schedule"] = serde_json::to_value(self.schedule).map_err(not_json)?;
        if let Some(retention) = &self.retention {
            sections["retention"] = serde_json::to_value(retention).map_err(not_json)?;
        }
        Ok(sections)
    }

    /// The certificates that a set is sealed to.
    pub(crate) fn certificates(&self) -> Result<Vec<EncryptionCertificate>> {
        encryption_certificates(&self.sections.certificates)
    }

    /// What signs the sets of this host. They must meet the demand of `[signing]` themselves.
    pub(crate) fn signer(&self) -> Result<Option<Signer>> {
        let SigningSection { certificate, password_file, .. } = &self.sections.signing;
        let password = SignerPassword::in_file(password_file.clone());
        let demanded = self.signers()?;
        let signer = certificate.as_deref().map(|file| signers::signer(file, &password)).transpose()?;
        check_demand(&demanded, signer.as_ref())?;
        Ok(signer)
    }

    /// The certificates of which one must have signed a set; none demands nothing.
    pub(crate) fn signers(&self) -> Result<Vec<SignerCertificate>> {
        signers::certificates(&self.sections.signing.require)
    }

    /// Checks whether the certificates encrypt and sign at this time, as the backups of these components will.
    pub(crate) fn check_validity(&self, components: &[&Component], at: Timestamp) -> Result<()> {
        if components.iter().all(|component| component.allows_expired()) {
            return Ok(());
        }
        self.signer()?.map_or(Ok(()), |signer| signer.check_validity(at))?;
        self.certificates()?.iter().try_for_each(|certificate| certificate.check_validity(at))
    }

    /// Whether nightly runs review the site: its file says what a review needs to know.
    pub(crate) fn is_reviewed(&self) -> bool {
        self.sections.review.is_some()
    }

    /// How the backups are set up, for a review.
    pub(crate) fn review_configuration(&self) -> Result<Configuration> {
        let mut configuration = self.configuration.clone();
        for file in &self.sections.certificates {
            configuration.add_encryption_certificate(&read(file)?);
        }
        for file in &self.sections.signing.require {
            configuration.add_signer_certificate(&read(file)?);
        }
        Ok(configuration)
    }

    /// Prepares the backup of a component.
    pub(crate) fn builder(&self, component: &Component, share: Arc<dyn Share>) -> Result<BackupBuilder> {
        let builder = Backup::builder(share, component.place.clone()).state(self.state());
        let mut builder = builder.options(&component.options)?;
        if let Some(signer) = self.signer()? {
            builder = builder.signer(signer);
        }
        Ok(self.certificates()?.into_iter().fold(builder, BackupBuilder::certificate))
    }
}

/// Whether two roots are those of one share, as far as this host can tell without a connection.
fn is_same_root(one: &Path, other: &Path) -> bool {
    if let (Ok(one), Ok(other)) = (one.canonicalize(), other.canonicalize()) {
        return one == other;
    }
    let text = |root: &Path| root.to_string_lossy().trim_end_matches(['/', '\\']).to_ascii_lowercase();
    one == other || (UncPath::is_meant_by(one) && text(one) == text(other))
}

/// Checks that what this host signs would meet its own demand.
fn check_demand(demanded: &[SignerCertificate], signer: Option<&Signer>) -> Result<()> {
    let own = signer.map(|signer| &signer.facts().sha256_thumbprint);
    if demanded.is_empty() || demanded.iter().any(|of| Some(&of.facts().sha256_thumbprint) == own) {
        return Ok(());
    }
    let what = match signer {
        Some(signer) => format!("{}, which signs here, is not in require", signer.facts().sha1_thumbprint),
        None => "require is given, but no certificate that signs".into(),
    };
    let message = format!("[signing]: {what}: the sets of this host would not meet its own demand");
    Err(Error::new(ErrorKind::InvalidArgument, message))
}

/// Reads a policy that is applied every night.
fn nightly_policy(json: String) -> Result<RetentionPolicy> {
    let policy = RetentionPolicy::from_json(&json)?;
    let options: Value = serde_json::from_str(&json).unwrap_or_default();
    if options.get("make_room").and_then(Value::as_u64).is_some_and(|bytes| bytes > 0) {
        let message = "make_room would delete so much again every night; make room once, with azs-backup retention \
                       --room-for, and keep fewer sets by the rules";
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    Ok(policy)
}

impl ShareSection {
    fn server(&self) -> Result<ServerArgs> {
        let options = self.options.as_ref().map_or(Ok("{}".into()), |options| to_json(options.get_ref()))?;
        Ok(ServerArgs::of_site(self.user.clone(), self.password_file.clone(), options))
    }
}

impl CopySection {
    fn judge(&self, at: &At<'_>) -> Result<Copy> {
        let retention = self.retention.as_ref();
        let retention = retention.map(|options| at.options(options, nightly_policy)).transpose()?;
        let Self { share, create, read_back, .. } = self;
        let (root, server) = (share.root.clone(), share.server()?);
        Ok(Copy { root, server, create: *create, read_back: *read_back, retention })
    }
}

impl Copy {
    /// What an alert about the share names.
    pub(crate) fn context(&self) -> Context {
        self.server.context(&self.root)
    }

    /// Opens the share.
    pub(crate) fn open(&self, output: &Output) -> Result<Arc<dyn Share>> {
        self.server.open(&self.root, output)
    }
}

/// The text of a file, to say where something is wrong.
struct At<'a> {
    file: &'a Path,
    text: &'a str,
}

impl At<'_> {
    fn error(&self, kind: ErrorKind, at: Range<usize>, message: String) -> Error {
        let line = self.text.get(..at.start).unwrap_or_default().matches('\n').count() + 1;
        Error::new(kind, format!("{}, line {line}: {message}", self.file.display()))
    }

    fn judged(&self, at: Range<usize>, error: &Error) -> Error {
        self.error(error.kind(), at, error.to_string())
    }

    /// Hands a section to the core. An error names the line of the option in it.
    fn options<T>(&self, options: &Options, read: impl FnOnce(String) -> Result<T>) -> Result<T> {
        read(to_json(options.get_ref())?).map_err(|error| {
            // The message names the option, and the section ends where the next one begins.
            let (message, begins) = (error.to_string(), options.span().start);
            let mut at = begins;
            let lines = self.text.get(begins..).unwrap_or_default().split_inclusive('\n');
            let lines = lines.map(|line| {
                at += line.len();
                (at - line.len(), line.split('=').next().unwrap_or_default().trim())
            });
            let keys = lines.skip(1).take_while(|(_, key)| !key.starts_with('['));
            let named = keys.into_iter().find(|(_, key)| !key.is_empty() && message.contains(*key));
            let at = named.map_or(begins, |(at, _)| at);
            self.error(error.kind(), at..at, message)
        })
    }
}
