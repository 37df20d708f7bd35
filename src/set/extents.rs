//! Which bytes of the segments, joined in order, make up the tar stream of a set.
//!
//! In a set that builds on another, segments also contain what was removed or replaced, and the changed blocks of large
//! files are stored apart from the file. The list says what counts, in the order that `tar` needs: recovery by hand
//! needs nothing else.

use std::io::{BufRead, Read, Write};

use super::archive;
use super::entry::Position;
use crate::error::{Error, ErrorKind, Result};

/// The file's name in a set's folder.
pub(crate) const FILE_NAME: &str = "extents.txt.zst.p7m";

/// Most compressed bytes: they form one message.
const MAX_LENGTH: usize = 60 << 20;
/// Most text to read, as for an index piece.
const MAX_TEXT: u64 = 512 << 20;

/// A run of bytes in the content of one segment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Extent {
    pub(crate) segment: u32,
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

impl Extent {
    pub(crate) fn new(at: Position, length: u64) -> Self {
        Self { segment: at.segment, offset: at.offset, length }
    }

    fn end(&self) -> u64 {
        self.offset + self.length
    }

    /// Absorbs another extent if it follows this one without a gap; returns whether it did.
    pub(crate) fn extend(&mut self, next: &Self) -> bool {
        let follows = next.segment == self.segment && next.offset == self.end();
        if follows {
            self.length += next.length;
        }
        follows
    }

    /// At most this many of its bytes, from an offset in it on; `None` if it has none there.
    pub(crate) fn part(&self, from: u64, length: u64) -> Option<Self> {
        let left = self.length.checked_sub(from)?.min(length);
        (left > 0).then_some(Self { offset: self.offset + from, length: left, ..*self })
    }
}

/// Writes the list: one line for each run of bytes, as long as possible.
pub(crate) struct ExtentsWriter {
    encoder: zstd::stream::write::Encoder<'static, Vec<u8>>,
    open: Option<Extent>,
    zeros: u64,
    text: u64,
}

impl ExtentsWriter {
    /// Begins a list, with `head_room` free bytes before it.
    pub(crate) fn new(head_room: usize) -> Result<Self> {
        let encoder = zstd::stream::write::Encoder::new(vec![0; head_room], 3).map_err(failed)?;
        Ok(Self { encoder, open: None, zeros: 0, text: 0 })
    }

    /// Appends these bytes.
    pub(crate) fn add(&mut self, extent: Extent) -> Result<()> {
        if extent.length == 0
            || (self.zeros == 0 && self.open.as_mut().is_some_and(|open| open.extend(&extent)))
        {
            return Ok(());
        }
        self.close()?;
        self.open = Some(extent);
        Ok(())
    }

    /// Appends zeros, which are not stored.
    pub(crate) fn zeros(&mut self, length: u64) -> Result<()> {
        self.zeros += length;
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        if let Some(Extent { segment, offset, length }) = self.open.take() {
            self.line(&format!("{segment:06} {offset} {length}\n"))?;
        }
        if self.zeros > 0 {
            let zeros = std::mem::take(&mut self.zeros);
            self.line(&format!("zeros 0 {zeros}\n"))?;
        }
        Ok(())
    }

    fn line(&mut self, line: &str) -> Result<()> {
        self.text += line.len() as u64;
        self.encoder.write_all(line.as_bytes()).map_err(failed)?;
        if self.encoder.get_ref().len() > MAX_LENGTH {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "the set is in too many pieces; begin anew with an empty state folder",
            ));
        }
        Ok(())
    }

    /// Returns the free bytes with the compressed list behind them, and the list's length in bytes before compression.
    pub(crate) fn finish(mut self) -> Result<(Vec<u8>, u64)> {
        self.close()?;
        Ok((self.encoder.finish().map_err(failed)?, self.text))
    }
}

/// The list as it was read, sorted by segment.
#[derive(Debug)]
pub(crate) struct Extents(Vec<Extent>);

impl Extents {
    /// Reads the compressed list.
    pub(crate) fn read(compressed: impl BufRead) -> Result<Self> {
        let broken = |what: &str| Error::new(ErrorKind::Damaged, format!("{FILE_NAME} {what}"));
        let unpacked = |e| broken("cannot be decompressed").with_source(e);
        let mut decoder = zstd::stream::read::Decoder::with_buffer(compressed).map_err(unpacked)?;
        decoder.window_log_max(23).map_err(unpacked)?;
        let mut lines = std::io::BufReader::new(decoder.take(MAX_TEXT));
        let (mut extents, mut line) = (Vec::new(), Vec::new());
        loop {
            line.clear();
            // A line is three numbers.
            let read = (&mut lines).take(64).read_until(b'\n', &mut line).map_err(unpacked)?;
            if read == 0 {
                break;
            }
            match parse(&line) {
                Some(extent) => extents.extend(extent),
                None => return Err(broken("has a line that cannot be read")),
            }
        }
        extents.sort_unstable_by_key(|extent: &Extent| (extent.segment, extent.offset));
        Ok(Self(extents))
    }

    /// Whether the header block at this position belongs to the set.
    pub(crate) fn has(&self, at: Position) -> bool {
        let behind = self.0.partition_point(|e| (e.segment, e.offset) <= (at.segment, at.offset));
        let Some(extent) = behind.checked_sub(1).map(|last| &self.0[last]) else { return false };
        extent.segment == at.segment && extent.length >= at.offset - extent.offset + archive::BLOCK
    }
}

/// Parses a line of the list; zeros are `Some(None)`.
fn parse(line: &[u8]) -> Option<Option<Extent>> {
    let mut fields = str::from_utf8(line.strip_suffix(b"\n")?).ok()?.split(' ');
    let (segment, offset, length) =
        (fields.next()?, fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let extent = |segment| Extent { segment, offset, length };
    // Refuse lengths that overflow when they are added.
    u64::checked_add(offset, length)?.checked_add(archive::BLOCK)?;
    match (segment, fields.next()) {
        (_, Some(_)) => None,
        ("zeros", None) => Some(None),
        (number, None) => Some(Some(extent(number.parse().ok()?))),
    }
}

fn failed(error: std::io::Error) -> Error {
    Error::io("compress the list of extents", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_without_a_gap_is_one_line() {
        let mut list = ExtentsWriter::new(7).unwrap();
        let extent = |segment, offset, length| Extent { segment, offset, length };
        for next in [extent(0, 0, 512), extent(0, 512, 512), extent(0, 2048, 0), extent(0, 2048, 5)] {
            list.add(next).unwrap();
        }
        list.zeros(3).unwrap();
        list.zeros(4).unwrap();
        list.add(extent(0, 2053, 1)).unwrap();
        list.add(extent(12, 2054, 1)).unwrap();
        let (bytes, length) = list.finish().unwrap();
        let text = zstd::stream::decode_all(&bytes[7..]).unwrap();
        assert_eq!(text.len() as u64, length);
        let lines = "000000 0 1024\n000000 2048 5\nzeros 0 7\n000000 2053 1\n000012 2054 1\n";
        assert_eq!(str::from_utf8(&text).unwrap(), lines);
        let read = Extents::read(&bytes[7..]).unwrap();
        let has = |segment, offset| read.has(Position::new(segment, offset));
        assert!(has(0, 0) && has(0, 512) && !has(0, 513) && !has(0, 1024) && !has(1, 0));
        assert!(!has(0, 2048) && !has(0, 4096) && !has(12, 2054) && !has(u32::MAX, u64::MAX));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in [
            "000000 0\n",
            "000000 0 1 2\n",
            "x 0 1\n",
            "0 0 1",
            "0 -1 1\n",
            "0 18446744073709551615 1\n",
            "\n",
        ] {
            let bytes = zstd::encode_all(text.as_bytes(), 3).unwrap();
            assert!(Extents::read(&bytes[..]).is_err(), "{text}");
        }
        assert!(Extents::read(&b"000000 0 1024\n"[..]).is_err());
    }

    #[test]
    fn a_part_stays_within() {
        let extent = Extent { segment: 1, offset: 100, length: 10 };
        assert_eq!(extent.part(4, 3), Some(Extent { segment: 1, offset: 104, length: 3 }));
        assert_eq!(extent.part(4, 30), Some(Extent { segment: 1, offset: 104, length: 6 }));
        assert_eq!((extent.part(10, 1), extent.part(11, 1), extent.part(0, 0)), (None, None, None));
    }
}
