//! Deletes old sets of a deployment, or shows which: `cargo run --example retention -- --help`.

use std::process::ExitCode;
use std::time::Duration;

use azs_backup::layout::{Component, Deployment};
use azs_backup::schedule::{
    DeletionOutcome, RetentionPeriod, RetentionPlan, RetentionPolicy, RetentionReport,
};
use azs_backup::set::UnreadableFolder;
use azs_backup::{Result, list_sets};
use jiff::Timestamp;
use lexopt::Arg::{Long, Short};
use serde::Serialize;

mod support;

const HELP: &str = "\
Deletes backup sets that no rule keeps, and incomplete ones after a grace time. Needs no key. Whatever you ask, it
keeps the last good set of each component, the last one before its content shrank, sets labelled \"pinned\", what is
damaged or belongs elsewhere, and what it does not recognise.

retention --root ROOT --domain D --region R [--component C] [rules] [--dry-run] [--json]

  --root ROOT         UNC path, with the account in AZS_SMB_USER and AZS_SMB_PASSWORD, or a mounted folder
  --port N            TCP port of the file server of a UNC path, if it is not 445
  --domain D          external domain name: contoso.com
  --region R          region: nyc
  --component C       only this component
  --keep-days N       keep what is at most N days older than the newest
  --keep-last N       keep the newest N
  --keep-daily N      keep one set for each of the last N days that have any
  --keep-weekly N     the same for weeks
  --keep-monthly N    the same for months
  --make-room BYTES   delete the oldest sets until this much more is free, in spite of the rules above
  --room-for BYTES    delete the oldest sets until the share reports this much free space
  --grace-hours N     delete incomplete sets if nothing was written to them for N hours; by default 24
  --shrunken-below P  a set with less than P percent of the largest one's files or bytes is shrunken; by default 50,
                      0 for none
  --dry-run           show what would be deleted and why, and delete nothing
  --json              print the plan and its outcome as JSON

Without a keep rule, only --make-room and --room-for delete complete sets. Exit code 0 if all went well, 3 if the output
names sets or folders that are not whole, belong elsewhere or shrank, 1 if a set could not be deleted, 2 for a wrong
command line.";

/// The JSON output.
#[derive(Serialize)]
struct Report<'a> {
    plan: &'a RetentionPlan,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<&'a RetentionReport>,
    unreadable: &'a [UnreadableFolder],
}

fn main() -> ExitCode {
    support::run(retention)
}

fn retention(mut parser: lexopt::Parser) -> Result<support::Ended> {
    let mut root = support::Location::default();
    let (mut domain, mut region, mut component) = (None, None, None);
    let (mut dry_run, mut json, mut room_for) = (false, false, None);
    let mut policy = RetentionPolicy::new();
    while let Some(arg) = parser.next().map_err(support::invalid)? {
        match arg {
            Long("root") => root.take_path(&mut parser)?,
            Long("port") => root.take_port(&mut parser)?,
            Long("domain") => domain = Some(support::text(&mut parser)?),
            Long("region") => region = Some(support::text(&mut parser)?),
            Long("component") => component = Some(support::text(&mut parser)?),
            Long("keep-days") => {
                policy = policy.keep_within(RetentionPeriod::beyond_microsoft(number(&mut parser)?)?);
            }
            Long("keep-last") => policy = policy.keep_last(number(&mut parser)?),
            Long("keep-daily") => policy = policy.keep_daily(number(&mut parser)?),
            Long("keep-weekly") => policy = policy.keep_weekly(number(&mut parser)?),
            Long("keep-monthly") => policy = policy.keep_monthly(number(&mut parser)?),
            Long("make-room") => policy = policy.make_room(number(&mut parser)?),
            Long("room-for") => room_for = Some(number::<u64>(&mut parser)?),
            Long("grace-hours") => {
                let hours: u32 = number(&mut parser)?;
                policy = policy.grace(Duration::from_secs(u64::from(hours) * 3600));
            }
            Long("shrunken-below") => policy = policy.shrunken_below(number(&mut parser)?),
            Long("dry-run") => dry_run = true,
            Long("json") => json = true,
            Long("help") | Short('h') => return support::print(HELP).map(Into::into),
            other => return Err(support::invalid(other.unexpected())),
        }
    }
    let deployment =
        Deployment::new(support::required(domain, "--domain")?, support::required(region, "--region")?)?;
    let component = component.map(|name| name.parse::<Component>()).transpose()?;
    let share = root.open_share()?;

    if let Some(bytes) = room_for {
        policy = policy.make_room_for(bytes, share.space()?);
    }
    let sets = list_sets(share.clone(), &deployment).component(component.as_ref()).run()?;
    let plan = policy.plan(&sets, Timestamp::now());
    let done = (!dry_run).then(|| plan.apply(share.clone()).run());
    if json {
        support::print_json(&Report { plan: &plan, done: done.as_ref(), unreadable: &sets.unreadable })?;
    } else {
        print(&plan, done.as_ref())?;
        for of in &sets.unreadable {
            support::print(format_args!("unread  {}  {}: {}", of.folder, of.code, of.reason))?;
        }
    }
    done.map_or(Ok(()), |done| done.into_result().map(drop))?;
    Ok(support::named(sets.needs_attention()))
}

fn number<T: std::str::FromStr<Err: std::fmt::Display>>(parser: &mut lexopt::Parser) -> Result<T> {
    let text = support::text(parser)?;
    text.parse().map_err(|e| support::invalid(format_args!("{text:?}: {e}")))
}

fn print(plan: &RetentionPlan, done: Option<&RetentionReport>) -> Result<()> {
    for kept in &plan.kept {
        let reasons: Vec<_> = kept.reasons.iter().map(ToString::to_string).collect();
        support::print(format_args!("keep    {}  {}", kept.folder, reasons.join(", ")))?;
    }
    for (at, deletion) in plan.deletions.iter().enumerate() {
        let outcome = match done.map(|done| &done.outcomes[at].1) {
            None => "would be deleted".to_owned(),
            Some(DeletionOutcome::Deleted) => "deleted".to_owned(),
            Some(DeletionOutcome::Gone) => "was gone already".to_owned(),
            Some(DeletionOutcome::FolderLeft { foreign }) => {
                format!("deleted but for the folder, which holds {}", foreign.join(", "))
            }
            Some(DeletionOutcome::NotNeeded) => "left: there is room enough".to_owned(),
            Some(DeletionOutcome::Skipped { why }) => format!("left: {why}"),
            Some(DeletionOutcome::Failed { code, message }) => format!("FAILED: {code}: {message}"),
            Some(_) => "not reached".to_owned(),
        };
        support::print(format_args!("delete  {}  {}; {outcome}", deletion.folder, deletion.reason))?;
    }
    let freed = done.map_or(plan.freed_bytes, |done| done.freed_bytes);
    let would = if done.is_some() { "freed" } else { "would free" };
    support::print(format_args!("{would} at most {}", support::bytes(freed)))?;
    if plan.shortfall > 0 {
        support::print(format_args!(
            "{} short of what was asked for: what is left has to stay; extend the share",
            support::bytes(plan.shortfall)
        ))?;
    }
    Ok(())
}
