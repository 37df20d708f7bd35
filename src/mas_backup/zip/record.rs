//! The records of a zip (PKWARE APPNOTE 6.3.10): local headers, the central directory, its end.

use std::io::{self, BufRead, Read};

use super::{Fault, ZipResult};
use crate::mas_backup::finding::FindingKind;

pub(super) const LOCAL: [u8; 4] = *b"PK\x03\x04";
pub(super) const CENTRAL: [u8; 4] = *b"PK\x01\x02";
pub(super) const END: [u8; 4] = *b"PK\x05\x06";
pub(super) const END_64: [u8; 4] = *b"PK\x06\x06";
pub(super) const LOCATOR_64: [u8; 4] = *b"PK\x06\x07";
pub(super) const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";

/// Flag: encrypted.
pub(super) const ENCRYPTED: u16 = 1;
/// Flag: checksum and sizes follow the content.
pub(super) const FOLLOWS: u16 = 8;
/// Flag: the name is UTF-8.
pub(super) const UTF_8: u16 = 1 << 11;

/// A stream that knows how much of it was read.
pub(super) struct Counted<'a> {
    pub(super) inner: &'a mut dyn BufRead,
    pub(super) at: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl BufRead for Counted<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.inner.consume(count);
        self.at += count as u64;
    }
}

impl Counted<'_> {
    /// Reads exactly so much; the end of the stream is a fault of the zip.
    pub(super) fn array<const N: usize>(&mut self) -> ZipResult<[u8; N]> {
        let mut bytes = [0; N];
        match self.read_exact(&mut bytes) {
            Ok(()) => Ok(bytes),
            Err(error) => Err(ended(error)),
        }
    }

    fn vector(&mut self, length: u16) -> ZipResult<Vec<u8>> {
        let mut bytes = vec![0; length.into()];
        self.read_exact(&mut bytes).map_err(ended)?;
        Ok(bytes)
    }
}

fn ended(error: io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::UnexpectedEof if error.get_ref().is_none_or(|inner| !inner.is::<crate::Error>()) => {
            Fault::new(FindingKind::ZipDamaged, "it ends early")
        }
        _ => Fault::Io(error),
    }
}

/// What a header says of an entry, wherever it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Header {
    pub(super) version: u16,
    pub(super) flags: u16,
    pub(super) method: u16,
    /// Time and date as MS-DOS has them.
    pub(super) modified: [u16; 2],
    pub(super) crc: u32,
    pub(super) stored: u64,
    pub(super) size: u64,
    pub(super) name: Vec<u8>,
}

/// An entry of the central directory.
pub(super) struct Central {
    pub(super) header: Header,
    pub(super) attributes: u32,
    pub(super) offset: u64,
}

/// Reads a local header, behind its signature.
pub(super) fn local(input: &mut Counted<'_>) -> ZipResult<Header> {
    let fixed = input.array::<26>()?;
    let short = |at: usize| u16::from_le_bytes([fixed[at], fixed[at + 1]]);
    let long = |at: usize| u32::from_le_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
    let name = input.vector(short(22))?;
    let extra = input.vector(short(24))?;
    let mut wide = Wide::of(&extra);
    // In a local header both sizes are wide, or none is.
    let (size, stored) = (wide.or(long(18))?, wide.or(long(14))?);
    Ok(Header {
        version: short(0),
        flags: short(2),
        method: short(4),
        modified: [short(6), short(8)],
        crc: long(10),
        stored,
        size,
        name,
    })
}

/// Reads an entry of the central directory, behind its signature.
pub(super) fn central(input: &mut Counted<'_>) -> ZipResult<Central> {
    let fixed = input.array::<42>()?;
    let short = |at: usize| u16::from_le_bytes([fixed[at], fixed[at + 1]]);
    let long = |at: usize| u32::from_le_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
    let name = input.vector(short(24))?;
    let extra = input.vector(short(26))?;
    input.vector(short(28))?;
    let mut wide = Wide::of(&extra);
    let (size, stored, offset) = (wide.or(long(20))?, wide.or(long(16))?, wide.or(long(38))?);
    let header = Header {
        version: short(2),
        flags: short(4),
        method: short(6),
        modified: [short(8), short(10)],
        crc: long(12),
        stored,
        size,
        name,
    };
    Ok(Central { header, attributes: long(34), offset })
}

/// The sizes of 64 bits in an extra field (APPNOTE 4.5.3), in the order of the fields that they stand for.
struct Wide<'a>(&'a [u8]);

impl<'a> Wide<'a> {
    fn of(mut extra: &'a [u8]) -> Self {
        while let Some((head, rest)) = extra.split_first_chunk::<4>() {
            let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
            let Some((field, rest)) = rest.split_at_checked(length) else { break };
            if head[..2] == [1, 0] {
                return Self(field);
            }
            extra = rest;
        }
        Self(&[])
    }

    fn or(&mut self, narrow: u32) -> ZipResult<u64> {
        if narrow != u32::MAX {
            return Ok(narrow.into());
        }
        match self.0.split_first_chunk::<8>() {
            Some((wide, rest)) => {
                self.0 = rest;
                Ok(u64::from_le_bytes(*wide))
            }
            None => Err(Fault::new(FindingKind::ZipDamaged, "a size of 64 bits is missing")),
        }
    }
}

/// The end of a zip, as it states it.
pub(super) struct End {
    pub(super) entries: u64,
    pub(super) directory: u64,
    pub(super) offset: u64,
}

/// Reads the end of a zip, from the signature that follows the directory on.
pub(super) fn end(input: &mut Counted<'_>, mut signature: [u8; 4]) -> ZipResult<End> {
    let mut wide = None;
    if signature == END_64 {
        let at = input.at - 4;
        let length = u64::from_le_bytes(input.array::<8>()?);
        let fixed = input.array::<44>()?;
        let long = |at: usize| u64::from_le_bytes(fixed[at..at + 8].try_into().unwrap_or_default());
        wide = Some(End { entries: long(20), directory: long(28), offset: long(36) });
        if length != 44 {
            return Err(Fault::new(FindingKind::ZipDamaged, "its end of 64 bits has another length"));
        }
        let locator = input.array::<20>()?;
        let points_to = u64::from_le_bytes(locator[8..16].try_into().unwrap_or_default());
        if locator[..4] != LOCATOR_64 || points_to != at {
            return Err(Fault::new(FindingKind::ZipDamaged, "its end of 64 bits is not located"));
        }
        signature = input.array::<4>()?;
    }
    if signature != END {
        return Err(Fault::new(FindingKind::ZipDamaged, "no known record follows"));
    }
    let fixed = input.array::<18>()?;
    let short = |at: usize| u16::from_le_bytes([fixed[at], fixed[at + 1]]);
    let long = |at: usize| u32::from_le_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
    if short(0) != 0 || short(2) != 0 || short(16) != 0 {
        let seen = "its end has a comment or is on another disk: Azure Stack Hub writes neither";
        return Err(Fault::new(FindingKind::ZipDamaged, seen));
    }
    if !input.fill_buf().map_err(Fault::Io)?.is_empty() {
        return Err(Fault::new(FindingKind::ZipDamaged, "something follows its end"));
    }
    Ok(match wide {
        Some(wide) => wide,
        None => End { entries: short(6).into(), directory: long(8).into(), offset: long(12).into() },
    })
}

/// Reads what follows a content whose checksum and sizes were not known before, and returns whether the checksum fits. Sizes
/// have 32 bits if they fit, and else 64; some programs always write 64.
pub(super) fn descriptor(input: &mut Counted<'_>, crc: u32, stored: u64, size: u64) -> ZipResult<bool> {
    if input.array::<4>()? != DESCRIPTOR {
        return Err(Fault::new(FindingKind::ZipDamaged, "the checksum behind a content is missing"));
    }
    let stated = u32::from_le_bytes(input.array()?);
    let (low, high) = (u32::from_le_bytes(input.array()?), u32::from_le_bytes(input.array()?));
    if u64::from(low) == stored && u64::from(high) == size {
        return Ok(stated == crc);
    }
    // Of 64 bits: what was read is the first size, in two halves.
    let is_wide = (u64::from(high) << 32 | u64::from(low)) == stored;
    match is_wide && u64::from_le_bytes(input.array()?) == size {
        true => Ok(stated == crc),
        false => Err(Fault::new(FindingKind::ZipSizeWrong, "the size behind a content is another")),
    }
}
