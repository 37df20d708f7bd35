//! The public certificate of a signer, which whoever reads the sets demands.

use std::fmt;
use std::path::Path;

use crate::envelope::{Certificate, CertificateFacts, read_certificate};
use crate::error::Result;

/// The public certificate of a signer: the CER that a reader demands.
#[derive(Clone)]
pub struct SignerCertificate(Certificate);

impl SignerCertificate {
    /// Reads a CER in any form that [`EncryptionCertificate::from_cer`](crate::EncryptionCertificate::from_cer) takes.
    ///
    /// # Errors
    /// `CERTIFICATE_UNSUITABLE` if the key is too short or of another kind than RSA, P-256, P-384 or P-521, if the key
    /// usage, where there is one, lacks digitalSignature, or if the file contains a private key; `MALFORMED`;
    /// `LIMIT_EXCEEDED` above 1 MiB. Validity does not count here: a signature is good if the certificate was valid at
    /// the time of the set.
    pub fn from_cer(bytes: &[u8]) -> Result<Self> {
        let with_key =
            "the file carries a private key: only the host that signs holds it; export the certificate alone";
        let certificate = Certificate::from_cer(bytes, with_key)?;
        certificate.check_signing_usage()?;
        Ok(Self(certificate))
    }

    /// Reads a CER file, like [`from_cer`](Self::from_cer).
    ///
    /// # Errors
    /// `NOT_FOUND`, `ACCESS_DENIED` and the like; as `from_cer`, naming the file.
    pub fn load(file: impl AsRef<Path>) -> Result<Self> {
        read_certificate(file.as_ref(), Self::from_cer)
    }

    pub(super) fn from_certificate(certificate: Certificate) -> Self {
        Self(certificate)
    }

    /// Returns what the certificate says about itself.
    #[must_use]
    pub fn facts(&self) -> &CertificateFacts {
        &self.0.facts
    }

    /// Returns the certificate in DER, as in a CER file.
    pub fn to_der(&self) -> Result<Vec<u8>> {
        self.0.to_der()
    }
}

impl fmt::Debug for SignerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SignerCertificate").field(self.facts()).finish()
    }
}
