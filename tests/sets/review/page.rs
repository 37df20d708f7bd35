//! The page of a review: safe to open, and valid HTML.

use std::collections::BTreeSet;

use serde_json::json;

use crate::common::system::can_have;
use crate::review::site::{Site, back_up};

#[test]
fn the_page_stands_by_itself_and_escapes_what_the_share_says() {
    let mut site = Site::new().set("root", json!("<script>alert(1)</script>\"'&"));
    site.config["silence"] =
        json!([{"rule": "UNENCRYPTED_DATA", "about": "HLH", "reason": "<script>why</script>"}]);
    let names = ["<script>alert(1)<:script>", "a' onload='x", "\"><img src=x onerror=y>&amp;"];
    for name in names.into_iter().filter(|name| can_have(name)) {
        site.file(&format!("contoso.com/nyc/Switches/{name}"), b"config");
        site.file(&format!("contoso.com/nyc/HLH/{name}"), b"config");
    }
    back_up(&site.fixture, "<b>Firewalls&".replace(['<', '>'], "'").parse().unwrap(), None);
    site.share.refuses = Some("HLH");
    for page in [site.review().to_html(), Site::new().review().to_html()] {
        for foreign in
            ["<script", "<img", "onload='", "http://", "https://", "url(", "@import", "<b>refusing"]
        {
            assert!(!page.contains(foreign), "{foreign}: {page}");
        }
        for part in ["prefers-color-scheme: dark", "<svg", "polyline", "Content-Security-Policy"] {
            assert!(page.contains(part), "{part}");
        }
        assert_well_formed(&page);
    }
    let page = site.review().to_html();
    assert!(page.contains("&lt;script&gt;alert(1)") && page.contains("&#39;b&#39;Firewalls&amp;"), "{page}");
    assert_eq!(page.matches("<rect").count(), 30 * 5);
}

/// Fails unless the page is valid as far as its own parts go: every element known, closed in turn and where it may be,
/// attributes quoted and not twice, ids once, links to ids that are there, and no bare `&` or `<`. (html5lib's strict
/// parser and tidy accepted the page when it was written.)
fn assert_well_formed(page: &str) {
    const VOID: [&str; 2] = ["meta", "!DOCTYPE"];
    const BLOCKS: [&str; 11] =
        ["div", "p", "h1", "h2", "h3", "ul", "dl", "section", "article", "figure", "header"];
    const KNOWN: [&str; 21] = [
        "html",
        "head",
        "title",
        "style",
        "body",
        "footer",
        "a",
        "b",
        "i",
        "span",
        "code",
        "li",
        "dt",
        "dd",
        "figcaption",
        "svg",
        "rect",
        "line",
        "polygon",
        "polyline",
        "circle",
    ];
    let mut open: Vec<&str> = Vec::new();
    let (mut ids, mut links) = (BTreeSet::new(), Vec::new());
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        let text = &rest[..at];
        assert!(open.last() == Some(&"style") || !text.contains('>'), "{text}");
        for entity in text.split('&').skip(1) {
            let name = entity.split(';').next().unwrap();
            assert!(["amp", "lt", "gt", "quot", "#39"].contains(&name), "&{entity}");
        }
        let end = at + rest[at..].find('>').unwrap();
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap();
        let is_known = VOID.contains(&name) || BLOCKS.contains(&name) || KNOWN.contains(&name);
        assert!(is_known, "{tag}");
        let inside = |of: &str| open.contains(&of);
        assert!(
            !BLOCKS.contains(&name) || !["p", "b", "span", "h1", "h2", "h3"].into_iter().any(inside),
            "{tag}"
        );
        assert!(name != "li" || open.last() == Some(&"ul"), "{tag}");
        assert!(!["dt", "dd"].contains(&name) || open.last() == Some(&"dl"), "{tag}");
        let mut seen = BTreeSet::new();
        for attribute in tag.split("=\"").collect::<Vec<_>>().windows(2) {
            let key = attribute[0].rsplit([' ', '"']).next().unwrap();
            let value = attribute[1].split('"').next().unwrap();
            assert!(seen.insert(key), "{tag}");
            match key {
                "id" => assert!(ids.insert(value), "{tag}"),
                "href" => links.push(value.strip_prefix('#').unwrap()),
                _ => {}
            }
        }
        assert_eq!(tag.matches('"').count(), 2 * seen.len(), "{tag}");
        if !VOID.contains(&name) && !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert_eq!(open, [""; 0]);
    assert!(links.iter().all(|link| ids.contains(link)), "{links:?} of {ids:?}");
}
