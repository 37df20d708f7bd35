//! Runs worlds, seed after seed, and reports those in which something was lost.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::mounts::Mounts;
use super::rng::Rng;
use super::world::{Manner, World};
use super::{Fault, Found, system};
use crate::common::backend;

/// Nights of a world, unless it needs more.
const NIGHTS: u64 = 8;
/// How long this goes on where nobody says how long.
const SECONDS: u64 = 12;
/// Failures after which there is enough to do.
const ENOUGH: usize = 200;

fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(format!("AZS_ORACLE_{name}")).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("AZS_ORACLE_{name} is {value}, which is no number")))
}

/// One seed, or as many as there is time for.
pub fn all() {
    let mounts = Mounts::new();
    if let Some(seed) = variable("SEED") {
        let nights = variable("NIGHTS");
        let (found, log, _) = one(seed, nights, &mounts);
        println!("{}", log.join("\n"));
        drop(mounts);
        if let Err(fault) = found {
            panic!("{}", told(seed, &fault));
        }
        return;
    }
    let first = variable("FIRST").unwrap_or(1);
    let limit = Duration::from_secs(variable("SECONDS").unwrap_or(SECONDS));
    let count = variable("SEEDS").unwrap_or(u64::MAX);
    let threads = variable("THREADS").unwrap_or(6);
    let begun = Instant::now();
    let (next, nights) = (AtomicU64::new(0), AtomicU64::new(0));
    let faults: Mutex<BTreeMap<u64, Fault>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while begun.elapsed() < limit && faults.lock().unwrap().len() < ENOUGH {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= count {
                        break;
                    }
                    if number > 0 && number.is_multiple_of(500) {
                        println!("{number} worlds, {} nights", nights.load(Ordering::SeqCst));
                    }
                    let seed = first + number;
                    let (found, _, passed) = one(seed, None, &mounts);
                    nights.fetch_add(passed, Ordering::SeqCst);
                    if let Err(fault) = found {
                        println!("{}", told(seed, &fault));
                        faults.lock().unwrap().insert(seed, fault);
                    }
                }
            });
        }
    });
    let (seeds, nights, seconds) = (next.into_inner(), nights.into_inner(), begun.elapsed().as_secs_f64());
    drop(mounts);
    let rate = nights as f64 / seconds;
    println!("seeds {first} to {}: {nights} nights in {seconds:.1} s, {rate:.1} a second", first + seeds - 1);
    // In the message, too: whoever sees only the end of a long run must not lose what it found.
    if let Some((seed, fault)) = faults.into_inner().unwrap().first_key_value() {
        panic!("of {seeds} worlds one or more lost something; the first:\n{}", told(*seed, fault));
    }
}

fn told(seed: u64, fault: &Fault) -> String {
    let mut text = format!("SEED {seed}: {}", fault.what);
    for line in fault.lines.iter().take(12) {
        text += &format!("\n  {:.400}", line);
    }
    if fault.lines.len() > 12 {
        text += &format!("\n  … {} more", fault.lines.len() - 12);
    }
    text + &format!("\n  again: AZS_ORACLE_SEED={seed} cargo test --test oracle")
}

/// Lives through the world of one seed; gives what was found, what happened, and how many nights it took.
fn one(seed: u64, nights: Option<u64>, mounts: &Mounts) -> (Found, Vec<String>, u64) {
    let dir = place(seed);
    let _ = system::remove_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    let mut rng = Rng::new(seed ^ 0x0_0AC1E);
    let draw = rng.below(100);
    let manner = Manner { calm: draw < 4, many: (4..6).contains(&draw) };
    let mut world = World::new(seed, &dir, &dir.join("source"), manner);
    let most = if manner.calm { NIGHTS + 2 } else { NIGHTS };
    let nights = nights.unwrap_or(if manner.many { 4 } else { most });
    let mut passed = 0;
    let live = || -> Found {
        mounts.check(draw, seed, &dir, &mut rng)?;
        for _ in 0..nights {
            passed += 1;
            world.night()?;
        }
        world.end()
    };
    let found = catch_unwind(AssertUnwindSafe(live)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(Fault::new("a panic", text))
    });
    world.clean();
    (found, world.log, passed)
}

/// In memory, where there is room; in the folder that the file server serves, where there is one.
fn place(seed: u64) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let folder = if backend::is_smb() || !memory.is_dir() { std::env::temp_dir() } else { memory.into() };
    folder.join(format!("azs-oracle-{}-{seed}", std::process::id()))
}
