//! Certificates and keys in Windows' stores. A key stays there: Windows decrypts with it, whether it may be exported or
//! not, and whether it is in software, a TPM or a smart card.

use std::ffi::c_void;
use std::io;
use std::ptr::null;
use std::sync::Arc;

use windows_sys::Win32::Security::Cryptography::{
    BCRYPT_ECCPUBLIC_BLOB, BCRYPT_ECDH_PUBLIC_P256_MAGIC, BCRYPT_ECDH_PUBLIC_P384_MAGIC,
    BCRYPT_ECDH_PUBLIC_P521_MAGIC, BCRYPT_KDF_RAW_SECRET, BCRYPT_OAEP_PADDING_INFO, BCRYPT_SHA256_ALGORITHM,
    CERT_CONTEXT, CERT_FIND_SHA1_HASH, CERT_STORE_OPEN_EXISTING_FLAG, CERT_STORE_PROV_SYSTEM_W,
    CERT_STORE_READONLY_FLAG, CERT_SYSTEM_STORE_CURRENT_USER, CERT_SYSTEM_STORE_LOCAL_MACHINE,
    CRYPT_ACQUIRE_ONLY_NCRYPT_KEY_FLAG, CRYPT_ACQUIRE_SILENT_FLAG, CRYPT_INTEGER_BLOB, CertCloseStore,
    CertFindCertificateInStore, CertFreeCertificateContext, CertOpenStore, CryptAcquireCertificatePrivateKey,
    HCERTSTORE, NCRYPT_PAD_OAEP_FLAG, NCRYPT_PROVIDER_HANDLE_PROPERTY, NCRYPT_SILENT_FLAG, NCryptDecrypt,
    NCryptDeriveKey, NCryptFreeObject, NCryptGetProperty, NCryptImportKey, NCryptSecretAgreement,
    PKCS_7_ASN_ENCODING, X509_ASN_ENCODING,
};

/// Where a store is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum StoreLocation {
    /// `CurrentUser`: that of the account which this process runs as.
    CurrentUser,
    /// `LocalMachine`: that of the computer.
    LocalMachine,
}

/// A certificate in a store.
#[derive(Debug)]
pub struct StoredCertificate {
    context: *const CERT_CONTEXT,
    /// What the context is in, which must outlive it.
    _store: Store,
}

#[derive(Debug)]
struct Store(HCERTSTORE);

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: it was opened by CertOpenStore, and nobody else closes it.
        unsafe { CertCloseStore(self.0, 0) };
    }
}

impl Drop for StoredCertificate {
    fn drop(&mut self) {
        // SAFETY: the store gave it to us, and nobody else frees it.
        unsafe { CertFreeCertificateContext(self.context) };
    }
}

impl StoredCertificate {
    /// Finds a certificate by its SHA-1 thumbprint in a store such as `My`, that of personal certificates.
    ///
    /// # Errors
    /// `NotFound`; `PermissionDenied`; whatever Windows answers.
    pub fn find(location: StoreLocation, store: &str, thumbprint: [u8; 20]) -> io::Result<Self> {
        let place = match location {
            StoreLocation::CurrentUser => CERT_SYSTEM_STORE_CURRENT_USER,
            StoreLocation::LocalMachine => CERT_SYSTEM_STORE_LOCAL_MACHINE,
        };
        let name: Vec<u16> = store.encode_utf16().chain([0]).collect();
        let flags = place | CERT_STORE_READONLY_FLAG | CERT_STORE_OPEN_EXISTING_FLAG;
        // SAFETY: the name ends in a zero; this provider takes no encoding.
        let store =
            unsafe { CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, flags, name.as_ptr().cast::<c_void>()) };
        if store.is_null() {
            return Err(io::Error::last_os_error());
        }
        let store = Store(store);
        let mut digest = thumbprint;
        let wanted = CRYPT_INTEGER_BLOB { cbData: digest.len() as u32, pbData: digest.as_mut_ptr() };
        // SAFETY: the store is open, and what is looked for outlives the call.
        let context = unsafe {
            CertFindCertificateInStore(
                store.0,
                X509_ASN_ENCODING | PKCS_7_ASN_ENCODING,
                0,
                CERT_FIND_SHA1_HASH,
                (&raw const wanted).cast(),
                null(),
            )
        };
        if context.is_null() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the store has no such certificate"));
        }
        Ok(Self { context, _store: store })
    }

    /// Returns it in DER, as in a CER file.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        // SAFETY: the context is valid as long as this is, and says where its bytes are and how many.
        unsafe {
            let context = &*self.context;
            std::slice::from_raw_parts(context.pbCertEncoded, context.cbCertEncoded as usize).to_vec()
        }
    }

    /// Returns its private key, which stays where it is.
    ///
    /// # Errors
    /// Whatever Windows answers: there is none, this account may not use it, or it asks for a PIN.
    pub fn key(&self) -> io::Result<StoredKey> {
        let flags = CRYPT_ACQUIRE_ONLY_NCRYPT_KEY_FLAG | CRYPT_ACQUIRE_SILENT_FLAG;
        let (mut key, mut spec, mut is_ours) = (0, 0, 0);
        // SAFETY: the context is valid, and all that is filled outlives the call.
        let done = unsafe {
            CryptAcquireCertificatePrivateKey(
                self.context,
                flags,
                null(),
                &raw mut key,
                &raw mut spec,
                &raw mut is_ours,
            )
        };
        if done == 0 {
            return Err(io::Error::last_os_error());
        }
        // Without a flag to cache it, the key is always the caller's to free.
        Ok(StoredKey(Arc::new(Object(key))))
    }
}

/// A private key that Windows keeps. Copies are the same key.
#[derive(Clone, Debug)]
pub struct StoredKey(Arc<Object>);

/// Something of CNG's that we free: a key, a provider, a secret. Its functions may be called from any thread.
#[derive(Debug)]
struct Object(usize);

impl Drop for Object {
    fn drop(&mut self) {
        // SAFETY: CNG gave it to us, and nobody else frees it.
        unsafe { NCryptFreeObject(self.0) };
    }
}

impl StoredKey {
    /// Decrypts by RSA-OAEP with SHA-256 for both hashes, and no label.
    ///
    /// # Errors
    /// Whatever Windows answers.
    pub fn decrypt_oaep_sha256(&self, encrypted: &[u8]) -> io::Result<Vec<u8>> {
        let padding = BCRYPT_OAEP_PADDING_INFO {
            pszAlgId: BCRYPT_SHA256_ALGORITHM,
            pbLabel: std::ptr::null_mut(),
            cbLabel: 0,
        };
        // The plain text is shorter than what was encrypted.
        let mut plain = vec![0; encrypted.len()];
        let mut length = 0;
        // SAFETY: the key is valid, both buffers are as long as we say, and the padding outlives the call.
        check(unsafe {
            NCryptDecrypt(
                self.0.0,
                encrypted.as_ptr(),
                encrypted.len() as u32,
                (&raw const padding).cast(),
                plain.as_mut_ptr(),
                plain.len() as u32,
                &raw mut length,
                NCRYPT_PAD_OAEP_FLAG | NCRYPT_SILENT_FLAG,
            )
        })?;
        plain.truncate(length as usize);
        Ok(plain)
    }

    /// Agrees by ECDH with an uncompressed point (SEC 1 2.3.3) of P-256, P-384 or P-521: the secret is the x-coordinate, the
    /// first byte of highest value.
    ///
    /// # Errors
    /// `InvalidInput` for a point of another size; whatever Windows answers. Windows before 10 cannot give out the secret.
    pub fn agree(&self, point: &[u8]) -> io::Result<Vec<u8>> {
        let blob = public_blob(point)?;
        let provider = self.provider()?;
        let mut peer = 0;
        // SAFETY: the provider is valid, the blob is as long as we say, and the key outlives the call.
        check(unsafe {
            NCryptImportKey(
                provider.0,
                0,
                BCRYPT_ECCPUBLIC_BLOB,
                null(),
                &raw mut peer,
                blob.as_ptr(),
                blob.len() as u32,
                NCRYPT_SILENT_FLAG,
            )
        })?;
        let peer = Object(peer);
        let mut secret = 0;
        // SAFETY: both keys are valid, and the secret outlives the call.
        check(unsafe { NCryptSecretAgreement(self.0.0, peer.0, &raw mut secret, NCRYPT_SILENT_FLAG) })?;
        let secret = Object(secret);
        let mut plain = vec![0; point.len() / 2];
        let mut length = 0;
        // SAFETY: the secret is valid, this derivation takes no parameters, and the buffer is as long as we say.
        check(unsafe {
            NCryptDeriveKey(
                secret.0,
                BCRYPT_KDF_RAW_SECRET,
                null(),
                plain.as_mut_ptr(),
                plain.len() as u32,
                &raw mut length,
                0,
            )
        })?;
        plain.truncate(length as usize);
        // CNG gives the number with its byte of lowest value first ("BCRYPT_KDF_RAW_SECRET").
        plain.reverse();
        Ok(plain)
    }

    /// The provider that has the key: an agreement takes two keys of one.
    fn provider(&self) -> io::Result<Object> {
        let (mut provider, mut length) = (0_usize, 0);
        // SAFETY: the key is valid, and the property is a handle.
        check(unsafe {
            NCryptGetProperty(
                self.0.0,
                NCRYPT_PROVIDER_HANDLE_PROPERTY,
                (&raw mut provider).cast(),
                size_of_val(&provider) as u32,
                &raw mut length,
                0,
            )
        })?;
        Ok(Object(provider))
    }
}

/// Writes an uncompressed point as `BCRYPT_ECCKEY_BLOB`: a number that names the curve, the length of a coordinate, both
/// coordinates.
fn public_blob(point: &[u8]) -> io::Result<Vec<u8>> {
    let magic = match (point.first(), point.len()) {
        (Some(4), 65) => BCRYPT_ECDH_PUBLIC_P256_MAGIC,
        (Some(4), 97) => BCRYPT_ECDH_PUBLIC_P384_MAGIC,
        (Some(4), 133) => BCRYPT_ECDH_PUBLIC_P521_MAGIC,
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    };
    let length = (point.len() / 2) as u32;
    Ok([&magic.to_le_bytes()[..], &length.to_le_bytes(), &point[1..]].concat())
}

/// CNG returns what went wrong as an `HRESULT`.
fn check(status: i32) -> io::Result<()> {
    if status == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(status)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_becomes_the_blob_of_its_curve() {
        for (size, magic) in [(32, *b"ECK1"), (48, *b"ECK3"), (66, *b"ECK5")] {
            let point = [&[4][..], &vec![1; size], &vec![2; size]].concat();
            let blob = public_blob(&point).unwrap();
            assert_eq!(blob[..4], magic);
            assert_eq!(blob[4..8], (size as u32).to_le_bytes());
            assert_eq!(blob[8..], point[1..]);
        }
        for wrong in [&[][..], &[4; 64], &[2; 33], &[5; 65]] {
            assert!(public_blob(wrong).is_err());
        }
    }
}
