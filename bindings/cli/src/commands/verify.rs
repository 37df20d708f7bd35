//! `verify`

use std::fmt::Write;

use azs_backup::Result;
use azs_backup::restore::VerifyReport;
use clap::Args;

use crate::certificates::OptionalKeyArgs;
use crate::ended::Ended;
use crate::output::{Output, count, harmless, size, some};
use crate::progress;
use crate::share::SetArgs;

/// Find out whether a set is as it was written.
///
/// With --pfx every byte is decrypted and compared with the encrypted index. Without it, the stored files are compared
/// with SHA256SUMS, which finds damage. Only --require-signer finds a whole set that somebody forged, with and without
/// --pfx.
#[derive(Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    key: OptionalKeyArgs,
}

impl Verify {
    pub(crate) fn run(self, output: &Output) -> Result<Ended> {
        let signers = self.set.signers()?;
        let set = self.set.open(output)?;
        let mut observer = progress::observer(output, "verify");
        let opener = self.key.opener()?;
        let work = opener.as_ref().map_or_else(|| set.verify(), |opener| set.verify_full(opener));
        let report = work.require_signers(&signers).observer(&mut observer).run()?;
        drop(observer);
        output.print(&report, || text(&report, !signers.is_empty()))?;
        report.into_result().map(|_| Ended::Whole)
    }
}

pub(super) fn text(report: &VerifyReport, is_demanded: bool) -> String {
    let mut text =
        format!("checked {} with {}\n", count(report.stored_files, "stored file"), size(report.stored_bytes));
    if report.full {
        let _ = writeln!(
            text,
            "decrypted and compared {} with {}",
            count(report.files, "file"),
            size(report.bytes)
        );
    }
    some(&mut text, "faults", report.faults.iter());
    some(&mut text, "lost", report.losses.iter());
    some(&mut text, "beside the set, and not of it", report.foreign.iter());
    let _ = writeln!(text, "{}", harmless(&report.signature.to_string(), false));
    if report.is_sound() {
        text += "the set is what was written\n";
        if !report.full && !is_demanded {
            text += "whether it is authentic shows with --pfx or --require-signer\n";
        }
    }
    text
}
