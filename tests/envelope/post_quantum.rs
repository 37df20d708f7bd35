//! ML-KEM, with the OpenSSL that is linked and with the command: both do it from 3.6 on, and we do it with any.

use std::path::Path;
use std::process::Command;

use azs_backup::envelope::recipients_of;
use azs_backup::{DecryptionCertificate, EncryptionCertificate, ErrorKind, Opener};
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::pkcs12::Pkcs12;
use openssl::stack::Stack;
use openssl::symm::Cipher;
use openssl::x509::X509;
use tempfile::TempDir;

use crate::*;

const CONTENT: &[u8] = b"hostname tor-1\nvlan 7\n";

#[test]
fn the_facts_say_which_certificates_are_post_quantum() {
    for key in ML_KEM {
        let facts = cer(key).facts().key.clone();
        assert!(facts.is_post_quantum());
        assert_eq!(facts.algorithm, format!("ML-KEM-{}", facts.bits));
        assert_eq!(pfx(key).facts(), cer(key).facts());
        assert_eq!(pfx(key).encryption_certificate().to_der().unwrap(), vector(&format!("{key}.cer")));
    }
    assert!(KEYS.iter().all(|key| !cer(key).facts().key.is_post_quantum()));
}

#[test]
fn each_recipient_opens_whatever_the_kinds_of_the_others_are() {
    for recipients in [
        &["mlkem768"][..],
        &["mlkem1024", "mlkem768"],
        &["rsa2048", "mlkem768"],
        &["p384", "mlkem1024", "rsa4096", "mlkem768", "p256"],
    ] {
        let message = sealer(recipients).seal(CONTENT).unwrap();
        assert_eq!(recipients_of(&message).unwrap().len(), recipients.len());
        for key in KEYS.into_iter().chain(ML_KEM) {
            match opener(key).open(&message) {
                Ok(content) => {
                    assert_eq!(content, CONTENT);
                    assert!(recipients.contains(&key), "{key} of {recipients:?}");
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WrongCertificate, "{key} of {recipients:?}");
                    assert!(!recipients.contains(&key), "{key} of {recipients:?}");
                }
            }
        }
    }
}

#[test]
fn sixteen_recipients_of_the_longest_kind_fit_into_a_message() {
    let recipients: Vec<_> = (0..16).map(|number| renewed("mlkem1024", number)).collect();
    let message = azs_backup::envelope::Sealer::new(&recipients).unwrap().seal(CONTENT).unwrap();
    assert_eq!(recipients_of(&message).unwrap().len(), 16);
    assert_eq!(opener("mlkem1024").open(&message).unwrap(), CONTENT);
}

/// The certificate with another serial number. Nobody checks its signature, here as in a backup.
fn renewed(key: &str, number: u8) -> EncryptionCertificate {
    let mut der = vector(&format!("{key}.cer"));
    let serial = der.windows(2).position(|pair| pair == [2, 20]).unwrap() + 10;
    der[serial] = number;
    EncryptionCertificate::from_cer(&der).unwrap()
}

#[test]
fn a_certificate_that_was_renewed_with_its_key_opens_what_was_sealed_to_the_old_one() {
    for key in ML_KEM {
        let renewed = renewed(key, 7);
        assert_ne!(renewed.facts().serial, cer(key).facts().serial);
        let others = ["rsa2048", "mlkem768", "mlkem1024"].into_iter().filter(|other| *other != key).map(cer);
        let recipients: Vec<_> = others.chain([renewed]).collect();
        let mut message = azs_backup::envelope::Sealer::new(&recipients).unwrap().seal(CONTENT).unwrap();
        assert_eq!(opener(key).open(&message).unwrap(), CONTENT);
        *message.last_mut().unwrap() ^= 1;
        assert_eq!(opener(key).open(&message).unwrap_err().kind(), ErrorKind::Damaged);
    }
}

#[test]
fn a_key_in_pem_opens_like_the_pfx() {
    let der = |name: &str| {
        let parts = craft::children(craft::split(&vector(name)).1).concat();
        let safes = craft::split(craft::children(craft::split(craft::children(&parts)[1]).1)[1]).1.to_vec();
        let contents = craft::split(craft::split(&safes).1).1.to_vec();
        let safe = craft::split(craft::children(craft::split(craft::children(&contents)[0]).1)[1]).1.to_vec();
        let bags = craft::split(craft::split(&safe).1).1.to_vec();
        let bag = craft::children(&bags)[1].to_vec();
        craft::split(craft::children(craft::split(&bag).1)[1]).1.to_vec()
    };
    let key = craft::pem("PRIVATE KEY", &der("pfx-mlkem-not-encrypted.pfx"));
    let message = sealer(&["mlkem768"]).seal(CONTENT).unwrap();
    let pair = DecryptionCertificate::from_pem(&key, None, &vector("mlkem768.cer")).unwrap();
    assert_eq!(Opener::new(pair).open(&message).unwrap(), CONTENT);
    let other = DecryptionCertificate::from_pem(&key, None, &vector("mlkem1024.cer"));
    assert_eq!(other.unwrap_err().kind(), ErrorKind::CertificateUnsuitable);
    let damaged = craft::pem("PRIVATE KEY", &der("pfx-mlkem-seed-cut-off.pfx"));
    let damaged = DecryptionCertificate::from_pem(&damaged, None, &vector("mlkem768.cer"));
    assert_eq!(damaged.unwrap_err().kind(), ErrorKind::Malformed);
}

#[test]
fn a_key_of_ml_kem_signs_nothing() {
    use azs_backup::signature::{Signer, SignerCertificate};
    let cer = SignerCertificate::from_cer(&vector("mlkem768.cer")).unwrap_err();
    let pfx = Signer::from_pfx(&vector("mlkem768.pfx"), Some(PASSWORD)).unwrap_err();
    for error in [cer, pfx] {
        assert_eq!(error.kind(), ErrorKind::CertificateUnsuitable);
        assert!(error.to_string().contains("ML-KEM-768, which only encrypts"), "{error}");
    }
}

/// Whether an OpenSSL does ML-KEM in CMS.
fn is_new_enough(version: &str) -> bool {
    let numbers = version.strip_prefix("OpenSSL ").unwrap_or_default().split('.');
    numbers.map_while(|number| number.parse().ok()).take(2).collect::<Vec<u32>>() >= vec![3, 6]
}

#[test]
fn the_linked_openssl_opens_what_we_seal_and_we_what_it_seals() {
    let version = openssl::version::version();
    if !is_new_enough(version) {
        println!("left out: OpenSSL seals to ML-KEM from 3.6 on; linked is {version}");
        return;
    }
    for key in ML_KEM {
        let parsed = Pkcs12::from_der(&vector(&format!("{key}.pfx"))).unwrap().parse2(PASSWORD).unwrap();
        let (private, certificate) = (parsed.pkey.unwrap(), parsed.cert.unwrap());
        for recipients in [&[key][..], &["rsa2048", key, "p256"], &ML_KEM] {
            let content = vec![0x5a; 100_000];
            let message = CmsContentInfo::from_der(&sealer(recipients).seal(&content).unwrap()).unwrap();
            assert!(message.decrypt(&private, &certificate).unwrap() == content, "{key} of {recipients:?}");
            let message = message.decrypt_without_cert_check(&private).unwrap();
            assert!(message == content, "{key} of {recipients:?}, without its certificate");
        }
        let mut recipients = Stack::new().unwrap();
        recipients.push(certificate).unwrap();
        recipients.push(X509::from_der(&vector("mlkem1024.cer")).unwrap()).unwrap();
        for length in [0, 1, 300_000] {
            let content = vec![0xc3; length];
            let message =
                CmsContentInfo::encrypt(&recipients, &content, Cipher::aes_256_gcm(), CMSOptions::BINARY);
            let message = message.unwrap().to_der().unwrap();
            assert!(opener(key).open(&message).unwrap() == content, "{key} {length}");
            assert!(opener("mlkem1024").open(&message).unwrap() == content, "{key} {length}");
        }
    }
}

/// The command, or another one that `AZS_TEST_OPENSSL` names; `None` if it is too old.
fn command() -> Option<String> {
    let program = std::env::var("AZS_TEST_OPENSSL").unwrap_or_else(|_| "openssl".to_owned());
    let version = Command::new(&program).arg("version").output().expect("the openssl command is needed");
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let is_new_enough = is_new_enough(&version);
    if !is_new_enough {
        println!(
            "left out: the command seals to ML-KEM from 3.6 on; AZS_TEST_OPENSSL names one; here: {version}"
        );
    }
    is_new_enough.then_some(program)
}

fn openssl(program: &str, dir: &Path, line: &str) -> Vec<u8> {
    let output = Command::new(program)
        .args(line.split(' '))
        .current_dir(dir)
        .env("AZS_PFX_PASSWORD", PASSWORD)
        .output()
        .unwrap();
    assert!(output.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn the_openssl_command_opens_what_we_seal_straight_from_the_pfx_and_we_what_it_seals() {
    let Some(program) = command() else { return };
    let dir = TempDir::new().unwrap();
    let content = vec![0x5a; 100_000];
    std::fs::write(dir.path().join("plain"), &content).unwrap();
    for key in ML_KEM {
        std::fs::write(dir.path().join("backup.pfx"), vector(&format!("{key}.pfx"))).unwrap();
        for recipients in [&[key][..], &["rsa2048", key, "p256"], &ML_KEM] {
            std::fs::write(dir.path().join("m.p7m"), sealer(recipients).seal(&content).unwrap()).unwrap();
            // As the README prints it.
            let opened = openssl(
                &program,
                dir.path(),
                "cms -decrypt -binary -inform DER -in m.p7m -inkey backup.pfx -passin env:AZS_PFX_PASSWORD",
            );
            assert!(opened == content, "{key} of {recipients:?}");
        }
        std::fs::write(dir.path().join("m.p7m"), sealer(&[key]).seal(&content).unwrap()).unwrap();
        let text = openssl(&program, dir.path(), "cms -cmsout -print -noout -inform DER -in m.p7m");
        let text = String::from_utf8_lossy(&text);
        for wanted in ["id-smime-ori-kem", "HKDF-SHA256", "id-aes256-wrap", "ML-KEM"] {
            assert!(text.contains(wanted), "{wanted} is not in {text}");
        }
        std::fs::write(dir.path().join("cer"), vector(&format!("{key}.cer"))).unwrap();
        let message = openssl(
            &program,
            dir.path(),
            "cms -encrypt -aes-256-gcm -binary -outform DER -in plain -recip cer",
        );
        assert!(opener(key).open(&message).unwrap() == content, "{key}");
    }
}

/// Whoever has only an older OpenSSL still opens what is sealed to RSA as well.
#[test]
fn any_openssl_command_opens_through_the_rsa_recipient() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("backup.pfx"), vector("rsa2048.pfx")).unwrap();
    std::fs::write(
        dir.path().join("m.p7m"),
        sealer(&["mlkem1024", "rsa2048", "mlkem768"]).seal(CONTENT).unwrap(),
    )
    .unwrap();
    let opened = openssl(
        "openssl",
        dir.path(),
        "cms -decrypt -binary -inform DER -in m.p7m -inkey backup.pfx -passin env:AZS_PFX_PASSWORD",
    );
    assert_eq!(opened, CONTENT);
}
