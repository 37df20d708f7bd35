//! Who made a set: the certificate with which a host signs, and those that a reader demands.

use azs_backup::signature as core;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyBytes;

use crate::argument::{Bytes, FilePath, Several, Time};
use crate::certificate::{hash, shown};
use crate::error::{Raise, refuse};
use crate::value::value;

/// The public certificate of a host that signs its sets: the CER that readers demand.
///
/// Create it with `from_cer` or `load`. Two are equal if they are the same certificate.
#[pyclass(frozen, module = "azs_backup")]
pub(crate) struct SignerCertificate(core::SignerCertificate);

#[pymethods]
impl SignerCertificate {
    /// Reads a CER: DER, PEM or Base64, as Windows and OpenSSL write it. Validity does not count here: a signature is
    /// good if the certificate was valid at the time of the set.
    ///
    /// Raises `MalformedError`, or `CertificateUnsuitableError` if the certificate may not sign or the file contains a
    /// private key.
    #[staticmethod]
    fn from_cer(data: Bytes) -> PyResult<Self> {
        core::SignerCertificate::from_cer(&data).raise().map(Self)
    }

    /// Reads a CER file.
    #[staticmethod]
    fn load(py: Python<'_>, file: FilePath) -> PyResult<Self> {
        py.detach(|| core::SignerCertificate::load(file.0)).raise().map(Self)
    }

    /// What the certificate says about itself.
    #[getter]
    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value(py, "CertificateFacts", self.0.facts())
    }

    /// Returns the certificate in DER, as in a CER file.
    fn to_der<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.0.to_der().raise()?))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| self.0.facts() == other.get().0.facts())
    }

    fn __hash__(&self) -> isize {
        hash(self.0.facts())
    }

    fn __repr__(&self) -> String {
        shown("SignerCertificate", self.0.facts())
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((py.get_type::<Self>().getattr("from_cer")?, (self.to_der(py)?,)))
    }
}

/// A certificate with its private key, with which a host signs its sets. It cannot be pickled, and never shows its key.
///
/// >>> signer = Signer.load(folder / "signing.pfx", "correct horse")
/// >>> Signer.load(folder / "signing.pfx", "wrong")
/// Traceback (most recent call last):
/// azs_backup.errors.WrongPasswordError: ...
#[pyclass(frozen, module = "azs_backup")]
pub(crate) struct Signer(pub(crate) core::Signer);

#[pymethods]
impl Signer {
    /// Reads a PFX, also in Base64 as a vault exports it. One certificate in it must be fit to sign.
    ///
    /// Raises `WrongPasswordError`, `MalformedError`, `CertificateUnsuitableError` and `UnsupportedError`.
    #[staticmethod]
    #[pyo3(signature = (data, password=None))]
    fn from_pfx(py: Python<'_>, data: Bytes, password: Option<PyBackedStr>) -> PyResult<Self> {
        py.detach(|| core::Signer::from_pfx(&data, password.as_deref())).raise().map(Self)
    }

    /// Reads a private key in PEM and its certificate, which may be in the same file.
    #[staticmethod]
    #[pyo3(signature = (key, passphrase=None, *, certificate))]
    fn from_pem(
        py: Python<'_>,
        key: Bytes,
        passphrase: Option<PyBackedStr>,
        certificate: Bytes,
    ) -> PyResult<Self> {
        py.detach(|| core::Signer::from_pem(&key, passphrase.as_deref(), &certificate)).raise().map(Self)
    }

    /// Reads a PFX file.
    #[staticmethod]
    #[pyo3(signature = (file, password=None))]
    fn load(py: Python<'_>, file: FilePath, password: Option<PyBackedStr>) -> PyResult<Self> {
        py.detach(|| core::Signer::load(file.0, password.as_deref())).raise().map(Self)
    }

    /// What the certificate says about itself.
    #[getter]
    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value(py, "CertificateFacts", self.0.facts())
    }

    /// The public half, which readers demand.
    #[getter]
    fn certificate(&self) -> SignerCertificate {
        SignerCertificate(self.0.certificate())
    }

    /// Raises `CertificateExpiredError` unless the certificate is valid at that time, by default now.
    #[pyo3(signature = (at=None))]
    fn check_validity(&self, at: Option<Time>) -> PyResult<()> {
        self.0.check_validity(Time::or_now(at)).raise()
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| self.0.facts() == other.get().0.facts())
    }

    fn __hash__(&self) -> isize {
        hash(self.0.facts())
    }

    fn __repr__(&self) -> String {
        shown("Signer", self.0.facts())
    }
}

/// The signers that a call demands: one or several; nothing is demanded if it is omitted. An empty list is refused,
/// because it more likely comes from a mistake than from a reader that demands nothing.
pub(crate) fn demanded(
    signers: Option<Several<Py<SignerCertificate>>>,
) -> PyResult<Vec<core::SignerCertificate>> {
    let Some(Several(signers)) = signers else { return Ok(Vec::new()) };
    if signers.is_empty() {
        let message =
            "require_signers: an empty list demands nothing; name at least one signer, or leave it out";
        return Err(refuse(azs_backup::ErrorKind::InvalidArgument, message));
    }
    Ok(signers.iter().map(|signer| signer.get().0.clone()).collect())
}
