//! What a backup leaves out, and which of the patterns that say so matched anything.

use ignore::gitignore::Gitignore;

use crate::error::Result;
use crate::patterns;
use crate::set::EntryPath;

/// The patterns of a run. They see paths below each folder that is added.
pub(super) struct Excludes {
    all: Gitignore,
    /// Patterns that nothing has matched, each by itself.
    unmatched: Vec<(String, Gitignore)>,
}

impl Excludes {
    pub(super) fn new(excludes: &[String]) -> Result<Self> {
        Ok(Self { all: patterns::compile(excludes)?, unmatched: patterns::each(excludes)? })
    }

    /// Whether this path, met below a folder that was added as `top`, is left out.
    pub(super) fn leave_out(&mut self, top: &EntryPath, path: &EntryPath, is_folder: bool) -> bool {
        if self.all.is_empty() {
            return false;
        }
        let below = &path.as_bytes()[top.as_bytes().len() + 1..];
        // Patterns are text; a name that is not is matched as well as it can be.
        let below = &*String::from_utf8_lossy(below);
        self.unmatched.retain(|(_, alone)| !alone.matched(below, is_folder).is_ignore());
        let is_left_out = self.all.matched(below, is_folder).is_ignore();
        if is_left_out && is_folder {
            self.unmatched.retain(|(pattern, _)| !is_below(pattern, below));
        }
        is_left_out
    }

    /// A warning for each pattern that nothing matched: what it was to leave out may be in the set.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> {
        self.unmatched.iter().map(|(pattern, _)| {
            if pattern.starts_with('#') {
                format!("exclude pattern \"{pattern}\" matches nothing: it is a comment; for a name, write \\{pattern}")
            } else {
                format!(
                    "exclude pattern \"{pattern}\" matched nothing that was looked at: patterns see paths below each \
                     added folder, and nothing below a folder that is left out"
                )
            }
        })
    }
}

/// Whether a pattern leaves out nothing but what is below this folder, and so says nothing new where that is left out.
/// One with `!` says that something is to be taken, which it is not.
fn is_below(pattern: &str, folder: &str) -> bool {
    let is_literal = !folder.contains(['*', '?', '[', ']', '{', '}', '\\', '!', '#']);
    let path = pattern.strip_prefix('/').unwrap_or(pattern);
    is_literal && path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_is_all_below_a_folder() {
        for (pattern, folder, expected) in [
            ("logs/*.tmp", "logs", true),
            ("/logs/a/**", "logs", true),
            ("a/b/c", "a/b", true),
            ("logs2/x", "logs", false),
            ("*/x", "*", false),
            ("*.tmp", "logs", false),
            ("**/logs/x", "logs", false),
            ("!logs/keep", "logs", false),
        ] {
            assert_eq!(is_below(pattern, folder), expected, "{pattern} {folder}");
        }
    }
}
