//! A file server that is far away: how many requests each piece of work takes. Requests are counted, not seconds.
//!
//! `cargo test --test file_server smb_distance:: -- --nocapture` prints the table, with the seconds at a round trip of 40 ms.
#![cfg(all(unix, feature = "smb"))]

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::common::proxy::{Fault, Proxy};
use crate::common::samba::Samba;
use crate::common::wire::Requests;
use crate::common::{Certificate, noise};
use azs_backup::layout::{Component, Deployment};
use azs_backup::review::{Region, survey};
use azs_backup::schedule::RetentionPolicy;
use azs_backup::set::EntryPath;
use azs_backup::share::{Encryption, ShareCheck, SmbBuilder};
use azs_backup::{Backup, FolderShare, Opener, Place, Set, Share, list_sets};
use jiff::Timestamp;
use tempfile::TempDir;

struct Far {
    _samba: Samba,
    proxy: Proxy,
    builder: SmbBuilder,
    near: Arc<dyn Share>,
    place: Place,
    certificate: Certificate,
    local: TempDir,
}

impl Far {
    fn new() -> Self {
        let samba = Samba::new();
        let proxy = Proxy::new(samba.port());
        let builder = samba.builder("data").port(proxy.port()).encryption(Encryption::Off);
        let near: Arc<dyn Share> = Arc::new(FolderShare::open(samba.path("data")).unwrap());
        let place = Place::new(Deployment::new("contoso.com", "nyc").unwrap(), Component::Switches);
        let certificate = Certificate::new("azs-backup test");
        proxy.set(Fault::Delay(Duration::from_millis(20)));
        Self { _samba: samba, proxy, builder, near, place, certificate, local: tempfile::tempdir().unwrap() }
    }

    fn connect(&self) -> Arc<dyn Share> {
        Arc::new(self.builder.clone().connect().unwrap())
    }

    /// Backs up the local folder.
    fn back_up(&self, share: &Arc<dyn Share>) -> azs_backup::backup::BackupReport {
        let builder = Backup::builder(share.clone(), self.place.clone());
        let state = self.local.path().join("state");
        let mut backup = builder
            .certificate(self.certificate.encryption())
            .create(true)
            .segment_size(4 << 20)
            .state(state)
            .start()
            .unwrap();
        backup.add_folder_as("tree", self.local.path().join("tree")).unwrap();
        backup.commit().unwrap()
    }

    /// Does some work over the far connection, which it opens by itself.
    fn requests<T>(&self, name: &str, work: impl FnOnce() -> T) -> (Requests, T) {
        self.proxy.take_requests();
        let begun = Instant::now();
        let done = work();
        let took = begun.elapsed();
        let requests = self.proxy.take_requests();
        println!("| {name} | {:.2} s | {requests} |", took.as_secs_f64());
        (requests, done)
    }
}

#[test]
fn a_list_asks_for_many_sets_at_once_and_for_nothing_twice() {
    const SETS: u64 = 200;
    let far = Far::new();
    let tree = far.local.path().join("tree");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("config"), noise(1, 2000)).unwrap();
    for _ in 0..SETS {
        far.back_up(&far.near);
    }
    let deployment = far.place.deployment().clone();
    let (requests, list) = far
        .requests(&format!("list of {SETS} sets"), || list_sets(far.connect(), &deployment).run().unwrap());
    assert_eq!(list.iter().filter(|set| set.is_complete()).count() as u64, SETS);
    // For each set: its folder is opened, listed to the end and closed, and two files are opened, read and closed.
    assert!(requests.of_work() <= 10 * SETS + 12, "{requests}");
    assert_eq!(requests.of("read"), 2 * SETS);
    assert!(requests.at_once >= 16, "{requests}");
    let (requests, plan) = far.requests("a retention plan of them", || {
        let list = list_sets(far.connect(), &deployment).component(&Component::Switches).run().unwrap();
        RetentionPolicy::new().keep_last(100).plan(&list, Timestamp::now())
    });
    assert_eq!(plan.deletions.len() as u64, SETS - 100);
    assert!(requests.of_work() <= 10 * SETS + 12, "{requests}");
}

#[test]
fn a_survey_asks_at_most_three_times_for_each_set() {
    // A week of them.
    const SETS: u64 = 14;
    let far = Far::new();
    let tree = far.local.path().join("tree");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("config"), noise(1, 2000)).unwrap();
    for _ in 0..SETS {
        far.back_up(&far.near);
    }
    let (requests, survey) = far.requests(&format!("survey of {SETS} sets"), || {
        survey([Region::all(far.connect())], Timestamp::now()).run().unwrap()
    });
    assert_eq!((survey.rows.len(), survey.rows[0].sets), (1, SETS));
    assert!(requests.of_work() <= 3 * SETS, "{requests}");
}

#[test]
fn a_check_a_backup_and_a_file_take_few_round_trips() {
    let far = Far::new();
    let tree = far.local.path().join("tree");
    fs::create_dir(&tree).unwrap();
    for number in 0..7 {
        fs::write(tree.join(format!("large {number}")), noise(number, 4_000_000)).unwrap();
    }
    fs::write(tree.join("small"), "small").unwrap();
    far.proxy.set(Fault::None);
    far.back_up(&far.connect());
    far.proxy.set(Fault::Delay(Duration::from_millis(20)));

    let check = ShareCheck::new(far.place.deployment().clone()).component(&far.place);
    let (requests, report) = far.requests("check", || check.run_smb(&far.builder));
    assert!(report.is_sound(), "{}", report.to_table());
    assert!(requests.of_work() <= 67, "{requests}");

    fs::write(tree.join("small"), "changed").unwrap();
    let (requests, report) = far.requests("incremental, 8 links", || far.back_up(&far.connect()));
    assert_eq!(report.reuse.linked.files, 8);
    assert!(requests.of_work() <= 104, "{requests}");

    let opener = Opener::new(far.certificate.decryption());
    let path = EntryPath::new("tree/small").unwrap();
    let (requests, content) = far.requests("one file", || {
        let set = Set::open(far.connect(), report.folder.clone()).unwrap();
        set.restore_bytes(&opener, &path, 100).unwrap()
    });
    assert_eq!(content, b"changed");
    assert!(requests.of_work() <= 24, "{requests}");

    let (requests, report) = far.requests("verify", || {
        let set = Set::open(far.connect(), report.folder.clone()).unwrap();
        set.verify_full(&opener).run().unwrap()
    });
    assert!(report.is_sound());
    assert!(requests.of_work() <= 80, "{requests}");
}
