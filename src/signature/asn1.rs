//! What all parts of a signature share: how an element is put together, and how errors read.

use std::borrow::Cow;

use der::asn1::AnyRef;
use der::{Encode, Tag};

use crate::error::{Error, ErrorKind};

/// Puts parts together to one element.
pub(super) fn element(tag: Tag, parts: &[&[u8]]) -> der::Result<Vec<u8>> {
    AnyRef::new(tag, &parts.concat())?.to_der()
}

/// Converts an error of the DER reader.
pub(super) fn malformed(what: &'static str) -> impl FnOnce(der::Error) -> Error {
    move |source| {
        let text = match source.kind() {
            der::ErrorKind::IndefiniteLength => "has indefinite lengths: only DER is read".to_owned(),
            _ => format!("is damaged, cut off or too long in its {what}"),
        };
        refused(text).with_source(source)
    }
}

/// Says why a signature does not count.
pub(super) fn refused(what: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Malformed, format!("the signature {}", what.into()))
}
