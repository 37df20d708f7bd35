//! A throw-away certificate, made as an operator's own tools would make it.

use azs_backup::{Error, ErrorKind, Result};
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509NameBuilder};

/// A self-signed certificate: the CER in DER, the PFX, and the PFX's password.
pub(crate) struct ThrowAway {
    pub(crate) cer: Vec<u8>,
    pub(crate) pfx: Vec<u8>,
    pub(crate) password: String,
}

impl ThrowAway {
    pub(crate) fn new() -> Result<Self> {
        Self::make().map_err(|e| {
            Error::new(ErrorKind::Internal, "OpenSSL failed to make a certificate").with_source(e)
        })
    }

    fn make() -> Result<Self, ErrorStack> {
        let key = PKey::from_rsa(Rsa::generate(2048)?)?;
        let mut subject = X509NameBuilder::new()?;
        subject.append_entry_by_text("CN", "azs-backup quickstart")?;
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
        builder.set_not_after(&*Asn1Time::days_from_now(365)?)?;
        builder.sign(&key, MessageDigest::sha256())?;
        let certificate = builder.build();

        let mut random = [0; 8];
        openssl::rand::rand_bytes(&mut random)?;
        let password = format!("{:016x}", u64::from_be_bytes(random));
        let mut pfx = Pkcs12::builder();
        pfx.name("azs-backup quickstart").pkey(&key).cert(&certificate);
        Ok(Self { cer: certificate.to_der()?, pfx: pfx.build2(&password)?.to_der()?, password })
    }
}
