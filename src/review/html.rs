//! A review as one HTML page.

use super::Review;
use super::findings::shown;

impl Review {
    /// The review as one HTML page with nothing from elsewhere; names from the share are escaped.
    #[must_use]
    pub fn to_html(&self) -> String {
        let table = escape(&self.to_table());
        let title = escape(&shown(&self.deployment.fqdn()));
        format!(
            "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><pre>{table}</pre></html>\n"
        )
    }
}

/// Text as HTML shows it, in an element or in a quoted attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}
