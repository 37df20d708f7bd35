//! A set that loses an index piece whose lines replace earlier ones: older content does not come back.

use std::fs;

use azs_backup::ErrorKind;
use azs_backup::backup::BackupReport;
use azs_backup::restore::{Damage, RestoreOptions};
use azs_backup::set::{EntryPath, Status};

use super::nightly::Nightly;
use crate::common::noise;

/// A second night that changes, removes and adds; gives the index pieces that it wrote, the newest left out.
fn second_night(nightly: &Nightly) -> (BackupReport, Vec<String>) {
    let tree = nightly.sample();
    let first = nightly.run();
    fs::write(tree.join("a/changed"), "the new content").unwrap();
    fs::remove_file(tree.join("a/gone")).unwrap();
    fs::write(tree.join("a/new"), "new").unwrap();
    let mut large = noise(99, 3_000_000);
    large[1_000_000] ^= 1;
    fs::write(tree.join("large"), large).unwrap();
    let second = nightly.run();
    let old = nightly.names(&first, "index-");
    let mut own: Vec<_> =
        nightly.names(&second, "index-").into_iter().filter(|name| !old.contains(name)).collect();
    own.pop();
    (second, own)
}

#[test]
fn what_a_lost_piece_may_have_changed_is_named_and_not_restored() {
    for with_extents in [true, false] {
        let nightly = Nightly::new();
        let (report, own) = second_night(&nightly);
        assert_eq!(own.len(), 2, "one of removals, one of additions: {own:?}");
        let folder = nightly.fixture.native(&report.folder);
        for name in own.iter().map(String::as_str).chain((!with_extents).then_some("extents.txt.zst.p7m")) {
            fs::remove_file(folder.join(name)).unwrap();
        }
        let set = nightly.fixture.open(&report.folder);
        let opener = &nightly.fixture.opener;
        let target = nightly.fixture.path("past damage");
        let options = RestoreOptions::default().damage(Damage::Continue);
        let done = set.restore(opener).options(&options).into(&target).unwrap();
        assert_eq!(done.status, Status::PartialSucceeded);
        let named = |path: &str| done.losses.iter().any(|loss| loss.path == Some(path.parse().unwrap()));
        for path in ["tree/a/changed", "tree/a/gone", "tree/large"] {
            assert!(named(path) && !target.join(path).exists(), "{path}: {:#?}", done.losses);
            let one = set.restore_bytes(opener, &path.parse::<EntryPath>().unwrap(), u64::MAX).unwrap_err();
            assert_eq!(one.kind(), ErrorKind::Damaged, "{one}");
        }
        // Without the list nothing is known to be the set's.
        for path in ["tree/a/mode", "tree/a/b/file 7"] {
            assert_eq!((named(path), target.join(path).exists()), (!with_extents, with_extents), "{path}");
        }
        let found = set.verify_full(opener).run().unwrap();
        for path in ["tree/a/changed", "tree/a/gone", "tree/large"] {
            assert!(
                found.losses.iter().any(|loss| loss.path == Some(path.parse().unwrap())),
                "{path}: {found:#?}"
            );
        }
    }
}
