//! Checks the way to a share, step by step: `cargo run --example check -- --help`.

use std::process::ExitCode;

use azs_backup::layout::Deployment;
use azs_backup::share::{ShareCheck, StepOutcome};
use azs_backup::{Place, Result};
use lexopt::Arg::{Long, Short};

mod support;

const HELP: &str = "\
Finds out what keeps backups from a share: name, network, dialect, account, share, path, rights, space, clock.
Exit code 0 if all is well, 3 if a step has a warning, 1 if a step fails, with the code of the first failure, 2 for a
wrong command line.

check --root ROOT --domain D --region R [--component C]... [--create] [--json]

  --root ROOT    UNC path, with the account in AZS_SMB_USER and AZS_SMB_PASSWORD, or a mounted folder
  --port N       TCP port of the file server of a UNC path, if it is not 445
  --domain D     external domain name: contoso.com
  --region R     region: nyc
  --component C  look for the folder of this component, too; repeat as needed
  --create       create missing folders
  --json         print the report as JSON";

fn main() -> ExitCode {
    support::run(check)
}

fn check(mut parser: lexopt::Parser) -> Result<support::Ended> {
    let mut root = support::Location::default();
    let (mut domain, mut region, mut components) = (None, None, Vec::new());
    let (mut create, mut json) = (false, false);
    while let Some(arg) = parser.next().map_err(support::invalid)? {
        match arg {
            Long("root") => root.take_path(&mut parser)?,
            Long("port") => root.take_port(&mut parser)?,
            Long("domain") => domain = Some(support::text(&mut parser)?),
            Long("region") => region = Some(support::text(&mut parser)?),
            Long("component") => components.push(support::text(&mut parser)?),
            Long("create") => create = true,
            Long("json") => json = true,
            Long("help") | Short('h') => return support::print(HELP).map(Into::into),
            other => return Err(support::invalid(other.unexpected())),
        }
    }
    let deployment =
        Deployment::new(support::required(domain, "--domain")?, support::required(region, "--region")?)?;
    let mut check = ShareCheck::new(deployment.clone()).create_folders(create);
    for component in components {
        check = check.component(&Place::new(deployment.clone(), component.parse()?));
    }
    let report = root.check(&check)?;
    if json {
        support::print_json(&report)?;
    } else {
        support::print(report.to_table().trim_end())?;
    }
    let report = report.into_result()?;
    Ok(support::named(report.steps.iter().any(|step| step.outcome == StepOutcome::Warned)))
}
