//! The `openssl` command as the other side: after a fire, it may be all that people have.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use azs_backup::{DecryptionCertificate, EncryptionCertificate, ErrorKind};
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use tempfile::TempDir;

use crate::*;

fn run(dir: &Path, args: &[&str]) -> Output {
    Command::new("openssl")
        .args(args)
        .current_dir(dir)
        .env("AZS_PFX_PASSWORD", PASSWORD)
        .stdin(Stdio::null())
        .output()
        .expect("the openssl command is needed")
}

fn openssl(dir: &Path, args: &[&str]) -> Vec<u8> {
    let output = run(dir, args);
    assert!(output.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A PFX by `openssl pkcs12 -export`.
pub(crate) fn export(key: &PKey<Private>, certificate: &X509, password: &str, args: &[&str]) -> Vec<u8> {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("key"), key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    std::fs::write(dir.path().join("cer"), certificate.to_pem().unwrap()).unwrap();
    let password = format!("pass:{password}");
    let export = ["pkcs12", "-export", "-inkey", "key", "-in", "cer", "-passout", &password];
    openssl(dir.path(), &[&export, args].concat())
}

/// What `openssl` writes to a private key that it reads.
pub(crate) fn converted(key: &PKey<Private>, args: &[&str]) -> Vec<u8> {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("key"), key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    openssl(dir.path(), &[args, &["-in", "key"]].concat())
}

pub(crate) fn try_certificate_and_pfx(
    newkey: &str,
    args: &[&str],
) -> (Result<EncryptionCertificate, azs_backup::Error>, DecryptionCertificate) {
    let dir = TempDir::new().unwrap();
    let req = ["req", "-x509", "-newkey", newkey, "-nodes", "-keyout", "key", "-out", "cer"];
    openssl(dir.path(), &[&req, args].concat());
    let key = std::fs::read(dir.path().join("key")).unwrap();
    let cer = std::fs::read(dir.path().join("cer")).unwrap();
    let pfx = DecryptionCertificate::from_pem(&key, None, &cer).unwrap();
    (EncryptionCertificate::from_cer(&cer), pfx)
}

pub(crate) fn certificate_and_pfx(
    newkey: &str,
    args: &[&str],
) -> (EncryptionCertificate, DecryptionCertificate) {
    let (cer, pfx) = try_certificate_and_pfx(newkey, args);
    (cer.unwrap(), pfx)
}

#[test]
fn openssl_opens_what_we_seal_straight_from_the_pfx() {
    let dir = TempDir::new().unwrap();
    let content = vec![0x5a; 100_000];
    let several = sealer(&KEYS).seal(&content).unwrap();
    for key in KEYS {
        let (cer, pfx) = (path(&format!("{key}.cer")), path(&format!("{key}.pfx")));
        for message in [&sealer(&[key]).seal(&content).unwrap(), &several] {
            std::fs::write(dir.path().join("m.p7m"), message).unwrap();
            let opened = openssl(
                dir.path(),
                &[
                    "cms",
                    "-decrypt",
                    "-binary",
                    "-inform",
                    "DER",
                    "-in",
                    "m.p7m",
                    "-inkey",
                    pfx.to_str().unwrap(),
                    "-recip",
                    cer.to_str().unwrap(),
                    "-passin",
                    "env:AZS_PFX_PASSWORD",
                ],
            );
            assert!(opened == content, "{key}");
        }
    }
}

#[test]
fn openssl_refuses_a_message_of_ours_that_was_changed() {
    let dir = TempDir::new().unwrap();
    let mut message = sealer(&["rsa2048"]).seal(&[0x5a; 1000]).unwrap();
    let middle = message.len() - 500;
    message[middle] ^= 1;
    std::fs::write(dir.path().join("m.p7m"), message).unwrap();
    let (cer, pfx) = (path("rsa2048.cer"), path("rsa2048.pfx"));
    let args = [
        "cms",
        "-decrypt",
        "-binary",
        "-inform",
        "DER",
        "-in",
        "m.p7m",
        "-inkey",
        pfx.to_str().unwrap(),
        "-recip",
        cer.to_str().unwrap(),
        "-passin",
        "env:AZS_PFX_PASSWORD",
    ];
    assert!(!run(dir.path(), &args).status.success());
}

#[test]
fn we_open_what_openssl_seals() {
    let dir = TempDir::new().unwrap();
    for len in [1, 1000, 300_000] {
        let content = vec![0xc3; len];
        std::fs::write(dir.path().join("plain"), &content).unwrap();
        for key in KEYS {
            openssl(
                dir.path(),
                &["x509", "-in", path(&format!("{key}.cer")).to_str().unwrap(), "-out", "cer.pem"],
            );
            let options: &[&str] = match key.starts_with("rsa") {
                true => &["-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256"],
                false => &["-keyopt", "ecdh_kdf_md:sha256"],
            };
            let encrypt = ["cms", "-encrypt", "-aes-256-gcm", "-binary", "-outform", "DER", "-in", "plain"];
            let message = openssl(dir.path(), &[&encrypt[..], &["-recip", "cer.pem"], options].concat());
            assert!(opener(key).open(&message).unwrap() == content, "{key} {len}");
        }
    }
}

#[test]
fn openssl_reads_our_frame_as_the_profile_has_it() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("m.p7m"), sealer(&["rsa2048", "p256"]).seal(b"x").unwrap()).unwrap();
    let text = openssl(dir.path(), &["cms", "-cmsout", "-print", "-noout", "-inform", "DER", "-in", "m.p7m"]);
    let text = String::from_utf8_lossy(&text);
    for wanted in
        ["id-smime-ct-authEnvelopedData", "aes-256-gcm", "rsaesOaep", "dhSinglePass-stdDH-sha256kdf-scheme"]
    {
        assert!(text.contains(wanted), "{wanted} is not in {text}");
    }
    let pure = openssl(dir.path(), &["asn1parse", "-inform", "DER", "-in", "m.p7m"]);
    assert!(!String::from_utf8_lossy(&pure).contains("inf"), "an indefinite length");
}

#[test]
fn gpgsm_is_asked_only_where_it_can_read_authenticated_messages() {
    let version = Command::new("gpgsm").arg("--version").output();
    let version =
        version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let first = version.lines().next().unwrap_or("gpgsm is not installed");
    println!("left out: gpgsm reads AuthEnvelopedData from 2.5.20 on; here: {first}");
}

#[test]
fn a_pem_key_and_certificate_open_like_the_pfx() {
    let dir = TempDir::new().unwrap();
    let message = sealer(&["rsa2048", "p521"]).seal(b"x").unwrap();
    for key in ["rsa2048", "p521"] {
        let cer = vector(&format!("{key}.cer"));
        let pfx = path(&format!("{key}.pfx"));
        let from_pfx = ["pkcs12", "-in", pfx.to_str().unwrap(), "-passin", "env:AZS_PFX_PASSWORD"];
        let both = openssl(dir.path(), &[&from_pfx[..], &["-nodes"]].concat());
        let plain = DecryptionCertificate::from_pem(&both, None, &both).unwrap();
        assert_eq!(azs_backup::Opener::new(plain).open(&message).unwrap(), b"x");

        let encrypted =
            openssl(dir.path(), &[&from_pfx[..], &["-nocerts", "-passout", "pass:staple"]].concat());
        let open = |passphrase| DecryptionCertificate::from_pem(&encrypted, passphrase, &cer);
        assert_eq!(open(Some("staple")).unwrap().facts(), crate::cer(key).facts());
        assert_eq!(open(Some("battery")).unwrap_err().kind(), ErrorKind::WrongPassword);
        assert_eq!(open(None).unwrap_err().kind(), ErrorKind::WrongPassword);
        assert_eq!(open(Some(&"long".repeat(1000))).unwrap_err().kind(), ErrorKind::InvalidArgument);

        let other = DecryptionCertificate::from_pem(&both, None, &vector("p384.cer"));
        assert_eq!(other.unwrap_err().kind(), ErrorKind::CertificateUnsuitable);
        let broken = DecryptionCertificate::from_pem(&both[..both.len() / 2], None, &cer);
        assert_eq!(broken.unwrap_err().kind(), ErrorKind::Malformed);
    }
}

#[test]
fn a_password_with_a_null_character_is_an_error_and_no_panic() {
    let pfx = DecryptionCertificate::from_pfx(&vector("rsa2048.pfx"), Some("correct\0horse"));
    assert_eq!(pfx.unwrap_err().kind(), ErrorKind::InvalidArgument);
}
