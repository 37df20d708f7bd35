//! The page to print.

use std::path::Path;

use azs_backup::layout::Deployment;
use jiff::Timestamp;

use super::Needed;
use crate::post_quantum::BY_HAND;

const PAGE: &str = include_str!("../../../kit/page.html");

/// Where the sets of the deployment are signed.
const SIGNED: &str = "<p><strong>The hosts here sign their sets.</strong> Whoever may write to the share can make a set \
    that the PFX opens, but cannot sign it. Give <code>--require-signer signer-1.cer</code> to verify and restore, once for \
    each such file of this folder; <code>recover.sh</code> and <code>read_set.py</code> look for the files, and refuse a set \
    that none of them has signed. <code>recover.ps1</code> does not: verify first.</p>";

/// Fills in the page.
pub(super) fn page(
    deployment: &Deployment,
    root: &Path,
    needed: &[Needed],
    programs: &str,
    is_signed: bool,
) -> String {
    let rows = needed.iter().map(|Needed { sha1_thumbprint, subject, key, not_after, newest }| {
        let sets = newest.iter().map(|(place, set)| escaped(&format!("{place}/{set}")));
        let sets = sets.collect::<Vec<_>>().join("<br>");
        format!(
            "<tr><td><code>{}</code><br>{}<br>{} key, valid until {}</td><td><code>{sets}</code></td></tr>",
            escaped(sha1_thumbprint),
            escaped(subject),
            escaped(&key.algorithm),
            escaped(not_after),
        )
    });
    let rows: String = rows.collect();
    let certificates = match needed {
        [] => "<p><strong>No complete set is on the share yet.</strong> Make this kit again once there is one.</p>".into(),
        _ => format!("<table><tr><th>PFX</th><th>The newest sets that it opens</th></tr>{rows}</table>"),
    };
    let openssl = match needed.iter().any(|needed| needed.key.is_post_quantum()) {
        true => format!(" Here, {BY_HAND}."),
        false => String::new(),
    };
    let signed = match is_signed {
        true => SIGNED.to_owned(),
        false => String::new(),
    };
    let values = [
        ("signed", signed),
        ("openssl", openssl),
        ("deployment", escaped(&deployment.to_string())),
        ("share", escaped(&root.display().to_string())),
        ("made", Timestamp::now().strftime("%Y-%m-%d").to_string()),
        ("version", escaped(azs_backup::VERSION)),
        ("place", escaped(&format!("{deployment}/COMPONENT"))),
        ("certificates", certificates),
        ("programs", escaped(&format!("Programs in this folder: {programs}."))),
    ];
    // One pass: what a value holds is not looked at again.
    let mut page = String::new();
    let mut rest = PAGE;
    while let Some((before, after)) = rest.split_once("{{") {
        page += before;
        let (name, after) = after.split_once("}}").unwrap_or(("", after));
        page += values.iter().find(|(of, _)| *of == name).map_or("", |(_, value)| value);
        rest = after;
    }
    page + rest
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
