//! The keys of certificates; private ones are from a file, or are kept by the system.

use openssl::ec::EcGroupRef;
use openssl::md::Md;
use openssl::pkey::{Id, PKey, PKeyRef, Private, Public};
use zeroize::Zeroizing;

use crate::Result;

use super::cipher::damaged;
use super::ml_kem::{self, Secret, Strength};
use super::store::StoredKey;
use super::wrap::{agree_with, oaep_decrypt, oaep_decrypt_with};

/// What a key does, which decides how a content key is wrapped for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Rsa,
    Ec,
    MlKem(Strength),
}

impl Kind {
    /// A certificate's key that is not of RSA is of a curve, or there is no such certificate.
    fn of(id: Id) -> Self {
        if id == Id::RSA { Self::Rsa } else { Self::Ec }
    }
}

/// The key of a certificate.
#[derive(Clone)]
pub(super) enum PublicKey {
    OpenSsl(PKey<Public>),
    MlKem(ml_kem::PublicKey),
}

impl PublicKey {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::OpenSsl(key) => Kind::of(key.id()),
            Self::MlKem(key) => Kind::MlKem(key.strength()),
        }
    }

    /// The key as OpenSSL takes it; `None` for ML-KEM.
    pub(super) fn openssl(&self) -> Option<&PKeyRef<Public>> {
        match self {
            Self::OpenSsl(key) => Some(key),
            Self::MlKem(_) => None,
        }
    }

    /// Whether the private key belongs to it.
    pub(super) fn fits(&self, private: &PrivateKey) -> bool {
        match (self, private) {
            (Self::OpenSsl(public), PrivateKey::Read(private)) => public.public_eq(private),
            (Self::MlKem(public), PrivateKey::MlKem(private)) => *public == private.public(),
            _ => false,
        }
    }
}

#[derive(Clone)]
pub(super) enum PrivateKey {
    /// From a file: RSA or EC.
    Read(PKey<Private>),
    /// From a file.
    MlKem(ml_kem::PrivateKey),
    /// The system decrypts with it.
    Stored(StoredKey, PKey<Public>),
}

impl PrivateKey {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Read(key) => Kind::of(key.id()),
            Self::MlKem(key) => Kind::MlKem(key.strength()),
            Self::Stored(_, public) => Kind::of(public.id()),
        }
    }

    /// Decrypts by RSA-OAEP with SHA-256.
    pub(super) fn decrypt(&self, encrypted: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        match self {
            Self::Read(key) => oaep_decrypt(key, encrypted).map_err(|_| damaged()),
            Self::MlKem(_) => Err(damaged()),
            Self::Stored(key, _) => key.decrypt(encrypted),
        }
    }

    /// Decrypts by RSA-OAEP with SHA-1, as older programs encrypt; `None` if it does not open. A key that the system keeps
    /// only decrypts with SHA-256.
    pub(super) fn decrypt_sha1(&self, encrypted: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Self::Read(key) => oaep_decrypt_with(Md::sha1(), key, encrypted).ok(),
            Self::MlKem(_) | Self::Stored(..) => None,
        }
    }

    /// Agrees by ECDH with a point, which `check` must accept for the key's curve.
    pub(super) fn agree(
        &self,
        point: &[u8],
        check: impl FnOnce(&EcGroupRef) -> Result<()>,
    ) -> Result<Zeroizing<Vec<u8>>> {
        match self {
            Self::Read(key) => {
                let ec = key.ec_key().map_err(|_| damaged())?;
                check(ec.group())?;
                agree_with(key, ec.group(), point).map_err(|_| damaged())
            }
            Self::MlKem(_) => Err(damaged()),
            Self::Stored(key, public) => {
                check(public.ec_key().map_err(|_| damaged())?.group())?;
                key.agree(point)
            }
        }
    }

    /// Gets the secret that was encapsulated by ML-KEM; `None` if the ciphertext has another length than this key's.
    pub(super) fn decapsulate(&self, ciphertext: &[u8]) -> Option<Secret> {
        match self {
            Self::MlKem(key) => key.decapsulate(ciphertext),
            Self::Read(_) | Self::Stored(..) => None,
        }
    }
}
