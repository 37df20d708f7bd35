//! Names that differ only in letter case, restored to a file system that ignores case: the report names what is
//! missing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use azs_backup::layout::{Component, Deployment, SharePath};
use azs_backup::restore::{Damage, Existing, RestoreOptions};
use azs_backup::{Backup, Place, Result, Set, Share};

use super::model::{Detail, Tree, Walker, above, shown};
use super::rng::Rng;
use super::{Fault, Found, keys, named};
use crate::common::noise;

/// Makes a set of such names, and restores it into `target` under each policy.
pub fn check(share: &Arc<dyn Share>, source: &Path, target: &Path, rng: &mut Rng) -> Found {
    fill(source, rng, 0);
    let tree = Walker::walk(source);
    let failed = |error: azs_backup::Error| Fault::new("case", [format!("{error:?}")]);
    let folder = backup(share, source).map_err(failed)?;
    let set = Set::open(share.clone(), folder).map_err(failed)?;
    let mut wrong = Vec::new();
    for policy in [Existing::Refuse, Existing::Keep, Existing::Replace] {
        let options = RestoreOptions::default().existing(policy).damage(Damage::Continue);
        let report = match set.restore(&keys()[0].opener).options(&options).into(target) {
            Ok(report) => report,
            Err(error) => {
                wrong.push(format!("{policy}: one name ended it: {error}"));
                continue;
            }
        };
        let lines = unnamed(&tree, &Walker::walk(&target.join("d")), |path| {
            let path = [b"d/", path].concat();
            std::iter::once(&*path).chain(above(&path)).any(|path| named(&report, path))
        });
        if !lines.is_empty() {
            wrong.push(format!("{policy}: {:?}, {} files", report.status, report.files));
            wrong.extend(lines);
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Fault::new("case", wrong)) }
}

/// Names that are one to the target: of those that no report names, at most one can be there, and it has to be right.
/// Folders may be one.
fn unnamed(tree: &Tree, found: &Tree, is_named: impl Fn(&[u8]) -> bool) -> Vec<String> {
    let folded: BTreeMap<_, _> = found.iter().map(|(path, node)| (path.to_ascii_lowercase(), node)).collect();
    let mut lines = Vec::new();
    let mut taken = BTreeSet::new();
    for (path, node) in tree.iter().filter(|(path, _)| !is_named(path)) {
        let one = path.to_ascii_lowercase();
        let now = folded.get(&one).copied();
        let is_right = now.is_some_and(|now| node.is_met_by(now, Detail::CONTENT));
        if !is_right || !(node.is_folder() || taken.insert(one)) {
            lines.push(format!(
                "{}: wanted {:?}; found {:?}",
                shown(path),
                node.what,
                now.map(|now| &now.what)
            ));
        }
    }
    lines
}

/// Files and folders, many of them under names that differ in case.
fn fill(folder: &Path, rng: &mut Rng, depth: usize) {
    fs::create_dir_all(folder).unwrap();
    for _ in 0..3 + rng.below(5) {
        let name = *rng.pick(&["Config", "config", "CONFIG", "Logs", "logs", "other"]).expect("not empty");
        let path = folder.join(name);
        if path.exists() {
            continue;
        }
        match rng.below(6) {
            0 | 1 if depth < 2 => fill(&path, rng, depth + 1),
            2 => fs::write(&path, noise(1, 3000)).unwrap(),
            3 => fs::write(&path, noise(rng.next(), 2_100_000)).unwrap(),
            _ => fs::write(&path, noise(rng.next(), 1000)).unwrap(),
        }
        if path.is_file() {
            // Of one size and one tick of the clock, two files under one name could be told apart by their bytes alone.
            let time =
                SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + rng.below(700_000_000) as u64);
            super::system::set_time(&path, time).unwrap();
        }
        if path.is_file() && rng.chance(20) {
            let _ = fs::hard_link(&path, folder.join(name.to_uppercase()));
        }
    }
}

fn backup(share: &Arc<dyn Share>, source: &Path) -> Result<SharePath> {
    let place = Place::new(Deployment::new("contoso.com", "nyc")?, Component::Switches);
    let builder = Backup::builder(share.clone(), place).certificate(keys()[0].certificate.encryption());
    let mut backup = builder.start()?;
    backup.add_folder_as("d", source)?;
    Ok(backup.commit()?.folder)
}
