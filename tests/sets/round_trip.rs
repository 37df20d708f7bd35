//! What goes in comes out: every kind of source, every kind of entry.

use std::fs;

use crate::common::system::{set_mode, symlink};
use crate::common::{Certificate, Fixture, assert_same_tree, noise};
use azs_backup::restore::RestoreOptions;
use azs_backup::{Backup, EncryptionCertificate, ErrorKind, Opener};

fn all() -> RestoreOptions {
    RestoreOptions::default()
}

#[test]
fn a_tree_comes_back_byte_for_byte() {
    let fixture = Fixture::new();
    let tree = fixture.path("source");
    fs::create_dir_all(tree.join("a/b/c")).unwrap();
    fs::create_dir_all(tree.join("empty folder")).unwrap();
    fs::write(tree.join("empty"), "").unwrap();
    fs::write(tree.join("a/small"), "hello").unwrap();
    fs::write(tree.join("a/b/one MiB"), noise(1, 1 << 20)).unwrap();
    fs::write(tree.join("a/b/two MiB"), noise(2, 2 << 20)).unwrap();
    fs::write(tree.join("a/b/more"), noise(3, (2 << 20) + 1)).unwrap();
    fs::write(tree.join("a/b/c/large"), noise(4, 20_000_000)).unwrap();
    fs::write(tree.join("a/b/c/zeros"), vec![0; 5_000_000]).unwrap();
    for i in 0..300 {
        fs::write(tree.join(format!("a/b/file {i}")), format!("line {i}\n").repeat(i)).unwrap();
    }
    symlink("../nowhere", tree.join("a/link"));
    fs::hard_link(tree.join("a/small"), tree.join("a/b/second name")).unwrap();
    set_mode(tree.join("a/small"), 0o4755);
    set_mode(tree.join("a/b"), 0o500);

    let set = fixture.back_up(&tree);
    assert!(set.verify().run().unwrap().is_sound());
    let report = set.verify_full(&fixture.opener).run().unwrap();
    assert!(report.is_sound(), "{report:#?}");
    assert_eq!(report.bytes, set.cover().content.bytes);

    let target = fixture.path("target");
    let report = set.restore(&fixture.opener).options(&all()).into(&target).unwrap();
    assert!(report.losses.is_empty() && report.unrestored.is_empty(), "{report:#?}");
    assert_eq!(report.files, set.cover().content.files);
    assert_eq!(report.folders, set.cover().content.folders);
    assert_eq!(report.links, set.cover().content.links);
    assert_same_tree(&tree, &target.join("tree"));
}

#[test]
fn each_of_several_certificates_opens_the_set_alone() {
    let fixture = Fixture::new();
    let (new, stranger) = (Certificate::new("the new one"), Certificate::new("a stranger"));
    let mut backup = fixture.builder().certificate(new.encryption()).start().unwrap();
    backup.add_bytes("running-config", *b"hostname tor1\n").unwrap();
    let set = fixture.open(&backup.commit().unwrap().folder);
    assert_eq!(set.cover().certificates.len(), 2);
    for (name, certificate) in [("old", &fixture.certificate), ("new", &new)] {
        let target = fixture.path(name);
        let opener = Opener::new(certificate.decryption());
        set.restore(&opener).options(&all()).into(&target).unwrap();
        assert_eq!(fs::read(target.join("running-config")).unwrap(), b"hostname tor1\n");
    }
    let opener = Opener::new(stranger.decryption());
    let error = set.restore(&opener).options(&all()).into(fixture.path("stranger")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongCertificate);
}

#[test]
fn a_certificate_that_was_renewed_with_its_key_opens_the_sets_of_the_old_one() {
    let fixture = Fixture::new();
    let old = &fixture.certificate;
    let renewed = old.renewed("azs-backup test");
    let serial = |certificate: &Certificate| certificate.encryption().facts().serial.clone();
    assert_ne!(serial(old), serial(&renewed));
    // One set before the renewal, and one that builds on it where that is possible, after it.
    let back_up = |certificate: &Certificate| {
        let builder = Backup::builder(fixture.share.clone(), fixture.place.clone());
        let builder = builder.certificate(certificate.encryption()).state(fixture.path("state"));
        let mut backup = builder.start().unwrap();
        backup.add_bytes("running-config", *b"hostname tor1\n").unwrap();
        backup.add_bytes("image", noise(1, 5_000_000)).unwrap();
        fixture.open(&backup.commit().unwrap().folder)
    };
    for (made_for, set) in [("old", back_up(old)), ("new", back_up(&renewed))] {
        for (opened_by, certificate) in [("old", old), ("new", &renewed)] {
            let opener = Opener::new(certificate.decryption());
            let report = set.verify_full(&opener).run().unwrap();
            assert!(report.is_sound(), "{made_for} {opened_by} {report:#?}");
            let target = fixture.path(&format!("{made_for} {opened_by}"));
            set.restore(&opener).options(&all()).into(&target).unwrap();
            assert_eq!(fs::read(target.join("running-config")).unwrap(), b"hostname tor1\n");
            assert!(fs::read(target.join("image")).unwrap() == noise(1, 5_000_000));
        }
        // Another key under the same name and number is none that opens it, and what is needed is named.
        let stranger = Opener::new(Certificate::new("azs-backup test").decryption());
        let error = set.verify_full(&stranger).run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongCertificate, "{error}");
    }
}

#[test]
fn an_expired_certificate_is_refused_unless_allowed_and_never_for_restore() {
    let fixture = Fixture::new();
    let expired = Certificate::valid("expired", -20, -10);
    let future = Certificate::valid("not yet valid", 10, 20);
    for certificate in [&expired, &future] {
        let builder = || {
            let certificate = EncryptionCertificate::from_cer(&certificate.cer).unwrap();
            fixture.builder().certificate(certificate)
        };
        assert_eq!(builder().start().unwrap_err().kind(), ErrorKind::CertificateExpired);
        let mut backup = builder().allow_expired_certificates(true).start().unwrap();
        backup.add_bytes("a", *b"a").unwrap();
        let set = fixture.open(&backup.commit().unwrap().folder);
        let opener = Opener::new(certificate.decryption());
        assert!(set.verify_full(&opener).run().unwrap().is_sound());
    }
}

#[test]
fn nothing_in_the_clear_tells_names_or_contents() {
    let fixture = Fixture::new();
    let mut backup = fixture.start();
    backup.add_bytes("secret-switch/running-config", *b"username admin password hunter2").unwrap();
    let folder = fixture.native(&backup.commit().unwrap().folder);
    for entry in fs::read_dir(folder).unwrap() {
        let content = fs::read(entry.unwrap().path()).unwrap();
        for secret in ["secret-switch", "running-config", "hunter2"] {
            assert!(!content.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
        }
    }
}
