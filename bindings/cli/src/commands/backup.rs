//! `backup`

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

use azs_backup::backup::{BackupBuilder, BackupReport};
use azs_backup::set::Status;
use azs_backup::{Error, Place, Result};
use clap::Args;
use tempfile::TempDir;

use crate::certificates::encryption_certificates;
use crate::dry_run::{DryRun, copy_state};
use crate::ended::Ended;
use crate::options::{BackupOptions, to_json};
use crate::output::{Output, content, count, invalid, size, some};
use crate::post_quantum;
use crate::progress;
use crate::share::ShareArgs;
use crate::signers::SignerArgs;
use crate::site::add_as;

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
    signer: SignerArgs,
    #[command(flatten)]
    options: BackupOptions,
    /// A file or folder with the name that it has in the set
    #[arg(long, value_name = "NAME=PATH", value_parser = named)]
    source: Vec<(String, PathBuf)>,
    /// Read stdin into a file of this name: what was just fetched from a switch
    #[arg(long, value_name = "NAME")]
    stdin: Option<String>,
    /// Do everything but write: say what would be stored
    #[arg(long)]
    dry_run: bool,
    /// Files and folders; each is stored under its own name
    #[arg(value_name = "SOURCE", required_unless_present_any = ["source", "stdin"])]
    sources: Vec<PathBuf>,
}

fn named(text: &str) -> std::result::Result<(String, PathBuf), String> {
    let (name, path) = text.split_once('=').ok_or("write it like tor1=/var/lib/switches/tor1")?;
    Ok((name.to_owned(), path.into()))
}

impl Backup {
    pub(crate) fn run(mut self, output: &Output) -> Result<Ended> {
        // What the last run remembered says what is new; this run remembers nothing.
        let state = self.dry_run.then(|| self.forget()).transpose()?;
        let mut backup = self.builder(output)?.start()?;
        for (name, path) in self.source {
            add_as(&mut backup, &name, &path)?;
        }
        for source in self.sources {
            backup.add(source)?;
        }
        if let Some(name) = self.stdin {
            let mut stdin = std::io::stdin().lock();
            // A command before the pipe that failed leaves nothing, and its exit code is not ours to see.
            match std::io::BufRead::fill_buf(&mut stdin) {
                Ok([]) => {
                    backup.add_problem(&name, "stdin is empty: did the command before the pipe fail?")?;
                }
                _ => backup.add_reader(&name, stdin)?,
            }
        }
        let report = backup.commit()?;
        drop(state);
        // The set exists: failing to print the report does not undo it.
        if let Err(error) = output.print(&report, || text(&report, self.dry_run)) {
            match self.dry_run {
                true => return Err(error),
                false => output.warn(format_args!("the set {} is complete; {error}", report.folder)),
            }
        }
        Ok(Ended::named(report.cover.status != Status::Succeeded))
    }

    fn builder(&self, output: &Output) -> Result<BackupBuilder> {
        if self.stdin.is_some() && std::io::IsTerminal::is_terminal(&std::io::stdin()) {
            return Err(invalid(
                "--stdin takes a pipe or a file: ssh tor1 'show running-config' | azs-backup backup …",
            ));
        }
        let mut share = self.share.open(output)?;
        if self.dry_run {
            share = Arc::new(DryRun::new(share));
        }
        let mut builder = azs_backup::Backup::builder(share, self.place.clone())
            .options(to_json(&self.options)?)?
            .observer(progress::observer(output, "backup"));
        if let Some(signer) = self.signer.read()? {
            builder = builder.signer(signer);
        }
        Ok(encryption_certificates(&self.cer)?.into_iter().fold(builder, BackupBuilder::certificate))
    }

    /// Takes a copy of the state folder in its place. It is there as long as what this returns.
    fn forget(&mut self) -> Result<Option<TempDir>> {
        let Some(state) = &mut self.options.state else { return Ok(None) };
        let copy = tempfile::tempdir().map_err(|e| Error::io("make a temporary folder", e))?;
        copy_state(state.as_ref(), copy.path())?;
        *state = copy.path().to_str().ok_or_else(|| invalid("TMPDIR is not Unicode"))?.to_owned();
        Ok(Some(copy))
    }
}

fn text(report: &BackupReport, is_dry: bool) -> String {
    let (stored, reuse) = (&report.cover.stored, &report.reuse);
    let mut text = match is_dry {
        true => "a dry run: nothing was written\n".to_owned(),
        false => format!("{:?}: {}\n", report.cover.status, report.folder),
    };
    let _ = writeln!(text, "{} in {:.1} s", content(&report.cover.content), report.seconds);
    let _ = writeln!(
        text,
        "{} {} in {}",
        if is_dry { "would store" } else { "stored" },
        size(stored.bytes),
        count(stored.files, "file")
    );
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
    if let Some(note) = post_quantum::note(&report.cover.certificates) {
        let _ = writeln!(text, "{note}");
    }
    some(&mut text, "not as it was", report.problems.iter().map(|problem| &problem.message));
    some(&mut text, "skipped", report.skipped.iter().map(|problem| &problem.message));
    some(&mut text, "warnings", report.warnings.iter());
    text
}
