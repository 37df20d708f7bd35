//! Copies one set: its data, `SHA256SUMS`, its signature, and last the cover sheet.

use std::collections::HashMap;
use std::sync::Arc;

use super::delivery::{Brought, Delivery, File, Way};
use super::donors::Donors;
use super::report::{Amount, CopyOutcome};
use crate::error::{Error, ErrorKind, Result, Scope};
use crate::layout::{Name, SharePath};
use crate::set::{
    CHECKSUMS, COVER_SHEET, Digest, Held, MAX_CHECKSUMS, MAX_COVER_SHEET, SIGNATURE_NAME, Set,
    is_file_of_a_set,
};
use crate::share::{Item, Share};
use crate::signature::MAX_LENGTH as MAX_SIGNATURE;
use crate::worker_pool;

/// Files that travel at once. A share far away takes a while for each.
const IN_FLIGHT: usize = 4;

/// A set and where its copy goes.
pub(super) struct SetCopy<'a> {
    pub(super) from: &'a Arc<dyn Share>,
    pub(super) to: &'a Arc<dyn Share>,
    pub(super) set: &'a Set,
    /// The folder of the copy.
    pub(super) folder: SharePath,
    pub(super) donors: &'a Donors,
    pub(super) read_back: bool,
    /// Whether the set's signature met a demand: then it replaces one that is there.
    pub(super) is_demanded: bool,
}

/// A clear file of the set: its name and its content.
type Clear = (&'static str, Vec<u8>);

impl SetCopy<'_> {
    /// Copies what is missing. `moved` receives the bytes of each file, `tick` is called about ten times a second.
    pub(super) fn run(
        &self,
        moved: &mut dyn FnMut(u64),
        tick: &mut dyn FnMut() -> Result<()>,
    ) -> Result<CopyOutcome> {
        let there = match self.to.list(&self.folder) {
            Ok(items) => items,
            Err(e) if e.kind() == ErrorKind::NotFound => self.create()?,
            Err(e) => return Err(e),
        };
        let has_cover = there.iter().any(|item| item.name == COVER_SHEET);
        if has_cover && self.clear(self.to, &self.folder, COVER_SHEET, MAX_COVER_SHEET)? != self.set.sheet() {
            let reason = "the other share has another set of this name, or its backup.json is damaged there; to \
                          copy this one, move that one away";
            return Ok(CopyOutcome::Conflict { reason: reason.into() });
        }
        match self.complete(&there, has_cover, moved, tick) {
            Err(e) if e.scope() == Scope::Object && self.is_gone()? => {
                if !has_cover {
                    self.held().remove_all(&self.to.list(&self.folder)?);
                }
                Ok(CopyOutcome::Gone)
            }
            done => done,
        }
    }

    fn held(&self) -> Held<'_> {
        Held { share: &**self.to, folder: &self.folder }
    }

    fn create(&self) -> Result<Vec<Item>> {
        match self.to.create_folder(&self.folder) {
            // Another host was faster.
            Err(e) if e.kind() == ErrorKind::AlreadyExists => self.to.list(&self.folder),
            made => made.map(|()| Vec::new()),
        }
    }

    fn complete(
        &self,
        there: &[Item],
        has_cover: bool,
        moved: &mut dyn FnMut(u64),
        tick: &mut dyn FnMut() -> Result<()>,
    ) -> Result<CopyOutcome> {
        let delivery =
            Delivery { from: self.set, to: self.to, folder: &self.folder, read_back: self.read_back };
        let clear = self.clear_files()?;
        let listed = self.listed()?;
        let files = self.files(&listed, there, has_cover)?;
        let mut lengths: HashMap<&str, u64> = listed.iter().map(|(name, _, bytes)| (*name, *bytes)).collect();
        let (mut sent, mut linked) = (Amount::default(), Amount::default());
        let mut jobs = files.iter();
        worker_pool::run(
            IN_FLIGHT.min(files.len()),
            || Ok(Vec::new()),
            |buffer, file: &File<'_>| Ok((file.bytes, delivery.bring(file, buffer)?)),
            || Ok(jobs.next()),
            |(bytes, brought)| {
                match brought {
                    Brought::Sent => sent.add(bytes),
                    Brought::Linked => linked.add(bytes),
                    Brought::Present => {}
                }
                moved(bytes);
                Ok(())
            },
            &mut *tick,
        )?;
        let mut mended = false;
        for (name, content) in &clear {
            // A signature that is there is no worse than the one here, which somebody may have replaced since.
            let is_there = || there.iter().any(|item| item.name == *name);
            if has_cover && *name == SIGNATURE_NAME && !self.is_demanded && is_there() {
                continue;
            }
            lengths.insert(name, content.len() as u64);
            mended |= !there.iter().any(|item| item.name == *name && item.length == content.len() as u64);
            delivery.put(&delivery.path(name)?, content)?;
        }
        tick()?;
        let held = self.held();
        let is_kept =
            |name: &str| lengths.contains_key(name) || [COVER_SHEET, SIGNATURE_NAME].contains(&name);
        held.flush_and_check(&lengths, |name| !is_kept(name))?;
        if !has_cover {
            // The first share may have lost the set meanwhile; a copy of it is worth all the more.
            self.to.put(&delivery.path(COVER_SHEET)?, self.set.sheet())?;
            let sheet = HashMap::from([(COVER_SHEET, self.set.sheet().len() as u64)]);
            held.flush_and_check(&sheet, |name| !is_kept(name))?;
        }
        let is_new = !has_cover || sent.files + linked.files > 0 || mended;
        Ok(if is_new { CopyOutcome::Copied { sent, linked } } else { CopyOutcome::Present })
    }

    /// `SHA256SUMS` and the signature, if there is one.
    fn clear_files(&self) -> Result<Vec<Clear>> {
        let sums = self.clear(self.from, self.set.folder(), CHECKSUMS, MAX_CHECKSUMS)?;
        if Digest::of(&sums) != self.set.cover().sha256sums {
            let message = format!("{CHECKSUMS} is not the one that {COVER_SHEET} names any more");
            return Err(Error::new(ErrorKind::Damaged, message).in_set(self.set.cover().set));
        }
        let mut files = vec![(CHECKSUMS, sums)];
        if !self.set.is_missing(SIGNATURE_NAME) {
            files.push((
                SIGNATURE_NAME,
                self.clear(self.from, self.set.folder(), SIGNATURE_NAME, MAX_SIGNATURE)?,
            ));
        }
        Ok(files)
    }

    fn clear(
        &self,
        share: &Arc<dyn Share>,
        folder: &SharePath,
        name: &'static str,
        limit: u64,
    ) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let path = folder.join(Name::new(name)?);
        share.read(&path, limit, &mut bytes).map(|()| bytes)
    }

    /// Name, digest and length of each stored file at the first share.
    fn listed(&self) -> Result<Vec<(&str, &Digest, u64)>> {
        let damaged = |name: &str, what: &str| {
            Error::new(ErrorKind::Damaged, format!("{name} {what}")).in_set(self.set.cover().set)
        };
        let listed = self.set.sums().iter().map(|(name, digest)| {
            if !is_file_of_a_set(name) {
                return Err(damaged(name, "is in SHA256SUMS but is no file of a set"));
            }
            let bytes = self.set.length(name).ok_or_else(|| damaged(name, "is missing"))?;
            Ok((name.as_str(), digest, bytes))
        });
        listed.collect()
    }

    /// What the other share needs, and how it gets it. What has the right length in a complete set was compared when it was
    /// copied; verification tells whether it still is right.
    fn files<'f>(
        &self,
        listed: &[(&'f str, &Digest, u64)],
        there: &[Item],
        has_cover: bool,
    ) -> Result<Vec<File<'f>>> {
        let there: HashMap<&str, u64> = there.iter().map(|item| (item.name.as_str(), item.length)).collect();
        let missing = listed.iter().filter(|(name, ..)| !there.contains_key(name));
        let mut donors =
            self.donors.find([self.from, self.to], missing.map(|(_, digest, bytes)| (*digest, *bytes)))?;
        let mut files = Vec::new();
        for (name, digest, bytes) in listed {
            let way = match there.get(name) {
                Some(length) if length == bytes && has_cover && !self.read_back => continue,
                Some(_) => Way::Compare,
                None => donors.remove(*digest).map_or(Way::Send, Way::Link),
            };
            files.push(File { name, digest: **digest, bytes: *bytes, way });
        }
        Ok(files)
    }

    /// Whether the first share has this set no longer.
    fn is_gone(&self) -> Result<bool> {
        match self.from.list(self.set.folder()) {
            Ok(items) => Ok(!items.iter().any(|item| item.name == COVER_SHEET)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(true),
            Err(e) if e.scope() == Scope::Object => Ok(false),
            Err(e) => Err(e),
        }
    }
}
