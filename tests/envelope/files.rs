//! Files that are not what they should be, named for what they are.

use std::time::{Duration, Instant};

use azs_backup::{DecryptionCertificate, ErrorKind};

use crate::craft::{key_and_certificate, pem};
use crate::*;

fn pfx_error(bytes: &[u8]) -> String {
    let error = DecryptionCertificate::from_pfx(bytes, Some(PASSWORD)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    error.to_string()
}

#[test]
fn what_is_taken_for_a_pfx_is_named() {
    let (key, certificate) = key_and_certificate("p256");
    let key = key.private_key_to_pem_pkcs8().unwrap();
    let certificate_pem = certificate.to_pem().unwrap();
    for (bytes, named) in [
        (certificate_pem.clone(), "certificate in PEM"),
        (key.clone(), "private key in PEM"),
        ([certificate_pem.clone(), key.clone()].concat(), "private key in PEM"),
        ([&[0xef, 0xbb, 0xbf], &key[..]].concat(), "private key in PEM"),
        (certificate.to_der().unwrap(), "is a certificate"),
        (Vec::new(), "empty"),
        (b"\xef\xbb\xbf \r\n".to_vec(), "empty"),
        (b"not a PFX\n".to_vec(), "not a PFX"),
    ] {
        let text = pfx_error(&bytes);
        assert!(text.contains(named), "{text} does not say {named}");
    }
}

#[test]
fn a_pfx_in_any_wrapping_of_text_is_read() {
    let pfx = vector("p256.pfx");
    let base64 = openssl::base64::encode_block(&pfx);
    let utf16 = [0xff, 0xfe].into_iter().chain(base64.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let lines = base64.as_bytes().chunks(76).collect::<Vec<_>>().join(&b"\r\n"[..]);
    let all: [Vec<u8>; 6] = [
        [&[0xef, 0xbb, 0xbf], &pfx[..]].concat(),
        base64.clone().into_bytes(),
        [&[0xef, 0xbb, 0xbf], &lines[..], b"\r\n"].concat(),
        utf16,
        pem("PKCS12", &pfx),
        [b"-----BEGIN PKCS12-----\r\n", &lines[..], b"\r\n-----END PKCS12-----\r\n"].concat(),
    ];
    for bytes in all {
        let read = DecryptionCertificate::from_pfx(&bytes, Some(PASSWORD)).unwrap();
        assert_eq!(read.facts(), cer("p256").facts());
    }
}

#[test]
fn a_file_of_100_megabytes_is_not_read_to_its_end() {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(100 << 20).unwrap();
    let start = Instant::now();
    let error = DecryptionCertificate::load(file.path(), Some(PASSWORD)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert_eq!(EncryptionCertificate::load(file.path()).unwrap_err().kind(), ErrorKind::LimitExceeded);
    assert!(start.elapsed() < Duration::from_secs(1), "took {:?}", start.elapsed());
    file.as_file().set_len(0).unwrap();
    assert_eq!(DecryptionCertificate::load(file.path(), None).unwrap_err().kind(), ErrorKind::Malformed);
    assert_eq!(EncryptionCertificate::load(file.path()).unwrap_err().kind(), ErrorKind::Malformed);
}
