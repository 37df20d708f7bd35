//! A set whose clear files are damaged or gone opens by its encrypted index.

use crate::common;

use std::fs;
use std::path::Path;

use crate::common::{Certificate, Fixture, assert_same_tree, noise};
use azs_backup::restore::RestoreOptions;
use azs_backup::{ErrorKind, Opener, Set};

type Harm = fn(&Path);

#[test]
fn whole_data_comes_back_whatever_happened_to_the_clear_files() {
    let harms: [(&str, Harm); 6] = [
        ("backup.json gone", |set| fs::remove_file(set.join("backup.json")).unwrap()),
        ("SHA256SUMS gone", |set| fs::remove_file(set.join("SHA256SUMS")).unwrap()),
        ("both gone", |set| {
            for name in ["backup.json", "SHA256SUMS"] {
                fs::remove_file(set.join(name)).unwrap();
            }
        }),
        ("SHA256SUMS with CRLF", |set| {
            let text = fs::read_to_string(set.join("SHA256SUMS")).unwrap().replace('\n', "\r\n");
            fs::write(set.join("SHA256SUMS"), text).unwrap();
        }),
        ("backup.json with a BOM", |set| {
            let text = fs::read_to_string(set.join("backup.json")).unwrap();
            fs::write(set.join("backup.json"), format!("\u{feff}{text}")).unwrap();
        }),
        ("labels changed", |set| {
            let text = fs::read_to_string(set.join("backup.json")).unwrap().replace("true", "false");
            fs::write(set.join("backup.json"), text).unwrap();
        }),
    ];
    for (what, harm) in harms {
        let fixture = Fixture::new();
        let tree = fixture.path("tree");
        fs::create_dir(&tree).unwrap();
        fs::write(tree.join("small"), "hostname tor1").unwrap();
        fs::write(tree.join("large"), noise(1, 9_000_000)).unwrap();
        let mut backup = fixture.builder().label("pinned", "true").start().unwrap();
        backup.add_folder(&tree).unwrap();
        let report = backup.commit().unwrap();
        harm(&fixture.native(&report.folder));
        let refused = Set::open(fixture.share.clone(), report.folder.clone()).unwrap_err().to_string();
        assert!(refused.contains("open it by its index"), "{what}: {refused}");
        let set = Set::open_by_index(fixture.share.clone(), report.folder, &fixture.opener).unwrap();
        assert_eq!(*set.cover(), report.cover, "{what}: the sheet follows from the index");
        assert!(set.verify_full(&fixture.opener).run().unwrap().is_sound(), "{what}");
        let (target, options) = (fixture.path("target"), RestoreOptions::default());
        set.restore(&fixture.opener).options(&options).into(&target).unwrap();
        assert_same_tree(&tree, &target.join("tree"));
    }
}

#[test]
fn what_the_index_cannot_vouch_for_is_refused() {
    let fixture = Fixture::new();
    let mut backup = fixture.start();
    backup.add_bytes("a", &b"a"[..]).unwrap();
    let report = backup.commit().unwrap();
    let folder = fixture.native(&report.folder);
    let open = |opener: &Opener| {
        Set::open_by_index(fixture.share.clone(), report.folder.clone(), opener).unwrap_err().kind()
    };
    let other = Opener::new(Certificate::new("another").decryption());
    assert_eq!(open(&other), ErrorKind::WrongCertificate);
    // A copy in another place's folder still belongs to its own place.
    let elsewhere = fixture.path("share/contoso.com/lax/Switches");
    fs::create_dir_all(&elsewhere).unwrap();
    common::run(std::process::Command::new("cp").arg("-r").arg(&folder).arg(&elsewhere));
    let name = report.folder.file_name().unwrap();
    let copied = format!("contoso.com/lax/Switches/{name}").parse().unwrap();
    let error = Set::open_by_index(fixture.share.clone(), copied, &fixture.opener).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    // The newest piece is the one that counts.
    let mut pieces: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    pieces.retain(|file| file.file_name().unwrap().to_str().unwrap().starts_with("index-"));
    pieces.sort();
    let newest = pieces.last().unwrap();
    let mut bytes = fs::read(newest).unwrap();
    let middle = bytes.len() - 40;
    bytes[middle] ^= 1;
    fs::write(newest, bytes).unwrap();
    assert_eq!(open(&fixture.opener), ErrorKind::Damaged);
    fs::remove_file(newest).unwrap();
    assert_eq!(open(&fixture.opener), ErrorKind::Damaged, "an earlier piece lists nothing");
    for piece in pieces {
        let _ = fs::remove_file(piece);
    }
    assert_eq!(open(&fixture.opener), ErrorKind::Incomplete);
}
