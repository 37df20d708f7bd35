//! `list`

use std::num::NonZeroUsize;

use azs_backup::layout::{Component, Deployment};
use azs_backup::set::{SetList, SetState, SetSummary};
use azs_backup::signature::Signature;
use azs_backup::{Result, list_sets};
use clap::Args;

use crate::ended::Ended;
use crate::output::{Output, age, size};
use crate::share::{ShareArgs, demand_folder};
use crate::signers::TrustArgs;
use crate::table::table;

/// List the sets of a deployment, from old to new.
#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    share: ShareArgs,
    /// External domain name and region: contoso.com/nyc
    #[arg(long, env = "AZS_DEPLOYMENT")]
    deployment: Deployment,
    /// Only this component
    #[arg(long)]
    component: Option<Component>,
    /// Only the newest sets of each place, until so many are complete. Older ones are not read, so none shows that a
    /// newer one is shrunken
    #[arg(long, value_name = "COMPLETE")]
    newest: Option<NonZeroUsize>,
    #[command(flatten)]
    trust: TrustArgs,
}

impl List {
    pub(crate) fn run(self, output: &Output) -> Result<Ended> {
        let signers = self.trust.read()?;
        let share = self.share.open(output)?;
        let sets = list_sets(share.clone(), &self.deployment).component(self.component.as_ref());
        let sets = sets.newest(self.newest.map_or(0, NonZeroUsize::get)).require_signers(&signers).run()?;
        if sets.is_empty() {
            demand_folder(&share, &self.deployment, self.component.as_ref(), output)?;
        }
        output.print(&sets, || text(&sets, &self.deployment))?;
        Ok(Ended::named(sets.needs_attention()))
    }
}

fn text(sets: &SetList, deployment: &Deployment) -> String {
    if sets.is_empty() && sets.unreadable.is_empty() {
        return format!("no backup sets of {deployment}");
    }
    let mut text = String::new();
    if !sets.is_empty() {
        let heading = ["SET", "AGE", "STATE", ">FILES", ">CONTENT", ">STORED"];
        // Most sites sign nothing, and have no use for the column.
        if sets.iter().any(|set| !matches!(set.signature, None | Some(Signature::Unsigned))) {
            let [set, age, state, files, content, stored] = heading;
            let heading = [set, age, state, files, content, stored, "SIGNED BY"];
            text += &table(
                heading,
                sets.iter().map(|set| {
                    let [name, age, state, files, content, stored] = row(set);
                    [name, age, state, files, content, stored, signed_by(set)]
                }),
            );
        } else {
            text += &table(heading, sets.iter().map(row));
        }
    }
    for set in sets.iter() {
        if let Some(reason) = set.state.reason() {
            text += &format!("{}: {reason}\n", set.folder);
        } else if set.is_shrunken {
            text += &format!("{}: others hold more than twice as much\n", set.folder);
        }
    }
    for of in &sets.unreadable {
        text += &format!("{}: UNREADABLE: {}: {}\n", of.folder, of.code, of.reason);
    }
    text
}

fn row(set: &SetSummary) -> [String; 6] {
    let below = |of: &str| of.split('/').skip(2).collect::<Vec<_>>().join("/");
    let (name, age) = (below(&set.folder.to_string()), age(set.name.created()));
    match &set.state {
        SetState::Complete { cover } => {
            let state = if set.is_shrunken { "SHRUNKEN".into() } else { format!("{:?}", cover.status) };
            let content = &cover.content;
            let [content_size, stored] =
                [content.bytes, cover.stored.bytes].map(|bytes| size(bytes).to_string());
            [name, age, state, content.files.to_string(), content_size, stored]
        }
        state => {
            let none = || "–".to_owned();
            [name, age, word(state).into(), none(), none(), none()]
        }
    }
}

/// Who signed it, by what the certificate says, which anybody may have written: only a demand shows that it is a host of
/// yours. The thumbprint is whole in `show`.
fn signed_by(set: &SetSummary) -> String {
    match &set.signature {
        Some(Signature::Signed { signer, .. }) => {
            format!("{} ({:.8}…)", signer.subject, signer.sha1_thumbprint)
        }
        Some(Signature::Invalid { .. }) => "NOT VALID".into(),
        _ => "–".into(),
    }
}

fn word(state: &SetState) -> &'static str {
    match state {
        SetState::Damaged { .. } => "DAMAGED",
        SetState::Foreign { .. } => "FOREIGN",
        SetState::Incomplete { .. } => "INCOMPLETE",
        SetState::Unreadable { .. } => "UNREADABLE",
        SetState::Unsupported { .. } => "UNSUPPORTED",
        SetState::Untrusted { .. } => "UNTRUSTED",
        _ => "UNKNOWN",
    }
}
