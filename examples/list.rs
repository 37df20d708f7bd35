//! Lists the sets of a deployment: `cargo run --example list -- --help`.

use std::process::ExitCode;

use azs_backup::set::SetState;
use azs_backup::{Component, Deployment, Result, SetSummary, list_sets};
use lexopt::Arg::{Long, Short};

mod support;

const HELP: &str = "\
Lists the backup sets of a deployment, from old to new. Needs no key.

list --root ROOT --domain D --region R [--component C] [--json]

  --root ROOT    UNC path, with the account in AZS_SMB_USER and AZS_SMB_PASSWORD, or a mounted folder
  --port N       TCP port of the file server of a UNC path, when it is not 445
  --domain D     external domain name: contoso.com
  --region R     region: nyc
  --component C  only this one
  --json         print the list as JSON";

fn main() -> ExitCode {
    support::run(list)
}

fn list(mut parser: lexopt::Parser) -> Result<()> {
    let mut root = support::Location::default();
    let (mut domain, mut region, mut component, mut json) = (None, None, None, false);
    while let Some(arg) = parser.next().map_err(support::invalid)? {
        match arg {
            Long("root") => root.take_path(&mut parser)?,
            Long("port") => root.take_port(&mut parser)?,
            Long("domain") => domain = Some(support::text(&mut parser)?),
            Long("region") => region = Some(support::text(&mut parser)?),
            Long("component") => component = Some(support::text(&mut parser)?),
            Long("json") => json = true,
            Long("help") | Short('h') => return support::print(HELP),
            other => return Err(support::invalid(other.unexpected())),
        }
    }
    let deployment =
        Deployment::new(support::required(domain, "--domain")?, support::required(region, "--region")?)?;
    let component = component.map(|name| name.parse::<Component>()).transpose()?;
    let share = root.open_share()?;

    let sets = list_sets(&share, &deployment, component.as_ref())?;
    if json {
        return support::print_json(&sets);
    }
    if sets.is_empty() {
        return support::print(format_args!("no backup sets of {deployment}"));
    }
    sets.iter().try_for_each(|set| support::print(line(set)))
}

fn line(set: &SetSummary) -> String {
    match &set.state {
        SetState::Complete { cover } => format!(
            "{}  {:?}, {} files with {}, {} stored",
            set.folder,
            cover.status,
            cover.content.files,
            support::bytes(cover.content.bytes),
            support::bytes(cover.stored.bytes)
        ),
        SetState::Incomplete { reason } => format!("{}  INCOMPLETE: {reason}", set.folder),
        SetState::Unsupported { reason } => format!("{}  UNSUPPORTED: {reason}", set.folder),
        _ => format!("{}", set.folder),
    }
}
