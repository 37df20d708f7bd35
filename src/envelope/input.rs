//! Unwraps the certificate files that people have: DER, PEM, Base64, with a byte-order mark, in UTF-16, as a PKCS #7
//! bundle.

use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, Engine};
use der::Decode;
use der::asn1::AnyRef;
use openssl::pkcs7::Pkcs7;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::PKey;
use openssl::x509::X509;
use zeroize::Zeroizing;

use crate::{Error, ErrorKind, Result};

use super::private_key::Encrypted;

/// The content of a file.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) certificates: Vec<X509>,
    pub(super) has_private_key: bool,
}

impl Contents {
    /// Reads a file that should hold certificates.
    pub(super) fn of(bytes: &[u8]) -> Result<Self> {
        check_size(bytes)?;
        let mut contents = Self::default();
        let text = decode_text(bytes);
        // Trim only the start: the last byte of DER may look like white space.
        let text = text.trim_ascii_start();
        if text.is_empty() {
            return Err(malformed("the certificate file is empty"));
        }
        if text[0] == DER_SEQUENCE {
            contents.add_der(text)?;
        } else if find(text, BEGIN).is_some() {
            contents.add_pem(text)?;
        } else {
            let der = decode_base64(text).filter(|der| der.first() == Some(&DER_SEQUENCE));
            contents.add_der(&der.ok_or_else(|| malformed("the file is neither DER nor PEM nor Base64"))?)?;
        }
        contents.certificates.dedup_by(|a, b| a.to_der().ok() == b.to_der().ok());
        Ok(contents)
    }

    fn add_pem(&mut self, text: &[u8]) -> Result<()> {
        let mut rest = text;
        let mut blocks = 0;
        while let Some(block) = next_pem(&mut rest)? {
            blocks += 1;
            if blocks > MAX_CERTIFICATES {
                return Err(Error::new(ErrorKind::LimitExceeded, "the file holds too many PEM blocks"));
            }
            match block.label {
                b"CERTIFICATE" | b"X509 CERTIFICATE" | b"TRUSTED CERTIFICATE" | b"PKCS7" | b"CMS" => {
                    let der = decode_base64(block.body);
                    self.add_der(&der.ok_or_else(|| malformed("the file's PEM is not Base64 inside"))?)?;
                }
                label if find(label, b"PRIVATE KEY").is_some() => self.has_private_key = true,
                // Public keys, requests, parameters: useless here, but harmless.
                _ => {}
            }
        }
        Ok(())
    }

    fn add_der(&mut self, der: &[u8]) -> Result<()> {
        if let Ok(certificate) = X509::from_der(der) {
            check_end(der)?;
            self.certificates.push(certificate);
        } else if let Ok(bundle) = Pkcs7::from_der(der) {
            let certificates = bundle.signed().and_then(|signed| signed.certificates()).into_iter().flatten();
            self.certificates.extend(certificates.take(MAX_CERTIFICATES).map(ToOwned::to_owned));
        } else if is_private_key(der) {
            self.has_private_key = true;
        } else {
            return Err(malformed("the file is not a certificate, or is damaged or cut off"));
        }
        Ok(())
    }
}

/// Whether this is a PFX or a bare private key.
fn is_private_key(der: &[u8]) -> bool {
    Pkcs12::from_der(der).is_ok()
        || PKey::private_key_from_der(der).is_ok()
        || Encrypted::from_der(der).is_ok()
}

/// Unwraps a PFX that is bare, follows a byte-order mark, or is in PEM or in Base64 as a vault exports it. The error
/// names files that are often mistaken for one.
pub(super) fn unwrap_pfx(bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    check_size(bytes)?;
    let text = decode_text(bytes);
    if text.trim_ascii().is_empty() {
        return Err(malformed("the PFX file is empty"));
    }
    let mut der = Zeroizing::new(Vec::new());
    if text.first() == Some(&DER_SEQUENCE) {
        der = text;
    } else if find(&text, BEGIN).is_some() {
        let mut rest = &text[..];
        let mut certificate = false;
        while let Some(block) = next_pem(&mut rest)? {
            if matches!(block.label, b"PKCS12" | b"PFX") {
                der = Zeroizing::new(decode_base64(block.body).unwrap_or_default());
            } else if find(block.label, b"PRIVATE KEY").is_some() {
                return Err(malformed("the file is a private key in PEM, not a PFX: read it as PEM"));
            }
            certificate |= find(block.label, b"CERTIFICATE").is_some();
        }
        if certificate && der.is_empty() {
            return Err(malformed("the file is a certificate in PEM, not a PFX: it has no private key"));
        }
    } else {
        der = Zeroizing::new(decode_base64(&text).unwrap_or_default());
    }
    if der.first() != Some(&DER_SEQUENCE) {
        return Err(malformed("the file is not a PFX"));
    }
    if X509::from_der(&der).is_ok() {
        return Err(malformed("the file is a certificate, not a PFX: it has no private key"));
    }
    Ok(der)
}

/// Converts text to UTF-8 without its byte-order mark. Returns anything else unchanged.
pub(super) fn decode_text(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        let text: String =
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        text.into_bytes()
    };
    Zeroizing::new(match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => rest.to_vec(),
        _ => bytes.to_vec(),
    })
}

/// One block of PEM.
pub(super) struct Pem<'a> {
    pub(super) label: &'a [u8],
    pub(super) body: &'a [u8],
    /// From the first dash to the last.
    pub(super) whole: &'a [u8],
}

/// Finds the next PEM block, however it is indented or broken into lines.
pub(super) fn next_pem<'a>(rest: &mut &'a [u8]) -> Result<Option<Pem<'a>>> {
    let Some(begin) = find(rest, BEGIN) else {
        return Ok(None);
    };
    let after = &rest[begin + BEGIN.len()..];
    let cut_off = || malformed("the file's PEM is cut off");
    let label_end = find(after, DASHES).filter(|end| *end <= MAX_LABEL).ok_or_else(cut_off)?;
    let (label, after) = (&after[..label_end], &after[label_end + DASHES.len()..]);
    let body_end = find(after, b"-----END ").ok_or_else(cut_off)?;
    let (body, after) = (&after[..body_end], &after[body_end + BEGIN.len() - 2..]);
    if !after.starts_with(label) || !after[label.len()..].starts_with(DASHES) {
        return Err(malformed("the file's PEM begins and ends with different labels"));
    }
    let after = &after[label.len() + DASHES.len()..];
    let whole = &rest[begin..rest.len() - after.len()];
    *rest = after;
    Ok(Some(Pem { label, body, whole }))
}

pub(super) fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let digits: Zeroizing<Vec<u8>> =
        Zeroizing::new(text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect());
    LENIENT.decode(&digits[..]).ok()
}

/// Only white space may follow a certificate.
fn check_end(der: &[u8]) -> Result<()> {
    let mut reader = der::SliceReader::new(der).map_err(|_| malformed("the certificate is not DER"))?;
    AnyRef::decode(&mut reader)
        .map_err(|source| malformed("the certificate is not DER").with_source(source))?;
    let end = usize::try_from(der::Reader::position(&reader)).expect("a position in a slice");
    if der[end..].trim_ascii().is_empty() {
        Ok(())
    } else {
        Err(malformed("something follows the certificate in its file"))
    }
}

fn check_size(bytes: &[u8]) -> Result<()> {
    if bytes.len() > MAX_FILE {
        let message = format!("the file has {} bytes: a certificate has at most {MAX_FILE}", bytes.len());
        return Err(Error::new(ErrorKind::LimitExceeded, message));
    }
    Ok(())
}

pub(super) fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

fn malformed(message: &'static str) -> Error {
    Error::new(ErrorKind::Malformed, message)
}

const BEGIN: &[u8] = b"-----BEGIN ";
const DASHES: &[u8] = b"-----";
const DER_SEQUENCE: u8 = 0x30;
const MAX_CERTIFICATES: usize = 64;
const MAX_FILE: usize = 1 << 20;
const MAX_LABEL: usize = 64;
