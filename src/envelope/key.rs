//! The private key of a certificate: from a file, or one that the system keeps.

use openssl::ec::EcGroupRef;
use openssl::md::Md;
use openssl::pkey::{Id, PKey, Private, Public};
use zeroize::Zeroizing;

use crate::Result;

use super::cipher::damaged;
use super::store::StoredKey;
use super::wrap::{agree_with, oaep_decrypt, oaep_decrypt_with};

#[derive(Clone)]
pub(super) enum PrivateKey {
    /// From a file.
    Read(PKey<Private>),
    /// The system decrypts with it.
    Stored(StoredKey, PKey<Public>),
}

impl PrivateKey {
    /// `RSA` or `EC`.
    pub(super) fn id(&self) -> Id {
        match self {
            Self::Read(key) => key.id(),
            Self::Stored(_, public) => public.id(),
        }
    }

    /// Decrypts by RSA-OAEP with SHA-256.
    pub(super) fn decrypt(&self, encrypted: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        match self {
            Self::Read(key) => oaep_decrypt(key, encrypted).map_err(|_| damaged()),
            Self::Stored(key, _) => key.decrypt(encrypted),
        }
    }

    /// Decrypts by RSA-OAEP with SHA-1, as older programs encrypt; `None` if it does not open. A key that the system keeps
    /// only decrypts with SHA-256.
    pub(super) fn decrypt_sha1(&self, encrypted: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Self::Read(key) => oaep_decrypt_with(Md::sha1(), key, encrypted).ok(),
            Self::Stored(..) => None,
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
            Self::Stored(key, public) => {
                check(public.ec_key().map_err(|_| damaged())?.group())?;
                key.agree(point)
            }
        }
    }
}
