//! `retention`

use std::fmt::Write;

use azs_backup::layout::{Component, Deployment};
use azs_backup::schedule::{DeletionOutcome, RetentionPlan, RetentionPolicy, RetentionReport};
use azs_backup::set::UnreadableFolder;
use azs_backup::{Result, list_sets};
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use crate::ended::Ended;
use crate::options::{RULES, RetentionOptions, to_json};
use crate::output::{Output, size};
use crate::progress;
use crate::share::{ShareArgs, demand_folder};
use crate::signers::TrustArgs;

/// Delete sets that no rule keeps, and incomplete ones after a grace time.
///
/// Whatever you ask, it keeps the last good set of each component, the last one before its content shrank, sets labelled
/// "pinned", what is damaged or belongs elsewhere, and what it does not recognise. Without a keep rule, only --make-room
/// and --room-for delete complete sets. With --require-signer, sets that are signed otherwise or not at all count as
/// nothing and stay. It needs no key.
#[derive(Args)]
pub(crate) struct Retention {
    #[command(flatten)]
    share: ShareArgs,
    /// External domain name and region: contoso.com/nyc
    #[arg(long, env = "AZS_DEPLOYMENT")]
    deployment: Deployment,
    /// Only this component
    #[arg(long)]
    component: Option<Component>,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    options: RetentionOptions,
    /// Delete the oldest sets until the share has this much free, in spite of the rules above
    #[arg(long, value_name = "BYTES", conflicts_with = "make_room", help_heading = RULES)]
    room_for: Option<u64>,
    /// Show what would be deleted and why, and delete nothing
    #[arg(long)]
    dry_run: bool,
}

/// The JSON output.
#[derive(Serialize)]
struct Report<'a> {
    plan: &'a RetentionPlan,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<&'a RetentionReport>,
    unreadable: &'a [UnreadableFolder],
}

impl Retention {
    pub(crate) fn run(self, output: &Output) -> Result<Ended> {
        let signers = self.trust.read()?;
        let share = self.share.open(output)?;
        let mut policy = RetentionPolicy::from_json(to_json(&self.options)?)?;
        if let Some(bytes) = self.room_for {
            policy = policy.make_room_for(bytes, share.space()?);
        }
        let sets = list_sets(share.clone(), &self.deployment).component(self.component.as_ref());
        let sets = sets.require_signers(&signers).run()?;
        if sets.is_empty() {
            demand_folder(&share, &self.deployment, self.component.as_ref(), output)?;
        }
        let plan = policy.plan(&sets, Timestamp::now());
        let done = (!self.dry_run).then(|| {
            let mut observer = progress::observer(output, "retention");
            plan.apply(share.clone()).observer(&mut observer).run()
        });
        let report = Report { plan: &plan, done: done.as_ref(), unreadable: &sets.unreadable };
        let locks =
            if self.dry_run && self.share.is_store() { "what the store has locked stays\n" } else { "" };
        output.print(&report, || text(&report) + locks)?;
        done.map_or(Ok(()), |done| done.into_result().map(drop))?;
        Ok(Ended::named(sets.needs_attention()))
    }
}

fn text(report: &Report<'_>) -> String {
    let Report { plan, done, unreadable } = report;
    let mut text = String::new();
    for kept in &plan.kept {
        let reasons: Vec<_> = kept.reasons.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "keep    {}  {}", kept.folder, reasons.join(", "));
    }
    for (at, deletion) in plan.deletions.iter().enumerate() {
        let outcome = outcome(done.map(|done| &done.outcomes[at].1));
        let _ = writeln!(text, "delete  {}  {}; {outcome}", deletion.folder, deletion.reason);
    }
    let freed = done.map_or(plan.freed_bytes, |done| done.freed_bytes);
    let would = if done.is_some() { "freed" } else { "would free" };
    let _ = writeln!(text, "{would} at most {}", size(freed));
    if plan.shortfall > 0 {
        let _ = writeln!(
            text,
            "{} short of what was asked for: what is left has to stay; extend the share",
            size(plan.shortfall)
        );
    }
    for of in *unreadable {
        let _ = writeln!(text, "unread  {}  {}: {}", of.folder, of.code, of.reason);
    }
    text
}

fn outcome(outcome: Option<&DeletionOutcome>) -> String {
    match outcome {
        None => "would be deleted".into(),
        Some(DeletionOutcome::Deleted) => "deleted".into(),
        Some(DeletionOutcome::Gone) => "was gone already".into(),
        Some(DeletionOutcome::FolderLeft { foreign }) => {
            format!("deleted but for the folder, which holds {}", foreign.join(", "))
        }
        Some(DeletionOutcome::NotNeeded) => "left: there is room enough".into(),
        Some(DeletionOutcome::Skipped { why }) => format!("left: {why}"),
        Some(DeletionOutcome::Failed { code, message }) => format!("FAILED: {code}: {message}"),
        Some(_) => "not reached".into(),
    }
}
