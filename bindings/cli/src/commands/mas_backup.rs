//! `mas-backup`: Azure Stack Hub's own backups, read and judged.

use std::fmt::Write;
use std::path::PathBuf;

use azs_backup::layout::{Deployment, SharePath};
use azs_backup::mas_backup::{
    self as core, Catalog, ExtractReport, Finding, Keys, MasBackupReport, MicrosoftBackup, Readiness,
    Severity, SnapshotState,
};
use azs_backup::restore::Existing;
use azs_backup::{Error, ErrorKind, Result};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use crate::certificates::certificates;
use crate::ended::Ended;
use crate::files::text_of;
use crate::output::{Output, age, count, harmless, size, some};
use crate::progress;
use crate::secret::{PfxPasswords, Secret};
use crate::share::ShareArgs;
use crate::table::table;

/// List, verify and extract Azure Stack Hub's own backups in MASBackup.
///
/// It reads there and never writes. It says what it checked, and not that Azure Stack Hub can recover from it.
#[derive(Args)]
pub(crate) struct MasBackup {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(List),
    Show(Show),
    Verify(Verify),
    Extract(Extract),
    Prune(Prune),
}

impl MasBackup {
    pub(crate) fn run(self, output: &Output) -> Result<Ended> {
        match self.command {
            Command::List(command) => command.run(output),
            Command::Show(command) => command.run(output),
            Command::Verify(command) => command.run(output),
            Command::Extract(command) => command.run(output),
            Command::Prune(command) => command.run(output),
        }
    }
}

/// Where MASBackup is.
#[derive(Args)]
struct Theirs {
    #[command(flatten)]
    share: ShareArgs,
    /// External domain name and region, like contoso.com/nyc, if MASBackup is in their folder; else it is in the root
    #[arg(long, env = "AZS_DEPLOYMENT")]
    deployment: Option<Deployment>,
}

impl Theirs {
    fn open(&self, output: &Output) -> Result<core::MasBackup> {
        let folder = self.deployment.as_ref().map_or_else(SharePath::root, Deployment::region_folder);
        core::MasBackup::open(self.share.open(output)?, &folder)
    }

    fn list(&self, output: &Output) -> Result<Catalog> {
        self.open(output)?.list().observer(&mut progress::observer(output, "list")).run(Timestamp::now())
    }
}

/// The keys that are at hand.
#[derive(Args)]
struct PfxArgs {
    /// Decryption certificate; several if certificates were rotated
    #[arg(long, value_name = "FILE", env = "AZS_PFX")]
    pfx: Vec<PathBuf>,
    #[command(flatten)]
    passwords: PfxPasswords,
    /// File with the encryption key that the operator of a version before 1901 kept
    #[arg(long, value_name = "FILE")]
    operator_key: Vec<PathBuf>,
}

impl PfxArgs {
    fn keys(&self) -> Result<Keys> {
        let keys = Keys::new(certificates(&self.pfx, &self.passwords)?);
        self.operator_key.iter().try_fold(keys, |keys, file| keys.operator_key(&Secret::new(text_of(file)?)))
    }
}

/// List the backups, newest first, and what is wrong with them.
#[derive(Args)]
struct List {
    #[command(flatten)]
    theirs: Theirs,
}

impl List {
    fn run(self, output: &Output) -> Result<Ended> {
        let catalog = self.theirs.list(output)?;
        output.print(&catalog, || {
            let mut text = table(
                ["BACKUP", "AGE", "STORE", "READY", ">REPOSITORIES", ">STORED"],
                catalog.backups.iter().map(|backup| {
                    let complete = backup.repositories.iter().filter(|of| of.is_complete).count();
                    [
                        backup.id.clone(),
                        backup.created.map_or_else(|| "unknown".into(), age),
                        backup.store.clone(),
                        ready(backup).into(),
                        format!("{complete} of {}", backup.repositories.len()),
                        size(backup.stored_bytes).to_string(),
                    ]
                }),
            );
            for certificate in &catalog.certificates {
                let snapshots = count(certificate.snapshots as u64, "snapshot");
                let _ = writeln!(text, "needs the PFX of {}: {snapshots}", certificate.thumbprint);
            }
            if catalog.backups.is_empty() {
                let _ = writeln!(text, "no backups of Azure Stack Hub");
            }
            findings(&mut text, &catalog.findings);
            text
        })?;
        Ok(Ended::named(catalog.backups.is_empty() || is_bad(&catalog.findings)))
    }
}

fn ready(backup: &MicrosoftBackup) -> &'static str {
    match backup.readiness {
        Readiness::Ready => "yes",
        Readiness::NotReady => "no",
        _ => "unknown",
    }
}

/// Show one backup: what it needs, and what of that is missing.
#[derive(Args)]
struct Show {
    #[command(flatten)]
    theirs: Theirs,
    /// The backup's id, or latest for the newest that is ready for recovery
    backup: String,
}

impl Show {
    fn run(self, output: &Output) -> Result<Ended> {
        let catalog = self.theirs.list(output)?;
        let backup = find(&catalog, &self.backup)?;
        output.print(backup, || {
            let mut text = format!("{} of {}\n", backup.id, backup.store);
            if let Some(created) = backup.created {
                let _ = writeln!(text, "made        {created}");
            }
            let _ = writeln!(text, "ready       {}", ready(backup));
            for reason in &backup.reasons {
                let _ = writeln!(text, "            {reason}");
            }
            if let Some(status) = &backup.stated_status {
                let ready = match backup.states_ready {
                    Some(true) => ", ready",
                    Some(false) => ", not ready",
                    None => "",
                };
                let _ = writeln!(text, "its summary says: {status}{ready}");
            }
            for thumbprint in &backup.thumbprints {
                let _ = writeln!(text, "PFX         {thumbprint}");
            }
            for of in &backup.repositories {
                let state = if of.is_complete { "complete" } else { "NOT COMPLETE" };
                let needed = if of.is_essential == Some(true) { ", essential" } else { "" };
                let _ = writeln!(text, "{}: {state}{needed}", of.name);
                of.chain.iter().for_each(|path| {
                    let _ = writeln!(text, "  {path}");
                });
                of.missing.iter().for_each(|path| {
                    let _ = writeln!(text, "  missing: {path}");
                });
            }
            text
        })?;
        Ok(Ended::named(backup.readiness == Readiness::NotReady))
    }
}

/// Find a backup by its id; `latest` is the newest that is ready for recovery, or else the newest.
fn find<'a>(catalog: &'a Catalog, name: &str) -> Result<&'a MicrosoftBackup> {
    let is_it = |backup: &&MicrosoftBackup| backup.id.eq_ignore_ascii_case(name);
    let is_ready = |backup: &&MicrosoftBackup| backup.readiness == Readiness::Ready;
    let mut all = catalog.backups.iter();
    let found = match name {
        "latest" => all.clone().find(is_ready).or_else(|| all.next()),
        _ => all.find(is_it),
    };
    found.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("MASBackup has no backup {name}")))
}

/// Verify the backups: with the PFX every byte, without it what can be seen.
///
/// With the PFX each snapshot is authenticated and decrypted, and each file in it is compared with its checksum. Nothing is
/// written anywhere.
#[derive(Args)]
struct Verify {
    #[command(flatten)]
    theirs: Theirs,
    #[command(flatten)]
    keys: PfxArgs,
    /// Only what the backup of this id needs, or latest for the newest that is ready for recovery
    #[arg(long, value_name = "ID")]
    backup: Option<String>,
}

impl Verify {
    fn run(self, output: &Output) -> Result<Ended> {
        let (keys, theirs) = (self.keys.keys()?, self.theirs.open(output)?);
        let id = self.backup.map(|name| id_of(&theirs, &name)).transpose()?;
        let mut observer = progress::observer(output, "verify");
        let mut verify = theirs.verify().keys(&keys).observer(&mut observer);
        if let Some(id) = &id {
            verify = verify.backup(id);
        }
        let report = verify.run(Timestamp::now())?;
        drop(observer);
        output.print(&report, || text(&report))?;
        let is_whole = matches!(report.state, SnapshotState::Verified | SnapshotState::NotChecked);
        // Where there is nothing, nothing is verified.
        Ok(Ended::named(!is_whole || report.snapshots.is_empty() || is_bad(&report.findings)))
    }
}

fn id_of(theirs: &core::MasBackup, name: &str) -> Result<String> {
    match name {
        "latest" => Ok(find(&theirs.list().run(Timestamp::now())?, name)?.id.clone()),
        id => Ok(id.to_owned()),
    }
}

fn text(report: &MasBackupReport) -> String {
    let mut text = String::new();
    for state in [
        SnapshotState::Verified,
        SnapshotState::NotChecked,
        SnapshotState::InProgress,
        SnapshotState::NotOpened,
        SnapshotState::Unreadable,
        SnapshotState::Damaged,
    ] {
        let snapshots = report.snapshots.iter().filter(|check| check.state == state).count();
        if snapshots > 0 {
            let _ = writeln!(text, "{}: {state}", count(snapshots as u64, "snapshot"));
        }
    }
    if report.snapshots.is_empty() {
        text += "no snapshots of Azure Stack Hub\n";
    }
    let _ = writeln!(text, "{} of content from {} read", size(report.bytes), size(report.stored_bytes));
    for thumbprint in &report.not_shown {
        let _ = writeln!(text, "not shown: the PFX of {thumbprint}");
    }
    text += &table(
        ["BACKUP", "AGE", "READY", "SNAPSHOTS"],
        report.backups.iter().map(|backup| {
            [
                backup.id.clone(),
                backup.created.map_or_else(|| "unknown".into(), age),
                backup.readiness.to_string(),
                backup.state.to_string(),
            ]
        }),
    );
    findings(&mut text, &report.findings);
    text
}

/// Extract what a backup needs into a folder: the files of each repository, SQL backups as they are.
#[derive(Args)]
struct Extract {
    #[command(flatten)]
    theirs: Theirs,
    #[command(flatten)]
    keys: PfxArgs,
    /// The backup's id, or latest for the newest that is ready for recovery
    backup: String,
    /// Folder to extract to: empty or not existing yet, unless --existing says what happens to existing things
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Only this repository, like CRP;Microsoft.Compute.Admin;-;Quota
    #[arg(long, value_name = "NAME")]
    repository: Option<String>,
    /// What to do about things that exist: refuse, keep or replace
    #[arg(long, value_name = "WHAT", default_value = "refuse")]
    existing: Existing,
    /// Write zips inside as folders, and decrypt what is encrypted once more
    #[arg(long)]
    open_inner: bool,
}

impl Extract {
    fn run(self, output: &Output) -> Result<Ended> {
        let (keys, theirs) = (self.keys.keys()?, self.theirs.open(output)?);
        let id = id_of(&theirs, &self.backup)?;
        let mut observer = progress::observer(output, "extract");
        let mut extract = theirs.extract(&keys, &id).existing(self.existing).observer(&mut observer);
        if let Some(name) = &self.repository {
            extract = extract.repository(name);
        }
        if self.open_inner {
            extract = extract.open_inner();
        }
        let report = extract.into(&self.to, Timestamp::now())?;
        drop(observer);
        output.print(&report, || extracted(&report))?;
        let is_whole = report.state == SnapshotState::Verified
            && report.missing.is_empty()
            && report.refused.is_empty()
            && report.kept_differing.is_empty()
            && !is_bad(&report.findings);
        Ok(Ended::named(!is_whole))
    }
}

fn extracted(report: &ExtractReport) -> String {
    let snapshots = count(report.snapshots.len() as u64, "snapshot");
    let files = count(report.files, "file");
    let mut text = format!("{}: {files} with {} from {snapshots}\n", report.state, size(report.bytes));
    if report.kept > 0 {
        let _ = writeln!(text, "kept what was there: {}", report.kept);
    }
    some(&mut text, "the backup lacks", report.missing.iter());
    some(&mut text, "kept what was there and is not what the backup has", report.kept_differing.iter());
    some(&mut text, "not written", report.refused.iter().map(|of| format!("{}: {}", of.path, of.message)));
    findings(&mut text, &report.findings);
    text
}

/// Foretell which files Azure Stack Hub's prune would remove as unrecognised. It removes nothing itself.
#[derive(Args)]
struct Prune {
    #[command(flatten)]
    theirs: Theirs,
}

impl Prune {
    fn run(self, output: &Output) -> Result<Ended> {
        let catalog = self.theirs.list(output)?;
        let is_key = |path: &String| {
            catalog.findings.iter().any(|of| of.path == *path && of.code.code() == "PRIVATE_KEY")
        };
        // Keys first: with one of them gone, so may be the backups.
        let mut paths: Vec<_> = catalog.prunable.iter().collect();
        paths.sort_by_key(|path| !is_key(path));
        // What cannot be read may be anything.
        let is_unknown = |of: &&Finding| ["FILE_UNREADABLE", "TOO_MUCH"].contains(&of.code.code());
        let unknown: Vec<_> = catalog.findings.iter().filter(is_unknown).cloned().collect();
        let document = json!({"folder": catalog.folder, "prunable": paths, "unknown": unknown});
        output.print(&document, || match paths.len() {
            0 if unknown.is_empty() => "a prune would remove nothing as unrecognised".to_owned(),
            0 => of_unknown(String::new(), &unknown),
            many => {
                let many = count(many as u64, "file");
                let mut text =
                    format!("a prune would remove {many} as unrecognised; copy them before it runs:\n");
                paths.iter().for_each(|path| {
                    let key = if is_key(path) { "  (a private key)" } else { "" };
                    let _ = writeln!(text, "  {}{key}", harmless(path, false));
                });
                of_unknown(text, &unknown)
            }
        })?;
        Ok(Ended::named(!paths.is_empty() || !unknown.is_empty()))
    }
}

fn of_unknown(mut text: String, unknown: &[Finding]) -> String {
    let lines = unknown.iter().map(|of| format!("{}: {}", of.path, of.seen));
    some(&mut text, "nobody can tell what a prune would remove of", lines);
    text
}

fn findings(text: &mut String, findings: &[Finding]) {
    for severity in Severity::ALL {
        let of: Vec<_> = findings.iter().filter(|finding| finding.severity == severity).collect();
        let lines = of.iter().map(|of| format!("{} {}: {}", of.code, of.path, of.seen));
        some(text, severity.as_str(), lines);
    }
}

fn is_bad(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Critical)
}
