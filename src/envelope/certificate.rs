//! The facts of a certificate, whether it is fit to encrypt, and the CER.

use std::fmt;

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Reader, Sequence, SliceReader, Tag, TagNumber, Tagged};
use jiff::Timestamp;
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::ec::Asn1Flag;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKeyRef, Public};
use openssl::x509::{X509, X509KeyUsage, X509Ref};
use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result};

use super::asn1::oid;
use super::input::Contents;
use super::internal;
use super::key::{Kind, PublicKey};
use super::ml_kem::{self, SubjectPublicKeyInfo, is_ml_kem};
use super::name::{IssuerAndSerial, hex_upper, name_text, subject_public_key_info};
use super::store::Stored;

/// What a certificate says about itself. Nothing of it is verified: backups trust a certificate because the operator
/// chose it, as in Azure Stack Hub.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CertificateFacts {
    /// Its subject, as Windows prints it: `CN=backup, O=Contoso`.
    pub subject: String,
    /// Its issuer.
    pub issuer: String,
    /// The serial number in upper-case hex.
    pub serial: String,
    /// SHA-1 of the certificate in upper-case hex: the thumbprint that Windows and Azure Stack Hub show.
    pub sha1_thumbprint: String,
    /// SHA-256 of the certificate in upper-case hex.
    pub sha256_thumbprint: String,
    /// The first second of its validity.
    pub not_before: Timestamp,
    /// The last second of its validity; the end of the calendar if it never expires.
    pub not_after: Timestamp,
    /// The key.
    pub key: KeyFacts,
}

/// The type and size of a key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct KeyFacts {
    /// `RSA`, `EC P-256`, `EC P-384`, `EC P-521`, `ML-KEM-768` or `ML-KEM-1024`.
    pub algorithm: String,
    /// Size of the modulus, or of the curve's field, in bits; the number in the name of ML-KEM.
    pub bits: u32,
}

impl KeyFacts {
    /// Whether it is of ML-KEM, which no quantum computer is known to break.
    ///
    /// A message or a set stays closed to one only if this holds for *all* certificates that it is sealed to: each opens it
    /// alone.
    #[must_use]
    pub fn is_post_quantum(&self) -> bool {
        self.algorithm.starts_with("ML-KEM-")
    }
}

/// A public certificate that backups are sealed to: the CER.
#[derive(Clone)]
pub struct EncryptionCertificate(Certificate);

impl EncryptionCertificate {
    /// Reads a CER: DER or PEM, also with a byte-order mark, in UTF-16, indented or as bare Base64, or a PKCS #7 bundle
    /// with one certificate that is not a certification authority's.
    ///
    /// Fails with [`ErrorKind::CertificateUnsuitable`] if the key is too short or of another kind, if its key usage
    /// forbids this, or if the file contains a private key. It does not check validity: call
    /// [`check_validity`](Self::check_validity).
    pub fn from_cer(bytes: &[u8]) -> Result<Self> {
        let certificate = Certificate::from_cer(
            bytes,
            "the file carries a private key: a backing-up host must never hold one; export the certificate alone",
        )?;
        certificate.check_key_usage()?;
        Ok(Self(certificate))
    }

    /// Takes a certificate that the system keeps, without its key.
    pub(super) fn from_stored(stored: Stored) -> Result<Self> {
        let certificate = Certificate::new(stored.x509)?;
        certificate.check_key_usage()?;
        Ok(Self(certificate))
    }

    pub(super) fn from_certificate(certificate: Certificate) -> Self {
        Self(certificate)
    }

    /// Returns what the certificate says about itself.
    #[must_use]
    pub fn facts(&self) -> &CertificateFacts {
        &self.0.facts
    }

    /// Fails with [`ErrorKind::CertificateExpired`] unless the certificate is valid at that time.
    pub fn check_validity(&self, at: Timestamp) -> Result<()> {
        self.0.check_validity(at)
    }

    /// Returns the certificate in DER, as in a CER file.
    pub fn to_der(&self) -> Result<Vec<u8>> {
        self.0.to_der()
    }

    pub(super) fn certificate(&self) -> &Certificate {
        &self.0
    }
}

impl fmt::Debug for EncryptionCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EncryptionCertificate").field(self.facts()).finish()
    }
}

/// What certificates with and without a private key have in common.
#[derive(Clone)]
pub(crate) struct Certificate {
    pub(super) x509: X509,
    pub(crate) facts: CertificateFacts,
    public_key: PublicKey,
    /// RFC 5652's IssuerAndSerialNumber in DER.
    issuer_and_serial: Vec<u8>,
}

impl Certificate {
    /// Reads a CER, whatever its key is for. `with_key` says what is wrong with a file that contains a private key.
    pub(crate) fn from_cer(bytes: &[u8], with_key: &'static str) -> Result<Self> {
        let contents = Contents::of(bytes)?;
        if contents.has_private_key {
            return Err(unsuitable(with_key));
        }
        Self::new(choose(contents.certificates)?)
    }

    /// Accepts any certificate with a key that messages can be sealed to, or signed with.
    pub(crate) fn new(x509: X509) -> Result<Self> {
        let der = x509.to_der().map_err(internal("encode a certificate"))?;
        let not_der = |source: der::Error| {
            Error::new(ErrorKind::Malformed, "the certificate is not DER").with_source(source)
        };
        let identity = IssuerAndSerial::of_certificate(&der).map_err(not_der)?;
        let public_key = public_key_of(&x509)?;
        let digest = |kind| -> Result<String> {
            Ok(hex_upper(&x509.digest(kind).map_err(internal("hash a certificate"))?))
        };
        let facts = CertificateFacts {
            subject: name_text(&x509.subject_name().to_der().map_err(internal("encode a name"))?),
            issuer: identity.issuer_text(),
            serial: identity.serial_text(),
            sha1_thumbprint: digest(MessageDigest::sha1())?,
            sha256_thumbprint: digest(MessageDigest::sha256())?,
            not_before: timestamp(x509.not_before())?,
            not_after: timestamp(x509.not_after())?,
            key: key_facts(&public_key)?,
        };
        let issuer_and_serial = identity.to_der().map_err(not_der)?;
        Ok(Self { x509, facts, public_key, issuer_and_serial })
    }

    /// Checks that the key usage, if the certificate states one, allows what a recipient's key is for (RFC 5280
    /// §4.2.1.3).
    pub(super) fn check_key_usage(&self) -> Result<()> {
        let (needed, name) = match self.public_key.kind() {
            // RFC 9935 §5 for the second.
            Kind::Rsa | Kind::MlKem(_) => (X509KeyUsage::KEY_ENCIPHERMENT, "keyEncipherment"),
            Kind::Ec => (X509KeyUsage::KEY_AGREEMENT, "keyAgreement"),
        };
        self.check_usage(needed, "encryption", name)
    }

    /// Checks that the key can sign, and that the key usage, if the certificate states one, allows it.
    pub(crate) fn check_signing_usage(&self) -> Result<()> {
        if self.openssl_key().is_none() {
            return Err(unsuitable(format!(
                "the certificate {} is not for signatures: its key is {}, which only encrypts",
                self.facts.sha1_thumbprint, self.facts.key.algorithm
            )));
        }
        self.check_usage(X509KeyUsage::DIGITAL_SIGNATURE, "signatures", "digitalSignature")
    }

    fn check_usage(&self, needed: X509KeyUsage, purpose: &str, name: &str) -> Result<()> {
        match self.x509.key_usage() {
            Some(usage) if !usage.contains(needed) => Err(unsuitable(format!(
                "the certificate {} is not for {purpose}: its key usage lacks {name}",
                self.facts.sha1_thumbprint
            ))),
            _ => Ok(()),
        }
    }

    /// Fails with [`ErrorKind::CertificateExpired`] unless it is valid at that time.
    pub(crate) fn check_validity(&self, at: Timestamp) -> Result<()> {
        let facts = &self.facts;
        let message = if at < facts.not_before {
            format!("the certificate {} is not valid before {}", facts.sha1_thumbprint, facts.not_before)
        } else if at > facts.not_after {
            format!("the certificate {} expired at {}", facts.sha1_thumbprint, facts.not_after)
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::CertificateExpired, message))
    }

    pub(crate) fn to_der(&self) -> Result<Vec<u8>> {
        self.x509.to_der().map_err(internal("encode a certificate"))
    }

    pub(super) fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The key as OpenSSL takes it; `None` if it is of ML-KEM.
    pub(crate) fn openssl_key(&self) -> Option<&PKeyRef<Public>> {
        self.public_key.openssl()
    }

    /// RFC 5652's IssuerAndSerialNumber in DER.
    pub(crate) fn issuer_and_serial(&self) -> &[u8] {
        &self.issuer_and_serial
    }

    pub(super) fn identity(&self) -> Result<IssuerAndSerial<'_>> {
        IssuerAndSerial::from_der(&self.issuer_and_serial).map_err(|source| {
            Error::new(ErrorKind::Internal, "the certificate's issuer is lost").with_source(source)
        })
    }
}

/// Chooses the one intended certificate of those in a file.
fn choose(certificates: Vec<X509>) -> Result<X509> {
    let count = certificates.len();
    let mut leaves: Vec<X509> = match count {
        0 => return Err(unsuitable("the file holds no certificate")),
        1 => certificates,
        _ => certificates.into_iter().filter(|certificate| !is_authority(certificate)).collect(),
    };
    match leaves.pop() {
        Some(leaf) if leaves.is_empty() => Ok(leaf),
        _ => Err(unsuitable(format!(
            "the file holds {count} certificates, and it is not clear which is meant: export the one alone"
        ))),
    }
}

/// Reads the key, but does not check whether it is fit. Keys of ML-KEM are read without OpenSSL, which knows them only from
/// 3.5 on.
pub(super) fn public_key_of(x509: &X509Ref) -> Result<PublicKey> {
    let der = x509.to_der().map_err(internal("encode a certificate"))?;
    let info = subject_public_key_info(&der).and_then(|info| info.decode_as::<SubjectPublicKeyInfo<'_>>());
    match info {
        Ok(info) if is_ml_kem(&info.algorithm.algorithm) => {
            let key = ml_kem::PublicKey::read(&info);
            key.map(PublicKey::MlKem).ok_or_else(|| {
                unsuitable("the certificate's key is not a sound one of ML-KEM-768 or ML-KEM-1024: take one of these")
            })
        }
        _ => x509.public_key().map(PublicKey::OpenSsl).map_err(|source| {
            unsuitable(format!("the certificate's key is of a kind that is not supported: take {KINDS}"))
                .with_source(source)
        }),
    }
}

fn key_facts(key: &PublicKey) -> Result<KeyFacts> {
    let key = match key {
        PublicKey::OpenSsl(key) => key,
        PublicKey::MlKem(key) => {
            let bits = key.strength().bits();
            return Ok(KeyFacts { algorithm: format!("ML-KEM-{bits}"), bits });
        }
    };
    let bits = key.bits();
    let algorithm = match key.id() {
        Id::RSA => {
            if bits < MIN_RSA_BITS {
                return Err(unsuitable(format!(
                    "the certificate's RSA key has {bits} bits: at least {MIN_RSA_BITS} are needed"
                )));
            }
            if bits > MAX_RSA_BITS {
                return Err(unsuitable(format!(
                    "the certificate's RSA key has {bits} bits: at most {MAX_RSA_BITS}"
                )));
            }
            let rsa = key.rsa().map_err(internal("read an RSA key"))?;
            // An exponent of 1 encrypts nothing.
            if rsa.e().num_bits() < 2 || !rsa.e().is_bit_set(0) || !rsa.n().is_bit_set(0) {
                return Err(unsuitable("the certificate's RSA key is not one"));
            }
            "RSA"
        }
        Id::EC => {
            // Explicit parameters are not a name, even if they are those of a named curve (RFC 5480 §2.1.1).
            let ec = key.ec_key().map_err(internal("read an EC key"))?;
            let named = ec.group().asn1_flag() == Asn1Flag::NAMED_CURVE;
            let curve = ec.group().curve_name().filter(|_| named);
            match curve {
                Some(Nid::X9_62_PRIME256V1) => "EC P-256",
                Some(Nid::SECP384R1) => "EC P-384",
                Some(Nid::SECP521R1) => "EC P-521",
                other => {
                    let name = other.and_then(|nid| nid.short_name().ok()).unwrap_or("without a name");
                    return Err(unsuitable(format!(
                        "the certificate's curve is {name}: take P-256, P-384 or P-521, or RSA"
                    )));
                }
            }
        }
        other => {
            let name = Nid::from_raw(other.as_raw()).short_name().unwrap_or("unknown");
            return Err(unsuitable(format!("the certificate's key is of kind {name}: take {KINDS}")));
        }
    };
    Ok(KeyFacts { algorithm: algorithm.to_owned(), bits })
}

/// Converts a time. RFC 5280's `99991231235959Z`, "never", is later than any [`Timestamp`] and becomes the last one.
fn timestamp(time: &Asn1TimeRef) -> Result<Timestamp> {
    let seconds = Asn1Time::from_unix(0).and_then(|epoch| epoch.diff(time)).map_err(|source| {
        Error::new(ErrorKind::Malformed, "the certificate's validity is not a time").with_source(source)
    })?;
    let seconds = i64::from(seconds.days) * 86_400 + i64::from(seconds.secs);
    let limit = Timestamp::MAX.as_second();
    Timestamp::from_second(seconds.min(limit)).map_err(|source| {
        Error::new(ErrorKind::Malformed, "the certificate's validity is not a time").with_source(source)
    })
}

/// Whether the basic constraints (RFC 5280 §4.2.1.9) mark it as a certification authority's.
fn is_authority(x509: &X509Ref) -> bool {
    #[derive(Sequence)]
    struct Extension<'a> {
        id: ObjectIdentifier,
        #[asn1(default = "Default::default")]
        critical: bool,
        value: &'a OctetStringRef,
    }
    let look = |der: &[u8]| -> der::Result<bool> {
        let certificate = AnyRef::from_der(der)?;
        let tbs: AnyRef<'_> = SliceReader::new(certificate.value())?.decode()?;
        let mut fields = SliceReader::new(tbs.value())?;
        while !fields.is_finished() {
            let field: AnyRef<'_> = fields.decode()?;
            if field.tag() != EXTENSIONS {
                continue;
            }
            for extension in Vec::<Extension<'_>>::from_der(field.value())? {
                if extension.id == ID_BASIC_CONSTRAINTS {
                    let constraints = AnyRef::from_der(extension.value.as_bytes())?;
                    // cA is BOOLEAN DEFAULT FALSE, so it comes first or not at all.
                    return Ok(constraints.value().starts_with(&[1, 1, 0xff]));
                }
            }
        }
        Ok(false)
    };
    x509.to_der().is_ok_and(|der| look(&der).unwrap_or(false))
}

pub(crate) fn unsuitable(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::CertificateUnsuitable, message)
}

const KINDS: &str = "RSA, P-256, P-384, P-521, ML-KEM-768 or ML-KEM-1024";
const MIN_RSA_BITS: u32 = 2048;
/// OpenSSL's own limit; the time of a private-key operation grows with the third power.
const MAX_RSA_BITS: u32 = 16_384;
const EXTENSIONS: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(3) };
const ID_BASIC_CONSTRAINTS: ObjectIdentifier = oid("2.5.29.19");
