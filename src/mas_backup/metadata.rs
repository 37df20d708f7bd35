//! The clear metadata: of a snapshot, and of a backup as a whole. Names and defaults are those of the .NET classes that
//! Azure Stack Hub serializes; see docs/masbackup.md for what is confirmed and what is inferred.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::document::{Element, Refusal};
use super::name;

/// `BackupSnapshot`, beside each data file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SnapshotMetadata {
    pub(super) data_version: Option<String>,
    pub(super) stamp_version: String,
    pub(super) oem_version: Option<String>,
    pub(super) deployment_id: String,
    pub(super) is_automatic: bool,
    pub(super) is_contemporaneous: bool,
    pub(super) backup_id: String,
    /// Role, component, partition, repository.
    pub(super) repository: String,
    pub(super) wrapped_key: Option<String>,
    pub(super) thumbprint: Option<String>,
    pub(super) previous_id: String,
    pub(super) full_id: String,
    pub(super) is_full: bool,
    pub(super) created: Option<Time>,
    pub(super) status: String,
    pub(super) size_kib: Option<u64>,
    pub(super) compressed_kib: Option<u64>,
    /// Elements of other names, with their text.
    pub(super) others: BTreeMap<String, String>,
    /// What .NET might refuse, or read otherwise.
    pub(super) doubts: Vec<String>,
}

/// A point in time, and whether the text says in which zone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Time {
    pub(super) at: Timestamp,
    pub(super) has_zone: bool,
}

impl SnapshotMetadata {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let root = of_class(bytes, "BackupSnapshot")?;
        let text = |name: &str| root.text_of(&[name]).map(bounded);
        let property = |name: &str| root.text_of(&["SnapshotProperties", name]).map(bounded);
        let part = |name: &str| root.text_of(&["ComponentInfo", name]).unwrap_or_default();
        let repository = [
            part("RoleName"),
            part("ComponentName"),
            part("PartitionId"),
            root.text_of(&["RepositoryName"]).unwrap_or_default(),
        ];
        let others =
            root.children.iter().filter(|child| !KNOWN.contains(&&*child.name) && child.children.is_empty());
        let kind = property("BackupType").unwrap_or_else(|| FULL.into());
        if ![FULL, PROGRESSIVE].contains(&&*kind) {
            return Err(Refusal::Unreadable(format!("its BackupType is {kind}")));
        }
        let doubts = doubts(&root, kind == FULL);
        Ok(Self {
            data_version: text("BackupDataVersion"),
            stamp_version: text("StampVersion").unwrap_or_default(),
            oem_version: text("OemVersion"),
            deployment_id: id(text("DeploymentID")),
            is_automatic: truth(text("IsAutomaticBackup"), false),
            is_contemporaneous: truth(text("IsContemporaneousBackup"), false),
            backup_id: id(text("BackupId")),
            repository: name::repository(repository),
            wrapped_key: text("EncryptedBackupEncryptionKey"),
            thumbprint: text("EncryptionCertThumbprint"),
            previous_id: id(property("PreviousSnapshotId")),
            full_id: id(property("DependentFullSnapshotId")),
            is_full: kind == FULL,
            created: property("CreatedDateTime").and_then(|text| time(&text)),
            status: property("BackupStatus").unwrap_or_else(|| "Creating".into()),
            size_kib: property("BackupSizeInKb").and_then(|text| text.parse().ok()),
            compressed_kib: property("CompressedBackupSizeInKb").and_then(|text| text.parse().ok()),
            others: others
                .take(MOST_OTHERS)
                .map(|child| (bounded(&child.name), bounded(child.text.trim())))
                .collect(),
            doubts,
        })
    }
}

/// `BackupInfo`, which sums a backup up. Azure Stack Hub makes it from the snapshots, and makes it anew later.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct InfoMetadata {
    pub(super) backup_id: String,
    pub(super) status: String,
    pub(super) created: Option<Time>,
    pub(super) stamp_version: String,
    pub(super) oem_version: Option<String>,
    pub(super) deployment_id: String,
    pub(super) thumbprint: Option<String>,
    pub(super) is_automatic: bool,
    pub(super) is_ready: Option<bool>,
    pub(super) is_uploaded: bool,
    /// Repositories and their status.
    pub(super) repositories: Vec<(String, String)>,
}

impl InfoMetadata {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let root = of_class(bytes, "BackupInfo")?;
        let text = |name: &str| root.text_of(&[name]).map(bounded);
        let roles = root.child("RoleStatus").map(|roles| &*roles.children).unwrap_or_default();
        let all = roles.iter().filter_map(|role| role.child("RepositoryStatus")).flat_map(|of| &of.children);
        let repositories = all.filter_map(|of| {
            let status = of.text_of(&["Status"]).unwrap_or_default();
            Some((bounded(of.text_of(&["FullRepositoryName"])?), bounded(status)))
        });
        Ok(Self {
            backup_id: id(text("BackupId")),
            status: text("Status").unwrap_or_else(|| "Creating".into()),
            created: text("CreatedDateTime").and_then(|text| time(&text)),
            stamp_version: text("StampVersion").unwrap_or_default(),
            oem_version: text("OemVersion"),
            deployment_id: id(text("DeploymentID")),
            thumbprint: text("EncryptionCertThumbprint"),
            is_automatic: truth(text("IsAutomaticBackup"), false),
            is_ready: text("IsCloudRecoveryReady").map(|text| truth(Some(text), false)),
            is_uploaded: truth(text("CompletelyUploaded"), true),
            repositories: repositories.take(MOST_REPOSITORIES).collect(),
        })
    }
}

/// The id that stands for none.
pub(super) const NIL: &str = "00000000-0000-0000-0000-000000000000";

/// Reads a time in .NET's round-trip form: one without a zone is taken as UTC.
pub(super) fn time(text: &str) -> Option<Time> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(Time { at, has_zone: true });
    }
    let local: DateTime = text.parse().ok()?;
    Some(Time { at: TimeZone::UTC.to_timestamp(local).ok()?, has_zone: false })
}

/// What is odd about a snapshot's metadata: .NET's serializer stops at a value that is none of its type, and nobody knows
/// what it makes of elements that are there twice or in another namespace.
fn doubts(root: &Element, is_full: bool) -> Vec<String> {
    let mut doubts = root.doubts.clone();
    let properties = root.child("SnapshotProperties");
    for of in std::iter::once(root).chain(properties) {
        let mut names: Vec<_> = of.children.iter().map(|child| &child.name).collect();
        names.sort_unstable();
        let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
        doubts.extend(twice.map(|pair| format!("{} is there twice", bounded(pair[0]))));
    }
    // One that is there and empty is no value either.
    let text = |name: &str| {
        let found = root.child(name).or_else(|| properties?.child(name))?;
        Some(found.text.trim())
    };
    let mut wrong = |name: &str, fits: &dyn Fn(&str) -> bool| {
        if let Some(text) = text(name).filter(|text| !fits(text)) {
            doubts.push(format!("{name} is {:?}", bounded(text).chars().take(40).collect::<String>()));
        }
    };
    let is_truth = |text: &str| ["true", "false", "1", "0"].contains(&text);
    wrong("IsAutomaticBackup", &is_truth);
    wrong("IsContemporaneousBackup", &is_truth);
    let is_number = |text: &str| text.parse::<i64>().is_ok();
    wrong("BackupSizeInKb", &is_number);
    wrong("CompressedBackupSizeInKb", &is_number);
    let is_id = |text: &str| name::is_guid(&text.to_ascii_lowercase());
    let is_no_id = |text: &str| is_id(text) && text == NIL;
    wrong("DeploymentID", &is_id);
    wrong("PreviousSnapshotId", if is_full { &is_no_id } else { &is_id });
    wrong("DependentFullSnapshotId", if is_full { &is_no_id } else { &is_id });
    if root.child("DeploymentID").is_none() {
        doubts.push("DeploymentID is missing".into());
    }
    doubts
}

/// Reads a document whose root has the name of this class.
fn of_class(bytes: &[u8], class: &str) -> Result<Element, Refusal> {
    let root = Element::parse(bytes)?;
    match root.name == class {
        true => Ok(root),
        false => Err(Refusal::Unreadable(format!("it is a {}, not a {class}", bounded(&root.name)))),
    }
}

/// An id in lower case; that of none if it is missing or no id.
fn id(text: Option<String>) -> String {
    text.map(|text| text.to_ascii_lowercase())
        .filter(|text| name::is_guid(text))
        .unwrap_or_else(|| NIL.into())
}

fn truth(text: Option<String>, default: bool) -> bool {
    match text.as_deref() {
        Some("true" | "1") => true,
        Some("false" | "0") => false,
        _ => default,
    }
}

fn bounded(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

const FULL: &str = "Full";
const PROGRESSIVE: &str = "Progressive";
const KNOWN: [&str; 13] = [
    "BackupDataVersion",
    "StampVersion",
    "OemVersion",
    "DeploymentID",
    "IsAutomaticBackup",
    "IsContemporaneousBackup",
    "BackupId",
    "ComponentInfo",
    "HostVMName",
    "RepositoryName",
    "EncryptedBackupEncryptionKey",
    "EncryptionCertThumbprint",
    "SnapshotProperties",
];
/// The wrapped key of RSA with 16384 bits has 2732 characters.
const LONGEST: usize = 4096;
const MOST_OTHERS: usize = 64;
const MOST_REPOSITORIES: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_and_without_a_zone() {
        for (text, is, has_zone) in [
            ("2023-01-17T19:31:22.1234567Z", "2023-01-17T19:31:22.1234567Z", true),
            ("2023-01-17T21:31:22+02:00", "2023-01-17T19:31:22Z", true),
            ("2023-01-17T19:31:22", "2023-01-17T19:31:22Z", false),
        ] {
            let read = time(text).unwrap();
            assert_eq!((read.at.to_string().as_str(), read.has_zone), (is, has_zone), "{text}");
        }
        assert_eq!(time("soon"), None);
    }

    #[test]
    fn missing_elements_have_the_defaults_of_the_class_and_unknown_ones_are_carried_along() {
        let read =
            SnapshotMetadata::parse(b"<BackupSnapshot><New>7</New><BackupId>x</BackupId></BackupSnapshot>")
                .unwrap();
        assert!(read.is_full && !read.is_contemporaneous && read.created.is_none());
        assert_eq!((read.backup_id.as_str(), read.repository.as_str()), (NIL, "-;-;-;-"));
        assert_eq!(read.others["New"], "7");
        let info = InfoMetadata::parse(b"<BackupInfo />").unwrap();
        assert!(info.is_uploaded && info.is_ready.is_none() && info.repositories.is_empty());
        assert!(InfoMetadata::parse(b"<BackupSnapshot />").is_err());
    }

    #[test]
    fn an_unknown_type_of_snapshot_makes_the_document_unreadable() {
        let text = b"<BackupSnapshot><SnapshotProperties><BackupType>Half</BackupType></SnapshotProperties></BackupSnapshot>";
        assert!(SnapshotMetadata::parse(text).is_err());
    }
}
