//! RecipientInfo: the content key, wrapped for one certificate.

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Reader, Sequence, SliceReader, Tag, TagNumber, Tagged};
use openssl::ec::EcGroupRef;
use openssl::pkey::Id;
use zeroize::Zeroizing;

use crate::{Error, ErrorKind, Result};

use super::asn1::{AlgorithmIdentifier, ID_EC_PUBLIC_KEY, ID_MGF1, ID_SHA256, malformed, oid, unsupported};
use super::cipher::{ContentKey, KEY_LEN, damaged};
use super::internal;
use super::key::{Kind, PrivateKey, PublicKey};
use super::ml_kem::Encapsulated;
use super::name::IssuerAndSerial;
use super::wrap::{AES256_WRAP, agree_for, derive_kek, derive_kek_of_kem, oaep_encrypt, unwrap, wrap};

use self::kem::Kem;

mod kem;

/// One element of the RecipientInfos, if its kind is known.
pub(super) enum Recipient<'a> {
    /// RSA (RFC 5652 §6.2.1).
    KeyTrans(KeyTrans<'a>),
    /// Elliptic curves (RFC 5652 §6.2.2, RFC 5753).
    KeyAgree(KeyAgree<'a>),
    /// ML-KEM (RFC 9629, RFC 9936).
    Kem(Kem<'a>),
    /// Unsupported: a password, a key-encryption key, a kind of somebody's own.
    Other,
}

#[derive(Sequence)]
pub(super) struct KeyTrans<'a> {
    version: u8,
    recipient: AnyRef<'a>,
    algorithm: AlgorithmIdentifier<'a>,
    encrypted_key: &'a OctetStringRef,
}

#[derive(Sequence)]
pub(super) struct KeyAgree<'a> {
    version: u8,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    originator: AnyRef<'a>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    user_key_material: Option<&'a OctetStringRef>,
    algorithm: AlgorithmIdentifier<'a>,
    encrypted_keys: Vec<RecipientEncryptedKey<'a>>,
}

#[derive(Sequence)]
struct RecipientEncryptedKey<'a> {
    recipient: AnyRef<'a>,
    encrypted_key: &'a OctetStringRef,
}

#[derive(Sequence)]
struct OriginatorPublicKey<'a> {
    algorithm: AlgorithmIdentifier<'a>,
    public_key: BitStringRef<'a>,
}

/// RFC 4055 §4.1.
#[derive(Sequence)]
struct OaepParameters<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    hash: Option<AlgorithmIdentifier<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    mask: Option<AlgorithmIdentifier<'a>>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    label: Option<AlgorithmIdentifier<'a>>,
}

impl<'a> Recipient<'a> {
    /// Reads the SET of a message, whose length has been checked.
    pub(super) fn parse_all(set: &'a [u8]) -> Result<Vec<Self>> {
        let set = AnyRef::from_der(set).map_err(malformed("RecipientInfos"))?;
        let mut reader = SliceReader::new(set.value()).map_err(malformed("RecipientInfos"))?;
        let mut recipients = Vec::new();
        let mut keys = 0;
        while !reader.is_finished() {
            let any: AnyRef<'a> = reader.decode().map_err(malformed("RecipientInfos"))?;
            let recipient = match any.tag() {
                Tag::Sequence => Self::KeyTrans(any.decode_as().map_err(malformed("RecipientInfo"))?),
                KEY_AGREE => {
                    let sequence =
                        AnyRef::new(Tag::Sequence, any.value()).map_err(malformed("RecipientInfo"))?;
                    Self::KeyAgree(sequence.decode_as().map_err(malformed("RecipientInfo"))?)
                }
                OTHER => Kem::read(&any)?.map_or(Self::Other, Self::Kem),
                Tag::ContextSpecific { constructed: true, .. } => Self::Other,
                tag => {
                    let message = format!("the message has {tag} where a RecipientInfo belongs");
                    return Err(Error::new(ErrorKind::Malformed, message));
                }
            };
            keys += match &recipient {
                Self::KeyAgree(agree) => agree.encrypted_keys.len().max(1),
                _ => 1,
            };
            if keys > MAX_RECIPIENTS {
                return Err(Error::new(
                    ErrorKind::LimitExceeded,
                    format!("the message has more than {MAX_RECIPIENTS} recipients"),
                ));
            }
            recipients.push(recipient);
        }
        if recipients.is_empty() {
            return Err(Error::new(ErrorKind::Malformed, "the message has no recipients"));
        }
        Ok(recipients)
    }

    /// Returns the certificates that it names by issuer and serial number.
    pub(super) fn identities(&self) -> Vec<IssuerAndSerial<'a>> {
        match self {
            Self::KeyTrans(trans) => identity(&trans.recipient).into_iter().collect(),
            Self::Kem(kem) => identity(kem.recipient()).into_iter().collect(),
            Self::KeyAgree(agree) => {
                agree.encrypted_keys.iter().filter_map(|key| identity(&key.recipient)).collect()
            }
            Self::Other => Vec::new(),
        }
    }

    /// Unwraps the content key for this certificate or, without one, for whichever certificate has a key of that kind.
    /// `None` if this is not for it.
    pub(super) fn unwrap(
        &self,
        wanted: Option<&IssuerAndSerial<'_>>,
        key: &PrivateKey,
    ) -> Option<Result<ContentKey>> {
        let is_meant = |recipient: &AnyRef<'_>| match (identity(recipient), wanted) {
            (Some(named), Some(wanted)) => named == *wanted,
            (named, _) => wanted.is_none() && named.is_some(),
        };
        match self {
            Self::KeyTrans(trans) if is_meant(&trans.recipient) => {
                (wanted.is_some() || key.kind() == Kind::Rsa).then(|| trans.unwrap(key))
            }
            Self::Kem(kem) if is_meant(kem.recipient()) => {
                (wanted.is_some() || matches!(key.kind(), Kind::MlKem(_))).then(|| kem.unwrap(key))
            }
            Self::KeyAgree(agree) if wanted.is_some() || key.kind() == Kind::Ec => {
                agree.unwrap_any(|mine| is_meant(&mine.recipient), key)
            }
            _ => None,
        }
    }
}

/// Wraps the content key for one certificate, as a whole RecipientInfo in DER.
pub(super) fn wrap_for(recipient: &[u8], public: &PublicKey, key: &ContentKey) -> Result<Vec<u8>> {
    let encode = |source: der::Error| {
        Error::new(ErrorKind::Internal, "the RecipientInfo does not encode").with_source(source)
    };
    let recipient = AnyRef::from_der(recipient).map_err(encode)?;
    match public {
        PublicKey::OpenSsl(public) if public.id() == Id::RSA => {
            let encrypted =
                oaep_encrypt(public, key.as_bytes()).map_err(internal("encrypt the content key"))?;
            key_trans(recipient, &encrypted).map_err(encode)
        }
        PublicKey::MlKem(public) => {
            let Encapsulated { ciphertext, secret } =
                public.encapsulate().map_err(internal("encapsulate a key"))?;
            let kek = derive_kek_of_kem(&*secret, None)?;
            let wrapped = wrap(&kek, key)?;
            kem::write(recipient, public.strength(), &ciphertext, &wrapped).map_err(encode)
        }
        PublicKey::OpenSsl(public) => {
            let agreed = agree_for(public).map_err(internal("agree on a key"))?;
            let kek = derive_kek(&agreed.secret, None)?;
            let wrapped = wrap(&kek, key)?;
            key_agree(recipient, &agreed.point, &wrapped).map_err(encode)
        }
    }
}

fn key_trans(recipient: AnyRef<'_>, encrypted_key: &[u8]) -> der::Result<Vec<u8>> {
    let sha256 = AlgorithmIdentifier { algorithm: ID_SHA256, parameters: None };
    let sha256_der = sha256.to_der()?;
    let parameters = OaepParameters {
        hash: Some(sha256),
        mask: Some(AlgorithmIdentifier {
            algorithm: ID_MGF1,
            parameters: Some(AnyRef::from_der(&sha256_der)?),
        }),
        label: None,
    }
    .to_der()?;
    KeyTrans {
        version: 0,
        recipient,
        algorithm: AlgorithmIdentifier {
            algorithm: ID_RSAES_OAEP,
            parameters: Some(AnyRef::from_der(&parameters)?),
        },
        encrypted_key: OctetStringRef::new(encrypted_key)?,
    }
    .to_der()
}

pub(super) fn key_agree(recipient: AnyRef<'_>, point: &[u8], wrapped: &[u8]) -> der::Result<Vec<u8>> {
    let originator = OriginatorPublicKey {
        algorithm: AlgorithmIdentifier { algorithm: ID_EC_PUBLIC_KEY, parameters: None },
        public_key: BitStringRef::from_bytes(point)?,
    }
    .to_der()?;
    let originator = AnyRef::new(KEY_AGREE, AnyRef::from_der(&originator)?.value())?;
    let wrap_algorithm = AES256_WRAP.to_der()?;
    let agree = KeyAgree {
        version: 3,
        originator,
        user_key_material: None,
        algorithm: AlgorithmIdentifier {
            algorithm: ID_STD_DH_SHA256_KDF,
            parameters: Some(AnyRef::from_der(&wrap_algorithm)?),
        },
        encrypted_keys: vec![RecipientEncryptedKey {
            recipient,
            encrypted_key: OctetStringRef::new(wrapped)?,
        }],
    }
    .to_der()?;
    AnyRef::new(KEY_AGREE, AnyRef::from_der(&agree)?.value())?.to_der()
}

impl KeyTrans<'_> {
    fn unwrap(&self, key: &PrivateKey) -> Result<ContentKey> {
        if self.version != 0 {
            return Err(Error::new(
                ErrorKind::Malformed,
                "the message's KeyTransRecipientInfo is not of version 0",
            ));
        }
        self.check_algorithm()?;
        if key.kind() != Kind::Rsa {
            return Err(damaged());
        }
        let content_key = key.decrypt(self.encrypted_key.as_bytes())?;
        ContentKey::from_slice(&content_key).ok_or_else(damaged)
    }

    /// Accepts OAEP with SHA-256 for both hashes and no label; refuses PKCS #1 v1.5 and SHA-1.
    fn check_algorithm(&self) -> Result<()> {
        if self.algorithm.algorithm != ID_RSAES_OAEP {
            return Err(unsupported(format!(
                "the content key is wrapped by algorithm {}: only RSA-OAEP with SHA-256 is read",
                self.algorithm.algorithm
            )));
        }
        let sha1 =
            || unsupported("the content key is wrapped by RSA-OAEP without SHA-256: only SHA-256 is read");
        let parameters = self.algorithm.parameters.ok_or_else(sha1)?;
        let oaep: OaepParameters<'_> = parameters.decode_as().map_err(malformed("RSA-OAEP parameters"))?;
        let mask = oaep.mask.ok_or_else(sha1)?;
        let mask_hash = match mask.parameters {
            Some(hash) if mask.algorithm == ID_MGF1 => {
                hash.decode_as().map_err(malformed("RSA-OAEP parameters"))?
            }
            _ => return Err(sha1()),
        };
        if !is_sha256(&oaep.hash.ok_or_else(sha1)?) || !is_sha256(&mask_hash) {
            return Err(sha1());
        }
        let empty = AnyRef::new(Tag::OctetString, &[]).map_err(malformed("RSA-OAEP parameters"))?;
        match oaep.label {
            None => Ok(()),
            Some(label) if label.algorithm == ID_P_SPECIFIED && label.parameters == Some(empty) => Ok(()),
            Some(_) => Err(unsupported("the content key is wrapped by RSA-OAEP with a label")),
        }
    }
}

impl KeyAgree<'_> {
    /// Tries all matching keys, with one agreement for all of them; `None` if there are none.
    fn unwrap_any(
        &self,
        is_meant: impl Fn(&RecipientEncryptedKey<'_>) -> bool,
        key: &PrivateKey,
    ) -> Option<Result<ContentKey>> {
        let mut meant = self.encrypted_keys.iter().filter(|key| is_meant(key)).peekable();
        meant.peek()?;
        let unwrapped = self.key_encryption_key(key).and_then(|kek| {
            meant.find_map(|key| unwrap(&kek, key.encrypted_key.as_bytes())).ok_or_else(damaged)
        });
        Some(unwrapped)
    }

    fn key_encryption_key(&self, key: &PrivateKey) -> Result<Zeroizing<[u8; KEY_LEN]>> {
        if self.version != 3 {
            return Err(Error::new(
                ErrorKind::Malformed,
                "the message's KeyAgreeRecipientInfo is not of version 3",
            ));
        }
        let wrap_algorithm = match self.algorithm.parameters {
            Some(parameters) if self.algorithm.algorithm == ID_STD_DH_SHA256_KDF => parameters.to_der().ok(),
            _ => None,
        };
        if wrap_algorithm != AES256_WRAP.to_der().ok() {
            return Err(unsupported(
                "the content key is wrapped otherwise than by ECDH with SHA-256 and AES-256 key wrap",
            ));
        }
        if self.originator.tag() != KEY_AGREE {
            return Err(unsupported("the message's originator is not an ephemeral key"));
        }
        let originator =
            AnyRef::new(Tag::Sequence, self.originator.value()).map_err(malformed("originator key"))?;
        let originator: OriginatorPublicKey<'_> =
            originator.decode_as().map_err(malformed("originator key"))?;
        let point = originator.public_key.raw_bytes();
        let secret = key.agree(point, |group| check_originator(&originator, group))?;
        derive_kek(&secret, self.user_key_material)
    }
}

fn check_originator(originator: &OriginatorPublicKey<'_>, group: &EcGroupRef) -> Result<()> {
    let parameters_fit = match originator.algorithm.parameters {
        None => true,
        Some(parameters) => parameters.is_null() || Some(parameters.value()) == curve_oid(group).as_deref(),
    };
    if originator.algorithm.algorithm != ID_EC_PUBLIC_KEY || !parameters_fit {
        return Err(unsupported("the message's originator key is not on the certificate's curve"));
    }
    let point = originator.public_key.raw_bytes();
    let uncompressed = 1 + 2 * (group.degree() as usize).div_ceil(8);
    if originator.public_key.has_unused_bits() || point.first() != Some(&4) || point.len() != uncompressed {
        return Err(Error::new(
            ErrorKind::Malformed,
            "the message's originator key is not an uncompressed point",
        ));
    }
    Ok(())
}

fn curve_oid(group: &EcGroupRef) -> Option<Vec<u8>> {
    let text = match group.curve_name()? {
        openssl::nid::Nid::X9_62_PRIME256V1 => "1.2.840.10045.3.1.7",
        openssl::nid::Nid::SECP384R1 => "1.3.132.0.34",
        openssl::nid::Nid::SECP521R1 => "1.3.132.0.35",
        _ => return None,
    };
    Some(oid(text).as_bytes().to_vec())
}

fn identity<'a>(recipient: &AnyRef<'a>) -> Option<IssuerAndSerial<'a>> {
    recipient.decode_as().ok()
}

fn is_sha256(algorithm: &AlgorithmIdentifier<'_>) -> bool {
    // RFC 4055 §2.1: absent or NULL; a reader must accept both.
    algorithm.algorithm == ID_SHA256 && algorithm.parameters.is_none_or(AnyRef::is_null)
}

const KEY_AGREE: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(1) };
/// OtherRecipientInfo.
const OTHER: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(4) };

/// Most recipients to read from a message; far more than any rotation or escrow needs.
const MAX_RECIPIENTS: usize = 64;

const ID_P_SPECIFIED: ObjectIdentifier = oid("1.2.840.113549.1.1.9");
const ID_RSAES_OAEP: ObjectIdentifier = oid("1.2.840.113549.1.1.7");
/// dhSinglePass-stdDH-sha256kdf-scheme.
const ID_STD_DH_SHA256_KDF: ObjectIdentifier = oid("1.3.132.1.11.1");

#[cfg(test)]
mod tests;
