//! What must be true of a set: a whole one restores its source, a damaged one says what is lost.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use azs_backup::layout::SharePath;
use azs_backup::restore::{Damage, RestoreOptions};
use azs_backup::set::{Digest, Status};
use azs_backup::{Set, Share};

use super::expected::Expected;
use super::model::{Detail, Node, Tree, Walker, What, above, hash_of, shown};
use super::rng::Rng;
use super::system;
use super::{Fault, Found, Key};

/// A set that was made, and what it has to hold.
#[derive(Clone)]
pub struct Record {
    pub folder: SharePath,
    pub native: PathBuf,
    pub expected: Expected,
    pub key: &'static Key,
    /// Its stored files as they were written.
    pub files: BTreeMap<String, Digest>,
    /// Those that are not what they were.
    pub harmed: BTreeSet<String>,
    /// Whether the run named something that it could not have.
    pub partial: bool,
}

impl Record {
    /// Takes in a set that was just made: SHA256SUMS says what its files are.
    pub fn new(folder: SharePath, root: &Path, expected: Expected, key: &'static Key, partial: bool) -> Self {
        let native = root.join(folder.to_relative());
        let mut files = BTreeMap::new();
        for line in fs::read_to_string(native.join("SHA256SUMS")).unwrap_or_default().lines() {
            if let Some((digest, name)) = line.split_once("  ")
                && let Ok(digest) = serde_json::from_value(digest.into())
            {
                files.insert(name.to_owned(), digest);
            }
        }
        for name in ["SHA256SUMS", "backup.json"] {
            files.insert(name.to_owned(), Digest::of(&fs::read(native.join(name)).unwrap_or_default()));
        }
        Self { folder, native, expected, key, files, harmed: BTreeSet::new(), partial }
    }

    /// Looks which files are not what they were.
    pub fn look(&mut self) {
        let is_harmed = |(name, digest): &(&String, &Digest)| {
            digest_of(&self.native.join(name)).map_or(true, |found| found != **digest)
        };
        self.harmed = self.files.iter().filter(is_harmed).map(|(name, _)| name.clone()).collect();
    }

    pub fn is_whole(&self) -> bool {
        self.harmed.is_empty()
    }

    /// Whether all that is harmed is content: then everything else can be had.
    fn only_content_is_harmed(&self) -> bool {
        self.harmed.iter().all(|name| name.ends_with(".tar.zst.p7m"))
    }

    fn open(&self, share: &Arc<dyn Share>) -> azs_backup::Result<Set> {
        Set::open(share.clone(), self.folder.clone())
    }

    fn fault(&self, what: &'static str, lines: impl IntoIterator<Item = String>) -> Fault {
        Fault::new(what, std::iter::once(format!("set {}", self.folder)).chain(lines))
    }

    /// A whole set is sound and gives back what the source was.
    pub fn check_whole(&self, share: &Arc<dyn Share>, target: &Path) -> Found {
        let failed = |what, error: azs_backup::Error| self.fault(what, [format!("{error:?}")]);
        let set = self.open(share).map_err(|e| failed("open", e))?;
        let key = &self.key.opener;
        // Both are asked, whatever the first one says: what is lost shows in the second.
        let (mut what, mut lines) = ("verify", Vec::new());
        match set.verify_full(key).run() {
            Ok(report) => {
                lines.extend(report.faults.iter().map(ToString::to_string));
                lines.extend(report.losses.iter().map(ToString::to_string));
            }
            Err(error) => lines.push(format!("{error:?}")),
        }
        match set.restore(key).into(target) {
            Ok(report) => {
                let is_all = report.losses.is_empty() && (report.status == Status::Succeeded || self.partial);
                let differences = self.expected.differences(&Walker::walk(target), Detail::ALL);
                if !is_all || !differences.is_empty() {
                    what = if lines.is_empty() { "restore" } else { "verify and restore" };
                    lines.push(format!("restore: {:?}, {} losses", report.status, report.losses.len()));
                    lines.extend(report.losses.iter().map(ToString::to_string));
                    lines.extend(differences);
                }
            }
            Err(error) => lines.push(format!("restore: {error:?}")),
        }
        if !lines.is_empty() {
            return Err(self.fault(what, lines));
        }
        remove(target)
    }

    /// A single file is what it was.
    pub fn check_one(&self, share: &Arc<dyn Share>, rng: &mut Rng) -> Found {
        let files: Vec<_> = self
            .expected
            .tree
            .iter()
            .filter_map(|(path, node)| match &node.what {
                What::File { hash, .. } if !self.expected.is_named(path) => Some((path, hash)),
                _ => None,
            })
            .collect();
        let Some((path, hash)) = rng.pick(&files) else { return Ok(()) };
        let one = || {
            let path = azs_backup::set::EntryPath::new(path.to_vec())?;
            self.open(share)?.restore_bytes(&self.key.opener, &path, u64::MAX)
        };
        match one() {
            Ok(bytes) if hash_of(&bytes) == **hash => Ok(()),
            Ok(bytes) => {
                Err(self.fault("one file", [format!("{}: {} other bytes", shown(path), bytes.len())]))
            }
            Err(error) => Err(self.fault("one file", [format!("{}: {error:?}", shown(path))])),
        }
    }

    /// What is harmed is named, what is lost with it is named, and everything else is there.
    pub fn check_harmed(&self, share: &Arc<dyn Share>, target: &Path) -> Found {
        let failed = |what, error: azs_backup::Error| self.fault(what, [format!("{error:?}")]);
        let set = match self.open(share) {
            Ok(set) => set,
            Err(_) if !self.only_content_is_harmed() => return Ok(()),
            Err(error) => return Err(failed("harmed: open", error)),
        };
        for (what, report) in [
            ("harmed: verify", set.verify().run()),
            ("harmed: verify in full", set.verify_full(&self.key.opener).run()),
        ] {
            let report = report.map_err(|e| failed(what, e))?;
            let named: BTreeSet<_> = report.faults.iter().map(|fault| fault.file.clone()).collect();
            // The cover sheet is in clear: nothing checks what it says without a key.
            let unnamed = |name: &&String| !named.contains(*name) && *name != "backup.json";
            let mut lines: Vec<_> =
                self.harmed.iter().filter(unnamed).map(|name| format!("{name} is not named")).collect();
            let is_right = |name: &&String| self.only_content_is_harmed() && !self.harmed.contains(*name);
            lines.extend(named.iter().filter(is_right).map(|name| format!("{name} is as it was")));
            if !lines.is_empty() {
                return Err(self.fault(what, lines));
            }
        }
        let options = RestoreOptions::default().damage(Damage::Continue);
        let report = match set.restore(&self.key.opener).options(&options).into(target) {
            Ok(report) => report,
            Err(_) if !self.only_content_is_harmed() => return remove(target),
            Err(error) => return Err(failed("harmed: restore", error)),
        };
        let lost: BTreeSet<&[u8]> =
            report.losses.iter().filter_map(|loss| Some(loss.path.as_ref()?.as_bytes())).collect();
        let all_named = report.losses.iter().all(|loss| loss.path.is_some());
        let found = Walker::walk(target);
        let lines = self.lines_after_loss(&found, &lost, all_named);
        if !lines.is_empty() {
            return Err(self.fault("harmed: restore", lines));
        }
        if !lost.is_empty() && report.status == Status::Succeeded {
            return Err(self.fault("harmed: restore", ["it says that all is there".into()]));
        }
        remove(target)
    }

    fn lines_after_loss(&self, found: &Tree, lost: &BTreeSet<&[u8]>, all_named: bool) -> Vec<String> {
        let is_lost = |path: &[u8]| lost.contains(path) || above(path).any(|above| lost.contains(above));
        let mut lines = Vec::new();
        for path in self.expected.paths().chain(found.keys().filter(|path| !self.expected.knows(path))) {
            let node = found.get(path);
            if self.expected.allows(path, node, Detail::ALONE) {
                continue;
            }
            let is_fine = match node {
                None => is_lost(path) || !all_named,
                // Made for what is in it.
                Some(Node { what: What::Folder, .. }) => is_lost(path) || !all_named,
                Some(_) => false,
            };
            if !is_fine {
                lines.push(self.expected.line(path, node));
            }
        }
        lines
    }
}

/// The digest of a stored file, which is the same in every set that has it: read once for each time it changed.
fn digest_of(path: &Path) -> std::io::Result<Digest> {
    thread_local!(static SEEN: RefCell<HashMap<[i64; 4], Digest>> = RefCell::default());
    let key = system::stamp(path)?;
    if let Some(digest) = SEEN.with_borrow(|seen| seen.get(&key).copied()) {
        return Ok(digest);
    }
    let digest = Digest::of(&fs::read(path)?);
    SEEN.with_borrow_mut(|seen| {
        if seen.len() > 10_000 {
            seen.clear();
        }
        seen.insert(key, digest)
    });
    Ok(digest)
}

pub fn remove(folder: &Path) -> Found {
    match system::remove_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Fault::new("the test itself", [error.to_string()]))
        }
        _ => Ok(()),
    }
}
