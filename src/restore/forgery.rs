//! Sets that somebody with the certificate forged: every message is authentic, but together they are wrong.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use tempfile::TempDir;

use super::{Damage, RestoreOptions, RestoreReport, VerifyReport};
use crate::envelope::{DecryptionCertificate, EncryptionCertificate, Opener, Sealer};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Component, Deployment, Place, SetName};
use crate::set::filter::LineFilter;
use crate::set::index::{IndexWriter, Numbers, Piece, PieceKind, piece_name};
use crate::set::reader::{Catalog, Set};
use crate::set::record::{Record, StoredFile};
use crate::set::segment::{self, Compressor, ContentClass};
use crate::set::writer::{Finished, SetWriter};
use crate::set::{Content, Counts, Digest, Entry, EntryPath, Metadata, Part, Position, Status, archive};
use crate::share::{FolderShare, Share};

mod large;
mod links;

const CER: &[u8] = include_bytes!("../../tests/vectors/envelope/rsa2048.cer");
const PFX: &[u8] = include_bytes!("../../tests/vectors/envelope/rsa2048.pfx");

/// A change to the lists of the newest index piece.
type Change = fn(&mut Vec<Record>);

/// A set in the making, different from what its writer would make.
struct Forgery {
    tar: Vec<u8>,
    records: Vec<Record>,
    lists: Change,
}

struct Forged {
    temp: TempDir,
    set: Set,
    opener: Opener,
}

fn path(text: &str) -> EntryPath {
    text.parse().unwrap()
}

fn file(name: &str, content: &[u8]) -> Entry {
    let sha256 = Digest::of(content);
    Entry::new(
        path(name),
        Content::File { size: content.len() as u64, sha256, sparse: false },
        Metadata::default(),
    )
}

impl Forgery {
    fn new() -> Self {
        Self { tar: Vec::new(), records: Vec::new(), lists: |_| {} }
    }

    /// Adds a correct entry, with this content after its header.
    fn add(&mut self, mut entry: Entry, content: &[u8]) -> &mut Self {
        entry.at = Position::new(0, self.tar.len() as u64);
        self.tar.extend_from_slice(&archive::header(&entry));
        self.records.push(Record::Entry(entry));
        self.content(content)
    }

    fn content(&mut self, content: &[u8]) -> &mut Self {
        self.tar.extend_from_slice(content);
        self.tar.resize(self.tar.len().next_multiple_of(512), 0);
        self
    }

    /// Adds a large file of parts, each listed as `(from, size)`, with the content at that position.
    fn add_large(&mut self, name: &str, size: u64, parts: &[(u64, u64)]) -> &mut Self {
        self.add(
            Entry::new(path(name), Content::LargeFile { size, sparse: false }, Metadata::default()),
            b"",
        );
        for &(from, size) in parts {
            let content = vec![b'x'; size as usize];
            let at = Position::new(0, self.tar.len() as u64);
            self.records.push(Record::Part(Part {
                path: path(name),
                from,
                size,
                sha256: Digest::of_part(&content, &mut Vec::new()),
                at,
            }));
            self.tar.extend_from_slice(&content);
        }
        self.tar.resize(self.tar.len().next_multiple_of(512), 0);
        self
    }

    fn make(&self) -> Forged {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().join("share");
        std::fs::create_dir(&root).unwrap();
        let share: Arc<dyn Share> = Arc::new(FolderShare::open(root).unwrap());
        let certificate = EncryptionCertificate::from_cer(CER).unwrap();
        let place = Place::new(Deployment::new("contoso.com", "nyc").unwrap(), Component::Switches);
        let name = SetName::new(Timestamp::now(), 7).unwrap();
        let sealer = Sealer::new(std::slice::from_ref(&certificate)).unwrap();
        let writer = SetWriter::new(share.clone(), place.clone(), name, sealer);
        writer.create().unwrap();

        let mut buffer = vec![0; writer.head_room()];
        Compressor::new(3).unwrap().compress(&self.tar, ContentClass::Other, &mut buffer).unwrap();
        let segment =
            writer.store(segment::name(0, &[7; 16]), 0, self.tar.len() as u64, &mut buffer).unwrap();
        let numbers = Numbers::from(0);
        let index = || {
            IndexWriter::new(name, place.clone(), writer.head_room(), PieceKind::Additions, numbers.clone())
        };
        let mut additions = index();
        for record in &self.records {
            assert!(additions.write(record).unwrap().is_none());
        }
        let store = |mut piece: Piece| {
            let number = piece.number;
            writer.store(piece_name(number), number, piece.content_length, &mut piece.buffer).unwrap()
        };
        let pieces: Vec<_> = additions.finish().unwrap().map(store).into_iter().collect();
        let mut lists = vec![Record::Segment(segment.clone())];
        lists.extend(pieces.iter().cloned().map(Record::Index));
        (self.lists)(&mut lists);
        let now = Timestamp::now();
        let finished = Finished {
            created: now,
            finished: now,
            status: Status::Succeeded,
            certificates: vec![certificate.facts().clone()],
            content: Counts::default(),
            labels: std::collections::BTreeMap::new(),
        };
        let cover = finished.cover(&writer);
        lists.push(Record::Cover(cover.head().unwrap()));
        let newest = index().newest(lists.into_iter(), self.records.len() as u64).unwrap();
        let pieces = [pieces, vec![store(newest)]].concat();
        writer.commit(&[vec![segment], pieces].concat(), cover, None).unwrap();
        let set = Set::open(share, writer.folder().clone()).unwrap();
        let opener = Opener::new(DecryptionCertificate::from_pfx(PFX, Some("correct horse")).unwrap());
        Forged { temp, set, opener }
    }
}

impl Forged {
    fn verify(&self) -> VerifyReport {
        assert!(self.set.verify().run().unwrap().is_sound(), "without the key it looks right");
        self.set.verify_full(&self.opener).run().unwrap()
    }

    fn target(&self) -> PathBuf {
        self.temp.path().join("target")
    }

    fn restore(&self, damage: Damage) -> Result<RestoreReport, Error> {
        let options = RestoreOptions::default().damage(damage);
        self.set.restore(&self.opener).options(&options).into(self.target())
    }

    /// Asserts that both checks find the forgery, and that what it concerns is not restored.
    fn assert_found(&self, what: &str) {
        let report = self.verify();
        assert!(report.losses.iter().any(|loss| loss.message.contains(what)), "{report:#?}");
        let report = self.restore(Damage::Continue).unwrap();
        assert!(report.losses.iter().any(|loss| loss.message.contains(what)), "{report:#?}");
        assert!(!self.target().join("bad").exists());
        let left = std::fs::read_dir(self.target())
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with('.'));
        assert_eq!(left.count(), 0, "no temporary file is left");
    }
}

#[test]
fn what_is_not_forged_is_sound() {
    let mut forgery = Forgery::new();
    forgery.add(file("good", b"abc"), b"abc").add_large("large", 5000, &[(0, 2560), (2560, 2440)]);
    let forged = forgery.make();
    let report = forged.verify();
    assert!(report.is_sound(), "{report:#?}");
    forged.restore(Damage::Stop).unwrap();
    assert_eq!(std::fs::read(forged.target().join("large")).unwrap(), vec![b'x'; 5000]);
}

#[test]
fn a_content_that_is_not_the_listed_one_is_found() {
    let mut forgery = Forgery::new();
    forgery.add(file("bad", b"abc"), b"abd").add(file("good", b"abc"), b"abc");
    let forged = forgery.make();
    forged.assert_found("bad has another content");
    assert_eq!(std::fs::read(forged.target().join("good")).unwrap(), b"abc");
}

#[test]
fn a_header_that_is_not_the_listed_one_is_found() {
    let mut forgery = Forgery::new();
    forgery.add(file("bad", b"abc"), b"abc");
    let Record::Entry(entry) = &mut forgery.records[0] else { unreachable!() };
    entry.metadata.mode = Some(0o4777);
    forgery.make().assert_found("bad has another tar header");
}

#[test]
fn padding_that_is_not_zero_is_found() {
    let mut forgery = Forgery::new();
    forgery.add(file("bad", b"abc"), b"abc");
    *forgery.tar.last_mut().unwrap() = 1;
    let report = forgery.make().verify();
    assert!(report.losses[0].message.contains("padding"), "{report:#?}");
}

#[test]
fn bytes_that_nothing_lists_are_found() {
    for at_start in [false, true] {
        let mut forgery = Forgery::new();
        if at_start {
            forgery.content(b"hidden");
        }
        forgery.add(file("good", b"abc"), b"abc");
        if !at_start {
            forgery.content(b"hidden");
        }
        let report = forgery.make().verify();
        assert!(!report.is_sound(), "{at_start} {report:#?}");
    }
    let report = Forgery { tar: vec![0; 512], ..Forgery::new() }.make().verify();
    assert_eq!(report.faults.len(), 1, "{report:#?}");
}

#[test]
fn an_entry_that_lies_outside_its_segment_is_found() {
    for (segment, offset) in [(0, 1 << 40), (0, u64::MAX), (0, 513), (1, 0), (u32::MAX, 0)] {
        let mut forgery = Forgery::new();
        forgery.add(file("bad", b"abc"), b"abc");
        let Record::Entry(entry) = &mut forgery.records[0] else { unreachable!() };
        entry.at = Position::new(segment, offset);
        let forged = forgery.make();
        match forged.restore(Damage::Stop) {
            Err(error) => assert_eq!(error.kind(), ErrorKind::Damaged),
            Ok(report) => panic!("{report:#?}"),
        }
        match forged.set.verify_full(&forged.opener).run() {
            Ok(report) => assert!(!report.is_sound()),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Damaged),
        }
        assert!(!forged.target().join("bad").exists());
    }
}

#[test]
fn a_file_of_a_size_that_nobody_can_hold_is_found_before_it_is_read() {
    let mut forgery = Forgery::new();
    let content = Content::File { size: u64::MAX - 600, sha256: Digest::of(b""), sparse: false };
    forgery.add(Entry::new(path("bad"), content, Metadata::default()), b"");
    forgery.make().assert_found("more than 64 MiB");
}

#[test]
fn one_path_listed_twice_is_not_written_twice() {
    let mut forgery = Forgery::new();
    forgery.add(file("good", b"abc"), b"abc").add(file("good", b"xyz"), b"xyz");
    let forged = forgery.make();
    let report = forged.restore(Damage::Stop).unwrap();
    assert_eq!((report.status, report.losses.len()), (Status::PartialSucceeded, 1), "{report:#?}");
    assert!(report.losses[0].refused && report.losses[0].code == "ALREADY_EXISTS");
    assert_eq!(std::fs::read(forged.target().join("good")).unwrap(), b"abc");
}

/// A backup accepts no such name, but another writer's set may contain it.
#[test]
fn a_name_that_no_file_system_takes_costs_that_name() {
    let (long, large) = ("b".repeat(256), "l".repeat(256));
    let below = format!("{long}/x");
    let mut forgery = Forgery::new();
    forgery.add(file("a", b"abc"), b"abc").add(file(&long, b"abc"), b"abc").add(file(&below, b"abc"), b"abc");
    forgery.add_large(&large, 5000, &[(0, 2560), (2560, 2440)]).add(file("c", b"abc"), b"abc");
    let forged = forgery.make();
    assert!(forged.verify().is_sound());
    let report = forged.restore(Damage::Stop).unwrap();
    let lost: std::collections::BTreeSet<_> =
        report.losses.iter().map(|loss| (loss.path.clone().unwrap(), loss.refused, loss.code)).collect();
    let expected = [long, below, large].map(|name| (path(&name), true, "INVALID_NAME"));
    assert_eq!((report.status, lost), (Status::PartialSucceeded, expected.into()));
    for name in ["a", "c"] {
        assert_eq!(std::fs::read(forged.target().join(name)).unwrap(), b"abc");
    }
    assert_eq!(std::fs::read_dir(forged.target()).unwrap().count(), 2, "nothing else is left");
}

#[test]
fn sizes_that_no_sum_can_hold_are_no_panic() {
    let copy = |name: &str, target: &str| {
        let content = Content::Copy { target: path(target), size: u64::MAX };
        Entry::new(path(name), content, Metadata::default())
    };
    let mut forgery = Forgery::new();
    forgery.add(file("good", b"abc"), b"abc");
    for number in 0..3 {
        forgery.add(copy(&format!("bad{number}"), "good"), b"");
    }
    forgery.lists = |lists| {
        let Record::Segment(file) = &mut lists[0] else { unreachable!() };
        file.live_length = u64::MAX;
    };
    let forged = forgery.make();
    assert!(!forged.verify().is_sound());
    let report = forged.restore(Damage::Continue).unwrap();
    assert_eq!(report.losses.len(), 3, "{report:#?}");
    assert!(forged.set.restore_bytes(&forged.opener, &path("bad0"), u64::MAX).is_err());

    // Parts that end beyond the largest possible file.
    let mut forgery = Forgery::new();
    forgery.add_large("bad", u64::MAX, &[(0, 512), (512, 512)]);
    let Record::Part(part) = &mut forgery.records[2] else { unreachable!() };
    (part.from, part.size) = (512, u64::MAX);
    let forged = forgery.make();
    assert!(!forged.verify().is_sound());
    assert_eq!(forged.restore(Damage::Continue).unwrap().losses.len(), 1);
    let one = forged.set.restore_bytes(&forged.opener, &path("bad"), u64::MAX);
    assert_eq!(one.unwrap_err().kind(), ErrorKind::Damaged);

    let mut forgery = Forgery::new();
    forgery.add(file("good", b"abc"), b"abc");
    forgery.lists = |lists| {
        let Record::Segment(file) = &mut lists[0] else { unreachable!() };
        file.length = u64::MAX;
    };
    let forged = forgery.make();
    assert_eq!(forged.restore(Damage::Continue).unwrap().losses.len(), 1);
    assert!(!forged.verify().is_sound());
}

#[test]
fn lists_that_disagree_with_the_digests_are_found() {
    fn stored(lists: &mut [Record]) -> &mut StoredFile {
        let Record::Segment(file) = &mut lists[0] else { unreachable!() };
        file
    }
    let changes: [Change; 8] = [
        Vec::clear,
        |lists| lists.push(lists[0].clone()),
        |lists| stored(lists).number = 1,
        |lists| drop(lists.remove(1)),
        |lists| stored(lists).sha256 = Digest::of(b""),
        |lists| stored(lists).name = "../../evil".into(),
        |lists| {
            let again = stored(lists).clone();
            lists.push(Record::Index(again));
        },
        |lists| *lists = vec![lists[0].clone(); 1000],
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut forgery = Forgery::new();
        forgery.add(file("good", b"abc"), b"abc");
        forgery.lists = change;
        let forged = forgery.make();
        let error = forged.restore(Damage::Continue).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damaged, "{number}: {error}");
        assert!(!forged.verify().is_sound());
    }
    // A wrong tag or length costs the segment.
    let wrong: [Change; 2] = [|lists| stored(lists).tag[0] ^= 1, |lists| stored(lists).length += 1];
    for change in wrong {
        let mut forgery = Forgery::new();
        forgery.add(file("bad", b"abc"), b"abc");
        forgery.lists = change;
        let forged = forgery.make();
        assert!(!forged.verify().is_sound());
        assert_eq!(forged.restore(Damage::Continue).unwrap().losses.len(), 1);
        assert!(!forged.target().join("bad").exists());
    }
}

#[test]
fn an_index_piece_with_the_right_tag_and_another_digest_is_damage() {
    // Whoever seals a message knows its key, and can give another message the same tag.
    let forged = Forgery::new().add(file("a", b"content"), b"content").make();
    let mut catalog = forged.set.catalog(&forged.opener).unwrap();
    let lines = |catalog: &Catalog| {
        let mut records = forged.set.records(&forged.opener, catalog, LineFilter::default());
        records.next().map_err(|unread| unread.error)
    };
    assert!(lines(&catalog).unwrap().is_some());
    catalog.pieces[0].sha256 = Digest::of(b"another");
    let error = lines(&catalog).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damaged);
    assert!(error.to_string().contains("SHA-256 differs from the index"), "{error}");
}
