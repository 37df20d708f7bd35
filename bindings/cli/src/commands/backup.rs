//! `backup`

use std::fmt::Write;
use std::path::PathBuf;

use azs_backup::backup::{BackupBuilder, BackupReport};
use azs_backup::set::Status;
use azs_backup::{EncryptionCertificate, Place, Result};
use clap::Args;

use crate::ended::Ended;
use crate::options::{BackupOptions, to_json};
use crate::output::{Output, content, count, invalid, size, some};
use crate::progress;
use crate::share::ShareArgs;

/// Back up files and folders into a new set.
#[derive(Args)]
pub(crate) struct Backup {
    #[command(flatten)]
    share: ShareArgs,
    /// Where the set belongs: contoso.com/nyc/Switches, or with a scale unit contoso.com/nyc/HLH/su1
    #[arg(long, env = "AZS_PLACE")]
    place: Place,
    /// Encryption certificate; once for each certificate that is to open the set
    #[arg(long, value_name = "FILE", required = true)]
    cer: Vec<PathBuf>,
    #[command(flatten)]
    options: BackupOptions,
    /// A file or folder with the name that it has in the set
    #[arg(long, value_name = "NAME=PATH", value_parser = named)]
    source: Vec<(String, PathBuf)>,
    /// Read stdin into a file of this name: what was just fetched from a switch
    #[arg(long, value_name = "NAME")]
    stdin: Option<String>,
    /// Files and folders; each is stored under its own name
    #[arg(value_name = "SOURCE", required_unless_present_any = ["source", "stdin"])]
    sources: Vec<PathBuf>,
}

fn named(text: &str) -> std::result::Result<(String, PathBuf), String> {
    let (name, path) = text.split_once('=').ok_or("write it like tor1=/var/lib/switches/tor1")?;
    Ok((name.to_owned(), path.into()))
}

impl Backup {
    pub(crate) fn run(self, output: &Output) -> Result<Ended> {
        let mut backup = self.builder(output)?.start()?;
        for (name, path) in self.source {
            if path.is_file() {
                backup.add_file_as(&name, path)?;
            } else {
                backup.add_folder_as(&name, path)?;
            }
        }
        for source in self.sources {
            backup.add(source)?;
        }
        if let Some(name) = self.stdin {
            backup.add_reader(&name, std::io::stdin().lock())?;
        }
        let report = backup.commit()?;
        // The set exists: failing to print the report does not undo it.
        if let Err(error) = output.print(&report, || text(&report)) {
            output.warn(format_args!("the set {} is complete; {error}", report.folder));
        }
        Ok(Ended::named(report.cover.status != Status::Succeeded))
    }

    fn builder(&self, output: &Output) -> Result<BackupBuilder> {
        if self.stdin.is_some() && std::io::IsTerminal::is_terminal(&std::io::stdin()) {
            return Err(invalid(
                "--stdin takes a pipe or a file: ssh tor1 'show running-config' | azs-backup backup …",
            ));
        }
        let mut builder = azs_backup::Backup::builder(self.share.open(output)?, self.place.clone())
            .options(to_json(&self.options)?)?
            .observer(progress::observer(output, "backup"));
        for file in &self.cer {
            builder = builder.certificate(EncryptionCertificate::load(file)?);
        }
        Ok(builder)
    }
}

fn text(report: &BackupReport) -> String {
    let (stored, reuse) = (&report.cover.stored, &report.reuse);
    let mut text = format!("{:?}: {}\n", report.cover.status, report.folder);
    let _ = writeln!(text, "{} in {:.1} s", content(&report.cover.content), report.seconds);
    let _ = writeln!(text, "stored {} in {}", size(stored.bytes), count(stored.files, "file"));
    if reuse.base.is_some() {
        let linked = reuse.linked.bytes + reuse.copied.bytes;
        let _ =
            writeln!(text, "of these {} new, {} from the last set", size(reuse.stored.bytes), size(linked));
    }
    for certificate in &report.cover.certificates {
        let _ = writeln!(
            text,
            "opened by the PFX with the thumbprint {} ({})",
            certificate.sha1_thumbprint, certificate.subject
        );
    }
    some(&mut text, "not as it was", report.problems.iter().map(|problem| &problem.message));
    some(&mut text, "skipped", report.skipped.iter().map(|problem| &problem.message));
    some(&mut text, "warnings", report.warnings.iter());
    text
}
