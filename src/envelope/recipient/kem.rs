//! KEMRecipientInfo: the content key, wrapped with a secret that was encapsulated by ML-KEM (RFC 9629, RFC 9936).

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Sequence, Tag};
use zeroize::Zeroizing;

use crate::envelope::asn1::{AlgorithmIdentifier, malformed, oid, unsupported};
use crate::envelope::cipher::{ContentKey, KEY_LEN, damaged};
use crate::envelope::key::{Kind, PrivateKey};
use crate::envelope::ml_kem::Strength;
use crate::envelope::wrap::{AES256_WRAP, derive_kek_of_kem, unwrap};
use crate::{Error, ErrorKind, Result};

use super::OTHER;

/// RFC 5652 §6.2.5.
#[derive(Sequence)]
struct Other<'a> {
    kind: ObjectIdentifier,
    value: AnyRef<'a>,
}

/// RFC 9629 §3.
#[derive(Sequence)]
pub(in crate::envelope) struct Kem<'a> {
    version: u8,
    recipient: AnyRef<'a>,
    algorithm: AlgorithmIdentifier<'a>,
    ciphertext: &'a OctetStringRef,
    derivation: AlgorithmIdentifier<'a>,
    kek_length: u16,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    user_key_material: Option<&'a OctetStringRef>,
    wrap: AlgorithmIdentifier<'a>,
    encrypted_key: &'a OctetStringRef,
}

impl<'a> Kem<'a> {
    /// Reads an OtherRecipientInfo; `None` if it is of another kind.
    pub(super) fn read(any: &AnyRef<'a>) -> Result<Option<Self>> {
        let other = AnyRef::new(Tag::Sequence, any.value()).and_then(|any| any.decode_as::<Other<'a>>());
        let other = other.map_err(malformed("OtherRecipientInfo"))?;
        if other.kind != ID_ORI_KEM {
            return Ok(None);
        }
        other.value.decode_as().map(Some).map_err(malformed("KEMRecipientInfo"))
    }

    pub(super) fn recipient(&self) -> &AnyRef<'a> {
        &self.recipient
    }

    pub(super) fn unwrap(&self, key: &PrivateKey) -> Result<ContentKey> {
        let kek = self.key_encryption_key(key)?;
        // A secret for another key, or from a changed ciphertext, is no different until here: FIPS 203 §6.3 rejects
        // implicitly.
        unwrap(&kek, self.encrypted_key.as_bytes()).ok_or_else(damaged)
    }

    fn key_encryption_key(&self, key: &PrivateKey) -> Result<Zeroizing<[u8; KEY_LEN]>> {
        if self.version != 0 {
            let message = "the message's KEMRecipientInfo is not of version 0";
            return Err(Error::new(ErrorKind::Malformed, message));
        }
        let Some(strength) = Strength::of(&self.algorithm) else {
            return Err(unsupported(format!(
                "the content key is encapsulated by algorithm {}: only ML-KEM-768 and ML-KEM-1024 are read",
                self.algorithm.algorithm
            )));
        };
        if self.derivation != HKDF_SHA256 || self.wrap != AES256_WRAP {
            return Err(unsupported(
                "the content key is wrapped otherwise than by ML-KEM with HKDF-SHA256 and AES-256 key wrap",
            ));
        }
        if usize::from(self.kek_length) != KEY_LEN {
            let message = "the message's KEMRecipientInfo has another length than its key wrap";
            return Err(Error::new(ErrorKind::Malformed, message));
        }
        if key.kind() != Kind::MlKem(strength) {
            return Err(damaged());
        }
        let secret = key.decapsulate(self.ciphertext.as_bytes()).ok_or_else(|| {
            let message = "the message's ciphertext of ML-KEM has another length than its algorithm";
            Error::new(ErrorKind::Malformed, message)
        })?;
        derive_kek_of_kem(&*secret, self.user_key_material)
    }
}

pub(super) fn write(
    recipient: AnyRef<'_>,
    strength: Strength,
    ciphertext: &[u8],
    wrapped: &[u8],
) -> der::Result<Vec<u8>> {
    let kem = Kem {
        version: 0,
        recipient,
        algorithm: strength.algorithm(),
        ciphertext: OctetStringRef::new(ciphertext)?,
        derivation: HKDF_SHA256,
        kek_length: KEY_LEN as u16,
        user_key_material: None,
        wrap: AES256_WRAP,
        encrypted_key: OctetStringRef::new(wrapped)?,
    }
    .to_der()?;
    let other = Other { kind: ID_ORI_KEM, value: AnyRef::from_der(&kem)? }.to_der()?;
    AnyRef::new(OTHER, AnyRef::from_der(&other)?.value())?.to_der()
}

/// RFC 8619 §2: without parameters.
const HKDF_SHA256: AlgorithmIdentifier<'static> =
    AlgorithmIdentifier { algorithm: oid("1.2.840.113549.1.9.16.3.28"), parameters: None };

/// RFC 9629 §3.
const ID_ORI_KEM: ObjectIdentifier = oid("1.2.840.113549.1.9.16.13.3");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::ml_kem::{Encapsulated, PrivateKey as MlKem};
    use crate::envelope::wrap::wrap;

    /// RFC 9629 §5: it goes into the derivation. OpenSSL's command writes none, but whoever calls its functions can.
    #[test]
    fn user_key_material_counts() {
        let seed = [&[0x80, 64][..], &[7; 64]].concat();
        let key = MlKem::read(Strength::MlKem768, &seed).unwrap();
        let Encapsulated { ciphertext, secret } = key.public().encapsulate().unwrap();
        let material = |bytes| Some(OctetStringRef::new(bytes).unwrap());
        let content_key = ContentKey::random().unwrap();
        let kek = derive_kek_of_kem(&*secret, material(b"more")).unwrap();
        let wrapped = wrap(&kek, &content_key).unwrap();
        let kem = |user_key_material| Kem {
            version: 0,
            recipient: AnyRef::new(Tag::Sequence, &[]).unwrap(),
            algorithm: Strength::MlKem768.algorithm(),
            ciphertext: OctetStringRef::new(&ciphertext).unwrap(),
            derivation: HKDF_SHA256,
            kek_length: 32,
            user_key_material,
            wrap: AES256_WRAP,
            encrypted_key: OctetStringRef::new(&wrapped).unwrap(),
        };
        let key = PrivateKey::MlKem(key);
        let opened = kem(material(b"more")).unwrap(&key).unwrap();
        assert_eq!(opened.as_bytes(), content_key.as_bytes());
        for other in [None, material(b""), material(b"less")] {
            assert_eq!(kem(other).unwrap(&key).err().unwrap().kind(), ErrorKind::Damaged);
        }
        let der = kem(material(b"more")).to_der().unwrap();
        assert_eq!(Kem::from_der(&der).unwrap().unwrap(&key).unwrap().as_bytes(), content_key.as_bytes());
    }
}
