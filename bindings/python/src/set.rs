//! Lists, verifies and restores sets.

use std::sync::{Arc, Mutex, PoisonError};

use azs_backup as core;
use azs_backup::restore::RestoreOptions;
use azs_backup::set::{Entries, SetState};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::argument::{FilePath, InSet};
use crate::detached::Detached;
use crate::envelope::Opener;
use crate::error::{Raise, patiently};
use crate::events::{Level, log};
use crate::layout::{Component, Deployment, Place, SetName, SharePath};
use crate::options::Options;
use crate::progress::Hook;
use crate::share::Share;
use crate::stream::Writer;
use crate::value::{plain, value, values};

/// Lists the sets of a deployment or of one component, by place and then from old to new. Needs no key.
///
/// It also lists what is not a backup, with the reason. `unreadable` has the folders that cannot be listed. It never
/// looks into `MASBackup`. A notebook shows the listing as a table.
#[pyfunction]
#[pyo3(signature = (share, deployment, component=None))]
pub(crate) fn list_sets<'py>(
    py: Python<'py>,
    share: &Share,
    deployment: Deployment,
    component: Option<Component>,
) -> PyResult<Bound<'py, PyAny>> {
    let share = share.open()?;
    let component = component.map(|component| component.0);
    let sets =
        patiently(py, move || core::list_sets(share, &deployment.0).component(component.as_ref()).run())?;
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

/// A backup set on a share, complete by its cover sheet.
///
/// >>> found = BackupSet.open(share, backup.report.folder)
/// >>> found.verify().is_sound
/// True
#[pyclass(frozen, module = "azs_backup")]
pub(crate) struct BackupSet(Detached<Arc<core::Set>>);

#[pymethods]
impl BackupSet {
    /// Opens the set in this folder, without a key.
    ///
    /// If the set was copied to where another belongs, open it by naming its own `place`.
    ///
    /// Raises `NotFoundError`, `IncompleteError` for a set that never finished, `ConflictError` for one that belongs
    /// elsewhere, or `UnsupportedError`.
    #[staticmethod]
    #[pyo3(signature = (share, folder, place=None))]
    fn open(py: Python<'_>, share: &Share, folder: SharePath, place: Option<Place>) -> PyResult<Self> {
        let share = share.open()?;
        let set = patiently(py, || match place {
            Some(place) => core::Set::open_foreign(share, folder.0, &place.0),
            None => core::Set::open(share, folder.0),
        })?;
        Ok(Self(Detached::new(Arc::new(set))))
    }

    /// Opens a set by its encrypted index alone. Use it if `backup.json` or `SHA256SUMS` is damaged or gone but the
    /// data is there.
    ///
    /// Raises `IncompleteError` if the set has no index, `DamagedError` if the index is damaged,
    /// `WrongCertificateError`, or `ConflictError` for a set that belongs elsewhere.
    #[staticmethod]
    fn open_by_index(py: Python<'_>, share: &Share, folder: SharePath, opener: &Opener) -> PyResult<Self> {
        let (share, opener) = (share.open()?, opener.0.clone());
        let set = patiently(py, move || core::Set::open_by_index(share, folder.0, &opener))?;
        Ok(Self(Detached::new(Arc::new(set))))
    }

    /// The cover sheet.
    #[getter]
    fn cover<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value(py, "CoverSheet", self.0.cover())
    }

    /// The set's folder on the share.
    #[getter]
    fn folder(&self) -> SharePath {
        SharePath(self.0.folder().clone())
    }

    /// Iterates over the entries of the set, with a few in memory at a time.
    fn entries(&self, py: Python<'_>, opener: &Opener) -> PyResult<EntryIterator> {
        let entries = py.detach(|| self.0.entries(&opener.0)).raise()?;
        Ok(EntryIterator(Detached::new(Mutex::new(entries))))
    }

    /// Checks every stored file against `SHA256SUMS`. Needs no key. The report says what is wrong.
    #[pyo3(signature = (*, progress=None))]
    fn verify<'py>(&self, py: Python<'py>, progress: Option<Py<PyAny>>) -> PyResult<Bound<'py, PyAny>> {
        let hook = Hook::new(progress);
        let done = py.detach(|| {
            self.0.verify().observer(&mut |progress: core::observer::Progress| hook.call(progress)).run()
        });
        self.verified(py, &hook.outcome(done)?)
    }

    /// Checks every byte: authenticates it, decompresses it and compares it with the index. The report says what is
    /// wrong.
    #[pyo3(signature = (opener, *, progress=None))]
    fn verify_full<'py>(
        &self,
        py: Python<'py>,
        opener: &Opener,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let hook = Hook::new(progress);
        let done = py.detach(|| {
            self.0
                .verify_full(&opener.0)
                .observer(&mut |progress: core::observer::Progress| hook.call(progress))
                .run()
        });
        self.verified(py, &hook.outcome(done)?)
    }

    /// Restores the set into a folder, or only what `patterns` in gitignore syntax match: `tor1/`, `*.cfg`.
    ///
    /// `existing`: `"refuse"` accepts only an empty folder or one that does not exist yet, `"keep"` leaves existing
    /// things as they are, `"replace"` replaces them. `compare`: whether to compare what is kept with the set by
    /// `"metadata"` or by `"content"`. `damage`: `"stop"`, or `"continue"` to go on without what is lost and name it
    /// in the report.
    #[pyo3(signature = (opener, target, *, patterns=None, existing=None, compare=None, damage=None, progress=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords")]
    fn restore<'py>(
        &self,
        py: Python<'py>,
        opener: &Opener,
        target: FilePath,
        patterns: Option<&Bound<'_, PyAny>>,
        existing: Option<&Bound<'_, PyAny>>,
        compare: Option<&Bound<'_, PyAny>>,
        damage: Option<&Bound<'_, PyAny>>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = Options::default()
            .list("patterns", patterns)?
            .set("existing", existing)?
            .set("compare", compare)?
            .set("damage", damage)?;
        let options = RestoreOptions::from_json(options.into_json()).raise()?;
        let hook = Hook::new(progress);
        let done = py.detach(|| {
            self.0
                .restore(&opener.0)
                .options(&options)
                .observer(&mut |progress: core::observer::Progress| hook.call(progress))
                .into(&target.0)
        });
        let report = hook.outcome(done)?;
        let level = if report.losses.is_empty() { Level::Info } else { Level::Warning };
        let (files, bytes, lost) = (report.files, report.bytes, report.losses.len());
        log(
            py,
            level,
            &format!("set {} restored: {files} files with {bytes} bytes, {lost} lost", self.0.cover().set),
        );
        value(py, "RestoreReport", &report)
    }

    /// Restores one file of at most `limit` bytes into memory; 0 means the default, 64 MiB.
    ///
    /// Raises `NotFoundError`, `LimitExceededError`, or `DamagedError` unless all of it is as it was written.
    #[pyo3(signature = (opener, path, *, limit=0))]
    fn restore_bytes<'py>(
        &self,
        py: Python<'py>,
        opener: &Opener,
        path: InSet,
        limit: u64,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let content = py.detach(|| self.0.restore_bytes(&opener.0, &path.0, limit)).raise()?;
        Ok(PyBytes::new(py, &content))
    }

    /// Restores one file to a binary stream, and returns its entry. Writes nothing before the whole file is
    /// verified.
    #[pyo3(signature = (opener, path, writer, *, progress=None))]
    fn restore_stream<'py>(
        &self,
        py: Python<'py>,
        opener: &Opener,
        path: InSet,
        writer: &Bound<'py, PyAny>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let writer = Writer::new(writer)?;
        let hook = Hook::new(progress);
        let done = py.detach(|| {
            self.0
                .restore_stream(&opener.0, &path.0)
                .observer(&mut |progress: core::observer::Progress| hook.call(progress))
                .to(writer)
        });
        value(py, "Entry", &hook.outcome(done)?)
    }

    fn __repr__(&self) -> String {
        format!("<BackupSet {}>", self.0.folder())
    }
}

impl BackupSet {
    fn verified<'py>(
        &self,
        py: Python<'py>,
        report: &core::restore::VerifyReport,
    ) -> PyResult<Bound<'py, PyAny>> {
        let set = self.0.cover().set;
        match report.is_sound() {
            true => {
                log(py, Level::Info, &format!("set {set} verified: {} files are sound", report.stored_files))
            }
            false => {
                log(py, Level::Warning, &format!("set {set} is damaged: {} faults", report.faults.len()))
            }
        }
        value(py, "VerifyReport", report)
    }
}

/// The entries of a set, one after another.
#[pyclass(frozen, module = "azs_backup._native")]
pub(crate) struct EntryIterator(Detached<Mutex<Entries>>);

#[pymethods]
impl EntryIterator {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let next = py.detach(|| self.0.lock().unwrap_or_else(PoisonError::into_inner).next());
        match next.transpose().raise()? {
            Some(entry) => value(py, "Entry", &entry).map(Some),
            None => Ok(None),
        }
    }
}
