//! The zip in a snapshot, read as a stream from its first byte to its last, with everything that can be compared
//! compared.
//!
//! The plaintext is a stream of any length, of which nothing may be kept, and zips lie in zips: whoever wants the central
//! directory first, as crates for zip do, needs random access to the plaintext of both. They also trust either the local
//! headers or the directory, where here the two must agree, because that is what shows a changed initialization vector. So
//! the records are read here, and only those that .NET's writer makes: entries one after the other from the first byte on,
//! then the directory in the same order, then its end. The content is inflated by `flate2`.

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader};

use super::finding::FindingKind;
use super::name::{is_repository, without};
use crate::layout::check_windows_name;

mod entry;
mod record;
#[cfg(test)]
mod tests;

pub(super) use entry::Content;
use record::{CENTRAL, Central, Counted, ENCRYPTED, END, END_64, Header, LOCAL, UTF_8};

type ZipResult<T> = Result<T, Fault>;

/// What ends the reading of a zip.
#[derive(Debug)]
pub(super) enum Fault {
    /// The zip is not as it should be.
    Zip(FindingKind, String),
    /// The stream ended for another reason.
    Io(io::Error),
}

impl Fault {
    fn new(kind: FindingKind, seen: impl Into<String>) -> Self {
        Self::Zip(kind, seen.into())
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Zip(_, seen) => f.write_str(seen),
            Self::Io(error) => error.fmt(f),
        }
    }
}

/// How much may come out of a snapshot, zips inside it included.
pub(super) struct Budget {
    entries: u32,
    bytes: u64,
}

impl Budget {
    /// For a snapshot of so many stored bytes.
    pub(super) fn new(stored: u64) -> Self {
        Self { entries: MOST_ENTRIES, bytes: stored.saturating_mul(RATIO).max(HARMLESS) }
    }

    /// For a zip inside: the same again, until [`spend`](Self::spend) counts what came out of it here.
    fn inside(&self) -> Self {
        Self { ..*self }
    }

    fn spend(&mut self, before: &Self, after: &Self) {
        self.bytes = self.bytes.saturating_sub(before.bytes - after.bytes);
        self.entries = self.entries.saturating_sub(before.entries - after.entries);
    }

    fn entry(&mut self) -> ZipResult<()> {
        let Some(left) = self.entries.checked_sub(1) else {
            return Err(Fault::new(
                FindingKind::ZipTooLarge,
                format!("it has more than {MOST_ENTRIES} files"),
            ));
        };
        self.entries = left;
        Ok(())
    }

    /// Takes bytes that came out of an entry, of which so many are there now from so many stored ones.
    fn take(&mut self, count: u64, size: u64, stored: u64) -> ZipResult<()> {
        let is_bomb = size > HARMLESS && size / RATIO > stored;
        match self.bytes.checked_sub(count).filter(|_| !is_bomb) {
            Some(left) => {
                self.bytes = left;
                Ok(())
            }
            None => {
                let seen = format!("it expands more than {RATIO} times: no backup does, so reading stopped");
                Err(Fault::new(FindingKind::ZipTooLarge, seen))
            }
        }
    }
}

/// What is asked to take the contents of a zip.
pub(super) trait Visitor {
    /// Receives a file, and may read of its content as much as it likes. Errors of the content are reported elsewhere.
    fn file(&mut self, path: &str, modified: [u16; 2], content: &mut Content<'_, '_>) -> io::Result<()>;

    /// Receives an empty folder.
    fn folder(&mut self, path: &str);

    /// Receives something that is not as it should be: the path in the zip, and what it is.
    fn found(&mut self, kind: FindingKind, path: &str, seen: &str);

    /// Whether to look into the zips of a composite repository, rather than to receive them as files.
    fn looks_into(&self) -> bool;
}

/// Whether this is the zip of a part of a composite repository. What else is in a backup may be any zip.
fn is_part(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or_default();
    let folder = folder.rsplit('/').next().unwrap_or_default();
    is_repository(folder) && without(name, ".zip").is_some()
}

/// Reads a zip to its end. What is wrong with single entries goes to the visitor; what ends the reading is the error.
pub(super) fn read(input: &mut dyn BufRead, budget: &mut Budget, visitor: &mut dyn Visitor) -> ZipResult<()> {
    Reader { prefix: "", depth: 1, entries: Vec::new(), names: HashSet::new(), folders: HashSet::new() }
        .read(input, budget, visitor)
}

struct Reader<'a> {
    /// The path of this zip in the outer one.
    prefix: &'a str,
    depth: u32,
    entries: Vec<Entry>,
    /// Digests of the names, in lower case.
    names: HashSet<u64>,
    /// The same of the folders above them.
    folders: HashSet<u64>,
}

impl Entry {
    /// Whether the directory may state a higher version: a writer raises it to that of 64 bits once it knows that the entry
    /// takes them, and leaves the local header as it was.
    fn is_raised_to(&self, header: &Header) -> bool {
        let is_large = [self.size, self.stored, self.offset].iter().any(|of| *of >= u64::from(u32::MAX));
        let before = if self.method == 0 { 10..=20 } else { 20..=20 };
        header.version == VERSION_64 && is_large && before.contains(&self.version)
    }
}

/// What is remembered of an entry, to compare it with the directory.
struct Entry {
    offset: u64,
    name: u64,
    version: u16,
    flags: u16,
    method: u16,
    modified: [u16; 2],
    crc: u32,
    stored: u64,
    size: u64,
}

impl Reader<'_> {
    fn read(
        mut self,
        input: &mut dyn BufRead,
        budget: &mut Budget,
        visitor: &mut dyn Visitor,
    ) -> ZipResult<()> {
        let mut input = Counted { inner: input, at: 0 };
        let mut signature = input.array::<4>()?;
        if ![LOCAL, END, END_64].contains(&signature) {
            let seen = "it does not begin as a zip does; perhaps its initialization vector, which the tag does not cover, was \
                        changed";
            return Err(Fault::new(FindingKind::ZipDamaged, seen));
        }
        while signature == LOCAL {
            budget.entry()?;
            self.entry(&mut input, budget, visitor)?;
            signature = input.array()?;
        }
        let directory_at = input.at - 4;
        let mut count = 0;
        while signature == CENTRAL {
            let central = record::central(&mut input)?;
            self.compare(count, &central, visitor)?;
            count += 1;
            signature = input.array()?;
        }
        let directory = input.at - 4 - directory_at;
        let end = record::end(&mut input, signature)?;
        if count != self.entries.len() {
            let seen = format!("it holds {} files, and its directory lists {count}", self.entries.len());
            return Err(Fault::new(FindingKind::ZipHeadersDisagree, seen));
        }
        if (end.entries, end.directory, end.offset) != (count as u64, directory, directory_at) {
            return Err(Fault::new(FindingKind::ZipHeadersDisagree, "its end does not fit its directory"));
        }
        Ok(())
    }

    fn entry(
        &mut self,
        input: &mut Counted<'_>,
        budget: &mut Budget,
        visitor: &mut dyn Visitor,
    ) -> ZipResult<()> {
        let offset = input.at - 4;
        let header = record::local(input)?;
        let path = path_of(&header);
        let shown = match &path {
            Ok(path) => format!("{}{path}", self.prefix),
            Err((path, _)) => format!("{}{path}", self.prefix),
        };
        if header.flags & ENCRYPTED != 0 {
            visitor.found(FindingKind::ZipUnsupported, &shown, "it is encrypted by zip's own means");
        }
        let folded = path.as_ref().map_or(&shown, |path| path).to_lowercase();
        let is_new = self.is_new(&folded)?;
        let is_usable = match &path {
            Err((_, why)) => {
                visitor.found(FindingKind::ZipNameUnsafe, &shown, why);
                false
            }
            Ok(_) if !is_new => {
                visitor.found(
                    FindingKind::ZipDuplicate,
                    &shown,
                    "another file has the same name or is a folder above it, letter case aside",
                );
                false
            }
            Ok(_) => header.flags & ENCRYPTED == 0,
        };
        let is_folder = shown.ends_with('/');
        let mut content = Content::new(input, &header, budget)?;
        // What the visitor does not read is read here, and so are the errors of the content: they show at its end.
        let visited = match is_usable && !is_folder {
            true if self.depth < DEEPEST && visitor.looks_into() && is_part(&shown) => {
                let inner = Reader {
                    prefix: &format!("{shown}{INSIDE}"),
                    depth: self.depth + 1,
                    entries: Vec::new(),
                    names: HashSet::new(),
                    folders: HashSet::new(),
                };
                let (before, mut left) = (content.budget().inside(), content.budget().inside());
                let read = {
                    let mut buffered = BufReader::with_capacity(BUFFER, &mut content);
                    inner.read(&mut buffered, &mut left, visitor)
                };
                content.budget().spend(&before, &left);
                match read {
                    Ok(()) => Ok(()),
                    Err(Fault::Io(error)) => Err(error),
                    Err(Fault::Zip(kind, seen)) => {
                        visitor.found(kind, &shown, &seen);
                        Ok(())
                    }
                }
            }
            true => visitor.file(&shown, header.modified, &mut content),
            false => {
                if is_usable {
                    visitor.folder(shown.trim_end_matches('/'));
                }
                Ok(())
            }
        };
        if let Err(error) = visited
            && !content.is_faulty()
        {
            return Err(Fault::Io(error));
        }
        let ended = match content.finish() {
            Ok(ended) => ended,
            // The stream is where the next entry begins.
            Err(Fault::Zip(kind @ FindingKind::ZipChecksumWrong, seen)) => {
                visitor.found(kind, &shown, &seen);
                self.remember(offset, &header, header.crc, header.stored, header.size);
                return Ok(());
            }
            Err(Fault::Zip(kind, seen)) => return Err(Fault::Zip(kind, format!("{shown}: {seen}"))),
            Err(fault) => return Err(fault),
        };
        if is_folder && ended.size > 0 {
            visitor.found(FindingKind::ZipSizeWrong, &shown, "it is a folder, and has content");
        }
        if !entry::behind(input, &header, &ended)? {
            visitor.found(FindingKind::ZipChecksumWrong, &shown, "its content has another checksum");
        }
        self.remember(offset, &header, ended.crc, ended.stored, ended.size);
        Ok(())
    }

    /// Notes a name, in lower case. Returns whether it is free: no other entry has it, and none is a file where the other
    /// needs a folder.
    fn is_new(&mut self, folded: &str) -> ZipResult<bool> {
        let is_folder = folded.ends_with('/');
        let name = folded.trim_end_matches('/');
        let ends = name.match_indices('/').map(|(at, _)| digest(&name.as_bytes()[..at]));
        let above: Vec<_> = ends.collect();
        let own = digest(name.as_bytes());
        let mut is_new = self.names.insert(own) && (is_folder || !self.folders.contains(&own));
        if is_folder {
            self.folders.insert(own);
        }
        for folder in above {
            // An entry of its own for the folder is no file.
            is_new &= self.folders.contains(&folder) || !self.names.contains(&folder);
            self.folders.insert(folder);
        }
        match self.folders.len() > MOST_ENTRIES as usize {
            true => {
                Err(Fault::new(FindingKind::ZipTooLarge, format!("it has more than {MOST_ENTRIES} folders")))
            }
            false => Ok(is_new),
        }
    }

    fn remember(&mut self, offset: u64, header: &Header, crc: u32, stored: u64, size: u64) {
        let Header { version, flags, method, modified, ref name, .. } = *header;
        let name = digest(name);
        self.entries.push(Entry { offset, name, version, flags, method, modified, crc, stored, size });
    }

    /// Compares an entry of the directory with the one that was read.
    fn compare(&self, at: usize, central: &Central, visitor: &mut dyn Visitor) -> ZipResult<()> {
        let header = &central.header;
        let shown = match path_of(header) {
            Ok(path) | Err((path, _)) => format!("{}{path}", self.prefix),
        };
        let Some(entry) = self.entries.get(at) else {
            return Err(Fault::new(
                FindingKind::ZipHeadersDisagree,
                "its directory lists more files than it holds",
            ));
        };
        let parts = [
            ("place", entry.offset == central.offset),
            ("name", entry.name == digest(&header.name)),
            ("version", entry.version == header.version || entry.is_raised_to(header)),
            ("flags", entry.flags == header.flags),
            ("method", entry.method == header.method),
            ("time", entry.modified == header.modified),
            ("checksum", entry.crc == header.crc),
            ("stored size", entry.stored == header.stored),
            ("size", entry.size == header.size),
        ];
        let wrong: Vec<_> = parts.iter().filter(|(_, fits)| !fits).map(|(what, _)| *what).collect();
        if !wrong.is_empty() {
            let seen = format!("the {} in its own header and in the directory differ", wrong.join(", "));
            visitor.found(FindingKind::ZipHeadersDisagree, &shown, &seen);
        }
        // Whatever system the entry says that it is from: programs look at the mode alone.
        let is_special = !matches!(central.attributes >> 16 & 0o170_000, 0 | 0o040_000 | 0o100_000);
        if is_special || central.attributes & REPARSE_POINT != 0 {
            visitor.found(FindingKind::ZipLink, &shown, "it is marked as a link or device");
        }
        Ok(())
    }
}

/// Reads the path of an entry: safe to join to a folder, with `/` between its names and, for a folder, at its end.
/// Returns it as well as possible if it is not safe, and why.
fn path_of(header: &Header) -> Result<String, (String, String)> {
    let is_text = header.flags & UTF_8 != 0 || header.name.is_ascii();
    let lossy = || super::finding::shown(&String::from_utf8_lossy(&header.name).replace('\\', "/"));
    let Some(text) = std::str::from_utf8(&header.name).ok().filter(|_| is_text) else {
        return Err((lossy(), "its name is not in Unicode".into()));
    };
    // Older versions of .NET write backslashes.
    let path = text.replace('\\', "/");
    let names = path.strip_suffix('/').unwrap_or(&path);
    if path.len() > LONGEST_PATH || names.split('/').count() > DEEPEST_PATH {
        return Err((lossy(), "its path is too long".into()));
    }
    for name in names.split('/') {
        if let Err(error) = check_windows_name(name) {
            return Err((lossy(), error.to_string()));
        }
    }
    Ok(path)
}

/// Digests a name, for comparing names of which not all can be kept: SipHash by a key that nobody can foresee.
fn digest(bytes: &[u8]) -> u64 {
    use std::hash::BuildHasher;
    use std::sync::LazyLock;

    static KEYS: LazyLock<std::hash::RandomState> = LazyLock::new(std::hash::RandomState::new);
    KEYS.hash_one(bytes)
}

/// Between the path of a zip and a path in it.
pub(super) const INSIDE: &str = " » ";
/// Zips in zips: a snapshot's own, and those of the parts of a composite repository.
const DEEPEST: u32 = 2;
const MOST_ENTRIES: u32 = 200_000;
const BUFFER: usize = 64 << 10;
/// Deflate cannot do more than 1032; a database of empty pages does not come near this.
const RATIO: u64 = 200;
/// So much may come out of whatever is stored.
const HARMLESS: u64 = 16 << 20;
const LONGEST_PATH: usize = 4096;
const DEEPEST_PATH: usize = 64;
/// The version for sizes of 64 bits.
const VERSION_64: u16 = 45;
/// `FILE_ATTRIBUTE_REPARSE_POINT`
const REPARSE_POINT: u32 = 0x400;
