//! Azure Stack Hub's own backups: list, verify, extract.

use std::sync::Arc;

use azs_backup as core;
use azs_backup::mas_backup::{ExtractOptions, Keys};
use pyo3::prelude::*;

use crate::argument::{FilePath, Time};
use crate::envelope::Opener;
use crate::error::{Raise, patiently};
use crate::layout::SharePath;
use crate::options::Options;
use crate::progress::Hook;
use crate::share::Share;
use crate::value::plain;

/// The `MASBackup` in one folder of a share: Azure Stack Hub's own backups. It is read and never written.
///
/// >>> MasBackup.open(share, "contoso.com/nyc").list()["backups"]
/// []
#[pyclass(frozen, module = "azs_backup")]
pub(crate) struct MasBackup(Arc<core::mas_backup::MasBackup>);

#[pymethods]
impl MasBackup {
    /// Finds `MASBackup`, in any letter case, in a folder of the share: that of a region, or with `""` the root.
    ///
    /// Raises `NotFoundError` if there is none.
    #[staticmethod]
    #[pyo3(signature = (share, folder))]
    fn open(py: Python<'_>, share: &Share, folder: SharePath) -> PyResult<Self> {
        let share = share.open()?;
        let opened = patiently(py, move || core::mas_backup::MasBackup::open(share, &folder.0))?;
        Ok(Self(Arc::new(opened)))
    }

    /// The folder.
    #[getter]
    fn folder(&self) -> String {
        self.0.folder().to_string()
    }

    /// Lists what lies there, by clear metadata alone, as plain data: `stores`, `backups` with their `readiness`,
    /// `certificates`, `findings`, `prunable`.
    #[pyo3(signature = (*, now=None, progress=None))]
    fn list<'py>(
        &self,
        py: Python<'py>,
        now: Option<Time>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (hook, now) = (Hook::new(progress), Time::or_now(now));
        let done = py.detach(|| {
            self.0.list().observer(&mut |progress: core::observer::Progress| hook.call(progress)).run(now)
        });
        plain(py, &hook.outcome(done)?)
    }

    /// Verifies the snapshots that a backup needs, or all of them, and returns the report as plain data: all is well if
    /// `state` is `"verified"`.
    ///
    /// With an opener each snapshot is authenticated and decrypted, and each file in it compared with its checksum.
    /// Without one, only what can be seen is compared.
    #[pyo3(signature = (opener=None, *, backup=None, now=None, progress=None))]
    fn verify<'py>(
        &self,
        py: Python<'py>,
        opener: Option<&Opener>,
        backup: Option<&str>,
        now: Option<Time>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let keys = opener.map(|opener| Keys::from(&*opener.0)).unwrap_or_default();
        let (hook, now) = (Hook::new(progress), Time::or_now(now));
        let done = py.detach(|| {
            let observer = &mut |progress: core::observer::Progress| hook.call(progress);
            let mut verify = self.0.verify().keys(&keys).observer(observer);
            if let Some(id) = backup {
                verify = verify.backup(id);
            }
            verify.run(now)
        });
        plain(py, &hook.outcome(done)?)
    }

    /// Extracts the snapshots that a backup needs, each into the folder `<repository>/<snapshot>` of `target`, and
    /// returns the report as plain data.
    ///
    /// `existing` is as in a restore. `open_inner`: write zips inside as folders, and decrypt what is encrypted once more.
    ///
    /// Raises `WrongCertificateError` if no certificate opens any of them.
    #[pyo3(signature = (opener, backup, target, *, repository=None, existing=None, open_inner=None, now=None, progress=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords")]
    fn extract<'py>(
        &self,
        py: Python<'py>,
        opener: &Opener,
        backup: &str,
        target: FilePath,
        repository: Option<&Bound<'_, PyAny>>,
        existing: Option<&Bound<'_, PyAny>>,
        open_inner: Option<&Bound<'_, PyAny>>,
        now: Option<Time>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = Options::default()
            .set("repository", repository)?
            .set("existing", existing)?
            .set("open_inner", open_inner)?;
        let options = ExtractOptions::from_json(options.into_json()).raise()?;
        let (hook, now) = (Hook::new(progress), Time::or_now(now));
        let keys = Keys::from(&*opener.0);
        let done = py.detach(|| {
            let observer = &mut |progress: core::observer::Progress| hook.call(progress);
            self.0.extract(&keys, backup).options(&options).observer(observer).into(&target.0, now)
        });
        plain(py, &hook.outcome(done)?)
    }

    fn __repr__(&self) -> String {
        format!("<MasBackup {}>", self.0.folder())
    }
}
