//! A set that the Windows program made, opened on Linux and by hand, and the other way round.
//!
//! `cargo xtask windows` builds that program and runs this; `AZS_TEST_WINE` and `AZS_TEST_WINDOWS_PROGRAM` say where wine
//! and the program are. Both systems see the same files: the program names them below its drive `Z:`.
#![cfg(target_os = "linux")]

mod common;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use azs_backup::set::Status;
use common::{Fixture, PASSWORD, noise, run};
use rustix::fs::XattrFlags;
use serde_json::{Value, json};

/// The Windows program, under wine.
struct Windows {
    wine: String,
    program: String,
}

impl Windows {
    /// `None` where this machine has none, which is said.
    fn find() -> Option<Self> {
        let variable = |name: &str| std::env::var(name).ok();
        match (variable("AZS_TEST_WINE"), variable("AZS_TEST_WINDOWS_PROGRAM")) {
            (Some(wine), Some(program)) => Some(Self { wine, program }),
            _ => {
                eprintln!("skipped: cargo xtask windows builds the Windows program, and runs this with it");
                None
            }
        }
    }

    /// Prepares to run the program.
    fn command(&self, fixture: &Fixture, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.wine);
        command.arg(&self.program).args(arguments).stdin(Stdio::null());
        command.env("AZS_ROOT", on_windows(&fixture.path("share")));
        command.env("AZS_PFX", on_windows(&fixture.path("backup.pfx"))).env("AZS_PFX_PASSWORD", PASSWORD);
        command
    }

    /// Backs up a folder as `tree`; returns the set's folder on the share.
    fn back_up(&self, fixture: &Fixture, tree: &Path) -> String {
        let source = format!("tree={}", on_windows(tree));
        let cer = on_windows(&fixture.path("backup.cer"));
        let arguments = [
            "backup",
            "--place",
            "contoso.com/nyc/HLH",
            "--create",
            "--cer",
            &cer,
            "--source",
            &source,
            "--json",
        ];
        let report = printed(&run(&mut self.command(fixture, &arguments)));
        assert_eq!(report["status"], "Succeeded", "{report:#}");
        report["folder"].as_str().unwrap().to_owned()
    }

    /// Restores a set.
    fn restore(&self, fixture: &Fixture, set: &str, into: &Path) {
        let pfx = on_windows(&fixture.path("backup.pfx"));
        run(&mut self.command(fixture, &["verify", set, "--pfx", &pfx]));
        // It does not end with success, because it names what has no place on Windows: modes and owners of Linux.
        let report = self.try_to_restore(fixture, set, into);
        assert_eq!((&report["status"], &report["losses"]), (&"Succeeded".into(), &json!([])), "{report:#}");
        let unrestored = report["unrestored"].as_array().unwrap();
        assert!(unrestored.iter().all(|one| one["what"] == "mode and owner"), "{report:#}");
    }

    /// Restores what Windows can have of a set; returns the report.
    fn try_to_restore(&self, fixture: &Fixture, set: &str, into: &Path) -> Value {
        printed(
            &self
                .command(fixture, &["restore", set, "--into", &on_windows(into), "--json"])
                .output()
                .unwrap(),
        )
    }
}

fn printed(said: &Output) -> Value {
    let said: Value = serde_json::from_slice(&said.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&said.stderr)));
    said["result"].clone()
}

/// The path as Windows programs know it here.
fn on_windows(path: &Path) -> String {
    format!("Z:{}", path.to_str().unwrap().replace('/', "\\"))
}

fn fixture() -> Fixture {
    let fixture = Fixture::new();
    fs::write(fixture.path("backup.cer"), &fixture.certificate.cer).unwrap();
    fs::write(fixture.path("backup.pfx"), &fixture.certificate.pfx).unwrap();
    fixture
}

/// Whatever both systems can hold.
fn tree(root: &Path) {
    let names = [
        "a/b/c/d/e/deep",
        "Überprüfung 配置 😀",
        "cafe\u{301} (decomposed)",
        "café (composed)",
        " leading space",
        "-rf",
        ".hidden",
        "100% = {x}; 'y' & $(z) `w` ^ ! # @ , ~ +",
        "a.b.c",
        "nul-like.txt",
        "longer than eight.extension",
    ];
    for name in names {
        fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        fs::write(root.join(name), name).unwrap();
    }
    fs::create_dir_all(root.join("empty folder/inside")).unwrap();
    fs::write(root.join("empty"), "").unwrap();
    fs::write(root.join("a").join("n".repeat(100)), "a long name").unwrap();
    fs::write(root.join("two MiB"), noise(1, 2 << 20)).unwrap();
    fs::write(root.join("large"), noise(2, 37_000_001)).unwrap();
    fs::write(root.join("same as large"), noise(2, 37_000_001)).unwrap();
    fs::hard_link(root.join("large"), root.join("a/large, too")).unwrap();
    fs::hard_link(root.join(".hidden"), root.join("a/hidden, too")).unwrap();
    let file = fs::File::create(root.join("mostly zeros")).unwrap();
    file.set_len(9_000_000).unwrap();
    for (name, seconds, nanoseconds) in [
        ("empty", 1, 100),
        ("two MiB", 1_760_000_000, 999_999_900),
        ("large", 1_600_000_000, 700),
        ("empty folder/inside", 1_234_567_890, 0),
        ("empty folder", 1_234_567_891, 123_456_700),
        (".", 1_234_567_892, 300),
    ] {
        let time = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds);
        fs::File::open(root.join(name)).unwrap().set_modified(time).unwrap();
    }
}

/// Contents, times and links: what a set of the other system keeps. Modes and owners it does not have.
fn listing(folder: &Path) -> Vec<String> {
    let (mut lines, mut first) = (Vec::new(), std::collections::HashMap::new());
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        let mut paths: Vec<_> = fs::read_dir(&at).unwrap().map(|item| item.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let there = path.symlink_metadata().unwrap();
            let name = path.strip_prefix(folder).unwrap().to_owned();
            // A file's last step of time on Windows has 100 ns.
            let time = (there.mtime(), there.mtime_nsec() / 100);
            if there.is_dir() {
                lines.push(format!("{name:?} {time:?}"));
                folders.push(path);
            } else {
                let digest = azs_backup::set::Digest::of(&fs::read(&path).unwrap());
                let first = first.entry(there.ino()).or_insert_with(|| name.clone());
                lines.push(format!("{name:?} {time:?} {digest:?} first {first:?}"));
            }
        }
    }
    lines.sort();
    lines
}

fn assert_same(one: &Path, other: &Path) {
    let (one, other) = (listing(one), listing(other));
    for (a, b) in one.iter().zip(&other) {
        assert_eq!(a, b);
    }
    assert_eq!(one.len(), other.len());
}

/// Opens a set with the README's lines.
fn recover_by_hand(set: &Path, fixture: &Fixture) -> PathBuf {
    const README: &str = include_str!("../README.md");
    let (_, rest) = README.split_once("<!-- recovery -->\n```bash\n").unwrap();
    let (block, _) = rest.split_once("\n```").unwrap();
    fs::write(set.join("backup.pfx"), &fixture.certificate.pfx).unwrap();
    let mut bash = Command::new("bash");
    bash.arg("-c").arg(block).current_dir(set).env("AZS_PFX_PASSWORD", PASSWORD);
    let said = run(&mut bash);
    assert!(said.stderr.is_empty(), "{}", String::from_utf8_lossy(&said.stderr));
    set.join("restored/tree")
}

#[test]
fn what_windows_stored_is_restored_here_and_by_hand() {
    let Some(windows) = Windows::find() else { return };
    let fixture = fixture();
    let source = fixture.path("source");
    tree(&source);
    let folder = windows.back_up(&fixture, &source);
    let set = fixture.open(&folder.parse().unwrap());
    let report = set.verify_full(&fixture.opener).run().unwrap();
    assert!(report.is_sound(), "{report:#?}");
    let target = fixture.path("target");
    let report = set.restore(&fixture.opener).into(&target).unwrap();
    assert_eq!((report.status, report.losses.len()), (Status::Succeeded, 0), "{report:#?}");
    assert_same(&source, &target.join("tree"));
    let by_hand = recover_by_hand(&fixture.path("share").join(&folder), &fixture);
    assert_same(&source, &by_hand);
    // And back: a set that Linux made of it.
    let set = fixture.back_up(&target.join("tree"));
    let back = fixture.path("back");
    windows.restore(&fixture, &set.folder().to_string(), &back);
    assert_same(&source, &back.join("tree"));
}

#[test]
fn what_linux_stored_is_restored_on_windows() {
    let Some(windows) = Windows::find() else { return };
    let fixture = fixture();
    let source = fixture.path("source");
    tree(&source);
    let set = fixture.back_up(&source);
    let target = fixture.path("target");
    windows.restore(&fixture, &set.folder().to_string(), &target);
    assert_same(&source, &target.join("tree"));
}

/// Names that Linux can have and Windows cannot: devices, ends that Windows drops, characters that it interprets, bytes that
/// are not Unicode, half of a surrogate pair as Rust and Samba write one.
const REFUSED: [&[u8]; 14] = [
    b"nul",
    b"CON.txt",
    b"com1",
    b"LPT9.log",
    b"COM\xc2\xb9",
    b"dot.",
    b"space ",
    b"file:stream",
    b"star*",
    b"back\\slash",
    b"..\\up",
    b"line\nfeed",
    b"latin \xfc",
    b"half \xed\xa0\xbd",
];

#[test]
fn what_windows_cannot_have_is_named_there_and_restored_on_linux() {
    let Some(windows) = Windows::find() else { return };
    let fixture = fixture();
    let source = fixture.path("source");
    let long = [&*"l".repeat(180), &*"ü".repeat(90)];
    for folder in ["plain", "con", "twins"] {
        fs::create_dir_all(source.join(folder)).unwrap();
    }
    for name in ["plain/console", "plain/nul-like", "con/inside a folder that is refused", "twins/README"] {
        fs::write(source.join(name), name).unwrap();
    }
    for name in long {
        fs::write(source.join("plain").join(name), name).unwrap();
    }
    // Of these, only the names are told apart.
    fs::write(source.join("twins/readme"), "the other").unwrap();
    for name in REFUSED {
        fs::write(source.join(OsStr::from_bytes(name)), name).unwrap();
    }
    let set = fixture.back_up(&source);
    let (there, folder) = (fixture.path("there"), set.folder().to_string());
    let report = windows.try_to_restore(&fixture, &folder, &there);
    let losses = report["losses"].as_array().unwrap();
    assert!(losses.iter().all(|loss| loss["refused"] == true), "{report:#}");
    let count = |code: &str| losses.iter().filter(|loss| loss["code"] == code).count();
    // The folder `con` and what is in it are two.
    assert_eq!((count("INVALID_NAME"), count("ALREADY_EXISTS")), (REFUSED.len() + 2, 1), "{report:#}");
    // The rest is there, and nothing else is: neither in the target nor above it.
    let there = there.join("tree");
    let mut names: Vec<_> =
        listing(&there).iter().map(|line| line.split('"').nth(1).unwrap().to_owned()).collect();
    names.retain(|name| name != "twins/README" && name != "twins/readme");
    let mut expected =
        vec!["plain".to_owned(), "plain/console".into(), "plain/nul-like".into(), "twins".into()];
    expected.extend(long.map(|name| format!("plain/{name}")));
    expected.sort();
    names.sort();
    assert_eq!(names, expected);
    assert_eq!(fs::read_dir(there.join("twins")).unwrap().count(), 1);
    assert!(!fixture.path("there/up").exists() && !fixture.path("up").exists());
    // What Windows took goes back as it is, and Linux restores all of the first set.
    let again = fixture.path("again");
    let folder = windows.back_up(&fixture, &there);
    fixture.open(&folder.parse().unwrap()).restore(&fixture.opener).into(&again).unwrap();
    assert_same(&there, &again.join("tree"));
    let all = fixture.path("all");
    set.restore(&fixture.opener).into(&all).unwrap();
    assert_same(&source, &all.join("tree"));
}

/// wine does not list streams, gives no time of creation and makes access lists of modes. So the first set is one that
/// Linux makes of such records, as a restore of a Windows set leaves them here; wine then shows what it can.
#[test]
fn what_only_windows_has_survives_the_way_over_linux_and_back() {
    let Some(windows) = Windows::find() else { return };
    let fixture = fixture();
    let source = fixture.path("source");
    fs::create_dir_all(source.join("folder")).unwrap();
    fs::write(source.join("file"), "content").unwrap();
    fs::write(source.join("folder/plain"), "plain").unwrap();
    let records: [(&str, &str, &[u8]); 6] = [
        ("file", "attributes", b"0x23"),
        ("file", "created", b"1500000000.123456700"),
        ("file", "security", b"O:BAG:BAD:P(A;;FA;;;BA)(A;;FR;;;WD)"),
        ("file", "stream.Zone.Identifier", b"[ZoneTransfer]\r\nZoneId=3\r\n"),
        ("folder", "attributes", b"0x6"),
        ("folder", "created", b"1400000000.000000100"),
    ];
    for (path, name, value) in records {
        let name = format!("user.azs.windows.{name}");
        rustix::fs::setxattr(source.join(path), name, value, XattrFlags::empty()).unwrap();
    }
    // Linux gives back what it found, in a set and out of it.
    let set = fixture.back_up(&source);
    let here = fixture.path("here");
    set.restore(&fixture.opener).into(&here).unwrap();
    for (path, name, value) in records {
        assert_eq!(read(&here.join("tree").join(path), name).as_deref(), Ok(value), "{path} {name}");
    }
    // Windows makes of them what they stand for.
    let there = fixture.path("there");
    windows.restore(&fixture, &set.folder().to_string(), &there);
    let there = there.join("tree");
    assert_eq!(fs::read(there.join("file")).unwrap(), b"content");
    // wine keeps a stream in a file of its own, which stays behind when the file gets its name.
    let mut items = fs::read_dir(&there).unwrap().map(|item| item.unwrap().path());
    let stream = items.find(|path| path.to_str().unwrap().ends_with(":Zone.Identifier")).unwrap();
    assert_eq!(fs::read(&stream).unwrap(), records[3].2);
    fs::remove_file(stream).unwrap();
    // And a backup on Windows has records of the same kind again, which Linux restores.
    let again = over_linux(&windows, &fixture, &there, "again");
    assert_eq!(read(&again.join("file"), "attributes").as_deref(), Ok(records[0].2));
    assert_eq!(read(&again.join("folder"), "attributes").as_deref(), Ok(records[4].2));
    let security = String::from_utf8(read(&again.join("file"), "security").unwrap()).unwrap();
    assert!(security.contains(";;;WD)"), "{security}");
    assert!(read(&again.join("file"), "created").is_ok());
    assert!(read(&again.join("folder/plain"), "attributes").is_err(), "what is usual has no record");
    // Once more all the way: what came from a Windows source is the same after Linux and Windows.
    let set = fixture.back_up(&again);
    let back = fixture.path("back");
    windows.restore(&fixture, &set.folder().to_string(), &back);
    let end = over_linux(&windows, &fixture, &back.join("tree"), "end");
    assert_same(&again, &end);
    for path in ["file", "folder", "folder/plain"] {
        for name in ["attributes", "security"] {
            assert_eq!(read(&end.join(path), name), read(&again.join(path), name), "{path} {name}");
        }
    }
}

/// Backs up on Windows and restores on Linux.
fn over_linux(windows: &Windows, fixture: &Fixture, tree: &Path, into: &str) -> PathBuf {
    let (folder, into) = (windows.back_up(fixture, tree), fixture.path(into));
    fixture.open(&folder.parse().unwrap()).restore(&fixture.opener).into(&into).unwrap();
    into.join("tree")
}

/// Returns a record that only Windows has a place for.
fn read(path: &Path, name: &str) -> rustix::io::Result<Vec<u8>> {
    let mut value = vec![0; 1000];
    let length = rustix::fs::getxattr(path, format!("user.azs.windows.{name}"), &mut value[..])?;
    Ok(value[..length].to_vec())
}
