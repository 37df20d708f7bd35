//! Encryption by a password: reads the scheme, counts the cost of its key, then derives the key and decrypts.
//!
//! PKCS #5 (RFC 8018: PBES1 and PBES2, with PBKDF2 or scrypt, RFC 7914) and PKCS #12 (RFC 7292 appendices B and C). The
//! file decides how much work its key takes, so the work is [counted](Scheme::cost) before any of it is done.

use der::Sequence;
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Tag, Tagged};
use openssl::cipher::{Cipher, CipherRef};
use openssl::cipher_ctx::CipherCtx;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::provider::Provider;
use zeroize::Zeroizing;

use crate::{Error, ErrorKind, Result};

use super::asn1::{AlgorithmIdentifier, oid};
use super::ber::{elements, number};
use super::kdf::{Kdf, broken, broken_by, lacking, nid_of, rounds};
use super::password::Password;

/// A scheme of encryption by a password.
pub(super) struct Scheme<'a> {
    kdf: Kdf<'a>,
    cipher: &'static CipherRef,
    /// From the file; `None` if it is derived with the key.
    iv: Option<&'a [u8]>,
}

/// Why something did not decrypt.
pub(super) enum Failure {
    /// This password does not decrypt it.
    Password,
    /// No password can decrypt it here.
    Error(Error),
}

impl<'a> Scheme<'a> {
    /// Fails with `UNSUPPORTED` for unknown algorithms, `MALFORMED` for unreadable parameters.
    pub(super) fn read(algorithm: &AlgorithmIdentifier<'a>) -> Result<Self> {
        let parameters = algorithm.parameters.ok_or_else(broken)?;
        if algorithm.algorithm == ID_PBES2 {
            return Self::read_pbes2(&parameters);
        }
        let id = algorithm.algorithm;
        let of = |schemes: &[Named], family: ObjectIdentifier| {
            let last = id.arcs().last()?;
            let (_, cipher, digest) = schemes.iter().find(|(arc, ..)| *arc == last)?;
            (id.parent() == Some(family)).then(|| (*cipher, digest()))
        };
        let (pkcs12, (cipher, digest)) = match (of(&PKCS12, ID_PKCS12_PBE), of(&PBES1, ID_PKCS5)) {
            (Some(found), _) => (true, found),
            (None, Some(found)) => (false, found),
            (None, None) => return Err(lacking(format_args!("algorithm {id}"))),
        };
        let PbeParameters { salt, iterations } = parameters.decode_as().map_err(broken_by)?;
        let (salt, iterations) = (salt.as_bytes(), rounds(&iterations)?);
        let kdf = match pkcs12 {
            true => Kdf::Pkcs12 { digest, salt, iterations },
            false => Kdf::Pbkdf1 { digest, salt, iterations },
        };
        let cipher = Cipher::from_nid(cipher).ok_or_else(|| lacking(format_args!("algorithm {id}")))?;
        Ok(Self { kdf, cipher, iv: None })
    }

    fn read_pbes2(parameters: &AnyRef<'a>) -> Result<Self> {
        let Pbes2 { kdf, encryption } = parameters.decode_as().map_err(broken_by)?;
        let (cipher, iv) = read_cipher(&encryption)?;
        let (kdf, key_length) = Kdf::read(&kdf)?;
        if key_length.is_some_and(|length| length != cipher.key_length() as u64) {
            return Err(lacking(format_args!(
                "a key length that is not that of algorithm {}",
                encryption.algorithm
            )));
        }
        Ok(Self { kdf, cipher, iv: Some(iv) })
    }

    /// Returns the cost of deriving the key, in rounds.
    pub(super) fn cost(&self) -> u64 {
        let iv = if self.iv.is_none() { self.cipher.iv_length() } else { 0 };
        self.kdf.cost(self.cipher.key_length(), iv)
    }

    /// As [`Kdf::check_memory`].
    pub(super) fn check_memory(&self) -> Result<()> {
        self.kdf.check_memory()
    }

    /// Derives the key, at its [cost](Self::cost), and decrypts.
    pub(super) fn decrypt(
        &self,
        data: &[u8],
        password: &Password<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let iv_len = if self.iv.is_none() { self.cipher.iv_length() } else { 0 };
        let (key, iv) =
            self.kdf.derive(password, self.cipher.key_length(), iv_len).map_err(Failure::Error)?;
        let iv = self.iv.unwrap_or(&iv);
        let iv = (!iv.is_empty()).then_some(iv);
        // OpenSSL 3 keeps RC2, RC4 and DES, which Windows wrote for decades, in a separate provider. Load it only if
        // the call fails without it, and only for that call. A separate library context would hide it from the rest of
        // the process even for that long, but the `openssl` crate cannot look up ciphers by number in one, and the
        // OpenSSL that is built in by default belongs to this library alone.
        let mut provider = None;
        let mut context = self.context(&key, iv);
        if context.is_err() {
            provider = Provider::try_load(None, "legacy", true).ok();
            context = self.context(&key, iv);
        }
        let mut context = context.map_err(|source| Failure::Error(legacy_lacking().with_source(source)))?;
        let mut plain = Zeroizing::new(Vec::with_capacity(data.len() + self.cipher.block_size()));
        let done =
            context.cipher_update_vec(data, &mut plain).and_then(|_| context.cipher_final_vec(&mut plain));
        drop(context);
        drop(provider);
        // OpenSSL puts the reason on a stack of errors. Reading it here leaves nothing for others to find.
        done.map(|_| plain).map_err(|_| Failure::Password)
    }

    fn context(&self, key: &[u8], iv: Option<&[u8]>) -> Result<CipherCtx, openssl::error::ErrorStack> {
        let mut context = CipherCtx::new()?;
        context.decrypt_init(Some(self.cipher), Some(key), iv)?;
        Ok(context)
    }
}

/// Counts the work that one file may ask for.
pub(super) struct Work {
    left: u64,
    of: &'static str,
}

impl Work {
    /// Starts counting for a file, under the name that errors give it.
    pub(super) fn new(of: &'static str) -> Self {
        Self { left: MAX_ROUNDS, of }
    }

    /// Fails with `LIMIT_EXCEEDED` if this many more rounds are too many in all.
    pub(super) fn take(&mut self, rounds: u64) -> Result<()> {
        let Some(left) = self.left.checked_sub(rounds) else {
            let asked = (MAX_ROUNDS - self.left).saturating_add(rounds);
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("{} asks for {asked} rounds of key derivation: at most {MAX_ROUNDS}", self.of),
            ));
        };
        self.left = left;
        Ok(())
    }
}

/// RFC 8018 appendix A.3, and RFC 7292 appendix C.
#[derive(Sequence)]
struct PbeParameters<'a> {
    salt: &'a OctetStringRef,
    iterations: AnyRef<'a>,
}

/// RFC 8018 appendix A.4.
#[derive(Sequence)]
struct Pbes2<'a> {
    kdf: AlgorithmIdentifier<'a>,
    encryption: AlgorithmIdentifier<'a>,
}

/// Reads a cipher of PBES2 and its initialization vector (RFC 8018 appendix B.2).
fn read_cipher<'a>(algorithm: &AlgorithmIdentifier<'a>) -> Result<(&'static CipherRef, &'a [u8])> {
    let unknown = || lacking(format_args!("algorithm {}", algorithm.algorithm));
    let parameters = algorithm.parameters.ok_or_else(broken)?;
    let nid = nid_of(&algorithm.algorithm).ok_or_else(unknown)?;
    let (nid, iv) = match nid {
        // Its parameters also give the strength.
        Nid::RC2_CBC => match &elements(&parameters).map_err(broken_by)?[..] {
            [version, iv] => {
                let nid = match number(version) {
                    Some(58) => Nid::RC2_CBC,
                    Some(120) => Nid::RC2_64_CBC,
                    Some(160) => Nid::RC2_40_CBC,
                    _ => return Err(unknown()),
                };
                (nid, *iv)
            }
            _ => return Err(broken()),
        },
        nid => (nid, parameters),
    };
    let cipher = Cipher::from_nid(nid).ok_or_else(unknown)?;
    // Modes with a tag have other parameters, and no scheme uses them.
    let name = nid.long_name().unwrap_or_default().to_ascii_lowercase();
    if !["cbc", "cfb", "ofb"].iter().any(|mode| name.contains(mode)) {
        return Err(unknown());
    }
    if iv.tag() != Tag::OctetString || iv.value().len() != cipher.iv_length() {
        return Err(broken());
    }
    Ok((cipher, iv.value()))
}

#[cold]
fn legacy_lacking() -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "it is encrypted by an algorithm that this OpenSSL lacks: export it again with AES256-SHA256, or install \
         OpenSSL's legacy provider",
    )
}

/// Windows asks for some 14,000 of these rounds (2,000 iterations, three times over), OpenSSL and Java for less than
/// 100,000. This many take less than three seconds.
const MAX_ROUNDS: u64 = 5_000_000;

/// The last arc of a scheme's identifier, its cipher and its hash.
type Named = (u32, Nid, fn() -> MessageDigest);

/// Under [`ID_PKCS5`]: last arc, cipher, hash (RFC 8018 appendix A.3). Schemes with MD2 are missing, because that hash
/// is no longer available.
const PBES1: [Named; 4] = [
    (3, Nid::DES_CBC, MessageDigest::md5),
    (6, Nid::RC2_64_CBC, MessageDigest::md5),
    (10, Nid::DES_CBC, MessageDigest::sha1),
    (11, Nid::RC2_64_CBC, MessageDigest::sha1),
];

/// Under [`ID_PKCS12_PBE`] (RFC 7292 appendix C).
const PKCS12: [Named; 6] = [
    (1, Nid::RC4, MessageDigest::sha1),
    (2, Nid::RC4_40, MessageDigest::sha1),
    (3, Nid::DES_EDE3_CBC, MessageDigest::sha1),
    (4, Nid::DES_EDE_CBC, MessageDigest::sha1),
    (5, Nid::RC2_CBC, MessageDigest::sha1),
    (6, Nid::RC2_40_CBC, MessageDigest::sha1),
];

const ID_PKCS5: ObjectIdentifier = oid("1.2.840.113549.1.5");
const ID_PBES2: ObjectIdentifier = oid("1.2.840.113549.1.5.13");
const ID_PKCS12_PBE: ObjectIdentifier = oid("1.2.840.113549.1.12.1");
