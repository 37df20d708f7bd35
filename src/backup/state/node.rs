//! What a host remembers about one entry: enough to tell whether it changed, and where the set has it.

use crate::set::extents::Extent;
use crate::set::{Digest, EntryPath, archive};

/// An entry as the last run left it. It prints as a record of small numbers, because there may be millions.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in crate::backup) struct Node {
    pub(in crate::backup) kind: NodeKind,
    /// Depth below its source: 0 for the source itself.
    pub(in crate::backup) depth: u32,
    /// Its own name; for a source, the whole path.
    pub(in crate::backup) name: Vec<u8>,
    pub(in crate::backup) stamp: Stamp,
    /// Whether the stamp is sure to change when the content does.
    pub(in crate::backup) is_settled: bool,
    /// Its header in tar; for a file that is not large, including content and padding.
    pub(in crate::backup) at: Extent,
    /// First half of the digest of a file's content.
    pub(in crate::backup) digest: [u8; 16],
    /// The file that a hard link or copy leads to; otherwise empty.
    pub(in crate::backup) target: Vec<u8>,
    /// For a copy, the content of the original, including padding.
    pub(in crate::backup) content: Vec<Extent>,
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
    /// Bytes from the caller.
    Memory,
}

/// What changes when a file does.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::backup) struct Stamp {
    pub(in crate::backup) size: u64,
    pub(in crate::backup) modified: (i64, u32),
    pub(in crate::backup) changed: (i64, u32),
    pub(in crate::backup) inode: u64,
}

/// What else is remembered about a large file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in crate::backup) struct Large {
    /// The header of the file as it was stored whole.
    pub(in crate::backup) base: Extent,
    /// Its content as it was stored whole, including padding.
    pub(in crate::backup) parts: Vec<Extent>,
    /// Bytes of the blocks that have changed since, by segment; the table has their offsets.
    pub(in crate::backup) patches: Vec<Extent>,
    /// Whether it has changed since, even if only its time.
    pub(in crate::backup) is_changed: bool,
    /// The number of the table of its blocks' digests, and that table's own digest; 0 for none.
    pub(in crate::backup) table: u32,
    pub(in crate::backup) table_digest: [u8; 16],
}

impl Node {
    /// Returns everything in segments that the index lists for it.
    pub(in crate::backup) fn extents(&self) -> impl Iterator<Item = Extent> {
        let base = self.large.iter().filter(|large| large.is_changed).map(|large| &large.base);
        let more = self.large.iter().flat_map(|large| large.parts.iter().chain(&large.patches));
        std::iter::once(&self.at).chain(base).chain(more).copied()
    }

    /// Returns the content of a file that did not change in part, including padding.
    pub(in crate::backup) fn whole_content(&self) -> Vec<Extent> {
        match (&self.large, self.kind) {
            (Some(large), _) if !large.is_changed => large.parts.clone(),
            (None, NodeKind::Copy) => self.content.clone(),
            (None, NodeKind::File | NodeKind::Memory) => {
                let content = self.stamp.size + archive::padding(self.stamp.size);
                let header = self.at.length.saturating_sub(content);
                self.at.part(header, content).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Appends it, preceded by its length.
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
        extent(b, self.at);
        match self.kind {
            NodeKind::File | NodeKind::Memory => b.extend_from_slice(&self.digest),
            NodeKind::HardLink => bytes(b, &self.target),
            NodeKind::Copy => {
                bytes(b, &self.target);
                extents(b, &self.content);
            }
            NodeKind::Large => {
                let large = self.large.clone().unwrap_or_default();
                extent(b, large.base);
                extents(b, &large.parts);
                extents(b, &large.patches);
                b.push(u8::from(large.is_changed));
                number(b, large.table.into());
                b.extend_from_slice(&large.table_digest);
            }
            _ => {}
        }
        number(out, body.len() as u64);
        out.extend_from_slice(&body);
    }

    /// Parses a node from the start of `bytes` into this one; returns how many bytes it took, or `None` if there is
    /// none.
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
            _ => return None,
        };
        self.is_settled = input.byte()? == 1;
        self.depth = input.small()?;
        input.bytes(&mut self.name)?;
        self.stamp.size = input.number()?;
        self.stamp.modified = input.time()?;
        self.stamp.changed = input.time()?;
        self.stamp.inode = input.number()?;
        self.at = input.extent()?;
        self.target.clear();
        self.content.clear();
        self.large = None;
        match self.kind {
            NodeKind::File | NodeKind::Memory => self.digest = input.array()?,
            NodeKind::HardLink => input.bytes(&mut self.target)?,
            NodeKind::Copy => {
                input.bytes(&mut self.target)?;
                self.content = input.extents()?;
            }
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

/// Returns the first half of a digest: enough to recognise a content.
pub(in crate::backup) fn short(digest: &Digest) -> [u8; 16] {
    digest.as_bytes()[..16].try_into().expect("SHA-256 has 32 bytes")
}

/// Returns the last name of a path, or all of it for a source.
pub(in crate::backup) fn own_name(path: &EntryPath, depth: u32) -> Vec<u8> {
    if depth == 0 {
        return path.as_bytes().to_vec();
    }
    path.names().next_back().unwrap_or_default().to_vec()
}

/// Appends a number, seven bits per byte, lowest first.
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

fn extent(out: &mut Vec<u8>, extent: Extent) {
    number(out, extent.segment.into());
    number(out, extent.offset);
    number(out, extent.length);
}

fn extents(out: &mut Vec<u8>, list: &[Extent]) {
    number(out, list.len() as u64);
    list.iter().for_each(|one| extent(out, *one));
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

    fn extent(&mut self) -> Option<Extent> {
        Some(Extent { segment: self.small()?, offset: self.number()?, length: self.number()? })
    }

    fn extents(&mut self) -> Option<Vec<Extent>> {
        let mut list = Vec::new();
        for _ in 0..self.number()? {
            list.push(self.extent()?);
        }
        Some(list)
    }

    fn large(&mut self) -> Option<Large> {
        let (base, parts, patches) = (self.extent()?, self.extents()?, self.extents()?);
        let is_changed = self.byte()? == 1;
        let (table, table_digest) = (self.small()?, self.array()?);
        Some(Large { base, parts, patches, is_changed, table, table_digest })
    }
}
