//! The way to a share, step by step: what an operator runs after reading an alert.
//!
//! A code alone often cannot tell a wrong name from a broken route or a server that is down. The steps can: the first
//! one that fails is where the fault is.

use std::fmt::{self, Write as _};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::{ItemKind, Share, missing_folder};
use crate::alert::{AlertKind, Classification, Context, Profile, classify_error};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Deployment, Name, Place, SharePath};

mod options;

/// One thing that has to work.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// The server's name has addresses.
    Name,
    /// One of them takes a TCP connection.
    Connection,
    /// Server and client agree on a dialect, signing and encryption.
    Dialect,
    /// The server accepts the account.
    LogOn,
    /// The share is there, and open to the account.
    Share,
    /// The root, the region folder and the folders of components are there.
    Path,
    /// A new object can be written.
    Write,
    /// It reads as it was written.
    ReadBack,
    /// It can have a second name: what makes incremental sets small.
    HardLink,
    /// It can be copied where it lies.
    Copy,
    /// It can be renamed.
    Rename,
    /// All that was made can be deleted.
    Delete,
    /// There is room.
    Space,
    /// Server and host agree on the time.
    Clock,
}

impl Step {
    /// The word in small letters: `read_back`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Connection => "connection",
            Self::Dialect => "dialect",
            Self::LogOn => "log_on",
            Self::Share => "share",
            Self::Path => "path",
            Self::Write => "write",
            Self::ReadBack => "read_back",
            Self::HardLink => "hard_link",
            Self::Copy => "copy",
            Self::Rename => "rename",
            Self::Delete => "delete",
            Self::Space => "space",
            Self::Clock => "clock",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a step went.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// As it should.
    Passed,
    /// Backups work, but something is worth knowing.
    Warned,
    /// Backups fail.
    Failed,
    /// It makes no sense after an earlier failure, or for this kind of share.
    Skipped,
}

/// One step and how it went.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CheckedStep {
    /// What was tried.
    pub step: Step,
    /// How it went.
    pub outcome: Outcome,
    /// How long it took.
    pub seconds: f64,
    /// What was seen, in one line.
    pub seen: String,
    /// The error and the alert that a failure would raise.
    pub alert: Option<CheckAlert>,
}

/// What a failed step means.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CheckAlert {
    /// The error's kind.
    #[serde(serialize_with = "code")]
    pub error: ErrorKind,
    /// The alert, with its evidence.
    pub class: Classification,
    /// What happened, for people.
    pub description: String,
    /// What to do next, step by step.
    pub remedy: Vec<String>,
}

fn code<S: Serializer>(kind: &ErrorKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.code())
}

/// How every step went.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CheckReport {
    /// The share.
    pub share: String,
    /// Whose folders were looked for.
    pub deployment: String,
    /// The steps, in the order in which they were tried.
    pub steps: Vec<CheckedStep>,
}

impl CheckReport {
    /// Whether no step failed.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.first_failure().is_none()
    }

    /// The first step that failed: where the fault is.
    #[must_use]
    pub fn first_failure(&self) -> Option<&CheckedStep> {
        self.steps.iter().find(|step| step.outcome == Outcome::Failed)
    }

    /// The report, or an error where a step failed.
    ///
    /// # Errors
    /// Of the kind of the first failure, which it names.
    pub fn into_result(self) -> Result<Self> {
        match self.first_failure() {
            Some(failed) => {
                let kind = failed.alert.as_ref().map_or(ErrorKind::Io, |alert| alert.error);
                Err(Error::new(kind, format!("check of {}: {}: {}", self.share, failed.step, failed.seen)))
            }
            None => Ok(self),
        }
    }

    /// The steps as a table for people, with the alert and the remedy of each failure.
    #[must_use]
    pub fn to_table(&self) -> String {
        let mut text = format!("{}\n", self.share);
        for step in &self.steps {
            let outcome = match step.outcome {
                Outcome::Passed => "ok",
                Outcome::Warned => "WARNING",
                Outcome::Failed => "FAILED",
                Outcome::Skipped => "-",
            };
            // Writing to memory does not fail.
            let _ = writeln!(text, "  {:<11}{outcome:<9}{:>8.3} s  {}", step.step, step.seconds, step.seen);
            let Some(alert) = &step.alert else { continue };
            let _ = writeln!(text, "{:33}{}: {}", "", alert.class.kind(), alert.class.kind().title());
            for (number, line) in alert.remedy.iter().enumerate() {
                let _ = writeln!(text, "{:33}{}. {line}", "", number + 1);
            }
        }
        text
    }
}

/// Checks the way to a share and what can be done on it.
#[derive(Clone, Debug)]
pub struct ShareCheck {
    deployment: Deployment,
    components: Vec<Place>,
    creates_folders: bool,
}

impl ShareCheck {
    /// A check for the backups of a deployment.
    #[must_use]
    pub fn new(deployment: Deployment) -> Self {
        Self { deployment, components: Vec::new(), creates_folders: false }
    }

    /// Looks for the folder of this component, too.
    #[must_use]
    pub fn component(mut self, place: &Place) -> Self {
        self.components.push(place.clone());
        self
    }

    /// Whether folders that are missing are created. A backup creates those of known components by itself, and others by
    /// express wish only: without them the check fails.
    #[must_use]
    pub fn create_folders(mut self, create: bool) -> Self {
        self.creates_folders = create;
        self
    }

    /// Checks a share that is open.
    ///
    /// It writes a few objects with random names, and removes them.
    #[must_use]
    pub fn run(&self, share: &dyn Share) -> CheckReport {
        let mut steps = self.steps(share.describe(), None);
        self.look_at(share, &mut steps);
        steps.report
    }

    /// Checks a share over SMB, from the name of the server on.
    ///
    /// Each attempt to log on with a wrong password counts towards the lock-out of the account: this makes one.
    #[cfg(feature = "smb")]
    #[must_use]
    pub fn run_smb(&self, builder: &super::SmbBuilder) -> CheckReport {
        let mut steps = self.steps(builder.root().to_string(), Some(builder.account().name().to_owned()));
        let share = builder.connect_step_by_step(|step, begun, result| match result {
            Ok(seen) => steps.passed(step, begun, seen),
            Err(error) => steps.failed(step, begun, &error),
        });
        match share {
            Some(share) => {
                if share.account().is_bare()
                    && let Some(step) = steps.report.steps.iter_mut().find(|step| step.step == Step::LogOn)
                {
                    step.outcome = Outcome::Warned;
                    step.seen += r"; the account names no domain, write it like DOMAIN\user";
                }
                self.look_at(&share, &mut steps);
            }
            None => steps.skip_rest(),
        }
        steps.report
    }

    fn steps(&self, share: String, account: Option<String>) -> Steps {
        let deployment = self.deployment.to_string();
        let mut context =
            Context::new("", Timestamp::now()).location(self.deployment.region().to_string()).share(&*share);
        context.account = account;
        Steps { context, report: CheckReport { share, deployment, steps: Vec::new() } }
    }

    fn look_at(&self, share: &dyn Share, steps: &mut Steps) {
        let Some(folder) = self.look_for_folders(share, steps) else { return steps.skip_rest() };
        let probe = match Probe::new(&folder) {
            Ok(probe) => probe,
            Err(error) => {
                steps.failed(Step::Write, Instant::now(), &error);
                return steps.skip_rest();
            }
        };
        let begun = Instant::now();
        let mut made = Vec::new();
        match share.put(&probe.object, &probe.content) {
            Ok(()) => {
                let seen =
                    format!("{} bytes in {folder_shown}", probe.content.len(), folder_shown = shown(&folder));
                steps.passed(Step::Write, begun, seen);
                made.push(probe.object.clone());
            }
            Err(error) => {
                steps.failed(Step::Write, begun, &error);
                for step in [Step::ReadBack, Step::HardLink, Step::Copy, Step::Rename, Step::Delete] {
                    steps.add(step, Outcome::Skipped, Instant::now(), "nothing was written".into());
                }
                look_at_space(share, steps);
                return steps.skip_rest();
            }
        }
        probe.read_back(share, steps);
        probe.take_names(share, steps, &mut made);
        let clock = probe.clock(share, begun);
        let begun = Instant::now();
        let deleted = made.iter().map(|path| share.remove(path)).fold(Ok(()), Result::and);
        steps.take(Step::Delete, begun, deleted.map(|()| "nothing is left of the probe".into()));
        look_at_space(share, steps);
        match clock {
            Ok(Some(difference)) => {
                let seen = format!(
                    "the server is {} s {}",
                    difference.abs(),
                    if difference < 0 { "behind" } else { "ahead" }
                );
                let outcome = if difference.abs() > MOST_SKEW { Outcome::Warned } else { Outcome::Passed };
                let advice = if outcome == Outcome::Warned { "; Kerberos allows 300 s" } else { "" };
                steps.add(Step::Clock, outcome, begun, seen + advice);
            }
            Ok(None) => steps.add(Step::Clock, Outcome::Skipped, begun, "the share tells no times".into()),
            Err(error) => steps.failed(Step::Clock, begun, &error),
        }
    }

    /// The innermost folder of the deployment that is there; none where not even the root can be listed.
    fn look_for_folders(&self, share: &dyn Share, steps: &mut Steps) -> Option<SharePath> {
        let begun = Instant::now();
        let region = self.deployment.region_folder();
        let (mut place, mut missing) = (SharePath::root(), Vec::new());
        if let Err(error) = share.list(&place) {
            steps.failed(Step::Path, begun, &error);
            return None;
        }
        let required = self.components.iter().flat_map(Place::required_folders);
        let required = std::iter::once((region.clone(), "region folder")).chain(required);
        let by_backup = self.components.iter().map(|place| (place.folder(), ""));
        for (folder, what) in required.chain(by_backup) {
            let found = match share.list(&folder) {
                Err(error) if error.kind() == ErrorKind::NotFound && self.creates_folders => {
                    share.create_folder(&folder)
                }
                Err(error) if error.kind() == ErrorKind::NotFound && what.is_empty() => {
                    missing.push(folder.to_string());
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    Err(missing_folder(share, &folder, what).with_source(error))
                }
                found => found.map(drop),
            };
            match found {
                Ok(()) if folder == region => place = region.clone(),
                Ok(()) => {}
                Err(error) => {
                    steps.failed(Step::Path, begun, &error);
                    // Whether the share can be written to is worth knowing all the same.
                    return (error.kind() == ErrorKind::NotFound).then_some(place);
                }
            }
        }
        if missing.is_empty() {
            steps.passed(Step::Path, begun, format!("{region} is there"));
        } else {
            let seen = format!("{region} is there; a backup creates {}", missing.join(", "));
            steps.passed(Step::Path, begun, seen);
        }
        Some(place)
    }
}

fn shown(folder: &SharePath) -> String {
    if folder.is_root() { "the root".into() } else { folder.to_string() }
}

fn look_at_space(share: &dyn Share, steps: &mut Steps) {
    let begun = Instant::now();
    match share.space() {
        Ok(space) => {
            let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
            let seen = format!("{:.1} of {:.1} GiB free for this account", gib(space.free), gib(space.total));
            if space.free < space.total / ALMOST_FULL {
                steps.add(Step::Space, Outcome::Warned, begun, seen);
                steps.alert(ErrorKind::OutOfCapacity, AlertKind::AlmostFull.into());
            } else {
                steps.passed(Step::Space, begun, seen);
            }
        }
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            steps.add(Step::Space, Outcome::Skipped, begun, error.to_string());
        }
        Err(error) => steps.failed(Step::Space, begun, &error),
    }
}

/// An object that is written to see whether it can be.
struct Probe {
    object: SharePath,
    linked: SharePath,
    copied: SharePath,
    renamed: SharePath,
    content: Vec<u8>,
}

impl Probe {
    fn new(folder: &SharePath) -> Result<Self> {
        let mut content = vec![0; 64 << 10];
        openssl::rand::rand_bytes(&mut content)
            .map_err(|e| Error::new(ErrorKind::Internal, format!("draw a probe: {e}")))?;
        let id: String = content[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        let name = |suffix: &str| -> Result<SharePath> {
            Ok(folder.join(Name::new(format!("azs-backup-check-{id}{suffix}"))?))
        };
        let (object, linked) = (name("")?, name("-link")?);
        Ok(Self { object, linked, copied: name("-copy")?, renamed: name("-renamed")?, content })
    }

    fn read_back(&self, share: &dyn Share, steps: &mut Steps) {
        let begun = Instant::now();
        let mut read = Vec::new();
        let result = share.read(&self.object, self.content.len() as u64, &mut read).and_then(|()| {
            if read == self.content {
                Ok("the same bytes".into())
            } else {
                Err(Error::new(ErrorKind::Damaged, "what was read is not what was written"))
            }
        });
        steps.take(Step::ReadBack, begun, result);
    }

    /// Gives it other names, and tells which ones there are then.
    fn take_names(&self, share: &dyn Share, steps: &mut Steps, made: &mut Vec<SharePath>) {
        for (step, to) in [(Step::HardLink, &self.linked), (Step::Copy, &self.copied)] {
            let begun = Instant::now();
            let result = match step {
                Step::HardLink => share.link(&self.object, to),
                _ => share.copy(&self.object, to),
            };
            match result {
                Ok(()) => {
                    made.push(to.clone());
                    steps.passed(step, begun, "works".into());
                }
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    let cost = match step {
                        Step::HardLink => "each set takes its full size, or is copied on the server",
                        _ => "where there are no hard links either, each set is sent in full",
                    };
                    steps.add(step, Outcome::Warned, begun, format!("{error}; {cost}"));
                }
                Err(error) => steps.failed(step, begun, &error),
            }
        }
        let begun = Instant::now();
        let renamed = share.rename(&self.object, &self.renamed);
        if renamed.is_ok() {
            made[0] = self.renamed.clone();
        }
        steps.take(Step::Rename, begun, renamed.map(|()| "works".into()));
    }

    /// By how many seconds the server's clock is ahead, as the time of the probe has it.
    fn clock(&self, share: &dyn Share, begun: Instant) -> Result<Option<i64>> {
        let folder = self.object.parent().unwrap_or_default();
        let written = Timestamp::now().as_second() - i64::try_from(begun.elapsed().as_secs()).unwrap_or(0);
        let is_ours = |name: &str| {
            [&self.object, &self.renamed]
                .iter()
                .any(|path| path.file_name().is_some_and(|n| n.as_str() == name))
        };
        let items = share.list(&folder)?;
        let item = items.iter().find(|item| item.kind == ItemKind::File && is_ours(&item.name));
        Ok(item.and_then(|item| item.modified).map(|time| time.as_second() - written))
    }
}

/// The report as it grows.
struct Steps {
    context: Context,
    report: CheckReport,
}

impl Steps {
    fn add(&mut self, step: Step, outcome: Outcome, begun: Instant, seen: String) {
        let seconds =
            if outcome == Outcome::Skipped { Duration::ZERO } else { begun.elapsed() }.as_secs_f64();
        self.report.steps.push(CheckedStep { step, outcome, seconds, seen, alert: None });
    }

    fn passed(&mut self, step: Step, begun: Instant, seen: String) {
        self.add(step, Outcome::Passed, begun, seen);
    }

    fn failed(&mut self, step: Step, begun: Instant, error: &Error) {
        self.add(step, Outcome::Failed, begun, error.to_string());
        self.alert(error.kind(), classify_error(error, Profile::Refined));
    }

    fn take(&mut self, step: Step, begun: Instant, result: Result<String>) {
        match result {
            Ok(seen) => self.passed(step, begun, seen),
            Err(error) => self.failed(step, begun, &error),
        }
    }

    /// Gives the last step its alert.
    fn alert(&mut self, error: ErrorKind, class: Classification) {
        let Some(step) = self.report.steps.last_mut() else { return };
        let context = self.context.clone().operation(format!("checking: {}", step.step));
        let (description, remedy) = (class.describe(&context), class.remedy(&context));
        step.alert = Some(CheckAlert { error, class, description, remedy });
    }

    fn skip_rest(&mut self) {
        let done = self.report.steps.last().map(|step| step.step);
        for step in REST {
            if done.is_none_or(|done| step > done) {
                self.add(step, Outcome::Skipped, Instant::now(), "not tried after the failure above".into());
            }
        }
    }
}

const REST: [Step; 14] = [
    Step::Name,
    Step::Connection,
    Step::Dialect,
    Step::LogOn,
    Step::Share,
    Step::Path,
    Step::Write,
    Step::ReadBack,
    Step::HardLink,
    Step::Copy,
    Step::Rename,
    Step::Delete,
    Step::Space,
    Step::Clock,
];
/// Below a tenth, Azure Stack Hub's own service warns.
const ALMOST_FULL: u64 = 10;
/// Seconds that Kerberos allows between clocks (RFC 4120 5.2.3, by convention).
const MOST_SKEW: i64 = 300;
