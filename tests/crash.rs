//! Power cuts: the system calls of backups, a retention and a restore are recorded, and after each of them the disk is
//! rebuilt as a file system may leave it when the power goes there. Earlier sets are whole, nothing lists as complete
//! that is not, and what was acknowledged is there.
#![cfg(target_os = "linux")]
#![allow(missing_docs, unreachable_pub)]

mod common;
#[path = "crash/disk.rs"]
mod disk;
#[path = "crash/trace.rs"]
mod trace;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use azs_backup::layout::{Component, Deployment, SharePath};
use azs_backup::restore::{Existing, RestoreOptions};
use azs_backup::schedule::RetentionPolicy;
use azs_backup::set::Status;
use azs_backup::{Backup, EncryptionCertificate, FolderShare, Opener, Place, Set, Share, list_sets};
use common::{Certificate, noise};
use disk::{CUTS, Cut, Disk, Left};
use trace::Call;

const FOLDER: &str = "AZS_CRASH_FOLDER";

/// Where things are in the folder of a test.
struct Site {
    folder: PathBuf,
    place: Place,
}

impl Site {
    fn new(folder: &Path) -> Self {
        let place = Place::new(Deployment::new("contoso.com", "nyc").unwrap(), Component::Switches);
        Self { folder: folder.to_owned(), place }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn share(&self, root: &Path) -> Arc<dyn Share> {
        Arc::new(FolderShare::open(root).unwrap())
    }

    /// A backup that is waited for: what it says then holds whatever happens to the power.
    fn backup(&self) -> SharePath {
        let certificate = EncryptionCertificate::load(self.path("backup.cer")).unwrap();
        let builder = Backup::builder(self.share(&self.path("share")), self.place.clone());
        let builder = builder.certificate(certificate).state(self.path("state")).workers(1);
        let mut backup = builder.segment_size(4 << 20).start().unwrap();
        backup.add_folder_as("tree", self.path("source")).unwrap();
        backup.commit().unwrap().folder
    }

    /// Leaves a mark among the calls.
    fn mark(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }
}

/// Not a test of its own: two backups and a retention, to be recorded.
#[test]
fn backups() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let site = Site::new(Path::new(&folder));
    let source = site.path("source");
    site.mark("first", &site.backup().to_string());
    fs::write(source.join("small 3"), "changed").unwrap();
    fs::remove_file(source.join("small 4")).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(60));
    site.mark("second", &site.backup().to_string());
    // What the files that are going to be deleted hold.
    common::run(std::process::Command::new("cp").arg("-al").arg(site.path("share")).arg(site.path("copy")));
    site.mark("retention", "");
    let share = site.share(&site.path("share"));
    let sets = list_sets(share.clone(), site.place.deployment()).run().unwrap();
    let plan = RetentionPolicy::new().keep_last(1).plan(&sets, jiff::Timestamp::now());
    plan.apply(share.clone()).run().into_result().unwrap();
    site.mark("end", "");
}

/// Not a test of its own: a restore, to be recorded.
#[test]
fn restored() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let site = Site::new(Path::new(&folder));
    let set = fs::read_to_string(site.path("second")).unwrap();
    let set = Set::open(site.share(&site.path("share")), set.parse().unwrap()).unwrap();
    let options = RestoreOptions::default();
    set.restore(&opener(&site)).options(&options).into(site.path("target")).unwrap();
    site.mark("end of restore", "");
}

fn opener(site: &Site) -> Opener {
    let pfx = fs::read(site.path("backup.pfx")).unwrap();
    Opener::new(azs_backup::DecryptionCertificate::from_pfx(&pfx, Some(common::PASSWORD)).unwrap())
}

/// A source of some small files, two that are alike, and a large one.
fn source(folder: &Path) {
    fs::create_dir_all(folder.join("below")).unwrap();
    for number in 0..6 {
        fs::write(folder.join(format!("small {number}")), noise(number, 700 * number as usize)).unwrap();
    }
    fs::write(folder.join("below/alike"), noise(5, 3500)).unwrap();
    fs::hard_link(folder.join("small 2"), folder.join("below/second name")).unwrap();
    fs::write(folder.join("large"), noise(9, 2_200_000)).unwrap();
}

fn prepare(site: &Site) {
    let certificate = Certificate::new("azs-backup test");
    fs::write(site.path("backup.cer"), &certificate.cer).unwrap();
    fs::write(site.path("backup.pfx"), &certificate.pfx).unwrap();
    fs::create_dir_all(site.path("share/contoso.com/nyc/MASBackup")).unwrap();
    source(&site.path("source"));
}

/// Where a call is a mark.
fn is_mark(site: &Site, call: &Call, name: &str) -> bool {
    matches!(call, Call::Open { path, create: true, .. } if *path == site.path(name))
}

/// What is wrong after a power cut, each thing once.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn say(&mut self, when: &str, what: String) {
        if self.0.len() < 12 && !self.0.iter().any(|line| line.ends_with(&what)) {
            self.0.push(format!("{when}: {what}"));
        }
    }

    fn end(self) {
        assert!(self.0.is_empty(), "{}", self.0.join("\n"));
    }
}

/// Where a state that was left is looked at: in memory, where there is room for that.
fn workplace() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

fn site() -> (tempfile::TempDir, Site) {
    let temp = tempfile::tempdir().unwrap();
    let site = Site::new(&temp.path().canonicalize().unwrap());
    prepare(&site);
    (temp, site)
}

#[test]
fn after_a_power_cut_earlier_sets_are_whole_and_nothing_lists_that_is_not() {
    if !trace::is_possible() {
        return println!("passed over: there is no strace that may trace here");
    }
    let (_temp, site) = site();
    let calls = trace::record("backups", (FOLDER, site.folder.to_str().unwrap()), &site.folder);
    let set = |name: &str| fs::read_to_string(site.path(name)).unwrap().parse::<SharePath>().unwrap();
    let sets = [set("first"), set("second")];
    let folders = ["contoso.com", "contoso.com/nyc", "contoso.com/nyc/MASBackup"];
    let mut disk = Disk::new(&site.path("share"), &site.path("copy"), &folders, &calls);
    let (mut acknowledged, mut deleting) = (0, false);
    let (mut seen, mut count, mut own, mut wrong) = (HashSet::<(Left, usize)>::new(), 0, 0, Wrong::default());
    let (place, opener) = (workplace(), opener(&site));
    for (number, call) in calls.iter().enumerate() {
        acknowledged += usize::from(is_mark(&site, call, "first") || is_mark(&site, call, "second"));
        deleting |= is_mark(&site, call, "retention");
        own += usize::from(disk.apply(call));
        for cut in CUTS {
            let left = disk.left(cut);
            count += 1;
            if seen.insert((left.clone(), acknowledged)) {
                let when = format!("after call {number}, {call:?}, {cut:?} lost");
                disk.rebuild(&left, &place.path().join("share"));
                let share = site.share(&place.path().join("share"));
                let promised = &sets[usize::from(deleting)..acknowledged];
                look(&share, &site.place, &opener, promised, |what| wrong.say(&when, what));
            }
        }
    }
    println!("{own} calls on the share, {count} states, {} of them different", seen.len());
    assert!(own > 50 && seen.len() > 50, "the calls were not seen");
    wrong.end();
}

/// All that lists as complete is, and what was promised is among it.
fn look(
    share: &Arc<dyn Share>,
    place: &Place,
    opener: &Opener,
    promised: &[SharePath],
    mut say: impl FnMut(String),
) {
    let listed = list_sets(share.clone(), place.deployment()).run().unwrap_or_default();
    for set in listed.iter().filter(|set| set.is_complete()) {
        let report = Set::open(share.clone(), set.folder.clone())
            .and_then(|set| set.verify_full(opener).run()?.into_result());
        if let Err(error) = report {
            say(format!("{} lists as complete: {error}", set.folder));
        }
    }
    for set in promised {
        match listed.iter().find(|listed| listed.folder == *set) {
            Some(set) if set.is_complete() => {}
            Some(set) => say(format!("{} was acknowledged: {:?}", set.folder, set.state)),
            None => say(format!("{set} was acknowledged and is not there")),
        }
    }
}

#[test]
fn after_a_power_cut_a_restore_has_left_no_file_that_passes_for_whole() {
    if !trace::is_possible() {
        return println!("passed over: there is no strace that may trace here");
    }
    let (_temp, site) = site();
    let mut backups = std::process::Command::new(std::env::current_exe().unwrap());
    common::run(backups.args(["--exact", "backups"]).env(FOLDER, &site.folder));
    let calls = trace::record("restored", (FOLDER, site.folder.to_str().unwrap()), &site.folder);
    let set = fs::read_to_string(site.path("second")).unwrap().parse::<SharePath>().unwrap();
    let set = Set::open(site.share(&site.path("share")), set).unwrap();
    let files = files(&site.path("source"));
    let target = site.path("target");
    let mut disk = Disk::new(&target, &target, &[""], &calls);
    let (mut ended, opener, place) = (false, opener(&site), workplace());
    let (mut seen, mut count, mut own, mut wrong) = (HashSet::<(Left, bool)>::new(), 0, 0, Wrong::default());
    for (number, call) in calls.iter().enumerate() {
        ended |= is_mark(&site, call, "end of restore");
        own += usize::from(disk.apply(call));
        for cut in CUTS {
            let left = disk.left(cut);
            count += 1;
            let strict = cut == Cut::Nothing || ended;
            if !seen.insert((left.clone(), strict)) {
                continue;
            }
            let when = format!("after call {number}, {call:?}, {cut:?} lost");
            for (path, content) in &files {
                match left.get(&Path::new("tree").join(path)) {
                    Some(Some(held)) if disk.content(held) == *content => {}
                    None if !ended => {}
                    _ if strict => wrong.say(&when, format!("{} is not whole", path.display())),
                    _ => {}
                }
            }
            if !strict {
                let again = place.path().join("target");
                disk.rebuild(&left, &again);
                restore_again(&set, &opener, &again, &files, |what| wrong.say(&when, what));
            }
        }
    }
    println!("{own} calls in the target, {count} states, {} of them different", seen.len());
    assert!(own > 20 && seen.len() > 20, "the calls were not seen");
    wrong.end();
}

/// What was left is kept by a second restore only where it is whole, or it does not say that all is well.
fn restore_again(
    set: &Set,
    opener: &Opener,
    target: &Path,
    files: &[(PathBuf, Vec<u8>)],
    mut say: impl FnMut(String),
) {
    let options = RestoreOptions::default().existing(Existing::Keep);
    let Ok(report) = set.restore(opener).options(&options).into(target) else { return };
    for (path, content) in files {
        let found = fs::read(target.join("tree").join(path)).unwrap_or_default();
        if found != *content && report.status == Status::Succeeded {
            say(format!("{} is not whole, and a second restore says that all is well", path.display()));
        }
    }
}

fn files(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let (mut files, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for item in fs::read_dir(folder).unwrap().flatten() {
            if item.file_type().unwrap().is_dir() {
                folders.push(item.path());
            } else {
                let path = item.path().strip_prefix(root).unwrap().to_owned();
                files.push((path, fs::read(item.path()).unwrap()));
            }
        }
    }
    files
}
