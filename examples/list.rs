//! Lists the sets of a deployment: `cargo run --example list -- --help`.

use std::process::ExitCode;

use azs_backup::layout::{Component, Deployment};
use azs_backup::set::{SetState, SetSummary};
use azs_backup::{Result, list_sets};
use lexopt::Arg::{Long, Short};

mod support;

const HELP: &str = "\
Lists the backup sets of a deployment, from old to new. Needs no key.

list --root ROOT --domain D --region R [--component C] [--json]

  --root ROOT    UNC path, with the account in AZS_SMB_USER and AZS_SMB_PASSWORD, or a mounted folder
  --port N       TCP port of the file server of a UNC path, if it is not 445
  --domain D     external domain name: contoso.com
  --region R     region: nyc
  --component C  only this component
  --json         print the list as JSON

Exit code 0 if all sets are whole, 3 if the list names a set that is not or that shrank, or a folder that cannot be
listed, 1 if the share cannot be listed, 2 for a wrong command line.";

fn main() -> ExitCode {
    support::run(list)
}

fn list(mut parser: lexopt::Parser) -> Result<support::Ended> {
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
            Long("help") | Short('h') => return support::print(HELP).map(Into::into),
            other => return Err(support::invalid(other.unexpected())),
        }
    }
    let deployment =
        Deployment::new(support::required(domain, "--domain")?, support::required(region, "--region")?)?;
    let component = component.map(|name| name.parse::<Component>()).transpose()?;
    let share = root.open_share()?;

    let sets = list_sets(share, &deployment).component(component.as_ref()).run()?;
    if json {
        support::print_json(&sets)?;
    } else {
        if sets.is_empty() && sets.unreadable.is_empty() {
            support::print(format_args!("no backup sets of {deployment}"))?;
        }
        sets.iter().try_for_each(|set| support::print(line(set)))?;
        let unreadable = sets.unreadable.iter();
        unreadable
            .map(|of| format!("{}  UNREADABLE: {}: {}", of.folder, of.code, of.reason))
            .try_for_each(support::print)?;
    }
    Ok(support::named(sets.needs_attention()))
}

fn line(set: &SetSummary) -> String {
    let word = match &set.state {
        SetState::Complete { cover } => {
            return format!(
                "{}  {:?}, {} files with {}, {} stored{}",
                set.folder,
                cover.status,
                cover.content.files,
                support::bytes(cover.content.bytes),
                support::bytes(cover.stored.bytes),
                if set.is_shrunken { "  SHRUNKEN: others hold more than twice as much" } else { "" }
            );
        }
        SetState::Damaged { .. } => "DAMAGED",
        SetState::Foreign { .. } => "FOREIGN",
        SetState::Incomplete { .. } => "INCOMPLETE",
        SetState::Unreadable { .. } => "UNREADABLE",
        SetState::Unsupported { .. } => "UNSUPPORTED",
        _ => "",
    };
    format!("{}  {word}: {}", set.folder, set.state.reason().unwrap_or_default())
}
