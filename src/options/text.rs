//! Text files that people and scripts write.

use zeroize::Zeroize;

/// Decodes a text file: UTF-8, with a byte order mark or without, or UTF-16 with one, as Windows PowerShell writes files.
/// `None` if it is neither. Whoever decodes a secret wipes what is returned; nothing else of it stays in memory.
#[must_use]
pub fn text(bytes: &[u8]) -> Option<String> {
    let units: fn([u8; 2]) -> u16 = match bytes {
        [0xFF, 0xFE, ..] => u16::from_le_bytes,
        [0xFE, 0xFF, ..] => u16::from_be_bytes,
        _ => {
            let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
            return std::str::from_utf8(bytes).ok().map(ToOwned::to_owned);
        }
    };
    let (pairs, []) = bytes[2..].as_chunks::<2>() else { return None };
    let mut text = String::with_capacity(pairs.len() * 3);
    for char in char::decode_utf16(pairs.iter().map(|pair| units(*pair))) {
        let Ok(char) = char else {
            text.zeroize();
            return None;
        };
        text.push(char);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn text_is_decoded_from_what_programs_write() {
        let written = "pässword 配 😀\r\n";
        let units: Vec<u16> = written.encode_utf16().collect();
        let of = |mark: &[u8], bytes: Vec<u8>| text(&[mark, &bytes].concat());
        let little = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        for read in [
            of(b"", written.into()),
            of(b"\xEF\xBB\xBF", written.into()),
            of(b"\xFF\xFE", little),
            of(b"\xFE\xFF", big),
        ] {
            assert_eq!(read.as_deref(), Some(written));
        }
        assert_eq!(text(b""), Some(String::new()));
    }

    #[test]
    fn what_is_no_text_is_none() {
        for bytes in [&b"\xFF"[..], b"\xFF\xFEa", b"\xFF\xFE\x00\xD8", b"a\xC3", b"\xFE\xFF\xDC\x00a\x00"] {
            assert_eq!(text(bytes), None, "{bytes:?}");
        }
    }
}
