//! `restore`

use std::fmt::Write;
use std::path::PathBuf;

use azs_backup::Result;
use azs_backup::restore::{RestoreOptions, RestoreReport};
use azs_backup::set::Status;
use clap::Args;

use crate::certificates::KeyArgs;
use crate::ended::Ended;
use crate::options;
use crate::output::{Output, count, harmless, size, some};
use crate::progress;
use crate::share::SetArgs;

/// Restore a set, or some of its files.
#[derive(Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// Use the set's encrypted index, if backup.json or SHA256SUMS is damaged or gone
    #[arg(long, conflicts_with = "place")]
    by_index: bool,
    /// Folder to restore into: empty or not existing yet, unless --existing says what happens to existing things
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
    #[command(flatten)]
    options: options::RestoreOptions,
}

impl Restore {
    pub(crate) fn run(self, output: &Output) -> Result<Ended> {
        let options = RestoreOptions::from_json(options::to_json(&self.options)?)?;
        self.set.check_target(&self.into)?;
        let opener = self.key.opener()?;
        let signers = self.set.signers()?;
        let set =
            if self.by_index { self.set.open_by_index(&opener, output)? } else { self.set.open(output)? };
        let mut observer = progress::observer(output, "restore");
        let work = set.restore(&opener).options(&options).require_signers(&signers);
        let report = work.observer(&mut observer).into(&self.into)?;
        drop(observer);
        output.print(&report, || text(&report))?;
        if set.cover().content.files == 0 && report.files == 0 {
            output.warn("the set has no file; an earlier one may have them: azs-backup list shows how much each holds");
        }
        let is_whole = report.status == Status::Succeeded && report.unrestored.is_empty();
        Ok(Ended::named(!is_whole))
    }
}

fn text(report: &RestoreReport) -> String {
    let mut text = format!(
        "{:?}: {} with {}, {}, {}\n",
        report.status,
        count(report.files, "file"),
        size(report.bytes),
        count(report.folders, "folder"),
        count(report.links, "link")
    );
    let _ = writeln!(text, "the set: {}", harmless(&report.signature.to_string(), false));
    if report.kept > 0 {
        let _ = writeln!(text, "kept what was there: {}", report.kept);
    }
    some(&mut text, "kept what was there and is not what the set has", report.kept_differing.iter());
    let (refused, lost): (Vec<_>, Vec<_>) = report.losses.iter().partition(|loss| loss.refused);
    some(&mut text, "lost by damage", lost.into_iter());
    some(&mut text, "refused by the target", refused.into_iter());
    some(&mut text, "patterns that match nothing", report.unmatched.iter());
    some(
        &mut text,
        "not whole when it was backed up",
        report.problems.iter().map(|problem| &problem.message),
    );
    let notes = report.unrestored.iter();
    some(
        &mut text,
        "could not be put back",
        notes.map(|note| format!("{}: {}, such as {}", note.what, count(note.count, "thing"), note.example)),
    );
    text
}
