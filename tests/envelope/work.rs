//! A file decides how much work its keys take. If that is more than a few seconds, it is refused before any work is
//! done.

use std::time::{Duration, Instant};

use azs_backup::{DecryptionCertificate, Error, ErrorKind};

use crate::craft::*;
use crate::*;

const MANY: u32 = 0x7fff_ffff;

fn open(pfx: &[u8]) -> Result<DecryptionCertificate, Error> {
    DecryptionCertificate::from_pfx(pfx, Some(PASSWORD))
}

fn is_over_the_limit_at_once(pfx: &[u8], what: &str) {
    for password in [PASSWORD, ""] {
        let start = Instant::now();
        let error = DecryptionCertificate::from_pfx(pfx, Some(password)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{what}: {error}");
        assert!(start.elapsed() < Duration::from_millis(500), "{what} took {:?}", start.elapsed());
    }
}

/// Every scheme, with more work than anyone waits for.
fn costly() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("PBKDF2", pbes2(MANY)),
        ("PBKDF2, just too much", pbes2(5_000_001)),
        ("scrypt, N", scrypt(1 << 30, 1, 1)),
        ("scrypt, r", scrypt(2, 1 << 29, 1)),
        ("scrypt, p", scrypt(1 << 10, 1, 200_000)),
        ("scrypt, N and r and p", scrypt(1 << 14, 8, 2000)),
        ("scrypt, the smallest N", scrypt(2, 1, MANY >> 8)),
        ("PBE-MD5-DES", pbe("1.2.840.113549.1.5.3", MANY)),
        ("PBE-SHA1-RC2-64", pbe("1.2.840.113549.1.5.11", MANY)),
        ("PBE-SHA1-3DES", pbe("1.2.840.113549.1.12.1.3", MANY)),
        ("PBE-SHA1-3DES, for key and vector", pbe("1.2.840.113549.1.12.1.3", 1_700_000)),
        ("PBE-SHA1-RC4-40", pbe("1.2.840.113549.1.12.1.2", MANY)),
    ]
}

/// Everything that BER allows a writer, for each part of a PFX with one encrypted safe.
fn in_every_encoding(algorithm: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let safe = encrypted_safe(algorithm, &[0x5a; 64]);
    let keys = tlv(0x30, &costly_key_bag(algorithm));
    let whole = |content_info: &[u8]| sequence(&[&integer(3), content_info]);
    let authenticated = tlv(0x30, &safe);
    let [id, explicit] = children(split(&safe).1)[..] else { panic!("no content info") };
    let encrypted_data = split(explicit).1;
    let [version, info] = children(split(encrypted_data).1)[..] else { panic!("no encrypted data") };
    let [kind, scheme, _] = children(split(info).1)[..] else { panic!("no encrypted content") };
    let parts = [&[0xa0, 0x80][..], &tlv(4, &[0x5a; 32]), &tlv(4, &[0x5a; 32]), &[0, 0]].concat();
    let in_parts_inside =
        sequence(&[id, &tlv(0xa0, &sequence(&[version, &sequence(&[kind, scheme, &parts])]))]);
    let long_length =
        [&[0x30, 0x88, 0, 0, 0, 0, 0, 0, 0, split(&whole(&data(&authenticated))).1.len() as u8][..]].concat();
    let body = whole(&data(&authenticated));
    let mut all = vec![
        ("DER", body.clone()),
        ("indefinite PFX", indefinite(&body, false)),
        ("indefinite everything", indefinite(&body, true)),
        ("indefinite ContentInfo", whole(&indefinite(&data(&authenticated), true))),
        ("indefinite AuthenticatedSafe", whole(&data(&indefinite(&authenticated, true)))),
        ("indefinite SafeContents", whole(&data(&tlv(0x30, &data(&indefinite(&keys, true)))))),
        (
            "octets in parts",
            whole(&sequence(&[&oid("1.2.840.113549.1.7.1"), &tlv(0xa0, &in_parts(&authenticated))])),
        ),
        ("encrypted content in parts", whole(&data(&tlv(0x30, &in_parts_inside)))),
        ("a key in a plain safe", pfx_of(&[data(&keys)])),
        ("a key in a safe in a safe", {
            let nested = sequence(&[&oid("1.2.840.113549.1.12.10.1.6"), &tlv(0xa0, &keys)]);
            pfx_of(&[plain_safe(&[nested])])
        }),
        ("something behind", [&body[..], &[0; 8]].concat()),
    ];
    if split(&body).1.len() < 256 {
        all.push(("a length of eight bytes", [&long_length, split(&body).1].concat()));
    }
    all
}

#[test]
fn work_is_counted_in_every_scheme_and_encoding() {
    for (scheme, algorithm) in costly() {
        for (encoding, pfx) in in_every_encoding(&algorithm) {
            is_over_the_limit_at_once(&pfx, &format!("{scheme}, {encoding}"));
        }
    }
}

#[test]
fn a_salt_in_parts_hides_no_count() {
    let kdf = sequence(&[
        &oid("1.2.840.113549.1.5.12"),
        &sequence(&[
            &in_parts(b"12345678"),
            &integer(MANY),
            &sequence(&[&oid("1.2.840.113549.2.9"), &[5, 0]]),
        ]),
    ]);
    let pbe =
        sequence(&[&oid("1.2.840.113549.1.12.1.3"), &sequence(&[&in_parts(b"12345678"), &integer(MANY)])]);
    for algorithm in [pbes2_with(&kdf), pbe] {
        is_over_the_limit_at_once(&pfx_of(&[encrypted_safe(&algorithm, &[0x5a; 64])]), "a safe");
        is_over_the_limit_at_once(&pfx_of(&[plain_safe(&[costly_key_bag(&algorithm)])]), "a key");
    }
}

#[test]
fn a_check_value_counts_in_every_encoding() {
    let (key, certificate) = key_and_certificate("p256");
    let content = data(&tlv(0x30, &plain_safe(&[key_bag(&key), cert_bag(&certificate)])));
    let mac = mac(MANY);
    let in_parts_inside = {
        let [digest, salt, count] = children(split(&mac).1)[..] else { panic!("no check value") };
        sequence(&[digest, &in_parts(split(salt).1), count])
    };
    for mac in [mac.clone(), indefinite(&mac, true), in_parts_inside] {
        is_over_the_limit_at_once(&sequence(&[&integer(3), &content, &mac]), "a check value");
    }
    // RFC 9579: the parameters of PBKDF2 are in the check value's algorithm.
    let hmac = sequence(&[&oid("1.2.840.113549.2.9"), &[5, 0]]);
    let kdf = sequence(&[
        &oid("1.2.840.113549.1.5.12"),
        &sequence(&[&tlv(4, b"12345678"), &integer(MANY), &integer(32), &hmac]),
    ]);
    let algorithm = sequence(&[&oid("1.2.840.113549.1.5.14"), &sequence(&[&kdf, &hmac])]);
    let mac = sequence(&[&sequence(&[&algorithm, &tlv(4, &[1; 32])]), &tlv(4, b""), &integer(1)]);
    is_over_the_limit_at_once(&sequence(&[&integer(3), &content, &mac]), "PBMAC1");
}

#[test]
fn it_is_the_sum_that_counts() {
    let safes: Vec<_> = (0..10).map(|_| encrypted_safe(&pbes2(600_000), &[0x5a; 64])).collect();
    is_over_the_limit_at_once(&pfx_of(&safes), "ten safes");
    let keys: Vec<_> = (0..20).map(|_| costly_key_bag(&pbes2(300_000))).collect();
    is_over_the_limit_at_once(&pfx_of(&[plain_safe(&keys)]), "twenty keys");
    let third = 2_000_000;
    let content =
        data(&tlv(0x30, &[safes[0].clone(), plain_safe(&[costly_key_bag(&pbes2(third))])].concat()));
    is_over_the_limit_at_once(
        &sequence(&[&integer(3), &content, &mac(3 * (third >> 1))]),
        "check value, safe and key",
    );
}

#[test]
fn a_key_inside_an_encrypted_safe_is_counted_before_its_own_derivation() {
    for (scheme, algorithm) in costly() {
        let pfx = pfx_of(&[sealed_safe(&[costly_key_bag(&algorithm)])]);
        let start = Instant::now();
        let error = open(&pfx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{scheme}: {error}");
        assert!(start.elapsed() < Duration::from_millis(500), "{scheme} took {:?}", start.elapsed());
    }
    // Each alone would do.
    let safe = || sealed_safe(&(0..3).map(|_| costly_key_bag(&pbes2(600_000))).collect::<Vec<_>>());
    let error = open(&pfx_of(&[safe(), safe(), safe()])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
}

#[test]
fn a_key_in_pem_has_the_same_limit() {
    let cer = vector("p256.cer");
    for (scheme, algorithm) in costly() {
        let encrypted = encrypted_key(&algorithm);
        for der in [encrypted.clone(), indefinite(&encrypted, true)] {
            let start = Instant::now();
            let key = pem("ENCRYPTED PRIVATE KEY", &der);
            let error = DecryptionCertificate::from_pem(&key, Some(PASSWORD), &cer).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{scheme}: {error}");
            assert!(start.elapsed() < Duration::from_millis(500), "{scheme} took {:?}", start.elapsed());
        }
    }
}

#[test]
fn a_million_iterations_in_all_open_in_every_common_scheme() {
    let (key, certificate) = key_and_certificate("p256");
    let old = ["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"];
    for (arguments, password) in [(&[][..], PASSWORD), (&[], ""), (&old, PASSWORD), (&old, "")] {
        let pfx = openssl_command::export(
            &key,
            &certificate,
            password,
            &[arguments, &["-iter", "333000"]].concat(),
        );
        let opened = DecryptionCertificate::from_pfx(&pfx, Some(password)).unwrap();
        assert_eq!(opened.facts(), crate::cer("p256").facts(), "{arguments:?}");
    }
}

#[test]
fn an_absent_password_is_wrong_and_no_more_work_than_a_present_one() {
    // Browsers export with 600,000 iterations: both forms of no password together would be over the limit.
    let (key, certificate) = key_and_certificate("p256");
    let export =
        |password: &str| openssl_command::export(&key, &certificate, password, &["-iter", "1000000"]);
    let error = DecryptionCertificate::from_pfx(&export(PASSWORD), None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongPassword, "{error}");
    let opened = DecryptionCertificate::from_pfx(&export(""), None).unwrap();
    assert_eq!(opened.facts(), crate::cer("p256").facts());
}
