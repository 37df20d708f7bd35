//! Listings as the store sends them, without the objects that no path can name.
//!
//! The crate takes any XML for a listing, so a page that asks to log in would be an empty folder. And it refuses a whole listing for one object whose name it cannot take. Whoever may write into a bucket could hide all
//! sets behind such an object, and some programs make them by mistake: `Switches//20261123T020000Z-7f3a91c2`.

use super::failure::Failure;
use crate::error::ErrorKind;

/// Takes such objects and prefixes out of the answer to a request with this query.
///
/// # Errors
/// [`ErrorKind::Malformed`] for what is no listing, and for one that is cut off and does not say how it goes on.
pub(super) fn usable(query: &str, listing: Vec<u8>) -> Result<Vec<u8>, Failure> {
    let root = if query.contains("comp=list") { "EnumerationResults" } else { "ListBucketResult" };
    let text = std::str::from_utf8(&listing).ok().filter(|text| is_document(text, root));
    let text = text.ok_or_else(|| {
        malformed(
            "the store's answer is no listing: is something between, such as a proxy that asks to log in?",
        )
    })?;
    let is_cut = value(text, "IsTruncated").is_some_and(|cut| !cut.eq_ignore_ascii_case("false"));
    if is_cut && value(text, "NextContinuationToken").is_none_or(str::is_empty) {
        return Err(malformed(
            "the store cuts a listing off, and does not say how it goes on (ListObjectsV2)",
        ));
    }
    Ok(without_unnamable(text).map_or(listing, String::into_bytes))
}

fn malformed(why: &str) -> Failure {
    Failure::other(ErrorKind::Malformed, why)
}

/// Whether a text is an XML document with this root, up to its end.
fn is_document(text: &str, root: &str) -> bool {
    let mut rest = text.trim_start_matches('\u{feff}').trim();
    if let Some((_, behind)) = rest.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")) {
        rest = behind.trim_start();
    }
    let begin = rest.strip_prefix('<').and_then(|rest| rest.strip_prefix(root));
    begin.is_some_and(|rest| rest.starts_with(|c: char| c == '>' || c.is_whitespace()))
        && rest
            .strip_suffix('>')
            .and_then(|rest| rest.trim_end().strip_suffix(root))
            .is_some_and(|rest| rest.ends_with("</"))
}

/// The content of the first element of this name.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once('<').map(|(value, _)| value.trim())
}

/// `None` if all can be named.
fn without_unnamable(text: &str) -> Option<String> {
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
    kept.push_str(&text[copied..]);
    (copied > 0).then_some(kept)
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
        let azure = if listing.contains("<Enum") { "comp=list" } else { "list-type=2" };
        String::from_utf8(usable(azure, listing.into()).unwrap()).unwrap()
    }

    #[test]
    fn what_is_no_whole_listing_is_refused() {
        let cut = |rest: &str| {
            format!("<ListBucketResult><IsTruncated>true</IsTruncated>{rest}</ListBucketResult>")
        };
        for text in [
            "<html>Please log in</body></html>",
            "<!DOCTYPE html><html></html>",
            "<Error><Code>SlowDown</Code></Error>",
            "<ListBucketResults></ListBucketResults>",
            "<ListBucketResult><Contents>",
            "<EnumerationResults></EnumerationResults>",
            "",
            "<",
            &cut(""),
            &cut("<NextContinuationToken/>"),
            &cut("<NextContinuationToken> </NextContinuationToken>"),
            &cut("<NextMarker>a</NextMarker>"),
        ] {
            let failure = usable("list-type=2", text.into()).unwrap_err();
            assert_eq!(failure.kind(), ErrorKind::Malformed, "{text}");
        }
        assert!(usable("list-type=2", vec![0xff, b'<']).is_err());
        assert!(usable("restype=container&comp=list", cut("").into()).is_err());
        after(&cut("<NextContinuationToken>a</NextContinuationToken>"));
        after("\u{feff}<?xml version=\"1.0\"?>\n<ListBucketResult xmlns=\"x\">\n</ListBucketResult >\n");
        after("<EnumerationResults ContainerName=\"c\"><Blobs /><NextMarker /></EnumerationResults>");
    }

    #[test]
    fn what_no_path_can_name_is_left_out() {
        let entry = |key: &str| format!("<Contents><Key>{key}</Key><Size>1</Size></Contents>");
        let folder = |prefix: &str| format!("<CommonPrefixes><Prefix>{prefix}</Prefix></CommonPrefixes>");
        let whole = |entries: &str| {
            format!(
                "<?xml?><ListBucketResult><Prefix>a//</Prefix>{entries}<Token>x</Token></ListBucketResult>"
            )
        };
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
        let whole = |blobs: &str| format!("<EnumerationResults><Blobs>{blobs}</Blobs></EnumerationResults>");
        assert_eq!(after(&whole(&[blob, prefix, blob].concat())), whole(&blob.repeat(2)));
        for text in
            ["", "<a>", "<Contents>", "<Contents><Key>a//b", "<Contents></Contents>", "é<Blob>é</Blob>"]
        {
            assert_eq!(after(&whole(text)), whole(text));
        }
    }
}
