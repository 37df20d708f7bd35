//! A file that changes again within the clock tick in which it was read, on a busy host: the next set has its new
//! content.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use azs_backup::layout::{Component, Deployment, Place, SharePath};
use azs_backup::{Backup, Result, Set, Share};

use super::rng::Rng;
use super::{Fault, Found, keys};
use crate::common::noise;

/// Chances that it gets; more would take most of the time of all worlds.
const TRIES: usize = 3;

pub fn check(share: &Arc<dyn Share>, dir: &Path, source: &Path, rng: &mut Rng) -> Found {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Threads that have nothing to do but to be in the way.
        for _ in 0..2 + rng.below(5) {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let night = Night { share, dir, path: source.join("file") };
        let found = scope.spawn(move || (0..TRIES).try_for_each(|_| night.pass(rng))).join();
        is_over.store(true, Ordering::Relaxed);
        found.expect("it came to an end")
    })
}

struct Night<'a> {
    share: &'a Arc<dyn Share>,
    dir: &'a Path,
    path: PathBuf,
}

impl Night<'_> {
    fn pass(&self, rng: &mut Rng) -> Found {
        fs::write(&self.path, noise(rng.next(), 1_900_000)).unwrap();
        std::thread::sleep(Duration::from_millis(40));
        let (nice, wait) = (rng.below(12) as i32, Duration::from_micros(300 + rng.below(3500) as u64));
        let (started, is_started) = channel();
        let (go, may_go) = channel();
        let is_one_tick = std::thread::scope(|scope| {
            let backup = scope.spawn(move || {
                // The backup gets what time the busy ones leave: its threads have this from the one that starts them.
                let _ = rustix::process::setpriority_process(None, nice);
                self.backup(|| {
                    let _ = started.send(());
                    let _ = may_go.recv();
                })
            });
            let _ = is_started.recv();
            let file = File::options().write(true).open(&self.path).unwrap();
            let tick = self.write_behind_a_tick(&file);
            let begun = Instant::now();
            let _ = go.send(());
            while begun.elapsed() < wait {
                std::hint::spin_loop();
            }
            file.write_all_at(b"later", 0).unwrap();
            // A backup that found out is as good as one that was not disturbed.
            backup.join().expect("it came to an end").is_ok() && time(&file) == tick
        });
        if !is_one_tick {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(60));
        let failed = |error: azs_backup::Error| Fault::new("tick", [format!("{error:?}")]);
        let folder = self.backup(|| {}).map_err(failed)?;
        let bytes = self.stored(folder).map_err(failed)?;
        let now = fs::read(&self.path).unwrap();
        if bytes != now {
            let (has, is) = (bytes[..5].escape_ascii(), now[..5].escape_ascii());
            let line = format!(
                "a file begins with {is}; a set that was begun 60 ms after its last change has {has}"
            );
            return Err(Fault::new("tick", [line]));
        }
        Ok(())
    }

    /// Changes the file until its time changes, too; gives that.
    fn write_behind_a_tick(&self, file: &File) -> (i64, i64) {
        let before = time(file);
        loop {
            file.write_all_at(b"first", 0).unwrap();
            let now = time(file);
            if now != before {
                return now;
            }
        }
    }

    fn backup(&self, between: impl FnOnce()) -> Result<SharePath> {
        let place = Place::new(Deployment::new("contoso.com", "nyc")?, Component::Switches);
        let mut backup = Backup::builder(self.share.clone(), place)
            .certificate(keys()[0].certificate.encryption())
            .state(self.dir.join("state"))
            .workers(1)
            .start()?;
        between();
        backup.add_file_as("file", &self.path)?;
        Ok(backup.commit()?.folder)
    }

    fn stored(&self, folder: SharePath) -> Result<Vec<u8>> {
        let set = Set::open(self.share.clone(), folder)?;
        set.restore_bytes(&keys()[0].opener, &"file".parse()?, u64::MAX)
    }
}

fn time(file: &File) -> (i64, i64) {
    file.metadata().map(|m| (m.ctime(), m.ctime_nsec())).unwrap()
}
