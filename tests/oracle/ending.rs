//! The final checks, when all nights are over.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use azs_backup::layout::{Component, Deployment, SharePath};
use azs_backup::schedule::{DeletionOutcome, RetentionPolicy};
use azs_backup::set::SetList;
use azs_backup::{Place, Share, list_sets};
use jiff::Timestamp;

use super::failing_share::{Bad, FailingShare};
use super::world::World;
use super::{Fault, Found};

/// Exactly the sets whose files all exist with their lengths are listed as complete.
pub fn listed(world: &World) -> Found {
    let sets = list_sets(world.share.clone(), world.place.deployment())
        .run()
        .map_err(|e| Fault::new("list", [format!("{e:?}")]))?;
    for record in &world.records {
        let is_complete = sets.iter().any(|set| set.folder == record.folder && set.is_complete());
        if record.is_whole() && !is_complete {
            let state = sets.iter().find(|set| set.folder == record.folder).map(|set| &set.state);
            return Err(Fault::new("list", [format!("{} is whole and lists as {state:?}", record.folder)]));
        }
        let lacks = record.harmed.iter().any(|name| !record.native.join(name).exists());
        if lacks && is_complete {
            return Err(Fault::new(
                "list",
                [format!("{} lists as complete: {:?}", record.folder, record.harmed)],
            ));
        }
    }
    Ok(())
}

/// A stored file that gives an error when it is read costs what is in it.
pub fn unreadable(world: &mut World) -> Found {
    let whole: Vec<_> = world.records.iter().filter(|record| record.is_whole()).collect();
    let Some(record) = world.rng.pick(&whole) else { return Ok(()) };
    let segments: Vec<_> = record.files.keys().filter(|name| name.ends_with(".tar.zst.p7m")).collect();
    let Some(name) = world.rng.pick(&segments) else { return Ok(()) };
    let mut record = (*record).clone();
    record.harmed.insert((*name).clone());
    let share: Arc<dyn Share> =
        Arc::new(FailingShare::new(&world.share, Some(Bad::Unreadable((*name).clone()))));
    record.check_harmed(&share, &world.dir.join("unreadable")).map_err(|fault| {
        Fault::new("unreadable", [format!("{name} gives EIO")].into_iter().chain(fault.lines))
    })
}

/// A set that somebody copied to where it does not belong is no backup of that place.
pub fn elsewhere(world: &World) -> Found {
    let Some(record) = world.records.iter().find(|record| record.is_whole()) else { return Ok(()) };
    let place = Place::new(Deployment::new("contoso.com", "lax").expect("a name"), Component::Switches);
    let folder = world.root.join(place.folder().to_relative());
    let copy = folder.join(record.native.file_name().expect("a set has a name"));
    fs::create_dir_all(&copy).expect("a folder");
    for file in fs::read_dir(&record.native).expect("the set").flatten() {
        fs::copy(file.path(), copy.join(file.file_name())).expect("a copy");
    }
    let sets = list_sets(world.share.clone(), place.deployment()).run();
    let sets = sets.map_err(|e| Fault::new("list", [format!("{e:?}")]))?;
    match sets.iter().find(|set| set.is_complete()) {
        Some(set) => {
            Err(Fault::new("elsewhere", [format!("{} lists as complete: it is of nyc", set.folder)]))
        }
        None => Ok(()),
    }
}

/// Retention deletes what its plan says, and keeps what it says, whole.
pub fn retention(world: &mut World) -> Found {
    let fault = |line: String| Fault::new("retention", [line]);
    let list = || list_sets(world.share.clone(), world.place.deployment()).run();
    let sets = list().map_err(|e| fault(format!("{e:?}")))?;
    let complete = sets.iter().filter(|set| set.is_complete()).count();
    let wanted = 1 + world.rng.below(4);
    let policy = RetentionPolicy::new().keep_last(wanted as u32);
    let plan = policy.plan(&sets, Timestamp::now());
    let mut deleted: BTreeSet<_> = plan.deletions.iter().map(|deletion| deletion.folder.clone()).collect();
    let bad = world.rng.chance(30).then(|| Bad::StoppedAt(1 + world.rng.below(30) as u64));
    let rough = FailingShare::new(&world.share, bad);
    let mut stopper = rough.stopper();
    let share: Arc<dyn Share> = Arc::new(rough);
    let report = plan.apply(share.clone()).observer(&mut stopper).run();
    let mut stopped = BTreeSet::new();
    for (folder, outcome) in &report.outcomes {
        match outcome {
            DeletionOutcome::Deleted => {}
            DeletionOutcome::Stopped if stopper.has_said() => {
                deleted.remove(folder);
                stopped.insert(folder);
            }
            _ => return Err(fault(format!("{folder}: {outcome:?}"))),
        }
    }
    let left = list().map_err(|e| fault(format!("{e:?}")))?;
    if left.iter().filter(|set| set.is_complete()).count() < complete.min(wanted) {
        return Err(fault(format!("of {complete} complete sets fewer than {wanted} are left")));
    }
    // The one that was being deleted is plainly incomplete: a share far away hears a stop between two of its files.
    let is_half = |folder: &SharePath| {
        let is_complete = |sets: &SetList| sets.iter().any(|set| set.folder == *folder && set.is_complete());
        stopped.contains(folder) && is_complete(&sets) && !is_complete(&left)
    };
    let half: Vec<_> = stopped.iter().filter(|folder| is_half(folder)).collect();
    if half.len() > 1 {
        return Err(fault(format!("stopped in the middle of several: {half:?}")));
    }
    for record in world.records.iter().filter(|record| !is_half(&record.folder)) {
        // A run that failed may have left a set all the same; when that lost its cover sheet, the host's next run took
        // it for what it is and cleared it away.
        if !record.is_whole() && !sets.iter().any(|set| set.folder == record.folder) {
            continue;
        }
        let is_there = left.iter().any(|set| set.folder == record.folder);
        if is_there == deleted.contains(&record.folder) {
            return Err(fault(format!("{}: deleted {}", record.folder, !is_there)));
        }
        if is_there && record.is_whole() {
            record.check_whole(&world.share, &world.dir.join("left over"))?;
        }
    }
    Ok(())
}
