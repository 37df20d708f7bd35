//! Every kind of damage to a set is found and named, and costs only what it concerns.

use crate::common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{Fixture, noise};
use azs_backup::layout::SharePath;
use azs_backup::restore::{Damage, Fault, FaultKind, RestoreOptions};
use azs_backup::set::{SetState, Status};
use azs_backup::{ErrorKind, Set, list_sets};

/// A set of several segments: small files, files of nearly 2 MiB, and one that is cut into pieces.
struct Sample {
    fixture: Fixture,
    tree: PathBuf,
    path: SharePath,
    folder: PathBuf,
    segments: Vec<String>,
}

fn sample() -> Sample {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    fs::create_dir(&tree).unwrap();
    for i in 0..6 {
        fs::write(tree.join(format!("file {i}")), noise(i, 1_900_000)).unwrap();
    }
    fs::write(tree.join("large"), noise(9, 9_000_000)).unwrap();
    for i in 0..20 {
        fs::write(tree.join(format!("small {i}")), format!("small {i}")).unwrap();
    }
    let (path, folder) = back_up(&fixture, &tree);
    let segments = names(&folder, ".tar.zst.p7m");
    assert!(segments.len() > 5, "{segments:?}");
    Sample { fixture, tree, path, folder, segments }
}

fn back_up(fixture: &Fixture, tree: &Path) -> (SharePath, PathBuf) {
    let mut backup = fixture.builder().segment_size(4 << 20).start().unwrap();
    backup.add_folder_as("tree", tree).unwrap();
    let path = backup.commit().unwrap().folder;
    let folder = fixture.native(&path);
    (path, folder)
}

fn names(folder: &Path, ending: &str) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(ending))
        .collect();
    names.sort();
    names
}

fn flip(file: &Path, byte: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[byte] ^= 1;
    fs::write(file, bytes).unwrap();
}

impl Sample {
    fn set(&self) -> Set {
        self.fixture.open(&self.path)
    }

    fn quick(&self) -> Vec<Fault> {
        self.set().verify().run().unwrap().faults
    }

    /// Goes on past damage; returns the paths that are lost. Everything else must be there and right, and what is
    /// lost must not be there at all.
    fn restore_the_rest(&self) -> BTreeSet<String> {
        let stopped = self.set().restore(&self.fixture.opener).into(self.fixture.path("stopped"));
        assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Damaged);
        let target = self.fixture.path("target");
        let options = RestoreOptions::default().damage(Damage::Continue);
        let report = self.set().restore(&self.fixture.opener).options(&options).into(&target).unwrap();
        assert_eq!(report.status, Status::PartialSucceeded);
        let lost: BTreeSet<_> =
            report.losses.iter().map(|loss| loss.path.as_ref().unwrap().to_string()).collect();
        assert_eq!(lost.len(), report.losses.len(), "each loss is named once: {:#?}", report.losses);
        for entry in fs::read_dir(&self.tree).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let restored = target.join("tree").join(&name);
            if lost.contains(&format!("tree/{name}")) {
                assert!(!restored.exists(), "{name} is lost and must not be there");
            } else {
                assert_eq!(fs::read(restored).unwrap(), fs::read(self.tree.join(&name)).unwrap(), "{name}");
            }
        }
        let strangers: Vec<_> = names(&target.join("tree"), "")
            .into_iter()
            .filter(|name| !self.tree.join(name).exists())
            .collect();
        assert_eq!(strangers, [""; 0], "nothing else may be left behind");
        lost
    }

    /// Whether all comes back although a byte of this file has changed. The name of the certificate in a message is only
    /// where the search for the key begins: with another name the key is found all the same, and verification tells.
    fn comes_back_whole(&self, changed: &str) -> bool {
        let target = self.fixture.path("whole");
        let options = RestoreOptions::default();
        if self.set().restore(&self.fixture.opener).options(&options).into(&target).is_err() {
            return false;
        }
        common::assert_same_tree(&self.tree, &target.join("tree"));
        for report in [self.set().verify().run().unwrap(), self.full()] {
            assert!(report.faults.iter().any(|fault| fault.file == changed), "{report:#?}");
        }
        true
    }

    fn full(&self) -> azs_backup::restore::VerifyReport {
        self.set().verify_full(&self.fixture.opener).run().unwrap()
    }
}

#[test]
fn an_untouched_set_is_sound() {
    let sample = sample();
    assert_eq!(sample.quick(), []);
    let report = sample.full();
    assert!(report.is_sound(), "{report:#?}");
    assert_eq!(report.stored_files, sample.set().cover().stored.files);
    assert_eq!(report.stored_bytes, sample.set().cover().stored.bytes);
    assert_eq!((report.files, report.bytes), (27, sample.set().cover().content.bytes));
}

#[test]
fn a_flipped_bit_is_found_and_costs_one_segment() {
    for byte in [0, 40, 700, 1_000_000, 3_000_000] {
        let sample = sample();
        flip(&sample.folder.join(&sample.segments[1]), byte);
        let faults = sample.quick();
        assert_eq!((faults.len(), faults[0].kind), (1, FaultKind::Digest));
        assert_eq!(faults[0].file, sample.segments[1]);
        let report = sample.full();
        assert!(report.faults.iter().all(|fault| fault.file == sample.segments[1]) && !report.is_sound());
        let error = report.into_result().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damaged);
        assert!(error.to_string().contains(&sample.segments[1]), "{error}");
    }
    let sample = sample();
    flip(&sample.folder.join(&sample.segments[1]), 2_000_000);
    let lost = sample.restore_the_rest();
    assert!((1..=3).contains(&lost.len()), "{lost:?}");
}

#[test]
fn a_flipped_bit_in_a_message_s_head_costs_one_segment_too() {
    for byte in (0..620).step_by(31) {
        let sample = sample();
        flip(&sample.folder.join(&sample.segments[1]), byte);
        if sample.comes_back_whole(&sample.segments[1]) {
            continue;
        }
        let lost = sample.restore_the_rest();
        assert!((1..=3).contains(&lost.len()), "byte {byte}: {lost:?}");
    }
}

#[test]
fn a_flipped_bit_in_the_index_is_damage_not_a_wrong_certificate() {
    for byte in (0..500).step_by(37) {
        let sample = sample();
        let index = names(&sample.folder, ".jsonl.zst.p7m");
        flip(&sample.folder.join(&index[0]), byte);
        if sample.comes_back_whole(&index[0]) {
            continue;
        }
        let target = sample.fixture.path("target");
        let error = sample.set().restore(&sample.fixture.opener).into(&target);
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Damaged, "byte {byte}");
        assert!(sample.full().faults.iter().any(|fault| fault.file == index[0]), "byte {byte}");
    }
}

/// A set that another certificate opens, too.
fn for_two() -> (Fixture, SharePath, PathBuf) {
    let fixture = Fixture::new();
    let other = common::Certificate::new("another");
    let mut backup = fixture.builder().certificate(other.encryption()).start().unwrap();
    backup.add_bytes("file", *b"content").unwrap();
    let path = backup.commit().unwrap().folder;
    let folder = fixture.native(&path);
    (fixture, path, folder)
}

#[test]
fn a_flipped_bit_that_only_another_recipient_would_miss_is_found() {
    let (fixture, path, folder) = for_two();
    let segment = names(&folder, ".tar.zst.p7m").remove(0);
    let set = || fixture.open(&path);
    // Somewhere in the head is the other one's key: what we open is right, and yet not all is as it was.
    let found = (0..700).step_by(16).any(|byte| {
        flip(&folder.join(&segment), byte);
        let target = fixture.path(&format!("target {byte}"));
        let opened = set().restore(&fixture.opener).into(&target).is_ok();
        let quick = set().verify().run().unwrap();
        let full = set().verify_full(&fixture.opener).run().unwrap();
        assert!(!quick.is_sound() && !full.is_sound(), "byte {byte}");
        flip(&folder.join(&segment), byte);
        opened
    });
    assert!(found, "a flip that our key does not notice");
    // All around the content, of which a verification need not compute the digest once it knows the recipients.
    let whole = fs::read(folder.join(&segment)).unwrap();
    let content = azs_backup::envelope::content_of(&whole).unwrap();
    for byte in (0..content.start + 1).chain(content.end - 1..whole.len()) {
        let mut bytes = whole.clone();
        bytes[byte] ^= 1 << (byte % 8);
        fs::write(folder.join(&segment), bytes).unwrap();
        let full = set().verify_full(&fixture.opener).run().unwrap();
        assert!(full.faults.iter().any(|fault| fault.file == segment), "byte {byte}: {:?}", full.faults);
    }
}

#[test]
fn a_flipped_bit_in_the_last_byte_is_found_too() {
    let sample = sample();
    let file = sample.folder.join(sample.segments.last().unwrap());
    flip(&file, fs::metadata(&file).unwrap().len() as usize - 1);
    assert_eq!(sample.quick()[0].kind, FaultKind::Digest);
    assert!(!sample.restore_the_rest().is_empty());
}

#[test]
fn a_missing_segment_is_found_and_costs_what_was_in_it() {
    let sample = sample();
    fs::remove_file(sample.folder.join(&sample.segments[2])).unwrap();
    let faults = sample.quick();
    assert_eq!((faults.len(), faults[0].kind, &faults[0].file), (1, FaultKind::Missing, &sample.segments[2]));
    assert!(!sample.restore_the_rest().is_empty());
    assert!(sample.full().faults.iter().any(|fault| fault.file == sample.segments[2]));
    let sets = list_sets(sample.fixture.share.clone(), sample.fixture.place.deployment()).run().unwrap();
    assert!(
        matches!(&sets[0].state, SetState::Incomplete { reason } if reason.contains(&sample.segments[2]))
    );
}

#[test]
fn a_truncated_segment_is_found() {
    for length in [0, 10, 1_000_000] {
        let sample = sample();
        let file = fs::File::options().write(true).open(sample.folder.join(&sample.segments[0])).unwrap();
        file.set_len(length).unwrap();
        let faults = sample.quick();
        assert_eq!((faults.len(), &faults[0].file), (1, &sample.segments[0]));
        assert!(!sample.restore_the_rest().is_empty());
        let sets = list_sets(sample.fixture.share.clone(), sample.fixture.place.deployment()).run().unwrap();
        assert!(!sets[0].is_complete());
    }
}

#[test]
fn a_segment_that_grew_beyond_any_limit_is_damage_and_not_read() {
    let sample = sample();
    let file = fs::File::options().write(true).open(sample.folder.join(&sample.segments[0])).unwrap();
    // An object store has no holes: there it is only longer.
    file.set_len(if common::backend::is_file_system() { 1 << 40 } else { 80 << 20 }).unwrap();
    let faults = sample.quick();
    assert_eq!((faults.len(), &faults[0].file, faults[0].kind), (1, &sample.segments[0], FaultKind::Length));
    assert!(!sample.restore_the_rest().is_empty());
}

#[test]
fn swapped_segments_are_found_by_the_digest_and_by_the_tag() {
    let sample = sample();
    let (one, two) = (sample.folder.join(&sample.segments[1]), sample.folder.join(&sample.segments[2]));
    let (a, b) = (fs::read(&one).unwrap(), fs::read(&two).unwrap());
    fs::write(&one, &b).unwrap();
    fs::write(&two, &a).unwrap();
    let files: Vec<_> = sample.quick().into_iter().map(|fault| fault.file).collect();
    assert_eq!(files, sample.segments[1..3]);
    // The key alone would open both: the index's tags say that they are in the wrong place.
    assert!(sample.restore_the_rest().len() >= 2);
    let report = sample.full();
    assert!(report.losses.len() >= 2, "{report:#?}");
}

#[test]
fn a_segment_swapped_for_one_of_the_same_length_is_found_by_its_tag() {
    // Two runs over the same source: same lengths, other keys and tags.
    let sample = sample();
    let (_, other) = back_up(&sample.fixture, &sample.tree);
    let foreign = fs::read(other.join(&names(&other, ".tar.zst.p7m")[1])).unwrap();
    let file = sample.folder.join(&sample.segments[1]);
    assert_eq!(foreign.len() as u64, fs::metadata(&file).unwrap().len());
    fs::write(&file, foreign).unwrap();
    let faults = sample.quick();
    assert_eq!((faults.len(), &faults[0].file, faults[0].kind), (1, &sample.segments[1], FaultKind::Digest));
    assert!(!sample.restore_the_rest().is_empty());
}

#[test]
fn a_repeated_segment_is_foreign() {
    let sample = sample();
    let copy = "000099-00112233445566778899aabbccddeeff.tar.zst.p7m";
    fs::copy(sample.folder.join(&sample.segments[0]), sample.folder.join(copy)).unwrap();
    for faults in [sample.quick(), sample.full().faults] {
        assert_eq!((faults.len(), faults[0].file.as_str(), faults[0].kind), (1, copy, FaultKind::Foreign));
    }
}

#[test]
fn a_segment_repeated_in_place_of_another_is_found() {
    let sample = sample();
    fs::copy(sample.folder.join(&sample.segments[0]), sample.folder.join(&sample.segments[3])).unwrap();
    let faults = sample.quick();
    assert_eq!((faults.len(), &faults[0].file), (1, &sample.segments[3]));
    assert!(!sample.restore_the_rest().is_empty());
}

#[test]
fn a_foreign_file_is_named() {
    let sample = sample();
    fs::write(sample.folder.join("notes.txt"), "hello").unwrap();
    fs::create_dir(sample.folder.join("folder")).unwrap();
    let report = sample.set().verify().run().unwrap();
    assert!(report.is_sound(), "{report:#?}");
    assert_eq!(report.foreign, ["folder", "notes.txt"]);
}

#[test]
fn only_what_a_write_of_ours_left_is_a_fault() {
    let sample = sample();
    let add = |name: &str| fs::write(sample.folder.join(name), "").unwrap();
    add("unfinished-notes.txt");
    let report = sample.set().verify().run().unwrap();
    assert!(report.is_sound(), "{report:#?}");
    assert_eq!(report.foreign, ["unfinished-notes.txt"]);
    add("unfinished-0badcafe-backup.json");
    let faults: Vec<_> = sample.quick().into_iter().map(|fault| fault.file).collect();
    assert_eq!(faults, ["unfinished-0badcafe-backup.json"]);
}

#[test]
fn a_foreign_file_beside_a_damaged_index_is_named_once() {
    let sample = sample();
    fs::write(sample.folder.join("notes.txt"), "hello").unwrap();
    flip(&sample.folder.join(&names(&sample.folder, ".jsonl.zst.p7m")[0]), 1000);
    assert_eq!(sample.full().foreign, ["notes.txt"]);
}

#[test]
fn an_index_from_another_set_is_found() {
    let sample = sample();
    let (_, other) = back_up(&sample.fixture, &sample.tree);
    let index = names(&sample.folder, ".jsonl.zst.p7m");
    fs::copy(other.join(&index[0]), sample.folder.join(&index[0])).unwrap();
    let faults = sample.quick();
    assert_eq!((faults.len(), &faults[0].file, faults[0].kind), (1, &index[0], FaultKind::Digest));
    assert!(!sample.full().is_sound());
    let error = sample.set().restore(&sample.fixture.opener).into(sample.fixture.path("target"));
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damaged);
    assert!(error.to_string().contains(&index[0]), "{error}");
}

#[test]
fn an_index_and_digests_from_another_set_are_found_with_the_key() {
    // Somebody with the CER's reach but no key replaces index, SHA256SUMS and the sheet's digest by another set's.
    let sample = sample();
    let (_, other) = back_up(&sample.fixture, &sample.tree);
    for name in names(&sample.folder, "") {
        fs::remove_file(sample.folder.join(name)).unwrap();
    }
    for name in names(&other, "") {
        fs::copy(other.join(&name), sample.folder.join(name)).unwrap();
    }
    // The sheet says whose it is.
    let error = Set::open(sample.fixture.share.clone(), sample.path.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    // Make it lie, and the sealed index does not agree.
    let sheet = fs::read_to_string(sample.folder.join("backup.json")).unwrap();
    let other_name = other.file_name().unwrap().to_str().unwrap();
    let own_name = sample.path.file_name().unwrap().as_str();
    let lie = common::with_own_digest(&sheet.replace(other_name, own_name));
    fs::write(sample.folder.join("backup.json"), lie).unwrap();
    assert_eq!(sample.quick(), [], "forgery is what only the key can find");
    let report = sample.full();
    assert!(report.faults.iter().any(|fault| fault.message.contains(other_name)), "{report:#?}");
}

#[test]
fn a_cover_sheet_or_digests_from_another_set_make_a_set_incomplete() {
    for file in ["backup.json", "SHA256SUMS"] {
        let sample = sample();
        let (_, other) = back_up(&sample.fixture, &sample.tree);
        fs::copy(other.join(file), sample.folder.join(file)).unwrap();
        let error = Set::open(sample.fixture.share.clone(), sample.path.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Incomplete);
        let sets = list_sets(sample.fixture.share.clone(), sample.fixture.place.deployment()).run().unwrap();
        assert_eq!(sets.iter().filter(|set| set.is_complete()).count(), 1);
    }
}

#[test]
fn without_cover_sheet_or_digests_a_set_is_incomplete() {
    for file in ["backup.json", "SHA256SUMS"] {
        let sample = sample();
        fs::remove_file(sample.folder.join(file)).unwrap();
        let error = Set::open(sample.fixture.share.clone(), sample.path.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Incomplete);
        assert!(error.to_string().contains(file), "{error}");
    }
}

#[test]
fn every_flipped_bit_of_the_clear_files_is_found() {
    let sample = sample();
    for file in ["backup.json", "SHA256SUMS"] {
        let path = sample.folder.join(file);
        let whole = fs::read(&path).unwrap();
        for byte in (0..whole.len()).step_by(7) {
            let mut bytes = whole.clone();
            bytes[byte] ^= 1;
            fs::write(&path, bytes).unwrap();
            let Ok(set) = Set::open(sample.fixture.share.clone(), sample.path.clone()) else { continue };
            // A sheet that is still valid may say something else about what the digests do not bind: labels, counts,
            // times. What it says about content is compared with the content.
            assert_eq!(file, "backup.json");
            let _ = set.verify().run().unwrap();
            let _ = set.verify_full(&sample.fixture.opener).run().unwrap();
        }
        fs::write(&path, whole).unwrap();
    }
}

#[test]
fn the_wrong_certificate_is_told_which_one_is_needed() {
    let sample = sample();
    let needed = sample.set().cover().certificates[0].sha1_thumbprint.clone();
    // The second has the same name and serial number as the right one.
    for name in ["another", "azs-backup test"] {
        let opener = azs_backup::Opener::new(common::Certificate::new(name).decryption());
        let (set, target) = (sample.set(), sample.fixture.path("target"));
        let error = set.restore(&opener).into(&target).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongCertificate, "{name}: {error}");
        assert!(error.to_string().contains(&needed), "{error}");
        assert!(!target.exists(), "nothing is begun that cannot be done");
    }
}

#[test]
fn a_damaged_list_of_extents_accuses_nothing_else() {
    let sample = sample();
    let extents = "extents.txt.zst.p7m";
    for byte in [100, 500] {
        flip(&sample.folder.join(extents), byte);
        let report = sample.full();
        assert!(!report.is_sound() && report.faults.iter().all(|fault| fault.file == extents), "{report:#?}");
        flip(&sample.folder.join(extents), byte);
    }
    assert!(sample.full().is_sound());
}

/// Who may write to the share needs no key to make the clear files anew. No list of the index has the digest of the piece
/// that has the lists.
#[test]
fn recipients_of_the_newest_index_piece_are_bound_although_the_clear_files_can_be_forged() {
    let (fixture, path, folder) = for_two();
    let newest = names(&folder, ".jsonl.zst.p7m").pop().unwrap();
    let whole = fs::read(folder.join(&newest)).unwrap();
    let sums = fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    let digest = |bytes: &[u8]| azs_backup::set::Digest::of(bytes).to_string();
    let content = azs_backup::envelope::content_of(&whole).unwrap();
    let mut opened = 0;
    for byte in (0..content.start).step_by(5) {
        let mut bytes = whole.clone();
        bytes[byte] ^= 1;
        fs::write(folder.join(&newest), &bytes).unwrap();
        let forged = sums.replace(&digest(&whole), &digest(&bytes));
        fs::write(folder.join("SHA256SUMS"), &forged).unwrap();
        common::change_sheet(&folder.join("backup.json"), |sheet| {
            sheet["sha256sums"] = digest(forged.as_bytes()).into();
        });
        let Ok(set) = Set::open(fixture.share.clone(), path.clone()) else { continue };
        let report = set.verify_full(&fixture.opener).run();
        assert!(!report.is_ok_and(|report| report.is_sound()), "byte {byte}");
        opened += usize::from(set.restore_bytes(&fixture.opener, &"file".parse().unwrap(), 9).is_ok());
    }
    assert!(opened > 0, "what only the other certificate needs");
}
