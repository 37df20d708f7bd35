//! The signed attributes (RFC 5652 §11): what was signed, its digest, and when.

use std::collections::HashSet;
use std::time::Duration;

use der::asn1::{AnyRef, GeneralizedTime, ObjectIdentifier, OctetStringRef, UtcTime};
use der::{Decode, Encode, Sequence, Tag, Tagged};
use jiff::Timestamp;

use super::asn1::{element, malformed, refused};
use crate::envelope::{ID_DATA, elements, oid};
use crate::error::Result;

/// The signed attributes that count.
#[derive(Debug)]
pub(super) struct Attributes<'a> {
    pub(super) digest: &'a [u8],
    pub(super) signed_at: Option<Timestamp>,
}

#[derive(Sequence)]
struct Attribute<'a> {
    kind: ObjectIdentifier,
    /// A SET.
    values: AnyRef<'a>,
}

impl<'a> Attributes<'a> {
    /// Reads the elements of the SET. It must be as DER orders it: what was signed is its DER, whatever the message has
    /// (RFC 5652 §5.4).
    pub(super) fn read(set: &AnyRef<'a>) -> Result<Self> {
        let all = elements(set).map_err(malformed("signed attributes"))?;
        let (mut kind, mut digest, mut signed_at) = (None, None, None);
        let mut seen = HashSet::new();
        let mut last = Vec::new();
        for any in all {
            let der = any.to_der().map_err(malformed("signed attributes"))?;
            if der <= last {
                return Err(refused("has signed attributes that are not in the order of DER"));
            }
            last = der;
            let attribute: Attribute<'a> = any.decode_as().map_err(malformed("signed attributes"))?;
            if !seen.insert(attribute.kind) {
                return Err(refused("has a signed attribute twice"));
            }
            let value = || -> Result<AnyRef<'a>> {
                let values = match attribute.values.tag() {
                    Tag::Set => elements(&attribute.values).map_err(malformed("signed attributes"))?,
                    _ => Vec::new(),
                };
                match values[..] {
                    [value] => Ok(value),
                    _ => Err(refused("has a signed attribute without exactly one value")),
                }
            };
            match attribute.kind {
                ID_CONTENT_TYPE => {
                    let value = value()?.decode_as::<ObjectIdentifier>();
                    kind = Some(value.map_err(malformed("signed attributes"))?);
                }
                ID_MESSAGE_DIGEST => {
                    let value = value()?.decode_as::<&OctetStringRef>();
                    digest = Some(value.map_err(malformed("signed attributes"))?.as_bytes());
                }
                ID_SIGNING_TIME => signed_at = Some(time(&value()?)?),
                // Others change nothing about what was signed.
                _ => {}
            }
        }
        if kind != Some(ID_DATA) {
            return Err(refused("does not say that it is one of data"));
        }
        Ok(Self { digest: digest.ok_or_else(|| refused("has no digest of what was signed"))?, signed_at })
    }

    /// Returns the attributes for a content of this digest, as the content of their SET.
    pub(super) fn print(digest: &[u8], signed_at: Timestamp) -> der::Result<Vec<u8>> {
        let seconds = Duration::from_secs(u64::try_from(signed_at.as_second()).unwrap_or_default());
        // RFC 5652 §11.3: as UTCTime through the year 2049.
        let time = match UtcTime::from_unix_duration(seconds) {
            Ok(time) => time.to_der()?,
            Err(_) => GeneralizedTime::from_unix_duration(seconds)?.to_der()?,
        };
        let values = [
            (ID_CONTENT_TYPE, ID_DATA.to_der()?),
            (ID_MESSAGE_DIGEST, OctetStringRef::new(digest)?.to_der()?),
            (ID_SIGNING_TIME, time),
        ];
        let mut all = Vec::new();
        for (kind, value) in values {
            let values = element(Tag::Set, &[&value])?;
            all.push(Attribute { kind, values: AnyRef::from_der(&values)? }.to_der()?);
        }
        all.sort();
        Ok(all.concat())
    }
}

fn time(value: &AnyRef<'_>) -> Result<Timestamp> {
    let since = match value.tag() {
        Tag::UtcTime => value.decode_as::<UtcTime>().map(|time| time.to_unix_duration()),
        _ => value.decode_as::<GeneralizedTime>().map(|time| time.to_unix_duration()),
    };
    let since = since.map_err(malformed("time"))?;
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_err(|_| refused("was made at a time that is none"))
}

const ID_CONTENT_TYPE: ObjectIdentifier = oid("1.2.840.113549.1.9.3");
const ID_MESSAGE_DIGEST: ObjectIdentifier = oid("1.2.840.113549.1.9.4");
const ID_SIGNING_TIME: ObjectIdentifier = oid("1.2.840.113549.1.9.5");
