//! Whether a snapshot is what its name, its place, its length and its time say.

use jiff::Timestamp;

use super::catalog::{Snapshot, SnapshotKind};
use super::data_file::{PREFIX, SHORTEST};
use super::finding::{Finding, FindingKind};
use super::metadata::{SnapshotMetadata, Time};
use super::name::{SnapshotName, same};
use crate::share::CLOCK_SKEW;

/// What is compared with a snapshot.
pub(super) struct Seen<'a> {
    pub(super) metadata: &'a SnapshotMetadata,
    /// What the files' name says; `None` if it is not that of a snapshot.
    pub(super) name: Option<&'a SnapshotName>,
    /// The repository's folder; empty in the layout before version 2102.
    pub(super) repository: &'a str,
    /// The files' name without extension.
    pub(super) stem: &'a str,
    /// Whether it may still be on the way.
    pub(super) is_young: bool,
    pub(super) now: Timestamp,
}

/// Compares a snapshot's metadata with its name, its place, its data's length and the time.
pub(super) fn compare(snapshot: &Snapshot, seen: &Seen<'_>) -> Vec<Finding> {
    let Seen { metadata, name: parsed, repository, stem, is_young, now } = seen;
    let id = &*snapshot.backup_id;
    let mut findings = Vec::new();
    let mut find = |code, path: &str, seen: String| {
        findings.push(Finding::new(code, path, seen).of_backup(id));
    };
    let data = snapshot.data_path();
    let xml = format!("{}.xml", snapshot.path);
    // Where the snapshot lies must be where its metadata says: a legacy folder names its files after repositories.
    let place = if repository.is_empty() { stem } else { repository };
    if !same(place, &snapshot.repository) {
        find(
            FindingKind::NameDisagrees,
            &xml,
            format!("its metadata names the repository {}", snapshot.repository),
        );
    }
    match (*parsed, repository.is_empty()) {
        (_, true) => {}
        (None, _) => find(FindingKind::NameUnknown, &data, "its name is not that of a snapshot".into()),
        (Some(name), _) => {
            let is_full = snapshot.kind == SnapshotKind::Full;
            let minute = snapshot.created.map(|at| at.as_second().div_euclid(60));
            let parts = [
                ("id", name.backup_id == snapshot.backup_id),
                ("time", minute.is_none_or(|minute| minute == name.created.as_second().div_euclid(60))),
                ("type", name.is_full == is_full),
                (
                    "mark of a backup of the whole stamp",
                    name.is_contemporaneous == snapshot.is_contemporaneous,
                ),
            ];
            let wrong: Vec<_> = parts.iter().filter(|(_, fits)| !fits).map(|(what, _)| *what).collect();
            if !wrong.is_empty() {
                let seen = format!("its metadata has another {}, which is what counts", wrong.join(", "));
                find(FindingKind::NameDisagrees, &data, seen);
            }
        }
    }
    match metadata.created {
        None => find(FindingKind::NameDisagrees, &xml, "its metadata has no time that can be read".into()),
        Some(Time { at, .. }) if at > *now + CLOCK_SKEW => {
            find(FindingKind::TimeInFuture, &xml, format!("it was made at {at}, which is in the future"));
        }
        Some(Time { has_zone: false, at }) => {
            find(FindingKind::NameDisagrees, &xml, format!("its time has no zone; it is taken as {at}"));
        }
        Some(_) => {}
    }
    match &metadata.thumbprint {
        None => {
            find(FindingKind::ThumbprintMissing, &xml, "it does not say which certificate it needs".into());
        }
        Some(thumbprint) if thumbprint.bytes().any(|b| b.is_ascii_lowercase()) => {
            let seen = format!("it names {thumbprint} in lower case");
            find(FindingKind::ThumbprintLetterCase, &xml, seen);
        }
        Some(_) => {}
    }
    if metadata.wrapped_key.is_none() {
        let seen = "it holds no encrypted data key: it needs the key that the operator kept";
        find(FindingKind::KeyMissing, &xml, seen.into());
    }
    let length = snapshot.stored_bytes;
    if length < SHORTEST || !(length - HEADER).is_multiple_of(16) {
        let code = if *is_young { FindingKind::InProgress } else { FindingKind::DataLengthWrong };
        find(code, &data, format!("{length} bytes cannot be a whole encrypted file"));
    } else if let Some(kib) = metadata.compressed_kib {
        // The size in KiB is rounded down, and padding adds 1 to 16 bytes.
        let least = kib.saturating_mul(1024).saturating_add(HEADER + 1);
        if length < least || length > least.saturating_add(1023 + 15) {
            let seen = format!("{length} bytes for a zip of {kib} KiB");
            find(FindingKind::DataSizeDiffers, &data, seen);
        }
    }
    findings
}

const HEADER: u64 = PREFIX as u64;
