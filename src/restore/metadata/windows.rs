//! What Windows takes of what a set knows about a file: its time.

use std::fs::File;
use std::io;
use std::time::SystemTime;

use crate::restore::target::Target;
use crate::set::{EntryPath, Metadata, Mtime};

impl Target {
    pub(in crate::restore) fn finish_file(&self, file: &File, metadata: &Metadata, path: &EntryPath) {
        let set = |time| file.set_modified(system_time(time)?);
        if let Some(Err(error)) = metadata.mtime.map(set) {
            self.note("time of last change", path, &error);
        }
        if metadata.mode.is_some() {
            self.note("mode and owner", path, &"this system has none");
        }
        if let Some((name, _)) = metadata.xattrs.first() {
            self.note("extended attributes", path, &format_args!("{name}: this system has none"));
        }
    }

    /// Removes from an existing folder what the set's does not have: nothing on this system.
    pub(in crate::restore) fn strip_folder(&self, _: &File, _: &Metadata, _: &EntryPath) {}

    /// Records how a folder that was kept differs from the set's: in nothing that is restored here.
    pub(in crate::restore) fn compare_folder(&self, _: &File, _: &Metadata, _: &EntryPath) {}
}

fn system_time(time: Mtime) -> io::Result<SystemTime> {
    let time =
        jiff::Timestamp::new(time.seconds, time.nanoseconds.cast_signed()).map_err(io::Error::other)?;
    // Windows counts from 1601.
    SystemTime::try_from(time).map_err(io::Error::other)
}
