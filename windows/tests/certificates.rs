//! Certificates in the store of the account.
#![cfg(windows)]

use std::io::ErrorKind;
use std::ptr::null_mut;

use azs_backup_windows::{StoreLocation, StoredCertificate};
use windows_sys::Win32::Security::Cryptography::{
    CERT_STORE_ADD_REPLACE_EXISTING, CERT_STORE_PROV_SYSTEM_W, CERT_SYSTEM_STORE_CURRENT_USER,
    CertAddEncodedCertificateToStore, CertCloseStore, CertDeleteCertificateFromStore, CertOpenStore,
    X509_ASN_ENCODING,
};
use windows_sys::core::w;

/// A certificate of the library's vectors.
const CER: &[u8] = include_bytes!("../../tests/vectors/envelope/rsa3072.cer");
const THUMBPRINT: [u8; 20] = [
    0x80, 0x38, 0x9d, 0x76, 0x95, 0xe5, 0x8e, 0x63, 0x29, 0xd1, 0x33, 0xe6, 0xc7, 0x69, 0x41, 0xb1, 0x80,
    0x53, 0x10, 0xc2,
];

#[test]
fn a_certificate_is_found_by_its_thumbprint_and_has_no_key_here() {
    let missing = StoredCertificate::find(StoreLocation::CurrentUser, "My", [7; 20]).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    let mut context = null_mut();
    // SAFETY: name and certificate outlive the calls, which take them as they are; the store is closed once.
    unsafe {
        let store =
            CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, CERT_SYSTEM_STORE_CURRENT_USER, w!("My").cast());
        let added = CertAddEncodedCertificateToStore(
            store,
            X509_ASN_ENCODING,
            CER.as_ptr(),
            CER.len() as u32,
            CERT_STORE_ADD_REPLACE_EXISTING,
            &raw mut context,
        );
        assert_ne!(added, 0, "{}", std::io::Error::last_os_error());
        assert_ne!(CertCloseStore(store, 0), 0);
    }
    let found = StoredCertificate::find(StoreLocation::CurrentUser, "My", THUMBPRINT).unwrap();
    assert_eq!(found.to_der(), CER);
    assert!(found.key().is_err(), "only the public part was put there");
    drop(found);
    // SAFETY: the context is freed by this call.
    assert_ne!(unsafe { CertDeleteCertificateFromStore(context) }, 0);
    assert!(StoredCertificate::find(StoreLocation::CurrentUser, "My", THUMBPRINT).is_err());
}
