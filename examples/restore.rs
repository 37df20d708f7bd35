//! Restores a set: `cargo run --example restore -- --help`.

use std::process::ExitCode;

use azs_backup::Result;
use azs_backup::restore::{Compare, Damage, Existing, RestoreOptions, RestoreReport};
use azs_backup::set::Status;
use lexopt::Arg::{Long, Short, Value};
use lexopt::ValueExt;

mod support;

const HELP: &str = "\
Restores a set, or what patterns match. The password of the PFX is in AZS_PFX_PASSWORD.

restore --set FOLDER --pfx FILE --to DIR [options] [PATTERN...]

  --set FOLDER        the set's folder, or its UNC path with the account in AZS_SMB_USER and AZS_SMB_PASSWORD
  --port N            TCP port of the file server of a UNC path, if it is not 445
  --by-index          use the set's encrypted index, if backup.json or SHA256SUMS is damaged or gone
  --place P           the place of the set, contoso.com/nyc/Switches: opens it even where another's belongs
  --pfx FILE          decryption certificate
  --to DIR            folder to restore into: empty or not existing yet, unless
  --keep-existing     leave existing things as they are
  --replace-existing  replace existing things
  --compare-content   compare what stays with the set byte for byte, not by size and time
  --continue          go on past damage, and name what is lost
  --json              print the report as JSON
  PATTERN             in gitignore syntax, matched against paths in the set: tor1/, *.cfg, /hlh/etc/**

Exit code 0 if everything is restored, 3 if something is not and is named, 1 after a failure, 2 for a wrong command
line.";

fn main() -> ExitCode {
    support::run(give_back)
}

fn give_back(mut parser: lexopt::Parser) -> Result<support::Ended> {
    let mut set = support::Location::default();
    let (mut pfx, mut to, mut json) = (None, None, false);
    let mut by_index = false;
    let mut options = RestoreOptions::default();
    while let Some(arg) = parser.next().map_err(support::invalid)? {
        match arg {
            Long("set") => set.take_path(&mut parser)?,
            Long("port") => set.take_port(&mut parser)?,
            Long("place") => set.take_place(&mut parser)?,
            Long("by-index") => by_index = true,
            Long("pfx") => pfx = Some(support::path(&mut parser)?),
            Long("to") => to = Some(support::path(&mut parser)?),
            Long("keep-existing") => options = options.existing(Existing::Keep),
            Long("replace-existing") => options = options.existing(Existing::Replace),
            Long("compare-content") => options = options.compare(Compare::Content),
            Long("continue") => options = options.damage(Damage::Continue),
            Long("json") => json = true,
            Long("help") | Short('h') => return support::print(HELP).map(Into::into),
            Value(pattern) => options = options.pattern(pattern.string().map_err(support::invalid)?),
            other => return Err(support::invalid(other.unexpected())),
        }
    }
    let pfx = support::required(pfx, "--pfx")?;
    let to = support::required(to, "--to")?;

    let opener = support::open_pfx(&pfx)?;
    let set = if by_index { set.open_set_by_index(&opener)? } else { set.open_set()? };
    let mut hook = support::progress("restore");
    let report = set.restore(&opener).options(&options).observer(&mut hook).into(&to)?;
    drop(hook);
    if json {
        support::print_json(&report)?
    } else {
        print(&report)?
    }
    let is_whole = report.status == Status::Succeeded && report.unrestored.is_empty();
    Ok(if is_whole { support::Ended::Whole } else { support::Ended::Partial })
}

fn print(report: &RestoreReport) -> Result<()> {
    support::print(format_args!(
        "{:?}: {} files with {}, {} folders, {} links",
        report.status,
        report.files,
        support::bytes(report.bytes),
        report.folders,
        report.links
    ))?;
    if report.kept > 0 {
        support::print(format_args!("kept what was there: {}", report.kept))?;
    }
    support::print_some("kept what was there and is not what the set has", report.kept_differing.iter())?;
    let (refused, lost): (Vec<_>, Vec<_>) = report.losses.iter().partition(|loss| loss.refused);
    support::print_some("lost by damage", lost.into_iter())?;
    support::print_some("refused by the target", refused.into_iter())?;
    support::print_some("patterns that match nothing", report.unmatched.iter())?;
    support::print_some(
        "not whole when it was backed up",
        report.problems.iter().map(|problem| &problem.message),
    )?;
    let notes = report.unrestored.iter();
    support::print_some(
        "could not be put back",
        notes.map(|note| format!("{} of {} entries: {}", note.what, note.count, note.example)),
    )
}
