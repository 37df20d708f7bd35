//! What the listings of a share showed.

use crate::layout::{Place, SetName, SharePath};

use super::findings::Samples;

/// What the listings showed.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) region: Option<SharePath>,
    /// What is there instead, if the region folder is missing.
    pub(super) instead: Samples,
    /// Folders as they are spelt, and as they should be.
    pub(super) letter_case: Samples,
    /// Each `MASBackup`: the folder that contains it, and its spelling.
    pub(super) mas_backups: Vec<(SharePath, String)>,
    pub(super) has_mas_backup: bool,
    pub(super) mas_backup_unseen: Samples,
    pub(super) foreign_in_mas_backup: Samples,
    pub(super) component_data_in_mas_backup: Samples,
    pub(super) misplaced_mas_backup: Samples,
    pub(super) look_alikes: Samples,
    pub(super) misplaced: Samples,
    pub(super) private_keys: Samples,
    /// By component, or under the name of the region folder.
    pub(super) unencrypted: std::collections::BTreeMap<String, Samples>,
    pub(super) links: Samples,
    pub(super) strange: Samples,
    pub(super) unreadable: Samples,
    pub(super) was_cut_short: bool,
    /// Sets by their place, with their folders.
    pub(super) sets: Vec<(Place, SetName, SharePath)>,
}

/// Returns the path of something in a folder, for people.
pub(super) fn shown_path_of(folder: impl std::fmt::Display, name: &str) -> String {
    format!("{folder}/{name}")
}

pub(super) fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

pub(super) fn extension(name: &str) -> String {
    name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default()
}
