//! Paths through DFS namespaces: followed to the first target that answers, and named where that cannot be.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::common::samba::{Samba, account, user};
use crate::common::{Certificate, noise};
use azs_backup::layout::{Component, Deployment};
use azs_backup::share::{ShareCheck, SmbBuilder, Step, StepOutcome};
use azs_backup::{Backup, ErrorKind, Opener, Place, Set, Share, SmbShare};

/// A server of two namespaces and of a target. `links`: what each link of the first leads to.
fn namespace(links: &[(&str, &str)]) -> Samba {
    let samba = Samba::prepare(
        "host msdfs = yes",
        "[files]
  path = DATA/files
  msdfs root = yes
[inner]
  path = DATA/inner
  msdfs root = yes
[proxy]
  path = DATA/files
  msdfs root = yes
  msdfs proxy = \\127.0.0.1\\data
[backups]
  path = DATA/backups
  read only = no
",
    );
    for folder in ["files", "inner", "backups", "backups/below"] {
        let folder = samba.path("data").join(folder);
        std::fs::create_dir(&folder).unwrap();
        std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    }
    symlink(r"msdfs:127.0.0.1\backups", samba.path("data/inner/AzSBackups")).unwrap();
    for (link, targets) in links {
        symlink(format!("msdfs:{targets}"), samba.path("data/files").join(link)).unwrap();
    }
    samba.start();
    samba
}

fn at(samba: &Samba, path: &str) -> SmbBuilder {
    SmbShare::builder(path.parse().unwrap(), account())
        .port(samba.port())
        .connect_limit(Duration::from_secs(2))
        .attempts(2)
}

#[test]
fn a_path_is_followed_through_links_to_a_share() {
    let samba = namespace(&[
        ("AzSBackups", r"127.0.0.1\backups"),
        ("deep", r"127.0.0.1\backups\below"),
        ("inter", r"127.0.0.1\inner\AzSBackups"),
    ]);
    for (path, target) in [
        (r"\\127.0.0.1\files\AzSBackups", r"\\127.0.0.1\backups"),
        (r"\\127.0.0.1\files\AzSBackups\below", r"\\127.0.0.1\backups\below"),
        (r"\\127.0.0.1\files\deep", r"\\127.0.0.1\backups\below"),
        (r"\\127.0.0.1\files\inter", r"\\127.0.0.1\backups"),
        (r"\\127.0.0.1\files\inter\below", r"\\127.0.0.1\backups\below"),
        (r"\\127.0.0.1\proxy", r"\\127.0.0.1\data"),
        (r"\\127.0.0.1\proxy\backups", r"\\127.0.0.1\data\backups"),
    ] {
        let share = at(&samba, path).connect().unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(share.root().to_string(), target, "{path}");
        assert_eq!(share.namespace().unwrap().to_string(), path);
        assert_eq!(share.facts().unwrap().target.as_deref(), Some(target));
    }
    let direct = at(&samba, r"\\127.0.0.1\backups").connect().unwrap();
    assert!(direct.namespace().is_none() && direct.facts().unwrap().target.is_none());
}

#[test]
fn a_backup_through_a_namespace_lies_on_the_target_and_its_report_says_so() {
    let samba = namespace(&[("AzSBackups", r"127.0.0.1\inner\AzSBackups")]);
    let builder = at(&samba, r"\\127.0.0.1\files\AzSBackups");
    let deployment = Deployment::new("contoso.com", "nyc").unwrap();
    let check = ShareCheck::new(deployment.clone()).create_folders(true).run_smb(&builder);
    assert!(check.is_sound(), "{}", check.to_table());
    let step = check.steps.iter().find(|step| step.step == Step::Share).unwrap();
    assert_eq!(step.seen, r"\\127.0.0.1\files\AzSBackups leads to \\127.0.0.1\backups");
    assert_eq!(check.steps.len(), 14);
    let share: Arc<dyn Share> = Arc::new(builder.connect().unwrap());
    let certificate = Certificate::new("azs-backup test");
    let place = Place::new(deployment, Component::Switches);
    let builder = Backup::builder(share.clone(), place).certificate(certificate.encryption());
    let mut backup = builder.create(true).start().unwrap();
    backup.add_bytes("file", &noise(1, 100_000)[..]).unwrap();
    let report = backup.commit().unwrap();
    assert_eq!(report.protection.unwrap().target.as_deref(), Some(r"\\127.0.0.1\backups"));
    let set = Set::open(share, report.folder.clone()).unwrap();
    assert!(set.verify_full(&Opener::new(certificate.decryption())).run().unwrap().is_sound());
    assert!(samba.path("data/backups").join(report.folder.to_string()).join("backup.json").exists());
}

#[test]
fn the_first_target_that_answers_is_taken() {
    let samba = namespace(&[
        ("refused", r"127.0.0.9\backups,127.0.0.1\backups"),
        ("silent", r"127.0.0.8\backups,127.0.0.1\backups"),
        ("unknown", r"no-such-host.invalid\backups,127.0.0.1\backups"),
        ("no share", r"127.0.0.1\none,127.0.0.1\backups"),
        ("no folder", r"127.0.0.1\backups\none,127.0.0.1\backups"),
    ]);
    let _silent = TcpListener::bind(("127.0.0.8", samba.port())).unwrap();
    for (link, limit) in [("refused", 2), ("silent", 6), ("unknown", 4), ("no share", 2), ("no folder", 2)] {
        let begun = Instant::now();
        let share = at(&samba, &format!(r"\\127.0.0.1\files\{link}")).connect();
        let share = share.unwrap_or_else(|error| panic!("{link}: {error}"));
        assert_eq!(share.root().to_string(), r"\\127.0.0.1\backups", "{link}");
        assert!(begun.elapsed() < Duration::from_secs(limit), "{link}: {:?}", begun.elapsed());
    }
}

#[test]
fn what_leads_nowhere_is_said_with_the_targets() {
    let samba = namespace(&[
        ("dead", r"127.0.0.9\backups,no-such-host.invalid\AzSBackups"),
        ("circle", r"127.0.0.1\files\back"),
        ("back", r"127.0.0.1\files\circle"),
        ("theirs", r"127.0.0.1\backups\MASBackup"),
    ]);
    for (path, kind, words) in [
        ("dead", ErrorKind::Unreachable, &[r"\\127.0.0.9\backups", r"\\no-such-host.invalid\AzSBackups"][..]),
        (
            "circle",
            ErrorKind::Unsupported,
            &["no target of the DFS path can be used: open", "more than 8 links"],
        ),
        ("none", ErrorKind::NotFound, &["no link for this path"]),
        ("", ErrorKind::Unsupported, &["give the path of one of its links"]),
        ("theirs", ErrorKind::Unsupported, &["give the path of the file server"]),
    ] {
        let path = format!(r"\\127.0.0.1\files\{path}");
        let builder = at(&samba, path.trim_end_matches('\\'));
        let begun = Instant::now();
        let error = builder.clone().connect().unwrap_err();
        println!("| {path} | {:.1} s | {error}", begun.elapsed().as_secs_f64());
        assert_eq!(error.kind(), kind, "{path}: {error}");
        let text = error.to_string();
        assert!(words.iter().all(|word| text.contains(word)) && !text.contains('\n'), "{path}: {text}");
        let check = ShareCheck::new(Deployment::new("contoso.com", "nyc").unwrap()).run_smb(&builder);
        let failed = check.first_failure().unwrap();
        assert_eq!((failed.step, failed.outcome), (Step::Share, StepOutcome::Failed), "{}", check.to_table());
    }
}

#[test]
fn circles_with_several_targets_end_soon() {
    let samba = namespace(&[
        ("a", r"127.0.0.1\files\b,127.0.0.1\files\c"),
        ("b", r"127.0.0.1\files\a,127.0.0.1\files\c"),
        ("c", r"127.0.0.1\files\a,127.0.0.1\files\b"),
    ]);
    let error = at(&samba, r"\\127.0.0.1\files\a").connect().unwrap_err();
    let text = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{text}");
    // One dead end for each target that is tried at the most.
    assert!(
        text.matches("more than 8 links").count() <= 24 && text.len() < 8_000,
        "{} bytes: {text}",
        text.len()
    );
    assert!(text.contains("more than 24 targets"), "{text}");
}

#[test]
fn an_account_that_was_refused_is_tried_nowhere_else_however_deep() {
    let samba = namespace(&[
        ("one", r"127.0.0.7\data,127.0.0.7\data\x"),
        ("two", r"127.0.0.7\data,127.0.0.7\data\y"),
        ("outer", r"127.0.0.1\files\one,127.0.0.1\files\two"),
    ]);
    let other = Samba::prepare("", "");
    other.add_user(&user(), "another password");
    other.start();
    let (refusing, port) = (TcpListener::bind(("127.0.0.7", samba.port())).unwrap(), other.port());
    let log_ons = Arc::new(AtomicUsize::new(0));
    let count = log_ons.clone();
    std::thread::spawn(move || {
        for one in refusing.incoming() {
            count.fetch_add(1, Ordering::SeqCst);
            let (one, other) = (one.unwrap(), TcpStream::connect(("127.0.0.1", port)).unwrap());
            for (mut from, mut to) in [(one.try_clone().unwrap(), other.try_clone().unwrap()), (other, one)] {
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Both);
                });
            }
        }
    });
    for link in ["one", "outer"] {
        log_ons.store(0, Ordering::SeqCst);
        let error = at(&samba, &format!(r"\\127.0.0.1\files\{link}")).connect().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LogonFailed, "{link}: {error}");
        assert_eq!(log_ons.load(Ordering::SeqCst), 1, "{link}: {error}");
    }
}

#[test]
fn a_link_with_too_many_targets_is_said_to_be_one() {
    let many: Vec<_> =
        (0..6).map(|number| format!(r"fileserver{number:02}.contoso.com\AzSBackups")).collect();
    let samba =
        namespace(&[("a link with a long name of some sixty letters, as companies have", &many.join(","))]);
    let path = r"\\127.0.0.1\files\a link with a long name of some sixty letters, as companies have";
    let error = at(&samba, path).connect().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("give the path of one of its file servers"), "{error}");
}
