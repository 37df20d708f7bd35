//! Takes faults, and returns alerts.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::{Mutex, PoisonError};

use azs_backup::alert::{self as core, AlertKind, Context, Profile};
use azs_backup::{Error, ErrorKind};
use pyo3::exceptions::{PyBaseException, PyOSError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::argument::{Bytes, TextOrBytes, Time};
use crate::error::{Failure, Raise, refuse};
use crate::value::{datetime, from_python, plain, value};

/// The class of a failure: the kind of alert, how certain it is, why, and whether to try again.
///
/// >>> found = classify_text("mount error(113): No route to host")
/// >>> found.kind, found.retry.when
/// (<AlertKind.CONNECTIVITY: 'CONNECTIVITY'>, 'LATER')
#[pyclass(frozen, module = "azs_backup")]
pub(crate) struct Classification(core::Classification);

#[pymethods]
impl Classification {
    /// The kind of alert.
    #[getter]
    fn kind<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        kind(py, "AlertKind", self.0.kind().code())
    }

    /// Which of the documented five the kind belongs to.
    #[getter]
    fn documented_kind<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        kind(py, "DocumentedKind", self.0.documented_kind().code())
    }

    /// How certain the class is: `LOW`, `MEDIUM` or `HIGH`.
    #[getter]
    fn confidence(&self) -> &'static str {
        self.0.confidence().code()
    }

    /// Whether anything failed: false for codes that report no failure.
    #[getter]
    fn is_failure(&self) -> bool {
        self.0.is_failure()
    }

    /// The profile that was used.
    #[getter]
    fn profile(&self) -> &'static str {
        self.0.profile().as_str()
    }

    /// What was found, most telling first.
    #[getter]
    fn evidence<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let evidence: PyResult<Vec<_>> =
            self.0.evidence().iter().map(|one| value(py, "Evidence", one)).collect();
        PyTuple::new(py, evidence?)
    }

    /// Whether and when to try again.
    #[getter]
    fn retry<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let data = self.to_dict(py)?.get_item("retry")?;
        crate::value::values(py)?.getattr("RetryAdvice")?.call_method1("_of", (data,))
    }

    /// What to check to decide, in a sentence, if the most telling evidence is ambiguous.
    #[getter]
    fn probe(&self) -> Option<&'static str> {
        self.0.probe().map(core::Probe::text)
    }

    /// Returns what happened, in up to three sentences.
    #[pyo3(signature = (*, share=None, path=None, account=None, operation=None, location=None))]
    fn describe(
        &self,
        share: Option<String>,
        path: Option<String>,
        account: Option<String>,
        operation: Option<String>,
        location: Option<String>,
    ) -> String {
        self.0.describe(&context(None, None, location, share, path, account, operation))
    }

    /// Returns what to do next, step by step.
    #[pyo3(signature = (*, share=None, path=None, account=None, operation=None, location=None))]
    fn remedy<'py>(
        &self,
        py: Python<'py>,
        share: Option<String>,
        path: Option<String>,
        account: Option<String>,
        operation: Option<String>,
        location: Option<String>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let steps = self.0.remedy(&context(None, None, location, share, path, account, operation));
        PyTuple::new(py, steps)
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
        PyString::new(py, self.0.kind().code()).hash()
    }

    fn __repr__(&self) -> String {
        let evidence = self.0.evidence().first().map(|first| format!(" by {first}")).unwrap_or_default();
        format!("<Classification {} {}{evidence}>", self.0.kind(), self.0.confidence().code())
    }
}

fn kind<'py>(py: Python<'py>, class: &str, code: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("azs_backup.kinds")?.getattr(class)?.call1((code,))
}

fn profile(word: Option<PyBackedStr>) -> PyResult<Profile> {
    word.map_or(Ok(Profile::default()), |word| word.parse()).raise()
}

fn context(
    id: Option<String>,
    now: Option<Time>,
    location: Option<String>,
    share: Option<String>,
    path: Option<String>,
    account: Option<String>,
    operation: Option<String>,
) -> Context {
    let mut context = Context::new(id.unwrap_or_default(), Time::or_now(now));
    if let Some(location) = location {
        context = context.location(location);
    }
    (context.share, context.path, context.account, context.operation) = (share, path, account, operation);
    context
}

/// Classifies an NTSTATUS: `0xC000006D`.
#[pyfunction]
#[pyo3(signature = (status, *, profile=None))]
pub(crate) fn classify_ntstatus(status: u32, profile: Option<PyBackedStr>) -> PyResult<Classification> {
    Ok(Classification(core::classify_ntstatus(status, self::profile(profile)?)))
}

/// Classifies a Win32 error code: `53`.
#[pyfunction]
#[pyo3(signature = (code, *, profile=None))]
pub(crate) fn classify_win32(code: u32, profile: Option<PyBackedStr>) -> PyResult<Classification> {
    Ok(Classification(core::classify_win32(code, self::profile(profile)?)))
}

/// Classifies an HRESULT, signed or unsigned: `0x80070070`.
#[pyfunction]
#[pyo3(signature = (result, *, profile=None))]
pub(crate) fn classify_hresult(result: i64, profile: Option<PyBackedStr>) -> PyResult<Classification> {
    let code = match (i32::try_from(result), u32::try_from(result)) {
        (Ok(signed), _) => signed,
        (_, Ok(unsigned)) => unsigned.cast_signed(),
        _ => return Err(pyo3::exceptions::PyOverflowError::new_err("an HRESULT has 32 bits")),
    };
    Ok(Classification(core::classify_hresult(code, self::profile(profile)?)))
}

/// Classifies an errno; its sign does not matter.
#[pyfunction]
#[pyo3(signature = (errno, *, profile=None))]
pub(crate) fn classify_errno(errno: i32, profile: Option<PyBackedStr>) -> PyResult<Classification> {
    Ok(Classification(core::classify_errno(errno, self::profile(profile)?)))
}

/// Classifies what a tool printed: one line or many, as text or bytes.
#[pyfunction]
#[pyo3(signature = (text, *, profile=None))]
pub(crate) fn classify_text(
    py: Python<'_>,
    text: TextOrBytes,
    profile: Option<PyBackedStr>,
) -> PyResult<Classification> {
    let profile = self::profile(profile)?;
    Ok(Classification(py.detach(|| core::classify_text(&*text.0, profile))))
}

/// Classifies an alert, or a listing of alerts, in the JSON of the admin API: text, bytes or a value.
#[pyfunction]
#[pyo3(signature = (alerts, *, profile=None))]
pub(crate) fn classify_json(
    alerts: &Bound<'_, PyAny>,
    profile: Option<PyBackedStr>,
) -> PyResult<Classification> {
    let (json, profile) = (json(alerts)?, self::profile(profile)?);
    alerts.py().detach(|| core::classify_json(&*json, profile)).raise().map(Classification)
}

/// Returns the classification of a kind, for alerts that no failure raises: an almost full share.
#[pyfunction]
pub(crate) fn classify_kind(kind: PyBackedStr) -> PyResult<Classification> {
    match AlertKind::from_code(&kind) {
        Some(kind) => Ok(Classification(kind.into())),
        None => Err(refuse(ErrorKind::InvalidArgument, "there is no alert kind of this code; see AlertKind")),
    }
}

/// Classifies any exception by the most telling of its causes.
///
/// Exceptions of this package count by their kind, `OSError` by its errno, all others by their text.
#[pyfunction]
#[pyo3(signature = (error, *, profile=None))]
pub(crate) fn classify_error(
    error: &Bound<'_, PyAny>,
    profile: Option<PyBackedStr>,
) -> PyResult<Classification> {
    let profile = self::profile(profile)?;
    let error = error.cast::<PyBaseException>()?;
    let chain = link(error, 0)?;
    Ok(Classification(core::classify_chain(&*chain, profile)))
}

/// Converts an exception to a Rust error, causes included.
fn link(exception: &Bound<'_, PyBaseException>, depth: usize) -> PyResult<Box<dyn StdError + Send + Sync>> {
    if let Ok(failure) = exception.getattr("_failure")
        && let Ok(failure) = failure.cast_into::<Failure>()
    {
        return Ok(Box::new(OfFailure(failure.unbind())));
    }
    let next = match exception.getattr("__cause__")? {
        cause if !cause.is_none() => cause,
        none if exception.getattr("__suppress_context__")?.is_truthy()? => none,
        _ => exception.getattr("__context__")?,
    };
    let next = match next.cast::<PyBaseException>() {
        Ok(next) if depth < MOST_LINKS => Some(link(next, depth + 1)?),
        _ => None,
    };
    let text = exception.str().map_or_else(|_| String::new(), |text| text.to_string_lossy().into_owned());
    if let Ok(code) = exception.getattr("code")
        && let Ok(code) = code.extract::<PyBackedStr>()
        && let Some(kind) = ErrorKind::ALL.iter().find(|kind| kind.code() == &*code)
    {
        let error = Error::new(*kind, text);
        return Ok(Box::new(match next {
            Some(next) => error.with_source(next),
            None => error,
        }));
    }
    if exception.is_instance_of::<PyOSError>() && next.is_none() {
        let code = exception.getattr("winerror").or_else(|_| exception.getattr("errno"))?;
        if let Ok(code) = code.extract::<i32>() {
            return Ok(Box::new(io::Error::from_raw_os_error(code)));
        }
    }
    Ok(Box::new(Link { text, next }))
}

/// An exception of another package, with its text and its cause.
#[derive(Debug)]
struct Link {
    text: String,
    next: Option<Box<dyn StdError + Send + Sync>>,
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for Link {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.next.as_ref().map(|next| &**next as _)
    }
}

/// An exception of this package. It says nothing itself; the error behind it does.
#[derive(Debug)]
struct OfFailure(Py<Failure>);

impl fmt::Display for OfFailure {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl StdError for OfFailure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0.get().0)
    }
}

/// Classifies text line by line, however long it is.
///
/// >>> classifier = TextClassifier()
/// >>> classifier.line("Connection to fs01 failed")
/// >>> classifier.line(b"NT_STATUS_LOGON_FAILURE")
/// >>> classifier.finish().kind
/// <AlertKind.AUTHENTICATION: 'AUTHENTICATION'>
#[pyclass(frozen, module = "azs_backup")]
pub(crate) struct TextClassifier(Mutex<Option<core::TextClassifier>>);

#[pymethods]
impl TextClassifier {
    #[new]
    #[pyo3(signature = (*, profile=None))]
    fn new(profile: Option<PyBackedStr>) -> PyResult<Self> {
        Ok(Self(Mutex::new(Some(core::TextClassifier::new(self::profile(profile)?)))))
    }

    /// Reads one more line.
    fn line(&self, line: TextOrBytes) -> PyResult<()> {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(classifier) => {
                classifier.line(&*line.0);
                Ok(())
            }
            None => Err(refuse(ErrorKind::InvalidArgument, "this classifier has finished")),
        }
    }

    /// Classifies all lines together.
    fn finish(&self) -> PyResult<Classification> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(classifier) => Ok(Classification(classifier.finish())),
            None => Err(refuse(ErrorKind::InvalidArgument, "this classifier has finished")),
        }
    }
}

/// An alert resource of the admin API: made for a failure, or read.
///
/// A new alert is active. Without an `id` it gets a new GUID; use the same ID to close it.
///
/// >>> alert = Alert(classify_ntstatus(0xC000006D), share=r"\\fs.contoso.com\AzSBackups", account=r"CONTOSO\azsbackup")
/// >>> alert.title
/// 'Backup failed due to authentication issue.'
#[pyclass(frozen, module = "azs_backup")]
pub(crate) struct Alert(core::Alert);

#[pymethods]
impl Alert {
    #[new]
    #[pyo3(signature = (
        classification, *, id=None, now=None, location=None, share=None, path=None, account=None, operation=None,
    ))]
    #[expect(clippy::too_many_arguments, reason = "keywords")]
    fn new(
        py: Python<'_>,
        classification: &Classification,
        id: Option<String>,
        now: Option<Time>,
        location: Option<String>,
        share: Option<String>,
        path: Option<String>,
        account: Option<String>,
        operation: Option<String>,
    ) -> PyResult<Self> {
        let id = match id {
            Some(id) => id,
            None => py.import("uuid")?.call_method0("uuid4")?.str()?.extract()?,
        };
        let context = context(Some(id), now, location, share, path, account, operation);
        Ok(Self(core::Alert::new(&classification.0, &context)))
    }

    /// Reads one alert: text, bytes, or a value.
    #[staticmethod]
    fn parse(alert: &Bound<'_, PyAny>) -> PyResult<Self> {
        core::Alert::parse(&*json(alert)?).raise().map(Self)
    }

    /// Reads the alerts of a listing, an array, or one alert.
    #[staticmethod]
    fn parse_list<'py>(alerts: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
        let py = alerts.py();
        let found = core::Alert::parse_list(&*json(alerts)?).raise()?;
        let found: PyResult<Vec<_>> = found.into_iter().map(|alert| Py::new(py, Self(alert))).collect();
        PyTuple::new(py, found?)
    }

    /// What it is about; `None` if neither its fault type nor its title is known.
    #[getter]
    fn kind<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.kind().map(|of| kind(py, "AlertKind", of.code())).transpose()
    }

    /// Classifies the alert.
    #[pyo3(signature = (*, profile=None))]
    fn classify(&self, profile: Option<PyBackedStr>) -> PyResult<Classification> {
        Ok(Classification(self.0.classify(self::profile(profile)?)))
    }

    /// `faultTypeId`.
    #[getter]
    fn fault_type_id(&self) -> Option<&str> {
        self.0.fault_type_id()
    }

    /// `title`.
    #[getter]
    fn title(&self) -> Option<&str> {
        self.0.title()
    }

    /// `state`: `Active` or `Closed`.
    #[getter]
    fn state(&self) -> Option<&str> {
        self.0.state()
    }

    /// `severity`: `Warning` or `Critical`.
    #[getter]
    fn severity(&self) -> Option<&str> {
        self.0.severity()
    }

    /// `alertId`.
    #[getter]
    fn alert_id(&self) -> Option<&str> {
        self.0.alert_id()
    }

    /// When it was raised; `None` if it does not say.
    #[getter]
    fn created<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.created().map(|time| datetime(py, time)).transpose()
    }

    /// When it was closed; `None` if it does not say.
    #[getter]
    fn closed<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.closed().map(|time| datetime(py, time)).transpose()
    }

    /// `description` as plain text.
    #[getter]
    fn description(&self) -> String {
        self.0.description()
    }

    /// `remediation` as plain text, one step per line.
    #[getter]
    fn remediation(&self) -> String {
        self.0.remediation()
    }

    /// Returns one of the `alertProperties`, in any letter case.
    fn alert_property(&self, name: &str) -> Option<&str> {
        self.0.property(name)
    }

    /// Returns the whole resource as plain data.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        plain(py, self.0.as_map())
    }

    /// Returns the whole resource as JSON.
    fn to_json(&self) -> PyResult<String> {
        serde_json::to_string(&self.0).map_err(|e| refuse(ErrorKind::Internal, e.to_string()))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| self.0 == other.get().0)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        PyString::new(py, &self.to_json()?).hash()
    }

    fn __repr__(&self) -> String {
        format!("<Alert {:?} {}>", self.0.title().unwrap_or_default(), self.0.state().unwrap_or_default())
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((py.get_type::<Self>().getattr("parse")?, (self.to_json()?,)))
    }
}

/// Returns the caller's JSON as bytes, even if it is a value.
fn json(object: &Bound<'_, PyAny>) -> PyResult<Bytes> {
    if object.is_instance_of::<PyDict>() || object.is_instance_of::<pyo3::types::PyList>() {
        let text = serde_json::to_vec(&from_python(object)?);
        return Ok(Bytes::Copy(text.map_err(|e| refuse(ErrorKind::Internal, e.to_string()))?));
    }
    object.extract::<TextOrBytes>().map(|json| json.0)
}

/// The codes of all alert kinds, the documented five first.
#[pyfunction]
pub(crate) fn alert_kinds() -> Vec<&'static str> {
    AlertKind::ALL.iter().map(|kind| kind.code()).collect()
}

/// The facts of a kind: documented kind, severity, fault type, title.
#[pyfunction]
pub(crate) fn alert_kind_facts(
    code: &str,
) -> PyResult<(&'static str, &'static str, &'static str, &'static str)> {
    let kind = AlertKind::from_code(code)
        .ok_or_else(|| refuse(ErrorKind::InvalidArgument, "there is no alert kind of this code"))?;
    Ok((kind.documented().code(), kind.severity().as_str(), kind.fault_type_id(), kind.title()))
}

/// The code of the kind that a fault type has.
#[pyfunction]
pub(crate) fn alert_kind_of_fault_type(id: &str) -> Option<&'static str> {
    AlertKind::from_fault_type_id(id).map(AlertKind::code)
}

/// The code of the kind that a title has.
#[pyfunction]
pub(crate) fn alert_kind_of_title(title: &str) -> Option<&'static str> {
    AlertKind::from_title(title).map(AlertKind::code)
}

const MOST_LINKS: usize = 32;
