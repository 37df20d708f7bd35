//! Reads a PFX (PKCS #12, RFC 7292) within a bounded amount of work.
//!
//! OpenSSL would read it whole, at whatever cost the file asks for. So the structure is read here: all visible work is
//! counted before any is done, keys inside encrypted safes as soon as those are open. OpenSSL only sees single hashes,
//! ciphers, certificates and keys.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Sequence, Tag, Tagged};
use openssl::x509::X509;
use zeroize::Zeroizing;

use crate::{Error, ErrorKind, Result};

use super::asn1::{AlgorithmIdentifier, ID_DATA, ID_ENVELOPED_DATA, oid};
use super::ber::{elements, implicit_octets, to_der};
use super::key::PrivateKey;
use super::mac::{Mac, MacData};
use super::password::{Password, wrong_password};
use super::pbe::{Failure, Scheme, Work};
use super::private_key::{Encrypted, MAX_KEYS, private_key};

/// The keys and certificates of a PFX, in its order.
#[derive(Default)]
pub(super) struct Found {
    pub(super) keys: Vec<PrivateKey>,
    pub(super) certificates: Vec<X509>,
    /// Why part of the file is missing here.
    pub(super) failure: Option<Error>,
}

/// Reads a PFX in BER or DER.
pub(super) fn read(bytes: &[u8], password: &str) -> Result<Found> {
    let not_one = || malformed("the file is not a PFX, or is damaged or cut off");
    let der = to_der(bytes).ok_or_else(not_one)?;
    let pfx = Pfx::from_der(&der).map_err(|source| not_one().with_source(source))?;
    if pfx.auth_safe.content_type == ID_SIGNED_DATA {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "the PFX is protected by a signature instead of a password: export it again with a password",
        ));
    }
    let content = pfx.auth_safe.data()?;
    let safes = read_safes(content)?;
    let mac = pfx.mac.as_ref().map(Mac::read).transpose()?;

    // Windows writes an empty password in both ways without telling which.
    let candidates = match password {
        "" => vec![Password::none(), Password::new("")],
        password => vec![Password::new(password)],
    };
    let mut work = Work::new("the PFX");
    if let Some(mac) = &mac {
        mac.check_memory()?;
    }
    let mut opening = 0_u64;
    for scheme in safes.iter().flat_map(Safe::schemes) {
        scheme.check_memory()?;
        opening = opening.saturating_add(scheme.cost());
    }
    // With a check value only the candidate that fits it opens the file; without one, each may have to.
    let tries = candidates.len() as u64;
    work.take(match &mac {
        Some(mac) => mac.cost().saturating_mul(tries).saturating_add(opening),
        None => opening.saturating_mul(tries),
    })?;

    let Some(mac) = mac else {
        let mut opened = Opened::default();
        for candidate in &candidates {
            opened = open(&safes, candidate, &mut work)?;
            if opened.failure.is_none() || opened.decrypted {
                break;
            }
        }
        return Ok(opened.found(password, "the password of the PFX is wrong (or the file is damaged)"));
    };
    for candidate in &candidates {
        if mac.fits(content, candidate)? {
            let opened = open(&safes, candidate, &mut work)?;
            let other = "the password is that of the PFX, but a part of it has another (or is damaged)";
            return Ok(opened.found(password, other));
        }
    }
    for (at, candidate) in candidates.iter().enumerate() {
        // The first is counted. To tell damage by a second one is not worth more than what is left.
        if at > 0 && work.take(opening).is_err() {
            break;
        }
        if open(&safes, candidate, &mut work)?.decrypted {
            return Err(malformed(
                "the PFX is damaged: the password opens it, but its check value does not fit",
            ));
        }
    }
    Err(wrong_password("the password of the PFX is wrong (or the file is damaged)", password))
}

#[derive(Sequence)]
struct Pfx<'a> {
    _version: u8,
    auth_safe: ContentInfo<'a>,
    #[asn1(optional = "true")]
    mac: Option<MacData<'a>>,
}

/// RFC 2315 §7.
#[derive(Sequence)]
struct ContentInfo<'a> {
    content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    content: Option<AnyRef<'a>>,
}

impl<'a> ContentInfo<'a> {
    fn data(&self) -> Result<&'a [u8]> {
        match self.content {
            Some(content) if self.content_type == ID_DATA && content.tag() == Tag::OctetString => {
                Ok(content.value())
            }
            _ => Err(damaged()),
        }
    }
}

#[derive(Sequence)]
struct EncryptedData<'a> {
    _version: u8,
    content: EncryptedContentInfo<'a>,
    #[asn1(optional = "true")]
    _attributes: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct EncryptedContentInfo<'a> {
    _content_type: ObjectIdentifier,
    algorithm: AlgorithmIdentifier<'a>,
    content: AnyRef<'a>,
}

#[derive(Sequence)]
struct SafeBag<'a> {
    id: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    value: AnyRef<'a>,
    #[asn1(optional = "true")]
    _attributes: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct CertBag<'a> {
    id: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    value: AnyRef<'a>,
}

/// One element of the AuthenticatedSafe.
enum Safe {
    /// SafeContents in DER.
    Plain { contents: Zeroizing<Vec<u8>> },
    /// The algorithm, and the encrypted data.
    Encrypted { algorithm: Vec<u8>, data: Zeroizing<Vec<u8>> },
}

fn read_safes(content: &[u8]) -> Result<Vec<Safe>> {
    use der::Encode;
    let der = to_der(content).ok_or_else(damaged)?;
    let all = AnyRef::from_der(&der).map_err(damaged_by)?;
    let mut safes = Vec::new();
    for any in elements(&all).map_err(damaged_by)? {
        let info: ContentInfo<'_> = any.decode_as().map_err(damaged_by)?;
        safes.push(match (info.content_type, info.content) {
            (ID_ENCRYPTED_DATA, Some(content)) => {
                let EncryptedContentInfo { algorithm, content, .. } =
                    content.decode_as::<EncryptedData<'_>>().map_err(damaged_by)?.content;
                Safe::Encrypted {
                    algorithm: algorithm.to_der().map_err(damaged_by)?,
                    data: implicit_octets(&content).ok_or_else(damaged)?,
                }
            }
            (ID_ENVELOPED_DATA, _) => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "the PFX is encrypted to a certificate instead of a password: export it again with a password",
                ));
            }
            _ => {
                let contents = to_der(info.data()?).ok_or_else(damaged)?;
                bags(&contents)?;
                Safe::Plain { contents }
            }
        });
    }
    Ok(safes)
}

impl Safe {
    /// Returns the schemes that are visible before anything is decrypted. One that cannot be read costs nothing,
    /// because it is not computed.
    fn schemes(&self) -> Vec<Scheme<'_>> {
        match self {
            Self::Plain { contents } => schemes(&bags(contents).unwrap_or_default()),
            Self::Encrypted { algorithm, .. } => scheme(algorithm).into_iter().collect(),
        }
    }
}

fn scheme(algorithm: &[u8]) -> Result<Scheme<'_>> {
    Scheme::read(&AlgorithmIdentifier::from_der(algorithm).map_err(damaged_by)?)
}

/// The useful content of a safe.
enum Bag<'a> {
    Key(Zeroizing<Vec<u8>>),
    EncryptedKey(Encrypted<'a>),
    Certificate(&'a [u8]),
}

fn bags(contents: &[u8]) -> Result<Vec<Bag<'_>>> {
    let mut found = Vec::new();
    collect_bags(&AnyRef::from_der(contents).map_err(damaged_by)?, MAX_NESTED, &mut found)?;
    Ok(found)
}

fn collect_bags<'a>(contents: &AnyRef<'a>, depth: usize, found: &mut Vec<Bag<'a>>) -> Result<()> {
    use der::Encode;
    if contents.tag() != Tag::Sequence || depth == 0 {
        return Err(damaged());
    }
    for any in elements(contents).map_err(damaged_by)? {
        let SafeBag { id, value, .. } = any.decode_as().map_err(damaged_by)?;
        match id {
            ID_KEY_BAG => found.push(Bag::Key(Zeroizing::new(value.to_der().map_err(damaged_by)?))),
            ID_SHROUDED_KEY_BAG => {
                found.push(Bag::EncryptedKey(value.decode_as().map_err(damaged_by)?));
            }
            ID_CERT_BAG => {
                let certificate: CertBag<'_> = value.decode_as().map_err(damaged_by)?;
                if certificate.id == ID_X509_CERTIFICATE && certificate.value.tag() == Tag::OctetString {
                    found.push(Bag::Certificate(certificate.value.value()));
                }
            }
            ID_SAFE_CONTENTS_BAG => collect_bags(&value, depth - 1, found)?,
            // Revocation lists and secrets.
            _ => {}
        }
    }
    Ok(())
}

fn schemes<'a>(bags: &[Bag<'a>]) -> Vec<Scheme<'a>> {
    let of = |bag: &Bag<'a>| match bag {
        Bag::EncryptedKey(key) => Scheme::read(&key.algorithm).ok(),
        _ => None,
    };
    bags.iter().filter_map(of).collect()
}

#[derive(Default)]
struct Opened {
    found: Found,
    /// Something decrypted sensibly, so the password is right.
    decrypted: bool,
    failure: Option<Failure>,
}

impl Opened {
    fn found(self, password: &str, wrong: &str) -> Found {
        let failure = self.failure.map(|failure| match failure {
            Failure::Password => wrong_password(wrong, password),
            Failure::Error(error) => error,
        });
        Found { failure, ..self.found }
    }

    fn fail(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
    }

    fn add(&mut self, bag: Bag<'_>, password: &Password<'_>) -> Result<()> {
        if self.found.keys.len() >= MAX_KEYS {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("the PFX holds more than {MAX_KEYS} private keys"),
            ));
        }
        let key = match bag {
            Bag::Certificate(der) => {
                match X509::from_der(der) {
                    Ok(certificate) => self.found.certificates.push(certificate),
                    Err(source) => self.fail(Failure::Error(
                        malformed("a certificate in the PFX is damaged").with_source(source),
                    )),
                }
                return Ok(());
            }
            Bag::Key(der) => private_key(&der),
            Bag::EncryptedKey(key) => {
                let key = key.open(password);
                self.decrypted |= key.is_ok();
                key
            }
        };
        match key {
            Ok(key) => self.found.keys.push(key),
            Err(failure) => self.fail(failure),
        }
        Ok(())
    }
}

/// Opens everything that the password opens. Fails only if the work is too much.
fn open(safes: &[Safe], password: &Password<'_>, work: &mut Work) -> Result<Opened> {
    let mut opened = Opened::default();
    for safe in safes {
        let decrypted;
        let contents = match safe {
            Safe::Plain { contents } => contents,
            Safe::Encrypted { algorithm, data } => {
                let plain = scheme(algorithm)
                    .map_err(Failure::Error)
                    .and_then(|scheme| scheme.decrypt(data, password))
                    // Only the padding shows a wrong password, and it may be right by chance.
                    .and_then(|plain| {
                        to_der(&plain).filter(|der| bags(der).is_ok()).ok_or(Failure::Password)
                    });
                match plain {
                    Ok(contents) => decrypted = contents,
                    Err(failure) => {
                        opened.fail(failure);
                        continue;
                    }
                }
                opened.decrypted = true;
                let hidden = bags(&decrypted)?;
                for scheme in schemes(&hidden) {
                    scheme.check_memory()?;
                }
                let cost = |scheme: &Scheme<'_>| scheme.cost();
                work.take(schemes(&hidden).iter().map(cost).fold(0, u64::saturating_add))?;
                &decrypted
            }
        };
        for bag in bags(contents)? {
            opened.add(bag, password)?;
        }
    }
    Ok(opened)
}

#[cold]
fn malformed(message: &'static str) -> Error {
    Error::new(ErrorKind::Malformed, message)
}

#[cold]
fn damaged() -> Error {
    malformed("the PFX is damaged or cut off")
}

#[cold]
fn damaged_by(source: der::Error) -> Error {
    damaged().with_source(source)
}

/// How deep safes may be nested.
const MAX_NESTED: usize = 4;

const ID_SIGNED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.2");
const ID_ENCRYPTED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.6");
const ID_KEY_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.1");
const ID_SHROUDED_KEY_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.2");
const ID_CERT_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.3");
const ID_SAFE_CONTENTS_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.6");
const ID_X509_CERTIFICATE: ObjectIdentifier = oid("1.2.840.113549.1.9.22.1");
