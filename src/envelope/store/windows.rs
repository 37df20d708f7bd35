//! The certificate stores of Windows.

use std::io;
use std::path::Path;

use azs_backup_windows::{StoreLocation, StoredCertificate};
use openssl::x509::X509;
use zeroize::Zeroizing;

use super::Stored;
use crate::envelope::cipher::damaged;
use crate::envelope::internal;
use crate::{Error, ErrorKind, Result};

/// A private key that Windows decrypts with.
#[derive(Clone)]
pub(in crate::envelope) struct StoredKey(azs_backup_windows::StoredKey);

impl StoredKey {
    /// Decrypts by RSA-OAEP with SHA-256 and no label.
    pub(in crate::envelope) fn decrypt(&self, encrypted: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        self.0.decrypt_oaep_sha256(encrypted).map(Zeroizing::new).map_err(failed)
    }

    /// Agrees by ECDH with an uncompressed point; returns the x-coordinate.
    pub(in crate::envelope) fn agree(&self, point: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        self.0.agree(point).map(Zeroizing::new).map_err(failed)
    }
}

/// A key that may not be used without asking somebody is no damage; anything else is, as with a key from a file.
fn failed(error: io::Error) -> Error {
    match error.raw_os_error().map(i32::cast_unsigned) {
        Some(NTE_PERM | NTE_SILENT_CONTEXT | SCARD_W_FIRST..=SCARD_W_LAST) => {
            let message = format!("Windows does not decrypt with the certificate's key: {error}");
            Error::new(ErrorKind::AccessDenied, message).with_source(error)
        }
        _ => damaged().with_source(error),
    }
}

// MS-ERREF 2.1.1.
const NTE_PERM: u32 = 0x8009_0010;
const NTE_SILENT_CONTEXT: u32 = 0x8009_0022;
/// What a smart card refuses: without a PIN, with a wrong one, without the card.
const SCARD_W_FIRST: u32 = 0x8010_0065;
const SCARD_W_LAST: u32 = 0x8010_0072;

/// Finds the certificate that such a name names; `None` for the name of a file.
pub(in crate::envelope) fn find(name: &Path) -> Option<Result<Stored>> {
    let text = name.to_str()?;
    parse(text).map(|place| place.and_then(|place| open(text, &place)))
}

struct StoreName {
    location: StoreLocation,
    store: String,
    thumbprint: [u8; 20],
}

/// Reads `Cert:\LocalMachine\My\` and 40 hexadecimal digits, in any letter case; spaces between digits, as Windows shows
/// them, do not count.
fn parse(text: &str) -> Option<Result<StoreName>> {
    let is_drive = text.get(..5).is_some_and(|drive| drive.eq_ignore_ascii_case("cert:"));
    is_drive.then(|| {
        let wrong = || {
            let message = format!(r"{text} is not like Cert:\LocalMachine\My\ and a thumbprint of 40 digits");
            Error::new(ErrorKind::InvalidArgument, message)
        };
        let parts: Vec<_> = text[5..].split(['\\', '/']).filter(|part| !part.is_empty()).collect();
        let [location, store, thumbprint] = parts[..] else { return Err(wrong()) };
        let location = match &*location.to_ascii_lowercase() {
            "currentuser" => StoreLocation::CurrentUser,
            "localmachine" => StoreLocation::LocalMachine,
            _ => return Err(wrong()),
        };
        let digits: Vec<u8> = thumbprint
            .chars()
            .filter(|c| *c != ' ')
            .map(|c| c.to_digit(16).map(|digit| digit as u8))
            .collect::<Option<_>>()
            .ok_or_else(wrong)?;
        let (pairs, rest) = digits.as_chunks::<2>();
        let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
        let thumbprint = bytes.try_into().ok().filter(|_| rest.is_empty()).ok_or_else(wrong)?;
        Ok(StoreName { location, store: store.to_owned(), thumbprint })
    })
}

fn open(text: &str, name: &StoreName) -> Result<Stored> {
    let failed = |error| Error::at("open", text, error);
    let found = StoredCertificate::find(name.location, &name.store, name.thumbprint).map_err(failed)?;
    let x509 = X509::from_der(&found.to_der()).map_err(internal("read a certificate of the store"))?;
    let key = move || {
        let key = found.key().map_err(|error| {
            let message = format!("its private key cannot be used here: {error}");
            Error::new(ErrorKind::CertificateUnsuitable, message).with_source(error)
        })?;
        Ok(StoredKey(key))
    };
    Ok(Stored { x509, key: Box::new(key) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_that_of_powershell_and_any_other_is_a_file_s() {
        let digits = "80389d7695e58e6329d133e6c76941b1805310c2";
        for name in [
            format!(r"Cert:\LocalMachine\My\{digits}"),
            format!("cert:/localmachine/my/{}", digits.to_uppercase()),
            format!(r"CERT:LocalMachine\My\{} {}", &digits[..2], &digits[2..]),
        ] {
            let found = parse(&name).unwrap().unwrap();
            assert_eq!((found.location, found.thumbprint[19]), (StoreLocation::LocalMachine, 0xc2));
            assert!(found.store.eq_ignore_ascii_case("my"));
        }
        for wrong in [r"Cert:\", r"Cert:\LocalMachine\My", r"Cert:\Here\My\00", r"Cert:\CurrentUser\My\8038"]
        {
            assert_eq!(parse(wrong).unwrap().err().unwrap().kind(), ErrorKind::InvalidArgument, "{wrong}");
        }
        for file in ["certificate.cer", r"C:\keys\backup.pfx", "cert", ""] {
            assert!(parse(file).is_none(), "{file}");
        }
    }
}
