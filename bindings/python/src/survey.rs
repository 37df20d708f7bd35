//! Surveys many deployments side by side.

use azs_backup::review as core;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::argument::{Several, Time};
use crate::layout::Deployment;
use crate::progress::Hook;
use crate::review::in_a_frame;
use crate::share::{Share, opened};
use crate::signature::{SignerCertificate, demanded};
use crate::value::{datetime, plain, value};

/// One or several regions: each a share, of which all deployments are meant, or a pair of a share and a deployment.
pub(crate) struct Regions(Vec<core::Region>);

impl<'py> FromPyObject<'_, 'py> for Regions {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<Share>() || is_pair(&object) {
            return Ok(Self(vec![region(&object)?]));
        }
        if object.is_instance_of::<PyString>() {
            return Err(no_region());
        }
        let items = object.try_iter().map_err(|_| no_region())?;
        items.map(|item| region(&item?)).collect::<PyResult<_>>().map(Self)
    }
}

/// Whether it is a share with something that is no region itself.
fn is_pair(object: &Bound<'_, PyAny>) -> bool {
    let Ok(pair) = object.cast::<PyTuple>() else { return false };
    let is = |at, of: fn(&Bound<'_, PyAny>) -> bool| pair.get_item(at).is_ok_and(|item| of(&item));
    pair.len() == 2
        && is(0, |item| item.is_instance_of::<Share>())
        && !is(1, |item| item.is_instance_of::<Share>() || item.is_instance_of::<PyTuple>())
}

fn region(object: &Bound<'_, PyAny>) -> PyResult<core::Region> {
    if let Ok(share) = object.cast::<Share>() {
        return Ok(core::Region::all(share.get().open()?));
    }
    if !is_pair(object) {
        return Err(no_region());
    }
    let (share, deployment): (Py<Share>, Deployment) = object.extract()?;
    Ok(core::Region::new(share.get().open()?, deployment.0))
}

fn no_region() -> PyErr {
    PyTypeError::new_err("a region is a share, or a pair of a share and a deployment")
}

/// Looks at many deployments side by side: when each component was last backed up, how large the set is and how that
/// changed, who signed it, which PFX opens it, and how old the newest copy elsewhere is. Needs no key.
///
/// `regions`: one or several; each a share, of which all deployments are meant, or a pair of a share and a deployment.
/// `copies`: one or several shares with copies. `require_signers`: one or several signers; only sets that one of them signed
/// count. `frequency_hours`: how many hours may lie between two backups. `progress` counts deployments as files. A share or
/// a folder that cannot be read is a row that says so.
///
/// Of each component it looks at the newest sets alone, so it costs little and says less than a `review`.
///
/// >>> [row.component for row in survey([(share, "contoso.com/nyc")]).rows]
/// ['Switches']
#[pyfunction]
#[pyo3(signature = (
    regions, *, copies=None, require_signers=None, frequency_hours=12, now=None, progress=None,
))]
pub(crate) fn survey(
    py: Python<'_>,
    regions: Regions,
    copies: Option<Several<Py<Share>>>,
    require_signers: Option<Several<Py<SignerCertificate>>>,
    frequency_hours: u32,
    now: Option<Time>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Survey> {
    let (copies, signers) = (opened(copies)?, demanded(require_signers)?);
    let (now, hook) = (Time::or_now(now), Hook::new(progress));
    let done = py.detach(|| {
        let mut observer = |progress: azs_backup::observer::Progress| hook.call(progress);
        let survey = core::survey(regions.0, now).copies(copies).require_signers(&signers);
        survey.frequency_hours(frequency_hours).observer(&mut observer).run()
    });
    hook.outcome(done).map(Survey)
}

/// Many deployments side by side. A notebook shows it as a page.
#[pyclass(frozen, module = "azs_backup")]
pub(crate) struct Survey(core::Survey);

#[pymethods]
impl Survey {
    /// The time for which it was made.
    #[getter]
    fn now<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        datetime(py, self.0.now)
    }

    /// A row for each component and scale unit of each deployment, the worst first.
    #[getter]
    fn rows<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let values: PyResult<Vec<_>> = self.0.rows.iter().map(|row| value(py, "SurveyRow", row)).collect();
        PyTuple::new(py, values?)
    }

    /// The number of rows of each severity, worst first.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = PyDict::new(py);
        for (severity, count) in self.0.counts() {
            counts.set_item(severity.as_str(), count)?;
        }
        Ok(counts)
    }

    /// Returns the survey as one self-contained HTML page, without scripts or external content.
    fn to_html(&self) -> String {
        self.0.to_html()
    }

    /// Returns everything as plain data.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        plain(py, &self.0)
    }

    fn _repr_html_(&self) -> String {
        in_a_frame(&self.0.to_html())
    }

    fn __eq__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        match other.cast::<Self>() {
            Ok(other) => self.to_dict(py)?.eq(other.get().to_dict(py)?),
            Err(_) => Ok(false),
        }
    }

    fn __hash__(&self) -> isize {
        self.0.now.as_second() as isize
    }

    fn __repr__(&self) -> String {
        let counts: Vec<_> =
            self.0.counts().map(|(severity, count)| format!("{count} {}", severity.as_str())).collect();
        format!("<Survey of {} rows: {}>", self.0.rows.len(), counts.join(", "))
    }
}
