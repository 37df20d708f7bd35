//! The check value of a PFX, which tells a wrong password from damage.

use der::Sequence;
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use zeroize::Zeroizing;

use crate::{Error, ErrorKind, Result};

use super::asn1::{AlgorithmIdentifier, oid};
use super::internal;
use super::kdf::{Kdf, Purpose, broken, broken_by, digest_by_oid, hmac_digest, lacking, pkcs12, rounds};
use super::password::Password;

/// RFC 7292 §4.
#[derive(Sequence)]
pub(super) struct MacData<'a> {
    mac: DigestInfo<'a>,
    salt: &'a OctetStringRef,
    #[asn1(optional = "true")]
    iterations: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct DigestInfo<'a> {
    algorithm: AlgorithmIdentifier<'a>,
    value: &'a OctetStringRef,
}

/// RFC 9579 §4.
#[derive(Sequence)]
struct Pbmac1<'a> {
    kdf: AlgorithmIdentifier<'a>,
    mac: AlgorithmIdentifier<'a>,
}

/// A check value that can be computed.
pub(super) struct Mac<'a> {
    kdf: Kdf<'a>,
    digest: MessageDigest,
    key_length: usize,
    value: &'a [u8],
}

impl<'a> Mac<'a> {
    /// Fails with `UNSUPPORTED` for unknown algorithms, `MALFORMED` for unreadable parameters.
    pub(super) fn read(data: &MacData<'a>) -> Result<Self> {
        let DigestInfo { algorithm, value } = &data.mac;
        let (kdf, digest, key_length) = if algorithm.algorithm == ID_PBMAC1 {
            let parameters = algorithm.parameters.ok_or_else(broken)?;
            let Pbmac1 { kdf, mac } = parameters.decode_as().map_err(broken_by)?;
            let digest = hmac_digest(&mac)?;
            // RFC 9579 §5: the length must be stated, and must not be short. One value in 256 fits a key of one byte.
            match Kdf::read(&kdf)? {
                (kdf, Some(length @ MIN_KEY..=MAX_KEY)) => (kdf, digest, length as usize),
                (_, Some(_)) => return Err(lacking(format_args!("a check value's key of such a length"))),
                (_, None) => return Err(broken()),
            }
        } else {
            let digest = digest_by_oid(&algorithm.algorithm)?;
            let iterations = data.iterations.as_ref().map_or(Ok(1), rounds)?;
            (Kdf::Pkcs12 { digest, salt: data.salt.as_bytes(), iterations }, digest, digest.size())
        };
        if value.as_bytes().len() != digest.size() {
            return Err(Error::new(ErrorKind::Malformed, "the PFX's check value does not have its length"));
        }
        Ok(Self { kdf, digest, key_length, value: value.as_bytes() })
    }

    /// Returns the cost of [`fits`](Self::fits) in rounds.
    pub(super) fn cost(&self) -> u64 {
        self.kdf.cost(self.key_length, 0)
    }

    /// As [`Kdf::check_memory`].
    pub(super) fn check_memory(&self) -> Result<()> {
        self.kdf.check_memory()
    }

    /// Whether this password authenticates the content.
    pub(super) fn fits(&self, content: &[u8], password: &Password<'_>) -> Result<bool> {
        let key = match &self.kdf {
            Kdf::Pkcs12 { digest, salt, iterations } => {
                let mut key = Zeroizing::new(vec![0; self.key_length]);
                pkcs12(*digest, &password.utf16, salt, *iterations, Purpose::Mac, &mut key)
                    .map_err(internal("derive the key of a check value"))?;
                key
            }
            kdf => kdf.derive(password, self.key_length, 0)?.0,
        };
        let sign = || {
            let key = PKey::hmac(&key)?;
            Signer::new(self.digest, &key)?.sign_oneshot_to_vec(content)
        };
        let computed = sign().map_err(internal("compute a check value"))?;
        Ok(computed.len() == self.value.len() && openssl::memcmp::eq(&computed, self.value))
    }
}

const ID_PBMAC1: ObjectIdentifier = oid("1.2.840.113549.1.5.14");

/// RFC 9579 §5.
const MIN_KEY: u64 = 20;
/// OpenSSL writes 20 to 64.
const MAX_KEY: u64 = 1024;
