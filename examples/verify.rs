//! Verifies a set: `cargo run --example verify -- --help`.

use std::process::ExitCode;

use azs_backup::Result;
use lexopt::Arg::{Long, Short};

mod support;

const HELP: &str = "\
Finds out whether a set is as it was written. Exit code 0 if it is, 1 and DAMAGED if it is not, 2 for a wrong command
line.

verify --set FOLDER [--port N] [--place P] [--pfx FILE] [--json]

  --set FOLDER  the set's folder, or its UNC path with the account in AZS_SMB_USER and AZS_SMB_PASSWORD
  --port N      TCP port of the file server of a UNC path, if it is not 445
  --place P     the place of the set, contoso.com/nyc/Switches: opens it even where another's belongs
  --pfx FILE    decryption certificate, its password in AZS_PFX_PASSWORD: decrypts and compares every byte;
                without it compares the stored files with SHA256SUMS
  --json        print the report as JSON";

fn main() -> ExitCode {
    support::run(check)
}

fn check(mut parser: lexopt::Parser) -> Result<()> {
    let mut set = support::Location::default();
    let (mut pfx, mut json) = (None, false);
    while let Some(arg) = parser.next().map_err(support::invalid)? {
        match arg {
            Long("set") => set.take_path(&mut parser)?,
            Long("port") => set.take_port(&mut parser)?,
            Long("place") => set.take_place(&mut parser)?,
            Long("pfx") => pfx = Some(support::path(&mut parser)?),
            Long("json") => json = true,
            Long("help") | Short('h') => return support::print(HELP),
            other => return Err(support::invalid(other.unexpected())),
        }
    }
    let set = set.open_set()?;
    let mut hook = support::progress("verify");
    let report = match pfx {
        Some(pfx) => set.verify_full(&support::open_pfx(&pfx)?).observer(&mut hook).run()?,
        None => set.verify().observer(&mut hook).run()?,
    };
    drop(hook);

    if json {
        support::print_json(&report)?;
    } else {
        support::print(format_args!(
            "checked {} stored files with {}",
            report.stored_files,
            support::bytes(report.stored_bytes)
        ))?;
        if report.full {
            support::print(format_args!(
                "decrypted and compared {} files with {}",
                report.files,
                support::bytes(report.bytes)
            ))?;
        }
        support::print_some("faults", report.faults.iter())?;
        support::print_some("lost", report.losses.iter())?;
        support::print_some("beside the set, and not of it", report.foreign.iter())?;
        if report.is_sound() {
            support::print("the set is what was written")?;
        }
    }
    report.into_result().map(drop)
}
