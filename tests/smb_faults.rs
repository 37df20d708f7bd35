//! What a bad night does to backups over SMB: each fault ends in minutes, with the right alert, and leaves no false set.
//!
//! `cargo test --test smb_faults -- --nocapture --test-threads 1` prints the table of faults.
#![cfg(all(unix, feature = "smb"))]

mod common;

use std::fs;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use azs_backup::alert::AlertKind;
use azs_backup::share::Encryption;
use azs_backup::{ErrorKind, RestoreOptions, Set, Share, no_progress, restore, verify_full};
use common::night::{Night, Outcome, alert};
use common::noise;
use common::proxy::Fault;
use common::samba::{SMB_PASSWORD, other_user, user};

fn say(line: &str) {
    println!("{line}");
}

/// The moments of a backup, as shares of the bytes that it moves.
const MOMENTS: [(&str, f64); 9] = [
    ("connecting", 0.0),
    ("negotiating", 0.000_02),
    ("logging on", 0.000_08),
    ("opening the share", 0.000_12),
    ("first folders", 0.000_3),
    ("first put", 0.1),
    ("in the midst of puts", 0.5),
    ("last put", 0.97),
    ("commit", 0.998),
];

/// Bytes that one undisturbed backup moves, which is then an earlier set to keep.
fn first_backup(night: &Night) -> u64 {
    let first = night.backup();
    night.assert_restores(first.result.as_ref().unwrap());
    night.proxy.passed()
}

/// What holds after every fault: no false set, the earlier ones whole, and a later run completes. Gives how many
/// complete sets there are then.
fn assert_recovers(night: &Night, outcome: &Outcome, before: usize) -> usize {
    let now = before + usize::from(outcome.result.is_ok());
    let (complete, _) = night.assert_no_false_set(now);
    // When the last answer of all is lost, the set is complete, and the run does not know it.
    assert!(complete <= before + 1, "{complete} sets, {before} before");
    let later = night.backup();
    night.assert_restores(later.result.as_ref().unwrap_or_else(|e| panic!("{e:?}")));
    complete + 1
}

#[test]
fn a_connection_that_ends_at_any_moment_is_made_anew() {
    let night = Night::new();
    let bytes = first_backup(&night);
    let mut complete = 1;
    for fault in [Fault::Cut, Fault::Reset, Fault::Corrupt] {
        for (moment, at) in MOMENTS {
            night.proxy.set(Fault::None);
            night.proxy.after((bytes as f64 * at) as u64, fault);
            if fault == Fault::Corrupt {
                // A little of it, then no more.
                night.proxy.after((bytes as f64 * at) as u64 + 1, Fault::None);
            }
            let outcome = night.backup();
            say(&outcome.line(&format!("{fault:?} once, {moment}")));
            assert!(outcome.took < Duration::from_secs(20));
            complete += 1;
            night.assert_no_false_set(complete);
            assert!(outcome.result.is_ok());
        }
    }
    say(&format!("longest: {:.1} s", night.longest().as_secs_f64()));
}

#[test]
fn a_cable_that_is_pulled_at_any_moment_ends_in_an_alert() {
    let night = Night::new();
    let bytes = first_backup(&night);
    let mut complete = 1;
    for (moment, at) in MOMENTS {
        night.proxy.set(Fault::None);
        night.proxy.after((bytes as f64 * at) as u64, Fault::Stall);
        let outcome = night.backup();
        say(&outcome.line(&format!("link dead for good, {moment}")));
        if outcome.result.is_ok() {
            // All was done, and only the log-off was not answered.
            assert_eq!(moment, "commit");
        } else {
            assert_eq!(outcome.alert(), Some(AlertKind::Connectivity), "{moment}");
        }
        assert!(outcome.took < Duration::from_secs(40), "{moment}");
        night.proxy.set(Fault::None);
        complete = assert_recovers(&night, &outcome, complete);
    }
    // For so long that the connections are given up, and then back.
    for seconds in [1, 4] {
        let outcome = during(&night, bytes / 2, || std::thread::sleep(Duration::from_secs(seconds)));
        say(&outcome.line(&format!("link dead for {seconds} s, with 1.5 s of patience")));
        assert!(outcome.result.is_ok());
        complete = assert_recovers(&night, &outcome, complete);
    }
    say(&format!("longest: {:.1} s", night.longest().as_secs_f64()));
}

#[test]
fn a_server_that_dies_freezes_or_restarts_ends_in_an_alert_or_a_backup() {
    let night = Night::new();
    let bytes = first_backup(&night);
    let mut complete = 1;
    let samba = &night.samba;
    let restart = || {
        samba.kill();
        std::thread::sleep(Duration::from_millis(500));
        samba.start();
    };
    let freeze_a_while = || {
        samba.freeze();
        std::thread::sleep(Duration::from_secs(1));
        samba.thaw();
    };
    let faults: [(&str, bool, &(dyn Fn() + Sync)); 4] = [
        ("killed", false, &|| samba.kill()),
        ("restarted", true, &restart),
        ("frozen", false, &|| samba.freeze()),
        ("frozen for 1 s", true, &freeze_a_while),
    ];
    for (moment, at) in [("first put", 0.05), ("in the midst of puts", 0.5), ("last put", 0.95)] {
        for (what, completes, fault) in faults {
            let outcome = during(&night, (bytes as f64 * at) as u64, fault);
            say(&outcome.line(&format!("server {what}, {moment}")));
            assert_eq!(outcome.result.is_ok(), completes);
            if !completes {
                assert_eq!(outcome.alert(), Some(AlertKind::Connectivity));
            }
            assert!(outcome.took < Duration::from_secs(40));
            if what == "killed" {
                samba.start();
            }
            samba.thaw();
            complete = assert_recovers(&night, &outcome, complete);
        }
    }
    say(&format!("longest: {:.1} s", night.longest().as_secs_f64()));
}

/// A backup, and something that happens when so many bytes of it have passed, while no more do.
fn during(night: &Night, bytes: u64, happen: impl Fn() + Sync) -> Outcome {
    night.proxy.set(Fault::None);
    night.proxy.after(bytes, Fault::Stall);
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !night.proxy.is_stalled() {
                assert!(!ended.load(Ordering::Relaxed), "the backup ended before anything happened");
                std::thread::sleep(Duration::from_millis(1));
            }
            happen();
            night.proxy.set(Fault::None);
        });
        let outcome = night.backup();
        ended.store(true, Ordering::Relaxed);
        outcome
    })
}

#[test]
fn reading_back_meets_the_same_faults() {
    let night = Night::new();
    let first = night.backup().result.unwrap();
    let before = night.proxy.passed();
    let read = |builder: azs_backup::SmbBuilder| -> azs_backup::Result<()> {
        let share: Arc<dyn Share> = Arc::new(builder.connect()?);
        let set = Set::open(share, first.clone())?;
        verify_full(&set, &night.opener(), &mut no_progress)?.into_result()?;
        let target = night.target();
        let restored = restore(&set, &night.opener(), &target, &RestoreOptions::default(), &mut no_progress);
        let _ = fs::remove_dir_all(target);
        restored.map(drop)
    };
    read(night.builder()).unwrap();
    let bytes = night.proxy.passed() - before;
    for (fault, completes) in [(Fault::Cut, true), (Fault::Reset, true), (Fault::Stall, false)] {
        for (moment, at) in [("open", 0.001), ("verify", 0.25), ("restore", 0.75)] {
            night.proxy.set(Fault::None);
            night.proxy.after((bytes as f64 * at) as u64, fault);
            let begun = Instant::now();
            let result = read(night.builder());
            let outcome = Outcome { result: result.map(|()| first.clone()), took: begun.elapsed() };
            say(&outcome.line(&format!("{fault:?}, {moment}")));
            assert_eq!(outcome.result.is_ok(), completes);
            assert!(completes || outcome.alert() == Some(AlertKind::Connectivity));
            assert!(outcome.took < Duration::from_secs(40));
        }
    }
    night.proxy.set(Fault::None);
    read(night.builder()).unwrap();
}

#[test]
fn a_slow_or_choppy_link_is_slow_and_no_more() {
    let night = Night::with("", "", 400_000);
    for fault in [
        Fault::Slow(64 << 10),
        Fault::Split(1400, Duration::from_millis(1)),
        Fault::Delay(Duration::from_millis(30)),
    ] {
        night.proxy.set(fault);
        let outcome = night.backup_by(night.builder().silence_limit(Duration::from_secs(10)));
        say(&outcome.line(&format!("{fault:?}")));
        assert!(outcome.took < Duration::from_secs(60));
        night.proxy.set(Fault::None);
        night.assert_restores(outcome.result.as_ref().unwrap());
    }
}

#[test]
fn a_server_that_cannot_be_reached_is_tried_a_few_times() {
    let night = Night::new();
    night.proxy.refuse();
    let outcome = night.backup();
    say(&outcome.line("connections refused"));
    assert_eq!(outcome.result.unwrap_err().kind(), ErrorKind::Unreachable);
    assert!((0.9..20.0).contains(&outcome.took.as_secs_f64()), "{:?}", outcome.took);
    // It comes back while it is tried.
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(600));
            night.proxy.accept();
        });
        night.backup()
    });
    say(&outcome.line("connections refused for 0.6 s"));
    night.assert_restores(outcome.result.as_ref().unwrap());
}

#[test]
fn signatures_that_are_wrong_are_not_taken() {
    let night = Night::new();
    for encryption in [Encryption::Off, Encryption::Preferred] {
        let share = night.builder().encryption(encryption).connect().unwrap();
        share.create_folder(&format!("{encryption:?}").parse().unwrap()).unwrap();
        night.proxy.set(Fault::Corrupt);
        let begun = Instant::now();
        let error = share.list(&azs_backup::SharePath::root()).unwrap_err();
        assert_eq!(alert(&error), AlertKind::General, "{error:?}");
        assert!(error.to_string().contains("STATUS_INVALID_SIGNATURE"), "{error}");
        say(&Outcome { result: Err(error), took: begun.elapsed() }
            .line(&format!("encryption {encryption:?}, every answer changed on its way")));
        assert!(begun.elapsed() < Duration::from_secs(40));
        night.proxy.set(Fault::None);
    }
}

#[test]
fn an_account_that_is_refused_in_the_midst_of_a_run_is_an_authentication_alert() {
    let night = Night::new();
    let bytes = first_backup(&night);
    let user = user();
    let break_connections = || {
        night.samba.kill();
        night.samba.start();
    };
    // While a session lasts, nobody asks for the password again.
    let outcome = during(&night, bytes / 2, || {
        night.samba.add_user(&user, "another password");
        break_connections();
    });
    say(&outcome.line("password changed, connections broken"));
    assert_eq!(outcome.alert(), Some(AlertKind::Authentication));
    assert_eq!(outcome.result.as_ref().unwrap_err().kind(), ErrorKind::LogonFailed);
    night.samba.add_user(&user, SMB_PASSWORD);
    let complete = assert_recovers(&night, &outcome, 1);
    let outcome = during(&night, bytes / 2, || {
        night.samba.pdbedit(&["-u", &user, "-c", "[D]"], "");
        break_connections();
    });
    say(&outcome.line("account disabled, connections broken"));
    assert_eq!(outcome.alert(), Some(AlertKind::Authentication));
    night.samba.pdbedit(&["-u", &user, "-c", "[]"], "");
    assert_recovers(&night, &outcome, complete);
}

#[test]
fn folders_and_shares_that_go_in_the_midst_of_a_run_are_a_path_alert() {
    let night = Night::new();
    let bytes = first_backup(&night);
    let away = night.samba.path("away");
    let outcome = during(&night, bytes / 2, || {
        fs::rename(night.root().join("contoso.com"), &away).unwrap();
    });
    say(&outcome.line("region folder removed"));
    assert_eq!(outcome.alert(), Some(AlertKind::Path));
    let _ = fs::remove_dir_all(night.root().join("contoso.com"));
    fs::rename(&away, night.root().join("contoso.com")).unwrap();
    assert_recovers(&night, &outcome, 1);
    let outcome = during(&night, bytes / 2, || {
        fs::rename(night.root(), &away).unwrap();
        night.samba.kill();
        night.samba.start();
    });
    say(&outcome.line("folder of the share removed, connections broken"));
    assert_eq!(outcome.alert(), Some(AlertKind::Path));
    fs::rename(&away, night.root()).unwrap();
    assert_recovers(&night, &outcome, 2);
}

#[test]
fn rights_that_are_withdrawn_are_an_authentication_alert() {
    let share = "[other]\n path = DATA\n read only = no\n";
    let night = Night::with("", share, 9_000_000);
    let bytes = first_backup(&night);
    night.samba.add_user(&other_user(), SMB_PASSWORD);
    let account = azs_backup::SmbAccount::new(format!(r"TEST\{}", other_user()), SMB_PASSWORD).unwrap();
    let open = |night: &Night| {
        for path in walk(&night.root()) {
            let _ = fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o777));
        }
    };
    open(&night);
    let builder =
        azs_backup::SmbBuilder::new(r"\\127.0.0.1\other".parse().unwrap(), account).port(night.proxy.port());
    night.proxy.after(bytes / 2, Fault::Stall);
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !night.proxy.is_stalled() {
                std::thread::sleep(Duration::from_millis(1));
            }
            for path in walk(&night.root()).into_iter().filter(|path| path.is_dir()) {
                fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o555)).unwrap();
            }
            night.proxy.set(Fault::None);
        });
        night.backup_by(builder.attempts(3))
    });
    say(&outcome.line("rights withdrawn"));
    assert_eq!(outcome.alert(), Some(AlertKind::Authentication));
    assert_eq!(outcome.result.as_ref().unwrap_err().kind(), ErrorKind::AccessDenied);
    open(&night);
    assert_recovers(&night, &outcome, 1);
}

fn walk(root: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut all = vec![root.to_owned()];
    let mut at = 0;
    while at < all.len() {
        if let Ok(items) = fs::read_dir(&all[at]) {
            all.extend(items.flatten().map(|item| item.path()));
        }
        at += 1;
    }
    all
}

#[test]
fn a_full_share_is_a_capacity_alert_and_a_later_run_completes() {
    // A file system of its own takes root's rights to mount; without them its size is not to be had.
    let is_root = String::from_utf8(common::run(Command::new("id").arg("-u")).stdout).unwrap().trim() == "0";
    if !is_root {
        eprintln!("NOT RUN without root: a share that is really full");
        return;
    }
    let night = Night::new();
    let mount = Mount::tmpfs(&night.root(), "24m");
    let first = night.backup();
    night.assert_restores(first.result.as_ref().unwrap());
    let filler = night.root().join("filler");
    let free = || night.native().space().unwrap().free;
    // Too little for a segment, for the last ones, and for the few bytes of the commit: what the same backup took
    // without them, in pages of memory.
    let set = night.native().list(first.result.as_ref().unwrap()).unwrap();
    let data = set.iter().filter(|file| file.name.ends_with(".p7m"));
    let pages: u64 = data.map(|file| file.length.div_ceil(4096) * 4096).sum();
    for (moment, left) in
        [("in the first put", 1_000_000), ("in a later put", 6_500_000), ("in the commit", pages + 4096)]
    {
        let taken = free().saturating_sub(left);
        fs::write(&filler, noise(1, taken as usize)).unwrap();
        let outcome = night.backup();
        say(&outcome.line(&format!("share full {moment}")));
        assert_eq!(outcome.alert(), Some(AlertKind::OutOfCapacity), "{moment}");
        assert_eq!(outcome.result.as_ref().unwrap_err().kind(), ErrorKind::OutOfCapacity);
        fs::remove_file(&filler).unwrap();
        let (_, unfinished) = night.assert_no_false_set(1);
        assert_eq!(unfinished, 0, "a full share is left as it was: {:?}", walk(&night.root()));
    }
    let later = night.backup();
    night.assert_restores(later.result.as_ref().unwrap());
    drop(mount);
}

/// A file system in memory, for as long as the value lives.
struct Mount(std::path::PathBuf);

impl Mount {
    fn tmpfs(folder: &std::path::Path, size: &str) -> Self {
        let options = format!("size={size},mode=0777");
        common::run(Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder));
        Self(folder.to_owned())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_file_in_use_is_waited_for() {
    let night = Night::new();
    let share = night.builder().connect().unwrap();
    let object: azs_backup::SharePath = "object".parse().unwrap();
    share.put(&object, b"content").unwrap();
    // A virus scanner has it open for a while, and lets nobody delete or rename it.
    let mut scanner = Scanner::open(&night, "object");
    let begun = Instant::now();
    let error = share.remove(&object).unwrap_err();
    let took = begun.elapsed();
    assert_eq!(alert(&error), AlertKind::General);
    assert!(error.to_string().contains("STATUS_SHARING_VIOLATION"), "{error}");
    assert!((0.5..10.0).contains(&took.as_secs_f64()), "{took:?}");
    say(&Outcome { result: Err(error), took }.line("file in use for good"));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            scanner.close();
        });
        share.remove(&object).unwrap();
    });
}

/// Somebody else's client that has a file open and shares it for reading only.
struct Scanner(Child);

impl Scanner {
    fn open(night: &Night, file: &str) -> Self {
        let mut command = Command::new("smbclient");
        command.arg("-s").arg(night.samba.path("smb.conf")).arg("-p").arg(night.samba.port().to_string());
        command.arg("-U").arg(format!("{}%{SMB_PASSWORD}", user())).arg("//127.0.0.1/data");
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        writeln!(child.stdin.as_mut().unwrap(), "open {file}").unwrap();
        std::thread::sleep(Duration::from_millis(1000));
        Self(child)
    }

    fn close(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Scanner {
    fn drop(&mut self) {
        self.close();
    }
}
