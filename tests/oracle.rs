//! The oracle: random sources ("worlds"), random events each night, and then the question: is everything still there?
//!
//! `AZS_ORACLE_SEED=7 cargo test --test oracle` repeats one world, and prints what happened in it;
//! `AZS_ORACLE_NIGHTS=3` ends it sooner. `cargo xtask soak` goes on for hours. A failure prints its seed.
// Nobody reads the documentation of a test program.
#![allow(clippy::exhaustive_structs, missing_docs, unreachable_pub)]

mod common;

#[path = "oracle/by_hand.rs"]
mod by_hand;
#[cfg(unix)]
#[path = "oracle/case.rs"]
mod case;
#[path = "oracle/check.rs"]
mod check;
#[path = "oracle/child.rs"]
mod child;
#[path = "oracle/content.rs"]
mod content;
#[path = "oracle/ending.rs"]
mod ending;
#[path = "oracle/existing.rs"]
mod existing;
#[path = "oracle/expected.rs"]
mod expected;
#[path = "oracle/failing_share.rs"]
mod failing_share;
#[path = "oracle/harm.rs"]
mod harm;
#[path = "oracle/model.rs"]
mod model;
#[cfg_attr(unix, path = "oracle/mounts.rs")]
#[cfg_attr(windows, path = "oracle/no_mounts.rs")]
mod mounts;
#[path = "oracle/moves.rs"]
mod moves;
#[path = "oracle/options.rs"]
mod options;
#[path = "oracle/rng.rs"]
mod rng;
#[path = "oracle/run.rs"]
mod run;
#[path = "oracle/source.rs"]
mod source;
#[path = "oracle/stopper.rs"]
mod stopper;
#[path = "oracle/system.rs"]
mod system;
#[cfg(unix)]
#[path = "oracle/ticks.rs"]
mod ticks;
#[path = "oracle/world.rs"]
mod world;

use std::sync::OnceLock;

use azs_backup::Opener;
use azs_backup::restore::RestoreReport;
use azs_backup::set::EntryPath;
use common::Certificate;
use serde_json::Value;

/// Something that must not happen: its kind, and what was seen.
#[derive(Debug)]
pub struct Fault {
    pub what: &'static str,
    pub lines: Vec<String>,
}

pub type Found = Result<(), Fault>;

impl Fault {
    pub fn new(what: &'static str, lines: impl IntoIterator<Item = String>) -> Self {
        Self { what, lines: lines.into_iter().collect() }
    }
}

/// A certificate and what it opens.
pub struct Key {
    pub certificate: Certificate,
    pub opener: Opener,
}

/// How many certificates there are to change between.
pub const KEYS: usize = 2;

/// The certificates of all worlds.
pub fn keys() -> &'static [Key; KEYS] {
    static KEYS: OnceLock<[Key; 2]> = OnceLock::new();
    KEYS.get_or_init(|| {
        ["one", "two"].map(|name| {
            let certificate = Certificate::new(name);
            let opener = Opener::new(certificate.decryption());
            Key { certificate, opener }
        })
    })
}

/// Whether a report names this path at all: as a loss, a problem or anything else that is wrong.
pub fn named(report: &RestoreReport, path: &[u8]) -> bool {
    fn has(value: &Value, wanted: &Value, text: &str) -> bool {
        match value {
            Value::Array(values) => values.iter().any(|value| has(value, wanted, text)),
            Value::Object(values) => value == wanted || values.values().any(|value| has(value, wanted, text)),
            Value::String(line) => {
                value == wanted || line.strip_prefix(text).is_some_and(|rest| rest.starts_with([':', ' ']))
            }
            _ => false,
        }
    }
    let Ok(path) = EntryPath::new(path.to_vec()) else { return false };
    let (report, wanted) = (serde_json::to_value(report), serde_json::to_value(&path));
    report.is_ok_and(|report| wanted.is_ok_and(|wanted| has(&report, &wanted, &path.to_string())))
}

/// Not a test of its own: a child process that will be killed.
#[test]
fn child() {
    child::work();
}

#[test]
fn whatever_happens_nothing_is_lost_or_silently_wrong() {
    run::all();
}
