//! A host, its sources, its share, and what happens to them each night.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use azs_backup::backup::BackupReport;
use azs_backup::layout::{Component, Deployment, SharePath};
use azs_backup::set::Status;
use azs_backup::{Backup, Error, ErrorKind, Place, Result, Set, Share, list_sets};

use super::check::{Record, remove};
use super::expected::Expected;
use super::failing_share::{Bad, FailingShare};
use super::moves::Mover;
use super::options::Options;
use super::rng::Rng;
use super::source::{Moment, Source, Sources};
use super::system::RECOVERS_BY_HAND;
use super::{Fault, Found, by_hand, child, existing, harm, keys};
use crate::common::backend;

/// Nights after which what rots in a linked file has to be named.
const NIGHTS: u32 = 7;

/// How a world is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// Little changes, and something rots in what is linked from night to night.
    pub calm: bool,
    /// So much is added below, above or beside earlier sources that the index needs several pieces.
    pub many: bool,
}

impl Manner {
    /// Whether sources and options stay what they are.
    fn is_plain(self) -> bool {
        self.calm || self.many
    }
}

pub struct World {
    pub dir: PathBuf,
    pub root: PathBuf,
    pub share: Arc<dyn Share>,
    pub place: Place,
    pub rng: Rng,
    pub mover: Mover,
    pub sources: Sources,
    manner: Manner,
    options: Options,
    pub records: Vec<Record>,
    /// What runs left that failed.
    left: BTreeSet<SharePath>,
    /// Stored files that came to harm.
    rotten: BTreeSet<String>,
    /// Nights for which damaged files were linked, by name.
    nights: BTreeMap<String, u32>,
    pub log: Vec<String>,
}

/// A source that panics, without a word: many do.
struct Panics;

impl std::io::Read for Panics {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        resume_unwind(Box::new("on purpose"))
    }
}

/// A hand that changes the source while a backup reads it, and the states that it had.
type States = (Arc<Mutex<Mover>>, Arc<Mutex<Vec<Moment>>>);

impl World {
    /// A world in `dir`, with its sources in `sources`.
    pub fn new(seed: u64, dir: &Path, sources: &Path, manner: Manner) -> Self {
        let root = dir.join("share");
        fs::create_dir_all(root.join("contoso.com/nyc/MASBackup")).unwrap();
        let share = backend::share_with(&root, azs_backup::share::Durability::Cached);
        let mut rng = Rng::new(seed);
        let sources = Sources::new(sources, rng.fork());
        let mut mover = Mover::new(&sources.tree(), rng.fork());
        mover.is_light = rng.chance(80);
        let first = 4 + rng.below(25);
        mover.make(first);
        let mut sources = sources;
        if manner.many {
            sources.fill();
        }
        Self {
            place: Place::new(Deployment::new("contoso.com", "nyc").unwrap(), Component::Switches),
            options: Options::new(dir, &mut rng),
            dir: dir.to_owned(),
            root,
            share,
            rng,
            mover,
            sources,
            manner,
            records: Vec::new(),
            left: BTreeSet::new(),
            rotten: BTreeSet::new(),
            nights: BTreeMap::new(),
            log: Vec::new(),
        }
    }

    fn say(&mut self, line: String) {
        self.log.push(line);
    }

    /// One night: things happen, a backup is made, and all is looked at.
    pub fn night(&mut self) -> Found {
        self.harm_something();
        let moves = if self.manner.calm { self.rng.below(2) } else { self.rng.below(12) };
        self.mover.recent.clear();
        self.mover.make(moves);
        if self.rng.chance(70) {
            // Beyond the tick within which a change may not show: else everything is read again.
            std::thread::sleep(Duration::from_millis(30));
        }
        let sources = if self.manner.many {
            self.sources.choose_among_many(self.records.len())
        } else {
            self.sources.choose(self.manner.calm)
        };
        if !self.manner.is_plain() {
            self.options.vary(&mut self.rng);
        }
        self.say(format!("moves: {}", self.mover.log.join("; ")));
        self.mover.log.clear();
        self.say(format!("sources: {sources:?}; {:?}", self.options));
        let bad = self.something_bad();
        if let Some(Bad::KilledAt(put)) = bad {
            return self.killed(&sources, put);
        }
        self.backup(&sources, bad)
    }

    fn harm_something(&mut self) {
        let when = if self.manner.is_plain() {
            self.manner.calm && self.records.len() == 1
        } else {
            self.rng.chance(10)
        };
        if !when {
            return;
        }
        let done = if self.manner.calm {
            let mut files: Vec<_> = self.records[0].files.keys().cloned().collect();
            files.retain(|name| name.ends_with(".tar.zst.p7m"));
            let file = self.rng.pick(&files).map(|name| self.records[0].native.join(name));
            let done = file.map(|file| harm::rot(&file, &mut self.rng));
            self.records.iter_mut().for_each(Record::look);
            done
        } else {
            harm::harm(&mut self.records, &mut self.rng)
        };
        self.rotten.extend(self.records.iter().flat_map(|record| record.harmed.iter().cloned()));
        self.say(format!("harm: {done:?}"));
    }

    fn something_bad(&mut self) -> Option<Bad> {
        if self.manner.is_plain() || !self.rng.chance(14) {
            return None;
        }
        Some(match self.rng.below(10) {
            0 => Bad::KilledAt(1 + self.rng.below(5) as u64),
            1 => Bad::FullAfter(self.rng.below(200_000) as u64),
            2 => Bad::TimesOutAt(1 + self.rng.below(6) as u64),
            3 => Bad::LinkAnswerLost(1 + self.rng.below(3) as u64),
            4 | 5 => Bad::StoppedAt(1 + self.rng.below(30) as u64),
            6 => Bad::DeletesAtSecondTry,
            7 => Bad::SourcePanicsAt(self.rng.below(2)),
            _ => Bad::DiesAt(1 + self.rng.below(30) as u64),
        })
    }

    /// A backup in this process, while which the source may change and the share may fail.
    fn backup(&mut self, sources: &[Source], bad: Option<Bad>) -> Found {
        let (mover, states) = self.restless(sources);
        let is_restless = !self.manner.is_plain() && self.rng.chance(25);
        let mut rough = FailingShare::new(&self.share, bad.clone());
        let move_once = {
            let mover = mover.clone();
            move || {
                let mut mover = mover.lock().unwrap();
                for _ in 0..1 + mover.rng.below(3) {
                    if mover.rng.chance(35) {
                        let done = mover.rotate();
                        let line = done.unwrap_or_else(|error| format!("(not done: {error})"));
                        mover.log.push(line);
                    } else {
                        mover.make(1);
                    }
                    mover.step();
                }
            }
        };
        let at_put = 1 + self.rng.below(3) as u64;
        let at_source =
            if is_restless && self.rng.chance(60) { self.rng.below(sources.len()) } else { usize::MAX };
        if is_restless && at_source == usize::MAX {
            let move_once = move_once.clone();
            rough = rough.during(move |put| {
                if put == at_put {
                    move_once()
                }
            });
        }
        let rough = Arc::new(rough);
        let mut missing = false;
        let goes_on = self.rng.chance(30);
        let done = self.run(&rough, sources, goes_on, |at, is_in| {
            missing |= !is_in;
            if at == at_source {
                move_once();
            }
        });
        let (mover, states) = (mover.lock().unwrap().log.join("; "), states.lock().unwrap().clone());
        self.say(format!("meanwhile: {mover}; bad: {bad:?}; done: {}", brief(&done)));
        let expected = Expected::new(&states);
        if rough.stopper().was_asked_again() {
            return Err(Fault::new("stopped", ["the observer was asked again after it said stop".into()]));
        }
        match done {
            Ok(_) if rough.panics_at().is_some_and(|at| at < sources.len()) => {
                Err(Fault::new("backup", ["a set, without the source that panicked".into()]))
            }
            Ok(report) => self.take_in(&report, expected),
            Err(error) => {
                let has_shown = bad.is_some() && rough.has_shown();
                // The run ends with the source that is missing, even if the caller goes on.
                let is_missing = missing && error.kind() == ErrorKind::SourceUnreadable;
                if !is_missing && !is_reason(&error, bad.as_ref().filter(|_| has_shown), states.len() > 1) {
                    return Err(Fault::new("backup", [format!("{error:?}")]));
                }
                if matches!(error.kind(), ErrorKind::Cancelled | ErrorKind::Internal) {
                    self.nothing_left()?;
                }
                self.nothing_false(&expected, has_shown)
            }
        }
    }

    /// A hand for the time of a backup, and the states of these sources that it brings about.
    fn restless(&mut self, sources: &[Source]) -> States {
        let mut mover = Mover::new(&self.mover.root, self.rng.fork()).among(&mut self.mover);
        let now = {
            let (root, sources) = (self.mover.root.clone(), sources.to_vec());
            let patterns = self.options.patterns.clone();
            move || Moment::now(&root, &sources, &patterns)
        };
        let states = Arc::new(Mutex::new(vec![now()]));
        mover.witness = Some({
            let states = states.clone();
            Box::new(move || states.lock().unwrap().push(now()))
        });
        (Arc::new(Mutex::new(mover)), states)
    }

    /// `goes_on`: the caller commits even if something could not be added.
    fn run(
        &self,
        rough: &Arc<FailingShare>,
        sources: &[Source],
        goes_on: bool,
        mut between: impl FnMut(usize, bool),
    ) -> Result<BackupReport> {
        let builder = self.options.builder(rough.clone(), self.place.clone());
        let mut backup: Backup = builder.observer(rough.stopper()).start()?;
        for (at, source) in sources.iter().enumerate() {
            if rough.panics_at() == Some(at) {
                let add = || backup.add_reader("panics", Panics);
                assert!(catch_unwind(AssertUnwindSafe(add)).is_err());
            }
            match source.add(&mut backup) {
                Ok(is_in) => between(at, is_in),
                Err(_) if goes_on => {}
                Err(error) => return Err(error),
            }
        }
        backup.commit()
    }

    /// A backup in another process, which is killed at this object.
    fn killed(&mut self, sources: &[Source], put: u64) -> Found {
        let states = [Moment::now(&self.mover.root, sources, &self.options.patterns)];
        let done = child::run(self, &self.options, sources, put);
        self.say(format!("killed at put {put}: {done}"));
        self.nothing_false(&Expected::new(&states), true)
    }

    /// After a run that was stopped while the share worked: no trace of it.
    fn nothing_left(&mut self) -> Found {
        let known: BTreeSet<_> = self.records.iter().map(|record| record.folder.clone()).collect();
        let sets = list_sets(self.share.clone(), self.place.deployment()).run();
        let sets = sets.map_err(|e| Fault::new("list", [format!("{e:?}")]))?;
        let left = sets.iter().find(|set| !known.contains(&set.folder) && !self.left.contains(&set.folder));
        match left {
            Some(set) => Err(Fault::new("stopped", [format!("{} is left: {:?}", set.folder, set.state)])),
            None => Ok(()),
        }
    }

    /// After a run that failed: nothing new lists as complete, unless it is.
    fn nothing_false(&mut self, expected: &Expected, may_be_left: bool) -> Found {
        let known: BTreeSet<_> = self.records.iter().map(|record| record.folder.clone()).collect();
        let sets = list_sets(self.share.clone(), self.place.deployment())
            .run()
            .map_err(|e| Fault::new("list", [format!("{e:?}")]))?;
        for set in sets.iter().filter(|set| !known.contains(&set.folder)) {
            if !set.is_complete() {
                self.left.insert(set.folder.clone());
                continue;
            }
            if !may_be_left {
                return Err(Fault::new("a failed run", [format!("{} is left and complete", set.folder)]));
            }
            let key = &keys()[self.options.keys[0]];
            // The run gave no report; what it could not have is named by the set itself.
            let (mut expected, target) = (expected.clone(), self.dir.join("left"));
            let restored = Set::open(self.share.clone(), set.folder.clone())
                .and_then(|set| set.restore(&key.opener).into(&target))
                .map_err(|e| Fault::new("a failed run", [format!("{e:?}")]))?;
            restored.problems.iter().for_each(|problem| expected.name(problem.path.as_bytes()));
            remove(&target)?;
            let mut record = Record::new(set.folder.clone(), &self.root, expected, key, true);
            record.look();
            self.records.push(record);
            self.look(self.records.len() - 1)?;
        }
        Ok(())
    }

    fn take_in(&mut self, report: &BackupReport, mut expected: Expected) -> Found {
        let is_partial = report.cover.status != Status::Succeeded;
        for problem in &report.problems {
            expected.name(problem.path.as_bytes());
        }
        if is_partial == report.problems.is_empty() {
            return Err(Fault::new("backup", [format!("{:?}: {:?}", report.cover.status, report.problems)]));
        }
        let key = *self.rng.pick(&self.options.keys).expect("a set has a key");
        let mut record = Record::new(report.folder.clone(), &self.root, expected, &keys()[key], is_partial);
        record.look();
        self.count_nights(&record)?;
        self.records.push(record);
        self.look(self.records.len() - 1)?;
        self.by_hand()?;
        self.over_something()?;
        // All are looked at in the end.
        if self.rng.chance(30) { self.look(self.rng.clone().below(self.records.len())) } else { Ok(()) }
    }

    /// Damage that is linked on is named, and healed, within some nights.
    fn count_nights(&mut self, record: &Record) -> Found {
        self.nights.retain(|name, _| record.harmed.contains(name));
        for name in &record.harmed {
            if !self.rotten.contains(name) {
                return Err(Fault::new("a new set", [format!("{name} is not what SHA256SUMS says")]));
            }
            let nights = self.nights.entry(name.clone()).or_default();
            *nights += 1;
            if *nights > NIGHTS {
                let line = format!("{name} is damaged, was linked for {nights} nights, and no run named it");
                return Err(Fault::new("rot", [line]));
            }
        }
        Ok(())
    }

    fn look(&self, at: usize) -> Found {
        let record = &self.records[at];
        let target = self.dir.join("target");
        if record.is_whole() {
            record.check_whole(&self.share, &target)?;
            record.check_one(&self.share, &mut self.rng.clone())
        } else {
            record.check_harmed(&self.share, &target)
        }
    }

    fn by_hand(&mut self) -> Found {
        let record = self.records.last().expect("one was made");
        if !record.is_whole() || !self.rng.chance(35) || !RECOVERS_BY_HAND {
            return Ok(());
        }
        by_hand::check(&record.native, &record.expected, record.key, &self.dir.join("by hand"))
    }

    fn over_something(&mut self) -> Found {
        if !self.rng.chance(30) {
            return Ok(());
        }
        let whole: Vec<_> = self.records.iter().filter(|record| record.is_whole()).collect();
        let Some(new) = whole.last() else { return Ok(()) };
        let old = self.rng.pick(&whole).expect("not empty");
        let target = self.dir.join("existing");
        existing::check(old, new, &self.share, &target, &mut self.rng)
    }

    /// In the end: every set is what it was, lists as what it is, and retention leaves what it says.
    pub fn end(&mut self) -> Found {
        for at in 0..self.records.len() {
            self.look(at)?;
        }
        super::ending::listed(self)?;
        super::ending::unreadable(self)?;
        super::ending::elsewhere(self)?;
        super::ending::retention(self)
    }

    pub fn clean(&self) {
        let _ = remove(&self.dir);
    }
}

/// Whether a run may end with this: it says what was wrong first.
fn is_reason(error: &Error, bad: Option<&Bad>, has_moved: bool) -> bool {
    let of_share = match bad {
        Some(Bad::DiesAt(_)) => error.kind() == ErrorKind::Unreachable,
        Some(Bad::FullAfter(_)) => error.kind() == ErrorKind::OutOfCapacity,
        Some(Bad::TimesOutAt(_)) => error.kind() == ErrorKind::TimedOut,
        Some(Bad::StoppedAt(_)) => error.kind() == ErrorKind::Cancelled,
        Some(Bad::SourcePanicsAt(_)) => error.kind() == ErrorKind::Internal,
        _ => false,
    };
    let of_source = match error.kind() {
        ErrorKind::SourceChanged | ErrorKind::SourceUnreadable => true,
        // What was a file is none when it is added.
        ErrorKind::InvalidArgument => error.to_string().contains("regular file"),
        _ => false,
    };
    of_share || has_moved && of_source
}

fn brief(done: &Result<BackupReport>) -> String {
    match done {
        Ok(report) => format!(
            "{:?} {} base {:?} problems {:?} warnings {:?} rewritten {:?}",
            report.cover.status,
            report.folder,
            report.reuse.base.is_some(),
            report.problems.iter().map(|problem| &problem.message).collect::<Vec<_>>(),
            report.warnings,
            report.reuse.rewritten,
        ),
        Err(error) => format!("{}: {error}", error.code()),
    }
}
