//! What a server refuses during a run: each refusal ends it at once with the right alert, and leaves no false
//! set.
//!
//! `cargo test --test file_server smb_refusals:: -- --nocapture --test-threads 1` prints the table.
#![cfg(all(unix, feature = "smb"))]

use crate::common;

use std::fs;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::night::{Night, NightResult, alert, walk};
use crate::common::noise;
use crate::common::samba::{SMB_PASSWORD, other_user, user};
use azs_backup::alert::AlertKind;
use azs_backup::{ErrorKind, Share};

#[test]
fn an_account_that_is_refused_in_the_midst_of_a_run_is_an_authentication_alert() {
    let night = Night::new();
    let bytes = night.first_backup();
    let user = user();
    let break_connections = || {
        night.samba.kill();
        night.samba.start();
    };
    // While a session lasts, nobody asks for the password again.
    let outcome = night.during(bytes / 2, || {
        night.samba.add_user(&user, "another password");
        break_connections();
    });
    outcome.say("password changed, connections broken");
    assert_eq!(outcome.alert(), Some(AlertKind::Authentication));
    assert_eq!(outcome.result.as_ref().unwrap_err().kind(), ErrorKind::LogonFailed);
    night.samba.add_user(&user, SMB_PASSWORD);
    let complete = night.assert_recovers(&outcome, 1);
    let outcome = night.during(bytes / 2, || {
        night.samba.pdbedit(&["-u", &user, "-c", "[D]"], "");
        break_connections();
    });
    outcome.say("account disabled, connections broken");
    assert_eq!(outcome.alert(), Some(AlertKind::Authentication));
    night.samba.pdbedit(&["-u", &user, "-c", "[]"], "");
    night.assert_recovers(&outcome, complete);
}

#[test]
fn folders_and_shares_that_go_in_the_midst_of_a_run_are_a_path_alert() {
    let night = Night::new();
    let bytes = night.first_backup();
    let away = night.samba.path("away");
    let outcome = night.during(bytes / 2, || {
        fs::rename(night.root().join("contoso.com"), &away).unwrap();
    });
    outcome.say("region folder removed");
    assert_eq!(outcome.alert(), Some(AlertKind::Path));
    let _ = fs::remove_dir_all(night.root().join("contoso.com"));
    fs::rename(&away, night.root().join("contoso.com")).unwrap();
    night.assert_recovers(&outcome, 1);
    let outcome = night.during(bytes / 2, || {
        fs::rename(night.root(), &away).unwrap();
        night.samba.kill();
        night.samba.start();
    });
    outcome.say("folder of the share removed, connections broken");
    assert_eq!(outcome.alert(), Some(AlertKind::Path));
    fs::rename(&away, night.root()).unwrap();
    night.assert_recovers(&outcome, 2);
}

#[test]
fn rights_that_are_withdrawn_are_an_authentication_alert() {
    let share = "[other]\n path = DATA\n read only = no\n";
    let night = Night::with("", share, 9_000_000);
    let bytes = night.first_backup();
    night.samba.add_user(&other_user(), SMB_PASSWORD);
    let account =
        azs_backup::share::SmbAccount::new(format!(r"TEST\{}", other_user()), SMB_PASSWORD).unwrap();
    let open = |night: &Night| {
        for path in walk(&night.root()) {
            let _ = fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o777));
        }
    };
    open(&night);
    let builder = azs_backup::SmbShare::builder(r"\\127.0.0.1\other".parse().unwrap(), account)
        .port(night.proxy.port());
    let outcome = night.during_by(builder.attempts(3), bytes / 2, || {
        for path in walk(&night.root()).into_iter().filter(|path| path.is_dir()) {
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o555)).unwrap();
        }
    });
    outcome.say("rights withdrawn");
    assert_eq!(outcome.alert(), Some(AlertKind::Authentication));
    assert_eq!(outcome.result.as_ref().unwrap_err().kind(), ErrorKind::AccessDenied);
    open(&night);
    night.assert_recovers(&outcome, 1);
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
        outcome.say(&format!("share full {moment}"));
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
    let object: azs_backup::layout::SharePath = "object".parse().unwrap();
    share.put(&object, b"content").unwrap();
    // A virus scanner has it open for a while, and lets nobody delete or rename it.
    let mut scanner = Scanner::open(&night, "object");
    let begun = Instant::now();
    let error = share.remove(&object).unwrap_err();
    let took = begun.elapsed();
    assert_eq!(alert(&error), AlertKind::General);
    assert!(error.to_string().contains("STATUS_SHARING_VIOLATION"), "{error}");
    assert!((0.5..10.0).contains(&took.as_secs_f64()), "{took:?}");
    NightResult { result: Err(error), took }.say("file in use for good");
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
        // It does one command after the other. What it prints stays in its buffer, and so may a line that comes at
        // once.
        let opened = night.samba.path("opened");
        let _ = fs::remove_file(&opened);
        let begun = Instant::now();
        while !opened.exists() {
            assert!(begun.elapsed() < Duration::from_secs(20), "smbclient does not open {file}");
            std::thread::sleep(Duration::from_millis(100));
            writeln!(child.stdin.as_mut().unwrap(), "!touch {}", opened.display()).unwrap();
        }
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
