//! A folder as the share, and shares that fail: nothing incomplete ever counts as a backup.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::common::system::{ENDS_COUNT, SYSTEM_OPENS_UNC, look, symlink};
use crate::common::{Fixture, backend, forward, noise};
use azs_backup::layout::{MasBackupFolder, Name, SharePath, UncPath};
#[cfg(feature = "smb")]
use azs_backup::share::SmbAccount;
use azs_backup::share::{Durability, Item, ItemKind, OpenShare, open};
use azs_backup::{Backup, Error, ErrorKind, FolderShare, Opener, Result, Set, Share, list_sets};

fn path(text: &str) -> SharePath {
    text.parse().unwrap()
}

fn share() -> (tempfile::TempDir, Arc<dyn Share>) {
    let temp = tempfile::tempdir().unwrap();
    let share = backend::share(temp.path());
    (temp, share)
}

#[test]
fn an_object_is_put_read_listed_and_removed() {
    let (temp, share) = share();
    for durability in [Durability::Flushed, Durability::Cached] {
        let share = backend::share_with(temp.path(), durability);
        share.create_folder(&path("a/b")).unwrap();
        share.put(&path("a/b/object"), b"content").unwrap();
        share.flush(&path("a/b")).unwrap();
        let mut buffer = b"something longer than the content".to_vec();
        share.read(&path("a/b/object"), 7, &mut buffer).unwrap();
        assert_eq!(buffer, b"content");
        let listed = |folder: &str| -> Vec<Item> {
            share.list(&path(folder)).unwrap().into_iter().map(|item| item.with_modified(None)).collect()
        };
        assert_eq!(listed("a"), [Item::new("b", ItemKind::Folder, 0)]);
        assert_eq!(listed("a/b"), [Item::new("object", ItemKind::File, 7)]);
        let written = share.list(&path("a/b")).unwrap()[0].modified.unwrap();
        assert!((jiff::Timestamp::now().as_second() - written.as_second()).abs() < 60, "{written}");
        assert!(share.remove_folder(&path("a/b")).is_err(), "it is not empty");
        share.remove(&path("a/b/object")).unwrap();
        share.remove_folder(&path("a/b")).unwrap();
        share.remove_folder(&path("a")).unwrap();
    }
    assert_eq!(share.list(&SharePath::root()).unwrap(), []);
}

#[test]
fn an_object_can_have_other_names_and_copies() {
    let (temp, share) = share();
    share.create_folder(&path("a")).unwrap();
    share.create_folder(&path("b")).unwrap();
    share.put(&path("a/object"), b"content").unwrap();
    let inode = |name: &str| look(&temp.path().join(name)).id;
    if backend::is_file_system() {
        share.link(&path("a/object"), &path("b/link")).unwrap();
        assert_eq!(inode("a/object"), inode("b/link"));
    } else {
        let linked = share.link(&path("a/object"), &path("b/link"));
        assert_eq!(linked.unwrap_err().kind(), ErrorKind::Unsupported);
        share.put(&path("b/link"), b"content").unwrap();
    }
    share.copy(&path("a/object"), &path("b/copy")).unwrap();
    assert_ne!(inode("a/object"), inode("b/copy"));
    share.rename(&path("a/object"), &path("b/renamed")).unwrap();
    if backend::is_file_system() {
        assert_eq!(inode("b/renamed"), inode("b/link"));
    }
    for name in ["link", "copy", "renamed"] {
        assert_eq!(fs::read(temp.path().join("b").join(name)).unwrap(), b"content", "{name}");
    }
    type Operation = fn(&dyn Share, &SharePath, &SharePath) -> Result<()>;
    let operations: [Operation; 3] =
        [|s, a, b| s.link(a, b), |s, a, b| s.copy(a, b), |s, a, b| s.rename(a, b)];
    for operation in &operations[usize::from(!backend::is_file_system())..] {
        let kind = |from: &str, to: &str| operation(&*share, &path(from), &path(to)).unwrap_err().kind();
        assert_eq!(kind("b/link", "b/copy"), ErrorKind::AlreadyExists);
        assert_eq!(kind("b/none", "b/new"), ErrorKind::NotFound);
        assert_eq!(kind("b/link", "none/new"), ErrorKind::NotFound);
    }
    assert_eq!(fs::read_dir(temp.path().join("b")).unwrap().count(), 3, "nothing half-made stays");
    match share.space() {
        Ok(space) => assert!(space.free > 0 && space.free <= space.total),
        Err(error) => {
            assert!(!backend::is_file_system());
            assert_eq!(error.kind(), ErrorKind::Unsupported);
        }
    }
}

#[test]
fn what_is_wrong_has_a_kind() {
    let (_temp, share) = share();
    let mut buffer = Vec::new();
    share.create_folder(&path("a")).unwrap();
    share.put(&path("a/object"), b"content").unwrap();
    let kind = |result: Result<()>| result.unwrap_err().kind();
    assert_eq!(kind(share.put(&path("a/object"), b"other")), ErrorKind::AlreadyExists);
    assert_eq!(kind(share.put(&path("b/object"), b"")), ErrorKind::NotFound);
    assert_eq!(kind(share.put(&SharePath::root(), b"")), ErrorKind::InvalidArgument);
    assert_eq!(kind(share.create_folder(&path("a"))), ErrorKind::AlreadyExists);
    assert_eq!(kind(share.read(&path("a/none"), 10, &mut buffer)), ErrorKind::NotFound);
    assert_eq!(kind(share.read(&path("a/object"), 6, &mut buffer)), ErrorKind::LimitExceeded);
    assert_eq!(kind(share.remove(&path("none"))), ErrorKind::NotFound);
    assert_eq!(kind(share.remove_folder(&path("none"))), ErrorKind::NotFound);
    assert_eq!(share.list(&path("none")).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(FolderShare::open("/not there").unwrap_err().kind(), ErrorKind::NotFound);
    share.read(&path("a/object"), 7, &mut buffer).unwrap();
    assert_eq!(buffer, b"content", "the first object is untouched");
}

#[test]
fn masbackup_is_off_limits_as_a_root_in_any_disguise() {
    let temp = tempfile::tempdir().unwrap();
    for name in ["MASBackup", "masbackup", "MASBACKUP ", "MASBackup."] {
        let is_another = ENDS_COUNT || name.ends_with(char::is_alphabetic);
        // The end of a path is dropped as a whole, not the end of each name in it.
        let below = if is_another { temp.path().join(name).join("below") } else { temp.path().join(name) };
        fs::create_dir_all(&below).unwrap();
        for root in [temp.path().join(name), below] {
            assert_eq!(FolderShare::open(root).unwrap_err().kind(), ErrorKind::ReservedPath, "{name}");
        }
    }
    if symlink(temp.path().join("MASBackup"), temp.path().join("innocent")) {
        let error = FolderShare::open(temp.path().join("innocent")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ReservedPath);
    }
}

#[test]
fn one_call_opens_a_share_by_the_system_or_with_an_account() {
    let temp = tempfile::tempdir().unwrap();
    let folder = open(temp.path()).run().unwrap();
    assert_eq!(folder.describe(), FolderShare::open(temp.path()).unwrap().describe());
    assert!(open(temp.path()).options(r#"{"durability": "cached"}"#).run().is_ok());
    let kind = |share: OpenShare| share.run().unwrap_err().kind();
    assert_eq!(kind(open(temp.path().join("none"))), ErrorKind::NotFound);
    #[cfg(not(feature = "object-store"))]
    for url in ["s3://backups", "https://c.blob.core.windows.net/b?sig=hunter2"] {
        let error = open(url).run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("feature object-store") && !error.to_string().contains("hunter2"));
    }
    // What the system opens has no options of a connection: none is dropped silently.
    assert_eq!(kind(open(temp.path()).options(r#"{"encryption": "required"}"#)), ErrorKind::InvalidArgument);
    for unc in [r"\\fileserver01.contoso.com\AzSBackups", "//fileserver01.contoso.com/AzSBackups/contoso.com"]
    {
        #[cfg(feature = "smb")]
        {
            let account = SmbAccount::new(r"CONTOSO\azsbackup", "a password").unwrap();
            let share = open(unc).account(account.clone()).options(r#"{"port": 4450}"#);
            let connection = share.connection().unwrap().unwrap();
            assert_eq!(connection.root(), &unc.parse::<UncPath>().unwrap());
            assert!(
                open(temp.path()).account(account).connection().unwrap().is_none(),
                "a folder needs none"
            );
        }
        assert!(UncPath::is_meant_by(unc));
        if SYSTEM_OPENS_UNC {
            assert_ne!(kind(open(unc)), ErrorKind::InvalidArgument);
        } else {
            let error = open(unc).run().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.to_string().contains("takes an account"), "{error}");
        }
    }
    for local in [r"\\?\C:\AzSBackups", r"\\.\C:\AzSBackups", r"C:\AzSBackups", "/mnt/AzSBackups", ""] {
        assert!(!UncPath::is_meant_by(local), "{local}");
    }
}

#[test]
fn links_below_the_root_are_not_followed() {
    // Over SMB it is the server that follows or does not.
    let temp = tempfile::tempdir().unwrap();
    let share = FolderShare::open(temp.path()).unwrap();
    fs::create_dir(temp.path().join("MASBackup")).unwrap();
    fs::write(temp.path().join("MASBackup/theirs"), "theirs").unwrap();
    if !symlink("MASBackup", temp.path().join("Switches")) {
        eprintln!("skipped: this system makes no symbolic links");
        return;
    }
    symlink("MASBackup/theirs", temp.path().join("object"));
    let mut buffer = Vec::new();
    assert!(share.put(&path("Switches/x"), b"").is_err());
    assert!(share.list(&path("Switches")).is_err());
    assert!(share.create_folder(&path("Switches/x")).is_err());
    assert!(share.read(&path("object"), 100, &mut buffer).is_err());
    assert!(share.put(&path("object"), b"").is_err());
    assert_eq!(fs::read_dir(temp.path().join("MASBackup")).unwrap().count(), 1);
    assert_eq!(fs::read(temp.path().join("MASBackup/theirs")).unwrap(), b"theirs");
}

/// A share on which the `nth` write goes wrong.
#[derive(Debug)]
struct Faulty {
    inner: Arc<dyn Share>,
    puts: AtomicU32,
    nth: u32,
    fault: Fault,
    removals: AtomicU32,
}

impl Faulty {
    fn new(inner: Arc<dyn Share>, nth: u32, fault: Fault) -> Self {
        Self { inner, puts: AtomicU32::new(0), nth, fault, removals: AtomicU32::new(0) }
    }
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It says so.
    Full,
    /// It says that all is well, and keeps nothing.
    Forgets,
    /// It says that all is well, and keeps half.
    Halves,
    /// It succeeds, but what a broken connection wrote is beside it, and that connection keeps it open for a moment.
    Litters,
}

impl Share for Faulty {
    forward!(inner: describe, flush, read, list, create_folder, remove_folder);
    fn put(&self, path: &SharePath, content: &[u8]) -> Result<()> {
        if self.puts.fetch_add(1, Ordering::Relaxed) != self.nth {
            return self.inner.put(path, content);
        }
        match self.fault {
            Fault::Full => Err(Error::new(ErrorKind::OutOfCapacity, "the share is full")),
            Fault::Forgets => Ok(()),
            Fault::Halves => self.inner.put(path, &content[..content.len() / 2]),
            Fault::Litters => {
                let part = format!("unfinished-0badcafe-{}", path.file_name().unwrap());
                let part = path.parent().unwrap().join(Name::new(part)?);
                self.inner.put(&part, &content[..content.len() / 2])?;
                self.inner.put(path, content)
            }
        }
    }
    fn remove(&self, path: &SharePath) -> Result<()> {
        let is_held = matches!(self.fault, Fault::Litters);
        if is_held && self.removals.fetch_add(1, Ordering::Relaxed) < 2 {
            return Err(Error::new(ErrorKind::Io, "the file is in use"));
        }
        self.inner.remove(path)
    }
}

#[test]
fn what_a_broken_connection_left_is_cleared_away_before_the_set_is_complete() {
    let fixture = Fixture::new();
    let opener = Opener::new(fixture.certificate.decryption());
    let content: Arc<[u8]> = noise(1, 9_000_000).into();
    for nth in 0..6 {
        let faulty = Arc::new(Faulty::new(fixture.share.clone(), nth, Fault::Litters));
        let builder = Backup::builder(faulty.clone(), fixture.place.clone());
        let mut backup =
            builder.certificate(fixture.certificate.encryption()).segment_size(4 << 20).start().unwrap();
        backup.add_bytes("large", content.clone()).unwrap();
        let folder = backup.commit().unwrap().folder;
        assert!(faulty.removals.load(Ordering::Relaxed) > 2, "{nth}");
        let set = Set::open(fixture.share.clone(), folder).unwrap();
        let report = set.verify_full(&opener).run().unwrap();
        assert!(report.is_sound(), "{nth}: {report:?}");
    }
}

#[test]
fn a_share_that_fails_at_any_write_leaves_no_backup() {
    let fixture = Fixture::new();
    let content: Arc<[u8]> = noise(1, 9_000_000).into();
    // Three segments, the index, SHA256SUMS, backup.json.
    let mut failures = 0;
    for fault in [Fault::Full, Fault::Forgets, Fault::Halves] {
        for nth in 0..6 {
            let faulty = Faulty::new(fixture.share.clone(), nth, fault);
            let builder = Backup::builder(Arc::new(faulty), fixture.place.clone());
            let mut backup =
                builder.certificate(fixture.certificate.encryption()).segment_size(4 << 20).start().unwrap();
            let result = backup.add_bytes("large", content.clone()).and_then(|()| backup.commit());
            let sets = list_sets(fixture.share.clone(), fixture.place.deployment()).run().unwrap();
            assert!(sets.iter().all(|set| !set.is_complete()), "{fault:?} {nth}");
            match (fault, result) {
                (Fault::Full, Err(error)) => assert_eq!(error.kind(), ErrorKind::OutOfCapacity),
                (_, Err(error)) => {
                    assert_eq!(error.kind(), ErrorKind::Damaged, "{fault:?} {nth}: {error}");
                    assert!(error.to_string().contains("acknowledged"), "{error}");
                }
                (_, Ok(_)) => panic!("{fault:?} {nth} was not noticed"),
            }
            failures += 1;
            assert_eq!(sets.len(), 0, "and nothing is left of it: {fault:?} {nth}");
        }
    }
    assert_eq!(failures, 18);
}

#[test]
fn mas_backup_can_be_listed_and_nothing_else() {
    let fixture = Fixture::new();
    let region = fixture.place.deployment().region_folder();
    let native = fixture.path("share/contoso.com/nyc/MASBackup");
    fs::create_dir_all(native.join("ProgressiveBackup/1.2209.0.53")).unwrap();
    fs::write(native.join("recoverypoint.json"), "{}").unwrap();
    let is_link = symlink("/", native.join("root"));
    let folder = MasBackupFolder::new(&region, "MASBackup").unwrap();
    let mut items = fixture.share.list_mas_backup(&folder).unwrap();
    items.sort_by(|a, b| a.name.cmp(&b.name));
    let kinds: Vec<_> = items.iter().map(|item| (&*item.name, item.kind, item.length)).collect();
    let wanted = [
        ("ProgressiveBackup", ItemKind::Folder, 0),
        ("recoverypoint.json", ItemKind::File, 2),
        ("root", ItemKind::Other, 0),
    ];
    // A file server that does not follow a link does not show it either.
    assert_eq!(kinds, wanted[..if backend::is_remote() || !is_link { 2 } else { 3 }]);
    let below = folder.join("ProgressiveBackup".parse().unwrap());
    assert_eq!(fixture.share.list_mas_backup(&below).unwrap()[0].name, "1.2209.0.53");
    for (name, kind) in [("nothing", ErrorKind::NotFound), ("recoverypoint.json", ErrorKind::NotFound)] {
        let error = fixture.share.list_mas_backup(&folder.join(name.parse().unwrap())).unwrap_err();
        assert_eq!(error.kind(), kind, "{name}");
    }
    assert!(
        fixture.share.list_mas_backup(&folder.join("root".parse().unwrap())).is_err(),
        "a link is followed"
    );
    for name in ["Switches", "MASBackup.", "MASBackup/..", ""] {
        assert!(MasBackupFolder::new(&region, name).is_err(), "{name}");
    }
    // Its text is no path.
    assert!(folder.to_string().parse::<SharePath>().is_err());
}

#[test]
fn a_folder_with_strange_things_in_it_lists() {
    let fixture = Fixture::new();
    let component = fixture.native(&fixture.place.folder());
    for name in ["20261123T020000Z-7f3a91c2", "20261199T020000Z-7f3a91c2", "unit", "MASBackup"] {
        fs::create_dir_all(component.join(name)).unwrap();
    }
    if cfg!(unix) {
        fs::create_dir(component.join("  ")).unwrap();
    }
    fs::create_dir_all(component.join("unit/20261124T020000Z-00000001")).unwrap();
    fs::write(component.join("20261123T020000Z-00000009"), "a file").unwrap();
    fs::write(component.join("unit/notes"), "x").unwrap();
    symlink(".", component.join("20261123T020000Z-00000003"));
    let sets = list_sets(fixture.share.clone(), fixture.place.deployment()).run().unwrap();
    let names: Vec<_> = sets.iter().map(|set| set.folder.to_string()).collect();
    assert_eq!(
        names,
        [
            "contoso.com/nyc/Switches/20261123T020000Z-7f3a91c2",
            "contoso.com/nyc/Switches/unit/20261124T020000Z-00000001"
        ]
    );
    assert!(sets.iter().all(|set| !set.is_complete()));
    assert!(Name::new("MASBackup").is_err());
}
