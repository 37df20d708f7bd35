//! Verification finds any changed byte of any file of a set.

use crate::common;

use std::fs;
use std::sync::Arc;

use crate::common::Fixture;
use crate::nightly::Nightly;
use azs_backup::{Error, Set};

/// Single bytes of a set that are changed, one at a time.
const FLIPS: u32 = 1000;

#[test]
fn a_changed_byte_anywhere_is_found_without_a_key_and_with_it() {
    let nightly = Nightly::with(Fixture::in_memory());
    let tree = &nightly.tree;
    for (name, length) in [("a", 5_000), ("b", 5_000), ("c", 70_000), ("large", 2_200_000)] {
        fs::write(tree.join(name), common::noise(length as u64 % 3, length)).unwrap();
    }
    nightly.run_with(|builder| builder.label("pinned", "true"));
    let mut large = fs::read(tree.join("large")).unwrap();
    large[1_000_000] ^= 1;
    fs::write(tree.join("large"), large).unwrap();
    fs::remove_file(tree.join("c")).unwrap();
    let report = nightly.run_with(|builder| builder.label("pinned", "true"));
    nightly.check(&report);

    let folder = nightly.fixture.native(&report.folder);
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    for round in 0..FLIPS {
        // Each file as often as any other, however short it is.
        let random = common::noise(u64::from(round) + 1, 24);
        let random = |i: usize| u64::from_le_bytes(random[8 * i..][..8].try_into().unwrap()) as usize;
        let file = &files[random(0) % files.len()];
        let whole = fs::read(file).unwrap();
        let (at, bit) = (random(1) % whole.len(), random(2) % 8);
        let mut changed = whole.clone();
        changed[at] ^= 1 << bit;
        replace(file, &changed);
        let open = || Set::open(nightly.fixture.share.clone(), report.folder.clone());
        let found = |check: &dyn Fn(&Set) -> Result<bool, Error>| match open().map(Arc::new) {
            Ok(set) => !check(&set).unwrap_or(false),
            Err(_) => true,
        };
        let what = format!("round {round}: byte {at}, bit {bit} of {}", file.display());
        assert!(found(&|set| Ok(set.verify().run()?.is_sound())), "without a key: {what}");
        let full = |set: &Set| Ok(set.verify_full(&nightly.fixture.opener).run()?.is_sound());
        assert!(found(&full), "with the key: {what}");
        replace(file, &whole);
    }
    nightly.check(&report);
}

/// Another file under the name: those of other sets stay as they are.
fn replace(file: &std::path::Path, bytes: &[u8]) {
    let beside = file.with_extension("new");
    fs::write(&beside, bytes).unwrap();
    fs::rename(beside, file).unwrap();
}
