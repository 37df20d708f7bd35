//! The exclude patterns of a backup, and which of them matched anything.

use ignore::gitignore::Gitignore;

use crate::error::Result;
use crate::patterns;
use crate::set::EntryPath;

/// The patterns of a run. They see paths below each added folder.
pub(super) struct Excludes {
    all: Gitignore,
    /// Patterns that have matched nothing so far, each by itself.
    unmatched: Vec<(String, Gitignore)>,
}

impl Excludes {
    pub(super) fn new(excludes: &[String]) -> Result<Self> {
        Ok(Self { all: patterns::compile(excludes)?, unmatched: patterns::each(excludes)? })
    }

    /// Whether to leave out this path, found below a folder that was added as `top`.
    pub(super) fn leave_out(&mut self, top: &EntryPath, path: &EntryPath, is_folder: bool) -> bool {
        if self.all.is_empty() {
            return false;
        }
        let below = &path.as_bytes()[top.as_bytes().len() + 1..];
        // Patterns are text; match a name that is not as well as possible.
        let below = &*String::from_utf8_lossy(below);
        self.unmatched.retain(|(_, alone)| !alone.matched(below, is_folder).is_ignore());
        let is_left_out = self.all.matched(below, is_folder).is_ignore();
        if is_left_out && is_folder {
            self.unmatched.retain(|(pattern, _)| !is_below(pattern, below));
        }
        is_left_out
    }

    /// Returns a warning for each pattern that matched nothing: the set may contain what you meant to leave out.
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

/// Whether a pattern only excludes things below this folder, and so has no effect if the folder itself is excluded. A
/// pattern with `!` asks to include something, which then does not happen.
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
