//! The review: each rule against a share made as the rule needs it.
#![cfg(unix)]

mod common;

use std::collections::BTreeSet;
use std::path::PathBuf;

use azs_backup::layout::MasBackupFolder;
use azs_backup::review::{Configuration, RULES, Review, Severity, review};
use azs_backup::share::{Item, Share, Space};
use azs_backup::{Component, EncryptionCertificate, Error, ErrorKind, Result, SetName, SharePath};
use common::home::is_smb;
use common::{Certificate, Fixture};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

/// A share that is as the practices have it, and a configuration that fits.
struct Site {
    fixture: Fixture,
    config: Value,
    now: Timestamp,
    share: Told,
}

impl Site {
    fn new() -> Self {
        let fixture = Fixture::new();
        for component in Component::KNOWN {
            back_up(&fixture, component, None);
        }
        let cer = azs_base64(&fixture.certificate.cer);
        let config = json!({
            "root": r"\\fileserver01.contoso.com\AzSBackups",
            "deployment": {"external_domain_name": "contoso.com", "region": "nyc"},
            "frequency_hours": 12,
            "retention_days": 7,
            "encryption_certificates": [cer],
            "decryption_certificates": [{"thumbprint": thumbprint(&fixture.certificate), "kept_at": "vault"}],
            "space": {"total_bytes": 1_000_000_000_u64, "free_bytes": 900_000_000_u64},
        });
        Self { fixture, config, now: Timestamp::now(), share: Told::default() }
    }

    fn set(mut self, field: &str, value: Value) -> Self {
        self.config[field] = value;
        self
    }

    fn path(&self, below: &str) -> PathBuf {
        self.fixture.path("share").join(below)
    }

    fn file(&self, below: &str, content: &[u8]) {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn review(&self) -> Review {
        let configuration = Configuration::from_json(self.config.to_string().as_bytes()).unwrap();
        let share = ReadOnly { inner: self.fixture.share.clone(), told: self.share };
        let share: std::sync::Arc<dyn Share> = std::sync::Arc::new(share);
        review(&configuration, &share, self.now).unwrap()
    }

    /// The rules that are broken.
    fn broken(&self) -> BTreeSet<&'static str> {
        self.review().findings.iter().map(|finding| finding.rule.id).collect()
    }

    fn assert(&self, rules: &[&'static str]) {
        assert_eq!(self.broken(), rules.iter().copied().collect(), "{}", self.review().to_table());
    }

    /// The folders of a component's sets.
    fn sets(&self, component: &str) -> Vec<PathBuf> {
        let folder = self.path("contoso.com/nyc").join(component);
        let items = std::fs::read_dir(folder).unwrap().map(|item| item.unwrap().path());
        items.filter(|path| path.file_name().unwrap().to_str().unwrap().parse::<SetName>().is_ok()).collect()
    }

    /// Makes a set of a component older, or younger, by its name and its cover sheet.
    fn age(&self, component: &str, hours: i64, edit: impl FnOnce(&mut Value)) {
        let path = self.sets(component).pop().unwrap();
        let created = self.now.checked_sub(hours.hours()).unwrap();
        let name = SetName::new(created, 7).unwrap();
        let sheet = path.join("backup.json");
        common::change_sheet(&sheet, |cover| {
            cover["set"] = json!(name.to_string());
            cover["created"] = json!(name.created());
            edit(cover);
        });
        std::fs::rename(&path, path.with_file_name(name.to_string())).unwrap();
    }
}

fn back_up(fixture: &Fixture, component: Component, unit: Option<&str>) {
    let mut place = azs_backup::Place::new(fixture.place.deployment().clone(), component);
    if let Some(unit) = unit {
        place = place.with_scale_unit(unit.parse().unwrap());
    }
    let builder = azs_backup::BackupBuilder::new(fixture.share.clone(), place).create(true);
    let mut backup = builder.certificate(fixture.certificate.encryption()).start().unwrap();
    backup.add_bytes("running-config", b"hostname tor1".to_vec()).unwrap();
    backup.commit().unwrap();
}

fn azs_base64(bytes: &[u8]) -> String {
    openssl::base64::encode_block(bytes)
}

fn thumbprint(certificate: &Certificate) -> String {
    certificate.encryption().facts().sha1_thumbprint.clone()
}

#[test]
fn a_share_that_is_as_the_practices_have_it_has_no_findings() {
    let site = Site::new();
    site.assert(&[]);
    let review = site.review();
    assert_eq!(review.components.len(), 4);
    for component in &review.components {
        assert_eq!((component.worst, component.complete, component.others), (None, 1, 0));
        assert_eq!(component.days.len(), 30);
        assert_eq!(component.days[29].complete + component.days[28].complete, 1);
    }
    assert!(review.to_table().contains("Switches        good"), "{}", review.to_table());
}

#[test]
fn the_root_is_held_against_the_practices() {
    let long = format!(r"\\fileserver01.contoso.com\AzSBackups\{}", "x".repeat(60));
    for (root, rules) in [
        ("/mnt/backups", &["ROOT_NOT_UNC"][..]),
        (r"\\fileserver01.contoso.com\AzSBackups\MASBackup", &["ROOT_NOT_UNC"]),
        (r"\\fileserver01\AzSBackups", &["ROOT_HOST_NOT_FQDN"]),
        (r"\\10.0.0.2\AzSBackups", &["ROOT_HOST_IS_ADDRESS"]),
        (r"\\2001-db8--1.ipv6-literal.net\AzSBackups", &["ROOT_HOST_IS_ADDRESS"]),
        (r"\\fileserver01.contoso.com\D$", &["ROOT_IS_ADMINISTRATIVE"]),
        (&long, &["ROOT_PATH_TOO_LONG"]),
        (r"\\shop.file.core.windows.net\backups", &["ROOT_ON_CLOUD_STORAGE"]),
        (r"\\hlh01.contoso.com\AzSBackups", &["ROOT_ON_THE_HLH"]),
        (r"\\HLH01\AzSBackups", &["ROOT_HOST_NOT_FQDN", "ROOT_ON_THE_HLH"]),
        (r"\\localhost\AzSBackups", &["ROOT_HOST_NOT_FQDN", "ROOT_ON_THE_HLH"]),
        (r"\\su1fileserver.nyc.contoso.com\AzSBackups", &["ROOT_ON_THE_STAMP"]),
        (r"\\s-erc01.azurestack.local\AzSBackups", &["ROOT_ON_THE_STAMP"]),
        (r"\\fileserver01.contoso.com\AzSBackups\contoso.com\nyc", &["ROOT_REPEATS_DEPLOYMENT"]),
    ] {
        let site = Site::new()
            .set("root", json!(root))
            .set("hlh_hosts", json!(["hlh01.contoso.com", "10.0.0.9"]))
            .set("stamp_hosts", json!(["s-erc01.azurestack.local"]));
        site.assert(rules);
    }
}

#[test]
fn credentials_and_unknown_fields_are_named_and_never_repeated() {
    let site = Site::new()
        .set("password", json!("hunter2"))
        .set("smb", json!({"user": "backup", "credential": {"Account-Key": "hunter3"}}))
        .set("note", json!("https://me:hunter4@example.com/"))
        .set("password_file", json!("elsewhere"))
        .set("hlh_hosts", json!(["-----BEGIN PRIVATE KEY-----\nhunter5"]));
    site.assert(&["CREDENTIALS_IN_CONFIGURATION", "CONFIGURATION_FIELD_UNKNOWN"]);
    let json = serde_json::to_string(&site.review()).unwrap();
    assert!(json.contains("smb.credential.Account-Key") && json.contains("hlh_hosts[0]"), "{json}");
    assert!(!json.contains("hunter"), "{json}");
    let configuration = Configuration::from_json(site.config.to_string().as_bytes()).unwrap();
    assert!(!format!("{configuration:?}").contains("hunter"));
    let site = Site::new().set("root", json!("smb://backup:hunter6@fileserver01/AzSBackups"));
    site.assert(&["CREDENTIALS_IN_CONFIGURATION", "ROOT_NOT_UNC"]);
    assert!(!site.review().to_html().contains("hunter"));
}

#[test]
fn a_configuration_that_is_none_is_an_error_and_says_where() {
    let whole = Site::new().config.to_string();
    for at in (0..whole.len()).step_by(37) {
        let error = Configuration::from_json(&whole.as_bytes()[..at]).unwrap_err();
        assert_eq!(error.code(), "MALFORMED");
    }
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let error = |json: &str| Configuration::from_json(json.as_bytes()).unwrap_err().code();
    assert_eq!(error(&deep), "MALFORMED");
    assert_eq!(error("[]"), "MALFORMED");
    assert_eq!(error(&" ".repeat(2 << 20)), "LIMIT_EXCEEDED");
    for (field, value) in [
        ("frequency_hours", json!(0)),
        ("retention_days", json!(1_000_000)),
        ("decryption_certificates", json!([{"thumbprint": "12"}])),
        ("space", json!({"total_bytes": 1, "free_bytes": 2})),
        ("components", json!([{"name": "HLH"}, {"name": "hlh"}])),
    ] {
        let site = Site::new().set(field, value);
        assert_eq!(error(&site.config.to_string()), "INVALID_ARGUMENT", "{field}");
    }
    let many: Vec<_> = (0..5000).map(|at| format!("su{at}")).collect();
    assert_eq!(error(&Site::new().set("scale_units", json!(many)).config.to_string()), "LIMIT_EXCEEDED");
    assert!(Configuration::from_json(format!("\u{feff}{whole}").as_bytes()).is_ok());
}

#[test]
fn folders_are_named_and_nested_as_documented() {
    let site = Site::new();
    let empty = ["BACKUP_MISSING", "REGION_FOLDER_MISSING"];
    std::fs::rename(site.path("contoso.com/nyc"), site.path("nyc")).unwrap();
    site.assert(&empty);
    assert!(site.review().to_table().contains("no contoso.com/nyc, but nyc"));
    std::fs::rename(site.path("nyc"), site.path("contoso.com/NYC")).unwrap();
    assert!(site.broken().contains("FOLDER_LETTER_CASE"));

    let site = Site::new();
    std::fs::remove_dir(site.path("contoso.com/nyc/MASBackup")).unwrap();
    site.assert(&["MAS_BACKUP_MISSING"]);
    std::fs::create_dir_all(site.path("contoso.com/MASBACKUP")).unwrap();
    site.assert(&["MAS_BACKUP_MISSING", "MAS_BACKUP_MISPLACED"]);
    std::fs::create_dir_all(site.path("contoso.com/nyc/masbackup")).unwrap();
    std::fs::create_dir_all(site.path("contoso.com/nyc/MASBackup.")).unwrap();
    if is_smb() {
        // To a file server the first is MASBackup itself, and it shows the second by a short name.
        site.assert(&["MAS_BACKUP_MISPLACED"]);
    } else {
        site.assert(&["MAS_BACKUP_LOOK_ALIKE", "MAS_BACKUP_MISPLACED"]);
    }

    let site = Site::new();
    std::fs::create_dir_all(site.path("contoso.com/Switches")).unwrap();
    std::fs::create_dir_all(site.path("contoso.com/nyc/20261123T020000Z-7f3a91c2")).unwrap();
    site.assert(&["COMPONENT_MISPLACED"]);

    let site = Site::new()
        .set("components", json!([{"name": "Switches"}, {"name": "HLH"}, {"name": "Registration"}]));
    site.assert(&["COMPONENT_NOT_COVERED"]);
}

#[test]
fn scale_units_have_identifiers() {
    let site = Site::new().set("scale_units", json!(["su1", "su2"]));
    site.assert(&["SCALE_UNITS_WITHOUT_IDENTIFIER"]);
    let site = Site::new();
    back_up(&site.fixture, Component::Switches, Some("su1"));
    site.assert(&["SCALE_UNITS_WITHOUT_IDENTIFIER"]);
    for set in site.sets("Switches") {
        std::fs::remove_dir_all(set).unwrap();
    }
    site.assert(&[]);
    let site = site.set("scale_units", json!(["su1", "su2"]));
    assert!(site.broken().contains("BACKUP_MISSING"));
    assert!(site.review().components.iter().any(|of| of.name == "Switches/su2" && of.last_backup.is_none()));
}

#[test]
fn keys_and_plain_data_on_the_share_are_found() {
    let site = Site::new();
    site.file("contoso.com/nyc/Switches/notes/tor1.cfg", b"enable secret");
    site.file("contoso.com/nyc/HLH/backup.tar.gpg", b"sealed");
    site.file("contoso.com/nyc/HLH/backup.cer", &site.fixture.certificate.cer);
    site.assert(&["UNENCRYPTED_DATA"]);
    let review = site.review();
    assert_eq!(review.findings[0].about, "Switches");
    assert!(review.findings[0].seen.contains("contoso.com/nyc/Switches/notes/tor1.cfg"));
    let worst: Vec<_> = review.components.iter().map(|of| of.worst).collect();
    assert_eq!(worst, [None, Some(Severity::Warning), None, None]);

    for name in ["backup.pfx", "contoso.com/p.P12", "contoso.com/nyc/HLH/id_rsa"] {
        let site = Site::new();
        site.file(name, b"any");
        site.assert(&["PRIVATE_KEY_ON_SHARE"]);
    }
    let site = Site::new();
    site.file("contoso.com/nyc/HLH/readme.cer", &site.fixture.certificate.pfx);
    site.assert(&["PRIVATE_KEY_ON_SHARE"]);
    let site = Site::new();
    let set = site.sets("Switches").pop().unwrap();
    std::fs::write(set.join("a.txt"), "x\n-----BEGIN RSA PRIVATE KEY-----\n").unwrap();
    site.assert(&["PRIVATE_KEY_ON_SHARE"]);
}

#[test]
fn links_and_names_that_windows_cannot_open_are_findings() {
    let site = Site::new();
    std::os::unix::fs::symlink("/", site.path("contoso.com/nyc/Switches/root")).unwrap();
    // A file server that does not follow a link does not show it either.
    site.assert(if is_smb() { &[] } else { &["LINK_ON_SHARE"] });
    let site = Site::new();
    for name in ["<script>alert(1)<\u{2f}script>\u{202e}".replace('/', ":"), "nul".into(), "a\nb.".into()] {
        std::fs::create_dir_all(site.path("contoso.com/nyc").join(name)).unwrap();
    }
    if is_smb() {
        // It shows such names by short ones, which Windows can open.
        return site.assert(&[]);
    }
    site.assert(&["NAME_NOT_FOR_WINDOWS"]);
    let table = site.review().to_table();
    assert!(table.contains(r"a\u{a}b.") && !table.contains('\u{202e}'), "{table}");
}

/// A share that nothing is ever written to, and that tells what it is told to.
#[derive(Debug)]
struct ReadOnly {
    inner: std::sync::Arc<dyn Share>,
    told: Told,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    /// The folder that cannot be read.
    refuses: Option<&'static str>,
    shows_mas_backup: bool,
    space: Option<Space>,
}

impl Default for Told {
    fn default() -> Self {
        let space = Some(Space::new(1_000_000_000, 900_000_000));
        Self { refuses: None, shows_mas_backup: true, space }
    }
}

impl Share for ReadOnly {
    fn describe(&self) -> String {
        "<b>refusing</b>".into()
    }
    fn list(&self, folder: &SharePath) -> Result<Vec<Item>> {
        match self.told.refuses.is_some_and(|name| folder.to_string().ends_with(name)) {
            true => Err(Error::new(ErrorKind::AccessDenied, "not yours")),
            false => self.inner.list(folder),
        }
    }
    fn list_mas_backup(&self, folder: &MasBackupFolder) -> Result<Vec<Item>> {
        match self.told.shows_mas_backup {
            true => self.inner.list_mas_backup(folder),
            false => Err(Error::new(ErrorKind::Unsupported, "does not show it")),
        }
    }
    fn space(&self) -> Result<Space> {
        self.told.space.ok_or_else(|| Error::new(ErrorKind::Unsupported, "does not tell"))
    }
    fn read(&self, path: &SharePath, limit: u64, buffer: &mut Vec<u8>) -> Result<()> {
        self.inner.read(path, limit, buffer)
    }
    fn put(&self, _: &SharePath, _: &[u8]) -> Result<()> {
        unreachable!("a review writes nothing")
    }
    fn flush(&self, _: &SharePath) -> Result<()> {
        unreachable!("a review writes nothing")
    }
    fn create_folder(&self, _: &SharePath) -> Result<()> {
        unreachable!("a review writes nothing")
    }
    fn remove(&self, _: &SharePath) -> Result<()> {
        unreachable!("a review writes nothing")
    }
    fn remove_folder(&self, _: &SharePath) -> Result<()> {
        unreachable!("a review writes nothing")
    }
}

#[test]
fn what_cannot_be_read_or_goes_too_deep_is_a_finding() {
    let mut site = Site::new();
    site.share.refuses = Some("HLH");
    site.assert(&["BACKUP_MISSING", "FOLDER_UNREADABLE"]);
    let site = Site::new();
    site.file(&format!("contoso.com/nyc/HLH/{}x.p7m", "a/".repeat(40)), b"sealed");
    site.assert(&["REVIEW_CUT_SHORT"]);
}

#[test]
fn certificates_are_strong_valid_and_held() {
    let site = Site::new().set("encryption_certificates", json!([]));
    site.assert(&["ENCRYPTION_CERTIFICATE_NOT_GIVEN"]);
    let site = Site::new();
    let pfx = azs_base64(&site.fixture.certificate.pfx);
    site.set("encryption_certificates", json!([pfx])).assert(&["ENCRYPTION_CERTIFICATE_UNSUITABLE"]);
    for (from, to, rule) in [
        (-20, -1, "ENCRYPTION_CERTIFICATE_NOT_VALID"),
        (5, 300, "ENCRYPTION_CERTIFICATE_NOT_VALID"),
        (-1, 29, "ENCRYPTION_CERTIFICATE_EXPIRES_SOON"),
    ] {
        let certificate = Certificate::valid("old", from, to);
        let mut site = Site::new().set("encryption_certificates", json!([azs_base64(&certificate.cer)]));
        let held = site.config["decryption_certificates"].as_array_mut().unwrap();
        held.push(json!({"thumbprint": format!("\u{200e}{}", thumbprint(&certificate).to_lowercase())}));
        site.assert(&[rule]);
    }
    let site = Site::new().set("decryption_certificates", json!([]));
    site.assert(&["DECRYPTION_CERTIFICATE_NOT_ON_RECORD", "SETS_NOBODY_CAN_OPEN"]);
    assert!(EncryptionCertificate::from_cer(&site.fixture.certificate.cer).is_ok());
}

#[test]
fn backups_are_held_against_their_frequency() {
    let mut site = Site::new();
    site.now = site.now.checked_add(12.hours()).unwrap();
    site.assert(&[]);
    site.now = site.now.checked_add(2.hours()).unwrap();
    site.assert(&["BACKUP_OVERDUE"]);
    site.now = site.now.checked_add(30.hours()).unwrap();
    site.assert(&["BACKUP_STALE"]);
    let site = Site::new();
    std::fs::remove_dir_all(site.path("contoso.com/nyc/HLH")).unwrap();
    site.assert(&["BACKUP_MISSING"]);
}

#[test]
fn sets_that_are_no_backup_are_findings() {
    let site = Site::new();
    site.age("Switches", 1, |cover| cover["status"] = json!("PartialSucceeded"));
    site.assert(&["BACKUP_PARTIAL"]);
    let site = Site::new();
    back_up(&site.fixture, Component::Switches, None);
    site.age("Switches", 1, |cover| cover["format_version"] = json!(99));
    site.assert(&["SET_IN_LATER_VERSION"]);
    let site = Site::new();
    site.age("Switches", -2, |_| {});
    site.assert(&["BACKUP_MISSING", "SET_FROM_THE_FUTURE"]);
    let site = Site::new();
    back_up(&site.fixture, Component::Switches, None);
    std::fs::remove_file(site.sets("Switches")[0].join("SHA256SUMS")).unwrap();
    site.assert(&["SET_DAMAGED"]);
    let site = Site::new();
    std::fs::create_dir(site.path("contoso.com/nyc/HLH/20200101T000000Z-00000001")).unwrap();
    site.assert(&["SET_UNFINISHED"]);
    let site = Site::new();
    site.age("Switches", 1, |cover| cover["deployment"]["region"] = json!("lax"));
    site.assert(&["BACKUP_MISSING", "SET_FOREIGN"]);
}

#[test]
fn a_backup_that_holds_less_than_before_is_a_finding() {
    let site = Site::new();
    site.age("Switches", 1, |cover| cover["content"] = counts(0, 0));
    site.assert(&["BACKUP_EMPTY"]);
    // The fixture's sets have one file of 13 bytes.
    for (files, bytes, rules) in
        [(2, 26, &[][..]), (3, 13, &["BACKUP_SHRUNKEN"]), (1, 27, &["BACKUP_SHRUNKEN"])]
    {
        let site = Site::new();
        site.age("Switches", 1, |cover| cover["content"] = counts(files, bytes));
        back_up(&site.fixture, Component::Switches, None);
        site.assert(rules);
    }
}

fn counts(files: u64, bytes: u64) -> Value {
    json!({"files": files, "folders": 0, "links": 0, "bytes": bytes, "problems": 0})
}

#[test]
fn retention_is_applied() {
    let site = Site::new();
    back_up(&site.fixture, Component::Switches, None);
    site.age("Switches", 7 * 24 + 12, |_| {});
    site.assert(&[]);
    let site = Site::new();
    back_up(&site.fixture, Component::Switches, None);
    site.age("Switches", 9 * 24, |_| {});
    site.assert(&["RETENTION_NOT_APPLIED"]);
    site.set("retention_days", Value::Null).assert(&["RETENTION_NOT_SET"]);
}

#[test]
fn space_is_what_the_share_says_or_else_the_configuration() {
    let site = |space: Option<Space>| {
        let mut site = Site::new();
        site.share.space = space;
        site
    };
    let config = |total: u64, free: u64| json!({"total_bytes": total, "free_bytes": free});
    for (total, free, rules) in [
        (1_000_000_000, 300_000_000, &[][..]),
        (1_000_000_000, 299_999_999, &["SHARE_ALMOST_FULL"]),
        (1000, 900, &["SHARE_WITHOUT_ROOM"]),
    ] {
        site(None).set("space", config(total, free)).assert(rules);
        let says = site(Some(Space::new(total, free))).set("space", config(1000, 1));
        says.assert(rules);
        let seen = says.review().space.unwrap();
        assert_eq!((seen.total_bytes, seen.free_bytes, seen.seen_at), (total, free, Some(says.now)));
    }
    site(None).set("space", Value::Null).assert(&["SHARE_SPACE_UNKNOWN"]);
    let site = Site::new();
    let configuration = Configuration::from_json(site.config.to_string().as_bytes()).unwrap();
    let real = review(&configuration, &site.fixture.share, site.now).unwrap().space.unwrap();
    assert_ne!(real.total_bytes, 1_000_000_000, "that of the configuration");
}

#[test]
fn what_sets_share_by_hard_link_is_counted_once() {
    let site = Site::new();
    let size = |site: &Site| {
        let review = site.review();
        let of = review.components.iter().find(|of| of.name == "Switches").unwrap();
        (of.complete, of.bytes, review.next_run_bytes, *of.sizes.last().unwrap())
    };
    let (_, bytes, next, _) = size(&site);
    // The same set again, under another name and younger: its segments are links.
    let old = site.sets("Switches").pop().unwrap();
    let name = SetName::new(site.now.checked_add(60.seconds()).unwrap(), 9).unwrap();
    let new = old.with_file_name(name.to_string());
    std::fs::create_dir(&new).unwrap();
    for file in std::fs::read_dir(&old).unwrap() {
        let file = file.unwrap().path();
        std::fs::hard_link(&file, new.join(file.file_name().unwrap())).unwrap();
    }
    let sheet = new.join("backup.json");
    common::change_sheet(&sheet, |cover| {
        cover["set"] = json!(name.to_string());
        cover["created"] = json!(name.created());
    });
    let (complete, again, next_again, newest) = size(&site);
    assert_eq!((complete, again, next_again), (2, bytes, next));
    assert_eq!((newest.bytes, newest.new_bytes), (bytes, 0));
}

#[test]
fn what_does_not_belong_in_mas_backup_is_found_and_not_touched() {
    let inside = "contoso.com/nyc/MASBackup";
    let store = format!("{inside}/ProgressiveBackup/1.2209.0.53");
    let repository = format!("{store}/NRP;Microsoft.Network.Admin;-;Quota");
    let snapshot = "202301171931_fa396b1d-1814-4c75-9ddc-fef71cf2ecd1";
    let site = Site::new();
    for name in [
        format!("{inside}/194910011001/64e8625a-8dc0-49df-a195-932901b4be81/NRP/data.zip"),
        format!("{inside}/recoverypoint.json"),
        format!("{inside}/ProgressiveBackup/RestoreTempFolder/any/thing.bin"),
        format!("{store}/registrations.json"),
        format!("{store}/fa396b1d-1814-4c75-9ddc-fef71cf2ecd1_BackupInfo.xml"),
        format!("{repository}/{snapshot}_Full_C.zip"),
        format!("{repository}/{snapshot}_Full_C.xml"),
        format!("{repository}/{snapshot}_Progressive.zip"),
    ] {
        site.file(&name, b"Azure Stack Hub's");
    }
    site.assert(&[]);
    for (name, rule) in [
        (format!("{inside}/notes.txt"), "MAS_BACKUP_HAS_FOREIGN_DATA"),
        (format!("{inside}/old/2019/whatever"), "MAS_BACKUP_HAS_FOREIGN_DATA"),
        (format!("{inside}/ProgressiveBackup/garbage"), "MAS_BACKUP_HAS_FOREIGN_DATA"),
        (format!("{store}/BackupEncryptionCert.cer"), "MAS_BACKUP_HAS_FOREIGN_DATA"),
        (format!("{repository}/{snapshot}_Full_C.bak"), "MAS_BACKUP_HAS_FOREIGN_DATA"),
        (format!("{inside}/Switches/tor1.cfg"), "MAS_BACKUP_HAS_COMPONENT_DATA"),
        (format!("{inside}/hlh/image.vhdx"), "MAS_BACKUP_HAS_COMPONENT_DATA"),
        (format!("{store}/20261123T020000Z-7f3a91c2/backup.json"), "MAS_BACKUP_HAS_COMPONENT_DATA"),
        (format!("{inside}/194910011001/x/backup.json"), "MAS_BACKUP_HAS_COMPONENT_DATA"),
        (format!("{store}/BackupEncryptionCert.pfx"), "PRIVATE_KEY_ON_SHARE"),
        (format!("{inside}/194910011001/BackupDecryptionCert.PFX"), "PRIVATE_KEY_ON_SHARE"),
    ] {
        let site = Site::new();
        site.file(&name, b"x");
        site.assert(&[rule]);
        let shown = site.review().findings[0].seen.clone();
        assert!(name.starts_with(shown.split('/').take(3).collect::<Vec<_>>().join("/").as_str()), "{shown}");
    }
    let site = Site::new();
    std::os::unix::fs::symlink("/", site.path(&format!("{inside}/root"))).unwrap();
    site.assert(if is_smb() { &[] } else { &["MAS_BACKUP_HAS_FOREIGN_DATA"] });
    // Misplaced ones are looked into as well.
    let site = Site::new();
    site.file("MASBackup/backup.pfx", b"x");
    site.assert(&["MAS_BACKUP_MISPLACED", "PRIVATE_KEY_ON_SHARE"]);
    let mut site = Site::new();
    site.share.shows_mas_backup = false;
    site.assert(&["MAS_BACKUP_NOT_REVIEWED"]);
}

#[test]
fn a_rule_is_silenced_with_a_reason_that_shows() {
    let root = json!(r"\\10.0.0.2\AzSBackups");
    let silence = |of: Value| Site::new().set("root", root.clone()).set("silence", json!([of]));
    let site = silence(json!({"rule": "ROOT_HOST_IS_ADDRESS", "reason": "no DNS in the trusted network"}));
    site.assert(&[]);
    let review = site.review();
    assert_eq!(review.silenced[0].reason, "no DNS in the trusted network");
    for text in [review.to_table(), review.to_html()] {
        assert!(text.contains("no DNS in the trusted network"));
    }
    silence(json!({"rule": "ROOT_HOST_IS_ADDRESS", "reason": " "}))
        .assert(&["ROOT_HOST_IS_ADDRESS", "SILENCE_NOT_EFFECTIVE"]);
    silence(json!({"rule": "ROOT_HOST", "reason": "why"}))
        .assert(&["ROOT_HOST_IS_ADDRESS", "SILENCE_NOT_EFFECTIVE"]);
    silence(json!({"rule": "ROOT_HOST_IS_ADDRESS", "about": "share", "reason": "why"}))
        .assert(&["ROOT_HOST_IS_ADDRESS"]);
}

#[test]
fn the_page_stands_by_itself_and_escapes_what_the_share_says() {
    let mut site = Site::new().set("root", json!("<script>alert(1)</script>\"'&"));
    site.config["silence"] =
        json!([{"rule": "UNENCRYPTED_DATA", "about": "HLH", "reason": "<script>why</script>"}]);
    for name in ["<script>alert(1)<:script>", "a' onload='x", "\"><img src=x onerror=y>&amp;"] {
        site.file(&format!("contoso.com/nyc/Switches/{name}"), b"config");
        site.file(&format!("contoso.com/nyc/HLH/{name}"), b"config");
    }
    back_up(&site.fixture, "<b>Firewalls&".replace(['<', '>'], "'").parse().unwrap(), None);
    site.share.refuses = Some("HLH");
    for page in [site.review().to_html(), Site::new().review().to_html()] {
        for foreign in
            ["<script", "<img", "onload='", "http://", "https://", "url(", "@import", "<b>refusing"]
        {
            assert!(!page.contains(foreign), "{foreign}: {page}");
        }
        for part in ["prefers-color-scheme: dark", "<svg", "polyline", "Content-Security-Policy"] {
            assert!(page.contains(part), "{part}");
        }
        assert_well_formed(&page);
    }
    let page = site.review().to_html();
    assert!(page.contains("&lt;script&gt;alert(1)") && page.contains("&#39;b&#39;Firewalls&amp;"), "{page}");
    assert_eq!(page.matches("<rect").count(), 30 * 5);
}

/// Fails unless the page is valid as far as its own parts go: every element known, closed in turn and where it may be,
/// attributes quoted and not twice, ids once, links to ids that are there, and no bare `&` or `<`. (The page was held
/// against html5lib's strict parser and tidy when it was made.)
fn assert_well_formed(page: &str) {
    const VOID: [&str; 2] = ["meta", "!DOCTYPE"];
    const BLOCKS: [&str; 11] =
        ["div", "p", "h1", "h2", "h3", "ul", "dl", "section", "article", "figure", "header"];
    const KNOWN: [&str; 21] = [
        "html",
        "head",
        "title",
        "style",
        "body",
        "footer",
        "a",
        "b",
        "i",
        "span",
        "code",
        "li",
        "dt",
        "dd",
        "figcaption",
        "svg",
        "rect",
        "line",
        "polygon",
        "polyline",
        "circle",
    ];
    let mut open: Vec<&str> = Vec::new();
    let (mut ids, mut links) = (BTreeSet::new(), Vec::new());
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        let text = &rest[..at];
        assert!(open.last() == Some(&"style") || !text.contains('>'), "{text}");
        for entity in text.split('&').skip(1) {
            let name = entity.split(';').next().unwrap();
            assert!(["amp", "lt", "gt", "quot", "#39"].contains(&name), "&{entity}");
        }
        let end = at + rest[at..].find('>').unwrap();
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap();
        let is_known = VOID.contains(&name) || BLOCKS.contains(&name) || KNOWN.contains(&name);
        assert!(is_known, "{tag}");
        let inside = |of: &str| open.contains(&of);
        assert!(
            !BLOCKS.contains(&name) || !["p", "b", "span", "h1", "h2", "h3"].into_iter().any(inside),
            "{tag}"
        );
        assert!(name != "li" || open.last() == Some(&"ul"), "{tag}");
        assert!(!["dt", "dd"].contains(&name) || open.last() == Some(&"dl"), "{tag}");
        let mut seen = BTreeSet::new();
        for attribute in tag.split("=\"").collect::<Vec<_>>().windows(2) {
            let key = attribute[0].rsplit([' ', '"']).next().unwrap();
            let value = attribute[1].split('"').next().unwrap();
            assert!(seen.insert(key), "{tag}");
            match key {
                "id" => assert!(ids.insert(value), "{tag}"),
                "href" => links.push(value.strip_prefix('#').unwrap()),
                _ => {}
            }
        }
        assert_eq!(tag.matches('"').count(), 2 * seen.len(), "{tag}");
        if !VOID.contains(&name) && !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert_eq!(open, [""; 0]);
    assert!(links.iter().all(|link| ids.contains(link)), "{links:?} of {ids:?}");
}

#[test]
fn rules_have_ids_of_their_own_and_a_test_each() {
    let tests = include_str!("review.rs");
    let mut ids = BTreeSet::new();
    for rule in RULES {
        assert!(ids.insert(rule.id), "{}", rule.id);
        assert!(rule.id.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'));
        let is_tested = tests.contains(&format!("\"{}\"", rule.id));
        assert!(is_tested, "{}", rule.id);
    }
}
