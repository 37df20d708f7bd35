//! The names of objects that are still being written.
//!
//! An object gets its own name only once it is whole. File servers and virus scanners often forbid names that begin
//! with a dot, a tilde or `~$`, or end in `.part`, `.tmp`, `.temp` or `.bak`, and watch for files whose extension
//! changes. So the mark stands in front, and the extension is that of the finished object.

const MARK: &str = "unfinished-";

/// Returns the name of an object until it is whole. If several attempts may write at the same time, each has a number.
pub(crate) fn unfinished_name(name: &str, attempt: Option<u32>) -> String {
    match attempt {
        Some(number) => format!("{MARK}{number:08x}-{name}"),
        None => format!("{MARK}{name}"),
    }
}

/// Returns the name that an unfinished object was to get; `None` for the name of any other object.
pub(crate) fn finished_name(name: &str) -> Option<&str> {
    let rest = name.strip_prefix(MARK)?;
    let is_number = |text: &str| {
        text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    match rest.split_once('-') {
        Some((number, name)) if is_number(number) => Some(name),
        _ => Some(rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_back_with_and_without_a_number() {
        for name in ["backup.json", "SHA256SUMS", "000001-00aa.tar.zst.p7m", "index-000001.jsonl.zst.p7m"] {
            for attempt in [None, Some(0), Some(0x0bad_cafe), Some(u32::MAX)] {
                assert_eq!(finished_name(&unfinished_name(name, attempt)), Some(name), "{attempt:?}");
            }
            assert_eq!(finished_name(name), None);
        }
        assert_eq!(unfinished_name("backup.json", Some(7)), "unfinished-00000007-backup.json");
        assert_eq!(finished_name("unfinished-0BADCAFE-a"), Some("0BADCAFE-a"));
        assert_eq!(finished_name("unfinished"), None);
    }
}
