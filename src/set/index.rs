//! The index of a set: compressed JSON lines in pieces of bounded size, written and read as a stream.

use std::cell::Cell;
use std::io::{BufRead, BufReader, Cursor, Read, Write};
use std::ops::Range;
use std::rc::Rc;

use super::filter::LineFilter;
use super::record::Record;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Place, SetName};

/// A piece is closed once it has this many compressed bytes…
pub(crate) const PIECE_STORED: usize = 2 << 20;
/// …or this many bytes of text.
pub(crate) const PIECE_TEXT: u64 = 32 << 20;
/// Longest line in bytes: a path, a link's target, and extended attributes.
pub(crate) const MAX_LINE: usize = 4 << 20;
/// zstd level of the index: its lines resemble each other, so a low level does as well as a high one.
const LEVEL: i32 = 3;
/// Binary logarithm of its window: repeats are only a few lines apart, so a larger one would only cost memory.
const WINDOW_LOG: u32 = 18;

/// Most pieces: their numbers have six digits.
pub(crate) const MAX_PIECES: u32 = 999_999;

/// Most text to read from a piece: a full piece, and the lists of a set with a million segments.
const MAX_TEXT: u64 = 512 << 20;

/// Returns the name of an index piece.
pub(crate) fn piece_name(number: u32) -> String {
    format!("index-{number:06}.jsonl.zst.p7m")
}

/// Returns the number in the name of an index piece.
pub(crate) fn piece_number(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("index-")?.strip_suffix(".jsonl.zst.p7m")?;
    (digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// A finished piece: `head_room` free bytes, then its compressed lines.
pub(crate) struct Piece {
    pub(crate) number: u32,
    pub(crate) buffer: Vec<u8>,
    pub(crate) content_length: u64,
    pub(crate) kind: PieceKind,
    /// Number of its lines, not counting the first.
    pub(crate) records: u64,
}

/// The numbers of pieces, given out in the order in which the pieces begin.
#[derive(Clone)]
pub(crate) struct Numbers(Rc<Cell<u32>>);

impl Numbers {
    pub(crate) fn from(next: u32) -> Self {
        Self(Rc::new(Cell::new(next)))
    }

    /// The number that comes next.
    pub(crate) fn next(&self) -> u32 {
        self.0.get()
    }

    fn take(&self) -> Result<u32> {
        let number = self.0.get();
        if number >= MAX_PIECES {
            return Err(Error::new(ErrorKind::LimitExceeded, "the index has more than 999,999 pieces"));
        }
        self.0.set(number + 1);
        Ok(number)
    }
}

/// What the lines of a piece say.
///
/// A run lists everything that it removes before everything that it adds, in separate pieces: so a removal never hides
/// an addition, however many pieces both take.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum PieceKind {
    /// List what is removed.
    Removals,
    /// List everything else.
    Additions,
}

/// Writes lines of one kind, and returns each piece that is full.
pub(crate) struct IndexWriter {
    set: SetName,
    place: Place,
    head_room: usize,
    kind: PieceKind,
    open: Option<Open>,
    numbers: Numbers,
}

struct Open {
    number: u32,
    encoder: zstd::stream::write::Encoder<'static, Vec<u8>>,
    text: u64,
    records: u64,
    line: Vec<u8>,
}

impl Open {
    fn write(&mut self, record: &Record) -> Result<()> {
        self.line.clear();
        record.print(&mut self.line)?;
        if self.line.len() > MAX_LINE {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("an entry's index line has more than {MAX_LINE} bytes"),
            ));
        }
        self.text += self.line.len() as u64;
        self.encoder.write_all(&self.line).map_err(|e| Error::io("compress the index", e))
    }
}

impl IndexWriter {
    /// Creates a writer that takes its pieces' numbers from here.
    pub(crate) fn new(
        set: SetName,
        place: Place,
        head_room: usize,
        kind: PieceKind,
        numbers: Numbers,
    ) -> Self {
        Self { set, place, head_room, kind, open: None, numbers }
    }

    fn open(&mut self) -> Result<&mut Open> {
        if self.open.is_none() {
            let mut encoder = zstd::stream::write::Encoder::new(vec![0; self.head_room], LEVEL)
                .map_err(|e| Error::io("compress the index", e))?;
            encoder.window_log(WINDOW_LOG).map_err(|e| Error::io("compress the index", e))?;
            let number = self.numbers.take()?;
            let mut open = Open { number, encoder, text: 0, records: 0, line: Vec::new() };
            open.write(&Record::Piece { number, set: self.set, place: self.place.clone() })?;
            self.open = Some(open);
        }
        Ok(self.open.as_mut().expect("opened above"))
    }

    /// Writes a line; returns a piece if the line filled it.
    ///
    /// # Errors
    /// `INTERNAL` for a line of the other kind.
    pub(crate) fn write(&mut self, record: &Record) -> Result<Option<Piece>> {
        let kind = if matches!(record, Record::Gone(_)) { PieceKind::Removals } else { PieceKind::Additions };
        if kind != self.kind {
            return Err(Error::new(
                ErrorKind::Internal,
                "what a run removes and what it adds are mixed in the index",
            ));
        }
        let open = self.open()?;
        open.write(record)?;
        open.records += 1;
        if open.encoder.get_ref().len() >= PIECE_STORED || open.text >= PIECE_TEXT {
            return self.close().map(Some);
        }
        Ok(None)
    }

    /// Returns the last, partly filled piece, if it has any lines.
    pub(crate) fn finish(mut self) -> Result<Option<Piece>> {
        if self.open.is_some() { self.close().map(Some) } else { Ok(None) }
    }

    /// Writes the newest piece: all these lines in one piece, and the end line.
    pub(crate) fn newest(mut self, lines: impl Iterator<Item = Record>, records: u64) -> Result<Piece> {
        for record in lines.chain([Record::End { records }]) {
            self.open()?.write(&record)?;
        }
        self.close()
    }

    fn close(&mut self) -> Result<Piece> {
        self.open()?;
        let Open { number, encoder, text, records, .. } = self.open.take().expect("opened above");
        let buffer = encoder.finish().map_err(|e| Error::io("compress the index", e))?;
        Ok(Piece { number, buffer, content_length: text, kind: self.kind, records })
    }
}

/// Reads the lines of one piece.
pub(crate) struct PieceReader<R: BufRead> {
    lines: BufReader<zstd::stream::read::Decoder<'static, R>>,
    name: String,
    line: Vec<u8>,
    read: u64,
    seen: u64,
    is_begun: bool,
}

impl PieceReader<Cursor<Vec<u8>>> {
    /// Reads from an opened message, whose authenticated content is at `content`.
    pub(crate) fn new(name: &str, mut message: Vec<u8>, content: Range<usize>) -> Result<Self> {
        message.truncate(content.end);
        let mut message = Cursor::new(message);
        message.set_position(content.start as u64);
        let failed = |e| Error::io(format_args!("decompress {name}"), e);
        let mut decoder = zstd::stream::read::Decoder::with_buffer(message).map_err(failed)?;
        // Otherwise a forger chooses the window; this is the one that the writer's level uses.
        decoder.window_log_max(23).map_err(failed)?;
        let lines = BufReader::with_capacity(64 << 10, decoder);
        Ok(Self { lines, name: name.to_owned(), line: Vec::new(), read: 0, seen: 0, is_begun: false })
    }
}

impl<R: BufRead> PieceReader<R> {
    /// Returns the next line; `None` at the end of the piece.
    pub(crate) fn next(&mut self) -> Result<Option<Record>> {
        self.next_of(&LineFilter::default())
    }

    /// Returns the next line that passes the filter; `None` at the end of the piece. The first line, which identifies
    /// the piece, always passes.
    pub(crate) fn next_of(&mut self, filter: &LineFilter) -> Result<Option<Record>> {
        let malformed = |what: &str| Error::new(ErrorKind::Damaged, format!("{} {what}", self.name));
        loop {
            self.line.clear();
            let read = (&mut self.lines)
                .take(MAX_LINE as u64 + 1)
                .read_until(b'\n', &mut self.line)
                .map_err(|e| malformed("cannot be decompressed").with_source(e))?;
            if read == 0 {
                return Ok(None);
            }
            self.read += read as u64;
            if self.read > MAX_TEXT {
                return Err(malformed("has more than 512 MiB of text"));
            }
            if self.line.pop() != Some(b'\n') {
                return Err(malformed("has a line that is cut or too long"));
            }
            let is_first = !std::mem::replace(&mut self.is_begun, true);
            self.seen += u64::from(!is_first);
            if is_first || filter.passes(&self.line) {
                return Record::parse(&self.line)
                    .map(Some)
                    .map_err(|e| malformed("has a line that cannot be read").with_source(e));
            }
        }
    }

    /// Lines read so far, not counting the first.
    pub(crate) fn seen(&self) -> u64 {
        self.seen
    }

    /// Bytes in the lines read so far.
    pub(crate) fn read(&self) -> u64 {
        self.read
    }
}
