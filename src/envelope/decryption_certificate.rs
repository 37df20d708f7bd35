//! The PFX: certificate and private key, for the day when you need a backup.

use std::fmt;

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use zeroize::Zeroizing;

use crate::{Error, ErrorKind, Result};

use super::certificate::{Certificate, CertificateFacts, EncryptionCertificate, public_key_of, unsuitable};
use super::input::{Contents, unwrap_pfx};
use super::key::{Kind, PrivateKey};
use super::store::Stored;
use super::{pem_key, pfx};

/// A certificate with its private key, which opens backups. It opens them even after it has expired.
///
/// A file may hold several pairs, like an export of a whole store: then any of them opens messages, and the facts are
/// those of the first.
#[derive(Clone)]
pub struct DecryptionCertificate {
    first: Pair,
    others: Vec<Pair>,
}

/// A certificate and its own private key.
#[derive(Clone)]
pub(super) struct Pair {
    pub(super) certificate: Certificate,
    pub(super) private_key: PrivateKey,
}

impl DecryptionCertificate {
    /// Reads a PFX (PKCS #12, RFC 7292), also in Base64 as a vault exports it.
    ///
    /// An empty password and no password are the same here, because Windows writes either without telling which. A
    /// certificate and a private key are a pair if their public keys match, wherever they are in the file; all pairs
    /// open messages.
    ///
    /// Fails with [`ErrorKind::WrongPassword`], [`ErrorKind::Malformed`] (damaged, cut off) or
    /// [`ErrorKind::Unsupported`] (an algorithm that is unknown or that this OpenSSL lacks). It tells these apart as
    /// far as the format allows: a file in which no encrypted part decrypts looks the same as a wrong password. A PFX
    /// without a check value is accepted if it decrypts. Fails with [`ErrorKind::LimitExceeded`], before doing the
    /// work, if deriving the keys would take more than a few seconds.
    pub fn from_pfx(bytes: &[u8], password: Option<&str>) -> Result<Self> {
        let password = password.unwrap_or_default();
        if password.contains('\0') {
            return Err(Error::new(ErrorKind::InvalidArgument, "the password holds a null character"));
        }
        let found = pfx::read(&unwrap_pfx(bytes)?, password)?;
        if found.keys.is_empty() {
            return Err(found.failure.unwrap_or_else(|| {
                unsuitable(
                    "the PFX holds no private key: export it again and choose to export the private key with it",
                )
            }));
        }
        // The missing part may be the one that belongs to the key.
        Self::from_parts(found.keys, found.certificates).map_err(|error| found.failure.unwrap_or(error))
    }

    /// Reads a private key in PEM (PKCS #8, or the older forms) and its certificate: any that
    /// [`EncryptionCertificate::from_cer`] accepts, also in the same file as the key.
    ///
    /// Several keys and certificates, and errors, are as for [`from_pfx`](Self::from_pfx).
    pub fn from_pem(key_pem: &[u8], passphrase: Option<&str>, certificate: &[u8]) -> Result<Self> {
        let keys = pem_key::from_pem(key_pem, passphrase)?;
        Self::from_parts(keys, Contents::of(certificate)?.certificates)
    }

    /// Takes a certificate that the system keeps, and the right to use its key.
    pub(super) fn from_stored(stored: Stored) -> Result<Self> {
        let certificate = Certificate::new(stored.x509)?;
        let Some(public) = certificate.openssl_key() else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "a key of ML-KEM in a store of Windows does not open here: open with a PFX file",
            ));
        };
        let public = public.to_owned();
        let private_key = PrivateKey::Stored((stored.key)()?, public);
        Ok(Self { first: Pair { certificate, private_key }, others: Vec::new() })
    }

    fn from_parts(keys: Vec<PrivateKey>, certificates: Vec<X509>) -> Result<Self> {
        if certificates.is_empty() {
            return Err(unsuitable("there is no certificate with the private key"));
        }
        let mut certificates: Vec<_> = certificates
            .into_iter()
            .filter_map(|x509| public_key_of(&x509).ok().map(|public| (x509, public)))
            .collect();
        let mut pairs = Vec::new();
        let mut failure = None;
        for private_key in keys {
            // Use each certificate once, so that a repeated key makes only one pair.
            let Some(at) = certificates.iter().position(|(_, public)| public.fits(&private_key)) else {
                continue;
            };
            match Certificate::new(certificates.remove(at).0) {
                Ok(certificate) => pairs.push(Pair { certificate, private_key }),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        let mut pairs = pairs.into_iter();
        match pairs.next() {
            Some(first) => Ok(Self { first, others: pairs.collect() }),
            None => {
                Err(failure
                    .unwrap_or_else(|| unsuitable("the private key does not belong to the certificate")))
            }
        }
    }

    /// Returns what the certificate says about itself; the first one, if there are several.
    #[must_use]
    pub fn facts(&self) -> &CertificateFacts {
        &self.first.certificate.facts
    }

    /// Returns the public half, as in the CER; that of the first, if there are several.
    #[must_use]
    pub fn encryption_certificate(&self) -> EncryptionCertificate {
        EncryptionCertificate::from_certificate(self.first.certificate.clone())
    }

    /// Returns the facts of every certificate in it.
    pub(crate) fn all_facts(&self) -> impl Iterator<Item = &CertificateFacts> {
        self.pairs().map(|pair| &pair.certificate.facts)
    }

    /// Decrypts what was encrypted to the RSA key of the certificate with this SHA-1 thumbprint, by OAEP with SHA-256 or,
    /// as older programs have it, with SHA-1. Returns it with the name of the digest; `None` if it does not open.
    pub(crate) fn open_oaep(
        &self,
        sha1_thumbprint: &str,
        ciphertext: &[u8],
    ) -> Option<(Zeroizing<Vec<u8>>, &'static str)> {
        let is_it =
            |pair: &&Pair| pair.certificate.facts.sha1_thumbprint.eq_ignore_ascii_case(sha1_thumbprint);
        let key = &self.pairs().find(is_it)?.private_key;
        if key.kind() != Kind::Rsa {
            return None;
        }
        let with_sha256 = key.decrypt(ciphertext).ok().map(|opened| (opened, "sha256"));
        with_sha256.or_else(|| key.decrypt_sha1(ciphertext).map(|opened| (opened, "sha1")))
    }

    /// Takes it apart: each certificate with its private key, which is `None` if the system keeps it or it is of ML-KEM.
    pub(crate) fn into_pairs(self) -> impl Iterator<Item = (Certificate, Option<PKey<Private>>)> {
        std::iter::once(self.first).chain(self.others).map(|pair| {
            let key = match pair.private_key {
                PrivateKey::Read(key) => Some(key),
                PrivateKey::MlKem(_) | PrivateKey::Stored(..) => None,
            };
            (pair.certificate, key)
        })
    }

    pub(super) fn pairs(&self) -> impl Iterator<Item = &Pair> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl Pair {
    pub(super) fn private_key(&self) -> &PrivateKey {
        &self.private_key
    }
}

impl fmt::Debug for DecryptionCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let facts: Vec<_> = self.pairs().map(|pair| &pair.certificate.facts).collect();
        f.debug_struct("DecryptionCertificate").field("facts", &facts).finish_non_exhaustive()
    }
}
