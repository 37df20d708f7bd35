//! Copies sets to another share.

use azs_backup as core;
use azs_backup::copies::{self, CopyBuilder, CopyReport};
use azs_backup::observer::{Observer, Progress};
use azs_backup::signature::SignerCertificate as Demanded;
use jiff::Timestamp;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::argument::{Several, Time};
use crate::error::patiently;
use crate::events::{Level, log};
use crate::layout::{Component, Deployment, Place, SetName};
use crate::progress::Hook;
use crate::retention::RetentionPolicy;
use crate::share::Share;
use crate::signature::{SignerCertificate, demanded};
use crate::value::value;

/// Copies the complete sets of a deployment, or of one component, to another share: those that are not whole there, the
/// newest of each place first. Needs no key.
///
/// Sets go as they are, sealed. Only what is missing travels, and each byte is compared at both ends; the cover sheet comes
/// last, so that a copy that was cut off is no backup, and the next call completes it. A set that cannot be copied is in the
/// report, and the others still are.
///
/// `require_signers`: copy only sets that one of these signed. `retention`: leave out what this policy would delete at the
/// other share at the time `now`; without it, each call would send again what retention deleted there. `create`: create the
/// region folder at the other share if it is missing. `read_back`: read back all that is there. `dry_run`: only
/// find out which sets are missing. `progress` counts stored files.
///
/// >>> (folder / "elsewhere").mkdir()
/// >>> elsewhere = FolderShare.open(folder / "elsewhere")
/// >>> report = replicate(share, elsewhere, "contoso.com/nyc", create=True)
/// >>> report.needs_attention
/// False
#[pyfunction]
#[pyo3(signature = (
    share, to, deployment, component=None, *, require_signers=None, retention=None, now=None, create=false,
    read_back=false, dry_run=false, progress=None,
))]
#[expect(clippy::too_many_arguments, reason = "keywords")]
pub(crate) fn replicate<'py>(
    py: Python<'py>,
    share: &Share,
    to: &Share,
    deployment: Deployment,
    component: Option<Component>,
    require_signers: Option<Several<Py<SignerCertificate>>>,
    retention: Option<&RetentionPolicy>,
    now: Option<Time>,
    create: bool,
    read_back: bool,
    dry_run: bool,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let choices = Choices::new(require_signers, retention, now, create, read_back, dry_run)?;
    let (from, to, hook) = (share.open()?, to.open()?, Hook::new(progress));
    let component = component.map(|component| component.0);
    let done = py.detach(|| {
        let copy = copies::replicate(from, to, &deployment.0).component(component.as_ref());
        choices.run(copy, &mut |progress: Progress| hook.call(progress))
    });
    copied(py, &hook.outcome(done)?)
}

/// Copies one set to another share. The keywords are those of `replicate`.
///
/// Raises `NotFoundError` if there is no such set, and `IncompleteError` if it is no backup.
#[pyfunction]
#[pyo3(signature = (
    share, to, place, set, *, require_signers=None, retention=None, now=None, create=false, read_back=false,
    dry_run=false, progress=None,
))]
#[expect(clippy::too_many_arguments, reason = "keywords")]
pub(crate) fn copy_set<'py>(
    py: Python<'py>,
    share: &Share,
    to: &Share,
    place: Place,
    set: SetName,
    require_signers: Option<Several<Py<SignerCertificate>>>,
    retention: Option<&RetentionPolicy>,
    now: Option<Time>,
    create: bool,
    read_back: bool,
    dry_run: bool,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let choices = Choices::new(require_signers, retention, now, create, read_back, dry_run)?;
    let (from, to, hook) = (share.open()?, to.open()?, Hook::new(progress));
    let done = py.detach(|| {
        let copy = copies::copy_set(from, to, &place.0, set.0);
        choices.run(copy, &mut |progress: Progress| hook.call(progress))
    });
    copied(py, &hook.outcome(done)?)
}

/// What the keywords say.
struct Choices<'a> {
    signers: Vec<Demanded>,
    retention: Option<&'a RetentionPolicy>,
    now: Timestamp,
    create: bool,
    read_back: bool,
    dry_run: bool,
}

impl<'a> Choices<'a> {
    fn new(
        signers: Option<Several<Py<SignerCertificate>>>,
        retention: Option<&'a RetentionPolicy>,
        now: Option<Time>,
        create: bool,
        read_back: bool,
        dry_run: bool,
    ) -> PyResult<Self> {
        let (signers, now) = (demanded(signers)?, Time::or_now(now));
        Ok(Self { signers, retention, now, create, read_back, dry_run })
    }

    fn run<'b>(&'b self, copy: CopyBuilder<'b>, observer: &'b mut dyn Observer) -> core::Result<CopyReport> {
        let copy = copy.require_signers(&self.signers).create(self.create);
        let copy = copy.read_back(self.read_back).dry_run(self.dry_run);
        let copy = match self.retention {
            Some(policy) => copy.retention(&policy.0, self.now),
            None => copy,
        };
        copy.observer(observer).run()
    }
}

fn copied<'py>(py: Python<'py>, report: &CopyReport) -> PyResult<Bound<'py, PyAny>> {
    let level = if report.needs_attention() { Level::Warning } else { Level::Info };
    let (copied, all, bytes) = (report.copied(), report.sets.len(), report.sent().bytes);
    log(py, level, &format!("copies: {copied} of {all} sets copied, {bytes} bytes sent"));
    value(py, "CopyReport", report)
}

/// Lists the deployments that have a region folder on a share, by name. Folders that cannot be listed are left out.
///
/// >>> list_deployments(share)
/// (Deployment('contoso.com', 'nyc'),)
#[pyfunction]
pub(crate) fn list_deployments<'py>(py: Python<'py>, share: &Share) -> PyResult<Bound<'py, PyTuple>> {
    let share = share.open()?;
    let found = patiently(py, move || core::set::list_deployments(&share))?;
    PyTuple::new(py, found.into_iter().map(Deployment))
}
