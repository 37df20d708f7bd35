//! What the share does while a set is read: an unreadable stored file costs its content, a lost share costs everything.

use std::fs;
use std::sync::Arc;

use crate::bad_share::BadShare;
use crate::common::{Fixture, noise};
use azs_backup::layout::SharePath;
use azs_backup::restore::{Damage, FaultKind, RestoreOptions};
use azs_backup::set::Status;
use azs_backup::{ErrorKind, Set};

struct Sample {
    fixture: Fixture,
    folder: SharePath,
    names: Vec<String>,
}

fn sample() -> Sample {
    let fixture = Fixture::new();
    let mut backup = fixture.builder().segment_size(4 << 20).start().unwrap();
    for i in 0..12 {
        backup.add_bytes(&format!("f{i:02}"), noise(i, 1 << 20)).unwrap();
    }
    let folder = backup.commit().unwrap().folder;
    let mut names: Vec<_> = fs::read_dir(fixture.native(&folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    Sample { fixture, folder, names }
}

impl Sample {
    fn without(&self, name: &str, kind: ErrorKind) -> Set {
        let share = BadShare::new(&self.fixture.share, name, kind);
        Set::open(Arc::new(share), self.folder.clone()).unwrap()
    }

    fn segment(&self) -> &str {
        self.names.iter().find(|name| name.starts_with("000000-")).unwrap()
    }
}

#[test]
fn a_stored_file_that_cannot_be_read_costs_what_is_in_it() {
    let sample = sample();
    for kind in [ErrorKind::Io, ErrorKind::AccessDenied] {
        let set = sample.without(sample.segment(), kind);
        let report = set.verify().run().unwrap();
        let [fault] = &report.faults[..] else { panic!("{report:#?}") };
        assert_eq!((fault.file.as_str(), fault.kind), (sample.segment(), FaultKind::Unreadable));
        let report = set.verify_full(&sample.fixture.opener).run().unwrap();
        assert_eq!((report.faults.len(), report.faults[0].kind), (1, FaultKind::Unreadable), "{report:#?}");
        assert!(!report.losses.is_empty());

        let target = sample.fixture.path(kind.code());
        let stop = RestoreOptions::default();
        let error = set.restore(&sample.fixture.opener).options(&stop).into(&target).unwrap_err();
        assert_eq!(error.kind(), kind, "said as what it is");
        fs::remove_dir_all(&target).unwrap();
        let options = RestoreOptions::default().damage(Damage::Continue);
        let report = set.restore(&sample.fixture.opener).options(&options).into(&target).unwrap();
        assert_eq!((report.status, report.losses[0].code), (Status::PartialSucceeded, kind.code()));
        assert_eq!(report.losses[0].file.as_deref(), Some(sample.segment()));
        let there = fs::read_dir(&target).unwrap().count();
        assert_eq!(there + report.losses.len(), 12, "{report:#?}");
        assert!(there > 0);
        let lost = report.losses[0].path.clone().unwrap();
        let error = set.restore_bytes(&sample.fixture.opener, &lost, u64::MAX).unwrap_err();
        assert_eq!(error.kind(), kind);
    }
}

#[test]
fn a_piece_of_the_index_that_cannot_be_read_is_named() {
    let sample = sample();
    let pieces: Vec<_> = sample.names.iter().filter(|name| name.starts_with("index-")).collect();
    assert!(pieces.len() > 1, "{pieces:?}");
    for piece in pieces {
        let set = sample.without(piece, ErrorKind::Io);
        for report in [set.verify().run().unwrap(), set.verify_full(&sample.fixture.opener).run().unwrap()] {
            assert!(report.faults.iter().any(|fault| fault.file == *piece), "{report:#?}");
        }
    }
}

#[test]
fn a_lost_share_ends_the_work_and_is_no_damage() {
    let sample = sample();
    for kind in [ErrorKind::TimedOut, ErrorKind::Unreachable] {
        for name in [sample.segment(), "index-000000.jsonl.zst.p7m"] {
            let set = sample.without(name, kind);
            let opener = &sample.fixture.opener;
            assert_eq!(set.verify().run().unwrap_err().kind(), kind);
            assert_eq!(set.verify_full(opener).run().unwrap_err().kind(), kind);
            let options = RestoreOptions::default().damage(Damage::Continue);
            let target = sample.fixture.path("target");
            let error = set.restore(opener).options(&options).into(&target).unwrap_err();
            assert_eq!(error.kind(), kind);
            let _ = fs::remove_dir_all(target);
        }
    }
}

#[test]
fn what_lies_beside_a_set_is_no_fault() {
    let sample = sample();
    let folder = sample.fixture.native(&sample.folder);
    for name in ["Thumbs.db", "desktop.ini", ".DS_Store"] {
        fs::write(folder.join(name), "not of the set").unwrap();
    }
    fs::create_dir(folder.join("~snapshot")).unwrap();
    let open = || sample.fixture.open(&sample.folder);
    for report in [open().verify().run().unwrap(), open().verify_full(&sample.fixture.opener).run().unwrap()]
    {
        assert!(report.is_sound(), "{report:#?}");
        assert_eq!(report.foreign, [".DS_Store", "Thumbs.db", "desktop.ini", "~snapshot"]);
    }
    for name in [
        "000009-00112233445566778899aabbccddeeff.tar.zst.p7m",
        "index-000077.jsonl.zst.p7m",
        "unfinished-backup.json",
    ] {
        fs::write(folder.join(name), "could pass for one of the set").unwrap();
        let report = open().verify().run().unwrap();
        let faults: Vec<_> = report.faults.iter().map(|fault| (fault.file.as_str(), fault.kind)).collect();
        assert_eq!(faults, [(name, FaultKind::Foreign)]);
        fs::remove_file(folder.join(name)).unwrap();
    }
}
