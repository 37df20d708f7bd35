//! The settings of file servers that are in the field, each a row: what a share does there, or what its refusal says.
#![cfg(all(unix, feature = "smb"))]

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::common::samba::Samba;
use crate::common::{Certificate, noise};
use azs_backup::Backup;
use azs_backup::layout::{Component, Deployment, SharePath, UncPath};
use azs_backup::share::{
    Encryption, ShareCheck, SmbAccount, SmbBuilder, SmbDialect, SmbFacts, SmbShare, StepOutcome,
};
use azs_backup::{ErrorKind, Opener, Place, Set, Share};

fn path(text: &str) -> SharePath {
    text.parse().unwrap()
}

fn deployment() -> Deployment {
    "contoso.com/nyc".parse().unwrap()
}

/// What a backup needs of a share: the check is content, and objects of many blocks come back as they were, by several
/// threads at once.
fn works(name: &str, builder: &SmbBuilder) -> SmbFacts {
    let share = builder.clone().connect().unwrap_or_else(|error| panic!("{name}: {error}"));
    let report = ShareCheck::new(deployment()).create_folders(true).run_smb(builder);
    assert!(report.is_sound(), "{name}:\n{}", report.to_table());
    let warned: Vec<_> = report.steps.iter().filter(|step| step.outcome == StepOutcome::Warned).collect();
    assert!(warned.iter().all(|step| step.step.as_str() == "space"), "{name}:\n{}", report.to_table());
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let share = &share;
            scope.spawn(move || objects_come_back(name, share, thread));
        }
    });
    share.facts().unwrap()
}

fn objects_come_back(name: &str, share: &SmbShare, thread: u64) {
    let object = path(&format!("object-{thread}"));
    let content = noise(thread, 3_000_001);
    share.put(&object, &content).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut read = Vec::new();
    share.read(&object, 3_000_001, &mut read).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(read == content, "{name}");
    share.remove(&object).unwrap();
}

#[test]
fn requests_are_no_larger_than_the_server_grants() {
    for (name, settings, block) in [
        ("small writes", "smb2 max write = 65536", 65_536),
        ("small reads", "smb2 max read = 65536", 1 << 20),
        ("all small", "smb2 max write = 65536\nsmb2 max read = 65536\nsmb2 max trans = 65536", 65_536),
        ("odd sizes", "smb2 max write = 100000\nsmb2 max read = 70001\nsmb2 max trans = 65537", 100_000),
        ("as installed", "", 1 << 20),
    ] {
        let samba = Samba::with(settings, "");
        for encryption in [Encryption::Required, Encryption::Off] {
            let facts = works(name, &samba.builder("data").encryption(encryption));
            assert_eq!(facts.block, block, "{name}");
        }
    }
}

#[test]
fn a_check_sees_that_a_server_refuses_what_it_grants() {
    // The proof that the check writes more than one block: what it leaves out, nobody would see before the first backup.
    let samba = Samba::new();
    let report = ShareCheck::new(deployment()).create_folders(true).run_smb(&samba.builder("data"));
    let write = report.steps.iter().find(|step| step.step.as_str() == "write").unwrap();
    let facts = samba.builder("data").connect().unwrap().facts().unwrap();
    let bytes: u64 = write.seen.split_once(' ').unwrap().0.parse().unwrap();
    assert!(bytes > u64::from(facts.block), "{}", write.seen);
}

#[test]
fn ciphers_that_work_are_used_and_others_are_named() {
    let of = |algorithms: &str| format!("server smb3 encryption algorithms = {algorithms}");
    for (algorithms, cipher) in [
        ("AES-128-GCM", Some("Aes128Gcm")),
        ("AES-256-GCM, AES-256-CCM, AES-128-GCM, AES-128-CCM", Some("Aes128Gcm")),
        ("AES-128-CCM, AES-128-GCM", Some("Aes128Gcm")),
        ("AES-256-GCM", None),
        ("AES-256-CCM, AES-256-GCM", None),
        ("AES-128-CCM", None),
    ] {
        let samba = Samba::with(&of(algorithms), "");
        for encryption in [Encryption::Required, Encryption::Preferred] {
            let builder = samba.builder("data").encryption(encryption);
            if cipher.is_some() {
                assert_eq!(works(algorithms, &builder).cipher.as_deref(), cipher, "{algorithms}");
                continue;
            }
            refused(algorithms, builder, ErrorKind::Unsupported, &["AES-128-GCM", "EncryptionCiphers"]);
        }
        let facts = works(algorithms, &samba.builder("data").encryption(Encryption::Off));
        assert!(!facts.encrypted && facts.cipher.is_none(), "{algorithms}: {facts:?}");
    }
}

/// A refusal comes at once, is of this kind, and says what to do in one line.
fn refused(name: &str, builder: SmbBuilder, kind: ErrorKind, words: &[&str]) {
    let begun = Instant::now();
    let error = builder.connect().unwrap_err();
    println!("| {name} | {:.1} s | {error}", begun.elapsed().as_secs_f64());
    assert_eq!(error.kind(), kind, "{name}: {error}");
    let text = error.to_string();
    assert!(words.iter().all(|word| text.contains(word)) && !text.contains('\n'), "{name}: {text}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{name}: {:?}", begun.elapsed());
}

#[test]
fn the_dialect_is_the_newest_unless_an_older_one_is_allowed() {
    for (newest, dialect) in
        [("SMB3_11", SmbDialect::Smb311), ("SMB3_02", SmbDialect::Smb302), ("SMB3_00", SmbDialect::Smb300)]
    {
        let samba = Samba::with(&format!("server max protocol = {newest}"), "");
        let older = samba.builder("data").oldest_dialect(SmbDialect::Smb300);
        let facts = works(newest, &older);
        assert_eq!((facts.dialect, facts.encrypted), (dialect, dialect == SmbDialect::Smb311), "{newest}");
        if dialect != SmbDialect::Smb311 {
            refused(
                newest,
                samba.builder("data"),
                ErrorKind::Unsupported,
                &["3.1.1", "oldest_dialect", "gives up"],
            );
            let required = older.encryption(Encryption::Required);
            refused(newest, required, ErrorKind::Unsupported, &["encryption needs SMB 3.1.1"]);
        }
    }
    // One that must not be asked for less than 3.0.
    for newest in ["SMB2_10", "SMB2_02"] {
        let samba = Samba::with(&format!("server min protocol = SMB2\nserver max protocol = {newest}"), "");
        for oldest in [SmbDialect::Smb311, SmbDialect::Smb300] {
            let builder = samba.builder("data").oldest_dialect(oldest);
            refused(newest, builder, ErrorKind::Unsupported, &["SMB 3.0 or later is needed"]);
        }
    }
    let samba = Samba::with("server min protocol = NT1\nserver max protocol = NT1", "");
    refused(
        "NT1",
        samba.builder("data").attempts(1),
        ErrorKind::Unreachable,
        &["SMB 3.0 or later is needed"],
    );
}

#[test]
fn a_report_says_what_protected_the_traffic() {
    let local = tempfile::tempdir().unwrap();
    std::fs::write(local.path().join("file"), b"content").unwrap();
    let certificate = Certificate::new("azs-backup test");
    let report = |samba: &Samba, encryption| {
        let share: Arc<dyn Share> = Arc::new(samba.builder("data").encryption(encryption).connect().unwrap());
        let place = Place::new(deployment(), Component::Switches);
        let mut backup =
            Backup::builder(share, place).certificate(certificate.encryption()).create(true).start().unwrap();
        backup.add_folder_as("tree", local.path()).unwrap();
        backup.commit().unwrap()
    };
    let samba = Samba::new();
    let said = report(&samba, Encryption::Preferred);
    let json = serde_json::to_value(&said).unwrap();
    let agreed =
        serde_json::json!({"dialect": "3.1.1", "signing": "AesGmac", "cipher": "Aes128Gcm", "target": null});
    assert_eq!(json["protection"], agreed, "{json:#}");
    assert!(said.warnings.is_empty(), "{:?}", said.warnings);
    // Who switches encryption off needs no warning that it is off.
    let said = report(&samba, Encryption::Off);
    assert_eq!(said.protection.unwrap().cipher, None);
    assert!(said.warnings.is_empty(), "{:?}", said.warnings);
    let samba = Samba::with("smb encrypt = off", "");
    let said = report(&samba, Encryption::Preferred);
    assert_eq!(said.protection.unwrap().cipher, None);
    assert!(
        said.warnings.iter().any(|line| line.contains("signed, but not encrypted")),
        "{:?}",
        said.warnings
    );
}

#[test]
fn names_pass_what_servers_commonly_forbid() {
    // Lists that guides for Samba give, and the file groups of Windows' file screens that have anything to do with it.
    for veto in [
        "/.*/",
        "/*.part/",
        "/._*/.DS_Store/.Trash*/.AppleDouble/Thumbs.db/desktop.ini/",
        "/*.tmp/*.temp/~*/~$*/*.bak/*.bck/*.bkf/*.old/",
        "/*.ace/*.arj/*.bz2/*.cab/*.gz/*.jar/*.lzh/*.rar/*.tgz/*.z/*.zip/",
        // Not `*.com`: the folder of the deployment is called like its domain, and Samba's list counts for folders, too.
        "/*.exe/*.dll/*.bat/*.cmd/*.scr/*.pif/*.vbs/*.js/*.lnk/*.msi/",
        "/*.eml/*.idx/*.mbx/*.msg/*.ost/*.pst/*.mp3/*.avi/*.iso/*.txt/*.htm/",
        "/*.locked/*.crypt*/*.enc/*.encrypted/*crypt/*.partial/*.crdownload/*.!*/",
    ] {
        let samba = Samba::with(&format!("veto files = {veto}"), "");
        let report = works(veto, &samba.builder("data")).dialect;
        assert_eq!(report, SmbDialect::Smb311);
        backs_up_and_verifies(veto, &samba);
    }
}

/// A full set and an incremental one, both sound.
fn backs_up_and_verifies(name: &str, samba: &Samba) {
    let local = tempfile::tempdir().unwrap();
    std::fs::create_dir(local.path().join("source")).unwrap();
    std::fs::write(local.path().join("source/file.txt"), noise(1, 300_000)).unwrap();
    let certificate = Certificate::new("azs-backup test");
    let share: Arc<dyn Share> = Arc::new(samba.builder("data").connect().unwrap());
    for night in 0..2 {
        let place = Place::new(deployment(), Component::Switches);
        let builder = Backup::builder(share.clone(), place).certificate(certificate.encryption());
        let mut backup = builder.state(local.path().join("state")).create(true).start().unwrap();
        backup.add_folder_as("tree", local.path().join("source")).unwrap();
        let report = backup.commit().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(report.reuse.base.is_some(), night > 0, "{name}: {:?}", report.warnings);
        let set = Set::open(share.clone(), report.folder).unwrap();
        let opener = Opener::new(certificate.decryption());
        assert!(set.verify_full(&opener).run().unwrap().is_sound(), "{name}");
    }
}

#[test]
fn names_that_the_server_forbids_are_named() {
    for veto in ["/unfinished*/", "/*/"] {
        let samba = Samba::prepare(&format!("veto files = {veto}"), "");
        std::fs::create_dir_all(samba.path("data/contoso.com/nyc")).unwrap();
        samba.start();
        let error = samba.builder("data").connect().unwrap().put(&path("object"), b"content").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AccessDenied, "{veto}: {error}");
        assert!(error.to_string().contains("veto files"), "{veto}: {error}");
    }
    for (veto, step) in [("/unfinished*/", "write"), ("/*.com/", "path")] {
        let samba = Samba::with(&format!("veto files = {veto}"), "");
        let report = ShareCheck::new(deployment()).create_folders(true).run_smb(&samba.builder("data"));
        let failed = report.first_failure().unwrap();
        let is_named = failed.step.as_str() == step && failed.seen.contains("veto files");
        assert!(is_named, "{}", report.to_table());
    }
}

#[test]
fn what_is_written_wrong_is_said_in_a_line() {
    for (root, word) in [
        ("smb://fileserver01/AzSBackups", "is a URL"),
        (r"\fileserver01\AzSBackups", "shell"),
        (r"\\fileserver01:445\AzSBackups", "option port"),
    ] {
        let error = root.parse::<UncPath>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidName, "{root}");
        assert!(error.to_string().contains(word), "{error}");
    }
    for (name, word) in
        [(r"CONTOSO\\azsbackup", "two backslashes"), ("azsbackup ", "space"), (r" CONTOSO\a", "space")]
    {
        let error = SmbAccount::new(name, "a password").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{name}");
        // As it was written: who is told of two backslashes must not see four.
        assert!(error.to_string().contains(&format!("\"{name}\"")), "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn limits_as_long_as_can_be_are_limits() {
    let samba = Samba::with("", "");
    let builder = samba
        .builder("data")
        .connect_limit(Duration::MAX)
        .silence_limit(Duration::MAX)
        .call_limit(Duration::MAX);
    works("limits of a day", &builder);
    let failure = samba.builder("data").attempts(1).connect_limit(Duration::ZERO).connect().unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::TimedOut, "{failure}");
}
