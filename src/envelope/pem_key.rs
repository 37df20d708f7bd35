//! Private keys in PEM.

use der::Decode;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::provider::Provider;
use zeroize::Zeroizing;

use crate::{Error, ErrorKind, Result};

use super::ber::to_der;
use super::input::{Pem, decode_base64, decode_text, find, next_pem};
use super::key::PrivateKey;
use super::password::{Password, wrong_password};
use super::pbe::{Failure, Scheme, Work};
use super::private_key::{Encrypted, MAX_KEYS, check_parts, private_key};

/// Reads all private keys of a file in PEM.
pub(super) fn from_pem(file: &[u8], passphrase: Option<&str>) -> Result<Vec<PrivateKey>> {
    let text = decode_text(file);
    let mut rest = text.trim_ascii();
    let mut work = Work::new("the private key");
    let mut keys = Vec::new();
    loop {
        let block = match next_pem(&mut rest) {
            Ok(Some(block)) if find(block.label, b"PRIVATE KEY").is_some() => block,
            Ok(Some(_)) => continue,
            Ok(None) => break,
            // What follows a key does not matter.
            Err(_) if !keys.is_empty() => break,
            Err(error) => return Err(malformed().with_source(error)),
        };
        if keys.len() == MAX_KEYS {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("the file holds more than {MAX_KEYS} private keys"),
            ));
        }
        keys.push(match block.label {
            b"ENCRYPTED PRIVATE KEY" => open_block(&block, passphrase, &mut work)?,
            b"PRIVATE KEY" => {
                let der = decode_base64(block.body).map(Zeroizing::new).and_then(|der| to_der(&der));
                private_key(&der.ok_or_else(malformed)?).map_err(|failure| match failure {
                    Failure::Password => malformed(),
                    Failure::Error(error) => error,
                })?
            }
            _ => PrivateKey::Read(check_parts(read_block(&block, passphrase)?)?),
        });
    }
    if keys.is_empty() {
        return Err(malformed());
    }
    Ok(keys)
}

fn open_block(block: &Pem<'_>, passphrase: Option<&str>, work: &mut Work) -> Result<PrivateKey> {
    let der =
        decode_base64(block.body).map(Zeroizing::new).and_then(|der| to_der(&der)).ok_or_else(malformed)?;
    let encrypted = Encrypted::from_der(&der).map_err(|source| malformed().with_source(source))?;
    let scheme = Scheme::read(&encrypted.algorithm)?;
    scheme.check_memory()?;
    work.take(scheme.cost())?;
    let Some(passphrase) = passphrase else {
        return Err(no_passphrase());
    };
    check_passphrase(passphrase)?;
    encrypted.open(&Password::new(passphrase)).map_err(|failure| match failure {
        Failure::Password => wrong_password(WRONG, passphrase),
        Failure::Error(error) => error,
    })
}

/// Reads older forms with OpenSSL: they derive their keys in one round.
fn read_block(block: &Pem<'_>, passphrase: Option<&str>) -> Result<PKey<Private>> {
    let encrypted = find(block.body, b"ENCRYPTED").is_some();
    if encrypted && passphrase.is_none() {
        return Err(no_passphrase());
    }
    let passphrase = passphrase.unwrap_or_default();
    if encrypted {
        check_passphrase(passphrase)?;
    }
    let read = || {
        // Always pass a callback: without one, OpenSSL asks at the terminal.
        PKey::private_key_from_pem_callback(block.whole, |buf| {
            let Some(buf) = buf.get_mut(..passphrase.len()) else {
                return Ok(0);
            };
            buf.copy_from_slice(passphrase.as_bytes());
            Ok(passphrase.len())
        })
    };
    let mut key = read();
    if key.as_ref().is_err_and(lacks_algorithm) {
        // As for a PFX, hold it only for this call.
        let provider = Provider::try_load(None, "legacy", true);
        key = read();
        drop(provider);
    }
    key.map_err(|source| {
        if lacks_algorithm(&source) {
            let message = "the private key is encrypted by an algorithm that this OpenSSL lacks, or of a kind that \
                           is not supported";
            Error::new(ErrorKind::Unsupported, message).with_source(source)
        } else if encrypted {
            wrong_password(WRONG, passphrase).with_source(source)
        } else {
            malformed().with_source(source)
        }
    })
}

/// Refuses a longer passphrase: OpenSSL encrypts with the beginning of it, and others with all of it.
fn check_passphrase(passphrase: &str) -> Result<()> {
    if passphrase.len() > MAX_PASSPHRASE {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("the passphrase has {} bytes: at most {MAX_PASSPHRASE} can be", passphrase.len()),
        ));
    }
    Ok(())
}

fn lacks_algorithm(source: &ErrorStack) -> bool {
    let mut reasons = source.errors().iter().filter_map(|error| error.reason());
    // Compare the texts in OpenSSL's error tables: the crate has no names for the numbers.
    reasons.any(|reason| ["unsupported encryption", "unsupported algorithm"].contains(&reason))
        || source.errors().iter().any(|error| {
            error.reason() == Some("unsupported") && error.library() == Some("digital envelope routines")
        })
}

#[cold]
fn no_passphrase() -> Error {
    Error::new(ErrorKind::WrongPassword, "the private key is encrypted, and no passphrase was given")
}

#[cold]
fn malformed() -> Error {
    Error::new(ErrorKind::Malformed, "the private key is not PEM, or is damaged or cut off")
}

const WRONG: &str = "the passphrase of the private key is wrong (or the file is damaged)";

/// Longest that OpenSSL's PEM reader accepts.
const MAX_PASSPHRASE: usize = 1024;
