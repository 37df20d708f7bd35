//! Bytes that change on the share by themselves: each stored file is read back before long, and stored again.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use crate::nightly::Nightly;
use azs_backup::backup::BackupReport;

/// Changes one byte in place, and so in all sets that share the file.
fn rot(file: &Path) {
    let length = fs::metadata(file).unwrap().len();
    let mut bytes = fs::read(file).unwrap();
    bytes[length as usize / 2] ^= 1;
    let mut open = fs::File::options().write(true).open(file).unwrap();
    open.seek(SeekFrom::Start(length / 2)).unwrap();
    open.write_all(&bytes[length as usize / 2..=length as usize / 2]).unwrap();
}

fn nights(nightly: &Nightly, count: u32) -> Vec<BackupReport> {
    (0..count)
        .map(|night| {
            fs::write(nightly.tree.join("tonight"), format!("{night}")).unwrap();
            nightly.run()
        })
        .collect()
}

#[test]
fn a_byte_that_changes_in_any_linked_file_is_found_within_seven_nights_and_mended() {
    let nightly = Nightly::new();
    nightly.sample();
    let first = nightly.run();
    let names = [nightly.segments(&first), nightly.names(&first, "index-")].concat();
    // The newest index piece is not linked.
    for name in &names[..names.len() - 1] {
        let damaged = nightly.run();
        let file = nightly.fixture.native(&damaged.folder).join(name);
        if !file.exists() {
            continue;
        }
        rot(&file);
        let nights = nights(&nightly, 7);
        let found = nights.iter().position(|night| night.reuse.damaged.contains(name));
        let found = found.unwrap_or_else(|| panic!("{name} was not found"));
        let (before, after) = nights.split_at(found);
        assert!(before.iter().all(|night| night.reuse.damaged.is_empty()));
        assert!(after[0].warnings.iter().any(|warning| warning.contains(&**name)), "{:?}", after[0].warnings);
        nightly.check(nights.last().unwrap());
        for night in &nights {
            let checked = night.reuse.checked.bytes;
            assert!(checked <= night.cover.stored.bytes, "{checked} of {}", night.cover.stored.bytes);
        }
    }
}

#[test]
fn how_soon_is_for_the_caller_to_say() {
    let nightly = Nightly::new();
    nightly.sample();
    let first = nightly.run();
    let rotten = nightly.segments(&first)[0].clone();
    rot(&nightly.fixture.native(&first.folder).join(&rotten));
    let never = nightly.run_with(|builder| builder.recheck(0));
    assert_eq!((never.reuse.checked.files, never.reuse.damaged.len()), (0, 0));
    let at_once = nightly.run_with(|builder| builder.recheck(1));
    assert_eq!(at_once.reuse.damaged, [rotten]);
    nightly.check(&at_once);
}

#[test]
fn what_is_old_is_written_anew_a_few_files_a_night() {
    let nightly = Nightly::new();
    nightly.sample();
    nightly.run();
    let fresh = nightly.run_with(|builder| builder.renew_after_days(1));
    assert_eq!(fresh.reuse.rewritten, Vec::<String>::new());
}
