//! A year of nights: changes, deletions, renames, interruptions, retention, deletions by hand, damage. Whatever
//! happens, every remaining set restores the source of its night.
#![cfg(unix)]

use crate::by_hand;
use crate::common;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::common::{Fixture, assert_same_tree, noise};
use crate::nightly::Nightly;
use azs_backup::FolderShare;
use azs_backup::backup::BackupReport;
use azs_backup::layout::SharePath;
use azs_backup::share::Durability;

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        if of.is_empty() { None } else { of.get(self.roll(of.len() as u64) as usize) }
    }
}

fn things(tree: &Path) -> Vec<PathBuf> {
    let (mut all, mut folders) = (Vec::new(), vec![tree.to_owned()]);
    while let Some(folder) = folders.pop() {
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        for path in names {
            if path.symlink_metadata().unwrap().is_dir() {
                folders.push(path.clone());
            }
            all.push(path);
        }
    }
    all
}

/// What happens to the tree in one day.
fn day(tree: &Path, dice: &mut Dice, number: u64) {
    for step in 0..1 + dice.roll(6) {
        let all = things(tree);
        let (folders, files): (Vec<_>, Vec<_>) =
            all.iter().partition(|path| path.symlink_metadata().unwrap().is_dir());
        let files: Vec<_> = files.into_iter().filter(|path| !path.is_symlink()).collect();
        let folder = dice.pick(&folders).map_or(tree.to_owned(), |path| path.to_path_buf());
        let name =
            folder.join(format!("{} {}", ["x", "new\nline", "ü"][dice.roll(3) as usize], dice.roll(40)));
        match dice.roll(12) {
            // A file changes: some small, the large one in a few places, at its end, or altogether.
            0..=3 => {
                let Some(file) = dice.pick(&files) else { continue };
                let mut content = fs::read(file).unwrap();
                let length = content.len() as u64;
                match dice.roll(5) {
                    0 => content.extend(noise(number, dice.roll(3000) as usize)),
                    1 => content.truncate(dice.roll(length + 1) as usize),
                    2 if length > 200_000 => content[100_000..170_000].fill(0),
                    _ if length > 0 => {
                        let at = dice.roll(length) as usize;
                        content[at] ^= 1;
                    }
                    _ => content.push(7),
                }
                fs::write(file, content).unwrap();
            }
            4 | 5 if name.symlink_metadata().is_err() => {
                fs::write(&name, noise(number * 100 + step, dice.roll(8000) as usize)).unwrap();
            }
            6 if files.len() > 25 => {
                fs::remove_file(dice.pick(&files).unwrap()).unwrap();
            }
            7 if name.symlink_metadata().is_err() => {
                let Some(from) = dice.pick(&all) else { continue };
                if !name.starts_with(from) {
                    fs::rename(from, &name).unwrap();
                }
            }
            8 if name.symlink_metadata().is_err() => fs::create_dir(&name).unwrap(),
            9 if name.symlink_metadata().is_err() => {
                let Some(file) = dice.pick(&files) else { continue };
                fs::hard_link(file, &name).unwrap();
            }
            10 if name.symlink_metadata().is_err() => symlink(format!("to {number}"), &name).unwrap(),
            // Something becomes something else.
            11 => {
                let Some(path) = dice.pick(&all) else { continue };
                let is_folder = path.symlink_metadata().unwrap().is_dir();
                if is_folder && things(path).len() < 5 {
                    fs::remove_dir_all(path).unwrap();
                    fs::write(path, noise(number, 500)).unwrap();
                } else if !is_folder && files.len() > 25 {
                    fs::remove_file(path).unwrap();
                    fs::create_dir(path).unwrap();
                    fs::write(path.join("below"), "below").unwrap();
                }
            }
            _ => {}
        }
        // Now and then everything is replaced by something of about the same size.
        if dice.roll(150) == 0 {
            for file in things(tree).iter().filter(|path| path.symlink_metadata().unwrap().is_file()) {
                fs::write(file, noise(number, 2000)).unwrap();
            }
        }
    }
    let image = tree.join("image");
    if !image.is_file() || fs::metadata(&image).unwrap().len() < 2_200_000 {
        let _ = fs::remove_dir_all(&image);
        let _ = fs::remove_file(&image);
        fs::write(&image, noise(number, 2_500_000)).unwrap();
    }
}

/// A set that should exist, and its source.
struct Kept {
    folder: SharePath,
    source: PathBuf,
}

struct Year {
    nightly: Nightly,
    kept: BTreeMap<u64, Kept>,
    snapshots: PathBuf,
    dice: Dice,
    most: f64,
}

impl Year {
    fn remember(&mut self, night: u64, report: &BackupReport) {
        let source = self.snapshots.join(night.to_string());
        common::run(std::process::Command::new("cp").arg("-a").arg(&self.nightly.tree).arg(&source));
        self.kept.insert(night, Kept { folder: report.folder.clone(), source });
    }

    fn forget(&mut self, night: u64) {
        let kept = self.kept.remove(&night).unwrap();
        fs::remove_dir_all(kept.source).unwrap();
    }

    fn delete(&mut self, night: u64) {
        fs::remove_dir_all(self.nightly.fixture.native(&self.kept[&night].folder)).unwrap();
        self.forget(night);
    }

    /// One of the sets, whichever, is as it was.
    fn check_one(&mut self) {
        let nights: Vec<_> = self.kept.keys().copied().collect();
        let Some(night) = self.dice.pick(&nights).copied() else { return };
        let kept = &self.kept[&night];
        let set = self.nightly.fixture.open(&kept.folder);
        let target = self.nightly.fixture.path("restored");
        let options = azs_backup::restore::RestoreOptions::default();
        set.restore(&self.nightly.fixture.opener)
            .options(&options)
            .into(&target)
            .unwrap_or_else(|error| panic!("night {night}: {error:?}"));
        assert_same_tree(&kept.source, &target.join("tree"));
        fs::remove_dir_all(target).unwrap();
    }

    /// Something happens to the share or to the host.
    fn misfortune(&mut self, night: u64) {
        let nights: Vec<_> = self.kept.keys().copied().collect();
        match self.dice.roll(40) {
            // Somebody deletes a set in Explorer, the newest one too.
            0..=4 if nights.len() > 1 => {
                let gone = *self.dice.pick(&nights).unwrap();
                self.delete(gone);
            }
            // A stored file of the newest set is lost, or cut off: every set that has it is damaged.
            5 | 6 if !nights.is_empty() => {
                let newest = &self.kept[nights.last().unwrap()];
                let folder = self.nightly.fixture.native(&newest.folder);
                let mut files: Vec<_> =
                    fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
                files.retain(|file| file.to_str().unwrap().ends_with(".p7m"));
                files.sort();
                let Some(file) = self.dice.pick(&files) else { return };
                fs::File::options().write(true).open(file).unwrap().set_len(100).unwrap();
                let damaged: Vec<_> = self
                    .kept
                    .iter()
                    .filter(|(_, kept)| {
                        let set = self.nightly.fixture.open(&kept.folder);
                        !set.verify().run().unwrap().is_sound()
                    })
                    .map(|(night, _)| *night)
                    .collect();
                assert!(!damaged.is_empty());
                damaged.into_iter().for_each(|night| self.forget(night));
            }
            // A run is interrupted: it left what it had stored, and no cover sheet.
            7..=9 => self.interrupt(night),
            // The state folder is lost, or part of it.
            10 => fs::remove_dir_all(&self.nightly.state).unwrap(),
            11 => drop(fs::write(self.nightly.place_state().join("last"), "nonsense")),
            _ => {}
        }
    }

    fn interrupt(&mut self, night: u64) {
        let mut backup = self.nightly.builder().start().unwrap();
        backup.add_folder_as("tree", &self.nightly.tree).unwrap();
        if night.is_multiple_of(2) {
            // As if the process was killed: nothing is cleaned up.
            let folder = self.nightly.fixture.native(&self.nightly.fixture.place.set_folder(&backup.set()));
            let journal = fs::read(self.nightly.place_state().join("journal")).unwrap_or_default();
            let copy = self.nightly.fixture.path("interrupted");
            common::system::copy_unfinished(&folder, &copy);
            drop(backup);
            fs::rename(copy, folder).unwrap();
            fs::write(self.nightly.place_state().join("journal"), journal).unwrap();
        }
    }
}

#[test]
fn after_each_of_365_nights_any_set_gives_back_its_night() {
    let mut nightly = Nightly::with(Fixture::in_memory());
    let share = FolderShare::open(nightly.fixture.path("share")).unwrap();
    nightly.fixture.share = Arc::new(share.with_durability(Durability::Cached));
    let tree = nightly.sample();
    // Small, so that there are many nights in a minute.
    for i in 0..40 {
        fs::write(tree.join(format!("a/b/file {i}")), noise(i, 1_000 + 50 * i as usize)).unwrap();
    }
    fs::write(tree.join("image"), noise(5, 2_500_000)).unwrap();
    fs::remove_file(tree.join("large")).unwrap();
    let snapshots = nightly.fixture.path("snapshots");
    fs::create_dir(&snapshots).unwrap();
    let mut year =
        Year { nightly, kept: BTreeMap::new(), snapshots, dice: Dice(0x1234_5678_9ABC), most: 0.0 };
    for night in 0..365 {
        day(&tree, &mut year.dice, night);
        year.misfortune(night);
        let report = year.nightly.run();
        year.remember(night, &report);
        if night % 30 == 29 {
            let set = year.nightly.fixture.native(&report.folder);
            assert_same_tree(&tree, &by_hand::recover(&year.nightly.fixture, &set).join("tree"));
        }
        let content =
            report.cover.content.bytes + 600 * (report.cover.content.files + report.cover.content.folders);
        year.most = year.most.max(report.cover.stored.bytes as f64 / (content + (2 << 20)) as f64);
        // Retention: the last ten, and one of each month.
        let old: Vec<_> =
            year.kept.keys().copied().filter(|kept| kept + 10 <= night && kept % 30 != 0).collect();
        old.into_iter().for_each(|night| year.delete(night));
        year.check_one();
    }
    println!("stored, to what a full set would hold: at most {:.2}", year.most);
    assert!(year.most < 2.5, "{}", year.most);
    let nights: Vec<_> = year.kept.keys().copied().collect();
    for night in nights {
        let kept = &year.kept[&night];
        let set = year.nightly.fixture.open(&kept.folder);
        let found = set.verify_full(&year.nightly.fixture.opener).run().unwrap();
        assert!(found.is_sound(), "night {night}: {found:#?}");
    }
}
