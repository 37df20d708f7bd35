//! ML-KEM (FIPS 203): keys as certificates and files have them (RFC 9935), and the secret that two sides share.
//!
//! The arithmetic is that of the crate `ml-kem`, so that it works with every OpenSSL. Random numbers come from OpenSSL, as
//! for all keys here.

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Sequence, Tag, TagNumber, Tagged};
use ml_kem::array::{Array, ArraySize};
use ml_kem::{
    Decapsulate, DecapsulationKey768, DecapsulationKey1024, EncapsulationKey768, EncapsulationKey1024, Seed,
};
use openssl::error::ErrorStack;
use zeroize::{Zeroize, Zeroizing};

use super::asn1::{AlgorithmIdentifier, oid};

/// How strong a key is. ML-KEM-512 is left out: it is the weakest, and data that must stay closed for decades deserves
/// more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Strength {
    /// NIST's category 3.
    MlKem768,
    /// NIST's category 5.
    MlKem1024,
}

impl Strength {
    /// Reads the algorithm of a key, which has no parameters (RFC 9935 §3); `None` if it is another.
    pub(super) fn of(algorithm: &AlgorithmIdentifier<'_>) -> Option<Self> {
        match (algorithm.algorithm, algorithm.parameters) {
            (ID_ML_KEM_768, None) => Some(Self::MlKem768),
            (ID_ML_KEM_1024, None) => Some(Self::MlKem1024),
            _ => None,
        }
    }

    pub(super) fn algorithm(self) -> AlgorithmIdentifier<'static> {
        let algorithm = match self {
            Self::MlKem768 => ID_ML_KEM_768,
            Self::MlKem1024 => ID_ML_KEM_1024,
        };
        AlgorithmIdentifier { algorithm, parameters: None }
    }

    /// The number in its name.
    pub(super) fn bits(self) -> u32 {
        match self {
            Self::MlKem768 => 768,
            Self::MlKem1024 => 1024,
        }
    }
}

/// Whether an algorithm is of ML-KEM, of whatever strength.
pub(super) fn is_ml_kem(id: &ObjectIdentifier) -> bool {
    [ID_ML_KEM_512, ID_ML_KEM_768, ID_ML_KEM_1024].contains(id)
}

/// RFC 5280 §4.1.
#[derive(Sequence)]
pub(super) struct SubjectPublicKeyInfo<'a> {
    pub(super) algorithm: AlgorithmIdentifier<'a>,
    public_key: BitStringRef<'a>,
}

/// The public key: a secret is encapsulated to it.
#[derive(Clone, PartialEq)]
pub(super) enum PublicKey {
    MlKem768(EncapsulationKey768),
    MlKem1024(EncapsulationKey1024),
}

/// A secret, and the ciphertext from which the holder of the private key gets it.
pub(super) struct Encapsulated {
    pub(super) ciphertext: Vec<u8>,
    pub(super) secret: Secret,
}

pub(super) type Secret = Zeroizing<[u8; 32]>;

impl PublicKey {
    /// Reads the key of a certificate; `None` if it is of another kind or fails FIPS 203's checks (§7.2).
    pub(super) fn read(info: &SubjectPublicKeyInfo<'_>) -> Option<Self> {
        let bytes = info.public_key.as_bytes()?;
        match Strength::of(&info.algorithm)? {
            Strength::MlKem768 => EncapsulationKey768::new(&array(bytes)?).ok().map(Self::MlKem768),
            Strength::MlKem1024 => EncapsulationKey1024::new(&array(bytes)?).ok().map(Self::MlKem1024),
        }
    }

    pub(super) fn strength(&self) -> Strength {
        match self {
            Self::MlKem768(_) => Strength::MlKem768,
            Self::MlKem1024(_) => Strength::MlKem1024,
        }
    }

    /// Makes a secret for the holder of the private key.
    pub(super) fn encapsulate(&self) -> Result<Encapsulated, ErrorStack> {
        let mut random = Zeroizing::new([0; 32]);
        openssl::rand::rand_bytes(&mut *random)?;
        Ok(self.encapsulate_with(&random))
    }

    /// Encapsulates with this randomness, which must never be used twice.
    fn encapsulate_with(&self, random: &[u8; 32]) -> Encapsulated {
        let mut random = Array::from(*random);
        let (ciphertext, mut secret) = match self {
            Self::MlKem768(key) => {
                let (ciphertext, secret) = key.encapsulate_deterministic(&random);
                (ciphertext.to_vec(), secret)
            }
            Self::MlKem1024(key) => {
                let (ciphertext, secret) = key.encapsulate_deterministic(&random);
                (ciphertext.to_vec(), secret)
            }
        };
        random.zeroize();
        Encapsulated { ciphertext, secret: take(&mut secret) }
    }
}

/// The private key. It is zeroed when it is dropped.
#[derive(Clone)]
pub(super) enum PrivateKey {
    MlKem768(DecapsulationKey768),
    MlKem1024(DecapsulationKey1024),
}

impl PrivateKey {
    /// Reads the content of a PKCS #8 privateKey (RFC 9935 §6): the seed, the expanded key, or both; `None` if it is none
    /// of them, or its parts do not belong together.
    pub(super) fn read(strength: Strength, der: &[u8]) -> Option<Self> {
        let any = AnyRef::from_der(der).ok()?;
        match any.tag() {
            SEED => Self::from_seed(strength, any.value()),
            Tag::OctetString => Self::from_expanded(strength, any.value()),
            Tag::Sequence => {
                let both: Both<'_> = any.decode_as().ok()?;
                let key = Self::from_seed(strength, both.seed.as_bytes())?;
                let expanded = Self::from_expanded(strength, both.expanded.as_bytes())?;
                key.equals(&expanded).then_some(key)
            }
            _ => None,
        }
    }

    fn from_seed(strength: Strength, seed: &[u8]) -> Option<Self> {
        let mut seed: Seed = array(seed)?;
        let key = match strength {
            Strength::MlKem768 => Self::MlKem768(DecapsulationKey768::from_seed(seed)),
            Strength::MlKem1024 => Self::MlKem1024(DecapsulationKey1024::from_seed(seed)),
        };
        seed.zeroize();
        Some(key)
    }

    /// Reads the form without a seed, which some devices export.
    #[expect(deprecated, reason = "people have such keys, and RFC 9935 says how to check them")]
    fn from_expanded(strength: Strength, expanded: &[u8]) -> Option<Self> {
        let key = match strength {
            Strength::MlKem768 => {
                let mut expanded = array(expanded)?;
                let key = DecapsulationKey768::from_expanded(&expanded);
                expanded.zeroize();
                Self::MlKem768(key.ok()?)
            }
            Strength::MlKem1024 => {
                let mut expanded = array(expanded)?;
                let key = DecapsulationKey1024::from_expanded(&expanded);
                expanded.zeroize();
                Self::MlKem1024(key.ok()?)
            }
        };
        // The hash in it covers only the public half. The secret one belongs to it if it undoes what that does (FIPS 203
        // §7.1, pair-wise consistency; RFC 9935 §8).
        let Encapsulated { ciphertext, secret } = key.public().encapsulate_with(&[0x5a; 32]);
        (key.decapsulate(&ciphertext)? == secret).then_some(key)
    }

    fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::MlKem768(one), Self::MlKem768(other)) => one == other,
            (Self::MlKem1024(one), Self::MlKem1024(other)) => one == other,
            _ => false,
        }
    }

    pub(super) fn strength(&self) -> Strength {
        match self {
            Self::MlKem768(_) => Strength::MlKem768,
            Self::MlKem1024(_) => Strength::MlKem1024,
        }
    }

    pub(super) fn public(&self) -> PublicKey {
        match self {
            Self::MlKem768(key) => PublicKey::MlKem768(key.encapsulation_key().clone()),
            Self::MlKem1024(key) => PublicKey::MlKem1024(key.encapsulation_key().clone()),
        }
    }

    /// Gets the secret from a ciphertext; `None` if that has another length. What was encapsulated to another key, or was
    /// changed, gives a secret that nobody else has (FIPS 203 §6.3, implicit rejection).
    pub(super) fn decapsulate(&self, ciphertext: &[u8]) -> Option<Secret> {
        let mut secret = match self {
            Self::MlKem768(key) => key.decapsulate(&array(ciphertext)?),
            Self::MlKem1024(key) => key.decapsulate(&array(ciphertext)?),
        };
        Some(take(&mut secret))
    }
}

/// RFC 9935 §6.
#[derive(Sequence)]
struct Both<'a> {
    seed: &'a OctetStringRef,
    expanded: &'a OctetStringRef,
}

fn array<N: ArraySize>(bytes: &[u8]) -> Option<Array<u8, N>> {
    Array::try_from(bytes).ok()
}

fn take(secret: &mut ml_kem::SharedKey) -> Secret {
    let taken = Zeroizing::new((*secret).into());
    secret.zeroize();
    taken
}

/// The seed is `[0] IMPLICIT`.
const SEED: Tag = Tag::ContextSpecific { constructed: false, number: TagNumber(0) };

/// NIST's register of algorithms; RFC 9935 §3.
const ID_ML_KEM_512: ObjectIdentifier = oid("2.16.840.1.101.3.4.4.1");
const ID_ML_KEM_768: ObjectIdentifier = oid("2.16.840.1.101.3.4.4.2");
const ID_ML_KEM_1024: ObjectIdentifier = oid("2.16.840.1.101.3.4.4.3");

#[cfg(test)]
mod tests;
