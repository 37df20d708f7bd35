//! Lists the sets of a deployment.

use azs_backup as core;
use azs_backup::set::SetState;
use pyo3::prelude::*;

use crate::argument::Several;
use crate::error::patiently;
use crate::layout::{Component, Deployment, Place, SetName, SharePath};
use crate::share::Share;
use crate::signature::{SignerCertificate, demanded};
use crate::value::{plain, value, values};

/// Lists the sets of a deployment or of one component, by place and then from old to new. Needs no key.
///
/// It also lists what is not a backup, with the reason. `unreadable` has the folders that cannot be listed. It never
/// looks into `MASBackup`. A notebook shows the listing as a table.
///
/// `newest`: lists only the newest sets of each place, from the newest back until so many are complete, and reads no older
/// one; 0 lists all. A set from the future is listed but does not count. Without the older ones nobody sees that a set is
/// shrunken.
///
/// `require_signers`: one or several signers. A set that none of them signed is `untrusted`, and no backup; retention
/// deletes no such set, and counts none as good.
#[pyfunction]
#[pyo3(signature = (share, deployment, component=None, *, newest=0, require_signers=None))]
pub(crate) fn list_sets<'py>(
    py: Python<'py>,
    share: &Share,
    deployment: Deployment,
    component: Option<Component>,
    newest: usize,
    require_signers: Option<Several<Py<SignerCertificate>>>,
) -> PyResult<Bound<'py, PyAny>> {
    let (share, signers) = (share.open()?, demanded(require_signers)?);
    let component = component.map(|component| component.0);
    let sets = patiently(py, move || {
        let sets = core::list_sets(share, &deployment.0).component(component.as_ref());
        sets.newest(newest).require_signers(&signers).run()
    })?;
    let unreadable: PyResult<Vec<_>> =
        sets.unreadable.iter().map(|folder| value(py, "UnreadableFolder", folder)).collect();
    let sets: PyResult<Vec<_>> = sets.into_iter().map(|set| Py::new(py, SetSummary(set))).collect();
    values(py)?.getattr("SetList")?.call1((sets?, unreadable?))
}

/// A set in a listing.
#[pyclass(frozen, module = "azs_backup")]
pub(crate) struct SetSummary(pub(crate) core::set::SetSummary);

#[pymethods]
impl SetSummary {
    /// Deployment, component and scale unit.
    #[getter]
    fn place(&self) -> Place {
        Place(self.0.place.clone())
    }

    /// Its name.
    #[getter]
    fn name(&self) -> SetName {
        SetName(self.0.name)
    }

    /// Its folder on the share.
    #[getter]
    fn folder(&self) -> SharePath {
        SharePath(self.0.folder.clone())
    }

    /// Whether it has a cover sheet. An incomplete set with one was complete once.
    #[getter]
    fn has_cover_sheet(&self) -> bool {
        self.0.has_cover_sheet
    }

    /// Whether it is complete, but holds no file, or less than half of what another set of its place holds.
    #[getter]
    fn is_shrunken(&self) -> bool {
        self.0.is_shrunken
    }

    /// `complete`, `damaged`, `foreign` (it belongs elsewhere), `incomplete`, `unreadable`, `unsupported` (a later
    /// version of the stored form), or `untrusted` (not signed by one of the signers demanded).
    #[getter]
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.to_dict(py)?.get_item("state")
    }

    /// The cover sheet of a complete set.
    #[getter]
    fn cover<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match &self.0.state {
            SetState::Complete { cover } => value(py, "CoverSheet", cover).map(Some),
            _ => Ok(None),
        }
    }

    /// Why it is not a backup; `None` for a complete set.
    #[getter]
    fn reason(&self) -> Option<&str> {
        self.0.state.reason()
    }

    /// The folder where a foreign set belongs.
    #[getter]
    fn belongs_to(&self) -> Option<SharePath> {
        match &self.0.state {
            SetState::Foreign { belongs_to, .. } => Some(SharePath(belongs_to.clone())),
            _ => None,
        }
    }

    /// Who signed it, if all of its files are there.
    #[getter]
    fn signature<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.signature.as_ref().map(|signature| value(py, "Signature", signature)).transpose()
    }

    /// Whether it can be restored.
    #[getter]
    fn is_complete(&self) -> bool {
        self.0.is_complete()
    }

    /// Returns everything as plain data.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        plain(py, &self.0)
    }

    fn __eq__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        match other.cast::<Self>() {
            Ok(other) => self.to_dict(py)?.eq(other.get().to_dict(py)?),
            Err(_) => Ok(false),
        }
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        SharePath(self.0.folder.clone()).into_pyobject(py)?.hash()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<SetSummary {} {}>", self.0.folder, self.state(py)?))
    }
}
