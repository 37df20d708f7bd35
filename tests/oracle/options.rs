//! How the backups of a world are made.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use azs_backup::backup::{BackupBuilder, SourceProblems};
use azs_backup::{Backup, Place, Share};

use super::rng::Rng;
use super::source::PATTERNS;
use super::{KEYS, keys};

/// How backups are made; some of it changes from night to night.
#[derive(Clone, Debug)]
pub struct Options {
    pub state: Option<PathBuf>,
    pub report: bool,
    pub reread_everything: bool,
    pub segment_size: usize,
    pub workers: usize,
    pub patterns: Vec<usize>,
    /// Which keys can open the set.
    pub keys: Vec<usize>,
}

impl Options {
    pub fn new(dir: &Path, rng: &mut Rng) -> Self {
        Self {
            state: rng.chance(90).then(|| dir.join("state")),
            report: rng.chance(60),
            reread_everything: false,
            segment_size: (4 + 4 * rng.below(3)) << 20,
            workers: 1 + rng.below(4),
            patterns: Vec::new(),
            keys: vec![0],
        }
    }

    /// What may be otherwise this night.
    pub fn vary(&mut self, rng: &mut Rng) {
        self.reread_everything = rng.chance(8);
        self.workers = 1 + rng.below(4);
        if rng.chance(6) {
            self.keys = if rng.chance(50) { (0..KEYS).collect() } else { vec![rng.below(KEYS)] };
        }
        if rng.chance(8) {
            self.patterns = (0..PATTERNS.len()).filter(|_| rng.chance(40)).collect();
        }
        if rng.chance(5) {
            self.segment_size = (4 + 4 * rng.below(3)) << 20;
        }
    }

    pub fn builder(&self, share: Arc<dyn Share>, place: Place) -> BackupBuilder {
        let policy = if self.report { SourceProblems::Report } else { SourceProblems::Fail };
        let mut builder = Backup::builder(share, place)
            .segment_size(self.segment_size)
            .workers(self.workers)
            .reread_everything(self.reread_everything)
            .source_problems(policy);
        for key in &self.keys {
            builder = builder.certificate(keys()[*key].certificate.encryption());
        }
        for pattern in &self.patterns {
            builder = builder.exclude(PATTERNS[*pattern].0);
        }
        if let Some(state) = &self.state {
            builder = builder.state(state);
        }
        builder
    }
}
