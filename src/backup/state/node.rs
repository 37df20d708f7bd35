//! What a host remembers about one entry: enough to tell whether it changed, and where the set has it.

use super::table::TableFile;
use crate::set::extents::Extent;
use crate::set::{Digest, EntryPath};

/// An entry as the last run left it. It prints as a record of small numbers, because there may be millions.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in crate::backup) struct Node {
    /// Depth below its source: 0 for the source itself.
    pub(in crate::backup) depth: u32,
    /// Its own name; for a source, the whole path.
    pub(in crate::backup) name: Vec<u8>,
    pub(in crate::backup) stamp: Stamp,
    /// Whether the stamp is sure to change when the content does.
    pub(in crate::backup) is_stamp_reliable: bool,
    /// Its header in tar; for a file that is not large, including content and padding.
    pub(in crate::backup) at: Extent,
    pub(in crate::backup) content: NodeContent,
}

/// What an entry is, and what is remembered about entries of its kind.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in crate::backup) enum NodeContent {
    #[default]
    Folder,
    /// With the first half of the digest of its content.
    File {
        digest: [u8; 16],
    },
    /// Bytes from the caller.
    Memory {
        digest: [u8; 16],
    },
    Symlink,
    /// With the file that it leads to.
    HardLink {
        target: Vec<u8>,
    },
    /// With the original, and where that has its content, including padding.
    Copy {
        target: Vec<u8>,
        content: Vec<Extent>,
    },
    Large(Large),
}

/// What changes when a file does.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::backup) struct Stamp {
    pub(in crate::backup) size: u64,
    pub(in crate::backup) modified: (i64, u32),
    pub(in crate::backup) changed: (i64, u32),
    pub(in crate::backup) inode: u64,
}

/// What is remembered about a large file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in crate::backup) struct Large {
    /// Its content as it was stored whole, including padding.
    pub(in crate::backup) parts: Vec<Extent>,
    /// Set if it has changed since, even if only its time.
    pub(in crate::backup) changed: Option<Changed>,
    /// The table of its blocks, if there is one.
    pub(in crate::backup) table: Option<TableFile>,
}

/// A large file that has changed since it was stored whole.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in crate::backup) struct Changed {
    /// The header of the file as it was stored whole.
    pub(in crate::backup) base: Extent,
    /// Bytes of the blocks that have changed, by segment; the table has their offsets.
    pub(in crate::backup) patches: Vec<Extent>,
}

impl Node {
    /// Returns everything in segments that the index lists for it.
    pub(in crate::backup) fn extents(&self) -> impl Iterator<Item = Extent> {
        let large = self.large();
        let changed = large.and_then(|large| large.changed.as_ref());
        let parts = large.into_iter().flat_map(|large| &large.parts);
        let more =
            changed.into_iter().flat_map(|changed| std::iter::once(&changed.base).chain(&changed.patches));
        std::iter::once(&self.at).chain(more).chain(parts).copied()
    }

    pub(in crate::backup) fn large(&self) -> Option<&Large> {
        if let NodeContent::Large(large) = &self.content { Some(large) } else { None }
    }

    /// The file that a hard link or copy leads to.
    pub(in crate::backup) fn target(&self) -> Option<&[u8]> {
        match &self.content {
            NodeContent::HardLink { target } | NodeContent::Copy { target, .. } => Some(target),
            _ => None,
        }
    }

    /// First half of the digest of a small file's content.
    pub(in crate::backup) fn digest(&self) -> Option<[u8; 16]> {
        match self.content {
            NodeContent::File { digest } | NodeContent::Memory { digest } => Some(digest),
            _ => None,
        }
    }

    /// The header of a large file as it was stored whole.
    pub(in crate::backup) fn base(&self) -> Extent {
        self.large().and_then(|large| large.changed.as_ref()).map_or(self.at, |changed| changed.base)
    }

    /// Appends it, preceded by its length.
    pub(in crate::backup) fn print(&self, out: &mut Vec<u8>) {
        let mut body = Vec::with_capacity(96);
        let b = &mut body;
        b.push(self.content.code());
        b.push(u8::from(self.is_stamp_reliable));
        number(b, self.depth.into());
        bytes(b, &self.name);
        number(b, self.stamp.size);
        time(b, self.stamp.modified);
        time(b, self.stamp.changed);
        number(b, self.stamp.inode);
        extent(b, self.at);
        match &self.content {
            NodeContent::Folder | NodeContent::Symlink => {}
            NodeContent::File { digest } | NodeContent::Memory { digest } => b.extend_from_slice(digest),
            NodeContent::HardLink { target } => bytes(b, target),
            NodeContent::Copy { target, content } => {
                bytes(b, target);
                extents(b, content);
            }
            NodeContent::Large(large) => {
                extent(b, self.base());
                extents(b, &large.parts);
                extents(b, large.changed.as_ref().map_or(&[], |changed| &changed.patches));
                b.push(u8::from(large.changed.is_some()));
                // No table has the number 0.
                let (table, digest) =
                    large.table.as_ref().map_or((0, [0; 16]), |table| (table.number, table.digest));
                number(b, table.into());
                b.extend_from_slice(&digest);
            }
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
        let code = input.byte()?;
        self.is_stamp_reliable = input.byte()? == 1;
        self.depth = input.small()?;
        input.bytes(&mut self.name)?;
        self.stamp.size = input.number()?;
        self.stamp.modified = input.time()?;
        self.stamp.changed = input.time()?;
        self.stamp.inode = input.number()?;
        self.at = input.extent()?;
        self.content = match code {
            0 => NodeContent::Folder,
            1 => NodeContent::File { digest: input.array()? },
            2 => NodeContent::Symlink,
            3 => NodeContent::HardLink { target: input.own_bytes()? },
            4 => NodeContent::Copy { target: input.own_bytes()?, content: input.extents()? },
            5 => NodeContent::Large(input.large()?),
            6 => NodeContent::Memory { digest: input.array()? },
            _ => return None,
        };
        input.0.is_empty().then_some(taken)
    }
}

impl NodeContent {
    /// The byte that stands for its kind.
    fn code(&self) -> u8 {
        match self {
            NodeContent::Folder => 0,
            NodeContent::File { .. } => 1,
            NodeContent::Symlink => 2,
            NodeContent::HardLink { .. } => 3,
            NodeContent::Copy { .. } => 4,
            NodeContent::Large(_) => 5,
            NodeContent::Memory { .. } => 6,
        }
    }

    /// Whether it is a file that counts as one: not another name of one.
    pub(in crate::backup) fn is_file(&self) -> bool {
        match self {
            NodeContent::File { .. } | NodeContent::Memory { .. } => true,
            NodeContent::Copy { .. } | NodeContent::Large(_) => true,
            NodeContent::Folder | NodeContent::Symlink | NodeContent::HardLink { .. } => false,
        }
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

    fn own_bytes(&mut self) -> Option<Vec<u8>> {
        let mut own = Vec::new();
        self.bytes(&mut own)?;
        Some(own)
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
        let changed = (self.byte()? == 1).then_some(Changed { base, patches });
        let (number, digest) = (self.small()?, self.array()?);
        Some(Large { parts, changed, table: (number > 0).then_some(TableFile { number, digest }) })
    }
}
