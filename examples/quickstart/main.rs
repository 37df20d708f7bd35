//! The main job without any set-up: `cargo run --example quickstart`.
//!
//! Makes a throw-away certificate, backs up real files next to a `MASBackup`, lists, verifies, restores and compares
//! them, and opens the set a second time without this library.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use azs_backup::backup::BackupReport;
use azs_backup::layout::{Component, Deployment};
use azs_backup::restore::{RestoreReport, VerifyReport};
use azs_backup::review::{Configuration, KnownCertificate, Review, Severity, review};
use azs_backup::set::SetSummary;
use azs_backup::{
    Backup, DecryptionCertificate, EncryptionCertificate, Error, ErrorKind, FolderShare, Opener, Place,
    Result, Set, Share, list_sets,
};
use lexopt::Arg::{Long, Short, Value};
use serde::Serialize;

mod by_hand;
mod certificate;
#[path = "../support/mod.rs"]
mod support;
mod tree;

use by_hand::ByHand;
use certificate::ThrowAway;
use tree::Compare;

const HELP: &str = "\
Backs up, lists, verifies, restores and compares real files with a throw-away certificate,
opens the set again with nothing but sha256sum, openssl, zstd and tar, and reviews the share by the best practices.

quickstart [SOURCE] [--in FOLDER] [--root ROOT [--port N]] [--remove] [--json]

  SOURCE       folder to back up; by default this repository, without target and .git
  --in FOLDER  folder to work in: empty or not existing yet; by default a new temporary one
  --root ROOT  UNC path, with the account in AZS_SMB_USER and AZS_SMB_PASSWORD, or a mounted folder to use as the
               share; by default a new folder. The set stays there
  --port N     TCP port of the file server of a UNC path, if it is not 445
  --remove     remove the temporary folder at the end; otherwise it stays, so that you can look around
  --json       print the report as JSON";

/// What in this repository is not source: cargo's output and git's own data.
const LEFT_OUT: [&str; 2] = ["target", ".git"];

fn main() -> ExitCode {
    support::run(quickstart)
}

#[derive(Serialize)]
struct Report {
    /// The folder that contains everything.
    folder: PathBuf,
    /// Whether the folder still exists.
    kept: bool,
    /// The set's folder.
    set: PathBuf,
    backup: BackupReport,
    sets: Vec<SetSummary>,
    verified: VerifyReport,
    restored: RestoreReport,
    /// Number of entries that were compared with the source and are the same.
    compared: usize,
    by_hand: ByHand,
    review: Review,
}

fn quickstart(mut parser: lexopt::Parser) -> Result<()> {
    let mut root = None::<support::Location>;
    let (mut source, mut within, mut remove, mut json) = (None, None, false, false);
    while let Some(arg) = parser.next().map_err(support::invalid)? {
        match arg {
            Long("in") => within = Some(support::path(&mut parser)?),
            Long("root") => root.get_or_insert_default().take_path(&mut parser)?,
            Long("port") => root.get_or_insert_default().take_port(&mut parser)?,
            Long("remove") => remove = true,
            Long("json") => json = true,
            Long("help") | Short('h') => return support::print(HELP),
            Value(folder) if source.is_none() => source = Some(PathBuf::from(folder)),
            other => return Err(support::invalid(other.unexpected())),
        }
    }
    if remove && within.is_some() {
        return Err(support::invalid("--remove is for a temporary folder, not for one that was given"));
    }
    let left_out: &[&str] = if source.is_none() { &LEFT_OUT } else { &[] };
    let source = source.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let source =
        source.canonicalize().map_err(|e| Error::io(format_args!("open {}", source.display()), e))?;
    let is_temporary = within.is_none();
    let folder = work_folder(within)?;
    if folder.starts_with(&source) {
        return Err(support::invalid(format_args!(
            "{} lies in what is to be backed up; give --in a folder outside of {}",
            folder.display(),
            source.display()
        )));
    }
    let say = |text: String| if json { Ok(()) } else { support::print(text) };
    let mut report = show(&source, left_out, root.as_ref(), &folder, &say).inspect_err(|_| {
        if is_temporary {
            // The failure is reported already; failing to remove a folder would say less.
            let _ = std::fs::remove_dir_all(&folder);
        }
    })?;
    if remove {
        std::fs::remove_dir_all(&folder)
            .map_err(|e| Error::io(format_args!("remove {}", folder.display()), e))?;
        report.kept = false;
        say(format!(
            "\nRemoved {}; without --remove it is kept, and the lines above open the set.",
            folder.display()
        ))?;
    } else {
        say(format!(
            "\nEverything is kept in {0}\nRemove it with: rm -r {1}",
            folder.display(),
            by_hand::quoted(&folder)
        ))?;
    }
    if json { support::print_json(&report) } else { Ok(()) }
}

/// Creates a new folder to work in.
fn work_folder(given: Option<PathBuf>) -> Result<PathBuf> {
    let Some(folder) = given else {
        let temporary = tempfile::Builder::new().prefix("azs-backup-quickstart-").tempdir();
        let folder = temporary.map_err(|e| Error::io("create a temporary folder", e))?.keep();
        return folder.canonicalize().map_err(|e| Error::io("open the temporary folder", e));
    };
    let failed = |e| Error::io(format_args!("create {}", folder.display()), e);
    std::fs::create_dir_all(&folder).map_err(failed)?;
    if std::fs::read_dir(&folder).map_err(failed)?.next().is_some() {
        return Err(Error::new(
            ErrorKind::AlreadyExists,
            format!("{} is not empty; give --in an empty folder or a new one", folder.display()),
        ));
    }
    folder.canonicalize().map_err(failed)
}

fn show(
    source: &Path,
    left_out: &[&str],
    root: Option<&support::Location>,
    folder: &Path,
    say: &dyn Fn(String) -> Result<()>,
) -> Result<Report> {
    let ThrowAway { cer, pfx, password } = ThrowAway::new()?;
    for (name, bytes) in [("backup.cer", &cer), ("backup.pfx", &pfx)] {
        let file = folder.join(name);
        std::fs::write(&file, bytes).map_err(|e| Error::io(format_args!("write {}", file.display()), e))?;
    }
    let certificate = EncryptionCertificate::from_cer(&cer)?;
    let thumbprint = certificate.facts().sha1_thumbprint.clone();
    say(format!(
        "1. A throw-away certificate in {}\n   backup.cer encrypts; backup.pfx and its password, {password}, decrypt. Thumbprint {}",
        folder.display(),
        certificate.facts().sha1_thumbprint
    ))?;

    let deployment = Deployment::new("contoso.com", "nyc")?;
    let share: Arc<dyn Share> = match root {
        Some(root) => root.open_share()?,
        None => {
            // This is what a share looks like after Azure Stack Hub's first backup.
            let root = folder.join("share");
            let mas_backup = root.join("contoso.com/nyc/MASBackup");
            std::fs::create_dir_all(&mas_backup)
                .map_err(|e| Error::io(format_args!("create {}", mas_backup.display()), e))?;
            Arc::new(FolderShare::open(&root)?)
        }
    };
    let place = Place::new(deployment.clone(), Component::Switches);
    let mut builder = Backup::builder(share.clone(), place)
        .certificate(certificate)
        .create(true)
        .state(folder.join("state"))
        .label("made by", "quickstart")
        .observer(support::progress("backup"));
    for name in left_out {
        builder = builder.exclude(*name);
    }
    let mut backup = builder.start()?;
    let name = source.file_name().map_or("source".into(), |name| name.to_string_lossy());
    backup.add_folder_as(&name, source)?;
    let report = backup.commit()?;
    let (content, stored) = (&report.cover.content, &report.cover.stored);
    say(format!(
        "\n2. Backed up {} as {} of {deployment}, beside MASBackup\n   {} files, {} folders and {} links with {}; {} stored in {} files, in {:.1} s",
        source.display(),
        Component::Switches,
        content.files,
        content.folders,
        content.links,
        support::bytes(content.bytes),
        support::bytes(stored.bytes),
        stored.files,
        report.seconds
    ))?;
    say(format!("\n3. What is on the share\n{}", tree::layout(&*share, &deployment, "   ")?))?;

    let sets = list_sets(share.clone(), &deployment).run()?;
    let complete = sets.iter().filter(|set| set.is_complete()).count();
    say(format!("4. Listed, without a key: {complete} complete set of {}", sets.len()))?;

    let set = Set::open(share.clone(), report.folder.clone())?;
    let opener = Opener::new(DecryptionCertificate::from_pfx(&pfx, Some(&password))?);
    let verified =
        set.verify_full(&opener).observer(&mut support::progress("verify")).run()?.into_result()?;
    say(format!(
        "\n5. Verified with backup.pfx: every byte of {} stored files is authentic and what was backed up",
        verified.stored_files
    ))?;

    let target = folder.join("restored");
    let mut hook = support::progress("restore");
    let restored = set.restore(&opener).observer(&mut hook).into(&target)?;
    drop(hook);
    let compared = tree::compare(source, &target.join(&*name), left_out, Compare::WithModes)?;
    say(format!(
        "\n6. Restored to {}\n   compared with the source: {compared} entries, the same byte for byte, with their modes and times",
        target.display()
    ))?;

    // Opening it by hand needs files in a folder, and no share.
    let native = match root {
        Some(_) => tree::download(&*share, &report.folder, &folder.join("downloaded"))?,
        None => folder.join("share").join(report.folder.to_relative()),
    };
    let by_hand = ByHand::new(folder, &native, &password);
    say(format!("\n7. Opened by hand, without this library:\n\n{}\n", by_hand.lines.join("\n")))?;
    let by_hand = by_hand.run()?;
    if by_hand.ran {
        tree::compare(
            source,
            &folder.join("by-hand/restored").join(&*name),
            left_out,
            Compare::WithoutModes,
        )?;
        say("   These lines were run, and gave back the same files again.".into())?;
    } else {
        say(format!("   These lines were NOT run; this machine lacks: {}", by_hand.missing.join(", ")))?;
    }

    // A separate file says how the backups are set up: `cargo run --example review -- --help`.
    let mut configuration = Configuration::new(r"\\fileserver01.contoso.com\AzSBackups", deployment);
    configuration.add_encryption_certificate(&cer);
    configuration.retention_days = Some(7);
    configuration.decryption_certificates =
        vec![KnownCertificate::new(thumbprint, folder.display().to_string())];
    let review = review(&configuration, share.clone(), jiff::Timestamp::now())?;
    let page = folder.join("review.html");
    std::fs::write(&page, review.to_html())
        .map_err(|e| Error::io(format_args!("write {}", page.display()), e))?;
    say(format!("\n8. Reviewed by the best practices: {}\n{}", page.display(), findings(&review)))?;
    Ok(Report {
        folder: folder.to_owned(),
        kept: true,
        set: native,
        backup: report,
        sets: sets.sets,
        verified,
        restored,
        compared,
        by_hand,
        review,
    })
}

/// Formats the findings of a review, one per line.
fn findings(review: &Review) -> String {
    let line = |severity: Severity, about: &str, title: &str| {
        format!("   {:8}  {about}: {title}\n", severity.as_str())
    };
    let found = review.findings.iter().map(|of| line(of.rule.severity, &of.about, of.rule.title));
    let text: String = found.collect();
    if text.is_empty() { "   nothing to do".to_owned() } else { text.trim_end().to_owned() }
}
