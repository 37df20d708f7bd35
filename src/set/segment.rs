//! A segment's content: zstd frames, each of at most 1 MiB of tar.

use std::io;

use zstd::zstd_safe;

use crate::error::{Error, ErrorKind, Result};

/// Most bytes of content in one frame: what has to be decompressed to get at any byte.
pub(crate) const FRAME: usize = 1 << 20;

/// The name of a segment: its place, and a keyed digest that tells only its maker what it holds.
pub(crate) fn name(number: u32, keyed_digest: &[u8; 16]) -> String {
    format!("{number:06}-{}.tar.zst.p7m", super::digest::hex(keyed_digest))
}

/// The number in the name of a segment.
pub(crate) fn number(name: &str) -> Option<u32> {
    let (number, digest) = name.strip_suffix(".tar.zst.p7m")?.split_once('-')?;
    let is_name = number.len() == 6
        && number.bytes().all(|b| b.is_ascii_digit())
        && super::digest::unhex::<16>(digest).is_some();
    if is_name { number.parse().ok() } else { None }
}

/// The keyed digest in the name of a segment.
pub(crate) fn keyed_digest(name: &str) -> Option<&str> {
    number(name)?;
    name.strip_suffix(".tar.zst.p7m")?.split_once('-').map(|(_, digest)| digest)
}

/// Whether a file in a set's folder is named as a segment.
pub(crate) fn is_name(name: &str) -> bool {
    number(name).is_some()
}

/// Compresses content into frames, one call after another with the same buffers.
pub(crate) struct Compressor {
    level: i32,
    current: i32,
    zstd: zstd::bulk::Compressor<'static>,
    sample: Vec<u8>,
}

impl Compressor {
    pub(crate) fn new(level: i32) -> io::Result<Self> {
        Ok(Self { level, current: level, zstd: zstd::bulk::Compressor::new(level)?, sample: Vec::new() })
    }

    /// Appends `content` to `frames` as frames of at most [`FRAME`] bytes.
    pub(crate) fn compress(&mut self, content: &[u8], frames: &mut Vec<u8>) -> io::Result<()> {
        for piece in content.chunks(FRAME) {
            let level = if self.is_worthwhile(piece)? { self.level } else { STORE };
            self.frame(piece, level, frames)?;
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

    /// Tries a few samples of a large piece at a fast level: data that they do not make smaller is stored.
    fn is_worthwhile(&mut self, piece: &[u8]) -> io::Result<bool> {
        if piece.len() < 16 * SAMPLE {
            return Ok(true);
        }
        let mut sample = std::mem::take(&mut self.sample);
        let mut smaller = false;
        for start in [0, piece.len() / 2, piece.len() - SAMPLE] {
            sample.clear();
            self.frame(&piece[start..start + SAMPLE], 1, &mut sample)?;
            if sample.len() < SAMPLE - SAMPLE / 32 {
                smaller = true;
                break;
            }
        }
        self.sample = sample;
        Ok(smaller)
    }
}

/// A level at which zstd gives up at once on what does not compress: little more than a copy.
const STORE: i32 = -50;
const SAMPLE: usize = 16 << 10;

/// Walks the frames of a segment's authenticated content, from any point of it on.
pub(crate) struct Frames<'a> {
    zstd: zstd::bulk::Decompressor<'static>,
    rest: &'a [u8],
    /// Byte of the content at which `current` begins.
    start: u64,
    current: Vec<u8>,
}

impl<'a> Frames<'a> {
    pub(crate) fn new(content: &'a [u8]) -> Result<Self> {
        let zstd = zstd::bulk::Decompressor::new().map_err(|e| Error::io("decompress", e))?;
        Ok(Self { zstd, rest: content, start: 0, current: Vec::new() })
    }

    /// Moves on to the frame that holds byte `offset`, skipping frames without decompressing them; then gives the
    /// rest of that frame from there. Nothing at the end of the content.
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

    #[test]
    fn frames_give_back_what_was_compressed_from_any_point() {
        let mut content: Vec<u8> = (0..3 * FRAME + 12_345).map(|i| (i / 7) as u8).collect();
        openssl::rand::rand_bytes(&mut content[FRAME..2 * FRAME]).unwrap();
        let mut frames = Vec::new();
        Compressor::new(3).unwrap().compress(&content, &mut frames).unwrap();
        assert!(frames.len() < 2 * FRAME, "only the random frame is stored");
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
    fn broken_frames_are_errors() {
        let mut frames = Vec::new();
        Compressor::new(3).unwrap().compress(&[7; 1000], &mut frames).unwrap();
        for cut in 1..frames.len() {
            assert!(Frames::new(&frames[..cut]).unwrap().at(0).is_err(), "{cut}");
        }
        let big = zstd::bulk::compress(&vec![0; FRAME + 1], 3).unwrap();
        assert_eq!(Frames::new(&big).unwrap().at(0).unwrap_err().kind(), ErrorKind::Malformed);
    }
}
