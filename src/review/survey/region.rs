//! Looks at one deployment: at the newest sets of each of its components, until two are complete.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::row::SurveyRow;
use super::{ByPlace, Located};
use crate::error::{Result, Scope};
use crate::layout::Deployment;
use crate::review::ages::{HOUR, is_future, is_stale};
use crate::review::findings::ago;
use crate::review::sets::name_of;
use crate::set::shrunken::Largest;
use crate::set::{CoverSheet, Named, SetState, SetSummary, Status, find_sets, summary};
use crate::severity::Severity::{Critical, Notice, Warning};
use crate::share::{Identity, Share, joined};
use crate::signature::Demand;

/// Most sets of a component to look at: if so many in a row are no backup, no older one makes it good.
const MOST: usize = 8;

/// How a survey looks at a deployment.
pub(super) struct Look {
    /// Shares with copies, and what tells each from others.
    pub(super) copies: Vec<(Identity, Arc<dyn Share>)>,
    pub(super) demand: Demand,
    /// Seconds between two backups.
    pub(super) frequency: i64,
    pub(super) now: Timestamp,
}

impl Look {
    pub(super) fn at(&self, of: &Located) -> Result<Vec<SurveyRow>> {
        match self.rows(of) {
            Err(e) if e.scope() == Scope::Caller => Err(e),
            Err(e) => Ok(vec![SurveyRow::unreadable(of.share.describe(), Some(of.deployment.clone()), &e)]),
            rows => rows,
        }
    }

    fn rows(&self, of: &Located) -> Result<Vec<SurveyRow>> {
        let Located { share, deployment, .. } = of;
        let (sets, unreadable) = find_sets(share, deployment)?;
        let mut rows = Vec::new();
        for (component, sets) in by_place(sets) {
            let mut row = SurveyRow::new(share, Some(deployment.clone()));
            row.component = Some(component);
            row.sets = sets.len() as u64;
            self.look(share, &sets, &mut row)?;
            rows.push(row);
        }
        for of in unreadable {
            let mut row = SurveyRow::new(share, Some(deployment.clone()));
            row.remark(Warning, format!("{}: {}: {}", of.folder, of.code, of.reason));
            rows.push(row);
        }
        if rows.is_empty() {
            let mut row = SurveyRow::new(share, Some(deployment.clone()));
            row.remark(Critical, "no set");
            rows.push(row);
        }
        self.look_for_copies(of, &mut rows)?;
        Ok(rows)
    }

    /// Looks at the sets of a component, from new to old.
    fn look(&self, share: &Arc<dyn Share>, sets: &[Named], row: &mut SurveyRow) -> Result<()> {
        let mut good: Vec<CoverSheet> = Vec::new();
        let mut between = Vec::new();
        for (place, folder, name) in sets.iter().filter(|set| !self.is_future(set)).take(MOST) {
            let Some(set) = summary(share, place, folder, *name, &self.demand)? else { continue };
            if !good.is_empty() && matches!(set.state, SetState::Untrusted { .. }) {
                between.push(set);
                continue;
            }
            match cover(set, row, good.is_empty()) {
                Some(cover) => good.push(cover),
                None => continue,
            }
            if good.len() == 2 {
                break;
            }
        }
        // What nobody signed may have been planted, unless nobody signed before it either.
        if good.len() == 2 {
            between.into_iter().for_each(|set| _ = cover(set, row, true));
        }
        if sets.iter().any(|set| self.is_future(set)) {
            row.remark(Warning, "a set from the future: look at the clocks");
        }
        let Some(last) = good.first() else {
            row.remark(Critical, "no good set");
            return Ok(());
        };
        let created = last.set.created();
        row.last_good = Some(last.set);
        row.status = Some(last.status);
        (row.files, row.bytes) = (last.content.files, last.content.bytes);
        row.stored_bytes = last.stored.bytes;
        row.thumbprints = last.certificates.iter().map(|of| of.sha1_thumbprint.clone()).collect();
        row.due = created.checked_add(SignedDuration::from_secs(self.frequency)).ok();
        let age = self.now.as_second().saturating_sub(created.as_second());
        if is_stale(age, self.frequency) {
            row.remark(Critical, format!("last good set {}", ago(age)));
        } else if age > self.frequency + HOUR {
            row.remark(Warning, format!("overdue: last good set {}", ago(age)));
        }
        if last.content.files == 0 {
            row.remark(Warning, "it holds no file");
        }
        if last.status == Status::PartialSucceeded {
            row.remark(Warning, format!("{} things are not in it as they were", last.content.problems));
        }
        if let Some(before) = good.get(1) {
            row.bytes_before = Some(before.content.bytes);
            let mut largest = Largest::default();
            largest.take((before.content.files, before.content.bytes));
            if largest.dwarfs((last.content.files, last.content.bytes), Largest::HALF) {
                row.remark(Warning, "it holds less than half of the one before");
            }
        }
        Ok(())
    }

    fn is_future(&self, (_, _, name): &Named) -> bool {
        is_future(name.created(), self.now)
    }

    /// Finds the newest copy of each component on the shares with copies. The share itself is no other.
    fn look_for_copies(&self, of: &Located, rows: &mut [SurveyRow]) -> Result<()> {
        if self.copies.is_empty() {
            return Ok(());
        }
        let mut unread = None;
        for (_, share) in self.copies.iter().filter(|(identity, _)| *identity != *of.identity) {
            match self.copies_on(share, &of.deployment, rows) {
                Err(e) if e.scope() == Scope::Caller => return Err(e),
                Err(e) => unread = Some(format!("copies on {}: {}", share.describe(), e.code())),
                Ok(()) => {}
            }
        }
        for row in rows.iter_mut().filter(|row| row.last_good.is_some()) {
            let age = row.last_copy.map(|copy| self.now.as_second().saturating_sub(copy.as_second()));
            match (age, &unread) {
                (None, Some(unread)) => row.remark(Warning, unread.clone()),
                (None, None) => row.remark(Warning, "no copy elsewhere"),
                (Some(age), _) if is_stale(age, self.frequency) => {
                    row.remark(Warning, format!("last copy elsewhere {}", ago(age)));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn copies_on(
        &self,
        share: &Arc<dyn Share>,
        deployment: &Deployment,
        rows: &mut [SurveyRow],
    ) -> Result<()> {
        let mut found = by_place(find_sets(share, deployment)?.0);
        for row in rows {
            let sets = row.component.as_ref().and_then(|component| found.remove(component));
            for (place, folder, name) in
                sets.unwrap_or_default().iter().filter(|set| !self.is_future(set)).take(MOST)
            {
                let set = summary(share, place, folder, *name, &self.demand)?;
                if set.is_some_and(|set| set.is_complete()) {
                    row.last_copy = row.last_copy.max(Some(name.created()));
                    break;
                }
            }
        }
        Ok(())
    }
}

/// The cover sheet of a set that is complete. What a newer one is instead is a remark.
fn cover(set: SetSummary, row: &mut SurveyRow, is_newest: bool) -> Option<CoverSheet> {
    match set.state {
        SetState::Complete { cover } => {
            if is_newest {
                row.signature = set.signature;
            }
            Some(*cover)
        }
        _ if !is_newest => None,
        // A backup at work has no cover sheet yet.
        SetState::Incomplete { .. } if !set.has_cover_sheet => {
            row.remark(Notice, format!("{} is not finished", set.name));
            None
        }
        state => {
            // The row says where it is.
            let reason = state.reason().unwrap_or_default();
            let folder = format!("{}: ", joined(row.share.clone(), &set.folder));
            let reason = reason.strip_prefix(&*folder).unwrap_or(reason);
            row.remark(Warning, format!("{}: {reason}", set.name));
            None
        }
    }
}

fn by_place(sets: Vec<Named>) -> ByPlace {
    let mut by_place = ByPlace::new();
    for set in sets {
        let name = name_of(set.0.component(), set.0.scale_unit());
        by_place.entry(name).or_default().push(set);
    }
    by_place.values_mut().for_each(|sets| sets.sort_by_key(|(_, _, name)| std::cmp::Reverse(*name)));
    by_place
}
