//! A share over SMB 3, against a real Samba.
#![cfg(all(unix, feature = "smb"))]

mod common;

use std::fs;
use std::os::unix::fs::MetadataExt;

use azs_backup::share::{Encryption, ItemKind, SmbDialect};
use azs_backup::{ErrorKind, Share, SharePath};
use common::noise;
use common::samba::Samba;

fn path(text: &str) -> SharePath {
    text.parse().unwrap()
}

#[test]
fn every_operation_does_on_the_server_what_it_says() {
    let samba = Samba::new();
    for encryption in [Encryption::Off, Encryption::Preferred, Encryption::Required] {
        let share = samba.builder("data").encryption(encryption).connect().unwrap();
        let facts = share.facts().unwrap();
        assert_eq!(facts.dialect, SmbDialect::Smb311);
        assert_eq!(facts.encrypted, encryption != Encryption::Off, "{facts:?}");
        share.create_folder(&path("a/b")).unwrap();
        let content = noise(1, 20_000_001);
        share.put(&path("a/b/object"), &content).unwrap();
        share.flush(&path("a/b")).unwrap();
        share.put(&path("a/b/empty"), b"").unwrap();
        let mut read = vec![1, 2, 3];
        share.read(&path("a/b/object"), 20_000_001, &mut read).unwrap();
        assert!(read == content);
        share.read(&path("a/b/empty"), 0, &mut read).unwrap();
        assert_eq!(read, b"");
        share.link(&path("a/b/object"), &path("a/link")).unwrap();
        share.copy(&path("a/b/object"), &path("a/copy")).unwrap();
        let native = |name: &str| samba.path("data/a").join(name);
        let inode = |name: &str| fs::symlink_metadata(native(name)).unwrap().ino();
        assert_eq!(inode("b/object"), inode("link"));
        assert_ne!(inode("b/object"), inode("copy"));
        assert!(fs::read(native("copy")).unwrap() == content);
        share.rename(&path("a/b/object"), &path("a/b/renamed")).unwrap();
        assert_eq!(inode("b/renamed"), inode("link"));
        let mut items = share.list(&path("a")).unwrap();
        items.sort_by(|a, b| a.name.cmp(&b.name));
        let seen: Vec<_> = items.iter().map(|item| (&*item.name, item.kind, item.length)).collect();
        assert_eq!(
            seen,
            [
                ("b", ItemKind::Folder, 0),
                ("copy", ItemKind::File, 20_000_001),
                ("link", ItemKind::File, 20_000_001)
            ]
        );
        let now = jiff::Timestamp::now().as_second();
        assert!(items.iter().all(|item| (now - item.modified.unwrap().as_second()).abs() < 60));
        let space = share.space().unwrap();
        assert!(space.free > 0 && space.free <= space.total, "{space:?}");
        let kind = |result: azs_backup::Result<()>| result.unwrap_err().kind();
        assert_eq!(kind(share.put(&path("a/copy"), b"other")), ErrorKind::AlreadyExists);
        assert_eq!(kind(share.put(&path("none/object"), b"")), ErrorKind::NotFound);
        assert_eq!(kind(share.read(&path("a/copy"), 20_000_000, &mut read)), ErrorKind::LimitExceeded);
        assert_eq!(kind(share.create_folder(&path("a/b"))), ErrorKind::AlreadyExists);
        for name in ["a/b/renamed", "a/b/empty", "a/link", "a/copy"] {
            share.remove(&path(name)).unwrap();
        }
        share.remove_folder(&path("a/b")).unwrap();
        share.remove_folder(&path("a")).unwrap();
        assert_eq!(fs::read_dir(samba.path("data")).unwrap().count(), 0, "nothing half-made stays");
    }
}
