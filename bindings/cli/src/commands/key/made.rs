//! Makes a certificate and its PFX, as Windows and OpenSSL would.
//!
//! A key of ML-KEM cannot sign, so not even its own certificate. Another key does that, and is forgotten at once: nobody
//! verifies the certificate of a backup, because the operator chose it.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use azs_backup::{Error, ErrorKind, Result};
use clap::ValueEnum;
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, KeyUsage};
use openssl::x509::{X509, X509NameBuilder};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// What kind of key a certificate has.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Kind {
    /// RSA of 3072 bits, which every program opens
    Rsa,
    /// Post-quantum, NIST's category 3; by hand it takes OpenSSL 3.6
    #[value(name = "ml-kem-768")]
    MlKem768,
    /// Post-quantum, NIST's category 5; by hand it takes OpenSSL 3.6
    #[value(name = "ml-kem-1024")]
    MlKem1024,
}

/// A certificate: the CER in DER, the PFX, and the PFX's password.
pub(super) struct Made {
    pub(super) cer: Vec<u8>,
    pub(super) pfx: Zeroizing<Vec<u8>>,
    pub(super) password: Secret,
}

/// Makes a certificate with a new key, valid from now on; draws a password if none is given.
pub(super) fn make(
    name: &str,
    kind: Kind,
    days: u32,
    usage: &mut KeyUsage,
    password: Option<&str>,
) -> Result<Made> {
    let failed = |e| Error::new(ErrorKind::Internal, "OpenSSL failed to make a certificate").with_source(e);
    let password = password.map_or_else(draw, |password| Ok(password.to_owned().into())).map_err(failed)?;
    let key = match kind {
        Kind::Rsa => Rsa::generate(3072).and_then(PKey::from_rsa).map_err(failed)?,
        Kind::MlKem768 => ml_kem(2)?,
        Kind::MlKem1024 => ml_kem(3)?,
    };
    build(name, kind, &key, days, usage, password).map_err(failed)
}

/// Makes a key of ML-KEM from a seed in PKCS #8 (RFC 9935 §6); the algorithms differ in their last number.
fn ml_kem(algorithm: u8) -> Result<PKey<Private>> {
    let head = [
        0x30, 0x54, 2, 1, 0, 0x30, 0x0b, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 4, algorithm, 4, 0x42, 0x80,
        0x40,
    ];
    let mut der = Zeroizing::new([0; 86]);
    der[..head.len()].copy_from_slice(&head);
    let made =
        openssl::rand::rand_bytes(&mut der[head.len()..]).and_then(|()| PKey::private_key_from_pkcs8(&*der));
    made.map_err(|e| {
        let message = format!(
            "{} makes no key of ML-KEM: OpenSSL does from 3.5 on; docs/keys.md has its commands",
            openssl::version::version()
        );
        Error::new(ErrorKind::Unsupported, message).with_source(e)
    })
}

fn build(
    name: &str,
    kind: Kind,
    key: &PKey<Private>,
    days: u32,
    usage: &mut KeyUsage,
    password: Secret,
) -> Result<Made, ErrorStack> {
    let mut subject = X509NameBuilder::new()?;
    subject.append_entry_by_text("CN", name)?;
    let subject = subject.build();
    let (issuer, issuer_key) = match kind {
        Kind::Rsa => (None, None),
        Kind::MlKem768 | Kind::MlKem1024 => {
            let mut issuer = X509NameBuilder::new()?;
            issuer.append_entry_by_text("OU", "its issuer's key was not kept")?;
            issuer.append_entry_by_text("CN", name)?;
            let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
            (Some(issuer.build()), Some(PKey::from_ec_key(EcKey::generate(&curve)?)?))
        }
    };
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(&*serial.to_asn1_integer()?)?;
    builder.set_subject_name(&subject)?;
    builder.set_issuer_name(issuer.as_ref().unwrap_or(&subject))?;
    builder.set_pubkey(key)?;
    builder.set_not_before(&*Asn1Time::days_from_now(0)?)?;
    builder.set_not_after(&*Asn1Time::days_from_now(days)?)?;
    builder.append_extension(BasicConstraints::new().critical().build()?)?;
    builder.append_extension(usage.critical().build()?)?;
    builder.sign(issuer_key.as_ref().unwrap_or(key), MessageDigest::sha256())?;
    let certificate = builder.build();
    let mut pfx = Pkcs12::builder();
    pfx.name(name).pkey(key).cert(&certificate);
    Ok(Made { cer: certificate.to_der()?, pfx: pfx.build2(&password)?.to_der()?.into(), password })
}

/// Draws a password of 128 bits, in groups that people can copy from paper.
fn draw() -> Result<Secret, ErrorStack> {
    let mut random = Zeroizing::new([0; 16]);
    openssl::rand::rand_bytes(&mut *random)?;
    let mut text = Secret::default();
    for (at, pair) in random.chunks(2).enumerate() {
        text.push_str(if at > 0 { "-" } else { "" });
        pair.iter().for_each(|byte| {
            let digits =
                [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0'));
            text.extend(digits);
        });
    }
    Ok(text)
}

/// Who may read a new file, as far as the mask of the process allows.
#[derive(Clone, Copy)]
pub(super) enum Readers {
    Everybody = 0o644,
    Owner = 0o600,
}

/// Writes a new file.
pub(super) fn write_new(file: &Path, bytes: &[u8], readers: Readers) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, readers as u32);
    #[cfg(not(unix))]
    let _ = readers;
    let written = options.open(file).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|e| Error::io(format_args!("write {}", file.display()), e))
}
