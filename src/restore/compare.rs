//! Compares what exists in the target with what the set has: [`Existing::Keep`] keeps files that are the same and files
//! that are not, and tells them apart.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, OpenOptions};

use super::target::{ExpectedContent, ExpectedFile, LastFolder, Outcome, Target};
use super::{Compare, Existing};
use crate::error::Error;
use crate::names;
use crate::set::{Digest, Mtime};
use crate::stop;

/// Resolution of file times in nanoseconds: most file systems, NTFS, microseconds, exFAT, seconds, FAT.
const STEPS: [i128; 6] = [1, 100, 1_000, 10_000_000, 1_000_000_000, 2_000_000_000];

impl Target {
    /// Returns the outcome for a file whose name is taken; `None` if it must be written.
    pub(super) fn keep_file(
        &self,
        dir: &Dir,
        name: &OsStr,
        wanted: ExpectedFile<'_>,
        near: &mut LastFolder,
    ) -> io::Result<Option<Outcome>> {
        let Some(there) = self.kept(dir, name, near)? else { return Ok(None) };
        let mut same = there.is_file() && there.len() == wanted.size;
        if same {
            same = match (self.compare, wanted.content) {
                (Compare::Metadata, _) => is_time(&there, wanted.mtime),
                (Compare::Content, ExpectedContent::Bytes(bytes)) => is_content_of(open(dir, name)?, bytes)?,
                (Compare::Content, ExpectedContent::Digest(digest)) => {
                    digest_of(&open(dir, name)?)? == digest
                }
                (Compare::Content, ExpectedContent::Later) => true,
            };
        }
        Ok(Some(if same { Outcome::Kept } else { Outcome::Differs }))
    }

    /// Looks up an existing thing that may be kept.
    pub(super) fn kept(
        &self,
        dir: &Dir,
        name: &OsStr,
        near: &mut LastFolder,
    ) -> io::Result<Option<cap_std::fs::Metadata>> {
        if self.existing != Existing::Keep {
            return Ok(None);
        }
        match names::look(dir, name) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
            Ok(there) => self.must_be_itself(dir, name, near).map(|()| Some(there)),
        }
    }
}

/// Opens a file for reading without following a link.
pub(super) fn open(dir: &Dir, name: &OsStr) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).follow(FollowSymlinks::No);
    Ok(dir.open_with(name, &options)?.into_std())
}

/// Whether a file was last changed at this time, as precisely as its file system can tell.
fn is_time(there: &cap_std::fs::Metadata, wanted: Option<Mtime>) -> bool {
    let Some(wanted) = wanted else { return true };
    let Ok(there) = there.modified() else { return false };
    let nanoseconds = |time: Mtime| i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanoseconds);
    let (there, wanted) = (nanoseconds(mtime_of(there.into_std())), nanoseconds(wanted));
    STEPS.iter().any(|step| wanted.div_euclid(*step) * step == there)
}

/// Converts a file's time of last change to a set's form.
pub(super) fn mtime_of(time: std::time::SystemTime) -> Mtime {
    let nanoseconds = match time.duration_since(std::time::UNIX_EPOCH) {
        Ok(after) => after.as_nanos().cast_signed(),
        Err(before) => -before.duration().as_nanos().cast_signed(),
    };
    let seconds = i64::try_from(nanoseconds.div_euclid(1_000_000_000)).unwrap_or(0);
    Mtime::new(seconds, nanoseconds.rem_euclid(1_000_000_000) as u32)
}

/// Whether two files have the same bytes.
pub(super) fn is_same(mut one: &File, mut other: &File) -> io::Result<bool> {
    let mut buffer = vec![0; 64 << 10];
    one.rewind()?;
    loop {
        let read = one.read(&mut buffer)?;
        if read == 0 {
            return Ok(other.read(&mut [0])? == 0);
        }
        go_on()?;
        if !is_content_of(Read::by_ref(&mut other).take(read as u64), &buffer[..read])? {
            return Ok(false);
        }
    }
}

/// Copies a file piece by piece, because one may be of any length and the work may be stopped.
pub(super) fn copy(mut from: &File, mut to: &File) -> io::Result<()> {
    while io::copy(&mut Read::by_ref(&mut from).take(PIECE), &mut to)? > 0 {
        go_on()?;
    }
    Ok(())
}

/// Fails if this thread's work should end.
fn go_on() -> io::Result<()> {
    if stop::is_set() { Err(Error::cancelled().into()) } else { Ok(()) }
}

/// Bytes that are copied at once.
const PIECE: u64 = 16 << 20;

/// Whether a reader returns exactly these bytes.
pub(super) fn is_content_of(mut file: impl Read, mut bytes: &[u8]) -> io::Result<bool> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = match file.read(&mut buffer) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        match bytes.split_at_checked(read) {
            Some((same, rest)) if *same == buffer[..read] => bytes = rest,
            _ => return Ok(false),
        }
        if read == 0 {
            return Ok(bytes.is_empty());
        }
    }
}

fn digest_of(mut file: &File) -> io::Result<Digest> {
    let mut content = Vec::new();
    file.read_to_end(&mut content)?;
    Ok(Digest::of(&content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_or_a_comparison_of_large_files_can_be_stopped() {
        let large = |_| {
            let file = tempfile::tempfile().unwrap();
            file.set_len(4 * PIECE).unwrap();
            file
        };
        let ([from, other], to) = ([0, 1].map(large), tempfile::tempfile().unwrap());
        let stopped = stop::Stop::default();
        stopped.set();
        let kind = |error| Error::io("copy", error).kind();
        let copied = stopped.run(|| copy(&from, &to));
        assert_eq!(kind(copied.unwrap_err()), crate::ErrorKind::Cancelled);
        assert_eq!(to.metadata().unwrap().len(), PIECE);
        assert_eq!(kind(stopped.run(|| is_same(&from, &other)).unwrap_err()), crate::ErrorKind::Cancelled);
        let [from, other] = [0, 1].map(large);
        assert!(is_same(&from, &other).unwrap());
        (&other).rewind().unwrap();
        let whole = tempfile::tempfile().unwrap();
        copy(&other, &whole).unwrap();
        assert_eq!(whole.metadata().unwrap().len(), 4 * PIECE);
    }

    #[test]
    fn a_time_is_the_same_where_a_file_system_cut_it() {
        let temp = tempfile::tempdir().unwrap();
        let file = File::create(temp.path().join("file")).unwrap();
        let dir = Dir::open_ambient_dir(temp.path(), cap_std::ambient_authority()).unwrap();
        for (there, wanted, same) in [
            ((5, 123_456_789), (5, 123_456_789), true),
            ((5, 123_456_700), (5, 123_456_789), true),
            ((5, 0), (5, 999_999_999), true),
            ((4, 0), (5, 999_999_999), true),
            ((5, 0), (6, 0), false),
            ((6, 0), (5, 0), false),
            ((5, 123_456_600), (5, 123_456_789), false),
            // In steps of 100 ns they are one.
            ((5, 123_456_788), (5, 123_456_789), cfg!(windows)),
        ] {
            let time = std::time::UNIX_EPOCH + std::time::Duration::new(there.0, there.1);
            file.set_modified(time).unwrap();
            let metadata = names::look(&dir, "file").unwrap();
            assert_eq!(
                is_time(&metadata, Some(Mtime::new(wanted.0, wanted.1))),
                same,
                "{there:?} {wanted:?}"
            );
        }
    }
}
