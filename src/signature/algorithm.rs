//! The two algorithms: RSASSA-PSS and ECDSA, both with SHA-256.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Encode, Sequence};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKeyRef, Private, Public};
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Signer, Verifier};

use super::asn1::{malformed, refused};
use crate::envelope::{AlgorithmIdentifier, ID_MGF1, ID_SHA256, oid};
use crate::error::Result;

/// How a signature was made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Algorithm {
    /// RSASSA-PSS with MGF1, and a salt of this many bytes.
    Pss(u16),
    Ecdsa,
}

impl Algorithm {
    /// The one that is used with a key: every RSA key of 2048 bits has room for a salt as long as the digest.
    pub(super) fn of_key(key: Id) -> Self {
        if key == Id::RSA { Self::Pss(SALT) } else { Self::Ecdsa }
    }

    /// Reads the signatureAlgorithm of a SignerInfo.
    pub(super) fn read(algorithm: &AlgorithmIdentifier<'_>) -> Result<Self> {
        match (algorithm.algorithm, algorithm.parameters) {
            (ID_RSASSA_PSS, Some(parameters)) => {
                let parameters: PssParameters<'_> =
                    parameters.decode_as().map_err(malformed("RSASSA-PSS parameters"))?;
                parameters.salt().map(Self::Pss)
            }
            (ID_ECDSA_SHA256, None) => Ok(Self::Ecdsa),
            (ID_RSA | ID_RSA_SHA256, _) => {
                Err(refused("is RSA by PKCS #1 v1.5: sign with RSASSA-PSS (-keyopt rsa_padding_mode:pss)"))
            }
            (other, _) => Err(refused(format!(
                "was made by algorithm {other}: only RSASSA-PSS and ECDSA with SHA-256 are accepted"
            ))),
        }
    }

    /// The signatureAlgorithm in DER.
    pub(super) fn to_der(self) -> der::Result<Vec<u8>> {
        let Self::Pss(salt) = self else {
            return AlgorithmIdentifier { algorithm: ID_ECDSA_SHA256, parameters: None }.to_der();
        };
        let hash = sha256().to_der()?;
        let mgf = AlgorithmIdentifier { algorithm: ID_MGF1, parameters: Some(AnyRef::from_der(&hash)?) }
            .to_der()?;
        let parameters = PssParameters {
            hash: Some(AnyRef::from_der(&hash)?),
            mgf: Some(AnyRef::from_der(&mgf)?),
            salt,
            trailer: 1,
        }
        .to_der()?;
        let parameters = Some(AnyRef::from_der(&parameters)?);
        AlgorithmIdentifier { algorithm: ID_RSASSA_PSS, parameters }.to_der()
    }

    pub(super) fn sign(self, key: &PKeyRef<Private>, bytes: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let mut signer = Signer::new(MessageDigest::sha256(), key)?;
        if let Self::Pss(salt) = self {
            signer.set_rsa_padding(Padding::PKCS1_PSS)?;
            signer.set_rsa_mgf1_md(MessageDigest::sha256())?;
            signer.set_rsa_pss_saltlen(RsaPssSaltlen::custom(salt.into()))?;
        }
        signer.sign_oneshot_to_vec(bytes)
    }

    /// Whether the signature is one of these bytes by this key.
    pub(super) fn verify(self, key: &PKeyRef<Public>, bytes: &[u8], signature: &[u8]) -> bool {
        let is_for_key = (key.id() == Id::RSA) == matches!(self, Self::Pss(_));
        let verify = || -> Result<bool, ErrorStack> {
            let mut verifier = Verifier::new(MessageDigest::sha256(), key)?;
            if let Self::Pss(salt) = self {
                verifier.set_rsa_padding(Padding::PKCS1_PSS)?;
                verifier.set_rsa_mgf1_md(MessageDigest::sha256())?;
                verifier.set_rsa_pss_saltlen(RsaPssSaltlen::custom(salt.into()))?;
            }
            verifier.verify_oneshot(signature, bytes)
        };
        // Whatever OpenSSL cannot read is no signature.
        is_for_key && verify().unwrap_or(false)
    }
}

/// The identifier of SHA-256, without parameters (RFC 5754 §2).
pub(super) fn sha256() -> AlgorithmIdentifier<'static> {
    AlgorithmIdentifier { algorithm: ID_SHA256, parameters: None }
}

/// Whether it is SHA-256. RFC 5754 §2 leaves its parameters out or makes them NULL, and readers take both.
pub(super) fn is_sha256(algorithm: &AlgorithmIdentifier<'_>) -> bool {
    algorithm.algorithm == ID_SHA256 && algorithm.parameters.is_none_or(AnyRef::is_null)
}

/// RFC 4055 §3.1; what is left out is SHA-1 and a salt of 20 bytes.
#[derive(Sequence)]
struct PssParameters<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    hash: Option<AnyRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    mgf: Option<AnyRef<'a>>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", default = "default_salt")]
    salt: u16,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", default = "default_trailer")]
    trailer: u8,
}

impl PssParameters<'_> {
    /// The length of the salt, if all else is what a signature must have.
    fn salt(&self) -> Result<u16> {
        let is = |any: Option<AnyRef<'_>>, holds: fn(&AlgorithmIdentifier<'_>) -> bool| {
            any.is_some_and(|any| any.decode_as().is_ok_and(|found| holds(&found)))
        };
        let is_mgf1 = |found: &AlgorithmIdentifier<'_>| {
            found.algorithm == ID_MGF1
                && found.parameters.is_some_and(|hash| hash.decode_as().is_ok_and(|hash| is_sha256(&hash)))
        };
        if !is(self.hash, is_sha256) || !is(self.mgf, is_mgf1) || self.trailer != 1 {
            return Err(refused("is RSASSA-PSS with another digest than SHA-256"));
        }
        if self.salt > MAX_SALT {
            return Err(refused("has a salt that is longer than any key"));
        }
        Ok(self.salt)
    }
}

fn default_salt() -> u16 {
    20
}

fn default_trailer() -> u8 {
    1
}

/// As long as the digest (RFC 4055 §3.1).
const SALT: u16 = 32;
/// What fits beside the digest in an RSA key of 16384 bits.
const MAX_SALT: u16 = 2048 - 32 - 2;

const ID_RSASSA_PSS: ObjectIdentifier = oid("1.2.840.113549.1.1.10");
const ID_RSA: ObjectIdentifier = oid("1.2.840.113549.1.1.1");
const ID_RSA_SHA256: ObjectIdentifier = oid("1.2.840.113549.1.1.11");
const ID_ECDSA_SHA256: ObjectIdentifier = oid("1.2.840.10045.4.3.2");
