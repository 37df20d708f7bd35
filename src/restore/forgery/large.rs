//! Large files whose parts do not fit together.

use super::*;

#[test]
fn parts_that_overlap_or_leave_gaps_or_are_missing_are_found() {
    for (size, parts) in [
        (5000, &[(0, 2560), (2048, 2952)][..]),
        (5000, &[(0, 1024), (2048, 2952)]),
        (5000, &[(0, 2560)]),
        (5000, &[]),
        (5000, &[(0, 2560), (2560, 3072)]),
        (5000, &[(2560, 2440), (0, 2560)]),
        // Every part ends at a block: only their order is wrong.
        (5120, &[(2560, 2560), (0, 2560)]),
        (5000, &[(u64::MAX - 10, 3000)]),
    ] {
        let mut forgery = Forgery::new();
        forgery.add_large("bad", size, parts).add(file("good", b"abc"), b"abc");
        let forged = forgery.make();
        let report = forged.verify();
        assert!(report.losses.iter().any(|loss| loss.path == Some(path("bad"))), "{parts:?} {report:#?}");
        let report = forged.restore(Damage::Continue).unwrap();
        assert_eq!(report.losses.len(), 1, "{parts:?} {report:#?}");
        assert!(!forged.target().join("bad").exists());
        assert_eq!(std::fs::read_dir(forged.target()).unwrap().count(), 1, "only the good file");
        let forged = forgery.make();
        assert_eq!(forged.restore(Damage::Stop).unwrap_err().kind(), ErrorKind::Damaged);
    }
}

#[test]
fn a_large_file_that_is_listed_twice_is_lost_and_leaves_nothing_behind() {
    let mut forgery = Forgery::new();
    forgery.add_large("bad", 5000, &[(0, 2560)]).add_large("bad", 5000, &[(0, 2560), (2560, 2440)]);
    forgery.make().assert_found("bad is in the index twice");
}

#[test]
fn a_part_of_no_large_file_is_found() {
    let mut forgery = Forgery::new();
    forgery.add_large("bad", 2560, &[(0, 2560)]);
    let Record::Part(part) = &mut forgery.records[1] else { unreachable!() };
    part.path = path("other");
    let report = forgery.make().verify();
    let lost: Vec<_> = report.losses.iter().map(|loss| loss.path.clone().unwrap()).collect();
    assert_eq!(lost, [path("other"), path("bad")], "{report:#?}");
}

/// Its parts go on after another entry: somebody put something between them.
#[test]
fn parts_with_an_entry_between_them_are_found() {
    let mut forgery = Forgery::new();
    forgery.add_large("bad", 5120, &[(0, 2560), (2560, 2560)]).add(file("good", b"abc"), b"abc");
    let last = forgery.records.remove(2);
    forgery.records.push(last);
    forgery.make().assert_found("bad has a part that does not follow");
}
