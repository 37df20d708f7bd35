//! Copies on another share: whole or no backup, nothing sent twice, and never at the cost of what is there.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use azs_backup::copies::{CopyBuilder, CopyOutcome, CopyReport, copy_set, replicate};
use azs_backup::layout::{SetName, SharePath};
use azs_backup::observer::Progress;
use azs_backup::schedule::{DeleteReason, RetentionPolicy};
use azs_backup::set::SetState;
use azs_backup::signature::Signer;
use azs_backup::{ErrorKind, Share, list_sets};
use jiff::{SignedDuration, Timestamp};

use crate::common::system::look;
use crate::common::{Certificate, Fixture, PASSWORD, backend, noise};

mod faults;
mod unsteady;

/// A share with sets, and another one for their copies.
struct Sites {
    fixture: Fixture,
    to: Arc<dyn Share>,
}

impl Sites {
    fn new() -> Self {
        Self::of(Fixture::new())
    }

    fn of(fixture: Fixture) -> Self {
        let root = fixture.path("elsewhere");
        fs::create_dir_all(root.join("contoso.com/nyc")).unwrap();
        let to = backend::share(&root);
        Self { fixture, to }
    }

    /// Makes a set so many days ago, by its name, of a file that stays and one that changes.
    fn back_up(&self, days: u64) -> SharePath {
        self.back_up_as("contoso.com/nyc/Switches", days, None)
    }

    fn back_up_as(&self, place: &str, days: u64, signer: Option<&Signer>) -> SharePath {
        let created = Timestamp::now() - SignedDuration::from_hours(days as i64 * 24 + 1);
        self.back_up_at(place, created, signer)
    }

    fn back_up_at(&self, place: &str, created: Timestamp, signer: Option<&Signer>) -> SharePath {
        self.back_up_named(place, SetName::new(created, 7).unwrap(), signer)
    }

    fn back_up_named(&self, place: &str, name: SetName, signer: Option<&Signer>) -> SharePath {
        let source = self.fixture.path("source");
        fs::create_dir_all(&source).unwrap();
        if !source.join("stays").exists() {
            fs::write(source.join("stays"), noise(1, 300_000)).unwrap();
            // A file as young as the run that read it is read again by the next.
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        fs::write(source.join("changes"), noise(name.created().as_second() as u64, 20_000)).unwrap();
        let state = self.fixture.path(&format!("state of {}", place.replace('/', " ")));
        let mut backup = azs_backup::Backup::builder(self.fixture.share.clone(), place.parse().unwrap())
            .certificate(self.fixture.certificate.encryption())
            .state(state)
            .set_name(name);
        if let Some(signer) = signer {
            backup = backup.signer(signer.clone());
        }
        let mut backup = backup.start().unwrap();
        backup.add_folder_as("tree", &source).unwrap();
        backup.commit().unwrap().folder
    }

    fn replicate(&self) -> CopyBuilder<'_> {
        replicate(self.fixture.share.clone(), self.to.clone(), self.fixture.place.deployment())
    }

    fn copied(&self) -> CopyReport {
        self.replicate().run().unwrap().into_result().unwrap()
    }

    fn here(&self, folder: &SharePath) -> std::path::PathBuf {
        self.fixture.native(folder)
    }

    fn there(&self, folder: &SharePath) -> std::path::PathBuf {
        self.fixture.path("elsewhere").join(folder.to_string())
    }

    /// The names of the sets that are complete on the other share; each must be as it is on the first.
    fn complete(&self) -> Vec<SetName> {
        let list = list_sets(self.to.clone(), self.fixture.place.deployment()).run().unwrap();
        let complete = list.iter().filter(|set| set.is_complete());
        let names = complete.map(|set| {
            assert_eq!(files(&self.there(&set.folder)), files(&self.here(&set.folder)), "{}", set.folder);
            set.name
        });
        names.collect()
    }
}

/// The files in a folder, by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let items = fs::read_dir(folder).unwrap().map(|item| item.unwrap());
    items.map(|item| (item.file_name().into_string().unwrap(), fs::read(item.path()).unwrap())).collect()
}

fn outcomes(report: &CopyReport) -> Vec<String> {
    let outcome = |set| serde_json::to_value(set).unwrap()["outcome"].as_str().unwrap().to_owned();
    report.sets.iter().map(|set| outcome(&set.outcome)).collect()
}

fn signer(name: &str) -> (Signer, Certificate) {
    let certificate = Certificate::valid(name, -30, 365);
    (Signer::from_pfx(&certificate.pfx, Some(PASSWORD)).unwrap(), certificate)
}

#[test]
fn copies_are_whole_share_what_the_sets_share_and_are_made_once() {
    let sites = Sites::new();
    let folders = [2, 1, 0].map(|days| sites.back_up(days));
    sites.back_up_as("contoso.com/nyc/HLH", 0, None);
    let planned = sites.replicate().dry_run(true).run().unwrap();
    assert_eq!(outcomes(&planned), ["missing"; 4]);
    // A dry run fails where the copy would.
    let region = sites.fixture.path("elsewhere/contoso.com/nyc");
    fs::remove_dir(&region).unwrap();
    for dry_run in [true, false] {
        let error = sites.replicate().dry_run(dry_run).run().unwrap_err();
        assert!(
            error.kind() == ErrorKind::NotFound && error.to_string().contains("region folder"),
            "{error}"
        );
    }
    sites.replicate().create(true).dry_run(true).run().unwrap();
    assert!(!region.exists());
    fs::create_dir(&region).unwrap();
    assert!(sites.complete().is_empty());
    let report = sites.copied();
    // The newest of each place first.
    let order: Vec<_> = report.sets.iter().map(|set| set.folder.to_string()).collect();
    assert!(
        order[0].contains("/HLH/")
            && order[1..].iter().eq(folders.iter().rev().map(|f| f.to_string()).collect::<Vec<_>>().iter()),
        "{order:?}"
    );
    assert_eq!((report.copied(), sites.complete().len()), (4, 4));
    for folder in &folders {
        let set = azs_backup::Set::open(sites.to.clone(), folder.clone()).unwrap();
        let verified = set.verify_full(&sites.fixture.opener).run().unwrap();
        assert!(verified.is_sound() && verified.foreign.is_empty(), "{verified:#?}");
    }
    // What the sets share is linked on the other share, too, and was sent once.
    let shared = |at: &dyn Fn(&SharePath) -> std::path::PathBuf| -> usize {
        let ids = |folder: &SharePath| -> Vec<_> {
            let items = fs::read_dir(at(folder)).unwrap();
            items.map(|item| look(&item.unwrap().path()).id).collect()
        };
        let (old, new) = (ids(&folders[0]), ids(&folders[2]));
        new.iter().filter(|id| old.contains(id)).count()
    };
    let (here, there) = (shared(&|folder| sites.here(folder)), shared(&|folder| sites.there(folder)));
    assert_eq!(here, there);
    // An object store has no links, but copies within itself.
    assert_eq!(here > 0, backend::is_file_system());
    assert!(report.sent().bytes < 2 * 330_000 + 3 * 40_000, "{:?}", report.sent());

    let again = sites.copied();
    assert_eq!((again.copied(), again.sent().files), (0, 0), "{again:?}");
    assert_eq!(outcomes(&again), ["present"; 4]);

    // And back: the first share was lost.
    fs::remove_dir_all(sites.fixture.path("share/contoso.com/nyc/Switches")).unwrap();
    let back = replicate(sites.to.clone(), sites.fixture.share.clone(), sites.fixture.place.deployment());
    assert_eq!(back.run().unwrap().copied(), 3);
    assert_eq!(sites.complete().len(), 4);
}

#[test]
fn one_set_is_copied_and_what_is_no_backup_is_an_error() {
    let sites = Sites::new();
    let (old, new) = (sites.back_up(1), sites.back_up(0));
    let name = |folder: &SharePath| folder.file_name().unwrap().as_str().parse::<SetName>().unwrap();
    let place = &sites.fixture.place;
    let copy = |name| copy_set(sites.fixture.share.clone(), sites.to.clone(), place, name).run();
    let report = copy(name(&old)).unwrap();
    assert_eq!((report.copied(), sites.complete()), (1, vec![name(&old)]));
    fs::remove_file(sites.here(&new).join("backup.json")).unwrap();
    let error = copy(name(&new)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete, "{error}");
    let error = copy(SetName::new(Timestamp::now(), 1).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains("has no set contoso.com/nyc/Switches/"), "{error}");
    // A backup that runs is no failure of the next replication.
    assert_eq!(outcomes(&sites.copied()), ["present"]);
}

#[test]
fn a_share_that_is_not_mounted_or_the_same_is_refused() {
    let sites = Sites::new();
    sites.back_up(0);
    fs::remove_dir(sites.fixture.path("elsewhere/contoso.com/nyc")).unwrap();
    let error = sites.replicate().run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("no region folder contoso.com/nyc"), "{error}");
    assert_eq!(sites.replicate().create(true).run().unwrap().copied(), 1);
    let share = &sites.fixture.share;
    let same = replicate(share.clone(), share.clone(), sites.fixture.place.deployment()).run();
    assert_eq!(same.unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn what_retention_there_deletes_is_not_sent_again() {
    let sites = Sites::new();
    for days in (0..6).rev() {
        sites.back_up(days);
    }
    let policy = RetentionPolicy::new().keep_last(2);
    let now = Timestamp::now();
    let report = sites.replicate().retention(&policy, now).run().unwrap();
    assert_eq!(outcomes(&report), ["copied", "copied", "not_kept", "not_kept", "not_kept", "not_kept"]);
    // The night after.
    sites.back_up_at("contoso.com/nyc/Switches", now, None);
    let report = sites.replicate().retention(&policy, now).run().unwrap();
    assert_eq!(report.copied(), 1);
    let list = list_sets(sites.to.clone(), sites.fixture.place.deployment()).run().unwrap();
    let plan = policy.plan(&list, now);
    assert_eq!(plan.deletions.iter().map(|d| d.reason).collect::<Vec<_>>(), [DeleteReason::Expired]);
    plan.apply(sites.to.clone()).run().into_result().unwrap();
    let report = sites.replicate().retention(&policy, now).run().unwrap();
    assert_eq!((report.copied(), report.sent().bytes), (0, 0), "{report:?}");
    // Deletions are not followed.
    fs::remove_dir_all(sites.fixture.path("share/contoso.com/nyc/Switches")).unwrap();
    assert!(sites.replicate().run().unwrap().sets.is_empty());
    let list = list_sets(sites.to.clone(), sites.fixture.place.deployment()).run().unwrap();
    assert_eq!(list.len(), 2);
}

#[test]
fn another_set_of_the_same_name_is_not_touched() {
    let sites = Sites::new();
    let folder = sites.back_up(0);
    sites.copied();
    let other = Sites::new();
    let strange = other.back_up(0);
    for (name, content) in files(&other.here(&strange)) {
        let _ = fs::remove_file(sites.there(&folder).join(&name));
        fs::write(sites.there(&folder).join(name), content).unwrap();
    }
    let before = files(&sites.there(&folder));
    let report = sites.replicate().run().unwrap();
    assert_eq!(outcomes(&report), ["conflict"]);
    assert_eq!(files(&sites.there(&folder)), before);
    let error = report.into_result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("another set of this name"), "{error}");
}

#[test]
fn what_is_missing_or_wrong_in_a_copy_is_mended() {
    let sites = Sites::new();
    let folder = sites.back_up(0);
    sites.copied();
    let there = sites.there(&folder);
    let data =
        |folder: &Path| files(folder).into_keys().filter(|name| name.ends_with(".p7m")).collect::<Vec<_>>();
    for name in data(&there) {
        fs::remove_file(there.join(&name)).unwrap();
        assert_eq!(outcomes(&sites.copied()), ["copied"], "{name}");
        let file = fs::read(there.join(&name)).unwrap();
        fs::remove_file(there.join(&name)).unwrap();
        fs::write(there.join(&name), &file[..file.len() / 2]).unwrap();
        assert_eq!(outcomes(&sites.copied()), ["copied"], "{name}");
        assert_eq!(files(&there), files(&sites.here(&folder)));
    }
    fs::remove_file(there.join("SHA256SUMS")).unwrap();
    assert_eq!(outcomes(&sites.copied()), ["copied"]);
    assert_eq!(files(&there), files(&sites.here(&folder)));
    // A copy that was cut off, with a file that is not what it should be, and one of nobody's.
    fs::remove_file(there.join("backup.json")).unwrap();
    let name = &data(&there)[0];
    let mut file = fs::read(there.join(name)).unwrap();
    file[1000] ^= 1;
    fs::remove_file(there.join(name)).unwrap();
    fs::write(there.join(name), file).unwrap();
    let report = sites.copied();
    assert_eq!((report.copied(), report.sent().files), (1, 1), "{report:?}");
    assert_eq!(files(&there), files(&sites.here(&folder)));
}

#[test]
fn a_damaged_set_is_no_copy_unless_the_other_share_holds_what_is_damaged() {
    let sites = Sites::new();
    sites.back_up(1);
    sites.copied();
    let folder = sites.back_up(0);
    let shared = |name: &String| {
        let first = list_sets(sites.to.clone(), sites.fixture.place.deployment()).run().unwrap();
        files(&sites.there(&first[0].folder)).values().any(|file| *file == files(&sites.here(&folder))[name])
    };
    let (old, new): (Vec<_>, Vec<_>) =
        files(&sites.here(&folder)).into_keys().filter(|name| name.ends_with(".p7m")).partition(shared);
    let whole = files(&sites.here(&folder));
    let harm = |name: &String| {
        let path = sites.here(&folder).join(name);
        let mut file = whole[name].clone();
        let middle = file.len() / 2;
        file[middle] ^= 1;
        fs::remove_file(&path).unwrap();
        fs::write(&path, file).unwrap();
    };
    let heal = |name: &String| fs::write(sites.here(&folder).join(name), &whole[name]).unwrap();
    harm(&new[0]);
    let report = sites.replicate().run().unwrap();
    assert_eq!(outcomes(&report), ["failed", "present"]);
    let CopyOutcome::Failed { code, message } = &report.sets[0].outcome else { panic!() };
    assert!(*code == "DAMAGED" && message.contains(&new[0]), "{code}: {message}");
    assert_eq!(sites.complete().len(), 1);
    heal(&new[0]);
    harm(&old[0]);
    assert_eq!(outcomes(&sites.replicate().run().unwrap()), ["copied", "present"]);
    assert_eq!(files(&sites.there(&folder)), whole, "the other share had the file whole");
}

#[test]
fn a_set_that_cannot_be_copied_does_not_count_for_the_rules_there() {
    let sites = Sites::new();
    for days in [2, 1] {
        sites.back_up(days);
    }
    let newest = sites.back_up(0);
    let data = files(&sites.here(&newest)).into_keys().rfind(|name| name.ends_with(".p7m"));
    let path = sites.here(&newest).join(data.unwrap());
    let mut content = fs::read(&path).unwrap();
    content[500] ^= 1;
    fs::remove_file(&path).unwrap();
    fs::write(&path, content).unwrap();
    let policy = RetentionPolicy::new().keep_last(1);
    let report = sites.replicate().retention(&policy, Timestamp::now()).run().unwrap();
    assert_eq!(outcomes(&report), ["failed", "copied", "not_kept"]);
}

#[test]
fn bit_rot_in_a_copy_is_mended_when_it_is_read_back() {
    let sites = Sites::new();
    let folders = [1, 0].map(|days| sites.back_up(days));
    sites.copied();
    let there = sites.there(&folders[1]);
    let whole = files(&there);
    for (name, content) in whole.iter().filter(|(name, _)| name.ends_with(".p7m")) {
        // In place, as a disk does it: in each set that holds the file.
        fs::write(there.join(name), vec![0; content.len()]).unwrap();
    }
    assert_eq!(outcomes(&sites.copied()), ["present"; 2]);
    assert_ne!(files(&there), whole);
    let report = sites.replicate().read_back(true).run().unwrap().into_result().unwrap();
    // A link is the same file in both sets; a copy in a store is another object.
    let older = if backend::is_file_system() { "copied" } else { "present" };
    assert_eq!(outcomes(&report), ["copied", older]);
    assert_eq!(sites.complete().len(), 2);
    let report = sites.replicate().read_back(true).run().unwrap();
    assert_eq!(outcomes(&report), ["present"; 2]);
}

#[test]
fn bit_rot_in_a_copy_does_not_go_from_copy_to_copy_for_ever() {
    let sites = Sites::new();
    let place = "contoso.com/nyc/Switches";
    let first = sites.back_up(30);
    sites.copied();
    let rot = |(name, content): (String, Vec<u8>)| {
        // Of the segment whose sets all link it.
        if name.ends_with(".tar.zst.p7m") && content.len() > 100_000 {
            let damaged: Vec<u8> = content.iter().rev().copied().collect();
            fs::write(sites.there(&first).join(&name), damaged).unwrap();
        }
    };
    files(&sites.there(&first)).into_iter().for_each(rot);
    let is_whole = |folder: &SharePath| files(&sites.there(folder)) == files(&sites.here(folder));
    assert!(!is_whole(&first));
    let later: Vec<_> = (0..7)
        .map(|chance| {
            let created = Timestamp::now() - SignedDuration::from_hours(i64::from(20 - chance) * 24);
            let name = SetName::new(created, chance as u32).unwrap();
            let folder = sites.back_up_named(place, name, None);
            sites.copied();
            folder
        })
        .collect();
    assert!(later.iter().any(is_whole), "one of seven is due, whatever its digest");
}

#[test]
fn to_find_no_set_is_an_error_and_so_is_a_share_in_the_other() {
    let sites = Sites::new();
    let empty = sites.replicate().run().unwrap();
    assert!(empty.sets.is_empty());
    assert_eq!(empty.into_result().unwrap_err().kind(), ErrorKind::NotFound);
    sites.back_up(0);
    // That two shares of a server lie in each other, nobody tells.
    if !backend::is_remote() {
        let inside = backend::share(&sites.fixture.path("share/contoso.com"));
        let copy =
            replicate(sites.fixture.share.clone(), inside, sites.fixture.place.deployment()).create(true);
        assert_eq!(copy.run().unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
}

#[test]
fn signatures_go_with_their_sets_and_are_not_replaced() {
    let sites = Sites::new();
    let (own, other) = (signer("hlh01").0, signer("somebody").0);
    let place = "contoso.com/nyc/Switches";
    let unsigned = sites.back_up_as(place, 2, None);
    let planted = sites.back_up_as(place, 1, Some(&other));
    let signed = sites.back_up_as(place, 0, Some(&own));
    let demand = [own.certificate()];
    let report = sites.replicate().require_signers(&demand).run().unwrap();
    assert_eq!(outcomes(&report), ["copied", "skipped", "skipped"]);
    assert!(!sites.there(&unsigned).exists() && !sites.there(&planted).exists());
    let name = planted.file_name().unwrap().as_str().parse().unwrap();
    let copy = copy_set(sites.fixture.share.clone(), sites.to.clone(), &sites.fixture.place, name);
    assert_eq!(copy.require_signers(&demand).run().unwrap_err().kind(), ErrorKind::NotTrusted);
    assert_eq!(sites.complete().len(), 1);

    // Somebody took the signature away there: it is put back.
    let (here, there) =
        (sites.here(&signed).join("backup.json.p7s"), sites.there(&signed).join("backup.json.p7s"));
    let signature = fs::read(&there).unwrap();
    fs::remove_file(&there).unwrap();
    assert_eq!(sites.replicate().require_signers(&demand).run().unwrap().copied(), 1);
    assert_eq!(fs::read(&there).unwrap(), signature);
    // Somebody replaced it there, and a signer is demanded.
    fs::write(&there, b"rubbish").unwrap();
    assert_eq!(sites.replicate().require_signers(&demand).run().unwrap().copied(), 1);
    assert_eq!(fs::read(&there).unwrap(), signature);
    // Somebody replaced it here: the one there stays.
    fs::remove_file(&here).unwrap();
    fs::write(&here, b"rubbish").unwrap();
    assert_eq!(outcomes(&sites.replicate().run().unwrap())[0], "present");
    assert_eq!(fs::read(&there).unwrap(), signature);
    let report = sites.replicate().require_signers(&demand).run().unwrap();
    assert_eq!(outcomes(&report)[0], "skipped");
}

#[test]
fn a_copy_can_be_watched_and_stopped() {
    let sites = Sites::new();
    for days in [1, 0] {
        sites.back_up(days);
    }
    let mut stop = |_: Progress| ControlFlow::Break(());
    let error = sites.replicate().observer(&mut stop).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(sites.complete().is_empty());
    let mut last = Progress::default();
    let mut watch = |progress: Progress| {
        assert!(progress.bytes >= last.bytes);
        last = progress;
        ControlFlow::Continue(())
    };
    sites.replicate().observer(&mut watch).run().unwrap();
    let list = list_sets(sites.to.clone(), sites.fixture.place.deployment()).run().unwrap();
    let stored: u64 = list
        .iter()
        .map(|set| match &set.state {
            SetState::Complete { cover } => cover.stored.bytes,
            state => panic!("{state:?}"),
        })
        .sum();
    assert_eq!((last.bytes, last.total_bytes), (stored, Some(stored)));
}
