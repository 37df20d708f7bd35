//! Entry points for property tests and fuzz targets: every parser of what lies in `MASBackup`.

use std::io::{self, Read};

use super::data_file::{PREFIX, Prefix};
use super::document::Element;
use super::finding::FindingKind;
use super::metadata::{InfoMetadata, SnapshotMetadata};
use super::name::SnapshotName;
use super::zip::{self, Budget, Content, Visitor};

/// Passes any bytes to every parser. None may panic, and nothing that comes out may lead out of a folder.
pub fn take_any(bytes: &[u8]) {
    take_metadata(bytes);
    take_names(bytes);
    take_header(bytes);
    take_zip(bytes);
}

/// Reads metadata: XML as each of the documents, JSON as the list of repositories.
pub fn take_metadata(bytes: &[u8]) {
    document(bytes);
    registrations(bytes);
}

fn document(bytes: &[u8]) {
    let is_document = Element::parse(bytes).is_ok();
    for is_read in [SnapshotMetadata::parse(bytes).is_ok(), InfoMetadata::parse(bytes).is_ok()] {
        assert!(is_document || !is_read);
    }
}

fn registrations(bytes: &[u8]) {
    for registration in super::registrations::parse(bytes).iter().flatten() {
        assert_eq!(
            registration.repository.split(';').count().max(4),
            registration.repository.split(';').count()
        );
    }
}

/// Reads the name of a snapshot.
pub fn take_names(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(name) = SnapshotName::parse(&text) {
        assert_eq!(SnapshotName::parse(&text.to_ascii_uppercase()), Some(name));
    }
}

/// Reads the beginning of a data file.
pub fn take_header(bytes: &[u8]) {
    if Prefix::parse(bytes).is_ok() {
        assert!(bytes.len() >= PREFIX && Prefix::is_at_start_of(bytes));
    }
}

/// Reads a zip, zips inside it included; holds what comes out against the budget.
pub fn take_zip(bytes: &[u8]) {
    struct Counting(u64);

    impl Visitor for Counting {
        fn file(&mut self, path: &str, _: [u16; 2], content: &mut Content<'_, '_>) -> io::Result<()> {
            assert!(!path.split('/').any(|name| matches!(name, "" | "." | "..")) && !path.contains('\\'));
            let mut buffer = [0; 4096];
            loop {
                match content.read(&mut buffer)? {
                    0 => return Ok(()),
                    count => self.0 += count as u64,
                }
            }
        }

        fn folder(&mut self, path: &str) {
            assert!(!path.is_empty());
        }

        fn found(&mut self, _: FindingKind, _: &str, _: &str) {}

        fn looks_into(&self) -> bool {
            true
        }
    }

    let mut counting = Counting(0);
    let _ = zip::read(&mut &*bytes, &mut Budget::new(bytes.len() as u64), &mut counting);
    assert!(counting.0 <= (bytes.len() as u64 * 200).max(16 << 20) + (1 << 20));
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    /// Documents of the vectors, and zips.
    static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        let vectors = include_str!("../../tests/vectors/mas_backup.json");
        let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
        let trees = [&vectors["healthy"], &vectors["breaks"]["bad-store"]["written"]];
        let files = trees.iter().flat_map(|tree| tree.as_object().unwrap().values());
        files.map(|content| STANDARD.decode(content.as_str().unwrap()).unwrap()).collect()
    });

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            take_any(&bytes);
        }

        #[test]
        fn changed_files_are_read_or_refused(
            which in any::<prop::sample::Index>(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = SEEDS[which.index(SEEDS.len())].clone();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            take_any(&bytes);
            bytes.truncate(cut.index(bytes.len()));
            take_any(&bytes);
        }
    }
}
