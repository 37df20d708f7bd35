//! Reviews the copies of the sets on other shares.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::ages::{HOUR, is_future, is_stale};
use super::configuration::Configuration;
use super::findings::{Findings, ago, shown};
use super::sets::{ComponentReview, name_of};
use super::signers;
use crate::error::{Result, Scope};
use crate::set::{SetList, list_sets};
use crate::share::Share;

/// Finds the newest copy of each component. A share with copies that cannot be opened or read is a finding.
pub(super) fn review(
    configuration: &Configuration,
    copies: &[Result<Arc<dyn Share>>],
    components: &mut [ComponentReview],
    now: Timestamp,
    findings: &mut Findings,
) -> Result<()> {
    if copies.is_empty() {
        return Ok(());
    }
    // What is wrong with the signers is a finding already.
    let demand = signers::demand(configuration, &mut Findings::default());
    let mut newest = BTreeMap::new();
    let mut all_read = true;
    for opened in copies {
        let unread = match opened {
            Err(e) => Some(e.to_string()),
            Ok(share) => {
                match list_sets(share.clone(), &configuration.deployment)
                    .newest(1)
                    .demand(demand.clone())
                    .run()
                {
                    Err(e) if e.scope() == Scope::Caller => return Err(e),
                    Err(e) => Some(format!("{}: {e}", share.describe())),
                    Ok(list) => {
                        note(&list, now, &mut newest);
                        list.unreadable.first().map(|of| format!("{}: {}", of.folder, of.reason))
                    }
                }
            }
        };
        if let Some(why) = unread {
            all_read = false;
            findings.add("COPY_UNREADABLE", "copies", shown(&why));
        }
    }
    for component in components {
        component.last_copy = newest.get(&component.name).copied();
        component.check_copy(all_read, now, findings);
    }
    Ok(())
}

/// Notes the newest complete set of each component and scale unit.
fn note(list: &SetList, now: Timestamp, newest: &mut BTreeMap<String, Timestamp>) {
    for set in list.iter().filter(|set| set.is_complete()) {
        let created = set.name.created();
        if is_future(created, now) {
            continue;
        }
        let name = name_of(set.place.component(), set.place.scale_unit());
        let newest = newest.entry(name).or_insert(created);
        *newest = created.max(*newest);
    }
}

impl ComponentReview {
    fn check_copy(&self, all_read: bool, now: Timestamp, findings: &mut Findings) {
        let Some(last_backup) = self.last_backup else { return };
        let Some(last_copy) = self.last_copy else {
            if all_read {
                findings.add("COPY_MISSING", &self.name, "no copy elsewhere");
            }
            return;
        };
        let age = now.as_second().saturating_sub(last_copy.as_second());
        let frequency = i64::from(self.frequency_hours) * HOUR;
        if last_copy < last_backup && is_stale(age, frequency) {
            let ago = ago(age);
            let seen = format!("last copy {last_copy}, {ago}; last backup {last_backup}");
            findings.add("COPY_STALE", &self.name, seen);
        }
    }
}
