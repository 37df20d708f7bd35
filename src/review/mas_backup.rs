//! Finds what does not belong into `MASBackup`, by names alone: nothing in there is read.

use super::seen::{Seen, shown_path_of};
use crate::error::{ErrorKind, Result, Scope};
use crate::layout::{Component, MasBackupFolder, Name, SetName, SharePath, is_key_file};
use crate::set::{COVER_SHEET, is_file_of_a_set};
use crate::share::{Item, ItemKind, Share};

/// Looks through the `MASBackup` in the folder `above`.
pub(super) fn scan(share: &dyn Share, above: &SharePath, spelled: &str, seen: &mut Seen) -> Result<()> {
    let Ok(root) = MasBackupFolder::new(above, spelled) else { return Ok(()) };
    let mut folders = vec![(root, Role::Top, 0)];
    let mut count = 0;
    while let Some((folder, role, depth)) = folders.pop() {
        let mut items = match share.list_mas_backup(&folder) {
            Ok(items) => items,
            // Azure Stack Hub removed it in the meantime.
            Err(e) if e.kind() == ErrorKind::NotFound => continue,
            Err(e) if e.scope() != Scope::Object => return Err(e),
            Err(e) if role == Role::Top => {
                seen.mas_backup_unseen.push(&format!("{folder}: {e}"));
                continue;
            }
            Err(e) => {
                seen.unreadable.push(&format!("{folder}: {e}"));
                continue;
            }
        };
        items.sort_by(|a, b| a.name.cmp(&b.name));
        for item in items {
            count += 1;
            if count > MOST_ITEMS || depth > DEEPEST {
                seen.was_cut_short = true;
                return Ok(());
            }
            let path = shown_path_of(&folder, &item.name);
            if item.kind == ItemKind::File && is_key_file(&item.name) {
                seen.private_keys.push(&path);
                continue;
            }
            if is_component_data(&item) {
                seen.component_data_in_mas_backup.push(&path);
                continue;
            }
            let below = role.of(&item);
            if below == Role::Foreign && role != Role::Foreign {
                seen.foreign_in_mas_backup.push(&path);
            }
            if item.kind == ItemKind::Folder
                && let Ok(name) = Name::new(item.name)
            {
                folders.push((folder.join(name), below, depth + 1));
            }
        }
    }
    Ok(())
}

/// The role of a thing in `MASBackup`.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Role {
    Top,
    Progressive,
    /// The backups of one version of the stamp.
    Store,
    Repository,
    /// Azure Stack Hub's, with content that is not documented.
    Opaque,
    Foreign,
}

impl Role {
    /// Decides the role of a thing in a folder of this role, by how the backup controller lays out its store (XML
    /// documentation of its BackupCache, and the source of Microsoft's validator). Where `recoverypoint.json` and
    /// `registrations.json` are is not certain, so they may be in any folder above the repositories.
    fn of(self, item: &Item) -> Self {
        let name = item.name.to_ascii_lowercase();
        let is_known = match (self, item.kind) {
            (Self::Opaque | Self::Foreign, _) => return self,
            (_, ItemKind::Other) => false,
            (Self::Top, ItemKind::Folder) if name == "progressivebackup" => return Self::Progressive,
            (Self::Top, ItemKind::Folder) => is_time(&name),
            (Self::Progressive, ItemKind::Folder) if is_version(&name) => return Self::Store,
            (Self::Progressive, ItemKind::Folder) => name == "restoretempfolder",
            // Role;Component;Partition;Repository
            (Self::Store, ItemKind::Folder) if name.split(';').count() == 4 => return Self::Repository,
            (Self::Store | Self::Repository, ItemKind::Folder) => false,
            (Self::Repository, ItemKind::File) => is_snapshot(&name),
            (_, ItemKind::File) => {
                ["recoverypoint.json", "registrations.json"].contains(&&*name)
                    || name.ends_with("backupinfo.xml")
            }
        };
        if is_known { Self::Opaque } else { Self::Foreign }
    }
}

/// Whether it looks like what an OEM backs up: a component's folder, a set of this library, or a file of one.
fn is_component_data(item: &Item) -> bool {
    match item.kind {
        ItemKind::Folder => {
            item.name.parse::<SetName>().is_ok()
                || Component::KNOWN.iter().any(|known| known.as_str().eq_ignore_ascii_case(&item.name))
        }
        _ => item.name == COVER_SHEET || (is_file_of_a_set(&item.name) && item.name.ends_with(".p7m")),
    }
}

/// `202301171931`
fn is_time(name: &str) -> bool {
    name.len() == 12 && name.bytes().all(|b| b.is_ascii_digit())
}

/// `1.2209.0.53`
fn is_version(name: &str) -> bool {
    let parts = name.split('.');
    parts.clone().count() == 4
        && parts.into_iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

/// `202301171931_<GUID>_Full_C.zip` or `.xml`, in lower case.
fn is_snapshot(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".zip").or_else(|| name.strip_suffix(".xml")) else {
        return false;
    };
    let mut parts = stem.split('_');
    parts.next().is_some_and(is_time)
        && parts.next().is_some_and(is_guid)
        && parts.next().is_some_and(|kind| kind == "full" || kind == "progressive")
        && parts.next().is_none_or(|mark| mark == "c")
        && parts.next().is_none()
}

fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// A few hundred backups of a few dozen repositories.
const MOST_ITEMS: usize = 200_000;
const DEEPEST: usize = 8;
