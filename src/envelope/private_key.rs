//! Private keys in PKCS #8, plain or encrypted.

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Sequence};
use openssl::pkey::{Id, PKey, Private};

use crate::{Error, ErrorKind, Result};

use super::asn1::{AlgorithmIdentifier, ID_EC_PUBLIC_KEY, oid};
use super::ber::{elements, to_der};
use super::key::PrivateKey;
use super::ml_kem::{self, Strength, is_ml_kem};
use super::password::Password;
use super::pbe::{Failure, Scheme};

/// PKCS #8 EncryptedPrivateKeyInfo (RFC 5208 §6).
#[derive(Sequence)]
pub(super) struct Encrypted<'a> {
    pub(super) algorithm: AlgorithmIdentifier<'a>,
    data: &'a OctetStringRef,
}

impl Encrypted<'_> {
    /// Derives the key, whose cost must have been counted, and decrypts.
    pub(super) fn open(&self, password: &Password<'_>) -> Result<PrivateKey, Failure> {
        let scheme = Scheme::read(&self.algorithm).map_err(Failure::Error)?;
        let plain = scheme.decrypt(self.data.as_bytes(), password)?;
        // Only the padding shows a wrong password, and it may be right by chance.
        match plain.first() {
            Some(0x30) => {
                let der = to_der(&plain).ok_or(Failure::Password)?;
                private_key(&der)
            }
            _ => Err(Failure::Password),
        }
    }
}

/// Reads PKCS #8 PrivateKeyInfo.
pub(super) fn private_key(der: &[u8]) -> Result<PrivateKey, Failure> {
    if let Some(key) = ml_kem_key(der) {
        return key.map(PrivateKey::MlKem).map_err(Failure::Error);
    }
    let key = PKey::private_key_from_pkcs8(der).map_err(|source| {
        let (kind, message) = match is_of_another_kind(der) {
            true => (ErrorKind::Unsupported, "the private key is of a kind that is not supported"),
            false => (ErrorKind::Malformed, "the private key is damaged, or of a kind that is not supported"),
        };
        Failure::Error(Error::new(kind, message).with_source(source))
    })?;
    check_parts(key).map(PrivateKey::Read).map_err(Failure::Error)
}

/// Reads a key of ML-KEM without OpenSSL, which knows it only from 3.5 on; `None` if it is of another kind.
fn ml_kem_key(der: &[u8]) -> Option<Result<ml_kem::PrivateKey>> {
    let (algorithm, key) = fields(der)?;
    is_ml_kem(&algorithm.algorithm).then(|| {
        let strength = Strength::of(&algorithm).ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                "the private key is neither ML-KEM-768 nor ML-KEM-1024, which are the ones that are read",
            )
        })?;
        let key = key.decode_as::<&OctetStringRef>().ok();
        key.and_then(|key| ml_kem::PrivateKey::read(strength, key.as_bytes()))
            .ok_or_else(|| Error::new(ErrorKind::Malformed, "the private key is damaged"))
    })
}

/// Whether it names an algorithm other than those of RSA and of elliptic curves.
fn is_of_another_kind(der: &[u8]) -> bool {
    fields(der).is_some_and(|(found, _)| ![ID_RSA, ID_EC_PUBLIC_KEY].contains(&found.algorithm))
}

/// The algorithm and the key of PKCS #8 (RFC 5208 §5). What may follow, attributes and the public key, does not matter.
fn fields(der: &[u8]) -> Option<(AlgorithmIdentifier<'_>, AnyRef<'_>)> {
    let fields = elements(&AnyRef::from_der(der).ok()?).ok()?;
    let [_version, algorithm, key, ..] = fields[..] else { return None };
    Some((algorithm.decode_as().ok()?, key))
}

/// Refuses an RSA key with a part longer than its modulus, which could take forever to use.
pub(super) fn check_parts(key: PKey<Private>) -> Result<PKey<Private>> {
    if key.id() == Id::RSA {
        let sound = key.rsa().is_ok_and(|rsa| {
            let most = rsa.n().num_bits();
            let parts = [rsa.p(), rsa.q(), rsa.dmp1(), rsa.dmq1(), rsa.iqmp()];
            rsa.d().num_bits() <= most && parts.into_iter().flatten().all(|part| part.num_bits() <= most)
        });
        if !sound {
            return Err(Error::new(ErrorKind::Malformed, "the private key is damaged"));
        }
    }
    Ok(key)
}

/// An operator's PFX has one.
pub(super) const MAX_KEYS: usize = 16;

const ID_RSA: ObjectIdentifier = oid("1.2.840.113549.1.1.1");
