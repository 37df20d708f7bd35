//! Verifies and restores sets.

use std::sync::{Arc, Mutex, PoisonError};

use azs_backup as core;
use azs_backup::restore::RestoreOptions;
use azs_backup::set::Entries;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::argument::{FilePath, InSet, Several};
use crate::detached::Detached;
use crate::envelope::Opener;
use crate::error::{Raise, patiently};
use crate::events::{Level, log};
use crate::layout::{Place, SharePath};
use crate::options::Options;
use crate::progress::Hook;
use crate::share::Share;
use crate::signature::{SignerCertificate, demanded};
use crate::stream::Writer;
use crate::value::value;

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

    /// Reads who signed the set. Whoever it was: only `require_signers` says whether that is one of your hosts.
    fn signature<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value(py, "Signature", &py.detach(|| self.0.signature()).raise()?)
    }

    /// Returns the signature if it is by one of these signers.
    ///
    /// Raises `NotTrustedError`.
    fn require_signers<'py>(
        &self,
        py: Python<'py>,
        signers: Several<Py<SignerCertificate>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let signers = demanded(Some(signers))?;
        value(py, "Signature", &py.detach(|| self.0.require_signers(&signers)).raise()?)
    }

    /// Checks every stored file against `SHA256SUMS`. Needs no key. The report says what is wrong.
    ///
    /// `require_signers`: one or several signers; a set that none of them signed has a fault.
    #[pyo3(signature = (*, require_signers=None, progress=None))]
    fn verify<'py>(
        &self,
        py: Python<'py>,
        require_signers: Option<Several<Py<SignerCertificate>>>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (signers, hook) = (demanded(require_signers)?, Hook::new(progress));
        let done = py.detach(|| {
            self.0
                .verify()
                .require_signers(&signers)
                .observer(&mut |progress: core::observer::Progress| hook.call(progress))
                .run()
        });
        self.verified(py, &hook.outcome(done)?)
    }

    /// Checks every byte: authenticates it, decompresses it and compares it with the index. The report says what is
    /// wrong. `require_signers` is as for `verify`.
    #[pyo3(signature = (opener, *, require_signers=None, progress=None))]
    fn verify_full<'py>(
        &self,
        py: Python<'py>,
        opener: &Opener,
        require_signers: Option<Several<Py<SignerCertificate>>>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (signers, hook) = (demanded(require_signers)?, Hook::new(progress));
        let done = py.detach(|| {
            self.0
                .verify_full(&opener.0)
                .require_signers(&signers)
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
    /// in the report. `require_signers`: one or several signers; if none of them signed the set, this raises
    /// `NotTrustedError` and restores nothing.
    #[pyo3(signature = (
        opener, target, *, patterns=None, existing=None, compare=None, damage=None, require_signers=None, progress=None,
    ))]
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
        require_signers: Option<Several<Py<SignerCertificate>>>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = Options::default()
            .list("patterns", patterns)?
            .set("existing", existing)?
            .set("compare", compare)?
            .set("damage", damage)?;
        let options = RestoreOptions::from_json(options.into_json()).raise()?;
        let (signers, hook) = (demanded(require_signers)?, Hook::new(progress));
        let done = py.detach(|| {
            self.0
                .restore(&opener.0)
                .options(&options)
                .require_signers(&signers)
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
    /// Raises `NotFoundError`, `LimitExceededError`, `DamagedError` unless all of it is as it was written, or
    /// `NotTrustedError`: `require_signers` is as for `restore`.
    #[pyo3(signature = (opener, path, *, limit=0, require_signers=None))]
    fn restore_bytes<'py>(
        &self,
        py: Python<'py>,
        opener: &Opener,
        path: InSet,
        limit: u64,
        require_signers: Option<Several<Py<SignerCertificate>>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let signers = demanded(require_signers)?;
        let restore = || {
            // Without a demand nobody need read the signature.
            if !signers.is_empty() {
                self.0.require_signers(&signers)?;
            }
            self.0.restore_bytes(&opener.0, &path.0, limit)
        };
        let content = py.detach(restore).raise()?;
        Ok(PyBytes::new(py, &content))
    }

    /// Restores one file to a binary stream, and returns its entry. Writes nothing before the whole file is
    /// verified. `require_signers` is as for `restore`.
    #[pyo3(signature = (opener, path, writer, *, require_signers=None, progress=None))]
    fn restore_stream<'py>(
        &self,
        py: Python<'py>,
        opener: &Opener,
        path: InSet,
        writer: &Bound<'py, PyAny>,
        require_signers: Option<Several<Py<SignerCertificate>>>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let writer = Writer::new(writer)?;
        let (signers, hook) = (demanded(require_signers)?, Hook::new(progress));
        let done = py.detach(|| {
            self.0
                .restore_stream(&opener.0, &path.0)
                .require_signers(&signers)
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
