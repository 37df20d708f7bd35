//! A share over SMB 3, against a real Samba.
#![cfg(all(unix, feature = "smb"))]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use azs_backup::alert::{AlertKind, Profile, classify_error};
use azs_backup::layout::{Deployment, SharePath};
use azs_backup::share::{
    Encryption, ItemKind, ShareCheck, SmbAccount, SmbBuilder, SmbDialect, Step, StepOutcome,
};
use azs_backup::{Error, ErrorKind, Share, SmbShare};
use common::noise;
use common::samba::{SMB_PASSWORD, Samba, account, other_user, user};

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

#[test]
fn ten_thousand_objects_and_names_of_every_kind_are_listed() {
    let samba = Samba::new();
    let share = samba.builder("data").connect().unwrap();
    let longest = "n".repeat(255);
    let names = ["Ünïcödé", "日本語", "🗄 box", "a;b", "under_score-dash.dot", "UPPER", &longest];
    share.create_folder(&path("names")).unwrap();
    for name in names {
        share
            .put(&path("names").join(azs_backup::layout::Name::new(name).unwrap()), name.as_bytes())
            .unwrap();
    }
    let listed: BTreeSet<_> = share.list(&path("names")).unwrap().into_iter().map(|item| item.name).collect();
    assert_eq!(listed, names.iter().map(|name| (*name).to_owned()).collect());
    fs::create_dir(samba.path("data/many")).unwrap();
    for number in 0..10_000 {
        fs::write(samba.path("data/many").join(format!("{number:06}")), b"x").unwrap();
    }
    let items = share.list(&path("many")).unwrap();
    assert_eq!(items.len(), 10_000);
    assert!(items.iter().all(|item| item.length == 1 && item.kind == ItemKind::File));
    assert_eq!(share.list(&path("names/none")).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_root_may_lie_below_the_share_and_must_be_there() {
    let samba = Samba::new();
    fs::create_dir_all(samba.path("data/a/b")).unwrap();
    let share = samba.builder(r"data\a\b").connect().unwrap();
    share.put(&path("object"), b"content").unwrap();
    assert_eq!(fs::read(samba.path("data/a/b/object")).unwrap(), b"content");
    assert_eq!(share.describe(), r"\\127.0.0.1\data\a\b");
    let error = samba.builder(r"data\a\none").connect().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[test]
fn many_threads_share_a_few_connections() {
    let samba = Samba::new();
    let share = samba.builder("data").connections(3).connect().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..16_u64 {
            let share = &share;
            scope.spawn(move || {
                let mut read = Vec::new();
                for number in 0..12 {
                    let (object, content) = (path(&format!("{thread}-{number}")), noise(thread, 300_000));
                    share.put(&object, &content).unwrap();
                    share.read(&object, 300_000, &mut read).unwrap();
                    assert!(read == content);
                }
            });
        }
    });
    assert_eq!(share.list(&SharePath::root()).unwrap().len(), 192);
    // One that is replaced may still be logging off.
    wait_until("no more connections than allowed", || (1..=3).contains(&samba.connections()));
    drop(share);
    wait_until("the log-off", || samba.connections() == 0);
}

#[test]
fn connecting_and_closing_leaks_nothing() {
    let samba = Samba::new();
    let count = |what: &str| fs::read_dir(format!("/proc/self/{what}")).unwrap().count();
    let cycle = || samba.builder("data").connect().unwrap().list(&SharePath::root()).unwrap();
    let cycles = std::env::var("AZS_TEST_CONNECTIONS").map_or(50, |count| count.parse().unwrap());
    cycle();
    let (files, threads) = (count("fd"), count("task"));
    for _ in 0..cycles {
        cycle();
    }
    // Other tests of this program run meanwhile.
    wait_until("threads and files to go", || count("fd") <= files + 40 && count("task") <= threads + 30);
    wait_until("the log-offs", || samba.connections() == 0);
}

#[test]
fn it_works_inside_the_runtime_of_somebody_else() {
    let samba = Samba::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let share = samba.builder("data").connect().unwrap();
        share.put(&path("object"), &noise(1, 3_000_000)).unwrap();
        tokio::task::yield_now().await;
        assert_eq!(share.list(&SharePath::root()).unwrap()[0].length, 3_000_000);
    });
}

#[test]
fn slow_storage_answers_twice_and_nothing_hangs() {
    // Every write is answered "later" first, which costs the client credits: connections are replaced in time.
    let slow = std::env::temp_dir();
    let slow = tempfile::tempdir_in(slow).unwrap();
    let samba = Samba::with(
        "",
        &format!("[slow]\n path = {}\n read only = no\n sync always = yes\n", slow.path().display()),
    );
    let share =
        samba.builder("slow").silence_limit(Duration::from_secs(10)).connections(2).connect().unwrap();
    let content = noise(1, 16 << 20);
    for number in 0..24 {
        share.put(&path(&format!("{number}")), &content).unwrap();
        share.remove(&path(&format!("{number}"))).unwrap();
    }
}

/// Waits for what happens by itself, but not forever.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(10), "waited 10 s for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn alert(error: &Error) -> AlertKind {
    classify_error(error, Profile::Refined).kind()
}

#[test]
fn what_keeps_one_out_has_a_kind_and_an_alert() {
    let samba = Samba::with(
        "map to guest = bad user\nguest account = daemon\nhost msdfs = yes",
        "[read only]
  path = DATA
[nobody]
  path = DATA
  valid users = nobody
[encrypted]
  path = DATA
  smb encrypt = required
[dfs]
  path = DATA
  msdfs root = yes
",
    );
    samba.add_user(&other_user(), SMB_PASSWORD);
    let at = |root: &str, account: SmbAccount, port: u16| {
        SmbShare::builder(root.parse().unwrap(), account).port(port).attempts(2)
    };
    let refused = |builder: SmbBuilder| {
        let begun = Instant::now();
        let error = builder.connect_limit(Duration::from_secs(3)).connect().unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(8), "{error}");
        let line = error.to_string();
        assert!(!line.contains(SMB_PASSWORD) && !format!("{error:?}").contains(SMB_PASSWORD), "{error:?}");
        (error.kind(), alert(&error), line)
    };
    let port = samba.port();
    let someone = |name: &str, password: &str| SmbAccount::new(format!(r"TEST\{name}"), password).unwrap();
    let cases = [
        (
            "a wrong password",
            at(r"\\127.0.0.1\data", someone(&user(), "wrong"), port),
            ErrorKind::LogonFailed,
            AlertKind::Authentication,
        ),
        (
            "a guest",
            at(r"\\127.0.0.1\data", someone("stranger", "any"), port),
            ErrorKind::LogonFailed,
            AlertKind::Authentication,
        ),
        ("no such share", at(r"\\127.0.0.1\none", account(), port), ErrorKind::NotFound, AlertKind::Path),
        (
            "no such folder",
            at(r"\\127.0.0.1\data\none", account(), port),
            ErrorKind::NotFound,
            AlertKind::Path,
        ),
        (
            "a share of others",
            at(r"\\127.0.0.1\nobody", account(), port),
            ErrorKind::AccessDenied,
            AlertKind::Authentication,
        ),
        (
            "no encryption where it is a must",
            samba.builder("encrypted").encryption(Encryption::Off),
            ErrorKind::AccessDenied,
            AlertKind::Authentication,
        ),
        ("a DFS root", at(r"\\127.0.0.1\dfs", account(), port), ErrorKind::Unsupported, AlertKind::General),
        (
            "a closed port",
            at(r"\\127.0.0.1\data", account(), closed_port()),
            ErrorKind::Unreachable,
            AlertKind::Connectivity,
        ),
        (
            "an unknown host",
            at(r"\\no-such-host.invalid\data", account(), port),
            ErrorKind::Unreachable,
            AlertKind::Connectivity,
        ),
        (
            "a web server",
            at(r"\\127.0.0.1\data", account(), web_server()),
            ErrorKind::Unreachable,
            AlertKind::Connectivity,
        ),
        (
            "a silent server",
            at(r"\\127.0.0.1\data", account(), silent_server()),
            ErrorKind::TimedOut,
            AlertKind::Connectivity,
        ),
    ];
    for (case, builder, kind, alert) in cases {
        let seen = refused(builder);
        assert_eq!((seen.0, seen.1), (kind, alert), "{case}: {}", seen.2);
    }
    // Accounts in a state.
    let other = |password: &str| at(r"\\127.0.0.1\data", someone(&other_user(), password), port);
    samba.pdbedit(&["-u", &other_user(), "-c", "[D]"], "");
    let seen = refused(other(SMB_PASSWORD));
    assert_eq!((seen.0, seen.1), (ErrorKind::LogonFailed, AlertKind::Authentication), "{}", seen.2);
    assert!(seen.2.contains("DISABLED"), "{}", seen.2);
    samba.pdbedit(&["-u", &other_user(), "-c", "[]"], "");
    // After three wrong passwords the account is locked: two shares that are refused make two attempts, whatever is
    // done with them, and a third makes the third.
    samba.pdbedit(&["-P", "bad lockout attempt", "-C", "3"], "");
    for _ in 0..2 {
        refused(other("wrong"));
    }
    other(SMB_PASSWORD).connect().unwrap();
    for _ in 0..3 {
        refused(other("wrong"));
    }
    let seen = refused(other(SMB_PASSWORD));
    assert_eq!((seen.0, seen.1), (ErrorKind::LogonFailed, AlertKind::Authentication), "{}", seen.2);
    assert!(seen.2.contains("LOCKED"), "{}", seen.2);
    samba.pdbedit(&["-P", "bad lockout attempt", "-C", "0"], "");
    samba.pdbedit(&["-u", &other_user(), "-z", "-c", "[]"], "");
    samba.pdbedit(&["-u", &other_user(), "-K", "1"], "");
    let seen = refused(other(SMB_PASSWORD));
    assert_eq!(seen.0, ErrorKind::LogonFailed, "{}", seen.2);
    assert!(seen.2.contains("EXPIRED"), "{}", seen.2);
    // On a share that is for reading only, what writes is refused.
    let share = samba.builder("read only").connect().unwrap();
    let error = share.put(&path("object"), b"").unwrap_err();
    assert_eq!(
        (error.kind(), alert(&error)),
        (ErrorKind::AccessDenied, AlertKind::Authentication),
        "{error}"
    );
}

#[test]
fn a_server_without_encryption_is_used_signed_unless_it_must_encrypt() {
    let samba = Samba::with("smb encrypt = off", "");
    let brisk = samba.builder("data").silence_limit(Duration::from_millis(700));
    let facts = brisk.connect().unwrap().facts().unwrap();
    assert!(!facts.encrypted, "{facts:?}");
    let error = samba.builder("data").encryption(Encryption::Required).connect().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let old = Samba::with("server max protocol = SMB3_02", "");
    let facts = old.builder("data").oldest_dialect(SmbDialect::Smb300).connect().unwrap().facts().unwrap();
    assert_eq!((facts.dialect, facts.encrypted), (SmbDialect::Smb302, false));
    let error = old.builder("data").connect().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[test]
fn accounts_are_written_in_three_ways_and_keep_their_password() {
    for (name, is_bare) in
        [(r"CONTOSO\azsbackup", false), ("azsbackup@contoso.com", false), ("azsbackup", true)]
    {
        let account = SmbAccount::new(name, "a secret").unwrap();
        assert_eq!((account.name(), account.is_bare()), (name, is_bare));
        assert!(!format!("{account:?}").contains("secret"));
    }
    for name in ["", "\\", r"A\", r"\user", "user@", "@domain", r"A\B\c", r"A\b@c", "a\nb", "a/b", "a:b"] {
        assert_eq!(SmbAccount::new(name, "p").unwrap_err().kind(), ErrorKind::InvalidArgument, "{name:?}");
    }
    assert_eq!(SmbAccount::new("user", "").unwrap_err().kind(), ErrorKind::InvalidArgument);
    let samba = Samba::new();
    let bare = SmbAccount::new(user(), SMB_PASSWORD).unwrap();
    SmbShare::builder(r"\\127.0.0.1\data".parse().unwrap(), bare).port(samba.port()).connect().unwrap();
}

#[test]
fn a_check_names_the_first_step_that_fails() {
    let samba = Samba::new();
    let check = ShareCheck::new(Deployment::new("contoso.com", "nyc").unwrap());
    let report = check.run_smb(&samba.builder("data"));
    let failed =
        report.first_failure().map(|failed| (failed.step, failed.seen.contains("is the share mounted")));
    assert_eq!(failed, Some((Step::Path, true)), "{}", report.to_table());
    let outcome = |report: &azs_backup::share::CheckReport, step| {
        report.steps.iter().find(|checked| checked.step == step).unwrap().outcome
    };
    assert_eq!(report.steps.len(), 14);
    assert_eq!(outcome(&report, Step::Path), StepOutcome::Failed, "the region folder is not there");
    assert_eq!(outcome(&report, Step::HardLink), StepOutcome::Passed);
    let report = check.clone().create_folders(true).run_smb(&samba.builder("data"));
    assert_eq!(outcome(&report, Step::Path), StepOutcome::Passed, "{}", report.to_table());
    assert!(samba.path("data/contoso.com/nyc").is_dir());
    assert_eq!(fs::read_dir(samba.path("data/contoso.com/nyc")).unwrap().count(), 0, "nothing is left");

    let fails = |builder: &SmbBuilder, step: Step, kind: ErrorKind| {
        let report = check.run_smb(builder);
        let failed = report.first_failure().unwrap_or_else(|| panic!("{}", report.to_table()));
        let alert = failed.alert.as_ref().unwrap();
        assert_eq!((failed.step, alert.error), (step, kind), "{}", report.to_table());
        assert!(!alert.remedy.is_empty());
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["steps"].as_array().unwrap().len(), 14, "{json:#}");
        assert_eq!(report.into_result().unwrap_err().kind(), kind);
    };
    let at = |root: &str| {
        SmbShare::builder(root.parse().unwrap(), account()).connect_limit(Duration::from_secs(2))
    };
    fails(&at(r"\\no-such-host.invalid\data"), Step::Name, ErrorKind::Unreachable);
    fails(&at(r"\\127.0.0.1\data").port(closed_port()), Step::Connection, ErrorKind::Unreachable);
    fails(&at(r"\\127.0.0.1\data").port(silent_server()), Step::Dialect, ErrorKind::TimedOut);
    let wrong = SmbAccount::new(r"TEST\nobody here", "wrong").unwrap();
    let wrong = SmbShare::builder(r"\\127.0.0.1\data".parse().unwrap(), wrong).port(samba.port());
    fails(&wrong, Step::LogOn, ErrorKind::LogonFailed);
    fails(&samba.builder("none"), Step::Share, ErrorKind::NotFound);
    fails(&samba.builder(r"data\none"), Step::Path, ErrorKind::NotFound);
    samba.set_shares("[fixed]\n path = DATA\n");
    fails(&samba.builder("fixed"), Step::Write, ErrorKind::AccessDenied);
}

fn closed_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Accepts, and says nothing.
fn silent_server() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut all = Vec::new();
        listener.incoming().for_each(|client| all.push(client));
    });
    port
}

/// Accepts, and says something else.
fn web_server() -> u16 {
    use std::io::Write;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let _ = client.unwrap().write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    port
}
