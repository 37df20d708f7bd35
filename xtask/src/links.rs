//! Links and headings of Markdown pages, and what mdBook makes of them.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Component, Path, PathBuf};

/// A link to a file of ours, or to a heading.
pub(crate) struct Link {
    /// Relative to the page; empty for the page itself.
    path: String,
    pub(crate) anchor: Option<String>,
}

impl Link {
    /// Reads a link; `None` if it leads to another site.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_elsewhere = ["http:", "https:", "mailto:", "data:", "javascript:"]
            .iter()
            .any(|scheme| text.starts_with(scheme));
        if is_elsewhere || text.is_empty() {
            return None;
        }
        let (path, anchor) = text.split_once('#').map_or((text, None), |(path, anchor)| (path, Some(anchor)));
        let anchor = anchor.filter(|name| !name.is_empty()).map(Into::into);
        Some(Self { path: path.split('?').next().unwrap_or(path).into(), anchor })
    }

    /// The file that it leads to from a page, as a path without `..`.
    pub(crate) fn file(&self, page: &Path) -> PathBuf {
        if self.path.is_empty() {
            return page.to_owned();
        }
        let mut file = PathBuf::new();
        for component in page.with_file_name("").join(&self.path).components() {
            match component {
                Component::ParentDir if file.pop() => {}
                other => file.push(other),
            }
        }
        file
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        self.anchor.iter().try_for_each(|anchor| write!(f, "#{anchor}"))
    }
}

/// Returns the links of a page that do not lead to another site.
pub(crate) fn of_markdown(page: &str) -> Vec<Link> {
    let text: Vec<String> = prose(page).map(without_code).collect();
    let text = text.join("\n");
    text.split("](").skip(1).filter_map(|rest| Link::parse(rest.split(')').next()?)).collect()
}

/// What mdBook copies into a chapter: `{{#include ../README.md:python}}`. It says nothing if an anchor is missing.
pub(crate) struct Include<'a> {
    path: &'a str,
    /// Empty for the whole file.
    part: &'a str,
}

impl Include<'_> {
    pub(crate) fn is_there(&self, chapter: &Path) -> bool {
        let Ok(text) = std::fs::read_to_string(chapter.with_file_name("").join(self.path)) else {
            return false;
        };
        let is_lines = self.part.chars().all(|c| c.is_ascii_digit() || c == ':');
        is_lines || text.lines().any(|line| line.contains(&format!("ANCHOR: {} ", self.part)))
    }
}

impl fmt::Display for Include<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.part)
    }
}

pub(crate) fn includes(page: &str) -> impl Iterator<Item = Include<'_>> {
    page.split("{{#include ").skip(1).filter_map(|rest| {
        let (path, part) =
            rest.split_once("}}").map(|(named, _)| named.split_once(':').unwrap_or((named, "")))?;
        Some(Include { path, part })
    })
}

/// Returns the anchors of a page's headings, as mdBook and the sites of repositories name them.
pub(crate) fn anchors(page: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for heading in prose(page).filter(|line| line.starts_with('#')) {
        let slug = slug(heading.trim_start_matches('#').trim());
        let numbered = (1..).map(|number| format!("{slug}-{number}"));
        let mut names = std::iter::once(slug.clone()).chain(numbered);
        anchors.extend(names.find(|name| !anchors.contains(name)));
    }
    anchors
}

fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>().to_lowercase()
}

/// The lines that are not in a fenced block.
fn prose(page: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    page.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// A line without what stands between backticks.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

/// Returns the values of an attribute in HTML as mdBook writes it: always in double quotes.
pub(crate) fn attributes<'a>(html: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let begins = format!(" {name}=\"");
    let mut rest = html;
    std::iter::from_fn(move || {
        let (_, behind) = rest.split_once(&begins)?;
        let (value, behind) = behind.split_once('"')?;
        rest = behind;
        Some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_without_code_and_other_sites() {
        let page =
            "[a](b.md#c) and `[no](no.md)`, [d](https://e)\n```\n[no](no.md)\n```\n[wrapped\nlink](#f)";
        let shown: Vec<_> = of_markdown(page).iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["b.md#c", "#f"]);
        let link = |text| Link::parse(text).unwrap();
        assert_eq!(link("../README.md#x").file(Path::new("docs/format.md")), Path::new("README.md"));
        assert_eq!(link("#x").file(Path::new("docs/format.md")), Path::new("docs/format.md"));
        assert!(link("../../up").file(Path::new("docs/a.md")).starts_with(".."));
    }

    #[test]
    fn headings_have_the_anchors_that_readers_click() {
        let page = "# The stored form, version 1\n## 3.1 Headers\n```\n# a comment\n```\n## `Big` \"names\"\n## Big names\n";
        let expected = ["31-headers", "big-names", "big-names-1", "the-stored-form-version-1"];
        assert_eq!(anchors(page).iter().map(|name| &**name).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_included_has_a_file_and_an_anchor() {
        let is_there =
            |page: &str| includes(page).all(|include| include.is_there(Path::new("../docs/index.md")));
        assert!(is_there(
            "{{#include ../README.md:python}} {{#include ../README.md:3:}} {{#include ../README.md}}"
        ));
        assert!(!is_there("{{#include ../README.md:pyth}}"));
        assert!(!is_there("{{#include ../READMY.md}}"));
    }

    #[test]
    fn attributes_are_found_one_by_one() {
        let html = r#"<a href="a.html#b" id="x">…</a><h2 id="y">"#;
        assert_eq!(attributes(html, "id").collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(attributes(html, "href").collect::<Vec<_>>(), ["a.html#b"]);
    }
}
