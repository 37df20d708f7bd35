//! Decides what to keep.

use azs_backup::layout::SharePath;
use azs_backup::observer::{Observer, Progress};
use azs_backup::schedule::{self as core, Candidate};
use azs_backup::share::Space;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use serde_json::Value;
use std::ops::ControlFlow;

use crate::argument::Time;
use crate::error::Raise;
use crate::events::{Level, log};
use crate::list::SetSummary;
use crate::options::Options;
use crate::progress::Hook;
use crate::share::Share;
use crate::value::{datetime, plain, read, value};

/// Which sets of a deployment to keep.
///
/// A complete set is deleted only if you give at least one keep rule and none keeps it, or to make room. The last
/// good set of a place always stays. `keep_labels`: labels by key, or pairs of key and value. `pin`: names of sets.
/// `make_room`: bytes to free, the oldest sets first. `grace_hours`: delete an incomplete set only if nothing was
/// written to it for this long, 24 by default. `shrunken_below`: a percentage, 50 by default; a set that holds less than
/// that of an older good set displaces no other.
///
/// >>> policy = RetentionPolicy(keep_days=7, keep_monthly=12)
/// >>> plan = policy.plan(list_sets(share, "contoso.com/nyc"))
/// >>> plan.is_empty
/// True
#[pyclass(frozen, eq, module = "azs_backup")]
#[derive(PartialEq)]
pub(crate) struct RetentionPolicy(pub(crate) core::RetentionPolicy);

#[pymethods]
impl RetentionPolicy {
    #[new]
    #[pyo3(signature = (
        *, keep_days=None, keep_last=None, keep_daily=None, keep_weekly=None, keep_monthly=None, keep_labels=None,
        pin=None, make_room=None, grace_hours=None, shrunken_below=None,
    ))]
    #[expect(clippy::too_many_arguments, reason = "keywords")]
    fn new(
        keep_days: Option<&Bound<'_, PyAny>>,
        keep_last: Option<&Bound<'_, PyAny>>,
        keep_daily: Option<&Bound<'_, PyAny>>,
        keep_weekly: Option<&Bound<'_, PyAny>>,
        keep_monthly: Option<&Bound<'_, PyAny>>,
        keep_labels: Option<&Bound<'_, PyAny>>,
        pin: Option<&Bound<'_, PyAny>>,
        make_room: Option<&Bound<'_, PyAny>>,
        grace_hours: Option<&Bound<'_, PyAny>>,
        shrunken_below: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let options = Options::default()
            .set("keep_days", keep_days)?
            .set("keep_last", keep_last)?
            .set("keep_daily", keep_daily)?
            .set("keep_weekly", keep_weekly)?
            .set("keep_monthly", keep_monthly)?
            .list("keep_labels", keep_labels)?
            .each("keep_labels", |label| {
                if label.is_string() {
                    *label = Value::Array(vec![label.take(), Value::Null]);
                }
            })
            .list("pin", pin)?
            .set("make_room", make_room)?
            .set("grace_hours", grace_hours)?
            .set("shrunken_below", shrunken_below)?;
        core::RetentionPolicy::from_json(options.into_json()).raise().map(Self)
    }

    /// Plans which of these sets to delete, and which to keep and why. Deletes nothing.
    ///
    /// Pass every set of the places in question, as `list_sets` returns them. Pass plain data to try out a policy;
    /// such a set is never deleted.
    #[pyo3(signature = (sets, now=None))]
    fn plan(&self, sets: &Bound<'_, PyAny>, now: Option<Time>) -> PyResult<RetentionPlan> {
        let mut candidates = Vec::new();
        for set in sets.try_iter()? {
            let set = set?;
            candidates.push(match set.cast::<SetSummary>() {
                Ok(summary) => Candidate::from(&summary.get().0),
                Err(_) => read(&set, "set")?,
            });
        }
        let now = Time::or_now(now);
        Ok(RetentionPlan(sets.py().detach(|| self.0.plan(candidates, now))))
    }

    /// Returns a policy that also deletes sets until this many bytes are free on a share with this space
    /// (`Share.space`). Before each set that goes only to make room, `apply` checks the space again, and stops once
    /// there is enough.
    fn make_room_for(&self, bytes: u64, space: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (total, free) = (space.getattr("total")?.extract()?, space.getattr("free")?.extract()?);
        Ok(Self(self.0.clone().make_room_for(bytes, Space::new(total, free))))
    }

    /// Returns everything as plain data: the keywords that make the same policy, without the room of
    /// `make_room_for`.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        plain(py, &self.0)
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<((), Bound<'py, PyAny>)> {
        Ok(((), self.to_dict(py)?))
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        pyo3::types::PyString::new(py, &format!("{:?}", self.0)).hash()
    }

    fn __repr__(&self) -> String {
        format!("<{:?}>", self.0)
    }
}

/// Which sets to delete, and why the others stay. Look at it before you apply it.
#[pyclass(frozen, module = "azs_backup")]
pub(crate) struct RetentionPlan(core::RetentionPlan);

#[pymethods]
impl RetentionPlan {
    /// The time for which it was made.
    #[getter]
    fn now<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        datetime(py, self.0.now)
    }

    /// The sets to delete, the oldest first.
    #[getter]
    fn deletions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let values: PyResult<Vec<_>> =
            self.0.deletions.iter().map(|one| value(py, "Deletion", one)).collect();
        PyTuple::new(py, values?)
    }

    /// The sets to keep, by place and from old to new.
    #[getter]
    fn kept<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let values: PyResult<Vec<_>> = self.0.kept.iter().map(|one| value(py, "Kept", one)).collect();
        PyTuple::new(py, values?)
    }

    /// Bytes that the deletions free, at most.
    #[getter]
    fn freed_bytes(&self) -> u64 {
        self.0.freed_bytes
    }

    /// Requested bytes that cannot be freed.
    #[getter]
    fn shortfall(&self) -> u64 {
        self.0.shortfall
    }

    /// Free bytes at which `apply` stops making room, if the policy asks for that.
    #[getter]
    fn room_for(&self) -> Option<u64> {
        self.0.room_for
    }

    /// Whether there is nothing to delete.
    #[getter]
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Deletes what the plan says, the oldest first. If a set cannot be deleted, the others still are.
    ///
    /// `before` is called before each deletion, with that deletion. If it returns `False`, the work stops there.
    #[pyo3(signature = (share, *, before=None))]
    fn apply<'py>(
        &self,
        py: Python<'py>,
        share: &Share,
        before: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let share = share.open()?;
        let hook = Hook::new(None);
        let report = py.detach(|| {
            let mut before = Before { function: before, plan: &self.0, hook: &hook };
            self.0.apply(share).observer(&mut before).run()
        });
        let report = hook.outcome(Ok(report))?;
        let all = report.outcomes.len();
        log(py, Level::Info, &format!("retention: {} of {all} sets deleted", report.deleted()));
        value(py, "RetentionReport", &report)
    }

    /// Returns everything as plain data.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        plain(py, &self.0)
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| self.0 == other.get().0)
    }

    fn __hash__(&self) -> isize {
        (self.0.deletions.len() << 16 | self.0.kept.len()) as isize
    }

    fn __repr__(&self) -> String {
        let core::RetentionPlan { deletions, kept, .. } = &self.0;
        format!("<RetentionPlan {} to delete, {} kept>", deletions.len(), kept.len())
    }
}

/// The caller's function, asked before each deletion.
struct Before<'a> {
    function: Option<Py<PyAny>>,
    plan: &'a core::RetentionPlan,
    hook: &'a Hook,
}

impl Observer for Before<'_> {
    /// Lets Python see signals, whatever the share does.
    fn progress(&mut self, _: Progress) -> ControlFlow<()> {
        self.hook.ask(|_| Ok(None))
    }

    fn deleting(&mut self, set: &SharePath) -> ControlFlow<()> {
        let deletion = self.plan.deletion(set);
        self.hook.ask(|py| match (&self.function, deletion) {
            (Some(function), Some(deletion)) => {
                function.bind(py).call1((value(py, "Deletion", deletion)?,)).map(Some)
            }
            _ => Ok(None),
        })
    }
}
