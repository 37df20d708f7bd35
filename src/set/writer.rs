//! Writes a set: sealed files into a new folder, and at the very end the cover sheet.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::cover::{self, Counts, CoverSheet, FORMAT_VERSION, Status, Stored};
use super::digest::Digest;
use super::record::StoredFile;
use super::sums;
use crate::envelope::{CertificateFacts, Sealer};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Name, Place, SetName, SharePath};
use crate::share::Share;

/// Milliseconds to wait before what attempts that failed left is cleared away, time after time.
const SWEEPS: [u64; 6] = [0, 100, 200, 400, 800, 1600];

/// A set in the making. Nothing takes it for a backup before [`commit`](Self::commit) is done.
pub(crate) struct SetWriter {
    share: Arc<dyn Share>,
    folder: SharePath,
    place: Place,
    set: SetName,
    sealer: Sealer,
    put: Mutex<Vec<Name>>,
    /// What a forked process drops is not its own.
    process: u32,
}

/// What only the caller knows of a finished set.
pub(crate) struct Finished {
    pub(crate) created: Timestamp,
    pub(crate) finished: Timestamp,
    pub(crate) status: Status,
    pub(crate) certificates: Vec<CertificateFacts>,
    pub(crate) content: Counts,
    pub(crate) labels: std::collections::BTreeMap<String, String>,
}

impl SetWriter {
    /// Creates the set's folder.
    pub(crate) fn create(share: Arc<dyn Share>, place: Place, set: SetName, sealer: Sealer) -> Result<Self> {
        let folder = place.set_folder(&set);
        share.create_folder(&folder)?;
        Ok(Self { share, folder, place, set, sealer, put: Mutex::default(), process: std::process::id() })
    }

    pub(crate) fn set(&self) -> SetName {
        self.set
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn folder(&self) -> &SharePath {
        &self.folder
    }

    pub(crate) fn head_room(&self) -> usize {
        self.sealer.head_room()
    }

    /// Seals `buffer`, whose first [`head_room`](Self::head_room) bytes are free, and stores it.
    pub(crate) fn store(
        &self,
        name: String,
        number: u32,
        content_length: u64,
        buffer: &mut Vec<u8>,
    ) -> Result<StoredFile> {
        let sealed = self.sealer.seal_in_place(buffer)?;
        let message = &buffer[sealed.range];
        let sha256 = Digest::of(message);
        self.put(&name, message)?;
        Ok(StoredFile {
            number,
            name,
            length: message.len() as u64,
            sha256,
            tag: sealed.tag,
            content_length,
            live_length: content_length,
            supersedes: false,
        })
    }

    fn put(&self, name: &str, content: &[u8]) -> Result<()> {
        let name = Name::new(name)?;
        // Remembered first: a put that failed may still have left something.
        self.names().push(name.clone());
        self.share.put(&self.folder.join(name), content)
    }

    /// Gives the new set a file that is on the share already, by whatever does that.
    pub(crate) fn adopt(&self, name: &str, bring: impl FnOnce(&SharePath) -> Result<()>) -> Result<()> {
        let name = Name::new(name)?;
        self.names().push(name.clone());
        bring(&self.folder.join(name))
    }

    /// Links a file of the share, or has it copied there, if it is this long in the end.
    pub(crate) fn link(&self, from: &SharePath, name: &str, length: u64) -> Result<()> {
        let brought = self
            .adopt(name, |to| self.share.link(from, to))
            .or_else(|_| self.adopt(name, |to| self.share.copy(from, to)));
        brought?;
        // A share may say yes and not have done it.
        let items = self.share.list(&self.folder)?;
        if items.iter().any(|item| item.name == name && item.length == length) {
            return Ok(());
        }
        self.remove(name);
        Err(Error::new(ErrorKind::Damaged, format!("{from} is not whole")))
    }

    /// Removes a file that the set is not to have after all.
    pub(crate) fn remove(&self, name: &str) {
        if let Ok(name) = Name::new(name) {
            let _ = self.share.remove(&self.folder.join(name));
        }
    }

    fn names(&self) -> std::sync::MutexGuard<'_, Vec<Name>> {
        self.put.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks that the share has what it acknowledged, then writes `SHA256SUMS` and, last of all, the cover sheet.
    pub(crate) fn commit(
        &self,
        segments: &[StoredFile],
        pieces: &[StoredFile],
        finished: Finished,
    ) -> Result<CoverSheet> {
        let files = || segments.iter().chain(pieces);
        let stored = Stored { files: files().count() as u64, bytes: files().map(|file| file.length).sum() };
        let text = sums::print(files().map(|file| (file.name.as_str(), &file.sha256)));
        if text.len() as u64 > sums::MAX_LENGTH {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "the set has too many files for SHA256SUMS; use larger segments",
            ));
        }
        let cover = CoverSheet {
            format_version: FORMAT_VERSION,
            made_by: concat!("azs-backup ", env!("CARGO_PKG_VERSION")).into(),
            set: self.set,
            place: self.place.clone(),
            created: finished.created,
            finished: finished.finished,
            status: finished.status,
            certificates: finished.certificates,
            content: finished.content,
            stored,
            sha256sums: Digest::of(text.as_bytes()),
            labels: finished.labels,
        };
        let sheet = cover.print()?;
        self.put(sums::FILE_NAME, text.as_bytes())?;
        let sums = (sums::FILE_NAME, text.len() as u64);
        self.check(files().map(|file| (file.name.as_str(), file.length)).chain([sums]))?;
        self.share.flush(&self.folder)?;
        self.put(cover::FILE_NAME, &sheet)?;
        self.check([(cover::FILE_NAME, sheet.len() as u64)].into_iter())?;
        self.share.flush(&self.folder)?;
        Ok(cover)
    }

    /// Looks whether the share has what it acknowledged, at full length, and clears away what attempts that failed left
    /// beside it.
    fn check<'a>(&self, mut files: impl Iterator<Item = (&'a str, u64)>) -> Result<()> {
        let mut items = self.share.list(&self.folder)?;
        // For a moment a broken connection may hold what it wrote. If that stays after all, it belongs to no set, and a
        // verification says so.
        for pause in SWEEPS {
            let left: Vec<_> =
                items.iter().filter(|item| cover::is_left_of_writing(&item.name)).cloned().collect();
            if left.is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(pause));
            left.iter().for_each(|item| self.remove(&item.name));
            items = self.share.list(&self.folder)?;
        }
        let there: HashMap<String, u64> = items.into_iter().map(|item| (item.name, item.length)).collect();
        match files.find(|(name, length)| there.get(*name) != Some(length)) {
            None => Ok(()),
            Some((name, length)) => Err(Error::new(
                ErrorKind::Damaged,
                format!(
                    "the share acknowledged {name} ({length} bytes) but does not have it whole; check the share and \
                     run the backup again"
                ),
            )),
        }
    }

    /// Removes what a run that was interrupted left of a set, if it never became one.
    pub(crate) fn clear_away(&self, set: &SetName) {
        let folder = self.place.set_folder(set);
        let Ok(items) = self.share.list(&folder) else { return };
        if *set == self.set || items.iter().any(|item| item.name == cover::FILE_NAME) {
            return;
        }
        for item in items.iter().filter(|item| cover::is_file_of_a_set(&item.name)) {
            if let Ok(name) = Name::new(item.name.as_str()) {
                let _ = self.share.remove(&folder.join(name));
            }
        }
        let _ = self.share.remove_folder(&folder);
    }

    /// Removes what was stored, the cover sheet first: at no moment a whole set lacks a part.
    pub(crate) fn abandon(&self) {
        if self.process != std::process::id() {
            return;
        }
        for name in self.names().drain(..).rev() {
            let _ = self.share.remove(&self.folder.join(name));
        }
        let _ = self.share.remove_folder(&self.folder);
    }
}
