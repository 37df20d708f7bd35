//! Reads and writes large objects past the page cache of the operating system.
//!
//! A backup is flushed to the disk anyway and seldom read again: in the cache it costs a copy, and evicts what the host
//! works with. A verification should see what the disk has, not what memory remembers.

use std::fs::File;
use std::io::{self, Read, Write};

/// Objects of this size and more bypass the cache.
const LARGE: usize = 1 << 20;

/// Whether to bypass the cache below this folder: on local disks with a file system that is made for it. A network file
/// system does better with its own read-ahead and write-behind.
#[cfg(target_os = "linux")]
pub(super) fn is_worthwhile(folder: impl std::os::fd::AsFd) -> bool {
    // statfs(2): ext2 to ext4, and XFS.
    const MAGIC: [rustix::fs::FsWord; 2] = [0xef53, 0x5846_5342];
    rustix::fs::fstatfs(folder).is_ok_and(|facts| MAGIC.contains(&facts.f_type))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_worthwhile<F>(_: F) -> bool {
    false
}

/// Writes all of an object, bypassing the cache for as much as possible.
pub(super) fn write(file: &File, content: &[u8]) -> io::Result<()> {
    let mut rest = content;
    if content.len() >= LARGE && switch(file, true) {
        let mut aligned = AlignedBuffer::new();
        while rest.len() >= BLOCK {
            let piece = &mut aligned.bytes()[..rest.len().min(CHUNK) / BLOCK * BLOCK];
            piece.copy_from_slice(&rest[..piece.len()]);
            let Some(count) = attempt((&mut &*file).write(piece))? else { break };
            rest = &rest[count..];
            if count == 0 || count % BLOCK != 0 {
                break;
            }
        }
        switch(file, false);
    }
    (&mut &*file).write_all(rest)
}

/// Appends the rest of an object of this length, bypassing the cache for as much as possible.
pub(super) fn read(file: &File, length: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
    if length < LARGE || !switch(file, true) {
        return Ok(());
    }
    let mut aligned = AlignedBuffer::new();
    while let Some(count) = attempt((&mut &*file).read(aligned.bytes()))? {
        buffer.extend_from_slice(&aligned.bytes()[..count]);
        if count < CHUNK || buffer.len() >= length {
            break;
        }
    }
    switch(file, false);
    Ok(())
}

/// Bytes in one call.
const CHUNK: usize = 384 << 10;
/// Alignment of memory, offset and length: no disk in use has larger blocks.
const BLOCK: usize = 4096;

/// A buffer aligned to a block.
struct AlignedBuffer(Vec<u8>, usize);

impl AlignedBuffer {
    fn new() -> Self {
        let aligned = vec![0; CHUNK + BLOCK];
        let start = aligned.as_ptr().align_offset(BLOCK).min(BLOCK);
        Self(aligned, start)
    }

    fn bytes(&mut self) -> &mut [u8] {
        &mut self.0[self.1..][..CHUNK]
    }
}

/// Returns `None` if the file system cannot bypass the cache after all: the caller then uses it.
fn attempt(done: io::Result<usize>) -> io::Result<Option<usize>> {
    match done {
        Ok(count) => Ok(Some(count)),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns whether it could be switched.
#[cfg(target_os = "linux")]
fn switch(file: &File, on: bool) -> bool {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    let set = fcntl_getfl(file).and_then(|flags| {
        fcntl_setfl(file, if on { flags | OFlags::DIRECT } else { flags - OFlags::DIRECT })
    });
    set.is_ok()
}

#[cfg(not(target_os = "linux"))]
fn switch(_: &File, _: bool) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::io::Seek;

    use super::*;

    /// Bypasses the cache if the file system of the test run can, and uses it otherwise.
    #[test]
    fn what_is_written_is_read_again_whatever_its_length() {
        for length in [0, 1, BLOCK, LARGE - 1, LARGE, LARGE + 1, 3 * CHUNK, 3 * CHUNK + BLOCK + 5] {
            let content: Vec<u8> = (0..length).map(|at| (at * 31 / 8) as u8).collect();
            let mut file = tempfile::tempfile().unwrap();
            write(&file, &content).unwrap();
            file.rewind().unwrap();
            let mut all = Vec::new();
            read(&file, length, &mut all).unwrap();
            assert!(all.len() <= length && all == content[..all.len()], "{length}");
            file.read_to_end(&mut all).unwrap();
            assert!(all == content, "{length}");
        }
    }
}
