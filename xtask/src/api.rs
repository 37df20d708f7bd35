//! The public interface of the library as text, `docs/api/azs-backup.txt`, so that a review shows each change of it.
//!
//! This reads rustdoc's pages: each item that other crates can name, with its declaration, its methods and the traits
//! that it implements, Send and Sync included.

use std::fs;
use std::path::{Path, PathBuf};

use crate::needs::{self, FOR_BUILD};
use crate::run::{Failure, cargo, output, target};

const BASELINE: &str = "docs/api/azs-backup.txt";

/// Compares the interface with the baseline; `--bless` replaces the baseline.
pub(crate) fn check(options: &[String]) -> Result<(), Failure> {
    let bless = match options {
        [] => false,
        [option] if option == "--bless" => true,
        _ => return Err(Failure("api [--bless]".into())),
    };
    let openssl = needs::check(FOR_BUILD)?;
    let pages = target().join("doc/azs_backup");
    // Otherwise the pages of removed items would stay.
    let _ = fs::remove_dir_all(&pages);
    cargo("doc", openssl)
        .args(["--no-deps", "--features", "object-store"])
        .env("RUSTDOCFLAGS", "--deny warnings")
        .run()?;
    let now = interface(&pages)?;
    if bless {
        let failed = |e| Failure(format!("{BASELINE}: {e}"));
        fs::create_dir_all(Path::new(BASELINE).parent().unwrap_or(Path::new("."))).map_err(failed)?;
        return fs::write(BASELINE, now).map_err(failed);
    }
    let before = fs::read_to_string(BASELINE)
        .map_err(|e| Failure(format!("{BASELINE}: {e}: `cargo xtask api --bless` makes it")))?;
    let changes = changes(&before, &now);
    if changes.is_empty() {
        return Ok(());
    }
    for line in &changes {
        eprintln!("{line}");
    }
    Err(Failure(format!(
        "the public interface is not the one of {BASELINE}. If that is meant, `cargo xtask api --bless` writes it down: \
         commit it with the change, and say it in CHANGELOG.md"
    )))
}

/// Removed and added lines.
fn changes(before: &str, now: &str) -> Vec<String> {
    let lines = |text: &str| text.lines().skip(HEAD_LINES).map(str::to_owned).collect::<Vec<_>>();
    let (before, now) = (lines(before), lines(now));
    let gone = before.iter().filter(|line| !now.contains(line)).map(|line| format!("- {line}"));
    let new = now.iter().filter(|line| !before.contains(line)).map(|line| format!("+ {line}"));
    gone.chain(new).collect()
}

/// The lines at the top that explain the file.
const HEAD_LINES: usize = 2;

/// Returns the interface: one line for each item, field, variant, method and trait.
fn interface(pages: &Path) -> Result<String, Failure> {
    let mut lines = Vec::new();
    let mut files = html(pages)?;
    files.sort();
    for file in files {
        let page = fs::read_to_string(&file).map_err(|e| Failure(format!("{}: {e}", file.display())))?;
        lines.extend(of_page(&item(pages, &file), &page));
    }
    let rustdoc = output("rustdoc", &["--version"], "").unwrap_or_default();
    let version = rustdoc.split(' ').nth(1).unwrap_or("?").to_owned();
    Ok(format!(
        "# The public interface, written by `cargo xtask api --bless`.\n# By rustdoc {version}; another may word it in \
         another way.\n{}\n",
        lines.join("\n")
    ))
}

fn html(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |e| Failure(format!("{}: {e}", folder.display()));
    let mut files = Vec::new();
    for item in fs::read_dir(folder).map_err(failed)? {
        let path = item.map_err(failed)?.path();
        if path.is_dir() {
            files.extend(html(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "html") {
            files.push(path);
        }
    }
    Ok(files)
}

/// Returns `set::Set` for the page `set/struct.Set.html`, and the module for its index page.
fn item(pages: &Path, file: &Path) -> String {
    let inside = file.strip_prefix(pages).unwrap_or(file).with_extension("");
    let parts = inside.iter().map(|part| part.to_string_lossy());
    // The kind of the item comes before its name.
    let names = parts.map(|part| part.rsplit('.').next().unwrap_or_default().to_owned());
    let path = names.filter(|name| name != "index").collect::<Vec<_>>().join("::");
    if path.is_empty() { "crate".into() } else { path }
}

fn of_page(item: &str, page: &str) -> Vec<String> {
    // What follows is not the item's own: what every type has, and which types implement a trait.
    let end = ["<h2 id=\"blanket-implementations\"", "<h2 id=\"implementors\"", "<h2 id=\"foreign-impls\""];
    let end = end.iter().filter_map(|heading| page.find(heading)).min().unwrap_or(page.len());
    let page = &page[..end];
    let declared = between(page, "<pre class=\"rust item-decl\"><code>", "</code></pre>");
    let is_trait = declared.first().is_some_and(|text| plain(text).contains("trait "));
    let mut lines: Vec<String> =
        declared.iter().flat_map(|declaration| statements(&plain(declaration))).collect();
    lines.extend(
        between(page, "<dt id=\"reexport.", "</dt>")
            .iter()
            .filter_map(|reexport| Some(one_line(reexport.split_once("<code>")?.1))),
    );
    if !is_trait {
        let (own, traits) =
            page.split_at(page.find("<h2 id=\"trait-implementations\"").unwrap_or(page.len()));
        let (own, traits) = match page.find("<h2 id=\"synthetic-implementations\"") {
            // A type that implements no trait still has the automatic ones.
            Some(at) if traits.is_empty() => page.split_at(at),
            _ => (own, traits),
        };
        // In alphabetical order: a method that moves is the same method.
        let mut items: Vec<_> =
            between(own, "<h4 class=\"code-header\">", "</h4>").into_iter().map(one_line).collect();
        items.extend(between(traits, "<h3 class=\"code-header\">", "</h3>").into_iter().map(one_line));
        items.sort();
        lines.extend(items);
    }
    lines.retain(|line| !NOISE.iter().any(|noise| line.contains(noise)));
    lines.into_iter().map(|line| format!("{item}: {line}")).collect()
}

/// Traits of the compiler that nobody uses by name.
const NOISE: &[&str] = &["Freeze", "StructuralPartialEq", "UnsafeUnpin", "UnwindSafe"];

/// Returns the lines of a declaration; a wrapped method is one line, and so is a variant with its fields.
fn statements(declaration: &str) -> Vec<String> {
    let (mut statements, mut parentheses, mut braces) = (Vec::<String>::new(), 0, 0);
    let lines = declaration.lines().map(str::trim);
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with("// ")) {
        match statements.last_mut() {
            Some(last) if parentheses > 0 || braces > 1 => *last += &format!(" {line}"),
            _ => statements.push(line.to_owned()),
        }
        parentheses += line.matches('(').count();
        parentheses -= line.matches(')').count().min(parentheses);
        braces += line.matches('{').count();
        braces -= line.matches('}').count().min(braces);
    }
    statements.retain(|line| line != "}");
    statements
}

/// Returns each piece of the text between `start` and `end`.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    text.split(start).skip(1).filter_map(|rest| Some(rest.split_once(end)?.0)).collect()
}

fn one_line(html: &str) -> String {
    plain(html).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the text of HTML, without tags, and without the buttons that unfold a long list.
fn plain(html: &str) -> String {
    let mut text = String::new();
    // An attribute stands in a box of its own.
    let html = html.replace("</div>", "\n");
    for (at, piece) in html.split("<summary").enumerate() {
        let piece = if at == 0 { piece } else { piece.split_once("</summary>").map_or("", |(_, rest)| rest) };
        for (at, piece) in piece.split('<').enumerate() {
            text += if at == 0 { piece } else { piece.split_once('>').map_or("", |(_, rest)| rest) };
        }
    }
    let named =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")];
    named.iter().fold(text, |text, (name, letter)| text.replace(name, letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_gives_the_declaration_the_methods_and_the_traits() {
        let page = "<pre class=\"rust item-decl\"><code>pub struct <a href=\"x\">Set</a>&lt;'a&gt; { <i>/* private */</i> }\
            </code></pre><h2 id=\"implementations\"><h3 class=\"code-header\">impl Set</h3>\
            <h4 class=\"code-header\">pub fn <a>open</a>(\n    x: u8,\n)</h4>\
            <h2 id=\"trait-implementations\"><h3 class=\"code-header\">impl Clone for Set</h3>\
            <h4 class=\"code-header\">fn clone()</h4><h3 class=\"code-header\">impl Freeze for Set</h3>\
            <h2 id=\"blanket-implementations\"><h3 class=\"code-header\">impl Any for T</h3>";
        let lines = of_page("set::Set", page);
        let expected =
            ["pub struct Set<'a> { /* private */ }", "impl Clone for Set", "pub fn open( x: u8, )"];
        assert_eq!(lines, expected.map(|line| format!("set::Set: {line}")));
    }

    #[test]
    fn what_is_wrapped_is_one_line() {
        let lines = statements("pub enum E {\n    A,\n    B {\n        x: u8,\n    },\n}");
        assert_eq!(lines, ["pub enum E {", "A,", "B { x: u8, },"]);
        let lines =
            statements("pub trait T {\n    // Required methods\n    fn f(\n        &self,\n    );\n}");
        assert_eq!(lines, ["pub trait T {", "fn f( &self, );"]);
    }

    #[test]
    fn a_page_is_named_for_its_item() {
        let name = |file: &str| item(Path::new("doc"), &Path::new("doc").join(file));
        assert_eq!(name("set/struct.Set.html"), "set::Set");
        assert_eq!(name("set/index.html"), "set");
        assert_eq!(name("constant.VERSION.html"), "VERSION");
    }
}
