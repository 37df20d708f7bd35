//! Passes over the lines of an index that cannot matter to a search for a few paths, without parsing them.

use aho_corasick::AhoCorasick;
use memchr::memchr;
use memchr::memmem::Finder;

/// Most texts to search for one by one. With more, one pass for all of them takes less time.
const FEW: usize = 4;
/// Most texts to search for at once: with more, parsing every line costs no more.
const MOST: usize = 1000;

/// An escape may stand for anything.
const ESCAPE: u8 = b'\\';
/// So may an object with this key: a name that is not UTF-8.
const NOT_UTF8: &[u8] = b"\"base64\"";

/// Lets through every line that may name one of a few texts.
///
/// It may let through others: check what you parse. Without texts it passes every line.
#[derive(Clone, Default)]
pub(crate) struct LineFilter(Option<Texts>);

#[derive(Clone)]
enum Texts {
    Few(Vec<Finder<'static>>),
    Many(AhoCorasick),
}

impl LineFilter {
    /// Passes lines whose path or target contains one of these texts.
    pub(crate) fn new<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) -> Self {
        let mut texts: Vec<Vec<u8>> = texts.into_iter().map(|text| text.as_ref().to_vec()).collect();
        if texts.len() > MOST || texts.iter().any(Vec::is_empty) {
            return Self(None);
        }
        texts.push(NOT_UTF8.to_vec());
        if texts.len() <= FEW {
            return Self(Some(Texts::Few(texts.iter().map(|text| Finder::new(text).into_owned()).collect())));
        }
        Self(AhoCorasick::new(texts).ok().map(Texts::Many))
    }

    pub(crate) fn passes(&self, line: &[u8]) -> bool {
        let Some(texts) = &self.0 else { return true };
        memchr(ESCAPE, line).is_some()
            || match texts {
                Texts::Few(texts) => texts.iter().any(|text| text.find(line).is_some()),
                Texts::Many(texts) => texts.is_match(line),
            }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::set::record::Record;
    use crate::set::{Content, Entry, EntryPath, Metadata};

    proptest! {
        #[test]
        fn no_line_of_a_path_that_holds_the_text_is_passed_over(
            before in proptest::collection::vec(any::<u8>(), 0..8),
            name in "[a-zé\"\\\\\u{1}-]{1,8}",
            after in proptest::collection::vec(any::<u8>(), 0..8),
        ) {
            let path = [&before, name.as_bytes(), &after].concat();
            let Ok(path) = EntryPath::new(path) else { return Ok(()) };
            let mut line = Vec::new();
            Record::Entry(Entry::new(path, Content::Folder, Metadata::default())).print(&mut line).unwrap();
            prop_assert!(LineFilter::new([&name]).passes(&line));
            // With so many they are all looked for at once.
            let others = (0..FEW).map(|number| format!("{number}{number}"));
            prop_assert!(LineFilter::new(others.chain([name])).passes(&line));
        }
    }

    #[test]
    fn what_holds_no_text_is_passed_over() {
        let filter = LineFilter::new(["tor1/running-config"]);
        assert!(!filter.passes(br#"{"kind":"file","path":"tor2/running-config"}"#));
        assert!(filter.passes(br#"{"kind":"file","path":"tor2/\u0072unning-config"}"#));
        assert!(LineFilter::default().passes(b"anything"));
        assert!(LineFilter::new([""]).passes(b"anything"));
        let many = LineFilter::new((0..9).map(|number| format!("tor{number}/x")));
        assert!(!many.passes(br#"{"kind":"file","path":"tor2/running-config"}"#));
        assert!(many.passes(br#"{"kind":"file","path":"tor2/x"}"#));
    }
}
