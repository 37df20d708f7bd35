//! Links the files of earlier sets into the new one before anything is read, except what is too worn (here), too old
//! (`history`) or damaged.
//!
//! Once they are linked, nothing that happens to the earlier sets affects this one.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::{SignedDuration, Timestamp};

use super::history::History;
use super::report::Reuse;
use super::run::Earlier;
use super::state::tree::TreeReader;
use super::state::{IndexPiece, Manifest, State};
use super::{finish, packer};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Name, Place, SetName, SharePath};
use crate::set::index::piece_number;
use crate::set::record::StoredFile;
use crate::set::writer::SetWriter;
use crate::share::{ItemKind, Share};
use crate::worker_pool;

/// The earlier set that a run builds on; a full set builds on none.
#[derive(Default)]
pub(super) struct ReusedSet {
    pub(super) tree: Option<TreeReader>,
    /// What the new set has of it.
    pub(super) stored: Earlier,
    pub(super) history: History,
    /// Sets that may contain these files, the last one at the end.
    pub(super) sets: Vec<SetName>,
}

/// How a run takes over files.
pub(super) struct ReuseRules<'a> {
    pub(super) share: &'a Arc<dyn Share>,
    pub(super) place: &'a Place,
    pub(super) recipients: &'a BTreeSet<String>,
    /// Stored files known to be damaged.
    pub(super) distrusted: &'a HashSet<String>,
    /// Each file that is taken over is read back at least once in this many runs; 0 means never.
    pub(super) recheck: u32,
    /// Segments older than this are stored again.
    pub(super) renew_after: Option<SignedDuration>,
    pub(super) now: Timestamp,
    pub(super) segment_size: usize,
}

/// Finds the newest earlier set that still exists. If there is none, returns the reason for a full set.
pub(super) fn find(
    rules: &ReuseRules<'_>,
    manifest: &Manifest,
) -> Result<std::result::Result<SharePath, String>> {
    // A set holds what all of its certificates open, and nobody else does: a certificate that was taken out opens nothing
    // that is stored from then on.
    if *rules.recipients != manifest.recipients {
        return Ok(Err("the certificates differ from those of the last set".into()));
    }
    if manifest.pieces.iter().filter(|piece| !finish::is_full(piece)).count() > MAX_SMALL_PIECES {
        return Ok(Err("its index is in too many pieces, which the share does not let go".into()));
    }
    if manifest.next_segment > MAX_NUMBER || manifest.next_piece > MAX_NUMBER {
        return Ok(Err("its file numbers are nearly exhausted".into()));
    }
    let listing = match rules.share.list(&rules.place.folder()) {
        Err(e) if e.kind() == ErrorKind::NotFound => Vec::new(),
        listing => listing?,
    };
    let there: HashSet<&str> =
        listing.iter().filter(|item| item.kind == ItemKind::Folder).map(|item| &*item.name).collect();
    let newest = manifest.sets.iter().rev().find(|set| there.contains(&*set.to_string()));
    Ok(newest
        .map(|set| rules.place.set_folder(set))
        .ok_or_else(|| "no earlier set that this host knows is on the share".into()))
}

/// Takes over what is worth it. If the share provides nothing, returns the reason.
pub(super) fn take(
    rules: &ReuseRules<'_>,
    writer: &SetWriter,
    state: &State,
    (manifest, tree): (Manifest, TreeReader),
    folder: &SharePath,
    reuse: &mut Reuse,
    tick: impl FnMut() -> Result<()>,
) -> Result<std::result::Result<ReusedSet, String>> {
    let there: HashMap<String, u64> = match rules.share.list(folder) {
        Ok(items) => items.into_iter().map(|item| (item.name, item.length)).collect(),
        // Just deleted by hand.
        Err(e) if e.kind() == ErrorKind::NotFound => HashMap::new(),
        Err(e) => return Err(e),
    };
    let mut worn = worn(&manifest.segments, &manifest.whole, rules.segment_size);
    if let Some(age) = rules.renew_after {
        worn.extend(manifest.history.aged(&manifest.segments, age, rules.now));
    }
    let mut wanted = Vec::new();
    for file in manifest.segments.iter().filter(|file| !worn.contains(&file.number)) {
        match there.get(&file.name) {
            Some(length) if *length == file.length && !rules.distrusted.contains(&file.name) => {
                wanted.push(file.clone());
            }
            _ => reuse.rewritten.push(file.name.clone()),
        }
    }
    let wanted_segments = wanted.len();
    let pieces = manifest.pieces.iter().map(|piece| &piece.file);
    wanted.extend(pieces.filter(|file| there.get(&file.name) == Some(&file.length)).cloned());

    let mut history = History::default();
    let taken = bring(rules, writer, folder, &wanted, (&manifest.history, &mut history), reuse, tick)?;
    let segments: HashMap<u32, StoredFile> = manifest
        .segments
        .iter()
        .filter(|file| taken.contains(&file.name))
        .map(|file| (file.number, file.clone()))
        .collect();
    if segments.is_empty() && !manifest.segments.is_empty() {
        taken.iter().for_each(|name| _ = writer.remove(name));
        (reuse.linked, reuse.copied) = Default::default();
        return Ok(Err(if wanted_segments == 0 {
            "the last set's files are not on the share any more".into()
        } else if !reuse.damaged.is_empty() {
            "what the share has of the last one is damaged".into()
        } else {
            "the share makes neither hard links nor copies".into()
        }));
    }
    let mut previous = Vec::with_capacity(manifest.pieces.len());
    for piece in manifest.pieces {
        if taken.contains(&piece.file.name) {
            previous.push(piece);
            continue;
        }
        // This host has its text.
        reuse.rewritten.push(piece.file.name.clone());
        let mut buffer = vec![0; writer.head_room()];
        match state.piece(&piece) {
            Ok(text) => buffer.extend_from_slice(&text),
            Err(error) => {
                taken.iter().for_each(|name| _ = writer.remove(name));
                (reuse.linked, reuse.copied) = Default::default();
                return Ok(Err(format!("part of its index is lost: {error}")));
            }
        }
        let IndexPiece { file, records, text } = piece;
        let stored = writer.store(file.name, file.number, file.content_length, &mut buffer)?;
        reuse.stored.add(stored.length);
        previous.push(IndexPiece {
            file: StoredFile { supersedes: file.supersedes, ..stored },
            records,
            text,
        });
    }
    let stored = Earlier {
        whole: manifest.whole.iter().copied().filter(|number| segments.contains_key(number)).collect(),
        segments,
        pieces: previous,
        next_segment: manifest.next_segment,
        next_piece: manifest.next_piece,
        next_table: manifest.next_table,
    };
    Ok(Ok(ReusedSet { tree: Some(tree), stored, history, sets: manifest.sets }))
}

/// Links or copies files into the new set; returns the names of those that exist in the end.
fn bring(
    rules: &ReuseRules<'_>,
    writer: &SetWriter,
    folder: &SharePath,
    wanted: &[StoredFile],
    (before, history): (&History, &mut History),
    reuse: &mut Reuse,
    mut tick: impl FnMut() -> Result<()>,
) -> Result<HashSet<String>> {
    let ways = Capabilities { links: AtomicBool::new(true), copies: AtomicBool::new(true) };
    let mut files = wanted.iter();
    let mut brought = HashMap::new();
    let mut take = |(file, how): (&StoredFile, Transfer)| {
        if how != Transfer::No {
            brought.insert(file.name.clone(), how);
        }
        Ok(())
    };
    // Start with one file: it shows what the share can do.
    if let Some(first) = files.next() {
        take((first, ways.bring(rules, writer, folder, first)?))?;
    }
    worker_pool::run(
        IN_FLIGHT.min(wanted.len()),
        || Ok(()),
        |(), file: &StoredFile| Ok((file, ways.bring(rules, writer, folder, file)?)),
        || Ok(files.next()),
        take,
        &mut tick,
    )?;
    // A share may say yes without having done it.
    let listing = rules.share.list(writer.folder())?;
    let there: HashMap<&str, u64> = listing.iter().map(|item| (&*item.name, item.length)).collect();
    let is_there = |file: &&StoredFile| there.get(&*file.name) == Some(&file.length);
    let whole: Vec<_> =
        wanted.iter().filter(|file| brought.contains_key(&file.name)).filter(is_there).cloned().collect();
    let mut due = before.due(&whole, rules.recheck);
    // Without one of these the whole set is lost, not a segment; and they are small.
    let pieces = whole.iter().filter(|file| rules.recheck > 0 && piece_number(&file.name).is_some());
    due.extend(pieces.filter(|piece| !due.iter().any(|file| file.name == piece.name)).collect::<Vec<_>>());
    let sound = read_back(writer, due, reuse, &mut tick)?;
    let mut taken = HashSet::new();
    for file in wanted {
        let Some(how) = brought.get(&file.name) else { continue };
        if is_there(&file) && sound.get(&*file.name) != Some(&false) {
            if *how == Transfer::Linked { &mut reuse.linked } else { &mut reuse.copied }.add(file.length);
            history.linked(&file.name, before, sound.contains_key(&*file.name), rules.now);
            taken.insert(file.name.clone());
        } else {
            writer.remove(&file.name);
            reuse.rewritten.push(file.name.clone());
        }
    }
    Ok(taken)
}

/// Reads files of the new set back; tells which are as they were stored.
fn read_back(
    writer: &SetWriter,
    files: Vec<&StoredFile>,
    reuse: &mut Reuse,
    tick: &mut dyn FnMut() -> Result<()>,
) -> Result<HashMap<String, bool>> {
    let mut sound = HashMap::new();
    let mut left = files.into_iter();
    worker_pool::run(
        READERS,
        || Ok(Vec::new()),
        |buffer, file: &StoredFile| Ok((file, writer.is_sound(&file.name, file, buffer)?)),
        || Ok(left.next()),
        |(file, is_sound)| {
            reuse.checked.add(file.length);
            if !is_sound {
                reuse.damaged.push(file.name.clone());
            }
            sound.insert(file.name.clone(), is_sound);
            Ok(())
        },
        tick,
    )?;
    reuse.damaged.sort_unstable();
    Ok(sound)
}

/// What the share can do, as far as it is known.
struct Capabilities {
    links: AtomicBool,
    copies: AtomicBool,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Transfer {
    Linked,
    Copied,
    No,
}

impl Capabilities {
    fn bring(
        &self,
        rules: &ReuseRules<'_>,
        writer: &SetWriter,
        folder: &SharePath,
        file: &StoredFile,
    ) -> Result<Transfer> {
        let from = folder.join(Name::new(file.name.as_str())?);
        let share = rules.share;
        let mut has_failed = false;
        if self.links.load(Ordering::Relaxed) {
            match writer.adopt(&file.name, |to| share.link(&from, to)) {
                Ok(()) => return Ok(Transfer::Linked),
                Err(e) if is_gone(&e) => return Ok(Transfer::No),
                Err(e) if e.kind() == ErrorKind::Unsupported => self.links.store(false, Ordering::Relaxed),
                // This file has as many names as it may, or the account may not link: a copy starts again with one
                // name.
                Err(_) => has_failed = true,
            }
        }
        if self.copies.load(Ordering::Relaxed) {
            match writer.adopt(&file.name, |to| share.copy(&from, to)) {
                Ok(()) => return Ok(Transfer::Copied),
                Err(e) if e.kind() == ErrorKind::Unsupported => self.copies.store(false, Ordering::Relaxed),
                Err(e) if e.kind() == ErrorKind::OutOfCapacity => return Err(e),
                Err(_) => has_failed = true,
            }
        }
        // A failed call may have succeeded all the same, and left something that is not of the set.
        if has_failed {
            writer.remove(&file.name);
        }
        Ok(Transfer::No)
    }
}

fn is_gone(error: &Error) -> bool {
    error.kind() == ErrorKind::NotFound
}

/// Segments not worth linking: what still counts in them is stored again.
///
/// So a set stores less than one and a half times what it holds, and the number of small segments is bounded. A segment
/// whose content makes it full is not small, however far that was compressed: stored again, it would be the same.
fn worn(segments: &[StoredFile], whole: &BTreeSet<u32>, segment_size: usize) -> HashSet<u32> {
    let mut worn = HashSet::new();
    let live: u64 = segments.iter().map(|file| file.live_length).sum();
    let all: u64 = segments.iter().map(|file| file.content_length).sum();
    let mut dead = all.saturating_sub(live);
    let ratio = |file: &&StoredFile| file.live_length.saturating_mul(1000) / file.content_length.max(1);
    let mut by_wear: Vec<_> = segments.iter().collect();
    by_wear.sort_by_key(ratio);
    for file in by_wear {
        if dead <= live / 2 + SLACK {
            break;
        }
        dead -= file.content_length - file.live_length.min(file.content_length);
        worn.insert(file.number);
    }
    let is_small = |file: &&StoredFile| {
        file.length < segment_size as u64 / 8
            && file.content_length < packer::MAX_CONTENT / 8
            && !worn.contains(&file.number)
            && !whole.contains(&file.number)
    };
    let mut small: Vec<_> = segments.iter().filter(is_small).collect();
    if small.len() > MAX_SMALL {
        small.sort_by_key(|file| file.length);
        worn.extend(small.iter().take(MAX_SMALL * 3 / 4).map(|file| file.number));
    }
    worn
}

/// Unused bytes of content that a set may hold, whatever its size.
const SLACK: u64 = 1 << 20;
/// Most segments smaller than an eighth of the usual size; with more, some are combined.
const MAX_SMALL: usize = 64;
/// Most index pieces that could be combined: each of their lines is read again and again, and each is a file to take over.
const MAX_SMALL_PIECES: usize = 64;
/// Links that are made at once: each is a few round trips and no work.
const IN_FLIGHT: usize = 8;
/// Files that are read back at once: each is held in memory.
const READERS: usize = 2;
/// Numbers of segments and index pieces have six digits: this leaves some for this run.
const MAX_NUMBER: u32 = 500_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::set::Digest;

    fn segment(number: u32, length: u64, content_length: u64) -> StoredFile {
        StoredFile {
            number,
            name: number.to_string(),
            length,
            sha256: Digest::of(b""),
            tag: [0; 16],
            content_length,
            live_length: content_length,
            supersedes: false,
        }
    }

    #[test]
    fn small_segments_are_combined_and_full_ones_stay_however_far_they_were_compressed() {
        let of = |length, content_length| -> Vec<_> {
            (0..200).map(|number| segment(number, length, content_length)).collect()
        };
        let worn = |segments: &[StoredFile]| super::worn(segments, &BTreeSet::new(), 12 << 20).len();
        assert_eq!(worn(&of(100 << 10, 500 << 10)), MAX_SMALL * 3 / 4);
        assert_eq!(worn(&of(100 << 10, packer::MAX_CONTENT - (1 << 10))), 0);
        assert_eq!(worn(&of(12 << 20, 30 << 20)), 0);
    }
}
