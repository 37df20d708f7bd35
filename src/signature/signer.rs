//! The certificate and private key of the host that signs.

use std::fmt;
use std::path::Path;

use jiff::Timestamp;
use openssl::pkey::{PKey, Private};

use super::certificate::SignerCertificate;
use super::message;
use crate::envelope::{Certificate, CertificateFacts, DecryptionCertificate, unsuitable};
use crate::error::{Error, ErrorKind, Result};

/// The certificate and private key with which a host signs its sets. The key stays on the host, in a file that only its
/// account can read; it opens no backup.
#[derive(Clone)]
pub struct Signer {
    certificate: Certificate,
    key: PKey<Private>,
}

impl Signer {
    /// Reads a PFX as [`DecryptionCertificate::from_pfx`] does, with the same bounds on its work. One certificate in it
    /// must be fit to sign: RSA of 2048 to 16384 bits, P-256, P-384 or P-521, and a key usage, where there is one, that
    /// allows digitalSignature.
    ///
    /// # Errors
    /// Those of `DecryptionCertificate::from_pfx`; `CERTIFICATE_UNSUITABLE` if none or several are fit to sign. It does
    /// not check validity: call [`check_validity`](Self::check_validity).
    pub fn from_pfx(bytes: &[u8], password: Option<&str>) -> Result<Self> {
        Self::choose(DecryptionCertificate::from_pfx(bytes, password)?)
    }

    /// Reads a private key in PEM and its certificate, as [`DecryptionCertificate::from_pem`] does.
    ///
    /// # Errors
    /// Those of `DecryptionCertificate::from_pem`; as for [`from_pfx`](Self::from_pfx).
    pub fn from_pem(key_pem: &[u8], passphrase: Option<&str>, certificate: &[u8]) -> Result<Self> {
        Self::choose(DecryptionCertificate::from_pem(key_pem, passphrase, certificate)?)
    }

    /// Reads a PFX file, like [`from_pfx`](Self::from_pfx).
    ///
    /// # Errors
    /// `NOT_FOUND`, `ACCESS_DENIED` and the like; as `from_pfx`, naming the file; `UNSUPPORTED` for the name of a
    /// certificate in a store of Windows: its key only decrypts here.
    pub fn load(file: impl AsRef<Path>, password: Option<&str>) -> Result<Self> {
        Self::choose(DecryptionCertificate::load(file, password)?)
    }

    fn choose(pairs: DecryptionCertificate) -> Result<Self> {
        let mut unfit = None;
        let mut fit = Vec::new();
        for (certificate, key) in pairs.into_pairs() {
            match certificate.check_signing_usage() {
                Ok(()) => fit.push((certificate, key)),
                Err(error) => unfit = unfit.or(Some(error)),
            }
        }
        let count = fit.len();
        match (fit.pop(), unfit) {
            (Some((certificate, Some(key))), _) if count == 1 => Ok(Self { certificate, key }),
            (Some((_, None)), _) => Err(Error::new(
                ErrorKind::Unsupported,
                "a key in a store of Windows does not sign here: sign with a PFX file",
            )),
            (Some(_), _) => Err(unsuitable(format!(
                "the file holds {count} certificates that can sign, and it is not clear which is meant: export one alone"
            ))),
            (None, unfit) => Err(unfit.unwrap_or_else(|| unsuitable("the file holds nothing to sign with"))),
        }
    }

    /// Returns what the certificate says about itself.
    #[must_use]
    pub fn facts(&self) -> &CertificateFacts {
        &self.certificate.facts
    }

    /// Returns the public half: what readers demand.
    #[must_use]
    pub fn certificate(&self) -> SignerCertificate {
        SignerCertificate::from_certificate(self.certificate.clone())
    }

    /// Fails with `CERTIFICATE_EXPIRED` unless the certificate is valid at that time.
    pub fn check_validity(&self, at: Timestamp) -> Result<()> {
        self.certificate.check_validity(at)
    }

    /// Signs these bytes now; returns the detached signature in DER.
    ///
    /// # Errors
    /// `INTERNAL` if OpenSSL has no memory or no random numbers.
    pub fn sign(&self, content: &[u8]) -> Result<Vec<u8>> {
        message::write(&self.certificate, &self.key, content, Timestamp::now())
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("facts", self.facts()).finish_non_exhaustive()
    }
}
