//! The object that a check writes to see whether it can: its content, its other names, and its time.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::report::{Step, StepOutcome};
use super::report_builder::ReportBuilder;
use crate::alert::AlertKind;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Name, SharePath, finished_name};
use crate::share::{Item, ItemKind, PROBE, Share};
use crate::stop::Stop;
use crate::worker_pool;

/// An object that is written as a test.
pub(super) struct Probe {
    pub(super) object: SharePath,
    linked: SharePath,
    copied: SharePath,
    renamed: SharePath,
    pub(super) content: Vec<u8>,
}

impl Probe {
    pub(super) fn new(folder: &SharePath) -> Result<Self> {
        let mut content = vec![0; LENGTH];
        openssl::rand::rand_bytes(&mut content)
            .map_err(|e| Error::new(ErrorKind::Internal, format!("draw a probe: {e}")))?;
        let id: String = content[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        let name = |suffix: &str| -> Result<SharePath> {
            Ok(folder.join(Name::new(format!("{PROBE}-{id}{suffix}"))?))
        };
        let [linked, copied, renamed] = SUFFIXES.map(name);
        Ok(Self { object: name("")?, linked: linked?, copied: copied?, renamed: renamed?, content })
    }

    /// Tries what can be tried where this account may not delete.
    pub(super) fn write_and_discard(&self, share: &dyn Share, steps: &mut ReportBuilder) {
        let begun = Instant::now();
        let folder = self.object.parent().unwrap_or_default();
        match share.write_and_discard(&folder, &self.content) {
            Ok(()) => {
                steps.passed(Step::Write, begun, self.written());
                steps.passed(Step::ReadBack, Instant::now(), SAME.into());
            }
            Err(error) => {
                match error.kind() {
                    ErrorKind::Unsupported => {
                        steps.add(Step::Write, StepOutcome::Skipped, begun, LEAVES.into());
                    }
                    _ => steps.failed(Step::Write, begun, &error),
                }
                let why = "nothing was written".into();
                steps.add(Step::ReadBack, StepOutcome::Skipped, Instant::now(), why);
            }
        }
        for step in [Step::HardLink, Step::Copy, Step::Rename] {
            steps.add(step, StepOutcome::Skipped, Instant::now(), LEAVES.into());
        }
        let missing = "this account has no right to delete what it writes: backups work, but retention does not, and what \
                       an interrupted backup leaves stays; grant it Delete for the folder, its subfolders and files";
        steps.add(Step::Delete, StepOutcome::Warned, begun, missing.into());
        steps.alert(ErrorKind::AccessDenied, AlertKind::DeletionFailed.into());
    }

    /// What was written where, in words.
    pub(super) fn written(&self) -> String {
        let folder = self.object.parent().unwrap_or_default();
        let shown = if folder.is_root() { "the root".into() } else { folder.to_string() };
        format!("{} bytes in {shown}", self.content.len())
    }

    pub(super) fn read_back(&self, share: &dyn Share, steps: &mut ReportBuilder) {
        let begun = Instant::now();
        let mut read = Vec::new();
        let result = share.read(&self.object, self.content.len() as u64, &mut read).and_then(|()| {
            if read == self.content {
                Ok(SAME.into())
            } else {
                Err(Error::new(ErrorKind::Damaged, "what was read is not what was written"))
            }
        });
        steps.record(Step::ReadBack, begun, result);
    }

    /// Links it, or copies it; returns the name that it then has, or may have, too.
    pub(super) fn take_name(
        &self,
        step: Step,
        share: &dyn Share,
        steps: &mut ReportBuilder,
    ) -> Option<ProbeName<'_>> {
        let begun = Instant::now();
        let (to, result) = match step {
            Step::HardLink => (&self.linked, share.link(&self.object, &self.linked)),
            _ => (&self.copied, share.copy(&self.object, &self.copied)),
        };
        match result {
            Ok(()) => {
                steps.passed(step, begun, "works".into());
                Some(ProbeName::Exists(to))
            }
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                let cost = match step {
                    Step::HardLink => "each set takes its full size, or is copied on the server",
                    _ => "where there are no hard links either, each set is sent in full",
                };
                steps.add(step, StepOutcome::Warned, begun, format!("{error}; {cost}"));
                None
            }
            Err(error) => {
                steps.failed(step, begun, &error);
                Some(ProbeName::MayExist(to))
            }
        }
    }

    /// Renames it; returns the names that it then has, or may have.
    pub(super) fn rename(&self, share: &dyn Share, steps: &mut ReportBuilder) -> Vec<ProbeName<'_>> {
        let begun = Instant::now();
        let renamed = share.rename(&self.object, &self.renamed);
        let made = match renamed {
            Ok(()) => vec![ProbeName::Exists(&self.renamed)],
            Err(_) => vec![ProbeName::MayExist(&self.object), ProbeName::MayExist(&self.renamed)],
        };
        steps.record(Step::Rename, begun, renamed.map(|()| "works".into()));
        made
    }

    /// Removes these names of it, also when the check is stopped meanwhile.
    pub(super) fn remove<'a>(share: &dyn Share, made: &[ProbeName<'a>]) -> Result<()> {
        let stop = Stop::child_with_grace(PATIENCE);
        let remove = |made: ProbeName<'a>| match (made, share.remove(made.path())) {
            (ProbeName::MayExist(_), Err(error)) if error.kind() == ErrorKind::NotFound => Ok(()),
            (_, removed) => removed,
        };
        stop.run(|| worker_pool::all(made.iter().copied(), remove)).into_iter().collect()
    }

    /// Looks at the folder: at the time of the probe, and for what checks left that were killed.
    pub(super) fn look_around(&self, share: &dyn Share, begun: Instant) -> Result<Around> {
        let folder = self.object.parent().unwrap_or_default();
        let written = Timestamp::now().as_second() - i64::try_from(begun.elapsed().as_secs()).unwrap_or(0);
        let is_ours = |name: &str| {
            [&self.object, &self.renamed]
                .iter()
                .any(|path| path.file_name().is_some_and(|n| n.as_str() == name))
        };
        let items = share.list(&folder)?;
        let item = items.iter().find(|item| item.kind == ItemKind::File && is_ours(&item.name));
        let Some(now) = item.and_then(|item| item.modified) else { return Ok(Around::default()) };
        let left = items.iter().filter(|item| is_left(item, now)).map(|item| Name::new(item.name.as_str()));
        let left = left.filter_map(|name| Some(folder.join(name.ok()?))).collect();
        Ok(Around { ahead: Some(now.as_second() - written), left })
    }
}

/// What a check finds beside its probe.
#[derive(Default)]
pub(super) struct Around {
    /// By how many seconds the server's clock is ahead.
    pub(super) ahead: Option<i64>,
    /// Probes of other checks, which did not live to remove them.
    pub(super) left: Vec<SharePath>,
}

/// Whether this is the probe of a check that ended long ago, by the server's clock.
fn is_left(item: &Item, now: Timestamp) -> bool {
    let (name, is_whole) = match finished_name(&item.name) {
        Some(name) => (name, false),
        None => (&*item.name, true),
    };
    let is_probe = name.strip_prefix(PROBE).and_then(|rest| rest.strip_prefix('-')).is_some_and(|rest| {
        let id = SUFFIXES.iter().find_map(|suffix| rest.strip_suffix(suffix)).unwrap_or(rest);
        id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    let has_its_length = if is_whole { item.length == LENGTH as u64 } else { item.length <= LENGTH as u64 };
    item.kind == ItemKind::File
        && is_probe
        && has_its_length
        && item.modified.is_some_and(|time| time.as_second() < now.as_second() - LONGEST)
}

/// A name of the probe.
#[derive(Clone, Copy)]
pub(super) enum ProbeName<'a> {
    /// It has this name.
    Exists(&'a SharePath),
    /// It may have it: the call failed, and that says nothing about what the server did.
    MayExist(&'a SharePath),
}

impl ProbeName<'_> {
    fn path(&self) -> &SharePath {
        match self {
            Self::Exists(path) | Self::MayExist(path) => path,
        }
    }
}

const SAME: &str = "the same bytes";
const LEAVES: &str = "not tried: this account could not delete what it leaves";
/// More than goes into one request to a file server: the first block alone would not show that others are refused.
const LENGTH: usize = (1 << 20) + (4 << 10);
/// What the other names of a probe end in: that of the link, of the copy, and of what was renamed.
const SUFFIXES: [&str; 3] = ["-link", "-copy", "-renamed"];
/// Seconds after which no check is at work any more.
const LONGEST: i64 = 3600;
/// How long a check that was stopped may take to remove what it wrote.
const PATIENCE: Duration = Duration::from_secs(3);
