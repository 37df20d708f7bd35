//! Issuer and serial number, compared as bytes and printed for people.

use std::fmt::Write;

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Encode, Reader, Sequence, SliceReader, Tag, Tagged};

use super::asn1::oid;

/// RFC 5652 §10.2.4. Both keep their encoding, because others compare their bytes, too.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Sequence)]
pub(crate) struct IssuerAndSerial<'a> {
    pub(super) issuer: AnyRef<'a>,
    pub(super) serial: AnyRef<'a>,
}

impl<'a> IssuerAndSerial<'a> {
    /// Reads the first fields of a certificate (RFC 5280 §4.1).
    pub(crate) fn of_certificate(der: &'a [u8]) -> der::Result<Self> {
        let mut fields = fields_from_serial(der)?;
        let serial: AnyRef<'a> = fields.decode()?;
        let _signature: AnyRef<'a> = fields.decode()?;
        let issuer: AnyRef<'a> = fields.decode()?;
        serial.tag().assert_eq(Tag::Integer)?;
        issuer.tag().assert_eq(Tag::Sequence)?;
        Ok(Self { issuer, serial })
    }

    pub(super) fn issuer_text(&self) -> String {
        self.issuer.to_der().map(|der| name_text(&der)).unwrap_or_default()
    }

    /// Returns upper-case hex without leading zeros, with a sign if it is negative, as `openssl x509 -serial` prints
    /// it.
    pub(super) fn serial_text(&self) -> String {
        let bytes = self.serial.value();
        let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
        let magnitude = if negative { negated(bytes) } else { bytes.to_vec() };
        let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
        let start = zeros.min(magnitude.len().saturating_sub(1));
        let digits = hex_upper(&magnitude[start..magnitude.len().min(start + MAX_SERIAL)]);
        if negative { format!("-{digits}") } else { digits }
    }
}

/// Reads the SubjectPublicKeyInfo of a certificate (RFC 5280 §4.1).
pub(super) fn subject_public_key_info(der: &[u8]) -> der::Result<AnyRef<'_>> {
    let mut fields = fields_from_serial(der)?;
    for _before in ["serialNumber", "signature", "issuer", "validity", "subject"] {
        let _: AnyRef<'_> = fields.decode()?;
    }
    fields.decode()
}

/// Finds the fields of a certificate, behind its version.
fn fields_from_serial(der: &[u8]) -> der::Result<SliceReader<'_>> {
    let certificate = AnyRef::from_der(der)?;
    certificate.tag().assert_eq(Tag::Sequence)?;
    let tbs: AnyRef<'_> = SliceReader::new(certificate.value())?.decode()?;
    let mut fields = SliceReader::new(tbs.value())?;
    if Tag::peek(&fields)? != Tag::Integer {
        let _version: AnyRef<'_> = fields.decode()?;
    }
    Ok(fields)
}

/// Negates a negative number in two's complement.
fn negated(bytes: &[u8]) -> Vec<u8> {
    let mut magnitude: Vec<u8> = bytes.iter().map(|byte| !byte).collect();
    for byte in magnitude.iter_mut().rev() {
        let (sum, carry) = byte.overflowing_add(1);
        *byte = sum;
        if !carry {
            break;
        }
    }
    magnitude
}

/// Prints a name as Windows does: the most specific part first, `CN=backup, O=Contoso, C=US`.
///
/// It is for people: unreadable parts are shown in hex, and long ones are cut.
pub(super) fn name_text(der: &[u8]) -> String {
    let mut parts = Vec::new();
    // A part that breaks DER ends the loop; the parts before it are still worth showing.
    let _ = (|| -> der::Result<()> {
        let name = AnyRef::from_der(der)?;
        let mut sets = SliceReader::new(name.value())?;
        while !sets.is_finished() && parts.len() < MAX_PARTS {
            let set: AnyRef<'_> = sets.decode()?;
            let mut attributes = SliceReader::new(set.value())?;
            let mut part = String::new();
            while !attributes.is_finished() {
                let attribute: Attribute<'_> = attributes.decode()?;
                if !part.is_empty() {
                    part.push_str(" + ");
                }
                match label(&attribute.kind) {
                    Some(label) => part.push_str(label),
                    None => write!(part, "OID.{}", attribute.kind).expect("a String takes it"),
                }
                part.push('=');
                push_quoted(&mut part, &value_text(&attribute.value));
            }
            parts.push(part);
        }
        Ok(())
    })();
    parts.reverse();
    let mut text = parts.join(", ");
    if let Some((cut, _)) = text.char_indices().nth(MAX_TEXT) {
        text.truncate(cut);
        text.push('…');
    }
    text
}

pub(super) fn hex_upper(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02X}").expect("a String takes it");
        text
    })
}

#[derive(Sequence)]
struct Attribute<'a> {
    kind: ObjectIdentifier,
    value: AnyRef<'a>,
}

fn value_text(value: &AnyRef<'_>) -> String {
    let bytes = value.value();
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::NumericString | Tag::VisibleString => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        Tag::TeletexString => bytes.iter().map(|byte| char::from(*byte)).collect(),
        Tag::BmpString => {
            let units = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        _ => format!("#{}", hex_upper(&bytes[..bytes.len().min(MAX_SERIAL)])),
    }
}

/// Quotes a value as Windows does if it contains what separates the parts.
fn push_quoted(text: &mut String, value: &str) {
    let special = |c: char| matches!(c, ',' | '+' | '=' | '"' | '<' | '>' | '#' | ';') || c.is_control();
    if value.contains(special) || value.starts_with(' ') || value.ends_with(' ') {
        text.push('"');
        text.push_str(&value.replace('"', "\"\""));
        text.push('"');
    } else {
        text.push_str(value);
    }
}

/// The labels that `CertNameToStr` uses: `S` for the state or province and `E` for the mail address.
fn label(kind: &ObjectIdentifier) -> Option<&'static str> {
    LABELS.iter().find(|(oid, _)| oid == kind).map(|(_, label)| *label)
}

const LABELS: [(ObjectIdentifier, &str); 14] = [
    (oid("2.5.4.3"), "CN"),
    (oid("2.5.4.4"), "SN"),
    (oid("2.5.4.5"), "SERIALNUMBER"),
    (oid("2.5.4.6"), "C"),
    (oid("2.5.4.7"), "L"),
    (oid("2.5.4.8"), "S"),
    (oid("2.5.4.9"), "STREET"),
    (oid("2.5.4.10"), "O"),
    (oid("2.5.4.11"), "OU"),
    (oid("2.5.4.12"), "T"),
    (oid("2.5.4.42"), "G"),
    (oid("2.5.4.43"), "I"),
    (oid("0.9.2342.19200300.100.1.25"), "DC"),
    (oid("1.2.840.113549.1.9.1"), "E"),
];

const MAX_PARTS: usize = 32;
const MAX_SERIAL: usize = 64;
const MAX_TEXT: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_as_windows_prints_it() {
        let mut builder = openssl::x509::X509Name::builder().unwrap();
        for (field, value) in [("C", "US"), ("O", "Contoso, \"Ltd\""), ("ST", "WA"), ("CN", "backup münchen")]
        {
            builder.append_entry_by_text(field, value).unwrap();
        }
        let der = builder.build().to_der().unwrap();
        assert_eq!(name_text(&der), "CN=backup münchen, S=WA, O=\"Contoso, \"\"Ltd\"\"\", C=US");
        for end in 0..der.len() {
            name_text(&der[..end]);
        }
    }

    #[test]
    fn a_serial_number_has_no_leading_zeros_and_its_sign() {
        let issuer = AnyRef::new(Tag::Sequence, &[]).unwrap();
        for (bytes, text) in [
            (&[0u8][..], "00"),
            (&[0, 0xa1, 2], "A102"),
            (&[1], "01"),
            (&[], ""),
            (&[0xff], "-01"),
            (&[0x80], "-80"),
            (&[0xff, 0], "-0100"),
            (&[0xff, 0x7f], "-81"),
            (&[0xff, 0xff, 0xff], "-01"),
        ] {
            let serial = AnyRef::new(Tag::Integer, bytes).unwrap();
            assert_eq!(IssuerAndSerial { issuer, serial }.serial_text(), text);
        }
    }
}
