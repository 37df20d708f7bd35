//! Writes a set: sealed files into a new folder, and the cover sheet last.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::cover::{self, Counts, CoverSheet, FORMAT_VERSION, Status, Stored};
use super::digest::Digest;
use super::held::{Held, SWEEPS, files_of_a_set};
use super::record::StoredFile;
use super::sums;
use crate::envelope::{CertificateFacts, MAX_MESSAGE, Sealer};
use crate::error::{Error, ErrorKind, Result, Scope};
use crate::layout::{Name, Place, SetName, SharePath};
use crate::share::{CLOCK_SKEW, Share, ShareProtection};
use crate::signature::Signer;
use crate::worker_pool::join;

/// A set in the making. Nothing takes it for a backup before [`commit`](Self::commit) returns.
pub(crate) struct SetWriter {
    share: Arc<dyn Share>,
    folder: SharePath,
    place: Place,
    set: SetName,
    sealer: Sealer,
    put: Mutex<Vec<Name>>,
    /// The process that created it: a forked child must not remove the set when it drops its copy.
    process: u32,
}

/// What only the caller knows about a finished set, before the newest index piece is stored.
pub(crate) struct Finished {
    pub(crate) created: Timestamp,
    pub(crate) finished: Timestamp,
    pub(crate) status: Status,
    pub(crate) certificates: Vec<CertificateFacts>,
    pub(crate) content: Counts,
    pub(crate) labels: std::collections::BTreeMap<String, String>,
}

impl Finished {
    /// Makes the cover sheet; what is stored is not known yet.
    pub(crate) fn cover(self, writer: &SetWriter) -> CoverSheet {
        CoverSheet {
            format_version: FORMAT_VERSION,
            made_by: concat!("azs-backup ", env!("CARGO_PKG_VERSION")).into(),
            set: writer.set,
            place: writer.place.clone(),
            created: self.created,
            finished: self.finished,
            status: self.status,
            certificates: self.certificates,
            content: self.content,
            labels: self.labels,
            stored: Stored::default(),
            sha256sums: Digest::of(b""),
        }
    }
}

impl SetWriter {
    /// What protects the traffic to the share.
    pub(crate) fn protection(&self) -> Option<ShareProtection> {
        self.share.protection()
    }

    /// Prepares a set; its folder is to be [created](Self::create) first.
    pub(crate) fn new(share: Arc<dyn Share>, place: Place, set: SetName, sealer: Sealer) -> Self {
        let folder = place.set_folder(&set);
        Self { share, folder, place, set, sealer, put: Mutex::default(), process: std::process::id() }
    }

    /// Creates the set's folder. After most errors it may exist all the same, but not after `ALREADY_EXISTS`.
    pub(crate) fn create(&self) -> Result<()> {
        self.share.create_folder(&self.folder)
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
        let (file, message) = self.seal(name, number, content_length, buffer)?;
        self.put(&file.name, message)?;
        Ok(file)
    }

    /// Seals `buffer` like [`store`](Self::store), but does not store it yet; returns the message, too.
    pub(crate) fn seal<'a>(
        &self,
        name: String,
        number: u32,
        content_length: u64,
        buffer: &'a mut Vec<u8>,
    ) -> Result<(StoredFile, &'a [u8])> {
        let sealed = self.sealer.seal_in_place(buffer)?;
        let message = &buffer[sealed.range];
        let file = StoredFile {
            number,
            name,
            length: message.len() as u64,
            sha256: Digest::of(message),
            tag: sealed.tag,
            content_length,
            live_length: content_length,
            supersedes: false,
        };
        Ok((file, message))
    }

    /// Stores two sealed files at once.
    pub(crate) fn put_both(&self, one: (&StoredFile, &[u8]), other: (&StoredFile, &[u8])) -> Result<()> {
        let put = |(file, message): (&StoredFile, &[u8])| self.put(&file.name, message);
        let (one, other) = join(|| put(one), || put(other));
        one.and(other)
    }

    fn put(&self, name: &str, content: &[u8]) -> Result<()> {
        let name = Name::new(name)?;
        // Remember it first: even a failed put may leave something behind.
        self.names().push(name.clone());
        self.share.put(&self.folder.join(name), content)
    }

    /// Adds a file to the set that is already on the share; `bring` links or copies it.
    pub(crate) fn adopt(&self, name: &str, bring: impl FnOnce(&SharePath) -> Result<()>) -> Result<()> {
        let name = Name::new(name)?;
        self.names().push(name.clone());
        bring(&self.folder.join(name))
    }

    /// Links a file of the share, or has the share copy it, and reads it back to check that it is unchanged.
    ///
    /// `buffer` is cleared, and then holds the file.
    pub(crate) fn take_over(
        &self,
        from: &SharePath,
        name: &str,
        file: &StoredFile,
        buffer: &mut Vec<u8>,
    ) -> Result<()> {
        let brought = self
            .adopt(name, |to| self.share.link(from, to))
            .or_else(|_| self.adopt(name, |to| self.share.copy(from, to)))
            .and_then(|()| self.is_sound(name, file, buffer));
        if let Ok(true) = brought {
            return Ok(());
        }
        // Even a failed attempt may have created the name; free it.
        self.remove(name);
        Err(brought.err().unwrap_or_else(|| Error::new(ErrorKind::Damaged, format!("{from} is not whole"))))
    }

    /// Reads a file of the set back: whether the share has it as it was stored.
    pub(crate) fn is_sound(&self, name: &str, file: &StoredFile, buffer: &mut Vec<u8>) -> Result<bool> {
        let path = self.folder.join(Name::new(name)?);
        match self.share.read(&path, MAX_MESSAGE as u64, buffer) {
            Ok(()) => Ok(buffer.len() as u64 == file.length && Digest::of(buffer) == file.sha256),
            Err(e) if e.scope() == Scope::Object => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Removes a file that the set turns out not to need; returns whether it is gone.
    pub(crate) fn remove(&self, name: &str) -> bool {
        self.held().remove(name)
    }

    fn names(&self) -> std::sync::MutexGuard<'_, Vec<Name>> {
        self.put.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes `SHA256SUMS` and the signature, checks that the share has what it acknowledged, and last writes the cover
    /// sheet.
    ///
    /// `files`: all files of the set, in the order for `SHA256SUMS`. Returns the cover sheet, and the names of files that
    /// the set does not need and the share did not remove.
    pub(crate) fn commit(
        &self,
        files: &[StoredFile],
        mut cover: CoverSheet,
        signer: Option<&Signer>,
    ) -> Result<(CoverSheet, Vec<String>)> {
        let files = || files.iter();
        cover.stored = Stored { files: files().count() as u64, bytes: files().map(|file| file.length).sum() };
        let text = sums::print(files().map(|file| (file.name.as_str(), &file.sha256)));
        if text.len() as u64 > sums::MAX_LENGTH {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "the set has too many files for SHA256SUMS; use larger segments",
            ));
        }
        cover.sha256sums = Digest::of(text.as_bytes());
        let sheet = cover.print()?;
        let signature = signer.map(|signer| signer.sign(&sheet)).transpose()?;
        self.put(sums::FILE_NAME, text.as_bytes())?;
        if let Some(signature) = &signature {
            self.put(cover::SIGNATURE_NAME, signature)?;
        }
        let sums = (sums::FILE_NAME, text.len() as u64);
        let signature = signature.iter().map(|signature| (cover::SIGNATURE_NAME, signature.len() as u64));
        let stored =
            files().map(|file| (file.name.as_str(), file.length)).chain([sums]).chain(signature).collect();
        // What was to be removed, too: a server may refuse that for a moment.
        let mut left = self.held().flush_and_check(&stored, |name| !stored.contains_key(name))?;
        self.put(cover::FILE_NAME, &sheet)?;
        let sheet = HashMap::from([(cover::FILE_NAME, sheet.len() as u64)]);
        left.extend(self.held().flush_and_check(&sheet, cover::is_left_of_writing)?);
        Ok((cover, left))
    }

    /// The set's folder, as the share holds it.
    fn held(&self) -> Held<'_> {
        Held { share: &*self.share, folder: &self.folder }
    }

    /// Removes what an interrupted run left of a set, unless the set got its cover sheet after all.
    ///
    /// `last_note`: when this host last noted that it stored something. If the share has anything newer, another host
    /// with a copy of this one's state is writing there: leave it alone; retention looks at it later.
    pub(crate) fn clear_away(&self, set: &SetName, last_note: Option<Timestamp>) {
        let folder = self.place.set_folder(set);
        let Ok(items) = self.share.list(&folder) else { return };
        if *set == self.set || items.iter().any(|item| item.name == cover::FILE_NAME) {
            return;
        }
        let newest = items.iter().filter_map(|item| item.modified).max();
        if newest.zip(last_note).is_some_and(|(newest, note)| newest > note + CLOCK_SKEW) {
            return;
        }
        Held { share: &*self.share, folder: &folder }.remove_all(&items);
    }

    /// Removes what was stored, the cover sheet first: so a complete set never lacks a part.
    pub(crate) fn abandon(&self) {
        if self.process != std::process::id() {
            return;
        }
        let mut names = std::mem::take(&mut *self.names());
        for name in names.drain(..).rev() {
            let removed = self.share.remove(&self.folder.join(name));
            if removed.is_err_and(|e| e.scope() == Scope::Share) {
                // The share is not there to remove the rest from, either.
                return;
            }
        }
        // What was stopped may still end: a write, then, takes away what it began; a link or a rename leaves a name.
        for pause in SWEEPS.into_iter().chain([3200]) {
            if self.share.remove_folder(&self.folder).is_ok() {
                return;
            }
            let Ok(items) = self.share.list(&self.folder) else { return };
            let mut left: Vec<_> = files_of_a_set(&items).collect();
            if left.is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(pause));
            left.sort_by_key(|item| item.name != cover::FILE_NAME);
            left.iter().for_each(|item| _ = self.remove(&item.name));
        }
        let _ = self.share.remove_folder(&self.folder);
    }
}
