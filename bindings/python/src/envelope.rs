//! Sealing and opening: bytes, files, streams.

use azs_backup as core;
use azs_backup::envelope::{MAX_CONTENT, content_of};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::argument::{Bytes, FilePath, Several};
use crate::certificate::{DecryptionCertificate, EncryptionCertificate};
use crate::error::Raise;
use crate::memory::made;
use crate::progress::Hook;
use crate::stream::{Reader, Writer};
use crate::value::value;

/// Seals messages to one certificate or several.
///
/// All messages of a sealer have one content key. Threads may share it. Create another one in a forked process.
///
/// >>> message = Sealer(certificate).seal(b"hostname tor1")
/// >>> recipients_of(message)[0].serial == certificate.facts.serial
/// True
/// >>> opener.open(message)
/// b'hostname tor1'
#[pyclass(frozen, module = "azs_backup")]
pub(crate) struct Sealer(core::envelope::Sealer);

#[pymethods]
impl Sealer {
    #[new]
    fn new(py: Python<'_>, certificates: Several<Py<EncryptionCertificate>>) -> PyResult<Self> {
        let certificates: Vec<_> = certificates.0.iter().map(|one| one.get().0.clone()).collect();
        py.detach(|| core::envelope::Sealer::new(&certificates)).raise().map(Self)
    }

    /// Seals at most 64 MiB as one message, which `openssl cms -decrypt` opens.
    fn seal<'py>(&self, py: Python<'py>, data: Bytes) -> PyResult<Bound<'py, PyBytes>> {
        let length = data.len();
        if length > MAX_CONTENT {
            return self.0.seal(&data).raise().map(|message| PyBytes::new(py, &message));
        }
        let head = vec![0; self.0.head_len(length)];
        made(py, head.len() + length + core::envelope::Sealer::TAIL_ROOM, |message| {
            let message = message.fill(&[&head, &data, &[0; core::envelope::Sealer::TAIL_ROOM]]);
            self.0.seal_slice(message, length)
        })
    }

    /// Seals a file of at most 64 MiB into a new file. Returns how many bytes it had.
    fn seal_file(&self, py: Python<'_>, source: FilePath, target: FilePath) -> PyResult<u64> {
        py.detach(|| self.0.seal_file(source.0, target.0)).raise()
    }

    /// Seals everything that a binary stream returns as one message. Returns how many bytes that was.
    fn seal_stream(
        &self,
        py: Python<'_>,
        reader: &Bound<'_, PyAny>,
        writer: &Bound<'_, PyAny>,
    ) -> PyResult<u64> {
        let (reader, writer) = (Reader::new(reader, Hook::new(None))?, Writer::new(writer)?);
        py.detach(|| self.0.seal_stream(reader, writer)).raise()
    }

    fn __repr__(&self) -> &'static str {
        "<Sealer>"
    }
}

/// Opens messages with one certificate or several: the old and the new one, while you rotate certificates.
///
/// Threads may share it.
///
/// >>> opener.open(b"anything")
/// Traceback (most recent call last):
/// azs_backup.errors.MalformedError: ...
#[pyclass(frozen, module = "azs_backup")]
pub(crate) struct Opener(pub(crate) std::sync::Arc<core::Opener>);

#[pymethods]
impl Opener {
    #[new]
    fn new(certificates: Several<Py<DecryptionCertificate>>) -> Self {
        let certificates = certificates.0.iter().map(|one| one.get().0.clone()).collect();
        Self(std::sync::Arc::new(core::Opener::with_certificates(certificates)))
    }

    /// What its certificates say about themselves.
    #[getter]
    fn certificates<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let facts: PyResult<Vec<_>> =
            self.0.certificates().map(|facts| value(py, "CertificateFacts", facts)).collect();
        PyTuple::new(py, facts?)
    }

    /// Decrypts a message. Raises `DamagedError` unless all of it is authentic, or `WrongCertificateError`, which
    /// names the certificate that you need.
    fn open<'py>(&self, py: Python<'py>, message: Bytes) -> PyResult<Bound<'py, PyBytes>> {
        let sealed = &message[content_of(&message).raise()?];
        made(py, sealed.len(), |content| self.0.open_copy(&message, content.fill(&[sealed])))
    }

    /// Opens a file with one message into a new file, which appears only once it is whole.
    fn open_file(&self, py: Python<'_>, source: FilePath, target: FilePath) -> PyResult<u64> {
        py.detach(|| self.0.open_file(source.0, target.0)).raise()
    }

    /// Opens the single message that a binary stream returns. Writes nothing before all of it is authentic.
    fn open_stream(
        &self,
        py: Python<'_>,
        reader: &Bound<'_, PyAny>,
        writer: &Bound<'_, PyAny>,
    ) -> PyResult<u64> {
        let (reader, writer) = (Reader::new(reader, Hook::new(None))?, Writer::new(writer)?);
        py.detach(|| self.0.open_stream(reader, writer)).raise()
    }

    fn __repr__(&self) -> String {
        let thumbprints: Vec<_> = self.0.certificates().map(|facts| &*facts.sha1_thumbprint).collect();
        format!("<Opener {}>", thumbprints.join(" "))
    }
}

/// Returns whom a message is sealed to: issuer and serial number of each certificate that opens it. Needs no key.
#[pyfunction]
pub(crate) fn recipients_of<'py>(py: Python<'py>, message: Bytes) -> PyResult<Bound<'py, PyTuple>> {
    let recipients = core::envelope::recipients_of(&message).raise()?;
    let facts: PyResult<Vec<_>> = recipients.iter().map(|facts| value(py, "RecipientFacts", facts)).collect();
    PyTuple::new(py, facts?)
}
