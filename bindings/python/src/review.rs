//! Reviews by the best practices.

use azs_backup::mas_backup::Keys;
use azs_backup::review::{self as core, Configuration, RULES};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::argument::{Several, TextOrBytes, Time};
use crate::envelope::Opener;
use crate::error::{Raise, patiently};
use crate::layout::Deployment;
use crate::share::{Share, opened};
use crate::value::{datetime, from_python, plain, value};

/// Compares a configuration, and the share whose root it names, with the best practices. Needs no key and changes
/// nothing.
///
/// The configuration is JSON: text, bytes, or a `dict`. An opener is tried on what the newest backup of Azure Stack Hub
/// needs: a drill. `copies`: one or several other shares; the review says how old the newest copy on them is.
///
/// >>> found = review({"root": r"\\fs.contoso.com\AzSBackups", "deployment": {
/// ...     "external_domain_name": "contoso.com", "region": "nyc"}}, share)
/// >>> len(found.findings) > 0
/// True
#[pyfunction]
#[pyo3(signature = (configuration, share, *, copies=None, opener=None, now=None))]
pub(crate) fn review(
    py: Python<'_>,
    configuration: &Bound<'_, PyAny>,
    share: &Share,
    copies: Option<Several<Py<Share>>>,
    opener: Option<&Opener>,
    now: Option<Time>,
) -> PyResult<Review> {
    let configuration = if configuration.is_instance_of::<PyDict>() {
        Configuration::try_from(from_python(configuration)?).raise()?
    } else {
        Configuration::from_json(&configuration.extract::<TextOrBytes>()?.0).raise()?
    };
    let (share, now) = (share.open()?, Time::or_now(now));
    let copies: Vec<_> = opened(copies)?.into_iter().map(Ok).collect();
    let keys = opener.map(|opener| Keys::from(&*opener.0)).unwrap_or_default();
    patiently(py, move || core::review_with(&configuration, share, &copies, &keys, now)).map(Review)
}

/// What a review found. A notebook shows it as a page.
#[pyclass(frozen, module = "azs_backup")]
pub(crate) struct Review(core::Review);

#[pymethods]
impl Review {
    /// The time for which it was made.
    #[getter]
    fn now<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        datetime(py, self.0.now)
    }

    /// The deployment.
    #[getter]
    fn deployment(&self) -> Deployment {
        Deployment(self.0.deployment.clone())
    }

    /// The share, as it describes itself.
    #[getter]
    fn share(&self) -> &str {
        &self.0.share
    }

    /// What is not as it should be, worst first.
    #[getter]
    fn findings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let values: PyResult<Vec<_>> = self.0.findings.iter().map(|one| value(py, "Finding", one)).collect();
        PyTuple::new(py, values?)
    }

    /// What is not as it should be, but is silenced.
    #[getter]
    fn silenced<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let values: PyResult<Vec<_>> = self.0.silenced.iter().map(|one| value(py, "Silenced", one)).collect();
        PyTuple::new(py, values?)
    }

    /// The state of each component.
    #[getter]
    fn components<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let values: PyResult<Vec<_>> =
            self.0.components.iter().map(|one| value(py, "ComponentReview", one)).collect();
        PyTuple::new(py, values?)
    }

    /// Azure Stack Hub's own backups, in each `MASBackup` that has any, as plain data.
    #[getter]
    fn their_backups<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        plain(py, &self.0.their_backups)
    }

    /// Estimated bytes that the next run of all components needs.
    #[getter]
    fn next_run_bytes(&self) -> u64 {
        self.0.next_run_bytes
    }

    /// The number of findings of each severity, worst first.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = PyDict::new(py);
        for (severity, count) in self.0.counts() {
            counts.set_item(severity.as_str(), count)?;
        }
        Ok(counts)
    }

    /// Returns the review as plain text for a terminal.
    fn to_table(&self) -> String {
        self.0.to_table()
    }

    /// Returns the review as one self-contained HTML page, without scripts or external content.
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

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| self.0 == other.get().0)
    }

    fn __hash__(&self) -> isize {
        self.0.now.as_second() as isize
    }

    fn __repr__(&self) -> String {
        let counts: Vec<_> =
            self.0.counts().map(|(severity, count)| format!("{count} {}", severity.as_str())).collect();
        format!("<Review of {}: {}>", self.0.deployment.fqdn(), counts.join(", "))
    }
}

/// A page in a frame of its own, so that its style stays in it.
pub(crate) fn in_a_frame(page: &str) -> String {
    let page = page.replace('&', "&amp;").replace('"', "&quot;");
    format!("<iframe sandbox srcdoc=\"{page}\" style=\"width:100%;height:40em;border:0\"></iframe>")
}

/// The rules of a review.
#[pyfunction]
pub(crate) fn rules<'py>(py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
    let rules: PyResult<Vec<_>> = RULES.iter().map(|rule| value(py, "Rule", rule)).collect();
    PyTuple::new(py, rules?)
}
