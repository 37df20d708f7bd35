//! The share.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use azs_backup::share::{Durability, ShareCheck};
use azs_backup::{self as core, ErrorKind};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyTuple;

use crate::argument::{FilePath, Several};
use crate::detached::Detached;
use crate::error::{Raise, patiently, refuse};
use crate::events::{Level, log};
use crate::layout::{Deployment, UncPath};
use crate::options::{Options, named};
use crate::value::{plain, value};

/// An open share: what `FolderShare` and `SmbShare` have in common.
///
/// As a context manager it closes the share at the end of the block. What you opened on it keeps working.
#[pyclass(frozen, subclass, module = "azs_backup")]
pub(crate) struct Share {
    share: Detached<Mutex<Option<Arc<dyn core::Share>>>>,
    description: String,
}

impl Share {
    fn new(share: Arc<dyn core::Share>) -> Self {
        let description = share.describe();
        Self { share: Detached::new(Mutex::new(Some(share))), description }
    }

    pub(crate) fn open(&self) -> PyResult<Arc<dyn core::Share>> {
        let share = self.share.lock().unwrap_or_else(PoisonError::into_inner).clone();
        share.ok_or_else(|| {
            refuse(ErrorKind::InvalidArgument, format!("the share {} is closed", self.description))
        })
    }
}

/// The shares with copies that the caller names: one or several.
pub(crate) fn opened(shares: Option<Several<Py<Share>>>) -> PyResult<Vec<Arc<dyn core::Share>>> {
    shares.map_or(Vec::new(), |shares| shares.0).iter().map(|share| share.get().open()).collect()
}

#[pymethods]
impl Share {
    /// Where it is, for messages.
    fn describe(&self) -> &str {
        &self.description
    }

    /// Returns how much room there is for this account, in bytes: `total` and `free`. Raises `UnsupportedError` if
    /// the share does not tell.
    fn space<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let share = self.open()?;
        value(py, "Space", &patiently(py, move || share.space())?)
    }

    /// Closes the share. Does nothing if called again.
    fn close(&self, py: Python<'_>) {
        let share = self.share.lock().unwrap_or_else(PoisonError::into_inner).take();
        py.detach(|| drop(share));
    }

    /// Whether it is closed.
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

/// A share over SMB 3, from any operating system, without mounting it.
///
/// It never shows the password. Closing it logs off.
#[pyclass(frozen, extends = Share, module = "azs_backup")]
pub(crate) struct SmbShare {
    share: Weak<core::SmbShare>,
    root: core::layout::UncPath,
    account: String,
}

#[pymethods]
impl SmbShare {
    /// Connects to a share, or a folder below one, and logs on.
    ///
    /// `account` is `CONTOSO\azsbackup` or `azsbackup@contoso.com`. `port`: 445 by default. `encryption`: `"required"`,
    /// `"preferred"` (the default) or `"off"`; everything is signed in any case. `oldest_dialect`: `"3.1.1"` by default;
    /// with `"3.0"` or `"3.0.2"` you give up encryption and protection of the negotiation. `connections`: 4 at most by
    /// default. Limits are in seconds: 10 for an attempt to connect, 30 for the server's silence, and 900 for one call
    /// with all its 7 `attempts`. Raises `UnreachableError`, `TimedOutError`, `LogonFailedError`, `AccessDeniedError`,
    /// `NotFoundError` or `UnsupportedError`.
    #[staticmethod]
    #[pyo3(signature = (
        root, account, password, *, port=None, encryption=None, oldest_dialect=None, durability=None, connections=None,
        connect_limit=None, silence_limit=None, call_limit=None, attempts=None,
    ))]
    #[expect(clippy::too_many_arguments, reason = "keywords")]
    fn connect(
        py: Python<'_>,
        root: UncPath,
        account: String,
        password: String,
        port: Option<&Bound<'_, PyAny>>,
        encryption: Option<&Bound<'_, PyAny>>,
        oldest_dialect: Option<&Bound<'_, PyAny>>,
        durability: Option<&Bound<'_, PyAny>>,
        connections: Option<&Bound<'_, PyAny>>,
        connect_limit: Option<&Bound<'_, PyAny>>,
        silence_limit: Option<&Bound<'_, PyAny>>,
        call_limit: Option<&Bound<'_, PyAny>>,
        attempts: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<Self>> {
        let options = Options::default()
            .set("port", port)?
            .set("encryption", encryption)?
            .set("oldest_dialect", oldest_dialect)?
            .set("durability", durability)?
            .set("connections", connections)?
            .set("connect_limit", connect_limit)?
            .set("silence_limit", silence_limit)?
            .set("call_limit", call_limit)?
            .set("attempts", attempts)?;
        let builder = builder(root, account, password, options)?;
        let (root, account) = (builder.root().clone(), builder.account().name().to_owned());
        let share = Arc::new(patiently(py, || builder.connect())?);
        log(py, Level::Info, &format!("connected to {root} as {account}"));
        let own = Self { share: Arc::downgrade(&share), root, account };
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

    /// Returns what client and server agreed on: address, dialect, encryption. Connects if no connection is open.
    #[getter]
    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let Some(share) = self.share.upgrade() else {
            return Err(refuse(ErrorKind::InvalidArgument, format!("the share {} is closed", self.root)));
        };
        value(py, "SmbFacts", &patiently(py, move || share.facts())?)
    }
}

/// A share in a folder of this machine: a local disk, or a share that the operating system has mounted.
#[pyclass(frozen, extends = Share, module = "azs_backup")]
pub(crate) struct FolderShare;

#[pymethods]
impl FolderShare {
    /// Opens an existing folder as the root of a share.
    ///
    /// `durability` is `"flushed"`, to the disk or server, or `"cached"`, for a throw-away share. Raises
    /// `NotFoundError`, or `ReservedPathError` for a folder in `MASBackup`.
    #[staticmethod]
    #[pyo3(signature = (root, *, durability=None))]
    fn open(py: Python<'_>, root: FilePath, durability: Option<&Bound<'_, PyAny>>) -> PyResult<Py<Self>> {
        let word = durability.map(|word| word.extract::<PyBackedStr>()).transpose();
        let word = word.map_err(|error| named(py, "durability", error))?;
        let durability: Durability = word.map_or(Ok(Durability::default()), |word| word.parse()).raise()?;
        let share = py.detach(|| core::FolderShare::open(root.0)).raise()?.with_durability(durability);
        Py::new(py, PyClassInitializer::from(Share::new(Arc::new(share))).add_subclass(Self))
    }
}

/// Opens a share: a folder, a UNC path, or the URL of an object store.
///
/// With an account, our own client logs on to the server of a UNC path; the keywords are those of `SmbShare.connect`.
/// Without one, the operating system opens the share: any folder, and on Windows a UNC path, as the account that the
/// program runs as. Elsewhere a UNC path without an account raises `InvalidArgumentError`. Where the system opens it,
/// `durability` is the only keyword.
///
/// The URL of an object store (`s3://bucket/folder`, `az://account/container/folder`, `https://…`) takes no account:
/// credentials come from the environment. Its keywords are `endpoint`, `region`, `path_style`, `allow_http`,
/// `api_version`, `authorities`, `lock_days`, `lock_mode`, the three limits and `attempts` (docs/object-stores.md).
/// Where the package was built without the feature `object-store`, it raises `UnsupportedError`.
#[pyfunction]
#[pyo3(signature = (
    root, account=None, password=None, *, port=None, encryption=None, oldest_dialect=None, durability=None,
    connections=None, connect_limit=None, silence_limit=None, call_limit=None, attempts=None, endpoint=None,
    region=None, path_style=None, allow_http=None, api_version=None, authorities=None, lock_days=None,
    lock_mode=None,
))]
#[expect(clippy::too_many_arguments, reason = "keywords")]
pub(crate) fn open_share(
    py: Python<'_>,
    root: FilePath,
    account: Option<String>,
    password: Option<String>,
    port: Option<&Bound<'_, PyAny>>,
    encryption: Option<&Bound<'_, PyAny>>,
    oldest_dialect: Option<&Bound<'_, PyAny>>,
    durability: Option<&Bound<'_, PyAny>>,
    connections: Option<&Bound<'_, PyAny>>,
    connect_limit: Option<&Bound<'_, PyAny>>,
    silence_limit: Option<&Bound<'_, PyAny>>,
    call_limit: Option<&Bound<'_, PyAny>>,
    attempts: Option<&Bound<'_, PyAny>>,
    endpoint: Option<&Bound<'_, PyAny>>,
    region: Option<&Bound<'_, PyAny>>,
    path_style: Option<&Bound<'_, PyAny>>,
    allow_http: Option<&Bound<'_, PyAny>>,
    api_version: Option<&Bound<'_, PyAny>>,
    authorities: Option<&Bound<'_, PyAny>>,
    lock_days: Option<&Bound<'_, PyAny>>,
    lock_mode: Option<&Bound<'_, PyAny>>,
) -> PyResult<Share> {
    let options = Options::default()
        .set("port", port)?
        .set("encryption", encryption)?
        .set("oldest_dialect", oldest_dialect)?
        .set("durability", durability)?
        .set("connections", connections)?
        .set("connect_limit", connect_limit)?
        .set("silence_limit", silence_limit)?
        .set("call_limit", call_limit)?
        .set("attempts", attempts)?
        .set("endpoint", endpoint)?
        .set("region", region)?
        .set("path_style", path_style)?
        .set("allow_http", allow_http)?
        .set("api_version", api_version)?
        .set("authorities", authorities)?
        .set("lock_days", lock_days)?
        .set("lock_mode", lock_mode)?;
    let mut share = core::share::open(root.0).options(options.into_json());
    if let Some(account) = account {
        let account = core::share::SmbAccount::new(account, password.unwrap_or_default()).raise()?;
        share = share.account(account);
    }
    Ok(Share::new(patiently(py, || share.run())?))
}

/// Checks whether an open share can take the backups of a deployment.
///
/// `components`: look for their folders, too; each like `Switches` or `Switches/su1`. `create_folders`: create missing
/// folders. The check writes a few objects with random names, and removes them.
///
/// >>> check_share(share, "contoso.com/nyc").is_sound
/// True
#[pyfunction]
#[pyo3(signature = (share, deployment, *, components=None, create_folders=None))]
pub(crate) fn check_share(
    py: Python<'_>,
    share: &Share,
    deployment: Deployment,
    components: Option<&Bound<'_, PyAny>>,
    create_folders: Option<&Bound<'_, PyAny>>,
) -> PyResult<CheckReport> {
    let share = share.open()?;
    let check = check(deployment, components, create_folders)?;
    patiently(py, move || Ok(check.run(&*share))).map(CheckReport)
}

/// Checks a share over SMB, beginning with the server's name. Run it after an alert. The keywords are those of
/// `check_share` and `SmbShare.connect`.
///
/// A logon with a wrong password counts towards the account's lock-out. This check tries once.
#[pyfunction]
#[pyo3(signature = (
    root, account, password, deployment, *, components=None, create_folders=None, port=None, encryption=None,
    oldest_dialect=None, connect_limit=None, silence_limit=None, call_limit=None,
))]
#[expect(clippy::too_many_arguments, reason = "keywords")]
pub(crate) fn check_smb_share(
    py: Python<'_>,
    root: UncPath,
    account: String,
    password: String,
    deployment: Deployment,
    components: Option<&Bound<'_, PyAny>>,
    create_folders: Option<&Bound<'_, PyAny>>,
    port: Option<&Bound<'_, PyAny>>,
    encryption: Option<&Bound<'_, PyAny>>,
    oldest_dialect: Option<&Bound<'_, PyAny>>,
    connect_limit: Option<&Bound<'_, PyAny>>,
    silence_limit: Option<&Bound<'_, PyAny>>,
    call_limit: Option<&Bound<'_, PyAny>>,
) -> PyResult<CheckReport> {
    let options = Options::default()
        .set("port", port)?
        .set("encryption", encryption)?
        .set("oldest_dialect", oldest_dialect)?
        .set("connect_limit", connect_limit)?
        .set("silence_limit", silence_limit)?
        .set("call_limit", call_limit)?;
    let builder = builder(root, account, password, options)?;
    let check = check(deployment, components, create_folders)?;
    patiently(py, move || Ok(check.run_smb(&builder))).map(CheckReport)
}

fn builder(
    root: UncPath,
    account: String,
    password: String,
    options: Options,
) -> PyResult<core::share::SmbBuilder> {
    let account = core::share::SmbAccount::new(account, password).raise()?;
    core::SmbShare::builder(root.0, account).options(options.into_json()).raise()
}

fn check(
    deployment: Deployment,
    components: Option<&Bound<'_, PyAny>>,
    create_folders: Option<&Bound<'_, PyAny>>,
) -> PyResult<ShareCheck> {
    let options = Options::default().list("components", components)?.set("create_folders", create_folders)?;
    ShareCheck::new(deployment.0).options(options.into_json()).raise()
}

/// How each step on the way to a share went. The first one that failed shows where the fault is.
#[pyclass(frozen, module = "azs_backup")]
pub(crate) struct CheckReport(azs_backup::share::CheckReport);

#[pymethods]
impl CheckReport {
    /// The share.
    #[getter]
    fn share(&self) -> &str {
        &self.0.share
    }

    /// The deployment whose folders the check looked for.
    #[getter]
    fn deployment(&self) -> &str {
        &self.0.deployment
    }

    /// The steps, in the order in which they were tried.
    #[getter]
    fn steps<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let steps: PyResult<Vec<_>> =
            self.0.steps.iter().map(|step| value(py, "CheckedStep", step)).collect();
        PyTuple::new(py, steps?)
    }

    /// Whether no step failed.
    #[getter]
    fn is_sound(&self) -> bool {
        self.0.is_sound()
    }

    /// The first step that failed; `None` if all went well.
    #[getter]
    fn first_failure<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.first_failure().map(|step| value(py, "CheckedStep", step)).transpose()
    }

    /// Returns the steps as plain text for a terminal, with the alert and the remedy of each failure.
    fn to_table(&self) -> String {
        self.0.to_table()
    }

    /// Returns everything as plain data.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        plain(py, &self.0)
    }

    fn __repr__(&self) -> String {
        let how =
            self.0.first_failure().map_or_else(|| "sound".to_owned(), |step| format!("{} failed", step.step));
        format!("<CheckReport of {:?}: {how}>", self.0.share)
    }
}
