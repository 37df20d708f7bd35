//! Converts BER to DER, so that counting and computing read the same bytes.
//!
//! PKCS #12 is BER: lengths may be indefinite or longer than necessary, and octet strings may come in parts. Everything
//! here that looks into a PFX or an encrypted key first passes it through [`to_der`], and refuses what does not pass.

use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode, Reader, SliceReader, Tag, TagNumber, Tagged};
use zeroize::Zeroizing;

/// Returns the first element with definite, shortest lengths and each octet string in one part; `None` if it is cut
/// off, too deep or broken. Drops whatever follows the element.
///
/// Takes linear time for each of the few levels. The result is never longer than the input, except for its lengths.
pub(super) fn to_der(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(Vec::with_capacity(bytes.len()));
    copy(bytes, MAX_DEPTH, &mut out)?;
    Some(out)
}

/// Copies one element and returns what follows it.
fn copy<'a>(input: &'a [u8], depth: usize, out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let (&tag, rest) = input.split_first()?;
    // No PFX or key has tags of several bytes, and the caller handles an end of contents.
    if tag & 0x1f == 0x1f || tag == 0 {
        return None;
    }
    let (length, mut rest) = length(rest)?;
    let constructed = tag & 0x20 != 0;
    let mut inner = Zeroizing::new(Vec::new());
    let Some(length) = length else {
        if !constructed {
            return None;
        }
        while !rest.starts_with(&[0, 0]) {
            rest = copy(rest, depth.checked_sub(1)?, &mut inner)?;
        }
        push(tag, &inner, out)?;
        return Some(&rest[2..]);
    };
    let (content, rest) = rest.split_at_checked(length)?;
    if !constructed {
        push(tag, content, out)?;
        return Some(rest);
    }
    let mut content = content;
    while !content.is_empty() {
        content = copy(content, depth.checked_sub(1)?, &mut inner)?;
    }
    push(tag, &inner, out)?;
    Some(rest)
}

/// Reads a length of at most four significant bytes (`None` if it is indefinite), and returns what follows.
fn length(input: &[u8]) -> Option<(Option<usize>, &[u8])> {
    let (&first, rest) = input.split_first()?;
    match first {
        0x80 => Some((None, rest)),
        0xff => None,
        0..0x80 => Some((Some(usize::from(first)), rest)),
        _ => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = bytes
                .iter()
                .try_fold(0u32, |length, byte| Some(length.checked_mul(256)? | u32::from(*byte)))?;
            Some((Some(usize::try_from(length).ok()?), rest))
        }
    }
}

fn push(tag: u8, content: &[u8], out: &mut Vec<u8>) -> Option<()> {
    if tag == CONSTRUCTED_OCTET_STRING {
        let whole = joined(content)?;
        header(0x04, whole.len(), out);
        out.extend_from_slice(&whole);
    } else {
        header(tag, content.len(), out);
        out.extend_from_slice(content);
    }
    Some(())
}

fn header(tag: u8, length: usize, out: &mut Vec<u8>) {
    out.push(tag);
    let bytes = length.to_be_bytes();
    let significant = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
    if length < 0x80 {
        out.push(length as u8);
    } else {
        out.push(0x80 | significant.len() as u8);
        out.extend_from_slice(significant);
    }
}

/// Joins the contents of octet strings; `None` if there is anything else.
fn joined(der: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut whole = Zeroizing::new(Vec::with_capacity(der.len()));
    if der.is_empty() {
        return Some(whole);
    }
    let mut parts = SliceReader::new(der).ok()?;
    while !parts.is_finished() {
        let part: &OctetStringRef = parts.decode().ok()?;
        whole.extend_from_slice(part.as_bytes());
    }
    Some(whole)
}

/// Reads an `[0] IMPLICIT OCTET STRING`, which [`to_der`] cannot tell from `[0] EXPLICIT` and so leaves in parts.
pub(super) fn implicit_octets(any: &AnyRef<'_>) -> Option<Zeroizing<Vec<u8>>> {
    match any.tag() {
        Tag::ContextSpecific { constructed: false, number: TagNumber(0) } => {
            Some(Zeroizing::new(any.value().to_vec()))
        }
        Tag::ContextSpecific { constructed: true, number: TagNumber(0) } => joined(any.value()),
        _ => None,
    }
}

/// The elements of a SEQUENCE or SET.
pub(crate) fn elements<'a>(any: &AnyRef<'a>) -> der::Result<Vec<AnyRef<'a>>> {
    let mut elements = Vec::new();
    if any.value().is_empty() {
        return Ok(elements);
    }
    let mut reader = SliceReader::new(any.value())?;
    while !reader.is_finished() {
        elements.push(AnyRef::decode(&mut reader)?);
    }
    Ok(elements)
}

/// Reads a non-negative INTEGER; one beyond 64 bits becomes the maximum. `None` for anything else.
pub(super) fn number(any: &AnyRef<'_>) -> Option<u64> {
    let bytes = any.value();
    if any.tag() != Tag::Integer || bytes.first()? & 0x80 != 0 {
        return None;
    }
    let value =
        bytes.iter().try_fold(0u64, |value, byte| value.checked_mul(256)?.checked_add(u64::from(*byte)));
    Some(value.unwrap_or(u64::MAX))
}

const CONSTRUCTED_OCTET_STRING: u8 = 0x24;

/// The key's encryption scheme is 12 levels deep.
const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn der(bytes: &[u8]) -> Option<Vec<u8>> {
        to_der(bytes).map(|der| der.to_vec())
    }

    #[test]
    fn every_form_of_one_value_becomes_the_same_der() {
        let forms: [&[u8]; 6] = [
            &[0x30, 4, 4, 2, 7, 8],
            &[0x30, 0x80, 4, 2, 7, 8, 0, 0],
            &[0x30, 0x81, 4, 4, 2, 7, 8],
            &[0x30, 0x86, 0, 0, 0, 0, 0, 4, 4, 2, 7, 8],
            &[0x30, 0x80, 0x24, 0x80, 4, 1, 7, 4, 0, 4, 1, 8, 0, 0, 0, 0],
            &[0x30, 12, 0x24, 10, 0x24, 8, 4, 1, 7, 0x24, 3, 4, 1, 8, 9, 9],
        ];
        for form in forms {
            assert_eq!(der(form).unwrap(), [0x30, 4, 4, 2, 7, 8], "{form:02x?}");
        }
        let long = [&[4, 0x80 | 3, 0, 1, 0][..], &[9; 256]].concat();
        assert_eq!(der(&long).unwrap(), [&[4, 0x82, 1, 0][..], &[9; 256]].concat());
    }

    #[test]
    fn what_is_broken_is_refused() {
        let broken: [&[u8]; 11] = [
            &[],
            &[0x30],
            &[0x30, 1],
            &[0x30, 0x80],
            &[0x30, 0x80, 0],
            &[4, 0x80, 0, 0],
            &[0, 0],
            &[0x1f, 0x21, 0],
            &[4, 0xff],
            &[4, 0x85, 1, 0, 0, 0, 0],
            &[0x24, 3, 2, 1, 7],
        ];
        for bytes in broken {
            assert_eq!(der(bytes), None, "{bytes:02x?}");
        }
        for depth in [34, 500_000] {
            let deep = [&[0x30, 0x80].repeat(depth)[..], &[0, 0].repeat(depth)].concat();
            assert_eq!(der(&deep), None);
        }
    }

    proptest::proptest! {
        #[test]
        fn der_is_left_alone_and_anything_is_answered(bytes in proptest::collection::vec(0..=u8::MAX, 0..400)) {
            if let Some(once) = der(&bytes) {
                proptest::prop_assert_eq!(der(&once), Some(once.clone()));
            }
        }
    }
}
