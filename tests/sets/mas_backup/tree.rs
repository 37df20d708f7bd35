//! A `MASBackup` of the vectors, on the share of the tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use azs_backup::DecryptionCertificate;
use azs_backup::jiff::Timestamp;
use azs_backup::layout::SharePath;
use azs_backup::mas_backup::{Finding, Keys, MasBackup};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::backend;

pub(super) static VECTORS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../vectors/mas_backup.json")).unwrap());

pub(super) struct Tree {
    temp: TempDir,
}

impl Tree {
    pub(super) fn healthy() -> Self {
        let tree = Self { temp: TempDir::new().unwrap() };
        tree.write(&VECTORS["healthy"]);
        tree
    }

    /// Breaks it in this way; `None` if this system cannot.
    pub(super) fn broken(name: &str) -> Option<Self> {
        let tree = Self::healthy();
        let broken = &VECTORS["breaks"][name];
        assert!(broken.is_object(), "{name}");
        for path in broken["removed"].as_array().into_iter().flatten() {
            std::fs::remove_file(tree.root().join(path.as_str().unwrap())).unwrap();
        }
        if broken["written"].is_object() {
            tree.write(&broken["written"]);
        }
        // The deeper one first.
        let renamed = broken["renamed"].as_object().into_iter().flatten().collect::<Vec<_>>();
        for (from, to) in renamed.into_iter().rev() {
            // By way of a third name: in wine a rename changes no letter case.
            let aside = tree.root().join("renamed");
            std::fs::rename(tree.root().join(from), &aside).unwrap();
            std::fs::rename(&aside, tree.root().join(to.as_str().unwrap())).unwrap();
        }
        for (path, target) in broken["links"].as_object().into_iter().flatten() {
            if !crate::common::system::symlink(target.as_str().unwrap(), tree.root().join(path)) {
                return None;
            }
        }
        Some(tree)
    }

    fn write(&self, files: &Value) {
        for (path, content) in files.as_object().unwrap() {
            let path = self.root().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, STANDARD.decode(content.as_str().unwrap()).unwrap()).unwrap();
        }
    }

    pub(super) fn root(&self) -> &Path {
        self.temp.path()
    }

    /// The files of the healthy tree, from the root of the share.
    pub(super) fn files(&self) -> Vec<String> {
        VECTORS["healthy"].as_object().unwrap().keys().cloned().collect()
    }

    pub(super) fn theirs(&self) -> MasBackup {
        MasBackup::open(backend::share(self.root()), &SharePath::root()).unwrap()
    }

    pub(super) fn now(&self) -> Timestamp {
        VECTORS["now"].as_str().unwrap().parse().unwrap()
    }

    pub(super) fn keys(&self) -> Keys {
        Keys::new(vec![certificate("new"), certificate("old")])
    }

    /// A new folder to extract to.
    pub(super) fn target(&self) -> (TempDir, PathBuf) {
        let temp = TempDir::new().unwrap();
        let path = temp.path().join("target");
        (temp, path)
    }
}

pub(super) fn certificate(name: &str) -> DecryptionCertificate {
    // Reading a PFX is slow on purpose.
    static READ: LazyLock<BTreeMap<&str, DecryptionCertificate>> = LazyLock::new(|| {
        let read = |name: &'static str| {
            let pfx = STANDARD.decode(VECTORS["pfx"][name].as_str().unwrap()).unwrap();
            (name, DecryptionCertificate::from_pfx(&pfx, VECTORS["password"].as_str()).unwrap())
        };
        BTreeMap::from([read("new"), read("old")])
    });
    READ[name].clone()
}

pub(super) fn thumbprint(name: &str) -> &'static str {
    VECTORS["thumbprints"][name].as_str().unwrap()
}

/// How many findings there are of each code.
pub(super) fn codes(findings: &[Finding]) -> BTreeMap<&'static str, usize> {
    findings.iter().fold(BTreeMap::new(), |mut counts, finding| {
        *counts.entry(finding.code.code()).or_insert(0) += 1;
        counts
    })
}
