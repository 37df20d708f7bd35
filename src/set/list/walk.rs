//! Walks through the folders of a deployment: its components, their scale units, and their sets.
//!
//! A share may be far away, where each question takes a while: so several are asked at once.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use super::summary::summarize;
use super::{SetList, SetSummary, UnreadableFolder};
use crate::error::{ErrorKind, Result, Scope};
use crate::layout::{Component, Deployment, Name, Place, ScaleUnit, SetName, SharePath, is_mas_backup};
use crate::observer::{Observer, Progress, Ticker};
use crate::share::{Item, ItemKind, Share, is_future};
use crate::signature::Demand;
use crate::worker_pool;

/// Questions that are asked at once of a share far away.
const IN_FLIGHT: usize = 32;

/// Questions that are asked at once of a folder: it may be mounted from a server, but mostly it answers at once.
const IN_FLIGHT_LOCAL: usize = 8;

pub(super) struct Walk<'a> {
    share: &'a Arc<dyn Share>,
    demand: &'a Demand,
    in_flight: usize,
    list: SetList,
    ticker: Ticker<'a>,
}

/// A place and its folder, spelt as the share spells it.
type Located = (Place, SharePath);

/// A set that nobody has looked at: its place, its folder, its name.
pub(crate) type Named = (Place, SharePath, SetName);

impl<'a> Walk<'a> {
    pub(super) fn new(share: &'a Arc<dyn Share>, demand: &'a Demand, observer: &'a mut dyn Observer) -> Self {
        let in_flight = if share.local_root().is_some() { IN_FLIGHT_LOCAL } else { IN_FLIGHT };
        Self { share, demand, in_flight, list: SetList::default(), ticker: Ticker::new(observer, None) }
    }

    /// Lists the sets of a deployment, or of one of its components, in no order; of each place all of them, or so many that
    /// are complete and whatever is newer.
    pub(super) fn list(
        mut self,
        deployment: &Deployment,
        component: Option<&Component>,
        newest: usize,
    ) -> Result<SetList> {
        let sets = self.names_of_sets(deployment, component)?;
        match newest {
            0 => self.look_at(sets)?,
            complete => self.look_at_newest(sets, complete)?,
        }
        let files = self.list.sets.len() as u64;
        self.ticker.end(Progress { files, ..Progress::default() })?;
        Ok(self.list)
    }

    /// Finds the sets of a deployment and looks at none of them.
    pub(super) fn found(mut self, deployment: &Deployment) -> Result<(Vec<Named>, Vec<UnreadableFolder>)> {
        let sets = self.names_of_sets(deployment, None)?;
        Ok((sets, self.list.unreadable))
    }

    fn names_of_sets(
        &mut self,
        deployment: &Deployment,
        component: Option<&Component>,
    ) -> Result<Vec<Named>> {
        let mut components = Vec::new();
        for (region, names) in self.regions(deployment)? {
            for (folder, found) in named::<Component>(&region, &names) {
                if component.is_none_or(|wanted| *wanted == found) {
                    components.push((Place::new(deployment.clone(), found), folder));
                }
            }
        }
        let (mut scale_units, mut sets) = (Vec::new(), Vec::new());
        for ((place, folder), names) in self.list_all(components)? {
            for (folder, scale_unit) in named::<ScaleUnit>(&folder, &names) {
                scale_units.push((place.clone().with_scale_unit(scale_unit), folder));
            }
            sets.extend(sets_in(&place, &folder, &names));
        }
        for ((place, folder), names) in self.list_all(scale_units)? {
            sets.extend(sets_in(&place, &folder, &names));
        }
        Ok(sets)
    }

    /// The region folder, and what it contains. If it does not exist, the folders whose names differ only in letter case,
    /// on a share that is case-sensitive.
    fn regions(&mut self, deployment: &Deployment) -> Result<Vec<(SharePath, Vec<Name>)>> {
        let region = deployment.region_folder();
        match self.share.list(&region) {
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            listed => {
                let names = self.names(&region, listed)?;
                return Ok(vec![(region, names)]);
            }
        }
        let like =
            |wanted: &Name, folders: Vec<Name>| folders.into_iter().filter(|n| n.same_name(wanted)).collect();
        let root = SharePath::root();
        // This finds out whether the root exists, so none of its errors is ignored.
        let domains: Vec<Name> = like(deployment.external_domain_name(), folders(self.share.list(&root)?));
        let mut regions = Vec::new();
        for domain in domains {
            let domain = root.join(domain);
            let listed = self.share.list(&domain);
            let found: Vec<Name> = like(deployment.region(), self.names(&domain, listed)?);
            for region in found {
                let region = domain.join(region);
                let listed = self.share.list(&region);
                let names = self.names(&region, listed)?;
                regions.push((region, names));
            }
        }
        Ok(regions)
    }

    /// Lists these folders.
    fn list_all(&mut self, places: Vec<Located>) -> Result<Vec<(Located, Vec<Name>)>> {
        let (share, mut jobs, mut listed) = (self.share, places.into_iter(), Vec::new());
        worker_pool::run(
            self.in_flight.min(jobs.len()),
            || Ok(()),
            |(), (place, folder): Located| {
                let items = share.list(&folder);
                Ok(((place, folder), items))
            },
            || Ok(jobs.next()),
            |(at, items)| {
                listed.push((at, items));
                Ok(())
            },
            || self.ticker.tick(Progress::default()),
        )?;
        let mut found = Vec::with_capacity(listed.len());
        for (at, items) in listed {
            let names = self.names(&at.1, items)?;
            found.push((at, names));
        }
        Ok(found)
    }

    /// Adds the newest of these sets to the list: of each place so many that are complete, and whatever is newer.
    fn look_at_newest(&mut self, sets: Vec<Named>, complete: usize) -> Result<()> {
        let now = Timestamp::now();
        let counts = |name: SetName| !is_future(name.created(), now);
        let mut places = BTreeMap::<Place, (usize, Vec<Named>)>::new();
        for set in sets {
            let (_, of_place) = places.entry(set.0.clone()).or_insert_with(|| (complete, Vec::new()));
            of_place.push(set);
        }
        for (_, of_place) in places.values_mut() {
            of_place.sort_by_key(|(_, _, name)| *name);
        }
        loop {
            let mut next = Vec::new();
            for (missing, of_place) in places.values_mut() {
                let mut taken = 0;
                let mut second = None;
                // Which of one second began first, their cover sheets tell.
                while let Some((_, _, name)) = of_place.last()
                    && *missing > 0
                    && (taken < *missing || second == Some(name.created()))
                {
                    second = Some(name.created());
                    taken += usize::from(counts(*name));
                    next.extend(of_place.pop());
                }
            }
            if next.is_empty() {
                return Ok(());
            }
            let before = self.list.sets.len();
            self.look_at(next)?;
            for set in self.list.sets[before..].iter().filter(|set| set.is_complete() && counts(set.name)) {
                if let Some((missing, _)) = places.get_mut(&set.place) {
                    *missing = missing.saturating_sub(1);
                }
            }
        }
    }

    /// Adds these sets to the list.
    fn look_at(&mut self, sets: Vec<Named>) -> Result<()> {
        let Self { share, demand, in_flight, list, ticker } = self;
        let (mut jobs, count, large) = (sets.into_iter(), Cell::new(0), Mutex::new(()));
        worker_pool::run(
            jobs.len().min(*in_flight),
            || Ok(()),
            |(), (place, folder, name): Named| summarize(share, &place, &folder, name, demand, &large),
            || Ok(jobs.next()),
            |summary: Option<SetSummary>| {
                list.sets.extend(summary);
                count.set(list.sets.len() as u64);
                Ok(())
            },
            || ticker.tick(Progress { files: count.get(), ..Progress::default() }),
        )
    }

    /// Names of the folders in this one, of which this is the listing. If it cannot be listed, records that and returns
    /// none.
    fn names(&mut self, folder: &SharePath, listed: Result<Vec<Item>>) -> Result<Vec<Name>> {
        match listed {
            Ok(items) => Ok(folders(items)),
            // Deleted by hand in the meantime.
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(e) if e.scope() == Scope::Object => {
                let (folder, code, reason) = (folder.clone(), e.code(), e.to_string());
                self.list.unreadable.push(UnreadableFolder { folder, code, reason });
                Ok(Vec::new())
            }
            Err(e) => Err(e),
        }
    }
}

/// The folders among these names that parse as `T`.
fn named<T: std::str::FromStr>(folder: &SharePath, names: &[Name]) -> Vec<(SharePath, T)> {
    names.iter().filter_map(|name| Some((folder.join(name.clone()), name.as_str().parse().ok()?))).collect()
}

fn sets_in(place: &Place, folder: &SharePath, names: &[Name]) -> Vec<Named> {
    named(folder, names).into_iter().map(|(folder, set)| (place.clone(), folder, set)).collect()
}

/// The names of the folders in a listing; never `MASBackup`.
pub(super) fn folders(items: Vec<Item>) -> Vec<Name> {
    let folders =
        items.into_iter().filter(|item| item.kind == ItemKind::Folder && !is_mas_backup(&item.name));
    folders.filter_map(|item| Name::new(item.name).ok()).collect()
}
