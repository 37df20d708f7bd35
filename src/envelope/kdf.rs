//! Keys from passwords, and what they cost.

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Sequence, Tag, Tagged};
use openssl::asn1::Asn1Object;
use openssl::error::ErrorStack;
use openssl::hash::{Hasher, MessageDigest};
use openssl::nid::Nid;
use openssl::pkcs5::{pbkdf2_hmac, scrypt};
use zeroize::Zeroizing;

use crate::{Error, ErrorKind, Result};

use super::asn1::{AlgorithmIdentifier, oid};
use super::ber::{elements, number};
use super::internal;
use super::password::Password;

/// A derivation with its parameters.
pub(super) enum Kdf<'a> {
    /// RFC 8018 §5.1.
    Pbkdf1 { digest: MessageDigest, salt: &'a [u8], iterations: u64 },
    /// RFC 8018 §5.2.
    Pbkdf2 { prf: MessageDigest, salt: &'a [u8], iterations: u64 },
    /// RFC 7292 appendix B.2.
    Pkcs12 { digest: MessageDigest, salt: &'a [u8], iterations: u64 },
    /// RFC 7914.
    Scrypt { salt: &'a [u8], n: u64, r: u64, p: u64 },
}

/// The purpose of a key of appendix B.2.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

/// A key and an initialization vector.
type Derived = (Zeroizing<Vec<u8>>, Zeroizing<Vec<u8>>);

impl<'a> Kdf<'a> {
    /// Reads the derivation of PBES2 or PBMAC1 and the key length, if it states one.
    pub(super) fn read(algorithm: &AlgorithmIdentifier<'a>) -> Result<(Self, Option<u64>)> {
        let parameters = algorithm.parameters.ok_or_else(broken)?;
        match algorithm.algorithm {
            ID_PBKDF2 => Self::read_pbkdf2(&parameters),
            ID_SCRYPT => {
                let Scrypt { salt, n, r, p, key_length } = parameters.decode_as().map_err(broken_by)?;
                let (n, r, p) = (rounds(&n)?, rounds(&r)?, rounds(&p)?);
                if n < 2 || !n.is_power_of_two() {
                    return Err(broken());
                }
                Ok((Self::Scrypt { salt: salt.as_bytes(), n, r, p }, stated(key_length.as_ref())?))
            }
            other => Err(lacking(format_args!("key derivation {other}"))),
        }
    }

    fn read_pbkdf2(parameters: &AnyRef<'a>) -> Result<(Self, Option<u64>)> {
        let fields = elements(parameters).map_err(broken_by)?;
        let [salt, iterations, rest @ ..] = &fields[..] else {
            return Err(broken());
        };
        if parameters.tag() != Tag::Sequence {
            return Err(broken());
        }
        if salt.tag() == Tag::Sequence {
            return Err(lacking(format_args!("a salt from elsewhere")));
        }
        let salt: &OctetStringRef = salt.decode_as().map_err(broken_by)?;
        let (key_length, prf) = match rest {
            [] => (None, None),
            [length] if length.tag() == Tag::Integer => (Some(length), None),
            [prf] => (None, Some(prf)),
            [length, prf] => (Some(length), Some(prf)),
            _ => return Err(broken()),
        };
        let prf = match prf {
            None => MessageDigest::sha1(),
            Some(prf) => hmac_digest(&prf.decode_as().map_err(broken_by)?)?,
        };
        Ok((
            Self::Pbkdf2 { prf, salt: salt.as_bytes(), iterations: rounds(iterations)? },
            stated(key_length)?,
        ))
    }

    /// Returns the cost of the derivation in rounds of about one HMAC-SHA-256 each.
    pub(super) fn cost(&self, key: usize, iv: usize) -> u64 {
        let blocks = |bytes: usize, size: usize| bytes.div_ceil(size.max(1)) as u64;
        match self {
            Self::Pbkdf1 { digest, iterations, .. } => iterations.saturating_mul(weight(digest)),
            Self::Pbkdf2 { prf, iterations, .. } => {
                iterations.saturating_mul(blocks(key, prf.size())).saturating_mul(weight(prf))
            }
            Self::Pkcs12 { digest, iterations, .. } => {
                let blocks = blocks(key, digest.size()) + blocks(iv, digest.size());
                iterations.saturating_mul(blocks).saturating_mul(weight(digest))
            }
            // Each p begins and ends with hashes, however small N is.
            Self::Scrypt { n, r, p, .. } => n.saturating_add(16).saturating_mul(*r).saturating_mul(*p),
        }
    }

    /// Derives the key, at the cost that [`cost`](Self::cost) returned.
    pub(super) fn derive(&self, password: &Password<'_>, key_len: usize, iv_len: usize) -> Result<Derived> {
        let mut key = Zeroizing::new(vec![0; key_len]);
        let mut iv = Zeroizing::new(vec![0; iv_len]);
        match self {
            Self::Pbkdf1 { digest, salt, iterations } => {
                let whole = pbkdf1(*digest, password.utf8, salt, *iterations)
                    .map_err(internal("derive a key from a password"))?;
                let (first, rest) = whole
                    .split_at_checked(key_len)
                    .filter(|(_, rest)| rest.len() >= iv_len)
                    .ok_or_else(broken)?;
                key.copy_from_slice(first);
                iv.copy_from_slice(&rest[..iv_len]);
            }
            Self::Pbkdf2 { prf, salt, iterations } => {
                let iterations = usize::try_from(*iterations).unwrap_or(usize::MAX);
                pbkdf2_hmac(password.utf8, salt, iterations, *prf, &mut key)
                    .map_err(internal("derive a key from a password"))?;
            }
            Self::Pkcs12 { digest, salt, iterations } => {
                let fill = |purpose, out: &mut [u8]| {
                    pkcs12(*digest, &password.utf16, salt, *iterations, purpose, out)
                        .map_err(internal("derive a key from a password"))
                };
                fill(Purpose::Key, &mut key)?;
                fill(Purpose::Iv, &mut iv)?;
            }
            Self::Scrypt { salt, n, r, p } => {
                // N, r and p are within the budget, and so is the memory: this limit never applies.
                scrypt(password.utf8, salt, *n, *r, *p, SCRYPT_MEMORY, &mut key).map_err(|source| {
                    lacking(format_args!("scrypt with parameters that OpenSSL refuses")).with_source(source)
                })?;
            }
        }
        Ok((key, iv))
    }

    /// Fails with `LIMIT_EXCEEDED` if it would take too much memory.
    pub(super) fn check_memory(&self) -> Result<()> {
        match self {
            // RFC 7914 §2: N blocks of 128·r bytes, p of them, and three that OpenSSL works in.
            Self::Scrypt { n, r, p, .. }
                if n.saturating_add(*p).saturating_add(3).saturating_mul(128).saturating_mul(*r)
                    > SCRYPT_MEMORY =>
            {
                Err(Error::new(
                    ErrorKind::LimitExceeded,
                    format!(
                        "it asks for a key derivation by scrypt in more than {} MiB of memory",
                        SCRYPT_MEMORY >> 20
                    ),
                ))
            }
            _ => Ok(()),
        }
    }
}

/// RFC 7914 §7.
#[derive(Sequence)]
struct Scrypt<'a> {
    salt: &'a OctetStringRef,
    n: AnyRef<'a>,
    r: AnyRef<'a>,
    p: AnyRef<'a>,
    #[asn1(optional = "true")]
    key_length: Option<AnyRef<'a>>,
}

fn stated(key_length: Option<&AnyRef<'_>>) -> Result<Option<u64>> {
    key_length.map(|length| number(length).ok_or_else(broken)).transpose()
}

fn pbkdf1(
    digest: MessageDigest,
    password: &[u8],
    salt: &[u8],
    iterations: u64,
) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
    let mut hasher = Hasher::new(digest)?;
    hasher.update(password)?;
    hasher.update(salt)?;
    let mut block = Zeroizing::new(hasher.finish()?.to_vec());
    for _ in 1..iterations {
        hasher.update(&block)?;
        block.copy_from_slice(&hasher.finish()?);
    }
    Ok(block)
}

/// RFC 7292 appendix B.2.
pub(super) fn pkcs12(
    digest: MessageDigest,
    password: &[u8],
    salt: &[u8],
    iterations: u64,
    purpose: Purpose,
    out: &mut [u8],
) -> Result<(), ErrorStack> {
    let (size, block) = (digest.size(), digest.block_size());
    let stretched = |bytes: &[u8]| -> Vec<u8> {
        bytes.iter().copied().cycle().take(bytes.len().div_ceil(block) * block).collect()
    };
    let mut salt_and_password = Zeroizing::new(stretched(salt));
    salt_and_password.extend_from_slice(&Zeroizing::new(stretched(password)));
    let mut hasher = Hasher::new(digest)?;
    let chunks = out.len().div_ceil(size);
    for (i, chunk) in out.chunks_mut(size).enumerate() {
        hasher.update(&vec![purpose as u8; block])?;
        hasher.update(&salt_and_password)?;
        let mut hash = hasher.finish()?;
        for _ in 1..iterations {
            hasher.update(&hash)?;
            hash = hasher.finish()?;
        }
        chunk.copy_from_slice(&hash[..chunk.len()]);
        if i + 1 == chunks {
            break;
        }
        // Each block of the input becomes itself, plus the hash stretched over it, plus one, modulo 2^(8·block).
        for part in salt_and_password.chunks_mut(block) {
            let mut carry = 1;
            for (byte, added) in part.iter_mut().enumerate().rev().map(|(i, byte)| (byte, hash[i % size])) {
                carry += u16::from(*byte) + u16::from(added);
                *byte = carry as u8;
                carry >>= 8;
            }
        }
    }
    Ok(())
}

/// Returns the hash of an HMAC by the HMAC's identifier (RFC 8018 appendix B.1; NIST's register of algorithms).
pub(super) fn hmac_digest(algorithm: &AlgorithmIdentifier<'_>) -> Result<MessageDigest> {
    let id = algorithm.algorithm;
    let name = HMACS.iter().find(|(oid, _)| *oid == id).map(|(_, name)| *name);
    name.and_then(MessageDigest::from_name).ok_or_else(|| lacking(format_args!("the HMAC {id}")))
}

/// Returns the hash with this identifier; `None` if it is not a hash's.
pub(super) fn digest_by_oid(id: &ObjectIdentifier) -> Result<MessageDigest> {
    let unknown = || lacking(format_args!("the hash {id}"));
    let nid = nid_of(id).ok_or_else(unknown)?;
    let digest = MessageDigest::from_nid(nid).ok_or_else(unknown)?;
    // A signature's number names its hash, too; and a hash of variable length has no length to expect.
    match digest.type_() == nid
        && digest.size() >= 16
        && digest.block_size() > 0
        && Hasher::new(digest).is_ok()
    {
        true => Ok(digest),
        false => Err(unknown()),
    }
}

pub(super) fn nid_of(id: &ObjectIdentifier) -> Option<Nid> {
    let nid = Asn1Object::from_str(&id.to_string()).ok()?.nid();
    (nid != Nid::UNDEF).then_some(nid)
}

/// Reads the number of rounds of a derivation: at least one.
pub(super) fn rounds(any: &AnyRef<'_>) -> Result<u64> {
    number(any).filter(|rounds| *rounds > 0).ok_or_else(broken)
}

#[cold]
pub(super) fn broken() -> Error {
    Error::new(ErrorKind::Malformed, "the parameters of the encryption by password are damaged")
}

#[cold]
pub(super) fn broken_by(source: der::Error) -> Error {
    broken().with_source(source)
}

#[cold]
pub(super) fn lacking(what: std::fmt::Arguments<'_>) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!(
            "it is encrypted or protected by {what}, which is not supported: export it again with AES256-SHA256"
        ),
    )
}

/// How many times longer a round takes than with SHA-256, at most.
fn weight(digest: &MessageDigest) -> u64 {
    match digest.type_() {
        Nid::MD5 | Nid::SHA1 | Nid::SHA224 | Nid::SHA256 => 1,
        Nid::SHA384 | Nid::SHA512 => 2,
        _ => 4,
    }
}

/// Memory that scrypt may take: as much as for N = 2^17 with r = 8; OpenSSL writes 2^14.
const SCRYPT_MEMORY: u64 = 136 << 20;

const HMACS: [(ObjectIdentifier, &str); 12] = [
    (oid("1.2.840.113549.2.6"), "md5"),
    (oid("1.2.840.113549.2.7"), "sha1"),
    (oid("1.2.840.113549.2.8"), "sha224"),
    (oid("1.2.840.113549.2.9"), "sha256"),
    (oid("1.2.840.113549.2.10"), "sha384"),
    (oid("1.2.840.113549.2.11"), "sha512"),
    (oid("1.2.840.113549.2.12"), "sha512-224"),
    (oid("1.2.840.113549.2.13"), "sha512-256"),
    (oid("2.16.840.1.101.3.4.2.13"), "sha3-224"),
    (oid("2.16.840.1.101.3.4.2.14"), "sha3-256"),
    (oid("2.16.840.1.101.3.4.2.15"), "sha3-384"),
    (oid("2.16.840.1.101.3.4.2.16"), "sha3-512"),
];

const ID_PBKDF2: ObjectIdentifier = oid("1.2.840.113549.1.5.12");
const ID_SCRYPT: ObjectIdentifier = oid("1.3.6.1.4.1.11591.4.11");
