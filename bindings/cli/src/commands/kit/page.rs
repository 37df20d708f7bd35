//! The page to print.

use std::path::Path;

use azs_backup::layout::{Deployment, UncPath};
use azs_backup::share::is_url;
use jiff::Timestamp;

use super::Needed;
use crate::post_quantum::BY_HAND;
use crate::share::ServerArgs;

const PAGE: &str = include_str!("../../../kit/page.html");

/// Where the sets of the deployment are signed.
const SIGNED: &str = "<p><strong>The hosts here sign their sets.</strong> Whoever may write to the share can make a set \
    that the PFX opens, but cannot sign it. Give <code>--require-signer signer-1.cer</code> to verify and restore, once for \
    each such file of this folder; <code>recover.sh</code> and <code>read_set.py</code> look for the files, and refuse a set \
    that none of them has signed. <code>recover.ps1</code> does not: verify first.</p>";

/// How the program reaches a share that no machine has mounted: whoever recovers must not have to look for it.
fn way(root: &Path, server: &ServerArgs) -> String {
    let account =
        server.user().map_or(String::new(), |user| format!(" (here <code>{}</code>)", escaped(user)));
    let port = server.port().map_or(String::new(), |port| format!(", and <code>--port {port}</code>"));
    let text = if UncPath::is_meant_by(root) {
        format!(
            "From Linux the program reaches this share without a mount: it takes <code>--smb-user ACCOUNT</code>{account}, the \
             password in <code>AZS_SMB_PASSWORD</code> or by <code>--smb-password-file</code>{port}. On Windows it is who you \
             are logged on as."
        )
    } else if is_url(root) {
        "The program reaches this store with credentials in its environment, like <code>AWS_ACCESS_KEY_ID</code> and \
         <code>AWS_SECRET_ACCESS_KEY</code>, or <code>AZURE_STORAGE_ACCOUNT_KEY</code>."
            .into()
    } else {
        return String::new();
    };
    format!("<p>{text}</p>")
}

/// Fills in the page.
pub(super) fn page(
    deployment: &Deployment,
    root: &Path,
    server: &ServerArgs,
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
        ("way", way(root, server)),
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
