//! Private keys in PKCS #8, plain or encrypted.

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Sequence};
use openssl::pkey::{Id, PKey, Private};

use crate::{Error, ErrorKind, Result};

use super::asn1::{AlgorithmIdentifier, ID_EC_PUBLIC_KEY, oid};
use super::ber::{elements, to_der};
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
    pub(super) fn open(&self, password: &Password<'_>) -> Result<PKey<Private>, Failure> {
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
pub(super) fn private_key(der: &[u8]) -> Result<PKey<Private>, Failure> {
    let key = PKey::private_key_from_pkcs8(der).map_err(|source| {
        let (kind, message) = match is_of_another_kind(der) {
            true => (ErrorKind::Unsupported, "the private key is of a kind that is not supported"),
            false => (ErrorKind::Malformed, "the private key is damaged, or of a kind that is not supported"),
        };
        Failure::Error(Error::new(kind, message).with_source(source))
    })?;
    check_parts(key).map_err(Failure::Error)
}

/// Whether it names an algorithm other than those of RSA and of elliptic curves (RFC 5208 §5).
fn is_of_another_kind(der: &[u8]) -> bool {
    let algorithm = || {
        let fields = elements(&AnyRef::from_der(der).ok()?).ok()?;
        fields.get(1)?.decode_as::<AlgorithmIdentifier<'_>>().ok()
    };
    algorithm().is_some_and(|found| ![ID_RSA, ID_EC_PUBLIC_KEY].contains(&found.algorithm))
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
