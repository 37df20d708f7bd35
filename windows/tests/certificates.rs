//! Certificates in the store of the account.
#![cfg(windows)]

use std::io::ErrorKind;
use std::ptr::{null, null_mut};

use azs_backup_windows::{StoreLocation, StoredCertificate};
use windows_sys::Win32::Security::Cryptography::{
    CERT_FIND_SHA1_HASH, CERT_STORE_ADD_REPLACE_EXISTING, CERT_STORE_PROV_SYSTEM_W,
    CERT_SYSTEM_STORE_CURRENT_USER, CRYPT_INTEGER_BLOB, CertAddEncodedCertificateToStore, CertCloseStore,
    CertDeleteCertificateFromStore, CertFindCertificateInStore, CertOpenStore, HCERTSTORE, X509_ASN_ENCODING,
};
use windows_sys::core::w;

/// A certificate of the library's vectors.
const CER: &[u8] = include_bytes!("../../tests/vectors/envelope/rsa3072.cer");
const THUMBPRINT: [u8; 20] = [
    0x80, 0x38, 0x9d, 0x76, 0x95, 0xe5, 0x8e, 0x63, 0x29, 0xd1, 0x33, 0xe6, 0xc7, 0x69, 0x41, 0xb1, 0x80,
    0x53, 0x10, 0xc2,
];

/// Does something with the account's store, and closes it, which writes it.
fn in_store(work: impl FnOnce(HCERTSTORE)) {
    let flags = CERT_SYSTEM_STORE_CURRENT_USER;
    // SAFETY: the name outlives the call, which takes it as it is; the store is closed once.
    unsafe {
        let store = CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, flags, w!("My").cast());
        assert!(!store.is_null());
        work(store);
        assert_ne!(CertCloseStore(store, 0), 0);
    }
}

#[test]
fn a_certificate_is_found_by_its_thumbprint_and_has_no_key_here() {
    let find = |thumbprint| StoredCertificate::find(StoreLocation::CurrentUser, "My", thumbprint);
    assert_eq!(find([7; 20]).unwrap_err().kind(), ErrorKind::NotFound);
    in_store(|store| {
        let (bytes, length) = (CER.as_ptr(), CER.len() as u32);
        let how = CERT_STORE_ADD_REPLACE_EXISTING;
        // SAFETY: the certificate is as long as we say.
        let added = unsafe {
            CertAddEncodedCertificateToStore(store, X509_ASN_ENCODING, bytes, length, how, null_mut())
        };
        assert_ne!(added, 0, "{}", std::io::Error::last_os_error());
    });
    let found = find(THUMBPRINT).unwrap();
    assert_eq!(found.to_der(), CER);
    assert!(found.key().is_err(), "only the public part was put there");
    drop(found);
    in_store(|store| {
        let mut digest = THUMBPRINT;
        let wanted = CRYPT_INTEGER_BLOB { cbData: digest.len() as u32, pbData: digest.as_mut_ptr() };
        // SAFETY: what is looked for outlives the call; deleting frees what was found.
        let deleted = unsafe {
            let found = CertFindCertificateInStore(
                store,
                X509_ASN_ENCODING,
                0,
                CERT_FIND_SHA1_HASH,
                (&raw const wanted).cast(),
                null(),
            );
            CertDeleteCertificateFromStore(found)
        };
        assert_ne!(deleted, 0);
    });
}
