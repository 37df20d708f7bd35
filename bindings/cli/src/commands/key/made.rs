//! Makes a certificate and its PFX, as Windows and OpenSSL would.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use azs_backup::{Error, ErrorKind, Result};
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, KeyUsage};
use openssl::x509::{X509, X509NameBuilder};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// A self-signed certificate: the CER in DER, the PFX, and the PFX's password.
pub(super) struct Made {
    pub(super) cer: Vec<u8>,
    pub(super) pfx: Zeroizing<Vec<u8>>,
    pub(super) password: Secret,
}

/// Makes a certificate with a new key of RSA, 3072 bits, valid from now on; draws a password if none is given.
pub(super) fn make(name: &str, days: u32, usage: &mut KeyUsage, password: Option<&str>) -> Result<Made> {
    let password = password.map_or_else(draw, |password| Ok(password.to_owned().into()));
    password
        .and_then(|password| build(name, days, usage, password))
        .map_err(|e| Error::new(ErrorKind::Internal, "OpenSSL failed to make a certificate").with_source(e))
}

fn build(name: &str, days: u32, usage: &mut KeyUsage, password: Secret) -> Result<Made, ErrorStack> {
    let key = PKey::from_rsa(Rsa::generate(3072)?)?;
    let mut subject = X509NameBuilder::new()?;
    subject.append_entry_by_text("CN", name)?;
    let subject = subject.build();
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(&*serial.to_asn1_integer()?)?;
    builder.set_subject_name(&subject)?;
    builder.set_issuer_name(&subject)?;
    builder.set_pubkey(&key)?;
    builder.set_not_before(&*Asn1Time::days_from_now(0)?)?;
    builder.set_not_after(&*Asn1Time::days_from_now(days)?)?;
    builder.append_extension(BasicConstraints::new().critical().build()?)?;
    builder.append_extension(usage.critical().build()?)?;
    builder.sign(&key, MessageDigest::sha256())?;
    let certificate = builder.build();
    let mut pfx = Pkcs12::builder();
    pfx.name(name).pkey(&key).cert(&certificate);
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
