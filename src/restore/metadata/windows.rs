//! Restores what Windows knows about a file: its time of last change, and what the records of a set made on Windows have.

use std::ffi::OsStr;
use std::fs::{self, File, FileTimes};
use std::io;
use std::os::windows::fs::FileTimesExt;
use std::path::PathBuf;
use std::time::SystemTime;

use azs_backup_windows::{
    audit, path, privileges, security, set_access, set_attributes, set_audit, set_owner, streams,
};

use crate::restore::target::Target;
use crate::set::windows::WindowsRecord;
use crate::set::{EntryPath, Metadata, Mtime};

impl Target {
    pub(in crate::restore) fn finish_file(&self, file: &File, metadata: &Metadata, at: &EntryPath) {
        if metadata.mode.is_some() {
            self.note("mode and owner", at, &"this system has none");
        }
        let (mut created, mut attributes) = (None, None);
        for (name, value) in &metadata.xattrs {
            match WindowsRecord::of_xattr(name, value) {
                Some(WindowsRecord::Stream(name, content)) => {
                    if let Err(error) = write_stream(file, &name, &content) {
                        let name = name.escape_ascii();
                        self.note("alternate data streams", at, &format_args!("{name}: {error}"));
                    }
                }
                Some(WindowsRecord::Security(sddl)) => self.finish_security(file, &sddl, at),
                Some(WindowsRecord::Created(time)) => created = Some(time),
                Some(WindowsRecord::Attributes(bits)) => attributes = Some(bits),
                None => self.note("extended attributes", at, &format_args!("{name}: this system has none")),
            }
        }
        // Whatever was written before would have changed the times.
        if let Err(error) = set_times(file, metadata.mtime, created) {
            self.note("time of last change", at, &error);
        }
        if let Some(Err(error)) = attributes.map(|bits| set_attributes(file, bits)) {
            self.note("attributes", at, &error);
        }
    }

    /// Restores owner and access list, as far as they are not what they should be and this account may.
    fn finish_security(&self, file: &File, sddl: &str, at: &EntryPath) {
        let restore = || -> io::Result<()> {
            let there = security(file)?;
            let path = path(file)?;
            // A part that the record does not have says nothing. (An access list that is not there lets everybody in.)
            if !owner_of(sddl).is_empty()
                && owner_of(&there) != owner_of(sddl)
                && let Err(error) = set_owner(&path, owner_of(sddl))
            {
                self.note("owner", at, &error);
            }
            if !access_of(sddl).is_empty() && access_of(&there) != access_of(sddl) {
                set_access(&path, access_of(sddl))?;
            }
            let rules = audit_of(sddl);
            if !rules.is_empty() && !(privileges().security && audit(&path)? == rules) {
                set_audit(&path, rules)?;
            }
            Ok(())
        };
        if let Err(error) = restore() {
            self.note("access list", at, &error);
        }
    }

    /// Removes from an existing folder what the set's does not have: attributes and streams.
    pub(in crate::restore) fn strip_folder(&self, folder: &File, metadata: &Metadata, at: &EntryPath) {
        let records = metadata.xattrs.iter().filter_map(|(name, value)| WindowsRecord::of_xattr(name, value));
        let records: Vec<_> = records.collect();
        // Without any, nobody recorded what it had.
        if records.is_empty() {
            return;
        }
        let has_attributes = records.iter().any(|record| matches!(record, WindowsRecord::Attributes(_)));
        if !has_attributes && let Err(error) = set_attributes(folder, 0) {
            self.note("attributes", at, &error);
        }
        let is_kept = |name: &OsStr| {
            let is_this = |record: &_| matches!(record, WindowsRecord::Stream(kept, _) if kept == name.as_encoded_bytes());
            records.iter().any(is_this)
        };
        for stream in streams(folder).unwrap_or_default().into_iter().filter(|stream| !is_kept(&stream.name))
        {
            if let Err(error) = stream_path(folder, &stream.name).and_then(fs::remove_file) {
                let name = stream.name.to_string_lossy();
                self.note(
                    "alternate data streams",
                    at,
                    &format_args!("{name} could not be removed: {error}"),
                );
            }
        }
    }

    /// Records how a folder that was kept differs from the set's: in nothing that matters here.
    pub(in crate::restore) fn compare_folder(&self, _: &File, _: &Metadata, _: &EntryPath) {}
}

/// Writes a named stream of a file or folder.
fn write_stream(file: &File, name: &[u8], content: &[u8]) -> io::Result<()> {
    let name = str::from_utf8(name).ok().filter(|name| !name.contains(['\\', '/', ':', '\0']));
    let name =
        name.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidFilename, "not the name of a stream"))?;
    fs::write(stream_path(file, OsStr::new(name))?, content)
}

fn stream_path(file: &File, name: &OsStr) -> io::Result<PathBuf> {
    let mut path = path(file)?.into_os_string();
    path.push(":");
    path.push(name);
    Ok(path.into())
}

fn set_times(file: &File, modified: Option<Mtime>, created: Option<Mtime>) -> io::Result<()> {
    let mut times = FileTimes::new();
    if let Some(time) = modified {
        times = times.set_modified(system_time(time)?);
    }
    if let Some(time) = created {
        times = times.set_created(system_time(time)?);
    }
    file.set_times(times)
}

fn system_time(time: Mtime) -> io::Result<SystemTime> {
    let time =
        jiff::Timestamp::new(time.seconds, time.nanoseconds.cast_signed()).map_err(io::Error::other)?;
    // Windows counts from 1601.
    SystemTime::try_from(time).map_err(io::Error::other)
}

/// Returns the `O:` and `G:` parts of an SDDL text, which come first.
fn owner_of(sddl: &str) -> &str {
    sddl.find("D:").map_or(&sddl[..sddl.len() - audit_of(sddl).len()], |at| &sddl[..at])
}

/// Returns the `D:` part.
fn access_of(sddl: &str) -> &str {
    sddl.find("D:").map_or("", |at| &sddl[at..sddl.len() - audit_of(sddl).len()])
}

/// Returns the `S:` part, which comes last. Nothing before it has a colon but the letters of the other parts, unless an
/// entry has a condition, which is in quotes.
fn audit_of(sddl: &str) -> &str {
    let mut is_quoted = false;
    let found = sddl.bytes().enumerate().find(|(at, byte)| {
        is_quoted ^= *byte == b'"';
        !is_quoted && sddl[*at..].starts_with("S:")
    });
    found.map_or("", |(at, _)| &sddl[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_security_record_are_told_apart() {
        let access = r#"D:P(A;;FA;;;S-1-5-18)(XA;;FX;;;WD;(@User.Title=="VP S:"))"#;
        for (owner, access, audit) in [
            ("O:BAG:BA", access, "S:AI(AU;SAFA;FA;;;WD)"),
            ("O:BAG:SY", "D:", "S:"),
            ("O:BA", "D:(A;;FA;;;SY)", ""),
            ("O:BAG:BA", "", ""),
            ("O:BAG:BA", "", "S:AI"),
            ("", "D:P", ""),
            ("", "", ""),
        ] {
            let sddl = [owner, access, audit].concat();
            assert_eq!((owner_of(&sddl), access_of(&sddl), audit_of(&sddl)), (owner, access, audit));
        }
    }
}
