//! Brings one stored file of a set to the other share, whole or not at all.

use std::sync::Arc;

use super::donors::Found;
use crate::envelope::MAX_MESSAGE;
use crate::error::{Error, ErrorKind, Result, Scope};
use crate::layout::{Name, SharePath};
use crate::set::{Digest, Set};
use crate::share::Share;

/// A stored file to bring.
pub(super) struct File<'a> {
    pub(super) name: &'a str,
    pub(super) digest: Digest,
    /// Its length at the first share, in bytes.
    pub(super) bytes: u64,
    pub(super) way: Way,
}

/// How the other share gets a file.
pub(super) enum Way {
    /// Something of this name is there. Find out whether it is this file.
    Compare,
    /// A set there holds the same file.
    Link(Found),
    /// From share to share.
    Send,
}

/// How the other share got a file.
#[derive(Clone, Copy)]
pub(super) enum Brought {
    Present,
    Linked,
    Sent,
}

/// From one set to the folder of its copy.
pub(super) struct Delivery<'a> {
    pub(super) from: &'a Set,
    pub(super) to: &'a Arc<dyn Share>,
    pub(super) folder: &'a SharePath,
    pub(super) read_back: bool,
}

impl Delivery<'_> {
    /// Brings a file. `buffer` is cleared, and holds the file meanwhile.
    pub(super) fn bring(&self, file: &File<'_>, buffer: &mut Vec<u8>) -> Result<Brought> {
        let path = self.path(file.name)?;
        match &file.way {
            Way::Compare if self.has(&path, file, buffer)? => return Ok(Brought::Present),
            Way::Link(found) if self.link(found, &path, file, buffer)? => return Ok(Brought::Linked),
            _ => {}
        }
        self.from.fetch(file.name, buffer)?;
        if Digest::of(buffer) != file.digest {
            let what = format!("{} is not what was written: its SHA-256 differs from SHA256SUMS", file.name);
            return Err(Error::new(ErrorKind::Damaged, what).in_set(self.from.cover().set));
        }
        self.put(&path, buffer)?;
        if self.has(&path, file, buffer)? {
            return Ok(Brought::Sent);
        }
        Err(Error::new(
            ErrorKind::Damaged,
            format!("the other share acknowledged {path} but returns something else; check that share"),
        ))
    }

    /// Puts a file of the copy. What else has its name is of no backup, since the set is not complete there.
    pub(super) fn put(&self, path: &SharePath, content: &[u8]) -> Result<()> {
        match self.to.put(path, content) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            done => return done,
        }
        let mut there = Vec::new();
        match self.to.read(path, content.len() as u64, &mut there) {
            Ok(()) if there == content => return Ok(()),
            Err(e) if e.scope() != Scope::Object => return Err(e),
            _ => {}
        }
        self.to.remove(path)?;
        self.to.put(path, content)
    }

    /// Whether the other share has this file under this path, by its digest.
    fn has(&self, path: &SharePath, file: &File<'_>, buffer: &mut Vec<u8>) -> Result<bool> {
        match self.to.read(path, MAX_MESSAGE as u64, buffer) {
            Ok(()) => Ok(Digest::of(buffer) == file.digest),
            Err(e) if e.scope() == Scope::Object => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Links the file at the other share, or has that share copy it. If neither works, it is to be sent.
    fn link(&self, found: &Found, path: &SharePath, file: &File<'_>, buffer: &mut Vec<u8>) -> Result<bool> {
        match self.to.link(&found.path, path).or_else(|_| self.to.copy(&found.path, path)) {
            Err(e) if e.scope() != Scope::Object => return Err(e),
            Err(_) => return Ok(false),
            Ok(()) => {}
        }
        let is_trusted = found.is_compared && !self.read_back && !self.is_due(file);
        if is_trusted || self.has(path, file, buffer)? {
            return Ok(true);
        }
        self.to.remove(path)?;
        Ok(false)
    }

    /// Whether to read a file back although it was compared when it was sent: disks change bytes that nobody looks at, and
    /// copy after copy would link what is damaged. The random number in the set's name says which seventh it is this time.
    fn is_due(&self, file: &File<'_>) -> bool {
        let chance = u64::from(self.from.cover().set.suffix());
        file.digest.front().wrapping_add(chance).is_multiple_of(RECHECK)
    }

    pub(super) fn path(&self, name: &str) -> Result<SharePath> {
        Ok(self.folder.join(Name::new(name)?))
    }
}

/// Each copy reads back one in so many files that it links, as a backup does by default.
const RECHECK: u64 = 7;
