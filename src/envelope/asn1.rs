//! What all parts of a message share: how they name an algorithm, and how errors about them read.

use der::Sequence;
use der::asn1::{AnyRef, ObjectIdentifier};

use crate::{Error, ErrorKind};

/// RFC 5280 §4.1.1.2.
#[derive(Clone, Copy, PartialEq, Sequence)]
pub(crate) struct AlgorithmIdentifier<'a> {
    pub(crate) algorithm: ObjectIdentifier,
    #[asn1(optional = "true")]
    pub(crate) parameters: Option<AnyRef<'a>>,
}

/// Converts an error of the DER reader.
pub(super) fn malformed(what: &'static str) -> impl FnOnce(der::Error) -> Error {
    move |source| match source.kind() {
        der::ErrorKind::IndefiniteLength => unsupported(
            "the message has indefinite lengths (a streamed message): only definite-length DER is read",
        ),
        _ => Error::new(ErrorKind::Malformed, format!("the message is damaged or cut off in its {what}"))
            .with_source(source),
    }
}

pub(crate) const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// RFC 5652 §4 and §6.1.
pub(crate) const ID_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.1");
pub(super) const ID_ENVELOPED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.3");
/// RFC 4055 §2.1.
pub(crate) const ID_SHA256: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.1");
pub(crate) const ID_MGF1: ObjectIdentifier = oid("1.2.840.113549.1.1.8");
/// RFC 5480 §2.1.1.
pub(super) const ID_EC_PUBLIC_KEY: ObjectIdentifier = oid("1.2.840.10045.2.1");

pub(super) fn unsupported(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Unsupported, message)
}
