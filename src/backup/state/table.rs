//! The table of a large file's blocks: a keyed digest of each, and where its bytes are.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use openssl::sha::Sha256;

use crate::set::{Digest, Position};

/// One block of 64 KiB, or the last one of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::backup) struct Row {
    pub(in crate::backup) digest: [u8; 16],
    pub(in crate::backup) place: RowPlace,
}

/// Where a block's bytes are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::backup) enum RowPlace {
    /// Within the file as it was stored whole.
    Base,
    /// Nowhere: it became zeros.
    Zero,
    /// Apart from the file, at this position.
    Apart(Position),
}

/// A table in the state folder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::backup) struct TableFile {
    pub(in crate::backup) number: u32,
    /// Its own digest.
    pub(in crate::backup) digest: [u8; 16],
}

/// Returns the name of the table's file in the state folder.
pub(super) fn name(number: u32) -> String {
    format!("blocks-{number:06}")
}

/// Returns a digest that means nothing without the key.
pub(in crate::backup) fn keyed(key: &[u8; 32], digest: &Digest) -> [u8; 16] {
    let mut hasher = Sha256::new();
    hasher.update(key);
    hasher.update(digest.as_bytes());
    hasher.finish()[..16].try_into().expect("SHA-256 has 32 bytes")
}

/// Writes a table in the order of the blocks.
pub(in crate::backup) struct TableWriter {
    file: BufWriter<tempfile::NamedTempFile>,
    hasher: Sha256,
}

impl TableWriter {
    pub(in crate::backup) fn create(folder: &Path) -> io::Result<Self> {
        let file = BufWriter::new(tempfile::NamedTempFile::new_in(folder)?);
        Ok(Self { file, hasher: Sha256::new() })
    }

    pub(in crate::backup) fn add(&mut self, row: Row) -> io::Result<()> {
        let mut bytes = [0; ROW];
        bytes[..16].copy_from_slice(&row.digest);
        let (segment, offset) = match row.place {
            RowPlace::Base => (BASE, 0),
            RowPlace::Zero => (ZERO, 0),
            RowPlace::Apart(at) => (at.segment, at.offset),
        };
        bytes[16..20].copy_from_slice(&segment.to_le_bytes());
        bytes[20..].copy_from_slice(&offset.to_le_bytes());
        self.hasher.update(&bytes);
        self.file.write_all(&bytes)
    }

    /// Moves the table to its place.
    pub(in crate::backup) fn finish(self, folder: &Path, number: u32) -> io::Result<TableFile> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.persist(folder.join(name(number)))?;
        let digest = self.hasher.finish()[..16].try_into().expect("SHA-256 has 32 bytes");
        Ok(TableFile { number, digest })
    }
}

/// A table that has been checked.
#[derive(Debug)]
pub(in crate::backup) struct Table {
    file: File,
    rows: u64,
}

impl Table {
    /// Opens a table if it is as it was written.
    pub(in crate::backup) fn open(folder: &Path, table: &TableFile) -> io::Result<Self> {
        let mut file = File::open(folder.join(name(table.number)))?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 256 << 10];
        let mut length = 0;
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            length += count as u64;
        }
        if hasher.finish()[..16] != table.digest || length % ROW as u64 != 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is damaged"));
        }
        Ok(Self { file, rows: length / ROW as u64 })
    }

    /// Returns the rows of these blocks, as many as there are.
    pub(in crate::backup) fn rows(&self, from: u64, count: u64) -> io::Result<Vec<Row>> {
        let count = count.min(self.rows.saturating_sub(from));
        let mut bytes = vec![0; count as usize * ROW];
        read_exact_at(&self.file, &mut bytes, from * ROW as u64)?;
        Ok(bytes.chunks_exact(ROW).map(row).collect())
    }

    /// Returns its number of blocks.
    pub(in crate::backup) fn len(&self) -> u64 {
        self.rows
    }
}

fn row(bytes: &[u8]) -> Row {
    let segment = u32::from_le_bytes(bytes[16..20].try_into().expect("a row has 28 bytes"));
    let offset = u64::from_le_bytes(bytes[20..28].try_into().expect("a row has 28 bytes"));
    let place = match segment {
        BASE => RowPlace::Base,
        ZERO => RowPlace::Zero,
        segment => RowPlace::Apart(Position::new(segment, offset)),
    };
    Row { digest: bytes[..16].try_into().expect("a row has 28 bytes"), place }
}

#[cfg(unix)]
fn read_exact_at(file: &File, buffer: &mut [u8], from: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, from)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut buffer: &mut [u8], mut from: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_read(file, buffer, from)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer = &mut buffer[count..];
        from += count as u64;
    }
    Ok(())
}

const ROW: usize = 28;
const BASE: u32 = u32::MAX;
const ZERO: u32 = u32::MAX - 1;
