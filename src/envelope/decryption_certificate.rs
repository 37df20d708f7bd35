//! The PFX: certificate and private key, for the day of need.

use std::fmt;

use der::asn1::AnyRef;
use der::{Decode, Encode, Reader, SliceReader, Tag, Tagged};
use openssl::error::ErrorStack;
use openssl::pkcs12::{ParsedPkcs12_2, Pkcs12};
use openssl::pkey::{PKey, PKeyRef, Private};
use openssl::provider::Provider;
use openssl::x509::X509;

use crate::{Error, ErrorKind, Result};

use super::certificate::{Certificate, CertificateFacts, EncryptionCertificate, unsuitable};
use super::input::{Contents, decode_text, unwrap_pfx};

/// A certificate with its private key: what opens backups. Validity does not matter to it.
#[derive(Clone)]
pub struct DecryptionCertificate {
    certificate: Certificate,
    private_key: PKey<Private>,
}

impl DecryptionCertificate {
    /// Reads a PFX (PKCS #12, RFC 7292), also in Base64 as a vault hands it out.
    ///
    /// An empty password and none are the same here, because Windows writes both and tells neither. Where the file
    /// holds several certificates, the one that fits the private key is taken.
    ///
    /// [`ErrorKind::WrongPassword`], [`ErrorKind::Malformed`] (damaged, cut off) and [`ErrorKind::Unsupported`] (an
    /// algorithm that this OpenSSL lacks) are kept apart as far as the format allows: a file whose damage reaches
    /// into its encrypted parts looks the same as a wrong password. A PFX without a check value is taken if it
    /// decrypts.
    pub fn from_pfx(bytes: &[u8], password: Option<&str>) -> Result<Self> {
        let password = password.unwrap_or_default();
        if password.contains('\0') {
            return Err(Error::new(ErrorKind::InvalidArgument, "the password holds a null character"));
        }
        let der = unwrap_pfx(bytes)?;
        let pfx = Pkcs12::from_der(&der).map_err(|source| {
            Error::new(ErrorKind::Malformed, "the file is not a PFX, or is damaged or cut off")
                .with_source(source)
        })?;
        check_iterations(&pfx)?;
        let parsed = match parse(&pfx, password, legacy_provider) {
            Err(error) if error.kind() == ErrorKind::WrongPassword && opens_without_mac(&der, password) => {
                return Err(Error::new(
                    ErrorKind::Malformed,
                    "the PFX is damaged: the password opens it, but its check value does not fit",
                ));
            }
            other => other?,
        };
        let Some(private_key) = parsed.pkey else {
            return Err(unsuitable(
                "the PFX holds no private key: export it again and choose to export the private key with it",
            ));
        };
        let mut certificates: Vec<X509> = parsed.cert.into_iter().collect();
        certificates.extend(parsed.ca.into_iter().flatten());
        Self::from_parts(private_key, certificates)
    }

    /// Reads a private key in PEM (PKCS #8, or the older forms) and its certificate, which may be any that
    /// [`EncryptionCertificate::from_cer`] takes, also in the same file as the key.
    pub fn from_pem(key_pem: &[u8], passphrase: Option<&str>, certificate: &[u8]) -> Result<Self> {
        let text = decode_text(key_pem);
        let mut asked = false;
        // A callback in every case: without one, OpenSSL asks at the terminal.
        let key = PKey::private_key_from_pem_callback(text.trim_ascii(), |buf| {
            asked = true;
            let passphrase = passphrase.unwrap_or_default().as_bytes();
            let Some(buf) = buf.get_mut(..passphrase.len()) else {
                return Ok(0);
            };
            buf.copy_from_slice(passphrase);
            Ok(passphrase.len())
        });
        let private_key = match key {
            Ok(key) => key,
            Err(source) if asked && passphrase.is_none() => {
                let message = "the private key is encrypted, and no passphrase was given";
                return Err(Error::new(ErrorKind::WrongPassword, message).with_source(source));
            }
            Err(source) if asked => {
                let message = "the passphrase of the private key is wrong";
                return Err(Error::new(ErrorKind::WrongPassword, message).with_source(source));
            }
            Err(source) => {
                let message = "the private key is not PEM, or is damaged or cut off";
                return Err(Error::new(ErrorKind::Malformed, message).with_source(source));
            }
        };
        Self::from_parts(private_key, Contents::of(certificate)?.certificates)
    }

    fn from_parts(private_key: PKey<Private>, certificates: Vec<X509>) -> Result<Self> {
        if certificates.is_empty() {
            return Err(unsuitable("there is no certificate with the private key"));
        }
        let fits = |x509: &X509| x509.public_key().is_ok_and(|public| public.public_eq(&private_key));
        match certificates.into_iter().find(fits) {
            Some(x509) => Ok(Self { certificate: Certificate::new(x509)?, private_key }),
            None => Err(unsuitable("the private key does not belong to the certificate")),
        }
    }

    /// What the certificate says.
    #[must_use]
    pub fn facts(&self) -> &CertificateFacts {
        &self.certificate.facts
    }

    /// The public half, as the CER has it.
    #[must_use]
    pub fn encryption_certificate(&self) -> EncryptionCertificate {
        EncryptionCertificate::from_certificate(self.certificate.clone())
    }

    pub(super) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    pub(super) fn private_key(&self) -> &PKeyRef<Private> {
        &self.private_key
    }
}

impl fmt::Debug for DecryptionCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecryptionCertificate").field("facts", self.facts()).finish_non_exhaustive()
    }
}

/// Decrypts a PFX, with the legacy algorithms where it needs them.
///
/// OpenSSL 3 keeps RC2-40 and its like, which Windows wrote for decades, in a provider of their own. It is held for
/// the one call and only where the call failed for lack of it. A private library context would not show it to the
/// rest of the process even for that long, but the `openssl` crate reaches one for PKCS #12 by `unsafe` calls only,
/// and the OpenSSL that is built in by default belongs to this library alone.
fn parse(
    pfx: &Pkcs12,
    password: &str,
    legacy: fn() -> Result<Provider, ErrorStack>,
) -> Result<ParsedPkcs12_2> {
    let source = match pfx.parse2(password) {
        Ok(parsed) => return Ok(parsed),
        Err(source) => source,
    };
    if !lacks_algorithm(&source) {
        return Err(pfx_error(source));
    }
    let provider = legacy().map_err(unsupported)?;
    let parsed = pfx.parse2(password);
    drop(provider);
    parsed.map_err(pfx_error)
}

fn legacy_provider() -> Result<Provider, ErrorStack> {
    Provider::try_load(None, "legacy", true)
}

fn pfx_error(source: ErrorStack) -> Error {
    let has = |wanted: &[&str]| {
        let mut reasons = source.errors().iter().filter_map(|error| error.reason());
        reasons.any(|reason| wanted.contains(&reason))
    };
    // Reasons by their texts in OpenSSL's error tables: the crate has no names for the numbers.
    if has(&["mac verify failure", "bad decrypt", "pkcs12 cipherfinal error"]) {
        let message = "the password of the PFX is wrong (or the file is damaged)";
        Error::new(ErrorKind::WrongPassword, message).with_source(source)
    } else if lacks_algorithm(&source) {
        unsupported(source)
    } else {
        Error::new(ErrorKind::Malformed, "the PFX is damaged").with_source(source)
    }
}

fn lacks_algorithm(source: &ErrorStack) -> bool {
    let mut reasons = source.errors().iter().filter_map(|error| error.reason());
    reasons.any(|reason| LACKING.contains(&reason))
}

#[cold]
fn unsupported(source: ErrorStack) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "the PFX is encrypted by an algorithm that this OpenSSL lacks: export it again with AES256-SHA256, \
         or install OpenSSL's legacy provider",
    )
    .with_source(source)
}

/// Whether the password decrypts all of the PFX although its check value does not fit: then the password is right,
/// and the file is damaged.
fn opens_without_mac(der: &[u8], password: &str) -> bool {
    let stripped = || -> der::Result<Vec<u8>> {
        let pfx = AnyRef::decode(&mut SliceReader::new(der)?)?;
        let mut fields = SliceReader::new(pfx.value())?;
        let (version, content) = (AnyRef::decode(&mut fields)?, AnyRef::decode(&mut fields)?);
        let inner = [version.to_der()?, content.to_der()?].concat();
        AnyRef::new(Tag::Sequence, &inner)?.to_der()
    };
    let Some(pfx) = stripped().ok().and_then(|der| Pkcs12::from_der(&der).ok()) else {
        return false;
    };
    parse(&pfx, password, legacy_provider).is_ok_and(|parsed| parsed.pkey.is_some())
}

/// Refuses a PFX that asks for so many rounds of key derivation that opening it would seem to hang.
fn check_iterations(pfx: &Pkcs12) -> Result<()> {
    // Encoded anew, so that a check value in BER is seen too.
    let iterations = pfx.to_der().map_or(0, |der| most_iterations(&der, 0));
    if iterations > MAX_ITERATIONS {
        let message =
            format!("the PFX asks for {iterations} rounds of key derivation: at most {MAX_ITERATIONS}");
        return Err(Error::new(ErrorKind::LimitExceeded, message));
    }
    Ok(())
}

/// The largest iteration count in view. In a PFX it is the INTEGER that follows an OCTET STRING, the salt: in MacData
/// (RFC 7292 §4), in its own encryption schemes (appendix C) and in PBKDF2's parameters (RFC 8018 appendix A.2).
fn most_iterations(der: &[u8], depth: usize) -> u64 {
    let Ok(mut reader) = SliceReader::new(der) else {
        return 0;
    };
    let mut most = 0;
    let mut after_salt = false;
    while !reader.is_finished() {
        let Ok(any) = AnyRef::decode(&mut reader) else {
            break;
        };
        if any.tag() == Tag::Integer && after_salt {
            let count = any
                .value()
                .iter()
                .try_fold(0u64, |n, byte| n.checked_mul(256)?.checked_add(u64::from(*byte)));
            most = most.max(count.unwrap_or(u64::MAX));
        }
        after_salt = any.tag() == Tag::OctetString;
        if depth < MAX_DEPTH && (after_salt || any.tag().is_constructed()) {
            most = most.max(most_iterations(any.value(), depth + 1));
        }
    }
    most
}

/// Windows takes 2,000, OpenSSL 2,048, Java 10,000; this many take some seconds.
const MAX_ITERATIONS: u64 = 10_000_000;

/// The key's encryption scheme lies 12 deep.
const MAX_DEPTH: usize = 20;

/// The texts of OpenSSL's reasons that mean a missing algorithm.
const LACKING: [&str; 6] = [
    "unsupported",
    "unsupported algorithm",
    "unknown pbe algorithm",
    "unknown cipher",
    "unknown digest",
    "unknown digest algorithm",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iteration_counts_are_found_wherever_they_stand() {
        let count = |pfx: &[u8]| most_iterations(pfx, 0);
        let good = include_bytes!("../../tests/vectors/envelope/rsa2048.pfx");
        assert_eq!(count(good), 2048);
        // In the check value, the certificates' scheme and the key's scheme: each of them alone is found.
        let wanted = [2, 2, 8, 0];
        let places: Vec<usize> = (0..=good.len() - 4).filter(|i| good[*i..i + 4] == wanted).collect();
        assert_eq!(places.len(), 3);
        for place in places {
            let mut changed = good.to_vec();
            changed[place + 2] = 0x7f;
            assert_eq!(count(&changed), 0x7f00);
        }
        let old = include_bytes!("../../tests/vectors/envelope/pfx-rc2-40.pfx");
        assert_eq!(count(old), 2048);
    }

    #[test]
    fn without_the_legacy_provider_an_old_pfx_is_unsupported_and_says_what_to_do() {
        let old = include_bytes!("../../tests/vectors/envelope/pfx-rc2-40.pfx");
        let pfx = Pkcs12::from_der(old).unwrap();
        let none: fn() -> Result<Provider, ErrorStack> = || Err(ErrorStack::get());
        // Another test may hold the provider for its own moment.
        let error = (0..100).find_map(|_| parse(&pfx, "correct horse", none).err()).expect("it never failed");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("AES256-SHA256"));
        let wrong = parse(&pfx, "wrong horse", none).err().unwrap();
        assert_eq!(wrong.kind(), ErrorKind::WrongPassword);
        assert!(parse(&pfx, "correct horse", legacy_provider).is_ok());
    }
}
