//! Modes, owners, times and extended attributes, put back where the system permits it.

use std::fs::File;

use super::target::Target;
use crate::set::{EntryPath, Metadata};

impl Target {
    #[cfg(unix)]
    pub(super) fn finish_file(&self, file: &File, metadata: &Metadata, path: &EntryPath) {
        use rustix::fs::{Mode, XattrFlags, fchmod, fchown, fsetxattr, futimens};

        let owned = match (self.is_privileged, metadata.uid, metadata.gid) {
            (true, Some(uid), Some(gid)) => {
                let ids = (Some(rustix::fs::Uid::from_raw(uid)), Some(rustix::fs::Gid::from_raw(gid)));
                fchown(file, ids.0, ids.1).inspect_err(|e| self.note("owner", path, e)).is_ok()
            }
            (false, Some(uid), _) if uid != rustix::process::geteuid().as_raw() => {
                self.note("owner", path, &"only root may give files away");
                false
            }
            _ => true,
        };
        for (name, value) in &metadata.xattrs {
            if let Err(error) = fsetxattr(file, name.as_bytes(), value, XattrFlags::empty()) {
                self.note("extended attributes", path, &format_args!("{name}: {error}"));
            }
        }
        if let Some(mode) = metadata.mode {
            // Another owner's set-uid bit would be ours.
            let mode = if owned { mode } else { mode & 0o1777 };
            if let Err(error) = fchmod(file, Mode::from_raw_mode(mode)) {
                self.note("mode", path, &error);
            }
        }
        if let Some(times) = timestamps(metadata)
            && let Err(error) = futimens(file, &times)
        {
            self.note("time of last change", path, &error);
        }
    }

    #[cfg(not(unix))]
    pub(super) fn finish_file(&self, file: &File, metadata: &Metadata, path: &EntryPath) {
        let time =
            metadata.mtime.and_then(|t| jiff::Timestamp::new(t.seconds, t.nanoseconds.cast_signed()).ok());
        if let Some(time) = time
            && let Err(error) = file.set_modified(time.into())
        {
            self.note("time of last change", path, &error);
        }
        if metadata.mode.is_some() {
            self.note("mode and owner", path, &"this system has none");
        }
    }

    #[cfg(unix)]
    pub(super) fn finish_symlink(
        &self,
        dir: &cap_std::fs::Dir,
        name: &std::ffi::OsStr,
        metadata: &Metadata,
        path: &EntryPath,
    ) {
        use rustix::fs::{AtFlags, chownat, utimensat};

        if self.is_privileged {
            let (uid, gid) =
                (metadata.uid.map(rustix::fs::Uid::from_raw), metadata.gid.map(rustix::fs::Gid::from_raw));
            if let Err(error) = chownat(dir, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW) {
                self.note("owner", path, &error);
            }
        }
        if let Some(times) = timestamps(metadata)
            && let Err(error) = utimensat(dir, name, &times, AtFlags::SYMLINK_NOFOLLOW)
        {
            self.note("time of last change", path, &error);
        }
    }
}

#[cfg(unix)]
fn timestamps(metadata: &Metadata) -> Option<rustix::fs::Timestamps> {
    let time = metadata.mtime?;
    let last_modification = rustix::fs::Timespec { tv_sec: time.seconds, tv_nsec: time.nanoseconds.into() };
    let last_access = rustix::fs::Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT };
    Some(rustix::fs::Timestamps { last_access, last_modification })
}
