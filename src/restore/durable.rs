//! Makes sure that the target's disk has everything before a restore succeeds: a write may still fail after it was
//! accepted.

use std::fs::File;
use std::io;
use std::path::Path;

use cap_std::fs::Dir;

/// How written data gets to the disk.
pub(super) struct Durable {
    /// A handle of each file system that is written to, opened before the first write: it collects the errors since.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    systems: std::sync::Mutex<Vec<(u64, File)>>,
    /// Each file must be synced by itself.
    each: bool,
}

impl Durable {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn new(root: &Path) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt;

        let root = File::open(root)?;
        let each = must_ask_each(&root);
        let systems = std::sync::Mutex::new(vec![(root.metadata()?.dev(), root)]);
        Ok(Self { systems, each })
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(super) fn new(_: &Path) -> io::Result<Self> {
        Ok(Self { each: true })
    }

    /// Records a folder that existed before: another file system may be mounted on it.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn note(&self, dir: &Dir) -> io::Result<()> {
        use cap_std::fs::MetadataExt;

        let dev = dir.dir_metadata()?.dev();
        let mut systems = self.systems.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !systems.iter().any(|(known, _)| *known == dev) {
            systems.push((dev, dir.open(".")?.into_std()));
        }
        Ok(())
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(super) fn note(&self, _: &Dir) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn asks_each(&self) -> bool {
        self.each
    }

    /// Call this for each file that is whole, before it gets its name.
    pub(super) fn file(&self, file: &File) -> io::Result<()> {
        if self.each { file.sync_all() } else { Ok(()) }
    }

    /// Call this for each folder that was written into.
    #[cfg(unix)]
    pub(super) fn folder(&self, dir: &Dir) -> io::Result<()> {
        if self.each { dir.open(".")?.sync_all() } else { Ok(()) }
    }

    #[cfg(not(unix))]
    pub(super) fn folder(&self, _: &Dir) -> io::Result<()> {
        Ok(())
    }

    /// Call this at the end, before reporting success.
    pub(super) fn all(&self) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        for (_, system) in &*self.systems.lock().unwrap_or_else(std::sync::PoisonError::into_inner) {
            rustix::fs::syncfs(system)?;
        }
        Ok(())
    }
}

/// Whether a file system may keep an error until the file itself is synced: servers and programs behind FUSE, which
/// refuse when a file is closed, and kernels whose `syncfs` reports no errors.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn must_ask_each(root: &File) -> bool {
    const NFS: u64 = 0x6969;
    const CIFS: u64 = 0xff53_4d42;
    const SMB2: u64 = 0xfe53_4d42;
    const FUSE: u64 = 0x6573_5546;

    let is_remote = rustix::fs::fstatfs(root).is_ok_and(|system| {
        // The type is signed on some machines.
        [NFS, CIFS, SMB2, FUSE].contains(&(system.f_type as u64 & 0xffff_ffff))
    });
    is_remote || rustix::system::uname().release().to_str().is_ok_and(is_older_than_5_8)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_older_than_5_8(release: &str) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map_while(|part| part.parse::<u32>().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < (5, 8)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::is_older_than_5_8;

    #[test]
    fn kernels_are_told_apart() {
        for (release, is) in [
            ("4.18.0-553.el8.x86_64", true),
            ("5.7.19", true),
            ("5.8.0", false),
            ("5.10.0-30-amd64", false),
            ("6.18.44", false),
            ("7.0-rc1", false),
        ] {
            assert_eq!(is_older_than_5_8(release), is, "{release}");
        }
    }
}
