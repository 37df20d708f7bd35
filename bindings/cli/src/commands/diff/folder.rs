//! Compares a set with a folder of this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use azs_backup::set::{Content, Digest, Entry, EntryPath};
use azs_backup::{Error, Opener, Result, Set};

use super::{Change, Difference, Entries};
use crate::output::invalid;

/// What is only in the folder is added, what is only in the set removed. What lies beside the sources is neither: nobody
/// asked for a backup of it.
pub(super) fn with(folder: &Path, set: &Arc<Set>, opener: &Arc<Opener>) -> Result<Vec<Difference>> {
    let entries = super::entries(set, opener)?;
    let sources: BTreeSet<&[u8]> = entries.keys().filter_map(|path| path.names().next()).collect();
    let mut found = BTreeMap::new();
    walk(folder, None, &|name| sources.contains(name), &mut found)?;
    if found.is_empty() && folder.file_name().is_some_and(|name| sources.contains(name.as_encoded_bytes())) {
        return Err(invalid(format_args!(
            "{0} is a source: --folder is the folder that holds it",
            folder.display()
        )));
    }
    let mut differences = Vec::new();
    for (path, entry) in &entries {
        let Some(place) = found.remove(path) else {
            differences.push(Difference { path: path.clone(), change: Change::Removed, what: Vec::new() });
            continue;
        };
        let what = what_differs(&entries, entry, &place, set, opener)
            .map_err(|error| error.doing("compare", place.display()))?;
        if !what.is_empty() {
            differences.push(Difference { path: path.clone(), change: Change::Changed, what });
        }
    }
    let added = found.into_keys().map(|path| Difference { path, change: Change::Added, what: Vec::new() });
    differences.extend(added);
    differences.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(differences)
}

/// Collects what is wanted of a folder and all below, by the path that it would have in the set.
fn walk(
    folder: &Path,
    path: Option<&EntryPath>,
    is_wanted: &dyn Fn(&[u8]) -> bool,
    found: &mut BTreeMap<EntryPath, PathBuf>,
) -> Result<()> {
    let failed = |e| Error::io(format_args!("list {}", folder.display()), e);
    for item in std::fs::read_dir(folder).map_err(failed)? {
        let item = item.map_err(failed)?;
        let name = item.file_name();
        let name = name.as_encoded_bytes();
        if !is_wanted(name) {
            continue;
        }
        let below = match path {
            Some(path) => path.join(name)?,
            None => EntryPath::new(name)?,
        };
        if item.file_type().map_err(failed)?.is_dir() {
            walk(&item.path(), Some(&below), &|_| true, found)?;
        }
        found.insert(below, item.path());
    }
    Ok(())
}

fn what_differs(
    entries: &Entries,
    entry: &Entry,
    place: &Path,
    set: &Set,
    opener: &Opener,
) -> Result<Vec<&'static str>> {
    let io = |e: io::Error| Error::io(format_args!("read {}", place.display()), e);
    let metadata = place.symlink_metadata().map_err(io)?;
    let mut what = Vec::new();
    match &entry.content {
        Content::Folder if metadata.is_dir() => {}
        Content::Symlink { target } if metadata.is_symlink() => {
            if std::fs::read_link(place).map_err(io)?.as_os_str().as_encoded_bytes() != target.as_bytes() {
                what.push("target");
            }
        }
        Content::Folder | Content::Symlink { .. } => what.push("kind"),
        _ if !metadata.is_file() => what.push("kind"),
        _ => {
            let size = first(entries, entry).map_or(entry.size(), Entry::size);
            if metadata.len() != size || !is_same(entries, entry, place, set, opener)? {
                what.push("content");
            }
        }
    }
    if !what.contains(&"kind") && !metadata.is_symlink() {
        // A hard link has the metadata of the file that it leads to.
        let of = first(entries, entry).filter(|_| matches!(entry.content, Content::HardLink { .. }));
        compare_metadata(of.unwrap_or(entry), &metadata, &mut what);
    }
    Ok(what)
}

/// The file that has the bytes of a link or a copy.
fn first<'a>(entries: &'a Entries, entry: &'a Entry) -> Option<&'a Entry> {
    match &entry.content {
        Content::HardLink { target } | Content::Copy { target, .. } => entries.get(target),
        _ => Some(entry),
    }
}

fn is_same(entries: &Entries, entry: &Entry, place: &Path, set: &Set, opener: &Opener) -> Result<bool> {
    // The set has it whole in one segment, so it fits into memory.
    if let Some(Entry { content: Content::File { sha256, .. }, .. }) = first(entries, entry) {
        let content =
            std::fs::read(place).map_err(|e| Error::io(format_args!("read {}", place.display()), e))?;
        return Ok(Digest::of(&content) == *sha256);
    }
    let file = File::open(place).map_err(|e| Error::io(format_args!("open {}", place.display()), e))?;
    // A large file has no digest of its own: its bytes are compared as they come out of the set.
    let mut compare = Compare { file, is_same: true };
    set.restore_stream(opener, &entry.path).to(&mut compare)?;
    Ok(compare.is_same)
}

/// Takes bytes, and compares them with those of a file.
struct Compare {
    file: File,
    is_same: bool,
}

impl io::Write for Compare {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut other = vec![0; bytes.len()];
        match self.file.read_exact(&mut other) {
            Ok(()) => self.is_same &= other == bytes,
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => self.is_same = false,
            Err(e) => return Err(e),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
fn compare_metadata(entry: &Entry, metadata: &Metadata, what: &mut Vec<&'static str>) {
    use std::os::unix::fs::MetadataExt;

    let wanted = &entry.metadata;
    if wanted.mode.is_some_and(|mode| mode != metadata.mode() & 0o7777) {
        what.push("mode");
    }
    compare_time(entry, metadata, what);
}

#[cfg(not(unix))]
fn compare_metadata(entry: &Entry, metadata: &Metadata, what: &mut Vec<&'static str>) {
    compare_time(entry, metadata, what);
}

fn compare_time(entry: &Entry, metadata: &Metadata, what: &mut Vec<&'static str>) {
    let found = metadata.modified().ok().and_then(|time| jiff::Timestamp::try_from(time).ok());
    let wanted = entry.metadata.mtime;
    let wanted = wanted.and_then(|time| jiff::Timestamp::new(time.seconds, time.nanoseconds as i32).ok());
    if wanted.is_some() && wanted != found {
        what.push("time");
    }
}
