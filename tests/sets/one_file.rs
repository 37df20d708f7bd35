//! Parts of a set: its list of entries, one file as bytes or to a stream; and sealed files and streams.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::common::system::symlink;
use crate::common::{Certificate, Fixture, PASSWORD, noise};
use azs_backup::backup::BackupReport;
use azs_backup::envelope::{MAX_CONTENT, Sealer, content_of};
use azs_backup::set::{Content, EntryPath};
use azs_backup::{DecryptionCertificate, EncryptionCertificate, ErrorKind, Opener, Set};

fn path(text: &str) -> EntryPath {
    text.parse().unwrap()
}

/// A set of a small file, one of several segments, a hard link to each, a folder and a symbolic link.
fn back_up(fixture: &Fixture, large: &[u8]) -> BackupReport {
    let tree = fixture.path("tree");
    std::fs::create_dir_all(tree.join("folder")).unwrap();
    std::fs::write(tree.join("small"), "hostname tor1\n").unwrap();
    std::fs::write(tree.join("large"), large).unwrap();
    std::fs::write(tree.join("empty"), "").unwrap();
    std::fs::hard_link(tree.join("small"), tree.join("z-small-too")).unwrap();
    std::fs::hard_link(tree.join("large"), tree.join("z-large-too")).unwrap();
    symlink("small", tree.join("link"));
    let mut backup = fixture.builder().segment_size(4 << 20).start().unwrap();
    backup.add_folder_as("tree", &tree).unwrap();
    backup.commit().unwrap()
}

#[test]
fn one_file_comes_back_whole_and_what_is_none_is_named() {
    let fixture = Fixture::new();
    let large = noise(7, 9 << 20);
    let report = back_up(&fixture, &large);
    let set = fixture.open(&report.folder);
    let bytes = |name: &str| set.restore_bytes(&fixture.opener, &path(name), u64::MAX);
    assert_eq!(bytes("tree/small").unwrap(), b"hostname tor1\n");
    assert_eq!(bytes("tree/z-small-too").unwrap(), b"hostname tor1\n");
    assert_eq!(bytes("tree/empty").unwrap(), b"");
    assert!(bytes("tree/large").unwrap() == large);
    assert!(bytes("tree/z-large-too").unwrap() == large);
    assert_eq!(bytes("tree/missing").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(bytes("tree").unwrap_err().kind(), ErrorKind::InvalidArgument);
    if fixture.path("tree/link").is_symlink() {
        assert_eq!(bytes("tree/link").unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
    let limited = set.restore_bytes(&fixture.opener, &path("tree/large"), 1 << 20).unwrap_err();
    assert_eq!(limited.kind(), ErrorKind::LimitExceeded);

    let mut stream = Vec::new();
    let entry = set.restore_stream(&fixture.opener, &path("tree/large")).to(&mut stream).unwrap();
    assert!(stream == large);
    assert_eq!(entry.size(), large.len() as u64);
    let other = Opener::new(Certificate::new("another").decryption());
    let error = set.restore_bytes(&other, &path("tree/small"), 100).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongCertificate);
}

#[test]
fn nothing_of_a_damaged_file_is_given() {
    let fixture = Fixture::new();
    let report = back_up(&fixture, &noise(8, 9 << 20));
    let folder = fixture.native(&report.folder);
    let mut segments: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|item| item.unwrap().path()).collect();
    segments.retain(|file| file.to_string_lossy().ends_with(".tar.zst.p7m"));
    segments.sort();
    let mut last = std::fs::read(segments.last().unwrap()).unwrap();
    let middle = last.len() / 2;
    last[middle] ^= 1;
    std::fs::write(segments.last().unwrap(), last).unwrap();

    let set = fixture.open(&report.folder);
    let mut stream = Vec::new();
    let damaged = set_entries(&fixture, &report).into_iter().filter(|name| {
        stream.clear();
        match set.restore_stream(&fixture.opener, name).to(&mut stream) {
            Ok(_) => false,
            Err(error) if error.kind() == ErrorKind::InvalidArgument => false,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
                assert!(stream.is_empty(), "{} bytes of {name}", stream.len());
                true
            }
        }
    });
    assert!(damaged.count() > 0);
}

fn set_entries(fixture: &Fixture, report: &BackupReport) -> Vec<EntryPath> {
    let set = Arc::new(Set::open(fixture.share.clone(), report.folder.clone()).unwrap());
    let opener = Arc::new(Opener::new(fixture.certificate.decryption()));
    set.entries(&opener).unwrap().map(|entry| entry.unwrap().path).collect()
}

#[test]
fn entries_are_listed_with_what_the_index_knows() {
    let fixture = Fixture::new();
    let report = back_up(&fixture, &noise(9, 5 << 20));
    let mut names: Vec<_> = set_entries(&fixture, &report).iter().map(ToString::to_string).collect();
    names.sort();
    let tree = ["empty", "folder", "large", "link", "small", "z-large-too", "z-small-too"];
    let is_made = |name: &&str| *name != "link" || fixture.path("tree/link").is_symlink();
    let made = tree.into_iter().filter(is_made).map(|name| format!("tree/{name}"));
    let wanted: Vec<_> = std::iter::once("tree".to_owned()).chain(made).collect();
    assert_eq!(names, wanted);

    let set = Arc::new(fixture.open(&report.folder));
    let opener = Arc::new(Opener::new(fixture.certificate.decryption()));
    let small =
        set.entries(&opener).unwrap().map(Result::unwrap).find(|e| e.path == path("tree/small")).unwrap();
    assert!(matches!(small.content, Content::File { size: 14, .. }));
    let json = serde_json::to_value(&small).unwrap();
    assert_eq!(
        (&json["kind"], &json["path"], &json["size"]),
        (&"file".into(), &"tree/small".into(), &14.into())
    );
}

#[test]
fn a_restore_of_one_file_can_be_stopped() {
    let fixture = Fixture::new();
    let report = back_up(&fixture, &noise(10, 40 << 20));
    let set = fixture.open(&report.folder);
    let slow = |_: azs_backup::observer::Progress| {
        std::thread::sleep(std::time::Duration::from_millis(120));
        ControlFlow::Break(())
    };
    let mut stream = Vec::new();
    let mut hook = slow;
    match set.restore_stream(&fixture.opener, &path("tree/large")).observer(&mut hook).to(&mut stream) {
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Cancelled);
            assert!(stream.is_empty());
        }
        // Done before the hook's first tenth of a second.
        Ok(_) => assert_eq!(stream.len(), 40 << 20),
    }
}

#[test]
fn files_and_streams_are_sealed_and_opened() {
    let fixture = Fixture::new();
    let (cer, pfx) = (fixture.path("backup.cer"), fixture.path("backup.pfx"));
    std::fs::write(&cer, &fixture.certificate.cer).unwrap();
    std::fs::write(&pfx, &fixture.certificate.pfx).unwrap();
    let sealer = Sealer::new(&[EncryptionCertificate::load(&cer).unwrap()]).unwrap();
    let opener = Opener::new(DecryptionCertificate::load(&pfx, Some(PASSWORD)).unwrap());

    let (plain, sealed, opened) = (fixture.path("plain"), fixture.path("plain.p7m"), fixture.path("opened"));
    std::fs::write(&plain, "hostname tor1\n").unwrap();
    assert_eq!(sealer.seal_file(&plain, &sealed).unwrap(), 14);
    assert_eq!(opener.open_file(&sealed, &opened).unwrap(), 14);
    assert_eq!(std::fs::read(&opened).unwrap(), b"hostname tor1\n");
    let again = sealer.seal_file(&plain, &sealed).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::AlreadyExists, "{again}");
    assert_eq!(
        opener.open_file(fixture.path("none"), fixture.path("x")).unwrap_err().kind(),
        ErrorKind::NotFound
    );

    let mut message = Vec::new();
    assert_eq!(sealer.seal_stream(&b"abc"[..], &mut message).unwrap(), 3);
    let mut content = Vec::new();
    assert_eq!(opener.open_stream(&message[..], &mut content).unwrap(), 3);
    assert_eq!(content, b"abc");

    let middle = message.len() - 3;
    message[middle] ^= 1;
    content.clear();
    assert_eq!(opener.open_stream(&message[..], &mut content).unwrap_err().kind(), ErrorKind::Damaged);
    assert!(content.is_empty());
    std::fs::write(&sealed, &message).unwrap();
    let error = opener.open_file(&sealed, fixture.path("broken")).unwrap_err();
    assert!(error.kind() == ErrorKind::Damaged && error.to_string().contains("plain.p7m"), "{error}");
    assert!(!fixture.path("broken").exists());
    let left = std::fs::read_dir(fixture.temp.path()).unwrap().map(|item| item.unwrap().file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().starts_with(".tmp")));
}

#[test]
fn messages_are_made_and_opened_where_memory_is_at_hand() {
    let certificate = Certificate::new("slices");
    let sealer = Sealer::new(&[certificate.encryption()]).unwrap();
    let opener = Opener::new(certificate.decryption());
    for length in [0, 1, 100, 127, 128, 255, 256, 65_535, 65_536, 1 << 20] {
        let content = noise(length as u64, length);
        let head = sealer.head_len(length);
        let mut message = vec![0xaa; head + length + Sealer::TAIL_ROOM];
        message[head..head + length].copy_from_slice(&content);
        sealer.seal_slice(&mut message, length).unwrap();
        assert!(opener.open(&message).unwrap() == content);

        let mut copy = message[content_of(&message).unwrap()].to_vec();
        opener.open_copy(&message, &mut copy).unwrap();
        assert!(copy == content);
        let mut longer = vec![0; length + 1];
        assert_eq!(opener.open_copy(&message, &mut longer).unwrap_err().kind(), ErrorKind::InvalidArgument);
        let mut wrong = vec![7; head + length + Sealer::TAIL_ROOM - 1];
        assert_eq!(sealer.seal_slice(&mut wrong, length).unwrap_err().kind(), ErrorKind::InvalidArgument);
        assert!(wrong.iter().all(|byte| *byte == 0));
        if length > 0 {
            let mut copy = message[content_of(&message).unwrap()].to_vec();
            copy[0] ^= 1;
            assert_eq!(opener.open_copy(&message, &mut copy).unwrap_err().kind(), ErrorKind::Damaged);
            assert!(copy.iter().all(|byte| *byte == 0));
        }
    }
}

#[test]
fn more_than_a_message_holds_is_refused() {
    let sealer = Sealer::new(&[Certificate::new("limit").encryption()]).unwrap();
    let mut message = Vec::new();
    let endless = std::io::repeat(7);
    let error = sealer.seal_stream(endless, &mut message).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert!(message.is_empty());
    let full = std::io::Read::take(std::io::repeat(7), MAX_CONTENT as u64);
    assert_eq!(sealer.seal_stream(full, &mut message).unwrap(), MAX_CONTENT as u64);
}

#[test]
fn a_certificate_file_that_cannot_serve_is_named() {
    let fixture = Fixture::new();
    let file = fixture.path("not a certificate.cer");
    std::fs::write(&file, "hello").unwrap();
    let error = EncryptionCertificate::load(&file).unwrap_err();
    assert!(
        error.kind() == ErrorKind::Malformed && error.to_string().contains("not a certificate.cer"),
        "{error}"
    );
    std::fs::write(&file, vec![b'x'; 2 << 20]).unwrap();
    assert_eq!(EncryptionCertificate::load(&file).unwrap_err().kind(), ErrorKind::LimitExceeded);
    assert_eq!(
        DecryptionCertificate::load(fixture.path("none"), None).unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn another_name_of_a_copy_gives_its_content() {
    let fixture = Fixture::new();
    let tree = fixture.path("copies");
    std::fs::create_dir(&tree).unwrap();
    let content = noise(3, 50_000);
    for name in ["a", "b"] {
        std::fs::write(tree.join(name), &content).unwrap();
    }
    std::fs::hard_link(tree.join("b"), tree.join("c")).unwrap();
    let set = fixture.back_up(&tree);
    for name in ["tree/a", "tree/b", "tree/c"] {
        let found = set.restore_bytes(&fixture.opener, &path(name), 1 << 20).unwrap();
        assert!(found == content, "{name}");
    }
}
