//! Private keys in PEM, encrypted in every way that was ever common.

use azs_backup::{DecryptionCertificate, Error, ErrorKind};

use crate::craft::*;
use crate::openssl_command::converted;
use crate::*;

fn open(key: &[u8], passphrase: Option<&str>) -> Result<DecryptionCertificate, Error> {
    DecryptionCertificate::from_pem(key, passphrase, &vector("rsa2048.cer"))
}

#[test]
fn every_scheme_opens_with_the_right_passphrase() {
    let (key, _) = key_and_certificate("rsa2048");
    let schemes: [&[&str]; 18] = [
        &["-v1", "PBE-MD5-DES"],
        &["-v1", "PBE-SHA1-DES"],
        &["-v1", "PBE-MD5-RC2-64"],
        &["-v1", "PBE-SHA1-RC2-64"],
        &["-v1", "PBE-SHA1-RC4-128"],
        &["-v1", "PBE-SHA1-RC4-40"],
        &["-v1", "PBE-SHA1-3DES"],
        &["-v1", "PBE-SHA1-2DES"],
        &["-v1", "PBE-SHA1-RC2-128"],
        &["-v1", "PBE-SHA1-RC2-40"],
        &["-v2", "aes-256-cbc"],
        &["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA512"],
        &["-v2", "aes-192-cbc", "-v2prf", "hmacWithSHA1"],
        &["-v2", "des3", "-iter", "100000"],
        &["-v2", "des"],
        &["-v2", "rc2"],
        &["-v2", "aes-256-cfb"],
        &["-scrypt"],
    ];
    for scheme in schemes {
        let legacy = ["-provider", "legacy", "-provider", "default", "-topk8", "-passout", "pass:stäple"];
        let pem = converted(&key, &[&["pkcs8"], &legacy[..], scheme].concat());
        assert_eq!(open(&pem, Some("stäple")).unwrap().facts(), cer("rsa2048").facts(), "{scheme:?}");
        for wrong in [Some("battery"), Some(""), None] {
            let error = open(&pem, wrong).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::WrongPassword, "{scheme:?} {wrong:?}: {error}");
        }
    }
}

#[test]
fn the_older_form_opens_with_the_right_passphrase() {
    let (key, _) = key_and_certificate("rsa2048");
    for cipher in ["-aes256", "-des3", "-des"] {
        let legacy =
            ["-provider", "legacy", "-provider", "default", "-traditional", "-passout", "pass:staple"];
        let pem = converted(&key, &[&["rsa"], &legacy[..], &[cipher]].concat());
        assert!(pem.windows(9).any(|part| part == b"Proc-Type"), "{cipher}");
        assert_eq!(open(&pem, Some("staple")).unwrap().facts(), cer("rsa2048").facts(), "{cipher}");
        for wrong in [Some("battery"), Some(""), None] {
            assert_eq!(open(&pem, wrong).unwrap_err().kind(), ErrorKind::WrongPassword, "{cipher} {wrong:?}");
        }
        let error = open(&pem, Some(&"long".repeat(300))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains("1200 bytes"), "{error}");
        let unknown = String::from_utf8(pem).unwrap().replace("DEK-Info: ", "DEK-Info: NO");
        assert_eq!(open(unknown.as_bytes(), Some("staple")).unwrap_err().kind(), ErrorKind::Unsupported);
    }
}

#[test]
fn a_passphrase_beyond_1024_bytes_is_told_so() {
    let (key, _) = key_and_certificate("rsa2048");
    let passphrase = "é".repeat(512);
    let cipher = openssl::symm::Cipher::aes_256_cbc();
    let der = key.private_key_to_pkcs8_passphrase(cipher, passphrase.as_bytes()).unwrap();
    let pem = pem("ENCRYPTED PRIVATE KEY", &der);
    assert!(open(&pem, Some(&passphrase)).is_ok());
    let error = open(&pem, Some(&format!("{passphrase}x"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().contains("1025 bytes"), "{error}");
}

#[test]
fn what_is_not_known_is_unsupported() {
    let unknown = [
        pbes2_with(&sequence(&[&oid("1.2.840.113549.1.5.99"), &sequence(&[])])),
        pbe("1.2.840.113549.1.5.1", 1000),
        pbe("1.2.840.113549.1.12.1.99", 1000),
        sequence(&[&oid("2.16.840.1.101.3.4.1.42"), &tlv(4, &[7; 16])]),
    ];
    for algorithm in unknown {
        let error = open(&pem("ENCRYPTED PRIVATE KEY", &encrypted_key(&algorithm)), Some("x")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
    let broken = pem("ENCRYPTED PRIVATE KEY", &tlv(0x30, &[5, 0]));
    assert_eq!(open(&broken, Some("x")).unwrap_err().kind(), ErrorKind::Malformed);
}

#[test]
fn the_key_that_fits_is_taken_wherever_it_is() {
    let keys = ["p256", "rsa2048", "p384"].map(|name| key_and_certificate(name).0);
    let pem: Vec<_> = keys.iter().flat_map(|key| key.private_key_to_pem_pkcs8().unwrap()).collect();
    let with_crlf = String::from_utf8(pem.clone()).unwrap().replace('\n', "\r\n");
    let with_mark = [&[0xef, 0xbb, 0xbf], with_crlf.as_bytes()].concat();
    for pem in [&pem, with_crlf.as_bytes(), &with_mark] {
        assert_eq!(open(pem, None).unwrap().facts(), cer("rsa2048").facts());
    }
    let many = pem.repeat(6);
    assert_eq!(open(&many, None).unwrap_err().kind(), ErrorKind::LimitExceeded);
}

#[test]
fn a_key_whose_parts_are_longer_than_its_modulus_is_refused() {
    // A private exponent of half a million bits would take minutes to use.
    let rsa = key_and_certificate("rsa2048").0.rsa().unwrap();
    let number = |bytes: Vec<u8>| tlv(2, &[&[0][..], &bytes].concat());
    let parts = [
        rsa.n().to_vec(),
        rsa.e().to_vec(),
        vec![0xff; 60_000],
        rsa.p().unwrap().to_vec(),
        rsa.q().unwrap().to_vec(),
        rsa.dmp1().unwrap().to_vec(),
        rsa.dmq1().unwrap().to_vec(),
        rsa.iqmp().unwrap().to_vec(),
    ];
    for longer in [2, 5, 6] {
        let mut parts = parts.clone();
        parts[2] = rsa.d().to_vec();
        parts[longer] = vec![0xff; 60_000];
        let body = parts.into_iter().flat_map(number).collect::<Vec<_>>();
        let key = pem("RSA PRIVATE KEY", &sequence(&[&integer(0), &body]));
        assert_eq!(open(&key, None).unwrap_err().kind(), ErrorKind::Malformed, "part {longer}");
    }
}
