//! The second set and every later one: each costs only what changed, and is complete by itself.

#[path = "incremental/bad_state.rs"]
mod bad_state;
#[path = "incremental/by_hand.rs"]
mod by_hand;
#[path = "incremental/lost_piece.rs"]
mod lost_piece;
#[path = "incremental/moves.rs"]
mod moves;
#[path = "incremental/nightly.rs"]
mod nightly;
#[path = "incremental/post_quantum.rs"]
mod post_quantum;
#[path = "incremental/shares.rs"]
mod shares;
#[path = "incremental/vanishing.rs"]
mod vanishing;

use std::fs;

use crate::common::backend;
use crate::common::system::{copy_unfinished, look, set_mode, symlink};
use crate::common::{Certificate, noise};
use nightly::Nightly;

/// Number of files that a set shares with earlier ones: by link, except in an object store, which has no links and copies.
fn shared(reuse: &azs_backup::backup::Reuse) -> u64 {
    if backend::is_file_system() { reuse.linked.files } else { reuse.copied.files }
}

#[test]
fn an_unchanged_source_is_not_read_again_and_costs_links() {
    let nightly = Nightly::new();
    nightly.sample();
    let first = nightly.run();
    assert_eq!((first.reuse.base, first.reuse.linked.files), (None, 0));
    let second = nightly.run();
    let reuse = &second.reuse;
    assert_eq!(reuse.base, Some(first.folder));
    assert_eq!((reuse.files_read, reuse.bytes_read), (0, 0), "{reuse:#?}");
    assert_eq!(reuse.files_kept, second.cover.content.files);
    assert_eq!(reuse.bytes_kept, second.cover.content.bytes);
    assert_eq!(reuse.stored.files, 2, "the extents and the newest index piece: {reuse:#?}");
    assert_eq!(shared(reuse) + 2, second.cover.stored.files);
    assert_eq!(second.cover.content, first.cover.content);
    if backend::is_file_system() {
        // The bytes on the disk are the same bytes.
        let folder = nightly.fixture.native(&second.folder);
        let links = fs::read_dir(&folder).unwrap().map(|file| look(&file.unwrap().path()).names);
        assert!(links.max().unwrap() == 2);
    }
    nightly.check(&second);
}

#[test]
fn what_changed_is_stored_and_the_later_wins() {
    let nightly = Nightly::new();
    let tree = nightly.sample();
    nightly.run();
    fs::write(tree.join("a/changed"), "new content").unwrap();
    fs::write(tree.join("a/b/new"), "new file").unwrap();
    fs::remove_file(tree.join("a/gone")).unwrap();
    fs::remove_dir_all(tree.join("gone folder")).unwrap();
    fs::rename(tree.join("a/b/renamed"), tree.join("a/b/with a new name")).unwrap();
    set_mode(tree.join("a/mode"), 0o600);
    let report = nightly.run();
    assert!(report.reuse.files_read <= 5, "{:#?}", report.reuse);
    assert!(shared(&report.reuse) > 0 && report.reuse.stored.bytes < 10_000, "{:#?}", report.reuse);
    nightly.check(&report);
}

#[test]
fn a_file_becomes_a_folder_and_back_and_a_link() {
    let nightly = Nightly::new();
    let tree = nightly.sample();
    nightly.run();
    let thing = tree.join("thing");
    for round in 0..2 {
        fs::create_dir(&thing).unwrap();
        fs::write(thing.join("below"), format!("below {round}")).unwrap();
        nightly.run_and_check();
        fs::remove_dir_all(&thing).unwrap();
        fs::write(&thing, format!("a file {round}")).unwrap();
        nightly.run_and_check();
        nightly.run_and_check();
        fs::remove_file(&thing).unwrap();
        if symlink("a/changed", &thing) {
            nightly.run_and_check();
            fs::remove_file(&thing).unwrap();
        }
        nightly.run_and_check();
    }
}

#[test]
fn hard_links_stay_links_whichever_name_goes() {
    let nightly = Nightly::new();
    let tree = nightly.sample();
    for name in ["m", "n", "o"] {
        fs::hard_link(tree.join("a/changed"), tree.join("a").join(name)).unwrap();
    }
    nightly.run_and_check();
    fs::write(tree.join("a/changed"), "all names see it").unwrap();
    nightly.run_and_check();
    fs::remove_file(tree.join("a/changed")).unwrap();
    nightly.run_and_check();
    fs::remove_file(tree.join("a/m")).unwrap();
    fs::write(tree.join("a/m"), "a file of its own").unwrap();
    nightly.run_and_check();
    let report = nightly.run_and_check();
    assert_eq!(report.reuse.files_read, 0);
    fs::remove_file(tree.join("a/n")).unwrap();
    nightly.run_and_check();
}

#[test]
fn only_changed_blocks_of_a_large_file_are_stored() {
    let nightly = Nightly::new();
    let tree = nightly.sample();
    let image = tree.join("image");
    let mut content = noise(7, 40_000_000);
    fs::write(&image, &content).unwrap();
    let full = nightly.run_and_check();
    assert!(full.reuse.stored.bytes > 40_000_000);

    let mut change = |from: usize, bytes: &[u8], length: Option<usize>, most: u64| {
        if let Some(length) = length {
            content.resize(length, 0);
        }
        let end = (from + bytes.len()).min(content.len());
        content[from.min(end)..end].copy_from_slice(&bytes[..end - from.min(end)]);
        fs::write(&image, &content).unwrap();
        let report = nightly.run_and_check();
        assert!(report.reuse.stored.bytes < most, "{most}: {:#?}", report.reuse);
    };
    change(1_000_000, &noise(1, 100), None, 100_000);
    change(1_000_000, &noise(2, 100), None, 100_000);
    change(20_000_000, &noise(3, 200_000), None, 400_000);
    // Zeros are not stored; neither is what a file loses, and what it gains is.
    change(5_000_000, &vec![0; 3_000_000], None, 100_000);
    change(0, &[], Some(30_000_001), 100_000);
    change(0, &[], Some(41_000_000), 100_000);
    change(40_000_000, &noise(4, 500_000), Some(40_500_000), 700_000);
    change(30_000_000, &noise(5, 100), None, 200_000);
    // Nothing but the time.
    fs::File::options()
        .write(true)
        .open(&image)
        .unwrap()
        .set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    let report = nightly.run_and_check();
    assert!(report.reuse.stored.bytes < 20_000, "{:#?}", report.reuse);
    // More than half of it: stored anew, once.
    change(0, &noise(6, 25_000_000), None, 45_000_000);
    change(35_000_000, &noise(8, 10), None, 200_000);
    // What it lost does not come back when it grows again, and is not looked for before.
    change(0, &[], Some(20_000_000), 100_000);
    change(0, &[], Some(34_000_000), 100_000);
    change(21_000_000, &noise(9, 70_000), None, 300_000);
}

#[test]
fn a_large_file_grows_shrinks_moves_and_goes() {
    let nightly = Nightly::new();
    let tree = nightly.sample();
    let image = tree.join("image");
    for length in [20_000_000, 1_000, 9_000_000, 2_097_152, 2_097_153, 30_000_000, 0] {
        fs::write(&image, noise(length as u64, length)).unwrap();
        nightly.run_and_check();
    }
    fs::write(&image, noise(1, 20_000_000)).unwrap();
    nightly.run_and_check();
    fs::rename(&image, tree.join("a/moved")).unwrap();
    nightly.run_and_check();
    fs::remove_file(tree.join("a/moved")).unwrap();
    let report = nightly.run_and_check();
    assert!(report.cover.stored.bytes < 8_000_000, "its segments went with it: {:#?}", report.cover.stored);
}

#[test]
fn any_set_can_be_deleted_at_any_time() {
    let nightly = Nightly::new();
    let tree = nightly.sample();
    let mut folders = Vec::new();
    for night in 0..5 {
        fs::write(tree.join("a/changed"), format!("night {night}")).unwrap();
        fs::write(tree.join(format!("a/night {night}")), noise(night, 10_000)).unwrap();
        folders.push(nightly.run().folder);
    }
    for gone in [4, 0, 2] {
        fs::remove_dir_all(nightly.fixture.native(&folders[gone])).unwrap();
        for folder in &folders {
            if nightly.fixture.native(folder).exists() {
                assert!(nightly.fixture.open(folder).verify().run().unwrap().is_sound());
            }
        }
        // What only the last one had is stored again.
        fs::write(tree.join("a/changed"), format!("after {gone}")).unwrap();
        let report = nightly.run_and_check();
        assert!(report.reuse.base.is_some(), "{report:#?}");
        folders.push(report.folder);
    }
    for folder in folders.iter().filter(|folder| nightly.fixture.native(folder).exists()) {
        fs::remove_dir_all(nightly.fixture.native(folder)).unwrap();
    }
    let report = nightly.run_and_check();
    assert_eq!(report.reuse.base, None);
    assert!(report.warnings[0].contains("no earlier set"), "{:?}", report.warnings);
}

#[test]
fn another_certificate_means_a_full_set_that_it_opens_alone() {
    let mut nightly = Nightly::new();
    nightly.sample();
    nightly.run();
    let new = Certificate::new("the new one");
    let report = nightly.run_with(|builder| builder.certificate(new.encryption()));
    assert_eq!(report.reuse.base, None);
    assert!(report.warnings[0].contains("certificates"), "{:?}", report.warnings);
    // The old one opens nothing of a set that is not for it.
    let old = std::mem::replace(&mut nightly.fixture.certificate, new);
    nightly.fixture.opener = azs_backup::Opener::new(nightly.fixture.certificate.decryption());
    let report = nightly.run();
    assert_eq!(report.reuse.base, None);
    assert!(report.warnings[0].contains("certificates"), "{:?}", report.warnings);
    nightly.check(&report);
    let old = azs_backup::Opener::new(old.decryption());
    for message in nightly.names(&report, "").iter().filter(|name| name.ends_with(".p7m")) {
        let message = fs::read(nightly.fixture.native(&report.folder).join(message)).unwrap();
        assert_eq!(old.open(&message).unwrap_err().kind(), azs_backup::ErrorKind::WrongCertificate);
    }
    assert!(nightly.run().reuse.base.is_some());
}

#[test]
fn a_damaged_or_missing_stored_file_is_written_again() {
    for reread_everything in [false, true] {
        let nightly = Nightly::new();
        nightly.sample();
        let first = nightly.run();
        let folder = nightly.fixture.native(&first.folder);
        let segment = nightly.segments(&first)[0].clone();
        let whole = fs::read(folder.join(&segment)).unwrap();
        if reread_everything {
            // As long as it was, and not what it was.
            let mut bytes = whole.clone();
            bytes[2000] ^= 1;
            fs::write(folder.join(&segment), bytes).unwrap();
            let report = nightly.run_with(|builder| builder.reread_everything(true));
            assert_eq!(report.reuse.rewritten, std::slice::from_ref(&segment));
            nightly.check(&report);
            // Without reading it that cannot be known, but it can be told.
            let next = nightly.run();
            nightly.check(&next);
        } else {
            fs::write(folder.join(&segment), &whole[..whole.len() - 1]).unwrap();
            let report = nightly.run();
            assert_eq!(report.reuse.rewritten, std::slice::from_ref(&segment));
            nightly.check(&report);
            let index = nightly.names(&report, "index-").remove(0);
            fs::remove_file(nightly.fixture.native(&report.folder).join(&index)).unwrap();
            let report = nightly.run();
            assert_eq!(report.reuse.rewritten, [index]);
            nightly.check(&report);
        }
    }
}

/// Without it, the whole next set would be lost.
#[test]
fn a_damaged_index_piece_is_not_taken_over() {
    let nightly = Nightly::new();
    let tree = nightly.sample();
    for night in 0..3 {
        fs::write(tree.join("a/changed"), format!("night {night}")).unwrap();
        let last = nightly.run();
        let index = nightly.names(&last, "index-").remove(0);
        let file = nightly.fixture.native(&last.folder).join(&index);
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::remove_file(&file).unwrap();
        fs::write(&file, bytes).unwrap();
        let report = nightly.run_with(|builder| builder.recheck(1000));
        assert_eq!(report.reuse.damaged, [index]);
        nightly.check(&report);
    }
}

#[test]
fn what_a_verification_found_damaged_is_not_linked() {
    let nightly = Nightly::new();
    nightly.sample();
    let first = nightly.run();
    let file = nightly.fixture.native(&first.folder).join(&nightly.segments(&first)[0]);
    let mut bytes = fs::read(&file).unwrap();
    bytes[3000] ^= 1;
    fs::write(&file, bytes).unwrap();
    let found = nightly.fixture.open(&first.folder).verify().run().unwrap();
    let report = nightly.run_with(|builder| builder.distrust(found.faults.iter().map(|fault| &fault.file)));
    assert_eq!(report.reuse.rewritten.len(), 1);
    nightly.check(&report);
}

#[test]
fn a_run_that_rereads_everything_finds_what_times_do_not_tell() {
    let nightly = Nightly::new();
    let tree = nightly.sample();
    fs::write(tree.join("image"), noise(1, 9_000_000)).unwrap();
    nightly.run();
    let report = nightly.run_with(|builder| builder.reread_everything(true));
    assert_eq!(report.reuse.bytes_read, report.cover.content.bytes, "all is read");
    assert!(report.reuse.stored.bytes < 10_000, "and nothing stored: {:#?}", report.reuse);
    nightly.check(&report);
}

#[test]
fn bytes_given_again_are_not_stored_again() {
    let nightly = Nightly::new();
    let give = |two: &'static [u8], large: u64| {
        let mut backup = nightly.builder().start().unwrap();
        backup.add_bytes("tor1/config", &b"hostname tor1\n"[..]).unwrap();
        backup.add_bytes("tor2/config", two).unwrap();
        backup.add_reader("dump", &noise(large, 9_000_000)[..]).unwrap();
        let report = backup.commit().unwrap();
        assert!(nightly.verify(&report).is_sound());
        report
    };
    give(b"hostname tor2\n", 1);
    let report = give(b"hostname tor2\n", 1);
    assert!(report.reuse.stored.bytes < 5_000, "{:#?}", report.reuse);
    let report = give(b"hostname TOR2\n", 1);
    assert_eq!(report.cover.content.files, 3);
    let target = nightly.restore(&report);
    assert_eq!(fs::read(target.join("tor2/config")).unwrap(), b"hostname TOR2\n");
    assert_eq!(fs::read(target.join("tor1/config")).unwrap(), b"hostname tor1\n");
    // Sources that are not added again are gone.
    let mut backup = nightly.builder().start().unwrap();
    backup.add_bytes("tor1/config", &b"hostname tor1\n"[..]).unwrap();
    let report = backup.commit().unwrap();
    assert!(nightly.verify(&report).is_sound());
    assert_eq!(report.cover.content.files, 1);
    assert!(!nightly.restore(&report).join("tor2").exists());
}

#[cfg(unix)]
#[test]
fn the_readme_s_lines_give_back_an_incremental_set() {
    let nightly = Nightly::new();
    let tree = nightly.sample();
    fs::create_dir_all(tree.join("vm/old\nfolder")).unwrap();
    fs::write(tree.join("vm/old\nfolder/file"), "in a folder with a line feed").unwrap();
    let mut content = noise(7, 20_000_000);
    fs::write(tree.join("vm/-image"), &content).unwrap();
    set_mode(tree.join("vm/-image"), 0o640);
    let by_hand = |report: &azs_backup::backup::BackupReport| {
        nightly.check(report);
        by_hand::check(&nightly.fixture, report, &[("tree", &tree)]);
    };
    by_hand(&nightly.run());

    content[5_000_000..5_000_100].fill(1);
    content[9_000_000..9_500_000].fill(0);
    content.truncate(19_000_001);
    fs::write(tree.join("vm/-image"), &content).unwrap();
    set_mode(tree.join("vm/-image"), 0o400);
    fs::remove_dir_all(tree.join("gone folder")).unwrap();
    fs::remove_dir_all(tree.join("vm/old\nfolder")).unwrap();
    fs::remove_file(tree.join("a/gone")).unwrap();
    fs::rename(tree.join("a/b/renamed"), tree.join("a/b/name")).unwrap();
    by_hand(&nightly.run());

    // A folder of which tar still has the content becomes a file, and a link.
    fs::remove_dir_all(tree.join("a/b")).unwrap();
    fs::write(tree.join("a/b"), "a file now").unwrap();
    content[5_000_000..5_000_100].fill(2);
    content.extend(noise(1, 300_000));
    fs::write(tree.join("vm/-image"), &content).unwrap();
    by_hand(&nightly.run());
    fs::remove_file(tree.join("a/b")).unwrap();
    symlink("changed", tree.join("a/b"));
    by_hand(&nightly.run());
    by_hand(&nightly.run());
    fs::remove_file(tree.join("a/b")).unwrap();
    fs::create_dir(tree.join("a/b")).unwrap();
    fs::write(tree.join("a/b/file 3"), "there again").unwrap();
    fs::write(tree.join("gone folder"), "a file in its place").unwrap();
    by_hand(&nightly.run());
}

#[test]
fn an_interrupted_run_s_uploads_are_taken_over() {
    let nightly = Nightly::new();
    let tree = nightly.sample();
    fs::write(tree.join("image"), noise(1, 30_000_000)).unwrap();
    let mut left = Vec::new();
    for _ in 0..2 {
        // As a run that is killed: what it stored stays, and its journal.
        let mut backup = nightly.builder().start().unwrap();
        backup.add_folder_as("tree", &tree).unwrap();
        let folder = nightly.fixture.native(&nightly.fixture.place.set_folder(&backup.set()));
        let stored = || {
            fs::read_dir(&folder)
                .unwrap()
                .filter(|file| !file.as_ref().unwrap().file_name().to_str().unwrap().starts_with('.'))
                .count()
        };
        while stored() < 7 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let copy = nightly.fixture.path("left");
        copy_unfinished(&folder, &copy);
        drop(backup);
        backend::assert_given_up(|| !folder.exists());
        fs::rename(copy, &folder).unwrap();
        left.push(folder);
    }
    let report = nightly.run();
    let reuse = &report.reuse;
    assert!(reuse.taken_over.files >= 6 && reuse.stored.files >= 2, "{reuse:#?}");
    assert_eq!(reuse.taken_over.files + reuse.stored.files, report.cover.stored.files);
    assert!(left.iter().all(|folder| !folder.exists()), "nothing is left of them");
    nightly.check(&report);
    // It is a set like any other for the next one.
    fs::write(tree.join("a/changed"), "the night after").unwrap();
    let next = nightly.run();
    assert!(next.reuse.stored.bytes < 20_000, "{:#?}", next.reuse);
    nightly.check(&next);
}

#[test]
fn a_run_that_is_stopped_costs_nothing_of_what_a_killed_one_stored() {
    let nightly = Nightly::new();
    let tree = nightly.sample();
    fs::write(tree.join("image"), noise(1, 30_000_000)).unwrap();
    let stored = |folder: &std::path::Path| {
        let names = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
        names.filter(|name| name.to_str().unwrap().ends_with(".tar.zst.p7m")).count()
    };
    let journal = || fs::metadata(nightly.place_state().join("journal")).unwrap().len();
    let mut lengths = Vec::new();
    for is_killed in [false, true, false, false] {
        let mut backup = nightly.builder().start().unwrap();
        backup.add_folder_as("tree", &tree).unwrap();
        let folder = nightly.fixture.native(&nightly.fixture.place.set_folder(&backup.set()));
        while stored(&folder) < 7 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        if is_killed {
            let copy = nightly.fixture.path("left");
            copy_unfinished(&folder, &copy);
            drop(backup);
            backend::assert_given_up(|| !folder.exists());
            fs::rename(copy, &folder).unwrap();
        } else {
            drop(backup);
            backend::assert_given_up(|| !folder.exists());
        }
        lengths.push(journal());
    }
    assert!(lengths[1] < lengths[0] * 3 / 2, "what a stopped run stored is still remembered: {lengths:?}");
    let report = nightly.run();
    assert!(report.reuse.taken_over.files >= 6, "{:#?}", report.reuse);
    nightly.check(&report);
}

#[test]
fn identical_files_are_stored_once_and_come_back_as_files_of_their_own() {
    let nightly = Nightly::new();
    let tree = nightly.sample();
    let (small, large) = (noise(1, 1_500_000), noise(2, 5_000_000));
    for name in ["small 1", "small 2", "a/small 3"] {
        fs::write(tree.join(name), &small).unwrap();
    }
    for name in ["a/large 1", "a/large 2", "large 3"] {
        fs::write(tree.join(name), &large).unwrap();
    }
    set_mode(tree.join("small 2"), 0o600);
    let full = nightly.run_and_check();
    assert!(full.reuse.stored.bytes < 17_000_000, "{:#?}", full.reuse);
    let by_hand = |report: &azs_backup::backup::BackupReport| {
        by_hand::check(&nightly.fixture, report, &[("tree", &tree)]);
    };
    by_hand(&full);
    let report = nightly.run_and_check();
    assert_eq!(report.reuse.files_read, 0, "{:#?}", report.reuse);
    // The first of them changes, or goes: the others stay what they are.
    fs::write(tree.join("a/small 3"), "changed").unwrap();
    let mut content = large.clone();
    content[3_000_000] ^= 1;
    fs::write(tree.join("a/large 1"), content).unwrap();
    by_hand(&nightly.run_and_check());
    fs::remove_file(tree.join("small 1")).unwrap();
    fs::remove_file(tree.join("a/large 2")).unwrap();
    by_hand(&nightly.run_and_check());
    // A copy alone is restored, too.
    let report = nightly.run_with(|builder| builder.state(nightly.fixture.path("other state")));
    fs::write(tree.join("small 4"), &small).unwrap();
    let set = nightly.fixture.open(&nightly.run_with(|b| b.state(nightly.fixture.path("third"))).folder);
    drop(report);
    let target = nightly.fixture.path("one");
    let options = azs_backup::restore::RestoreOptions::default().pattern("small 4");
    set.restore(&nightly.fixture.opener).options(&options).into(&target).unwrap();
    assert_eq!(fs::read(target.join("tree/small 4")).unwrap(), small);
}

#[test]
fn each_set_s_space_is_told() {
    let nightly = Nightly::new();
    let tree = nightly.sample();
    let first = nightly.run();
    fs::write(tree.join("new"), noise(1, 500_000)).unwrap();
    let second = nightly.run();
    let folders = [first.folder.clone(), second.folder.clone()];
    let space = azs_backup::set::space_of(nightly.fixture.share.clone(), &folders).unwrap();
    assert_eq!(space[0].bytes, first.cover.stored.bytes);
    assert_eq!(space[1].bytes, second.cover.stored.bytes);
    assert_eq!(space[1].alone, second.reuse.stored.bytes);
    assert!(space[0].alone < 5_000, "its extents and newest index piece: {space:?}");
    let space = azs_backup::set::space_of(nightly.fixture.share.clone(), &folders[1..]).unwrap();
    assert_eq!(space[0].alone, space[0].bytes);
}
