//! The stored files of a set: listed, read whole, and opened in place.

use std::collections::HashMap;
use std::ops::Range;

use super::digest::Digest;
use super::record::StoredFile;
use crate::envelope::{CertificateFacts, MAX_MESSAGE, Opener};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Name, SharePath};
use crate::share::{Item, ItemKind, Share};

/// What a folder contains: the length of each file, by name.
pub(super) fn lengths(items: &[Item]) -> HashMap<String, u64> {
    let length = |item: &Item| if item.kind == ItemKind::File { item.length } else { u64::MAX };
    items.iter().map(|item| (item.name.clone(), length(item))).collect()
}

/// Reads a stored file whole. A file that is missing or too long is `DAMAGED`.
pub(super) fn fetch(share: &dyn Share, folder: &SharePath, name: &str, buffer: &mut Vec<u8>) -> Result<()> {
    let damaged =
        |what: &str, e: Error| Error::new(ErrorKind::Damaged, format!("{name} {what}")).with_source(e);
    share.read(&folder.join(Name::new(name)?), MAX_MESSAGE as u64, buffer).map_err(|e| match e.kind() {
        ErrorKind::NotFound => damaged("is missing", e),
        ErrorKind::LimitExceeded => damaged("is longer than any stored file may be", e),
        _ => e,
    })
}

/// Checks that a file is the one that the newest index piece lists, by its digest. Files of which the content is compared
/// with the index do not need that; those that list others do: whoever knows the key of a message, as its maker does,
/// can make another one with the same tag.
pub(super) fn check_digest(file: &StoredFile, bytes: &[u8]) -> Result<()> {
    if Digest::of(bytes) == file.sha256 {
        return Ok(());
    }
    let what = format!("{} is not what was written: its SHA-256 differs from the index", file.name);
    Err(Error::new(ErrorKind::Damaged, what))
}

/// Opens a message of a set that names these certificates; returns where its content is, and its tag.
pub(super) fn open_message(
    opener: &Opener,
    named: &[CertificateFacts],
    name: &str,
    buffer: &mut [u8],
) -> Result<(Range<usize>, [u8; 16])> {
    let needed = || {
        let thumbprints: Vec<_> = named.iter().map(|c| c.sha1_thumbprint.as_str()).collect();
        thumbprints.join(" or ")
    };
    // Two certificates may share issuer and serial; the thumbprints tell them apart.
    let is_named =
        |held: &CertificateFacts| named.iter().any(|c| c.sha256_thumbprint == held.sha256_thumbprint);
    let opened = opener.open_in_place(buffer).map_err(|e| match e.kind() {
        // A certificate renewed with the same key is not named but opens the set: if it finds damage, that is damage.
        ErrorKind::WrongCertificate | ErrorKind::Damaged
            if !named.is_empty() && !opener.certificates().any(is_named) && !opener.has_key_of(buffer) =>
        {
            let message =
                format!("the set needs the decryption certificate with the thumbprint {}; {e}", needed());
            Error::new(ErrorKind::WrongCertificate, message).with_source(e)
        }
        ErrorKind::Malformed => {
            Error::new(ErrorKind::Damaged, format!("{name} is damaged: {e}")).with_source(e)
        }
        kind => Error::new(kind, format!("{name}: {e}")).with_source(e),
    })?;
    Ok((opened.content, opened.tag))
}
