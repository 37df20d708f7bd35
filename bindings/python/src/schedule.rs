//! When to run, when not to, and the records of runs.

use std::path::PathBuf;

use azs_backup::schedule::{
    self as core, JobStatus, Operation, OperationKind, OperationsFile, Skip, Trigger,
};
use azs_backup::{Error, ErrorKind};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyBytes, PyString, PyTuple};

use crate::argument::{FilePath, Several, TextOrBytes, Time};
use crate::error::{Raise, refuse};
use crate::events::{Level, log};
use crate::options::Options;
use crate::value::{datetime, plain, read, value};

/// When backups run: every `frequency_hours`, 4 to 12 as in Azure Stack Hub, or 1 to 744 `beyond_microsoft`; 12 by
/// default.
///
/// Slots begin at 00:00 UTC, moved by `phase_seconds` and by a fraction of `jitter_seconds` that depends only on
/// `host`.
///
/// >>> schedule = Schedule(24, beyond_microsoft=True, phase_seconds=2 * 3600)
/// >>> schedule.next_run("2026-11-22T02:00:10Z", "2026-11-22T03:00:00Z").at.isoformat()
/// '2026-11-23T02:00:00+00:00'
#[pyclass(frozen, eq, module = "azs_backup")]
#[derive(PartialEq)]
pub(crate) struct Schedule(core::Schedule);

#[pymethods]
impl Schedule {
    #[new]
    #[pyo3(signature = (
        frequency_hours=None, *, beyond_microsoft=None, phase_seconds=None, jitter_seconds=None, host=None,
    ))]
    fn new(
        frequency_hours: Option<&Bound<'_, PyAny>>,
        beyond_microsoft: Option<&Bound<'_, PyAny>>,
        phase_seconds: Option<&Bound<'_, PyAny>>,
        jitter_seconds: Option<&Bound<'_, PyAny>>,
        host: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let options = Options::default()
            .set("frequency_hours", frequency_hours)?
            .set("beyond_microsoft", beyond_microsoft)?
            .set("phase_seconds", phase_seconds)?
            .set("jitter_seconds", jitter_seconds)?
            .set("host", host)?;
        core::Schedule::from_json(options.into_json()).raise().map(Self)
    }

    /// Hours between two backups.
    #[getter]
    fn frequency_hours(&self) -> u32 {
        self.0.frequency().hours()
    }

    /// Returns when to run next, given when the last scheduled run began or was skipped, and the clock.
    #[pyo3(signature = (last=None, now=None))]
    fn next_run(&self, last: Option<Time>, now: Option<Time>) -> NextRun {
        NextRun(self.0.next_run(last.map(|last| last.0), Time::or_now(now)))
    }

    /// Returns everything as plain data.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        plain(py, &self.0)
    }

    fn __hash__(&self) -> u32 {
        self.0.frequency().hours()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<Schedule {}>", self.to_dict(py)?))
    }
}

/// When to run next, and what to report about the time before that.
#[pyclass(frozen, eq, module = "azs_backup")]
#[derive(PartialEq)]
pub(crate) struct NextRun(core::NextRun);

#[pymethods]
impl NextRun {
    /// When to run: now or later.
    #[getter]
    fn at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        datetime(py, self.0.at)
    }

    /// When it was due, if that is before `at`.
    #[getter]
    fn due<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.due.map(|due| datetime(py, due)).transpose()
    }

    /// Scheduled times that passed without a run.
    #[getter]
    fn missed(&self) -> u64 {
        self.0.missed
    }

    /// By how many seconds the last run is in the future because the clock was set back.
    #[getter]
    fn clock_set_back_by(&self) -> u64 {
        self.0.clock_set_back_by
    }

    /// Whether it is time to run.
    #[pyo3(signature = (now=None))]
    fn is_due(&self, now: Option<Time>) -> bool {
        self.0.is_due(Time::or_now(now))
    }

    /// Returns everything as plain data.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        plain(py, &self.0)
    }

    fn __hash__(&self) -> i64 {
        self.0.at.as_second()
    }

    fn __repr__(&self) -> String {
        format!("<NextRun at {}>", self.0.at)
    }
}

/// Keeps backups from running beside what they conflict with.
///
/// Each source is a file with a document of operations (`str` or `os.PathLike`), such a document itself (`bytes`),
/// or a function that returns a document or a list of operations. The gate reads the file or calls the function each
/// time you ask it. `ignore`: kinds of operation beside which backups may run.
///
/// >>> gate = Gate(lambda: [{"kind": "update", "state": "running"}])
/// >>> gate.on_demand()
/// Traceback (most recent call last):
///   ...
/// azs_backup.errors.ConflictError: a backup cannot run now: update is running; try again when that has ended
#[pyclass(frozen, module = "azs_backup")]
pub(crate) struct Gate(core::Gate);

#[pymethods]
impl Gate {
    #[new]
    #[pyo3(signature = (*sources, ignore=None))]
    fn new(sources: &Bound<'_, PyTuple>, ignore: Option<Several<PyBackedStr>>) -> PyResult<Self> {
        let mut gate = core::Gate::new();
        for source in sources {
            gate = if source.is_instance_of::<PyBytes>() {
                let document: TextOrBytes = source.extract()?;
                let operations = core::parse_operations(&document.0).raise()?;
                gate.source(move || Ok(operations.clone()))
            } else if source.is_callable() {
                let ask = source.unbind();
                gate.source(move || Python::attach(|py| operations(ask.bind(py))).map_err(of_source))
            } else {
                gate.source(OperationsFile::new(source.extract::<FilePath>()?.0))
            };
        }
        for kind in ignore.iter().flat_map(|kinds| &kinds.0) {
            let Ok(kind) = kind.parse::<OperationKind>();
            gate = gate.ignore(kind);
        }
        Ok(Self(gate))
    }

    /// Returns what keeps the gate closed now. If it is empty, the gate is open.
    fn holds<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let holds = py.detach(|| self.0.holds()).raise()?;
        hold_tuple(py, &holds)
    }

    /// Decides whether a scheduled backup that is due now runs.
    #[pyo3(signature = (schedule, now=None))]
    fn scheduled(&self, py: Python<'_>, schedule: &Schedule, now: Option<Time>) -> PyResult<Decision> {
        let now = Time::or_now(now);
        let decision = py.detach(|| self.0.scheduled(&schedule.0, now)).raise()?;
        if let core::Decision::Skipped(skip) = &decision {
            log(py, Level::Warning, &skip.to_string());
        }
        Ok(Decision(decision))
    }

    /// Raises `ConflictError` if a backup on demand may not run; its message says until when.
    #[pyo3(signature = (now=None))]
    fn on_demand(&self, py: Python<'_>, now: Option<Time>) -> PyResult<()> {
        let now = Time::or_now(now);
        py.detach(|| self.0.on_demand(now)).raise()
    }

    fn __repr__(&self) -> String {
        format!("<{:?}>", self.0)
    }
}

/// What a source's function returns.
fn operations(ask: &Bound<'_, PyAny>) -> PyResult<Vec<Operation>> {
    let answer = ask.call0()?;
    if answer.is_instance_of::<PyString>() || answer.is_instance_of::<PyBytes>() {
        return core::parse_operations(&answer.extract::<TextOrBytes>()?.0).raise();
    }
    read(&answer, "list of operations")
}

/// The caller's exception on its way through the core.
fn of_source(exception: PyErr) -> Error {
    Error::new(ErrorKind::Io, "a source of operations cannot tell").with_source(exception)
}

fn hold_tuple<'py>(py: Python<'py>, holds: &[core::Hold]) -> PyResult<Bound<'py, PyTuple>> {
    let holds: PyResult<Vec<_>> = holds.iter().map(|hold| Py::new(py, Hold(hold.clone()))).collect();
    PyTuple::new(py, holds?)
}

/// An operation that keeps the gate closed. It prints as a text for people.
#[pyclass(frozen, eq, module = "azs_backup")]
#[derive(PartialEq)]
pub(crate) struct Hold(core::Hold);

#[pymethods]
impl Hold {
    /// Why: `backup_operation_running`, `exclusive_action_running`, `failed_exclusive_action`,
    /// `restore_operation_running` or `unknown`.
    #[getter]
    fn reason<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        plain(py, &self.0.reason)
    }

    /// The operation.
    #[getter]
    fn operation<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value(py, "Operation", &self.0.operation)
    }

    /// Returns everything as plain data.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        plain(py, &self.0)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        PyString::new(py, &self.0.to_string()).hash()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Hold {}>", self.0)
    }
}

/// Whether a scheduled backup runs, and if not, why. It is true if the backup runs.
#[pyclass(frozen, eq, module = "azs_backup")]
#[derive(PartialEq)]
pub(crate) struct Decision(core::Decision);

impl Decision {
    fn skip(&self) -> Option<&Skip> {
        match &self.0 {
            core::Decision::Skipped(skip) => Some(skip),
            _ => None,
        }
    }
}

#[pymethods]
impl Decision {
    /// Whether it runs.
    #[getter]
    fn runs(&self) -> bool {
        self.skip().is_none()
    }

    /// What holds it; empty if it runs.
    #[getter]
    fn holds<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        hold_tuple(py, self.skip().map_or(&[][..], |skip| &skip.holds))
    }

    /// When to try again, if it is skipped.
    #[getter]
    fn next_run<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.skip().map(|skip| datetime(py, skip.next_run)).transpose()
    }

    /// Returns everything as plain data.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        plain(py, &self.0)
    }

    fn __bool__(&self) -> bool {
        self.runs()
    }

    fn __hash__(&self) -> isize {
        self.skip().map_or(1, |skip| skip.next_run.as_second() as isize)
    }

    fn __str__(&self) -> String {
        self.skip().map_or_else(|| "the scheduled backup runs".to_owned(), ToString::to_string)
    }

    fn __repr__(&self) -> String {
        format!("<Decision {}>", self.__str__())
    }
}

/// Reads a JSON document that lists operations: our own form, or resources of the admin API.
#[pyfunction]
pub(crate) fn parse_operations<'py>(py: Python<'py>, document: TextOrBytes) -> PyResult<Bound<'py, PyTuple>> {
    let found = core::parse_operations(&document.0).raise()?;
    let found: PyResult<Vec<_>> = found.iter().map(|operation| value(py, "Operation", operation)).collect();
    PyTuple::new(py, found?)
}

/// Makes a job that begins now.
#[pyfunction]
pub(crate) fn job_start<'py>(
    py: Python<'py>,
    id: &str,
    trigger: &Bound<'py, PyAny>,
    now: Option<Time>,
) -> PyResult<Bound<'py, PyAny>> {
    let trigger: Trigger = read(trigger, "trigger: scheduled or on_demand")?;
    plain(py, &core::Job::start(id, trigger, Time::or_now(now)))
}

/// Makes a scheduled job that was skipped.
#[pyfunction]
pub(crate) fn job_skipped<'py>(
    py: Python<'py>,
    id: &str,
    decision: &Decision,
    now: Option<Time>,
) -> PyResult<Bound<'py, PyAny>> {
    match decision.skip() {
        Some(skip) => plain(py, &core::Job::skipped(id, skip, Time::or_now(now))),
        None => Err(refuse(ErrorKind::InvalidArgument, "the decision is to run: there is nothing to skip")),
    }
}

/// Ends a job.
#[pyfunction]
pub(crate) fn job_end<'py>(
    py: Python<'py>,
    job: &Bound<'py, PyAny>,
    status: &str,
    now: Option<Time>,
) -> PyResult<Bound<'py, PyAny>> {
    let Ok(status) = status.parse::<JobStatus>();
    plain(py, &read::<core::Job>(job, "job")?.end(status, Time::or_now(now)))
}

/// A file of jobs, one JSON object per line, appended to and never rewritten. Only one process may append at a time.
#[pyclass(frozen, module = "azs_backup")]
pub(crate) struct JobLog(core::JobLog);

#[pymethods]
impl JobLog {
    #[new]
    fn new(path: FilePath) -> Self {
        Self(core::JobLog::new(path.0))
    }

    /// The path of the file.
    #[getter]
    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    /// Appends a job, and returns once it is on the disk. Append a job when it begins and again when it ends.
    fn append(&self, py: Python<'_>, job: &Bound<'_, PyAny>) -> PyResult<()> {
        let job: core::Job = read(job, "job")?;
        py.detach(|| self.0.append(&job)).raise()
    }

    /// Reads the jobs; a file that does not exist has none. `now` decides which of them are running. If a job's
    /// process ended without saying so, the job has failed and is in `died`; the next append records that.
    #[pyo3(signature = (now=None))]
    fn read<'py>(&self, py: Python<'py>, now: Option<Time>) -> PyResult<Bound<'py, PyAny>> {
        let now = Time::or_now(now);
        let jobs = py.detach(|| self.0.read(now)).raise()?;
        value(py, "Jobs", &jobs.facts(now))
    }

    fn __repr__(&self) -> String {
        format!("<JobLog {:?}>", self.0.path())
    }
}

/// Returns what nobody would notice otherwise: no backup for 24 hours, a gate that stays closed, missed runs, a
/// clock that was set back. Empty if all is well.
#[pyfunction]
#[pyo3(signature = (
    *, last_backup=None, set_up=None, retention_days=None, holds=None, closed_since=None, next_run=None, now=None,
))]
#[expect(clippy::too_many_arguments, reason = "keywords")]
pub(crate) fn backup_warnings<'py>(
    py: Python<'py>,
    last_backup: Option<&Bound<'_, PyAny>>,
    set_up: Option<&Bound<'_, PyAny>>,
    retention_days: Option<&Bound<'_, PyAny>>,
    holds: Option<&Bound<'_, PyAny>>,
    closed_since: Option<&Bound<'_, PyAny>>,
    next_run: Option<&Bound<'_, PyAny>>,
    now: Option<Time>,
) -> PyResult<Bound<'py, PyTuple>> {
    let health = Options::default()
        .set("last_backup", last_backup)?
        .set("set_up", set_up)?
        .set("retention_days", retention_days)?
        .list("holds", holds)?
        .set("closed_since", closed_since)?
        .set("next_run", next_run)?;
    let found = core::warnings_of_json(health.into_json(), Time::or_now(now)).raise()?;
    let warnings: PyResult<Vec<_>> =
        found.iter().map(|warning| value(py, "BackupWarning", warning)).collect();
    PyTuple::new(py, warnings?)
}
