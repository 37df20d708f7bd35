//! A snapshot's two files: its data and its metadata.

use super::{Scan, ScannedStore, UPLOAD_LIMIT, why};
use crate::error::Result;
use crate::layout::{MasBackupFolder, Name};
use crate::mas_backup::catalog::{Snapshot, SnapshotKind};
use crate::mas_backup::contents::describe;
use crate::mas_backup::data_file::{PREFIX, Prefix, SHORTEST};
use crate::mas_backup::document::{MAX_DOCUMENT, Refusal};
use crate::mas_backup::finding::{Finding, FindingKind};
use crate::mas_backup::metadata::{NIL, SnapshotMetadata};
use crate::mas_backup::name::SnapshotName;
use crate::mas_backup::snapshot_place::{Seen, compare};
use crate::share::{CLOCK_SKEW, Item};

impl Scan<'_, '_> {
    /// Reads the metadata of a pair, and compares it with what lies there.
    pub(super) fn pair(
        &mut self,
        folder: &MasBackupFolder,
        path: &str,
        repository: &str,
        xml: Option<Item>,
        zip: Option<Item>,
        store: &mut ScannedStore,
    ) -> Result<()> {
        let is_legacy = repository.is_empty();
        let newest = [&xml, &zip].into_iter().flatten().filter_map(|item| item.modified).max();
        let is_young = newest.is_some_and(|at| at > self.now - UPLOAD_LIMIT && at <= self.now + CLOCK_SKEW);
        let (xml, zip) = match (xml, zip) {
            (Some(xml), Some(zip)) => (xml, zip),
            (xml, zip) => {
                let Some(half) = xml.as_ref().or(zip.as_ref()) else { return Ok(()) };
                let below = format!("{path}/{}", half.name);
                let stem = half.name.get(..half.name.len() - 4).unwrap_or_default();
                let parsed = SnapshotName::parse(stem);
                if parsed.is_none() && !is_legacy {
                    self.find(FindingKind::NameUnknown, &below, "its name is not that of a snapshot");
                }
                let (code, seen) = match xml {
                    Some(_) if is_young => (FindingKind::InProgress, "its data may still be on the way"),
                    Some(_) => (FindingKind::DataMissing, "there is no data with it"),
                    None => (FindingKind::MetadataMissing, "there is no metadata with it"),
                };
                let mut finding = Finding::new(code, &below, seen);
                finding.backup = parsed.as_ref().map(|name| name.backup_id.clone());
                self.scanned.findings.add(finding);
                if let Some(parsed) = parsed {
                    store.halves.push((repository.to_owned(), parsed.backup_id));
                }
                if !is_legacy {
                    self.scanned.unrecognised.push(below);
                }
                return Ok(());
            }
        };
        let (xml_path, zip_path) = (format!("{path}/{}", xml.name), format!("{path}/{}", zip.name));
        let stem = xml.name.get(..xml.name.len() - 4).unwrap_or_default();
        let parsed = SnapshotName::parse(stem);
        let mut unusable = |scan: &mut Self| {
            store.halves.extend(parsed.iter().map(|name| (repository.to_owned(), name.backup_id.clone())));
            if !is_legacy {
                scan.scanned.unrecognised.extend([xml_path.clone(), zip_path.clone()]);
            }
        };
        let Some(bytes) = self.read(folder, &xml_path, &xml, MAX_DOCUMENT)? else {
            // That this account cannot read it does not say that a prune would remove it.
            store.halves.extend(parsed.iter().map(|name| (repository.to_owned(), name.backup_id.clone())));
            return Ok(());
        };
        let metadata = match SnapshotMetadata::parse(&bytes) {
            Ok(metadata) => metadata,
            Err(refusal) => {
                let code = match refusal {
                    Refusal::DocumentType => FindingKind::MetadataRefused,
                    Refusal::Unreadable(_) => FindingKind::MetadataUnreadable,
                };
                self.find(code, &xml_path, why(&refusal));
                unusable(self);
                return Ok(());
            }
        };
        if metadata.backup_id == NIL {
            self.find(FindingKind::BackupIdEmpty, &xml_path, "its BackupId is missing or zero");
            unusable(self);
            return Ok(());
        }
        let (Ok(metadata_name), Ok(data_name)) = (Name::new(xml.name.clone()), Name::new(zip.name.clone()))
        else {
            return Ok(());
        };
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            self.find(
                FindingKind::MetadataEncoding,
                &xml_path,
                "it is in UTF-16; Azure Stack Hub writes UTF-8",
            );
        }
        if !metadata.doubts.is_empty() {
            self.find(FindingKind::MetadataDoubtful, &xml_path, metadata.doubts.join("; "));
        }
        let created = metadata.created.map(|time| time.at);
        let mut snapshot = Snapshot {
            path: format!("{path}/{stem}"),
            backup_id: metadata.backup_id.clone(),
            created,
            kind: if metadata.is_full { SnapshotKind::Full } else { SnapshotKind::Progressive },
            is_contemporaneous: metadata.is_contemporaneous,
            is_automatic: metadata.is_automatic,
            stamp_version: metadata.stamp_version.clone(),
            oem_version: metadata.oem_version.clone(),
            deployment_id: metadata.deployment_id.clone(),
            data_version: metadata.data_version.clone(),
            previous_id: metadata.previous_id.clone(),
            full_id: metadata.full_id.clone(),
            status: metadata.status.clone(),
            thumbprint: metadata.thumbprint.clone(),
            content_kib: metadata.size_kib,
            zip_kib: metadata.compressed_kib,
            stored_bytes: zip.length,
            others: metadata.others.clone(),
            repository: metadata.repository.clone(),
            folder: folder.clone(),
            metadata_name,
            data_name,
            modified: newest,
            looks_whole: false,
        };
        let seen =
            Seen { metadata: &metadata, name: parsed.as_ref(), repository, stem, is_young, now: self.now };
        self.scanned.findings.extend(compare(&snapshot, &seen));
        snapshot.looks_whole = self.looks_whole(&snapshot, is_young)?;
        let name = if is_legacy { metadata.repository } else { repository.to_owned() };
        store.repositories.entry(name).or_default().push(snapshot);
        Ok(())
    }

    /// Whether length and header of a snapshot's data are those of a whole file. What is wrong with the header is a finding;
    /// what is wrong with the length has one.
    fn looks_whole(&mut self, snapshot: &Snapshot, is_young: bool) -> Result<bool> {
        let length = snapshot.stored_bytes;
        if length < SHORTEST || !(length - PREFIX as u64).is_multiple_of(16) {
            return Ok(false);
        }
        let mut start = [0; PREFIX];
        let path = snapshot.data_path();
        match self.share.read_mas_backup(&snapshot.data(), 0, &mut start) {
            Ok(count) => self.read += count as u64,
            Err(e) => return self.unreadable(&path, e).map(|()| false),
        }
        let Err(fault) = Prefix::parse(&start) else { return Ok(true) };
        let (kind, seen) = describe(fault);
        let kind = if is_young && kind == FindingKind::HeaderEmpty { FindingKind::InProgress } else { kind };
        self.scanned.findings.add(Finding::new(kind, path, seen).of_backup(&snapshot.backup_id));
        Ok(false)
    }
}
