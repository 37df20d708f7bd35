//! Certificates: the CER encrypts, the PFX decrypts.

use azs_backup as core;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyBytes;

use crate::argument::{Bytes, FilePath, Time};
use crate::error::Raise;
use crate::value::value;

/// A public certificate that backups are sealed to: the CER.
///
/// Create it with `from_cer` or `load`. Two are equal if they are the same certificate.
///
/// >>> certificate = EncryptionCertificate.load(folder / "backup.cer")
/// >>> certificate.facts.key
/// KeyFacts(algorithm='RSA', bits=2048)
/// >>> certificate.check_validity("2001-01-01T00:00:00Z")
/// Traceback (most recent call last):
/// azs_backup.errors.CertificateExpiredError: ...
#[pyclass(frozen, module = "azs_backup")]
pub(crate) struct EncryptionCertificate(pub(crate) core::EncryptionCertificate);

#[pymethods]
impl EncryptionCertificate {
    /// Reads a CER: DER, PEM or Base64, as Windows and OpenSSL write it.
    ///
    /// Raises `MalformedError`, or `CertificateUnsuitableError` if the key cannot be used or the file contains a
    /// private key.
    #[staticmethod]
    fn from_cer(data: Bytes) -> PyResult<Self> {
        core::EncryptionCertificate::from_cer(&data).raise().map(Self)
    }

    /// Reads a CER file.
    #[staticmethod]
    fn load(py: Python<'_>, file: FilePath) -> PyResult<Self> {
        py.detach(|| core::EncryptionCertificate::load(file.0)).raise().map(Self)
    }

    /// What the certificate says about itself: subject, issuer, thumbprints, validity, key.
    #[getter]
    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value(py, "CertificateFacts", self.0.facts())
    }

    /// Raises `CertificateExpiredError` unless the certificate is valid at that time, by default now.
    #[pyo3(signature = (at=None))]
    fn check_validity(&self, at: Option<Time>) -> PyResult<()> {
        self.0.check_validity(Time::or_now(at)).raise()
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
        shown("EncryptionCertificate", self.0.facts())
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((py.get_type::<Self>().getattr("from_cer")?, (self.to_der(py)?,)))
    }
}

/// A certificate with its private key, which opens backups. It cannot be pickled, and never shows its key.
///
/// >>> pfx = DecryptionCertificate.load(folder / "backup.pfx", "correct horse")
/// >>> pfx.encryption_certificate == certificate
/// True
/// >>> DecryptionCertificate.load(folder / "backup.pfx", "wrong")
/// Traceback (most recent call last):
/// azs_backup.errors.WrongPasswordError: ...
#[pyclass(frozen, module = "azs_backup")]
pub(crate) struct DecryptionCertificate(pub(crate) core::DecryptionCertificate);

#[pymethods]
impl DecryptionCertificate {
    /// Reads a PFX, also in Base64 as a vault exports it.
    ///
    /// Raises `WrongPasswordError`, `MalformedError`, `CertificateUnsuitableError` and `UnsupportedError`.
    #[staticmethod]
    #[pyo3(signature = (data, password=None))]
    fn from_pfx(py: Python<'_>, data: Bytes, password: Option<PyBackedStr>) -> PyResult<Self> {
        py.detach(|| core::DecryptionCertificate::from_pfx(&data, password.as_deref())).raise().map(Self)
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
        py.detach(|| core::DecryptionCertificate::from_pem(&key, passphrase.as_deref(), &certificate))
            .raise()
            .map(Self)
    }

    /// Reads a PFX file.
    #[staticmethod]
    #[pyo3(signature = (file, password=None))]
    fn load(py: Python<'_>, file: FilePath, password: Option<PyBackedStr>) -> PyResult<Self> {
        py.detach(|| core::DecryptionCertificate::load(file.0, password.as_deref())).raise().map(Self)
    }

    /// What the certificate says about itself.
    #[getter]
    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        value(py, "CertificateFacts", self.0.facts())
    }

    /// The public half, as in the CER.
    #[getter]
    fn encryption_certificate(&self) -> EncryptionCertificate {
        EncryptionCertificate(self.0.encryption_certificate())
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| self.0.facts() == other.get().0.facts())
    }

    fn __hash__(&self) -> isize {
        hash(self.0.facts())
    }

    fn __repr__(&self) -> String {
        shown("DecryptionCertificate", self.0.facts())
    }
}

pub(crate) fn shown(class: &str, facts: &core::envelope::CertificateFacts) -> String {
    let core::envelope::CertificateFacts { subject, sha1_thumbprint, key, .. } = facts;
    format!("<{class} {subject:?} {}, thumbprint {sha1_thumbprint}>", key.algorithm)
}

pub(crate) fn hash(facts: &core::envelope::CertificateFacts) -> isize {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    facts.sha256_thumbprint.hash(&mut hasher);
    hasher.finish() as isize
}
