//! `show`

use std::fmt::Write;
use std::sync::Arc;

use azs_backup::Result;
use azs_backup::set::{Content, CoverSheet, Entry};
use azs_backup::signature::Signature;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use crate::certificates::OptionalKeyArgs;
use crate::ended::Ended;
use crate::output::{Output, age, content, count, harmless, invalid, size};
use crate::post_quantum;
use crate::share::SetArgs;
use crate::table::table;

/// Show what a set is, and which PFX opens it.
#[derive(Args)]
pub(crate) struct Show {
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    key: OptionalKeyArgs,
    /// List what is in the set; takes --pfx
    #[arg(long)]
    files: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    cover: &'a CoverSheet,
    signature: &'a Signature,
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<&'a [Entry]>,
}

impl Show {
    pub(crate) fn run(self, output: &Output) -> Result<Ended> {
        let set = Arc::new(self.set.open(output)?);
        let signature = set.require_signers(&self.set.signers()?)?;
        let opener = self.key.opener()?;
        let entries = match (self.files, opener) {
            (false, _) => None,
            (true, None) => return Err(invalid("--files takes --pfx: the names in a set are encrypted")),
            (true, Some(opener)) => Some(set.entries(&Arc::new(opener))?.collect::<Result<Vec<_>>>()?),
        };
        let (cover, entries) = (set.cover(), entries.as_deref());
        output.print(&Shown { cover, signature: &signature, entries }, || match entries {
            Some(entries) => listing(entries),
            None => text(cover, &signature),
        })?;
        Ok(Ended::Whole)
    }
}

fn text(cover: &CoverSheet, signature: &Signature) -> String {
    let mut text = format!(
        "set         {}\nplace       {}\nstatus      {:?}\nbacked up   {}, {}\nfinished    {}\nmade by     {}\n",
        cover.set,
        cover.place,
        cover.status,
        cover.created,
        age(cover.created),
        cover.finished,
        harmless(&cover.made_by, false),
    );
    let _ = writeln!(text, "content     {}", content(&cover.content));
    if cover.content.problems > 0 {
        let _ =
            writeln!(text, "problems    {}: not all was as it was when it was read", cover.content.problems);
    }
    let _ =
        writeln!(text, "stored      {} in {}", size(cover.stored.bytes), count(cover.stored.files, "file"));
    let _ = writeln!(text, "signature   {}", harmless(&signature.to_string(), false));
    for (key, value) in &cover.labels {
        let _ = writeln!(text, "label       {}", harmless(&format!("{key}={value}"), false));
    }
    for certificate in &cover.certificates {
        let expired =
            if certificate.not_after < Timestamp::now() { ", expired; it still opens the set" } else { "" };
        let _ = writeln!(
            text,
            "opened by   {}\n            thumbprint {}, serial {}\n            valid until {}{expired}",
            harmless(&certificate.subject, false),
            certificate.sha1_thumbprint,
            certificate.serial,
            certificate.not_after,
        );
    }
    if let Some(note) = post_quantum::note(&cover.certificates) {
        let _ = writeln!(text, "strength    {}", harmless(&note, false));
    }
    text
}

fn listing(entries: &[Entry]) -> String {
    table(["MODE", ">SIZE", "CHANGED", "PATH"], entries.iter().map(row))
}

fn row(entry: &Entry) -> [String; 4] {
    let metadata = &entry.metadata;
    let path = match &entry.content {
        Content::Folder => format!("{}/", entry.path),
        Content::Symlink { target } => format!("{} -> {target}", entry.path),
        Content::HardLink { target } => format!("{} = {target}", entry.path),
        _ => entry.path.to_string(),
    };
    let is_file =
        matches!(entry.content, Content::File { .. } | Content::LargeFile { .. } | Content::Copy { .. });
    let changed = metadata.mtime.and_then(|time| Timestamp::new(time.seconds, 0).ok());
    [
        metadata.mode.map_or("–".into(), |mode| format!("{mode:04o}")),
        if is_file { size(entry.size()).to_string() } else { "–".into() },
        changed.map_or("–".into(), |time| time.to_string()),
        path,
    ]
}
