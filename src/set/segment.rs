//! A segment's content: zstd frames, each of at most 1 MiB of tar.

use std::io;

use zstd::zstd_safe;

use super::digest::is_zero;
use crate::error::{Error, ErrorKind, Result};

/// Most bytes of content in one frame: what must be decompressed to reach any byte.
pub(crate) const FRAME: usize = 1 << 20;

/// Returns the name of a segment: its place, and a keyed digest that shows only its maker what it holds.
pub(crate) fn name(number: u32, keyed_digest: &[u8; 16]) -> String {
    format!("{number:06}-{}.tar.zst.p7m", super::digest::hex(keyed_digest))
}

/// Returns the number in the name of a segment.
pub(crate) fn number(name: &str) -> Option<u32> {
    let (number, digest) = name.strip_suffix(".tar.zst.p7m")?.split_once('-')?;
    let is_name = number.len() == 6
        && number.bytes().all(|b| b.is_ascii_digit())
        && super::digest::unhex::<16>(digest).is_some();
    if is_name { number.parse().ok() } else { None }
}

/// Returns the keyed digest in the name of a segment.
pub(crate) fn keyed_digest(name: &str) -> Option<&str> {
    number(name)?;
    name.strip_suffix(".tar.zst.p7m")?.split_once('-').map(|(_, digest)| digest)
}

/// Whether a file in a set's folder is named like a segment.
pub(crate) fn is_name(name: &str) -> bool {
    number(name).is_some()
}

/// Compresses content into frames, reusing its buffers from call to call.
pub(crate) struct Compressor {
    level: i32,
    current: i32,
    zstd: zstd::bulk::Compressor<'static>,
    sample: Vec<u8>,
    /// Number of frames that may use the fast level without a new sample.
    sampled: u32,
}

/// What is compressed.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum ContentClass {
    SmallFiles,
    /// A piece of a large file, or content that is not a file's.
    Other,
}

/// The kind of a stretch of content, which decides how its frame is made.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    Zeros,
    /// Seems to be encrypted or compressed already.
    Noise,
    Rest,
}

impl Compressor {
    pub(crate) fn new(level: i32) -> io::Result<Self> {
        Ok(Self {
            level,
            current: level,
            zstd: zstd::bulk::Compressor::new(level)?,
            sample: Vec::new(),
            sampled: 0,
        })
    }

    /// Appends `content` to `frames` as frames of at most [`FRAME`] bytes, each of one kind.
    ///
    /// For small files a sample decides the level. Those that are text are mostly tables and configurations with long
    /// repeats; a search for short ones takes twice the time and only makes them larger.
    pub(crate) fn compress(
        &mut self,
        mut content: &[u8],
        of: ContentClass,
        frames: &mut Vec<u8>,
    ) -> io::Result<()> {
        frames.reserve(zstd_safe::compress_bound(content.len()));
        while !content.is_empty() {
            let (kind, length) = stretch(content);
            let (piece, rest) = content.split_at(length);
            match kind {
                Kind::Zeros => zeros(length, frames),
                Kind::Noise => stored(piece, frames),
                Kind::Rest => {
                    let level =
                        if of == ContentClass::SmallFiles { self.level_for(piece)? } else { self.level };
                    self.frame(piece, level, frames)?;
                }
            }
            content = rest;
        }
        Ok(())
    }

    fn frame(&mut self, piece: &[u8], level: i32, frames: &mut Vec<u8>) -> io::Result<()> {
        if level != self.current {
            self.zstd.set_compression_level(level)?;
            self.current = level;
        }
        let start = frames.len();
        frames.reserve(zstd_safe::compress_bound(piece.len()));
        let mut end = io::Cursor::new(frames);
        end.set_position(start as u64);
        self.zstd.compress_to_buffer(piece, &mut end)?;
        Ok(())
    }

    /// Returns the fast level if it makes a sample no larger than the requested level does.
    fn level_for(&mut self, piece: &[u8]) -> io::Result<i32> {
        if self.level <= FAST || piece.len() < 4 * SAMPLE {
            return Ok(self.level);
        }
        if self.sampled > 0 {
            self.sampled -= 1;
            return Ok(FAST);
        }
        let sample = &piece[piece.len() / 2..][..SAMPLE];
        let is_enough = self.sample(sample, FAST)? <= self.sample(sample, self.level)?;
        self.sampled = if is_enough { ALIKE } else { 0 };
        Ok(if is_enough { FAST } else { self.level })
    }

    fn sample(&mut self, sample: &[u8], level: i32) -> io::Result<usize> {
        let mut frame = std::mem::take(&mut self.sample);
        frame.clear();
        self.frame(sample, level, &mut frame)?;
        let length = frame.len();
        self.sample = frame;
        Ok(length)
    }
}

/// Finds how far content stays of one kind, for at most one frame.
fn stretch(content: &[u8]) -> (Kind, usize) {
    let mut kinds = content.chunks(BLOCK).take(FRAME / BLOCK).map(kind);
    let first = kinds.next().unwrap_or(Kind::Rest);
    let more = kinds.take_while(|kind| *kind == first).count();
    (first, content.len().min((1 + more) * BLOCK))
}

fn kind(block: &[u8]) -> Kind {
    if is_zero(block) {
        Kind::Zeros
    } else if block.len() == BLOCK && is_noise(block) {
        Kind::Noise
    } else {
        Kind::Rest
    }
}

/// Whether small samples from all over the block repeat bytes no more often than chance does.
fn is_noise(block: &[u8]) -> bool {
    let samples = block.chunks(8 << 10).map(|chunk| &chunk[..chunk.len().min(256)]);
    let squares: u32 = samples
        .map(|sample| {
            let mut counts = [0_u16; 256];
            sample.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
            counts.iter().map(|count| u32::from(*count) * u32::from(*count)).sum::<u32>()
        })
        .sum();
    // By chance the squares of a sample add up to 511, with a deviation of 23; this allows ten deviations of the sum of
    // eight.
    squares < 8 * 511 + 640
}

/// Appends a frame that holds its content uncompressed (RFC 8878, 3.1.1).
fn stored(content: &[u8], frames: &mut Vec<u8>) {
    frames.reserve(content.len() + 64);
    head(content.len(), frames);
    let mut blocks = content.chunks(ZSTD_BLOCK).peekable();
    while let Some(block) = blocks.next() {
        block_head(RAW, block.len(), blocks.peek().is_none(), frames);
        frames.extend_from_slice(block);
    }
}

/// Appends a frame of zeros.
fn zeros(size: usize, frames: &mut Vec<u8>) {
    head(size, frames);
    for from in (0..size).step_by(ZSTD_BLOCK) {
        block_head(RLE, ZSTD_BLOCK.min(size - from), from + ZSTD_BLOCK >= size, frames);
        frames.push(0);
    }
}

/// Appends the magic number, a descriptor (single segment, size in four bytes, no checksum) and the size.
fn head(size: usize, frames: &mut Vec<u8>) {
    frames.extend_from_slice(&[0x28, 0xb5, 0x2f, 0xfd, 0b1010_0000]);
    frames.extend_from_slice(&(size as u32).to_le_bytes());
}

fn block_head(kind: u32, size: usize, is_last: bool, frames: &mut Vec<u8>) {
    let head = u32::from(is_last) | kind << 1 | (size as u32) << 3;
    frames.extend_from_slice(&head.to_le_bytes()[..3]);
}

const RAW: u32 = 0;
const RLE: u32 = 1;
/// Most bytes in one block of a frame.
const ZSTD_BLOCK: usize = 128 << 10;
/// Bytes that are examined at a time to tell kinds apart.
const BLOCK: usize = 64 << 10;
/// Bytes in a sample: a quarter as many would not tell tables from logs, nor half as many from programs.
const SAMPLE: usize = 64 << 10;
/// Number of frames of small files that reuse the last sample: neighbours are of one kind, and a sample costs an eighth
/// of the frame.
const ALIKE: u32 = 3;
/// The zstd level that only searches for long repeats.
const FAST: i32 = 1;

/// Walks the frames of a segment's authenticated content, starting anywhere.
pub(crate) struct Frames<'a> {
    zstd: zstd::bulk::Decompressor<'static>,
    rest: &'a [u8],
    /// Offset in the content at which `current` begins.
    start: u64,
    current: Vec<u8>,
}

impl<'a> Frames<'a> {
    pub(crate) fn new(content: &'a [u8]) -> Result<Self> {
        let zstd = zstd::bulk::Decompressor::new().map_err(|e| Error::io("decompress", e))?;
        Ok(Self { zstd, rest: content, start: 0, current: Vec::new() })
    }

    /// Moves to the frame that contains byte `offset`, skipping frames without decompressing them, and returns the rest
    /// of that frame from there; `None` at the end of the content.
    pub(crate) fn at(&mut self, offset: u64) -> Result<Option<&[u8]>> {
        let wrong = |what: &str| Error::new(ErrorKind::Malformed, format!("a compressed frame {what}"));
        if offset < self.start {
            return Err(wrong("is asked for out of order"));
        }
        while offset >= self.start + self.current.len() as u64 {
            self.start += self.current.len() as u64;
            self.current.clear();
            if self.rest.is_empty() {
                return Ok(None);
            }
            let stored =
                zstd_safe::find_frame_compressed_size(self.rest).map_err(|_| wrong("is cut or not zstd"))?;
            let (frame, rest) = self.rest.split_at_checked(stored).ok_or_else(|| wrong("is cut"))?;
            let size = match zstd_safe::get_frame_content_size(frame) {
                Ok(Some(size)) if size <= FRAME as u64 => size as usize,
                _ => return Err(wrong("does not say its size, or has more than 1 MiB")),
            };
            self.rest = rest;
            if offset >= self.start + size as u64 {
                self.start += size as u64;
                continue;
            }
            self.current.reserve(size);
            let made = self
                .zstd
                .decompress_to_buffer(frame, &mut self.current)
                .map_err(|e| wrong("cannot be decompressed").with_source(e))?;
            if made != size {
                return Err(wrong("has another size than it says"));
            }
        }
        Ok(Some(&self.current[(offset - self.start) as usize..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mix of text, noise and zeros, in stretches that end within blocks.
    fn mixed() -> Vec<u8> {
        let mut content: Vec<u8> = (0..4 * FRAME + 12_345).map(|i| (i / 7) as u8).collect();
        openssl::rand::rand_bytes(&mut content[FRAME..2 * FRAME]).unwrap();
        content[2 * FRAME + 100..3 * FRAME].fill(0);
        openssl::rand::rand_bytes(&mut content[3 * FRAME + 70_000..][..200_000]).unwrap();
        content
    }

    #[test]
    fn frames_give_back_what_was_compressed_from_any_point() {
        let content = mixed();
        let mut frames = Vec::new();
        Compressor::new(3).unwrap().compress(&content, ContentClass::SmallFiles, &mut frames).unwrap();
        assert!(frames.len() < 3 * FRAME / 2, "only noise is stored");
        for start in [0, 5, FRAME - 1, FRAME, 2 * FRAME + 77, content.len() - 1] {
            let mut walk = Frames::new(&frames).unwrap();
            let mut at = start;
            while let Some(bytes) = walk.at(at as u64).unwrap() {
                assert_eq!(bytes, &content[at..at + bytes.len()]);
                at += bytes.len();
            }
            assert_eq!(at, content.len());
        }
    }

    #[test]
    fn zstd_itself_takes_frames_that_were_made_without_it() {
        for length in [1, BLOCK - 1, BLOCK, ZSTD_BLOCK + 1, 3 * FRAME, mixed().len()] {
            let content = &mixed()[FRAME..][..length.min(3 * FRAME)];
            let mut frames = Vec::new();
            Compressor::new(3).unwrap().compress(content, ContentClass::Other, &mut frames).unwrap();
            assert_eq!(zstd::stream::decode_all(&frames[..]).unwrap(), content, "{length}");
        }
    }

    #[test]
    fn text_beside_noise_is_compressed_all_the_same() {
        let text: Vec<u8> = (0..BLOCK).map(|i| b"interface Ethernet1/"[i % 20]).collect();
        let mut content = vec![0; FRAME];
        openssl::rand::rand_bytes(&mut content).unwrap();
        content[5 * BLOCK..6 * BLOCK].copy_from_slice(&text);
        let mut frames = Vec::new();
        Compressor::new(3).unwrap().compress(&content, ContentClass::SmallFiles, &mut frames).unwrap();
        assert!(frames.len() < FRAME - BLOCK + 2000, "{}", frames.len());
    }

    #[test]
    fn broken_frames_are_errors() {
        let mut frames = Vec::new();
        Compressor::new(3).unwrap().compress(&[7; 1000], ContentClass::Other, &mut frames).unwrap();
        for cut in 1..frames.len() {
            assert!(Frames::new(&frames[..cut]).unwrap().at(0).is_err(), "{cut}");
        }
        let big = zstd::bulk::compress(&vec![0; FRAME + 1], 3).unwrap();
        assert_eq!(Frames::new(&big).unwrap().at(0).unwrap_err().kind(), ErrorKind::Malformed);
    }
}
