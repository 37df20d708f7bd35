//! The private key of a certificate: from a file, or one that the system keeps.

use openssl::ec::EcGroupRef;
use openssl::pkey::{Id, PKey, Private, Public};
use zeroize::Zeroizing;

use crate::Result;

use super::cipher::damaged;
use super::store::StoredKey;
use super::wrap::{agree_with, oaep_decrypt};

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
