//! Random sequences of backups, plants, alterations, changes of signers, retention and restores, held against two rules.
//! With a demand, no set that none of the demanded signers signed is restored, counts as good, or pushes out one that is
//! signed. Without one, every set whose content is whole is restored.
//!
//! `AZS_SIGNATURES_SEED=7 cargo test --test sets signatures::oracle` repeats one sequence and prints what happened in it;
//! `AZS_SIGNATURES_SEQUENCES=1000` tries that many. A failure prints its seed.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use azs_backup::layout::{SetName, SharePath};
use azs_backup::schedule::{RetentionPlan, RetentionPolicy};
use azs_backup::set::EntryPath;
use azs_backup::signature::{Signer, SignerCertificate};
use azs_backup::{ErrorKind, Set, list_sets};
use jiff::{SignedDuration, Timestamp};

use super::{P7S, sign, signer};
use crate::common::system::copy_folder;
use crate::common::{Fixture, change_sheet, noise};

#[allow(dead_code, unreachable_pub)]
#[path = "../../oracle/rng.rs"]
mod rng;

use rng::Rng;

#[test]
fn with_a_demand_only_signed_sets_count_whatever_happens() {
    let variable = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seeds = match (variable("AZS_SIGNATURES_SEED"), variable("AZS_SIGNATURES_SEQUENCES")) {
        (Some(seed), _) => seed..seed + 1,
        (None, count) => 1..1 + count.unwrap_or(SEQUENCES),
    };
    for seed in seeds {
        let mut world = World::new(seed);
        for _ in 0..STEPS {
            world.step();
        }
        world.check_all();
    }
}

const SEQUENCES: u64 = 12;
const STEPS: usize = 50;

/// Whoever signs: three certificates of one host, one after another, another host, and two that nobody demands.
fn signers() -> &'static [Signer] {
    static SIGNERS: OnceLock<Vec<Signer>> = OnceLock::new();
    SIGNERS.get_or_init(|| ["hlh01", "hlh01", "hlh01", "hlh02", "mallory", "hlh01"].map(signer).into())
}

const CERTIFICATES: usize = 3;
const OTHER_HOST: usize = 3;
const MALLORY: [usize; 2] = [4, 5];

/// A set on the share, as it must be seen.
struct Known {
    folder: SharePath,
    content: String,
    /// Which of the signers signed what it is now; `None` for nobody of them.
    by: Option<usize>,
    /// The cover sheet and the signature as they were made, to put them back.
    made: (Option<usize>, Vec<u8>, Option<Vec<u8>>),
}

struct World {
    seed: u64,
    rng: Rng,
    fixture: Fixture,
    sets: Vec<Known>,
    /// Copies of sets below another name, which are no backups.
    renamed: Vec<SharePath>,
    /// Sets that retention has deleted, with their files, which somebody may put back.
    deleted: Vec<(Known, PathBuf)>,
    clock: Timestamp,
    /// The certificate with which the host signs now.
    own: usize,
    /// The signers demanded.
    demanded: Vec<usize>,
    log: Vec<String>,
}

impl World {
    fn new(seed: u64) -> Self {
        let clock = Timestamp::now() - SignedDuration::from_hours(24 * 300);
        let demanded = vec![0, OTHER_HOST];
        let (fixture, log) = (Fixture::new(), Vec::new());
        let (sets, renamed, deleted) = (Vec::new(), Vec::new(), Vec::new());
        Self { seed, rng: Rng::new(seed), fixture, sets, renamed, deleted, clock, own: 0, demanded, log }
    }

    fn say(&mut self, line: String) {
        if std::env::var_os("AZS_SIGNATURES_SEED").is_some() {
            println!("{line}");
        }
        self.log.push(line);
    }

    fn hold(&self, holds: bool, what: &str) {
        assert!(
            holds,
            "{what}\nAZS_SIGNATURES_SEED={} repeats it; before:\n{}",
            self.seed,
            self.log.join("\n")
        );
    }

    fn step(&mut self) {
        match self.rng.below(100) {
            0..25 => {
                let by = if self.rng.chance(70) { self.own } else { OTHER_HOST };
                self.back_up(Some(by));
            }
            25..40 => {
                let by = self.rng.chance(60).then(|| MALLORY[self.rng.below(2)]);
                self.back_up(by);
            }
            40..60 => {
                let at = self.rng.below(self.sets.len());
                self.alter(at);
            }
            60..64 => self.rotate(),
            64..68 => self.rename(),
            68..72 => self.put_back(),
            72..84 => self.retain(),
            _ => self.check_one(),
        }
    }

    fn certificates(&self, with: bool) -> Vec<SignerCertificate> {
        let demanded = self.demanded.iter().filter(|_| with);
        demanded.map(|at| signers()[*at].certificate()).collect()
    }

    fn counts(&self, set: &Known, with: bool) -> bool {
        !with || set.by.is_some_and(|by| self.demanded.contains(&by))
    }

    fn native(&self, at: usize) -> PathBuf {
        self.fixture.native(&self.sets[at].folder)
    }

    fn back_up(&mut self, by: Option<usize>) {
        self.clock += SignedDuration::from_hours(1 + i64::try_from(self.rng.below(40)).unwrap());
        let name = SetName::new(self.clock, self.rng.below(1 << 30) as u32).unwrap();
        let mut builder = self.fixture.builder().set_name(name);
        if let Some(by) = by {
            builder = builder.signer(signers()[by].clone());
        }
        let content = format!("hostname tor1\n! {name}\n");
        let mut backup = builder.start().unwrap();
        backup.add_bytes("tor1", content.clone().into_bytes()).unwrap();
        let folder = backup.commit().unwrap().folder;
        let native = self.fixture.native(&folder);
        let made = (by, fs::read(native.join("backup.json")).unwrap(), fs::read(native.join(P7S)).ok());
        self.say(format!("{name}: signed by {by:?}"));
        self.sets.push(Known { folder, content, by, made });
    }

    /// Does to a set what somebody can who writes to the share and has no key of ours.
    fn alter(&mut self, at: usize) {
        if self.sets.is_empty() {
            return;
        }
        let other = self.rng.below(self.sets.len());
        let (native, p7s) = (self.native(at), self.native(at).join(P7S));
        let how = self.rng.below(7);
        self.say(format!("{}: altered, way {how}", self.sets[at].folder));
        self.sets[at].by = match how {
            0 => {
                let _ = fs::remove_file(&p7s);
                None
            }
            1 => {
                fs::write(&p7s, noise(self.rng.next(), 1 + self.rng.below(3000))).unwrap();
                None
            }
            2 => {
                let Ok(stolen) = fs::read(self.native(other).join(P7S)) else { return };
                fs::write(&p7s, stolen).unwrap();
                self.sets[at].by.filter(|_| at == other)
            }
            3 => {
                let Ok(mut bytes) = fs::read(&p7s) else { return };
                let place = self.rng.below(bytes.len());
                bytes[place] ^= 1 << self.rng.below(8);
                fs::write(&p7s, bytes).unwrap();
                None
            }
            4 => {
                let by = MALLORY[self.rng.below(2)];
                sign(&native, &signers()[by]);
                Some(by)
            }
            5 => {
                let model = self.rng.next().to_string();
                change_sheet(&native.join("backup.json"), |json| {
                    json["labels"] = serde_json::json!({"m": model})
                });
                None
            }
            _ => {
                let (by, sheet, signature) = self.sets[at].made.clone();
                fs::write(native.join("backup.json"), sheet).unwrap();
                match signature {
                    Some(signature) => fs::write(&p7s, signature).unwrap(),
                    None => drop(fs::remove_file(&p7s)),
                }
                by
            }
        };
    }

    /// The host gets its next certificate, or the oldest one is demanded no more.
    fn rotate(&mut self) {
        if self.own + 1 < CERTIFICATES {
            self.own += 1;
            self.demanded.push(self.own);
        } else if self.demanded.len() > 2 {
            self.demanded.remove(0);
        }
        self.say(format!("signs with {}, demanded are {:?}", self.own, self.demanded));
    }

    /// Copies a set to where a newer one would be.
    fn rename(&mut self) {
        if self.sets.is_empty() {
            return;
        }
        let at = self.rng.below(self.sets.len());
        self.clock += SignedDuration::from_hours(1);
        let folder = self.fixture.place.set_folder(&SetName::new(self.clock, 9).unwrap());
        copy_folder(&self.native(at), &self.fixture.native(&folder), false);
        self.say(format!("{}: copied to {folder}", self.sets[at].folder));
        self.renamed.push(folder);
    }

    /// Puts a set back that was deleted.
    fn put_back(&mut self) {
        if let Some((set, kept)) = self.deleted.pop() {
            copy_folder(&kept, &self.fixture.native(&set.folder), false);
            self.say(format!("{}: put back", set.folder));
            self.sets.push(set);
            self.sets.sort_by_key(|set| set.folder.to_string());
        }
    }

    /// Plans, with or without the demand, and carries the plan out, sometimes after more was altered.
    fn retain(&mut self) {
        let with = self.rng.chance(75);
        let (keep, room) = (1 + self.rng.below(3), self.rng.chance(10));
        let mut policy = RetentionPolicy::new().keep_last(u32::try_from(keep).unwrap());
        if room {
            policy = policy.make_room(u64::MAX);
        }
        let plan = self.plan(&policy, with);
        self.say(format!(
            "retention with={with} keep={keep} room={room}: {} to delete",
            plan.deletions.len()
        ));
        // What counts, by itself: all but the newest go. Whatever else is on the share changes nothing.
        let counting: Vec<_> = self.sets.iter().filter(|set| self.counts(set, with)).collect();
        let stay = if room { 1 } else { keep };
        let wanted: Vec<_> =
            counting[..counting.len().saturating_sub(stay)].iter().map(|set| set.folder.clone()).collect();
        let got: Vec<_> = plan.deletions.iter().map(|deletion| deletion.folder.clone()).collect();
        self.hold(got == wanted, &format!("to delete are {got:?}, not {wanted:?}"));

        let is_altered = self.rng.chance(50);
        if is_altered {
            // Mostly the one for whose sake others may go.
            let last = self.sets.iter().rposition(|set| self.counts(set, with));
            let at = last.filter(|_| self.rng.chance(60)).unwrap_or_else(|| self.rng.below(self.sets.len()));
            self.alter(at);
        }
        let copies = self.copies(&got);
        let had_good = self.sets.iter().any(|set| self.counts(set, with));
        let report = plan.apply(self.fixture.share.clone()).run();
        let gone: Vec<_> =
            got.iter().filter(|folder| !self.fixture.native(folder).exists()).cloned().collect();
        self.say(format!("{} of {} deleted", gone.len(), report.outcomes.len()));
        self.hold(is_altered || gone == got, "all that was to go is gone");
        for set in &self.sets {
            let is_there = self.fixture.native(&set.folder).join("backup.json").exists();
            let may_go = got.contains(&set.folder) && self.counts(set, with);
            self.hold(is_there || may_go, &format!("{} was deleted, and may not be", set.folder));
        }
        let (deleted, left): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.sets).into_iter().partition(|set| gone.contains(&set.folder));
        self.sets = left;
        for set in deleted {
            let kept = copies.iter().find(|(folder, _)| *folder == set.folder).unwrap().1.clone();
            self.deleted.push((set, kept));
        }
        let has_good = self.sets.iter().any(|set| self.counts(set, with));
        self.hold(has_good || !had_good, "a set that counts is left");
    }

    fn plan(&self, policy: &RetentionPolicy, with: bool) -> RetentionPlan {
        let signers = self.certificates(with);
        let list = list_sets(self.fixture.share.clone(), self.fixture.place.deployment());
        policy.plan(&list.require_signers(&signers).run().unwrap(), Timestamp::now())
    }

    /// Keeps copies of what may be deleted.
    fn copies(&self, folders: &[SharePath]) -> Vec<(SharePath, PathBuf)> {
        let copied = folders.iter().map(|folder| {
            let name = folder.file_name().unwrap().to_string();
            let kept = self.fixture.path(&format!("kept-{}-{name}", self.log.len()));
            copy_folder(&self.fixture.native(folder), &kept, false);
            (folder.clone(), kept)
        });
        copied.collect()
    }

    fn check_one(&mut self) {
        if let Some(at) = self.sets.len().checked_sub(1).map(|last| self.rng.below(last + 1)) {
            let with = self.rng.chance(60);
            self.say(format!("{}: restored with={with}", self.sets[at].folder));
            self.check(at, with);
        }
    }

    fn check_all(&mut self) {
        for with in [false, true] {
            (0..self.sets.len()).for_each(|at| self.check(at, with));
            let signers = self.certificates(with);
            let list = list_sets(self.fixture.share.clone(), self.fixture.place.deployment());
            let good = list.require_signers(&signers).run().unwrap().into_iter();
            let good: Vec<_> = good.filter(|set| set.is_complete()).map(|set| set.folder).collect();
            let wanted = self.sets.iter().filter(|set| self.counts(set, with));
            let wanted: Vec<_> = wanted.map(|set| set.folder.clone()).collect();
            self.hold(good == wanted, &format!("with={with}: good are {good:?}, not {wanted:?}"));
        }
        for folder in &self.renamed {
            let opened = Set::open(self.fixture.share.clone(), folder.clone());
            self.hold(opened.is_err(), &format!("{folder} was opened below a name that is not its own"));
        }
    }

    fn check(&self, at: usize, with: bool) {
        let known = &self.sets[at];
        let (counts, signers) = (self.counts(known, with), self.certificates(with));
        let set = self.fixture.open(&known.folder);
        let by = set.signature().unwrap();
        // A bit of the certificate inside may have changed: then it is one that nobody knows.
        let found = by.signer().and_then(|facts| self::signers().iter().position(|one| one.facts() == facts));
        self.hold(found == known.by, &format!("{}: {by}, not by {:?}", known.folder, known.by));
        let path: EntryPath = "tor1".parse().unwrap();
        let (mut bytes, target) = (Vec::new(), tempfile::tempdir().unwrap());
        let target = target.path().join("new");
        let opener = &self.fixture.opener;
        let results = [
            set.require_signers(&signers).map(drop),
            set.restore_stream(opener, &path).require_signers(&signers).to(&mut bytes).map(drop),
            set.restore(opener).require_signers(&signers).into(&target).map(drop),
        ];
        for result in results {
            let kind = result.err().map(|error| error.kind());
            let wanted = (!counts).then_some(ErrorKind::NotTrusted);
            self.hold(kind == wanted, &format!("{}: {kind:?}, not {wanted:?}", known.folder));
        }
        let restored = fs::read_to_string(target.join("tor1")).unwrap_or_default();
        let wanted = if counts { known.content.as_str() } else { "" };
        self.hold(
            restored == wanted && bytes == wanted.as_bytes(),
            "what comes out is what went in, or nothing",
        );
        self.hold(target.exists() == counts, "a restore that is refused makes no folder");
        let report = set.verify().require_signers(&signers).run().unwrap();
        self.hold(!with || report.is_sound() == counts, &format!("{}: {report:?}", known.folder));
    }
}
