//! Rules about what is where on the share: folders, keys, plain data, links, and the content of MASBackup.

use azs_backup::layout::Component;
use azs_backup::review::Severity;
use serde_json::json;

use crate::common::backend::{is_file_system, is_remote, is_smb};
use crate::common::system::{ENDS_COUNT, symlink};
use crate::review::site::{Site, back_up};

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
    if is_smb() || !ENDS_COUNT {
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
    let is_link = symlink("/", site.path("contoso.com/nyc/Switches/root"));
    // A file server that does not follow a link does not show it either.
    site.assert(if is_remote() || !is_link { &[] } else { &["LINK_ON_SHARE"] });
    if cfg!(windows) {
        // Such names can only be made elsewhere.
        return;
    }
    let site = Site::new();
    let names = ["<script>alert(1)<\u{2f}script>\u{202e}".replace('/', ":"), "nul".into(), "a\nb.".into()];
    // What has control characters in its name, a share in an object store does not show.
    for name in &names[..if is_file_system() { 3 } else { 2 }] {
        std::fs::create_dir_all(site.path("contoso.com/nyc").join(name)).unwrap();
    }
    if is_smb() {
        // It shows such names by short ones, which Windows can open.
        return site.assert(&[]);
    }
    site.assert(&["NAME_NOT_FOR_WINDOWS"]);
    let table = site.review().to_table();
    assert!(table.contains(r"a\u{a}b.") == is_file_system() && !table.contains('\u{202e}'), "{table}");
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
    // All of it is in its place, and none of it can be read.
    site.assert(&["MAS_BACKUP_SNAPSHOT_DAMAGED", "MAS_BACKUP_HAS_PLAINTEXT", "MAS_BACKUP_DIFFERS"]);
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
    let is_link = symlink("/", site.path(&format!("{inside}/root")));
    site.assert(if is_remote() || !is_link { &[] } else { &["MAS_BACKUP_HAS_FOREIGN_DATA"] });
    // Misplaced ones are looked into as well.
    let site = Site::new();
    site.file("MASBackup/backup.pfx", b"x");
    site.assert(&["MAS_BACKUP_MISPLACED", "PRIVATE_KEY_ON_SHARE"]);
    let mut site = Site::new();
    site.share.shows_mas_backup = false;
    site.assert(&["MAS_BACKUP_NOT_REVIEWED"]);
}
