//! A host that backs up the same tree night after night.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use azs_backup::Opener;
use azs_backup::backup::{BackupBuilder, BackupReport};
use azs_backup::restore::{RestoreOptions, VerifyReport};

use crate::common::system::{look, symlink};
use crate::common::{Fixture, assert_same_tree, noise};

pub struct Nightly {
    pub fixture: Fixture,
    pub tree: PathBuf,
    pub state: PathBuf,
    restored: AtomicU32,
}

impl Nightly {
    pub fn new() -> Self {
        Self::with(Fixture::new())
    }

    pub fn with(fixture: Fixture) -> Self {
        let tree = fixture.path("source");
        fs::create_dir(&tree).unwrap();
        let state = fixture.path("state");
        Self { fixture, tree, state, restored: AtomicU32::new(0) }
    }

    /// A tree with some of everything, of more than one segment.
    pub fn sample(&self) -> PathBuf {
        let tree = &self.tree;
        fs::create_dir_all(tree.join("a/b")).unwrap();
        fs::create_dir_all(tree.join("gone folder/below")).unwrap();
        fs::write(tree.join("gone folder/below/file"), "below").unwrap();
        for name in ["changed", "gone", "mode", "b/renamed"] {
            fs::write(tree.join("a").join(name), name.repeat(20)).unwrap();
        }
        for i in 0..40 {
            fs::write(tree.join(format!("a/b/file {i}")), noise(i, 100_000)).unwrap();
        }
        fs::write(tree.join("large"), noise(99, 3_000_000)).unwrap();
        symlink("a/changed", tree.join("link"));
        tree.clone()
    }

    pub fn builder(&self) -> BackupBuilder {
        self.fixture.builder().segment_size(4 << 20).state(&self.state)
    }

    /// One night.
    pub fn run(&self) -> BackupReport {
        self.run_with(|builder| builder)
    }

    pub fn run_with(&self, options: impl FnOnce(BackupBuilder) -> BackupBuilder) -> BackupReport {
        // A file that changed within the last tick of the clock is looked at again: let it pass.
        std::thread::sleep(Duration::from_millis(30));
        let mut backup = options(self.builder()).start().unwrap();
        backup.add_folder_as("tree", &self.tree).unwrap();
        backup.commit().unwrap()
    }

    pub fn run_and_check(&self) -> BackupReport {
        let report = self.run();
        self.check(&report);
        report
    }

    /// The set is sound and gives back the source as it is now.
    pub fn check(&self, report: &BackupReport) {
        let found = self.verify(report);
        assert!(found.is_sound(), "{found:#?}\n{report:#?}");
        assert_eq!(found.files, report.cover.content.files);
        let target = self.restore(report);
        assert_same_tree(&self.tree, &target.join("tree"));
        fs::remove_dir_all(target).unwrap();
        self.check_single_files(report);
    }

    /// Each file comes back by itself, too, and the listing says what it is now; of small ones a few.
    fn check_single_files(&self, report: &BackupReport) {
        let set = Arc::new(self.fixture.open(&report.folder));
        let opener = Arc::new(Opener::new(self.fixture.certificate.decryption()));
        let files = set.entries(&opener).unwrap().map(Result::unwrap);
        let files: Vec<_> = files.filter(|entry| entry.size() > 0).collect();
        let large = files.iter().filter(|entry| entry.size() > 2 << 20);
        for entry in files.iter().take(3).chain(files.iter().rev().take(3)).chain(large) {
            let source = self.tree.join(entry.path.to_string().strip_prefix("tree/").unwrap());
            let expected = fs::read(&source).unwrap();
            assert_eq!(entry.size(), expected.len() as u64, "{}", entry.path);
            let found = set.restore_bytes(&opener, &entry.path, u64::MAX).unwrap();
            let differ = found.iter().zip(&expected).position(|(a, b)| a != b);
            assert_eq!((found.len(), differ), (expected.len(), None), "{}", entry.path);
        }
    }

    pub fn verify(&self, report: &BackupReport) -> VerifyReport {
        let set = self.fixture.open(&report.folder);
        let quick = set.verify().run().unwrap();
        assert!(quick.is_sound(), "{quick:#?}");
        self.verify_full(report)
    }

    pub fn verify_full(&self, report: &BackupReport) -> VerifyReport {
        self.fixture.open(&report.folder).verify_full(&self.fixture.opener).run().unwrap()
    }

    pub fn restore(&self, report: &BackupReport) -> PathBuf {
        let number = self.restored.fetch_add(1, Ordering::Relaxed);
        let target = self.fixture.path(&format!("restored {number}"));
        let set = self.fixture.open(&report.folder);
        let options = RestoreOptions::default();
        let done = set.restore(&self.fixture.opener).options(&options).into(&target).unwrap();
        assert!(done.losses.is_empty() && done.unrestored.is_empty(), "{done:#?}");
        assert_eq!(done.files, report.cover.content.files, "{done:#?}");
        assert_eq!(done.folders, report.cover.content.folders);
        assert_eq!(done.links, report.cover.content.links);
        target
    }

    pub fn names(&self, report: &BackupReport, start: &str) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.fixture.native(&report.folder))
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with(start))
            .collect();
        names.sort();
        names
    }

    pub fn segments(&self, report: &BackupReport) -> Vec<String> {
        self.names(report, "0")
    }

    /// The folder of the state of the place that is backed up.
    pub fn place_state(&self) -> PathBuf {
        self.state.join("contoso.com/nyc/Switches")
    }

    pub fn assert_private(&self) {
        for folder in [&self.state, &self.place_state()] {
            assert_eq!(look(folder).mode & 0o777, 0o700);
        }
        for file in fs::read_dir(self.place_state()).unwrap().map(Result::unwrap) {
            let mode = look(&file.path()).mode;
            assert_eq!(mode & 0o077, 0, "{:?} {mode:o}", file.path());
        }
    }
}
