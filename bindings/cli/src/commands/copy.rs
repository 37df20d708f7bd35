//! `copy`

use std::path::PathBuf;

use azs_backup::copies::{CopiedSet, CopyOutcome, CopyReport, copy_set, replicate};
use azs_backup::layout::{Component, Deployment, SetName};
use azs_backup::schedule::RetentionPolicy;
use azs_backup::set::list_deployments;
use azs_backup::{Place, Result};
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use crate::ended::Ended;
use crate::options::{RetentionOptions, SERVER, to_json};
use crate::output::{Output, count, invalid, size};
use crate::progress;
use crate::share::{ServerArgs, ShareArgs};
use crate::signers::TrustArgs;

/// Copy sets to another share, sealed as they are: one share in one building is one fire.
///
/// It needs no key. What the other share has already does not travel, and each byte is compared at both ends; run it again
/// after it was cut off. The newest sets go first. Deletions are not followed: run retention on the other share, and give
/// its rules here, so that what it deletes is not sent again.
#[derive(Args)]
pub(crate) struct Copy {
    #[command(flatten)]
    share: ShareArgs,
    /// The other share: its UNC path, or the folder at which it is mounted
    #[arg(long, value_name = "ROOT")]
    to: PathBuf,
    /// Account on the file server of the other share [default: the same]
    #[arg(long, value_name = "ACCOUNT", help_heading = SERVER)]
    to_smb_user: Option<String>,
    /// File with the password of that account, which only its owner may read
    #[arg(long, value_name = "FILE", requires = "to_smb_user", help_heading = SERVER)]
    to_smb_password_file: Option<PathBuf>,
    /// External domain name and region, like contoso.com/nyc [default: all that the share has]
    #[arg(long, env = "AZS_DEPLOYMENT")]
    deployment: Option<Deployment>,
    /// Only this component
    #[arg(long, requires = "deployment")]
    component: Option<Component>,
    /// Only this set, like contoso.com/nyc/Switches/20261123T020000Z-7f3a91c2
    #[arg(long, conflicts_with_all = ["deployment", "component"])]
    set: Option<String>,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    rules: RetentionOptions,
    /// Create the region folder at the other share if it is missing
    #[arg(long)]
    create: bool,
    /// Read back all that the other share has of these sets, and send again what is not as it was written
    #[arg(long)]
    read_back: bool,
    /// Show what would be copied, and copy nothing
    #[arg(long)]
    dry_run: bool,
}

/// The JSON output.
#[derive(Serialize)]
struct Copied<'a> {
    deployments: &'a [CopyReport],
}

impl Copy {
    pub(crate) fn run(self, output: &Output) -> Result<Ended> {
        let signers = self.trust.read()?;
        let policy = RetentionPolicy::from_json(to_json(&self.rules)?)?;
        let now = Timestamp::now();
        let one = self.set.as_deref().map(set_of).transpose()?;
        let from = self.share.open(output)?;
        let to = self.other(output)?;
        let deployments = match (&one, &self.deployment) {
            (Some((place, _)), _) => vec![place.deployment().clone()],
            (None, Some(deployment)) => vec![deployment.clone()],
            (None, None) => list_deployments(&from)?,
        };
        let mut reports = Vec::new();
        for deployment in &deployments {
            let mut observer = progress::observer(output, "copy");
            let copy = match &one {
                Some((place, set)) => copy_set(from.clone(), to.clone(), place, *set),
                None => replicate(from.clone(), to.clone(), deployment).component(self.component.as_ref()),
            };
            let copy = copy.require_signers(&signers).retention(&policy, now).create(self.create);
            let copy = copy.read_back(self.read_back).dry_run(self.dry_run);
            reports.push(copy.observer(&mut observer).run()?);
        }
        output.print(&Copied { deployments: &reports }, || text(&reports))?;
        let is_named = reports.iter().any(CopyReport::needs_attention);
        // Of all deployments some may have no set.
        let is_empty = |report: &CopyReport| report.sets.is_empty() && report.unreadable.is_empty();
        if self.deployment.is_none() && !reports.iter().all(is_empty) {
            reports.retain(|report| !is_empty(report));
        }
        if reports.is_empty() {
            reports.push(CopyReport::default());
        }
        reports.into_iter().try_for_each(|report| report.into_result().map(drop))?;
        Ok(Ended::named(is_named))
    }

    fn other(&self, output: &Output) -> Result<std::sync::Arc<dyn azs_backup::Share>> {
        match &self.to_smb_user {
            None => self.share.open_other(&self.to, output),
            Some(user) => {
                let options = self.share.options()?;
                let password = self.to_smb_password_file.clone();
                ServerArgs::of_site(Some(user.clone()), password, options).open(&self.to, output)
            }
        }
    }
}

/// A set by its path on the share.
fn set_of(path: &str) -> Result<(Place, SetName)> {
    let path = path.replace('\\', "/");
    let (place, set) = path
        .trim_end_matches('/')
        .rsplit_once('/')
        .ok_or_else(|| invalid("--set is not like contoso.com/nyc/Switches/20261123T020000Z-7f3a91c2"))?;
    Ok((place.parse()?, set.parse()?))
}

fn text(reports: &[CopyReport]) -> String {
    let sets = || reports.iter().flat_map(|report| &report.sets);
    let mut text: String = sets().filter_map(line).map(|line| line + "\n").collect();
    for of in reports.iter().flat_map(|report| &report.unreadable) {
        text += &format!("UNREAD    {}  {}: {}\n", of.folder, of.code, of.reason);
    }
    let number = |is: fn(&CopyOutcome) -> bool| sets().filter(|set| is(&set.outcome)).count() as u64;
    let copied = number(|outcome| matches!(outcome, CopyOutcome::Copied { .. }));
    let missing = number(|outcome| matches!(outcome, CopyOutcome::Missing { .. }));
    let present = number(|outcome| matches!(outcome, CopyOutcome::Present));
    let sent = reports.iter().map(|report| report.sent().bytes).fold(0, u64::saturating_add);
    match missing {
        0 => {
            text += &format!("{} copied, {} sent; {present} there already", count(copied, "set"), size(sent))
        }
        _ => text += &format!("{} would be copied; {present} there already", count(missing, "set")),
    }
    text
}

/// A line for what needs one; nothing for what is as it was.
fn line(set: &CopiedSet) -> Option<String> {
    let folder = &set.folder;
    Some(match &set.outcome {
        CopyOutcome::Copied { sent, linked } => {
            format!("copied    {folder}  {} sent, {} linked", size(sent.bytes), size(linked.bytes))
        }
        CopyOutcome::Missing { bytes } => format!("missing   {folder}  {}", size(*bytes)),
        CopyOutcome::Present | CopyOutcome::NotKept => return None,
        CopyOutcome::Skipped { reason } => format!("SKIPPED   {folder}  {reason}"),
        CopyOutcome::Gone => format!("gone      {folder}  it was deleted meanwhile"),
        CopyOutcome::Conflict { reason } => format!("CONFLICT  {folder}  {reason}"),
        CopyOutcome::Failed { code, message } => format!("FAILED    {folder}  {code}: {message}"),
        _ => return None,
    })
}
