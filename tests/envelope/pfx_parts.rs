//! What is in a PFX: which key, which certificate, and which error if it has neither.

use azs_backup::{DecryptionCertificate, Error, ErrorKind};

use crate::craft::*;
use crate::openssl_command::export;
use crate::*;

fn open(pfx: &[u8], password: &str) -> Result<DecryptionCertificate, Error> {
    DecryptionCertificate::from_pfx(pfx, Some(password))
}

fn kind(pfx: &[u8]) -> ErrorKind {
    open(pfx, PASSWORD).unwrap_err().kind()
}

/// Replaces each occurrence; there must be at least one.
fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let places: Vec<_> = (0..=bytes.len() - old.len()).filter(|at| bytes[*at..].starts_with(old)).collect();
    assert!(!places.is_empty() && old.len() == new.len());
    for at in places {
        bytes[at..at + new.len()].copy_from_slice(new);
    }
    bytes
}

#[test]
fn a_wrong_password_is_one_also_where_only_the_check_value_needs_it() {
    let (key, certificate) = key_and_certificate("p256");
    let pfx = export(&key, &certificate, PASSWORD, &["-certpbe", "NONE", "-keypbe", "NONE"]);
    assert_eq!(open(&pfx, PASSWORD).unwrap().facts(), cer("p256").facts());
    for password in ["wrong horse", ""] {
        assert_eq!(open(&pfx, password).unwrap_err().kind(), ErrorKind::WrongPassword);
    }
    // If one encrypted part decrypts, the password was right.
    for part in ["-certpbe", "-keypbe"] {
        let pfx = export(&key, &certificate, PASSWORD, &[part, "NONE"]);
        assert_eq!(open(&pfx, "wrong horse").unwrap_err().kind(), ErrorKind::WrongPassword);
        let value = children(split(children(split(children(split(&pfx).1)[2]).1)[0]).1)[1];
        let value = split(value).1;
        let changed: Vec<u8> = value.iter().map(|byte| !byte).collect();
        assert_eq!(kind(&replaced(&pfx, value, &changed)), ErrorKind::Malformed);
    }
}

#[test]
fn a_password_that_ends_in_a_line_break_is_told_so() {
    for (password, told) in [("correct horse\r", true), ("correct horse\n", true), ("wrong", false)] {
        let error = open(&vector("rsa2048.pfx"), password).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongPassword);
        assert_eq!(error.to_string().contains("ends in a line break"), told, "{error}");
    }
}

#[test]
fn what_is_not_known_is_unsupported_and_what_cannot_be_read_malformed() {
    let (key, certificate) = key_and_certificate("p256");
    let with_mac = export(&key, &certificate, PASSWORD, &["-macalg", "sha384"]);
    let plain = export(&key, &certificate, PASSWORD, &["-nomac"]);
    // The check value's hash; PBKDF2's HMAC, PBKDF2 itself, the cipher; AES-256-GCM, which has no such parameters.
    for (pfx, old, new) in [
        (&with_mac, "2.16.840.1.101.3.4.2.2", "2.16.840.1.101.3.4.2.99"),
        (&plain, "1.2.840.113549.2.9", "1.2.840.113549.2.99"),
        (&plain, "1.2.840.113549.1.5.12", "1.2.840.113549.1.5.99"),
        (&plain, "2.16.840.1.101.3.4.1.42", "2.16.840.1.101.3.4.1.99"),
        (&plain, "2.16.840.1.101.3.4.1.42", "2.16.840.1.101.3.4.1.46"),
    ] {
        let changed = replaced(pfx, &oid(old)[2..], &oid(new)[2..]);
        assert_eq!(kind(&changed), ErrorKind::Unsupported, "{old} {new}");
    }

    let safe = |algorithm: &[u8]| kind(&pfx_of(&[encrypted_safe(algorithm, &[0x5a; 64])]));
    let pbkdf2 =
        |parts: &[&[u8]]| safe(&pbes2_with(&sequence(&[&oid("1.2.840.113549.1.5.12"), &sequence(parts)])));
    let (salt, count) = (tlv(4, b"12345678"), integer(1000));
    assert_eq!(pbkdf2(&[&salt, &count, &integer(16)]), ErrorKind::Unsupported); // a key length of another cipher
    assert_eq!(pbkdf2(&[&sequence(&[&oid("1.2.3.4")]), &count]), ErrorKind::Unsupported); // a salt from elsewhere
    assert_eq!(pbkdf2(&[&salt]), ErrorKind::Malformed);
    assert_eq!(pbkdf2(&[&salt, &integer(0)]), ErrorKind::Malformed);
    assert_eq!(pbkdf2(&[&salt, &tlv(2, &[0xff])]), ErrorKind::Malformed);
    assert_eq!(safe(&scrypt(1000, 8, 1)), ErrorKind::Malformed); // not a power of two
    assert_eq!(safe(&pbe("1.2.840.113549.1.5.1", 1000)), ErrorKind::Unsupported); // MD2
    assert_eq!(safe(&pbe("1.2.840.113549.1.12.1.99", 1000)), ErrorKind::Unsupported);
    assert_eq!(safe(&sequence(&[&oid("1.2.840.113549.1.5.13"), &[5, 0]])), ErrorKind::Malformed);

    let content = data(&tlv(0x30, &plain_safe(&[key_bag(&key), cert_bag(&certificate)])));
    let with_mac = |mac: &[u8]| kind(&sequence(&[&integer(3), &content, mac]));
    let sha256 = sequence(&[&oid("2.16.840.1.101.3.4.2.1"), &[5, 0]]);
    let digest = |length: usize| sequence(&[&sha256, &tlv(4, &vec![1; length])]);
    assert_eq!(with_mac(&sequence(&[&digest(32), &salt, &count])), ErrorKind::WrongPassword);
    assert_eq!(with_mac(&sequence(&[&digest(32), &salt, &tlv(4, &[1])])), ErrorKind::Malformed);
    assert_eq!(with_mac(&sequence(&[&digest(32), &salt, &integer(0)])), ErrorKind::Malformed);
    assert_eq!(with_mac(&sequence(&[&digest(32), &count])), ErrorKind::Malformed);
    assert_eq!(with_mac(&sequence(&[&digest(31), &salt, &count])), ErrorKind::Malformed);
    assert_eq!(with_mac(&sequence(&[&sha256])), ErrorKind::Malformed);
    let pbmac1 = sequence(&[&oid("1.2.840.113549.1.5.14"), &sequence(&[&sha256])]);
    assert_eq!(with_mac(&sequence(&[&sequence(&[&pbmac1, &tlv(4, &[1; 32])]), &salt])), ErrorKind::Malformed);

    // A key of neither RSA nor an elliptic curve.
    let other = replaced(
        &plain_safe(&[key_bag(&key)]),
        &oid("1.2.840.10045.2.1")[2..],
        &oid("1.2.840.10045.2.99")[2..],
    );
    assert_eq!(kind(&pfx_of(&[other])), ErrorKind::Unsupported);

    // RFC 7292 §3.1 and §4: what protects it is a key of another kind.
    let signed = sequence(&[&oid("1.2.840.113549.1.7.2"), &tlv(0xa0, &sequence(&[]))]);
    assert_eq!(kind(&sequence(&[&integer(3), &signed])), ErrorKind::Unsupported);
    let enveloped = sequence(&[&oid("1.2.840.113549.1.7.3"), &tlv(0xa0, &sequence(&[]))]);
    assert_eq!(kind(&pfx_of(&[enveloped])), ErrorKind::Unsupported);
}

#[test]
fn the_check_value_of_rfc_9579_is_computed() {
    // By the OpenSSL that is built in, as the command here may be too old to.
    let (key, certificate) = key_and_certificate("p256");
    let content = tlv(0x30, &plain_safe(&[key_bag(&key), cert_bag(&certificate)]));
    let hmac = sequence(&[&oid("1.2.840.113549.2.9"), &[5, 0]]);
    let sha256 = openssl::hash::MessageDigest::sha256();
    let with_key_of = |length: u32| {
        let kdf = sequence(&[
            &oid("1.2.840.113549.1.5.12"),
            &sequence(&[&tlv(4, b"12345678"), &integer(1000), &integer(length), &hmac]),
        ]);
        let mut key = vec![0; length as usize];
        openssl::pkcs5::pbkdf2_hmac(PASSWORD.as_bytes(), b"12345678", 1000, sha256, &mut key).unwrap();
        let key = openssl::pkey::PKey::hmac(&key).unwrap();
        let value = openssl::sign::Signer::new(sha256, &key).unwrap().sign_oneshot_to_vec(&content).unwrap();
        let algorithm = sequence(&[&oid("1.2.840.113549.1.5.14"), &sequence(&[&kdf, &hmac])]);
        let mac = sequence(&[&sequence(&[&algorithm, &tlv(4, &value)]), &tlv(4, b""), &integer(1)]);
        sequence(&[&integer(3), &data(&content), &mac])
    };
    let pfx = with_key_of(32);
    assert_eq!(open(&pfx, PASSWORD).unwrap().facts(), cer("p256").facts());
    assert_eq!(open(&pfx, "wrong horse").unwrap_err().kind(), ErrorKind::WrongPassword);
    assert!(openssl::pkcs12::Pkcs12::from_der(&pfx).unwrap().parse2(PASSWORD).is_ok());
    assert_eq!(open(&with_key_of(20), PASSWORD).unwrap().facts(), cer("p256").facts());
    // Some value of a short key is soon found, for any content and by any password.
    for length in [1, 4, 19] {
        assert_eq!(kind(&with_key_of(length)), ErrorKind::Unsupported, "{length}");
    }
}

#[test]
fn ber_of_any_kind_opens_as_der_does() {
    let (key, certificate) = key_and_certificate("p384");
    let safes = [sealed_safe(&[encrypted_key_bag(&key, PASSWORD)]), plain_safe(&[cert_bag(&certificate)])];
    let pfx = pfx_of(&safes);
    let authenticated = tlv(0x30, &safes.concat());
    let in_parts_inside = sequence(&[&oid("1.2.840.113549.1.7.1"), &tlv(0xa0, &in_parts(&authenticated))]);
    for pfx in [
        pfx.clone(),
        indefinite(&pfx, false),
        indefinite(&pfx, true),
        sequence(&[&integer(3), &in_parts_inside]),
        sequence(&[&integer(3), &indefinite(&in_parts_inside, false)]),
    ] {
        assert_eq!(open(&pfx, PASSWORD).unwrap().facts(), cer("p384").facts());
        assert_eq!(open(&pfx, "wrong horse").unwrap_err().kind(), ErrorKind::WrongPassword);
    }
}

#[test]
fn the_key_that_fits_the_certificate_is_taken_wherever_it_is() {
    let (mine, certificate) = key_and_certificate("p256");
    let (other, _) = key_and_certificate("rsa2048");
    let ed25519 = openssl::pkey::PKey::generate_ed25519().unwrap();
    let message = sealer(&["p256"]).seal(b"x").unwrap();
    let orders = [[&mine, &other, &ed25519], [&other, &mine, &ed25519], [&ed25519, &other, &mine]];
    for keys in orders {
        let in_the_open: Vec<_> = keys.iter().map(|key| key_bag(key)).collect();
        let encrypted: Vec<_> = keys.iter().map(|key| encrypted_key_bag(key, PASSWORD)).collect();
        let certificates = plain_safe(&[cert_bag(&certificate)]);
        for pfx in [
            pfx_of(&[plain_safe(&in_the_open), certificates.clone()]),
            pfx_of(&[certificates.clone(), plain_safe(&encrypted)]),
            pfx_of(&[sealed_safe(&[&encrypted[..], &[cert_bag(&certificate)]].concat())]),
        ] {
            let pfx = open(&pfx, PASSWORD).unwrap();
            assert_eq!(pfx.facts(), cer("p256").facts());
            assert_eq!(Opener::new(pfx).open(&message).unwrap(), b"x");
        }
    }
    // A key with another password does not prevent use of the others.
    let keys = plain_safe(&[encrypted_key_bag(&other, "battery"), encrypted_key_bag(&mine, PASSWORD)]);
    assert!(open(&pfx_of(&[keys, plain_safe(&[cert_bag(&certificate)])]), PASSWORD).is_ok());
    let key = plain_safe(&[encrypted_key_bag(&mine, "battery")]);
    assert_eq!(kind(&pfx_of(&[key, plain_safe(&[cert_bag(&certificate)])])), ErrorKind::WrongPassword);
    let too_many = vec![key_bag(&mine); 17];
    assert_eq!(kind(&pfx_of(&[plain_safe(&too_many)])), ErrorKind::LimitExceeded);
}

#[test]
fn all_pairs_of_a_pfx_open() {
    let pairs: Vec<_> = ["p256", "rsa2048"].map(key_and_certificate).into_iter().collect();
    let bags = |(key, certificate): &(_, _)| [encrypted_key_bag(key, PASSWORD), cert_bag(certificate)];
    let pfx = pfx_of(&[sealed_safe(&pairs.iter().flat_map(bags).collect::<Vec<_>>())]);
    let pfx = open(&pfx, PASSWORD).unwrap();
    assert_eq!(pfx.facts(), cer("p256").facts());
    assert_eq!(pfx.encryption_certificate().facts(), cer("p256").facts());
    let opener = Opener::new(pfx);
    assert_eq!(opener.certificates().count(), 2);
    for key in ["p256", "rsa2048"] {
        assert_eq!(opener.open(&sealer(&[key]).seal(b"x").unwrap()).unwrap(), b"x");
    }
    let error = opener.open(&sealer(&["p384"]).seal(b"x").unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongCertificate);
}
