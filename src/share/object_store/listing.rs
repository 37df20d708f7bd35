//! Listings as the store sends them, without the objects that no path can name.
//!
//! The crate refuses a whole listing for one object whose name it cannot take. Whoever may write into a bucket could hide all
//! sets behind such an object, and some programs make them by mistake: `Switches//20261123T020000Z-7f3a91c2`.

/// Takes such objects and prefixes out of a listing.
pub(super) fn usable(listing: Vec<u8>) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(&listing) else { return listing };
    let (mut kept, mut copied, mut at) = (String::new(), 0, 0);
    while let Some(next) = text[at..].find('<') {
        let begin = at + next;
        at = begin + 1;
        let Some((_, close)) = ENTRIES.iter().find(|(open, _)| text[begin..].starts_with(open)) else {
            continue;
        };
        let Some(length) = text[begin..].find(close) else { break };
        at = begin + length + close.len();
        if !is_usable(&text[begin..at]) {
            kept.push_str(&text[copied..begin]);
            copied = at;
        }
    }
    if copied == 0 {
        return listing;
    }
    kept.push_str(&text[copied..]);
    kept.into_bytes()
}

fn is_usable(entry: &str) -> bool {
    let begin = NAMES.iter().find_map(|tag| entry.split_once(tag));
    let Some((name, _)) = begin.and_then(|(_, rest)| rest.split_once('<')) else { return true };
    // A folder's own marker, and a prefix, end so.
    let name = name.strip_suffix('/').unwrap_or(name);
    // A character that XML has no other way to write is a control character.
    let is_plain = !name.contains("&#") && !name.bytes().any(|byte| byte.is_ascii_control());
    is_plain && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Objects and prefixes: of S3 (`ListObjectsV2`), of Azure (`List Blobs`).
const ENTRIES: [(&str, &str); 4] = [
    ("<Contents>", "</Contents>"),
    ("<CommonPrefixes>", "</CommonPrefixes>"),
    ("<Blob>", "</Blob>"),
    ("<BlobPrefix>", "</BlobPrefix>"),
];
const NAMES: [&str; 3] = ["<Key>", "<Prefix>", "<Name>"];

#[cfg(test)]
mod tests {
    use super::*;

    fn after(listing: &str) -> String {
        String::from_utf8(usable(listing.into())).unwrap()
    }

    #[test]
    fn what_no_path_can_name_is_left_out() {
        let entry = |key: &str| format!("<Contents><Key>{key}</Key><Size>1</Size></Contents>");
        let folder = |prefix: &str| format!("<CommonPrefixes><Prefix>{prefix}</Prefix></CommonPrefixes>");
        let whole = |entries: &str| format!("<?xml?><R><Prefix>a//</Prefix>{entries}<Token>x</Token></R>");
        let good = [entry("a/b"), entry("a/&amp; &lt;"), entry("a/folder/"), folder("a/c/"), entry("a/..b")]
            .concat();
        let bad = ["a//b", "a/../b", "a/.", "/a", "", "a/b//", "a/&#10;b", "a/b\u{7}"];
        let mixed: String = bad.iter().map(|key| entry(key) + &good + &folder(key)).collect();
        assert_eq!(after(&whole(&good)), whole(&good));
        assert_eq!(after(&whole(&mixed)), whole(&good.repeat(bad.len())));
    }

    #[test]
    fn azures_listings_are_read_alike_and_what_is_none_stays() {
        let (blob, prefix) = ("<Blob><Name>a/b</Name></Blob>", "<BlobPrefix><Name>a//</Name></BlobPrefix>");
        assert_eq!(
            after(&format!("<Blobs>{blob}{prefix}{blob}</Blobs>")),
            format!("<Blobs>{blob}{blob}</Blobs>")
        );
        for text in ["", "<", "<Contents>", "<Contents><Key>a//b", "<Contents></Contents>", "é<Blob>é</Blob>"]
        {
            assert_eq!(after(text), text);
        }
        assert_eq!(usable(vec![0xff, b'<']), [0xff, b'<']);
    }
}
