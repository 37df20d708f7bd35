//! What a host remembers of one entry: enough to tell whether it changed, and where the set has it.

use crate::set::{Digest, EntryPath, Position};

/// An entry as the last run left it. Printed as a record of small numbers, since there may be millions.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in crate::backup) struct Node {
    pub(in crate::backup) kind: NodeKind,
    /// How far below its source: 0 for the source itself.
    pub(in crate::backup) depth: u32,
    /// Its own name; of a source, the whole path.
    pub(in crate::backup) name: Vec<u8>,
    pub(in crate::backup) stamp: Stamp,
    /// Whether the stamp can be trusted to change when the content does.
    pub(in crate::backup) is_settled: bool,
    /// The segment that has its header, and the bytes of tar there that are its own.
    pub(in crate::backup) at: Stretch,
    /// The first segment that may have an entry of this path: from there on tar may still have one.
    pub(in crate::backup) since: u32,
    /// The name that it has in tar, where that is not its path; else empty.
    pub(in crate::backup) stored_as: Vec<u8>,
    /// First half of the digest of a file's content.
    pub(in crate::backup) digest: [u8; 16],
    /// The file that a hard link or copy leads to; else empty.
    pub(in crate::backup) target: Vec<u8>,
    pub(in crate::backup) large: Option<Large>,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::backup) enum NodeKind {
    #[default]
    Folder,
    File,
    Symlink,
    HardLink,
    Copy,
    Large,
    /// Bytes that the caller gave.
    Memory,
    /// No entry any more; but tar still has one of this path in a segment of the set.
    Gone,
}

/// Bytes of tar in one segment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::backup) struct Stretch {
    pub(in crate::backup) segment: u32,
    pub(in crate::backup) length: u64,
}

/// What changes when a file does.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::backup) struct Stamp {
    pub(in crate::backup) size: u64,
    pub(in crate::backup) modified: (i64, u32),
    pub(in crate::backup) changed: (i64, u32),
    pub(in crate::backup) inode: u64,
}

/// What is remembered of a large file besides.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in crate::backup) struct Large {
    /// Where its header stands: names its blocks in tar.
    pub(in crate::backup) base: Position,
    /// Where its pieces stand.
    pub(in crate::backup) parts: Vec<Stretch>,
    /// Where the blocks stand that changed since it was stored whole.
    pub(in crate::backup) patches: Vec<Stretch>,
    /// Whether it has changed since then at all, if only its time.
    pub(in crate::backup) is_changed: bool,
    /// The number of the table of its blocks' digests, and that table's own digest; 0 for none.
    pub(in crate::backup) table: u32,
    pub(in crate::backup) table_digest: [u8; 16],
    pub(in crate::backup) mode: Option<u32>,
    pub(in crate::backup) uid: Option<u32>,
    pub(in crate::backup) gid: Option<u32>,
}

impl Node {
    /// Everything in tar that it stands on.
    pub(in crate::backup) fn stretches(&self) -> impl Iterator<Item = Stretch> {
        let more = self.large.iter().flat_map(|large| large.parts.iter().chain(&large.patches));
        std::iter::once(self.at).chain(more.copied())
    }

    /// Whether an extraction of tar leaves it as what it was, at its own path.
    pub(in crate::backup) fn is_folder(&self) -> bool {
        self.kind == NodeKind::Folder
    }

    /// Appends it, with its length before it.
    pub(in crate::backup) fn print(&self, out: &mut Vec<u8>) {
        let mut body = Vec::with_capacity(96);
        let b = &mut body;
        b.push(self.kind as u8);
        b.push(u8::from(self.is_settled));
        number(b, self.depth.into());
        bytes(b, &self.name);
        number(b, self.stamp.size);
        time(b, self.stamp.modified);
        time(b, self.stamp.changed);
        number(b, self.stamp.inode);
        stretch(b, self.at);
        number(b, self.since.into());
        bytes(b, &self.stored_as);
        match self.kind {
            NodeKind::File | NodeKind::Memory => b.extend_from_slice(&self.digest),
            NodeKind::HardLink | NodeKind::Copy => bytes(b, &self.target),
            NodeKind::Large => {
                let large = self.large.clone().unwrap_or_default();
                number(b, large.base.segment.into());
                number(b, large.base.offset);
                for list in [&large.parts, &large.patches] {
                    number(b, list.len() as u64);
                    list.iter().for_each(|one| stretch(b, *one));
                }
                b.push(u8::from(large.is_changed));
                number(b, large.table.into());
                b.extend_from_slice(&large.table_digest);
                for id in [large.mode, large.uid, large.gid] {
                    number(b, id.map_or(0, |id| u64::from(id) + 1));
                }
            }
            _ => {}
        }
        number(out, body.len() as u64);
        out.extend_from_slice(&body);
    }

    /// Reads one from the start of `bytes` into this one; says how many bytes it took, or nothing where there is none.
    pub(in crate::backup) fn parse(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut input = Input(bytes);
        let length = usize::try_from(input.number()?).ok()?;
        let taken = (bytes.len() - input.0.len()).checked_add(length)?;
        let mut input = Input(input.0.get(..length)?);
        self.kind = match input.byte()? {
            0 => NodeKind::Folder,
            1 => NodeKind::File,
            2 => NodeKind::Symlink,
            3 => NodeKind::HardLink,
            4 => NodeKind::Copy,
            5 => NodeKind::Large,
            6 => NodeKind::Memory,
            7 => NodeKind::Gone,
            _ => return None,
        };
        self.is_settled = input.byte()? == 1;
        self.depth = input.small()?;
        input.bytes(&mut self.name)?;
        self.stamp.size = input.number()?;
        self.stamp.modified = input.time()?;
        self.stamp.changed = input.time()?;
        self.stamp.inode = input.number()?;
        self.at = input.stretch()?;
        self.since = input.small()?;
        input.bytes(&mut self.stored_as)?;
        self.target.clear();
        self.large = None;
        match self.kind {
            NodeKind::File | NodeKind::Memory => self.digest = input.array()?,
            NodeKind::HardLink | NodeKind::Copy => input.bytes(&mut self.target)?,
            NodeKind::Large => self.large = Some(input.large()?),
            _ => {}
        }
        input.0.is_empty().then_some(taken)
    }
}

impl NodeKind {
    /// Whether it has content of its own.
    pub(in crate::backup) fn is_file(self) -> bool {
        matches!(self, NodeKind::File | NodeKind::Large | NodeKind::Copy | NodeKind::Memory)
    }
}

/// First half of a digest: enough to know a content again.
pub(in crate::backup) fn short(digest: &Digest) -> [u8; 16] {
    digest.as_bytes()[..16].try_into().expect("SHA-256 has 32 bytes")
}

/// The last name of a path, or all of it for a source.
pub(in crate::backup) fn own_name(path: &EntryPath, depth: u32) -> Vec<u8> {
    if depth == 0 {
        return path.as_bytes().to_vec();
    }
    path.names().next_back().unwrap_or_default().to_vec()
}

/// Seven bits a byte, the lowest first.
pub(super) fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn time(out: &mut Vec<u8>, (seconds, nanoseconds): (i64, u32)) {
    number(out, (seconds << 1 ^ seconds >> 63).cast_unsigned());
    number(out, nanoseconds.into());
}

fn stretch(out: &mut Vec<u8>, stretch: Stretch) {
    number(out, stretch.segment.into());
    number(out, stretch.length);
}

pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return None;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn small(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    pub(super) fn bytes(&mut self, into: &mut Vec<u8>) -> Option<()> {
        let length = usize::try_from(self.number()?).ok()?;
        let (first, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        into.clear();
        into.extend_from_slice(first);
        Some(())
    }

    fn array(&mut self) -> Option<[u8; 16]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    fn time(&mut self) -> Option<(i64, u32)> {
        let zigzag = self.number()?;
        Some(((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed(), self.small()?))
    }

    fn stretch(&mut self) -> Option<Stretch> {
        Some(Stretch { segment: self.small()?, length: self.number()? })
    }

    fn large(&mut self) -> Option<Large> {
        let base = Position { segment: self.small()?, offset: self.number()? };
        let mut lists = [Vec::new(), Vec::new()];
        for list in &mut lists {
            for _ in 0..self.number()? {
                list.push(self.stretch()?);
            }
        }
        let [parts, patches] = lists;
        let is_changed = self.byte()? == 1;
        let (table, table_digest) = (self.small()?, self.array()?);
        let mut id = || self.number()?.checked_sub(1).map(u32::try_from).transpose().ok();
        let (mode, uid, gid) = (id()?, id()?, id()?);
        Some(Large { base, parts, patches, is_changed, table, table_digest, mode, uid, gid })
    }
}
