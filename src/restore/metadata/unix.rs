//! What Unix knows about a file besides its content and time: mode, owner, extended attributes.

use std::fs::File;

use crate::restore::target::Target;
use crate::set::{EntryPath, Metadata};

impl Target {
    pub(in crate::restore) fn finish_file(&self, file: &File, metadata: &Metadata, path: &EntryPath) {
        use rustix::fs::{Mode, XattrFlags, fchmod, fchown, fsetxattr, futimens};

        let give = |uid, gid| fchown(file, uid, gid);
        let (owned, grouped) = self.restore_owner(metadata, path, || rustix::fs::fstat(file), give);
        for (name, value) in &metadata.xattrs {
            if let Err(error) = fsetxattr(file, name.as_bytes(), value, XattrFlags::empty()) {
                self.note("extended attributes", path, &format_args!("{name}: {error}"));
            }
        }
        if let Some(mode) = metadata.mode {
            // With another owner the set-uid bit would be ours, and with another group the set-gid bit our group's.
            let withheld = (if owned { 0 } else { 0o4000 }) | (if grouped { 0 } else { 0o2000 });
            if mode & withheld != 0 {
                self.note(
                    "mode",
                    path,
                    &"a set-uid or set-gid bit is for the owner and group that it was set by",
                );
            }
            if let Err(error) = fchmod(file, Mode::from_raw_mode(mode & !withheld)) {
                self.note("mode", path, &error);
            }
        }
        if let Some(times) = timestamps(metadata)
            && let Err(error) = futimens(file, &times)
        {
            self.note("time of last change", path, &error);
        }
    }

    /// Removes attributes from an existing folder that the set's does not have, if they are its own and not the
    /// system's. An access list could let somebody else in.
    pub(in crate::restore) fn strip_folder(&self, folder: &File, metadata: &Metadata, path: &EntryPath) {
        // Without a mode nobody recorded its attributes.
        if metadata.mode.is_none() {
            return;
        }
        // Longest such list on Linux (XATTR_LIST_MAX).
        let mut names = vec![0; 64 << 10];
        // The file system has no extended attributes.
        let Ok(length) = rustix::fs::flistxattr(folder, &mut names[..]) else { return };
        for name in names[..length].split(|byte| *byte == 0) {
            let is_own = name.starts_with(b"user.") || name.starts_with(b"system.posix_acl_");
            if is_own
                && !metadata.xattrs.iter().any(|(kept, _)| kept.as_bytes() == name)
                && let Err(error) = rustix::fs::fremovexattr(folder, name)
            {
                let name = name.escape_ascii();
                self.note("extended attributes", path, &format_args!("{name} could not be removed: {error}"));
            }
        }
    }

    /// Restores owner and group if the system permits it; returns which of them are right.
    pub(in crate::restore) fn restore_owner(
        &self,
        metadata: &Metadata,
        path: &EntryPath,
        there: impl FnOnce() -> rustix::io::Result<rustix::fs::Stat>,
        give: impl Fn(Option<rustix::fs::Uid>, Option<rustix::fs::Gid>) -> rustix::io::Result<()>,
    ) -> (bool, bool) {
        let (uid, gid) = (metadata.uid, metadata.gid);
        let there = match there() {
            Ok(there) => (there.st_uid, there.st_gid),
            Err(error) => {
                self.note("owner", path, &error);
                return (false, false);
            }
        };
        let mut owned = uid.is_none_or(|uid| uid == there.0);
        if let Some(uid) = uid.filter(|_| !owned) {
            if rustix::process::geteuid().is_root() {
                let given = give(Some(rustix::fs::Uid::from_raw(uid)), None);
                owned = given.inspect_err(|e| self.note("owner", path, e)).is_ok();
            } else {
                self.note("owner", path, &"only root may give files away");
            }
        }
        let mut grouped = gid.is_none_or(|gid| gid == there.1);
        if let Some(gid) = gid.filter(|_| !grouped) {
            let given = give(None, Some(rustix::fs::Gid::from_raw(gid)));
            grouped = given.inspect_err(|e| self.note("group", path, e)).is_ok();
        }
        (owned, grouped)
    }

    /// Records how a folder that was kept differs from the set's.
    pub(in crate::restore) fn compare_folder(&self, folder: &File, metadata: &Metadata, path: &EntryPath) {
        use std::os::unix::fs::MetadataExt;

        let Ok(there) = folder.metadata() else { return };
        let is_other = |wanted: Option<u32>, there| wanted.is_some_and(|wanted| wanted != there);
        if is_other(metadata.mode, there.mode() & 0o7777) {
            self.note("mode of folders that were kept", path, &format_args!("{:o}", there.mode() & 0o7777));
        }
        if is_other(metadata.uid, there.uid()) || is_other(metadata.gid, there.gid()) {
            let why = format_args!("{}:{}", there.uid(), there.gid());
            self.note("owner and group of folders that were kept", path, &why);
        }
    }
}

pub(in crate::restore) fn timestamps(metadata: &Metadata) -> Option<rustix::fs::Timestamps> {
    let time = metadata.mtime?;
    let last_modification = rustix::fs::Timespec { tv_sec: time.seconds, tv_nsec: time.nanoseconds.into() };
    let last_access = rustix::fs::Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT };
    Some(rustix::fs::Timestamps { last_access, last_modification })
}
