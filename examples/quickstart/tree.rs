//! Shows folder trees, and compares two of them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::Metadata;
use std::path::{Path, PathBuf};

use azs_backup::layout::{Deployment, Name, SharePath};
use azs_backup::set::Digest;
use azs_backup::share::ItemKind;
use azs_backup::{Error, ErrorKind, Result, Share};

use crate::support;

/// How closely to compare trees.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Compare {
    WithModes,
    /// For what `tar` unpacked, because it applies the umask.
    WithoutModes,
}

/// Draws the tree of a deployment's folder on a share, with lengths.
pub(crate) fn layout(share: &dyn Share, deployment: &Deployment, indent: &str) -> Result<String> {
    let region = deployment.region_folder();
    let mut text = format!("{indent}{region}/\n");
    draw(share, &region, indent, &mut text)?;
    Ok(text)
}

fn draw(share: &dyn Share, folder: &SharePath, indent: &str, text: &mut String) -> Result<()> {
    let mut items = share.list(folder)?;
    items.sort_by(|a, b| a.name.cmp(&b.name));
    for (i, item) in items.iter().enumerate() {
        let (branch, below) = if i + 1 < items.len() { ("├─ ", "│  ") } else { ("└─ ", "   ") };
        // No path leads into MASBackup, or to anything that Windows could not open.
        let inner = Name::new(&*item.name).ok().filter(|_| item.kind == ItemKind::Folder);
        let note = match (item.kind, &*item.name) {
            (ItemKind::Folder, "MASBackup") => "/    Azure Stack Hub's own: never written".to_owned(),
            (ItemKind::Folder, _) => "/".to_owned(),
            _ => format!("    {}", support::bytes(item.length)),
        };
        writeln!(text, "{indent}{branch}{}{note}", item.name).expect("writing to memory");
        if let Some(name) = inner {
            draw(share, &folder.join(name), &format!("{indent}{below}"), text)?;
        }
    }
    Ok(())
}

/// Copies the files of a set into a new folder of this machine, and returns that folder.
pub(crate) fn download(share: &dyn Share, set: &SharePath, folder: &Path) -> Result<PathBuf> {
    std::fs::create_dir(folder).map_err(|e| Error::io(format_args!("create {}", folder.display()), e))?;
    let mut content = Vec::new();
    for item in share.list(set)? {
        share.read(&set.join(Name::new(&*item.name)?), u64::MAX, &mut content)?;
        let file = folder.join(&item.name);
        std::fs::write(&file, &content)
            .map_err(|e| Error::io(format_args!("write {}", file.display()), e))?;
    }
    Ok(folder.to_owned())
}

/// Fails at the first difference between a source and its restored copy; returns the number of entries.
pub(crate) fn compare(source: &Path, restored: &Path, left_out: &[&str], compare: Compare) -> Result<usize> {
    let (mut expected, mut found) = (BTreeMap::new(), BTreeMap::new());
    describe(source, source, left_out, compare, &mut expected)?;
    describe(restored, restored, &[], compare, &mut found)?;
    let differs = |path: &Path, how: &str| {
        Err(Error::new(
            ErrorKind::Damaged,
            format!("{} {how}; did the source change meanwhile?", path.display()),
        ))
    };
    for (path, entry) in &expected {
        match found.remove(path) {
            Some(other) if other == *entry => {}
            Some(other) => return differs(path, &format!("was restored as {other} instead of {entry}")),
            None => return differs(path, "was not restored"),
        }
    }
    match found.keys().next() {
        Some(path) => differs(path, "was restored but is not in the source"),
        None => Ok(expected.len()),
    }
}

fn describe(
    root: &Path,
    folder: &Path,
    left_out: &[&str],
    compare: Compare,
    entries: &mut BTreeMap<PathBuf, String>,
) -> Result<()> {
    for (path, metadata) in children(folder)? {
        let name = path.file_name().unwrap_or_default();
        if left_out.iter().any(|left_out| name == *left_out) {
            continue;
        }
        let failed = |e| Error::io(format_args!("compare {}", path.display()), e);
        let content = if metadata.is_symlink() {
            format!("link to {}", std::fs::read_link(&path).map_err(failed)?.display())
        } else if metadata.is_dir() {
            describe(root, &path, left_out, compare, entries)?;
            "folder".to_owned()
        } else if metadata.is_file() {
            let bytes = std::fs::read(&path).map_err(failed)?;
            format!("file of {} bytes with SHA-256 {}", bytes.len(), Digest::of(&bytes))
        } else {
            // Sockets, pipes and devices are not backed up.
            continue;
        };
        let time = jiff_time(&metadata);
        let mode =
            if compare == Compare::WithModes && !metadata.is_symlink() { mode(&metadata) } else { None };
        let mode = mode.map_or(String::new(), |mode| format!(", mode {mode:04o}"));
        let relative = path.strip_prefix(root).unwrap_or(&path).to_owned();
        entries.insert(relative, format!("{content}{mode}, changed {time}"));
    }
    Ok(())
}

fn jiff_time(metadata: &Metadata) -> String {
    let time = metadata.modified().ok().and_then(|time| jiff::Timestamp::try_from(time).ok());
    time.map_or("at an unknown time".into(), |time| time.to_string())
}

#[cfg(unix)]
fn mode(metadata: &Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    Some(metadata.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode(_: &Metadata) -> Option<u32> {
    None
}

/// Lists a folder, sorted by name.
fn children(folder: &Path) -> Result<Vec<(PathBuf, Metadata)>> {
    let list = || -> std::io::Result<Vec<_>> {
        let mut children = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let metadata = path.symlink_metadata()?;
            children.push((path, metadata));
        }
        children.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(children)
    };
    list().map_err(|e| Error::io(format_args!("list {}", folder.display()), e))
}
