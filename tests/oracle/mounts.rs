//! File systems of other kinds, where root can mount them: one with a coarse clock, one that ignores case.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use azs_backup::Share;
use azs_backup::share::Durability;

use super::rng::Rng;
use super::{Found, case, ticks};
use crate::common::backend;

/// File systems that were mounted, to be given back at the end.
#[derive(Default)]
pub struct Mounts {
    /// Two changes within some milliseconds have the same time.
    slow_clock: Option<PathBuf>,
    /// `Name` and `name` are one.
    no_case: Option<PathBuf>,
    mounted: Mutex<Vec<PathBuf>>,
}

impl Mounts {
    pub fn new() -> Self {
        let mut mounts = Self::default();
        if rustix::process::geteuid().is_root() {
            mounts.slow_clock = mounts.slow_clock();
            mounts.no_case = mounts.no_case();
        }
        for (is_there, what) in
            [(mounts.slow_clock.is_some(), "a coarse clock"), (mounts.no_case.is_some(), "no case")]
        {
            if !is_there {
                println!("passed over: no file system with {what} can be mounted here");
            }
        }
        mounts
    }

    /// What is looked at on them, in some worlds.
    pub fn check(&self, draw: usize, seed: u64, dir: &Path, rng: &mut Rng) -> Found {
        match (draw, &self.slow_clock, &self.no_case) {
            (6..9, Some(slow), _) => {
                let source = folder(slow, seed);
                ticks::check(&other_share(dir), &dir.join("other"), &source, rng)?;
                fs::remove_dir_all(source).unwrap();
            }
            (9..11, _, Some(no_case)) => {
                let target = folder(no_case, seed);
                case::check(&other_share(dir), &dir.join("names"), &target, rng)?;
                fs::remove_dir_all(target).unwrap();
            }
            _ => {}
        }
        Ok(())
    }

    fn mount(&self, name: &str, command: &[&str]) -> Option<PathBuf> {
        let folder = std::env::temp_dir().join(format!("azs-oracle-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).ok()?;
        let (program, arguments) = command.split_first()?;
        let is_done = quiet(Command::new(program).args(arguments).arg(&folder));
        if !is_done {
            let _ = fs::remove_dir(&folder);
            return None;
        }
        self.mounted.lock().unwrap().push(folder.clone());
        Some(folder)
    }

    /// Most file systems of current kernels give a finer time to a change that follows a look; this one does not.
    fn slow_clock(&self) -> Option<PathBuf> {
        let folder = self.mount("clock", &["mount", "-t", "ramfs", "ramfs"])?;
        let file = folder.join("file");
        let is_coarse = (0..50).any(|_| {
            let changed = || fs::write(&file, "x").and_then(|()| fs::metadata(&file));
            let time = |m: &fs::Metadata| (m.ctime(), m.ctime_nsec());
            changed().is_ok_and(|one| changed().is_ok_and(|two| time(&one) == time(&two)))
        });
        is_coarse.then_some(folder)
    }

    fn no_case(&self) -> Option<PathBuf> {
        let folder = self.folded().or_else(|| self.ntfs())?;
        let (one, other) = (folder.join("Case"), folder.join("case"));
        (fs::write(one, "x").is_ok() && other.exists()).then_some(folder)
    }

    fn folded(&self) -> Option<PathBuf> {
        let folder =
            self.mount("folded", &["mount", "-t", "tmpfs", "-o", "casefold", "tmpfs"])?.join("folder");
        fs::create_dir(&folder).ok()?;
        quiet(Command::new("chattr").arg("+F").arg(&folder)).then_some(folder)
    }

    fn ntfs(&self) -> Option<PathBuf> {
        let image = std::env::temp_dir().join(format!("azs-oracle-{}-image", std::process::id()));
        fs::File::create(&image).and_then(|file| file.set_len(64 << 20)).ok()?;
        let made = quiet(Command::new("mkntfs").args(["-q", "-F"]).arg(&image));
        let image_name = image.to_str()?;
        let folder = made.then(|| self.mount("ntfs", &["lowntfs-3g", "-o", "ignore_case", image_name]));
        // It is open as long as it is mounted.
        let _ = fs::remove_file(&image);
        folder.flatten()
    }
}

impl Drop for Mounts {
    fn drop(&mut self) {
        for folder in self.mounted.lock().unwrap().drain(..) {
            quiet(Command::new("umount").arg("-l").arg(&folder));
            let _ = fs::remove_dir(&folder);
        }
    }
}

fn quiet(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// A share beside that of the world.
fn other_share(dir: &Path) -> Arc<dyn Share> {
    let root = dir.join("other share");
    fs::create_dir_all(root.join("contoso.com/nyc/MASBackup")).unwrap();
    backend::share_with(&root, Durability::Cached)
}

/// A folder of its own on one of these.
fn folder(on: &Path, seed: u64) -> PathBuf {
    let folder = on.join(format!("seed-{seed}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}
