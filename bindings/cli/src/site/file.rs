//! What the file of a site says, as it is written there; and its JSON Schema.

use std::path::{Path, PathBuf};

use azs_backup::layout::UncPath;
use azs_backup::share::is_url;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use toml::{Spanned, Table};

use crate::options::{BackupOptions, ConnectionOptions, RetentionOptions};

/// Options that the core reads: a section, and where it begins.
pub(super) type Options = Spanned<Table>;

/// The configuration of a site: what is backed up where, and how.
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
#[schemars(title = "azs-backup site")]
pub(super) struct Sections {
    /// The external domain name and the region: contoso.com/nyc
    #[schemars(with = "String")]
    pub(super) deployment: Spanned<String>,
    /// Encryption certificates (CER): each can open the sets
    pub(super) certificates: Vec<PathBuf>,
    /// Folder of this host: what the last sets were, and the record of the runs
    pub(super) state: PathBuf,
    pub(super) share: ShareSection,
    /// When to run
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ScheduleOptions>")]
    pub(super) schedule: Option<Options>,
    /// What to keep; without this section nothing is ever deleted
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<RetentionOptions>")]
    pub(super) retention: Option<Options>,
    #[serde(default)]
    pub(super) signing: SigningSection,
    /// Other shares that get a copy of each set
    #[serde(rename = "copy", default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<CopySection>")]
    pub(super) copies: Vec<Spanned<CopySection>>,
    #[serde(default)]
    pub(super) gate: GateSection,
    #[serde(default)]
    pub(super) report: ReportSection,
    /// What a review needs to know besides: scale_units, decryption_certificates, hlh_hosts, stamp_hosts, space, silence
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Map<String, Value>>")]
    pub(super) review: Option<Options>,
    /// What to back up, in this order
    #[serde(rename = "component")]
    #[schemars(length(min = 1))]
    pub(super) components: Vec<ComponentSection>,
}

impl Sections {
    /// Takes relative paths from the folder of the file: a timer and a shell run in different ones. A UNC path is none, and
    /// neither is a URL.
    pub(super) fn resolve(&mut self, folder: &Path) {
        let components = self.components.iter_mut().flat_map(|component| &mut component.sources);
        let sources = components.map(|source| match source {
            SourceSection::Path(path) | SourceSection::Named { path, .. } => path,
        });
        let ReportSection { json, prometheus, review, webhook, .. } = &mut self.report;
        let secret = webhook.as_mut().and_then(|webhook| webhook.secret_file.as_mut());
        let SigningSection { certificate, password_file, require } = &mut self.signing;
        let copies = self.copies.iter_mut().map(|copy| &mut copy.get_mut().share);
        let (roots, passwords): (Vec<_>, Vec<_>) = std::iter::once(&mut self.share)
            .chain(copies)
            .map(|share| (&mut share.root, &mut share.password_file))
            .unzip();
        let optional = [&mut self.gate.operations, certificate, password_file, json, prometheus, review];
        let paths = [&mut self.state].into_iter().chain(roots).chain(&mut self.certificates);
        let paths = paths.chain(require).chain(passwords.into_iter().flatten());
        let paths = paths.chain(sources).chain(optional.into_iter().flatten()).chain(secret);
        for path in paths.filter(|path| !UncPath::is_meant_by(&**path) && !is_url(path) && !is_stored(path)) {
            *path = folder.join(&*path);
        }
    }
}

/// Whether it is the name of a certificate in a store of Windows, which is no path.
fn is_stored(path: &Path) -> bool {
    path.to_string_lossy().get(..6).is_some_and(|start| start.eq_ignore_ascii_case(r"Cert:\"))
}

/// A share that has sets.
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShareSection {
    /// Its UNC path, or the folder at which it is mounted
    pub(super) root: PathBuf,
    /// Account on the file server of a UNC path, like CONTOSO\azsbackup
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<String>,
    /// File with the account's password, which only its owner may read
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) password_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ConnectionOptions>")]
    pub(super) options: Option<Options>,
}

/// Another share, for a copy of each set: sealed as it is, whatever is missing there.
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CopySection {
    pub(super) share: ShareSection,
    /// Create the region folder there if it is missing
    #[serde(default)]
    pub(super) create: bool,
    /// Read back each night all that is there, and send again what is not as it was written
    #[serde(default)]
    pub(super) read_back: bool,
    /// What to keep there; without this section nothing is ever deleted there
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<RetentionOptions>")]
    pub(super) retention: Option<Options>,
}

/// Who signs the sets, and who must have signed those on the share.
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SigningSection {
    /// This host's own certificate and key (PFX), which sign each set
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) certificate: Option<PathBuf>,
    /// File with the password of that PFX, which only its owner may read [else: AZS_SIGNER_PASSWORD, or the systemd
    /// credential azs-signer-password]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) password_file: Option<PathBuf>,
    /// Certificates (CER) of every host that backs up this deployment: one of them must have signed a set, which else counts
    /// as nothing and is never deleted
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) require: Vec<PathBuf>,
}

/// What backups wait for.
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GateSection {
    /// Operations of Azure Stack Hub that backups wait for, as a script with a token of the admin API writes them
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) operations: Option<PathBuf>,
}

/// Where a run reports to.
#[derive(Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportSection {
    /// File for the report of the last run, as JSON
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) json: Option<PathBuf>,
    /// File for the same, for Prometheus' text file collector: it ends with .prom
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prometheus: Option<PathBuf>,
    /// File for the review of the configuration and the share, as an HTML page
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) review: Option<PathBuf>,
    /// On Windows: write each run to the event log (Application, source azs-backup)
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) event_log: bool,
    /// Address that gets the report of a run that needs attention, by this system's sendmail
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mail: Option<String>,
    /// Address of an OpenTelemetry collector that gets a trace and metrics of each run: http://127.0.0.1:4318
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) opentelemetry: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) webhook: Option<Webhook>,
}

/// A web server that gets the report of a run that needs attention, as JSON.
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    /// Where to post it
    pub(crate) url: String,
    /// File with the secret that signs the body (HMAC-SHA256, header X-AZS-Signature-256), which only its owner may read
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret_file: Option<PathBuf>,
    /// How long the server may take
    #[serde(default = "ten_seconds")]
    #[schemars(range(min = 1, max = 300))]
    pub(crate) time_limit_seconds: u64,
}

fn ten_seconds() -> u64 {
    10
}

/// A component: Switches, HLH, DeploymentData, Registration, or one of your own.
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ComponentSection {
    /// Its name, if need be with its scale unit: Switches, HLH/su1
    #[schemars(with = "String")]
    pub(super) name: Spanned<String>,
    /// What it consists of
    pub(super) sources: Vec<SourceSection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<BackupOptions>")]
    pub(super) options: Option<Options>,
}

/// A path, or a path with the name that it has in the set.
#[derive(Clone, Deserialize, JsonSchema, Serialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "a source is a path, or { name = \"...\", path = \"...\" }"
)]
pub(super) enum SourceSection {
    Path(PathBuf),
    Named { name: String, path: PathBuf },
}

/// When to run; the core reads these.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)]
struct ScheduleOptions {
    /// Hours between two runs, from 4 to 12 as Azure Stack Hub has them [default: 12]
    #[schemars(extend("default" = 12))]
    frequency_hours: Option<u32>,
    /// Allow other frequencies than Azure Stack Hub's
    #[schemars(default)]
    beyond_microsoft: bool,
    /// Seconds after midnight UTC at which the times begin [default: 0]
    #[schemars(extend("default" = 0))]
    phase_seconds: Option<u32>,
    /// Spread the hosts over this many seconds [default: 0]
    jitter_seconds: Option<u32>,
    /// The name of this host, from which its own time in the jitter comes
    host: Option<String>,
}

/// The JSON Schema (draft 2020-12) of the file.
pub(crate) fn schema() -> Schema {
    schemars::schema_for!(Sections)
}
