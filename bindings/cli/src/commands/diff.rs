//! `diff`

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use azs_backup::set::{Content, Entry, EntryPath};
use azs_backup::{Opener, Result, Set};
use clap::{ArgGroup, Args};
use serde::Serialize;

use crate::certificates::KeyArgs;
use crate::ended::Ended;
use crate::output::{Output, count, harmless};
use crate::share::SetArgs;

mod folder;

/// Compare two sets, or a set with a folder: what is only in one of them, and what differs.
///
/// Files are compared by their digests, large ones between two sets by size and time. Exit code 3 if anything differs.
#[derive(Args)]
#[command(group(ArgGroup::new("other").required(true)))]
pub(crate) struct Diff {
    #[command(flatten)]
    set: SetArgs,
    /// Another set, named like the first
    #[arg(long, value_name = "SET", group = "other")]
    with: Option<PathBuf>,
    /// A folder that holds what the set does: the sources by their names, or a restore of it
    #[arg(long, value_name = "DIR", group = "other")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    key: KeyArgs,
}

/// How an entry differs.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Change {
    Added,
    Removed,
    Changed,
}

#[derive(Serialize)]
struct Difference {
    path: EntryPath,
    change: Change,
    /// What differs, if both have it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    what: Vec<&'static str>,
}

impl Diff {
    pub(crate) fn run(self, output: &Output) -> Result<Ended> {
        let opener = Arc::new(self.key.opener()?);
        let signers = self.set.signers()?;
        let set = Arc::new(self.set.open(output)?);
        set.require_signers(&signers)?;
        let differences = match (&self.with, &self.folder) {
            (Some(other), _) => {
                let other = Arc::new(self.set.open_other(other, output)?);
                other.require_signers(&signers)?;
                between(&entries(&set, &opener)?, &entries(&other, &opener)?)
            }
            (None, Some(folder)) => folder::with(folder, &set, &opener)?,
            (None, None) => Vec::new(),
        };
        output.print(&differences, || {
            let lines: String = differences.iter().map(|difference| format!("{difference}\n")).collect();
            lines
                + &if differences.is_empty() {
                    "no difference".into()
                } else {
                    count(differences.len() as u64, "difference")
                }
        })?;
        Ok(Ended::named(!differences.is_empty()))
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.change {
            Change::Added => '+',
            Change::Removed => '-',
            Change::Changed => '~',
        };
        write!(f, "{sign} {}", harmless(&self.path.to_string(), false))?;
        if self.what.is_empty() { Ok(()) } else { write!(f, "  {}", self.what.join(", ")) }
    }
}

type Entries = BTreeMap<EntryPath, Entry>;

fn entries(set: &Arc<Set>, opener: &Arc<Opener>) -> Result<Entries> {
    set.entries(opener)?.map(|entry| entry.map(|entry| (entry.path.clone(), entry))).collect()
}

fn between(old: &Entries, new: &Entries) -> Vec<Difference> {
    let mut differences = Vec::new();
    for (path, was) in old {
        let Some(is) = new.get(path) else {
            differences.push(Difference { path: path.clone(), change: Change::Removed, what: Vec::new() });
            continue;
        };
        let what = what_differs(was, is);
        if !what.is_empty() {
            differences.push(Difference { path: path.clone(), change: Change::Changed, what });
        }
    }
    let added = new.keys().filter(|path| !old.contains_key(*path));
    differences.extend(added.map(|path| Difference {
        path: path.clone(),
        change: Change::Added,
        what: Vec::new(),
    }));
    differences.sort_by(|one, other| one.path.cmp(&other.path));
    differences
}

fn what_differs(was: &Entry, is: &Entry) -> Vec<&'static str> {
    let mut what = Vec::new();
    match (&was.content, &is.content) {
        (Content::Folder, Content::Folder) => {}
        (Content::Symlink { target }, Content::Symlink { target: other }) => {
            if target != other {
                what.push("target");
            }
        }
        (Content::File { sha256, .. }, Content::File { sha256: other, .. }) => {
            if sha256 != other {
                what.push("content");
            }
        }
        // The same bytes may be stored as a copy of another file, as a link to it or in parts.
        (Content::Folder | Content::Symlink { .. }, _) | (_, Content::Folder | Content::Symlink { .. }) => {
            what.push("kind");
        }
        _ => {
            if was.size() != is.size() || was.metadata.mtime != is.metadata.mtime {
                what.push("content");
            }
        }
    }
    let (was, is) = (&was.metadata, &is.metadata);
    let is_link = what.contains(&"kind");
    for (name, differs) in [
        ("mode", was.mode != is.mode),
        ("owner", (was.uid, was.gid) != (is.uid, is.gid)),
        ("time", was.mtime != is.mtime),
        ("attributes", was.xattrs != is.xattrs),
    ] {
        if differs && !is_link {
            what.push(name);
        }
    }
    what
}
