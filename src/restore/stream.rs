//! Files whose content comes as a stream, from something other than a set, with the safety of a restore.

use std::fs::File;
use std::io;

use super::target::{ExpectedContent, ExpectedFile, LastFolder, Outcome, Target};
use crate::error::Result;
use crate::set::{EntryPath, Metadata, Mtime};

impl Target {
    /// Writes a file of which `fill` provides the content, under a temporary name that it loses once all of it is there.
    /// An existing file that is to be kept is compared by size and time, as far as they are known.
    pub(crate) fn write_stream(
        &self,
        path: &EntryPath,
        size: Option<u64>,
        mtime: Option<Mtime>,
        near: &mut LastFolder,
        fill: impl FnOnce(&File) -> io::Result<()>,
    ) -> Result<Outcome> {
        let write = |near: &mut LastFolder| -> io::Result<Outcome> {
            let (dir, name) = self.place(path, near)?;
            let wanted =
                ExpectedFile { size: size.unwrap_or(u64::MAX), mtime, content: ExpectedContent::Later };
            if let Some(kept) = self.keep_file(&dir, name, wanted, near)? {
                return Ok(kept);
            }
            self.make_file(path, &Metadata { mtime, ..Metadata::default() }, near, fill)
        };
        write(near).map_err(|e| self.failed(path, e))
    }
}
