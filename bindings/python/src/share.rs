//! The share.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use azs_backup::share::Durability;
use azs_backup::{self as core, ErrorKind};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;

use crate::argument::FilePath;
use crate::error::{Raise, patiently, refuse};
use crate::events::{Level, log};
use crate::layout::UncPath;
use crate::value::value;

/// A share that is open: what `FolderShare` and others have in common.
///
/// A context manager that closes it; what is open on it goes on.
#[pyclass(frozen, subclass, module = "azs_backup")]
pub(crate) struct Share {
    share: Mutex<Option<Arc<dyn core::Share>>>,
    description: String,
}

impl Share {
    fn new(share: Arc<dyn core::Share>) -> Self {
        let description = share.describe();
        Self { share: Mutex::new(Some(share)), description }
    }

    pub(crate) fn open(&self) -> PyResult<Arc<dyn core::Share>> {
        let share = self.share.lock().unwrap_or_else(PoisonError::into_inner).clone();
        share.ok_or_else(|| {
            refuse(ErrorKind::InvalidArgument, format!("the share {} is closed", self.description))
        })
    }
}

#[pymethods]
impl Share {
    /// Where it is, for messages.
    fn describe(&self) -> &str {
        &self.description
    }

    /// How much room there is for this account, in bytes: `total` and `free`. Raises `UnsupportedError` where the share
    /// does not say.
    fn space<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let share = self.open()?;
        value(py, "Space", &patiently(py, move || share.space())?)
    }

    /// Leaves the share. Doing so again does nothing.
    fn close(&self, py: Python<'_>) {
        let share = self.share.lock().unwrap_or_else(PoisonError::into_inner).take();
        py.detach(|| drop(share));
    }

    /// Whether it was closed.
    #[getter]
    fn closed(&self) -> bool {
        self.share.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _type: &Bound<'_, PyAny>,
        _value: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) {
        self.close(py);
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let state = if slf.get().closed() { " closed" } else { "" };
        Ok(format!("<{} {:?}{state}>", slf.get_type().name()?, slf.get().description))
    }
}

/// A share over SMB 3, from any operating system, with no mount.
///
/// The password is shown nowhere. Leaving it logs off.
#[pyclass(frozen, extends = Share, module = "azs_backup")]
pub(crate) struct SmbShare {
    share: Weak<core::SmbShare>,
    root: core::UncPath,
    account: String,
}

#[pymethods]
impl SmbShare {
    /// Connects to a share, or a folder below one, and logs on.
    ///
    /// `account` is `CONTOSO\azsbackup` or `azsbackup@contoso.com`. `encryption`: `"required"`, `"preferred"` or `"off"`;
    /// everything is signed in any case. `oldest_dialect`: `"3.0"`, `"3.0.2"` or `"3.1.1"`. Limits are in seconds: for an
    /// attempt to connect, for the server's silence, and for one call with all its `attempts`. Raises `UnreachableError`,
    /// `TimedOutError`, `LogonFailedError`, `AccessDeniedError`, `NotFoundError` and `UnsupportedError`.
    #[staticmethod]
    #[pyo3(signature = (
        root, account, password, *, port=445, encryption=None, oldest_dialect=None, durability=None, connections=4,
        connect_seconds=10, silence_seconds=30, call_seconds=900, attempts=7,
    ))]
    #[expect(clippy::too_many_arguments, reason = "keywords")]
    fn connect(
        py: Python<'_>,
        root: UncPath,
        account: String,
        password: String,
        port: u16,
        encryption: Option<String>,
        oldest_dialect: Option<String>,
        durability: Option<String>,
        connections: usize,
        connect_seconds: u64,
        silence_seconds: u64,
        call_seconds: u64,
        attempts: u32,
    ) -> PyResult<Py<Self>> {
        let account = core::SmbAccount::new(account, password).raise()?;
        let options = serde_json::json!({
            "port": port, "encryption": encryption, "oldest_dialect": oldest_dialect, "durability": durability,
            "connections": connections, "connect_seconds": connect_seconds, "silence_seconds": silence_seconds,
            "call_seconds": call_seconds, "attempts": attempts,
        });
        let builder = core::SmbBuilder::new(root.0.clone(), account.clone());
        let builder = builder.options(options.to_string()).raise()?;
        let share = Arc::new(patiently(py, || builder.connect())?);
        log(py, Level::Info, &format!("connected to {} as {}", root.0, account.name()));
        let own = Self { share: Arc::downgrade(&share), root: root.0, account: account.name().to_owned() };
        Py::new(py, PyClassInitializer::from(Share::new(share)).add_subclass(own))
    }

    /// The UNC path of the root.
    #[getter]
    fn root(&self) -> UncPath {
        UncPath(self.root.clone())
    }

    /// The account's name.
    #[getter]
    fn account(&self) -> &str {
        &self.account
    }

    /// What the connection came to: address, dialect, whether it is encrypted. Connects where none is open.
    #[getter]
    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let Some(share) = self.share.upgrade() else {
            return Err(refuse(ErrorKind::InvalidArgument, format!("the share {} is closed", self.root)));
        };
        value(py, "SmbFacts", &patiently(py, move || share.facts())?)
    }
}

/// A folder of this machine as the share: a local one, or a share that the operating system has mounted.
#[pyclass(frozen, extends = Share, module = "azs_backup")]
pub(crate) struct FolderShare;

#[pymethods]
impl FolderShare {
    /// Opens an existing folder as the root of a share.
    ///
    /// `durability` is `"flushed"`, to the disk or server, or `"cached"`, for a throw-away share. Raises `NotFoundError`,
    /// and `ReservedPathError` for a folder in `MASBackup`.
    #[staticmethod]
    #[pyo3(signature = (root, *, durability=None))]
    fn open(py: Python<'_>, root: FilePath, durability: Option<PyBackedStr>) -> PyResult<Py<Self>> {
        let durability: Durability =
            durability.map_or(Ok(Durability::default()), |word| word.parse()).raise()?;
        let share = py.detach(|| core::FolderShare::open(root.0)).raise()?.with_durability(durability);
        Py::new(py, PyClassInitializer::from(Share::new(Arc::new(share))).add_subclass(Self))
    }
}
