//! Rules about Azure Stack Hub's own backups, by the trees of the vectors.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use azs_backup::DecryptionCertificate;
use azs_backup::mas_backup::Keys;
use azs_backup::review::{Configuration, Review, review_with};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::site::Site;

static VECTORS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../vectors/mas_backup.json")).unwrap());

/// A site whose region has the healthy tree, and what a break writes or removes.
fn site(broken: Option<&str>) -> Site {
    let mut site = Site::new();
    site.now = VECTORS["now"].as_str().unwrap().parse().unwrap();
    let write = |files: &Value| {
        for (path, content) in files.as_object().into_iter().flatten() {
            site.file(
                &format!("contoso.com/nyc/{path}"),
                &STANDARD.decode(content.as_str().unwrap()).unwrap(),
            );
        }
    };
    write(&VECTORS["healthy"]);
    if let Some(broken) = broken.map(|name| &VECTORS["breaks"][name]) {
        write(&broken["written"]);
        for path in broken["removed"].as_array().into_iter().flatten() {
            std::fs::remove_file(site.path(&format!("contoso.com/nyc/{}", path.as_str().unwrap()))).unwrap();
        }
    }
    site
}

fn pfx(name: &str) -> Vec<u8> {
    STANDARD.decode(VECTORS["pfx"][name].as_str().unwrap()).unwrap()
}

fn review(site: &Site, held: &[&str]) -> Review {
    let configuration = Configuration::from_json(site.config.to_string().as_bytes()).unwrap();
    let password = VECTORS["password"].as_str();
    let held = held.iter().map(|name| DecryptionCertificate::from_pfx(&pfx(name), password).unwrap());
    let keys = Keys::new(held.collect());
    review_with(&configuration, site.fixture.share.clone(), &[], &keys, site.now).unwrap()
}

/// The rules about Azure Stack Hub's backups that are broken.
fn theirs(review: &Review) -> BTreeSet<&'static str> {
    let ids = review.findings.iter().map(|finding| finding.rule.id);
    ids.filter(|id| id.starts_with("MAS_BACKUP_")).collect()
}

/// What the healthy tree always has: failed runs, and a backup from before.
const ALWAYS: [&str; 2] = ["MAS_BACKUP_DIFFERS", "MAS_BACKUP_NOT_REMOVED"];

#[test]
fn the_newest_backup_is_opened_if_its_pfx_is_shown() {
    let site = site(None);
    let found = review(&site, &["new", "old"]);
    assert_eq!(theirs(&found), ALWAYS.into());
    let [of] = &*found.their_backups else { panic!("one MASBackup") };
    assert_eq!((of.drill.as_deref(), of.backups, of.ready), (Some("verified"), 10, 7));
    assert_eq!(of.days.iter().map(|day| day.complete).sum::<u32>(), 7);
    let page = found.to_html();
    assert!(page.contains("Azure Stack Hub's own backups") && page.contains("opened with the PFX"));
    assert!(found.to_table().contains("7 of 10 backups of Azure Stack Hub are ready"));

    let unseen = review(&site, &[]);
    assert_eq!(theirs(&unseen), ["MAS_BACKUP_PFX_NOT_ON_RECORD"].into_iter().chain(ALWAYS).collect());
    assert_eq!(unseen.their_backups[0].drill, None);
    let wrong = theirs(&review(&site, &["old"]));
    assert!(wrong.contains("MAS_BACKUP_DRILL_FAILED") && wrong.contains("MAS_BACKUP_PFX_NOT_ON_RECORD"));
}

#[test]
fn breaks_lead_to_their_rules() {
    for (name, rule) in [
        ("missing-link", "MAS_BACKUP_CHAIN_BROKEN"),
        ("missing-essential", "MAS_BACKUP_CHAIN_BROKEN"),
        ("truncated-zip", "MAS_BACKUP_SNAPSHOT_DAMAGED"),
        ("xml-garbage", "MAS_BACKUP_SNAPSHOT_DAMAGED"),
        ("bad-store", "MAS_BACKUP_HAS_PLAINTEXT"),
        ("name-mismatch", "MAS_BACKUP_DIFFERS"),
    ] {
        assert!(theirs(&review(&site(Some(name)), &[])).contains(rule), "{name}");
    }
    let keys = review(&site(Some("foreign-files")), &[]);
    assert!(keys.findings.iter().any(|finding| finding.rule.id == "PRIVATE_KEY_ON_SHARE"));
}

#[test]
fn old_backups_and_none_that_is_ready_are_told_apart() {
    let mut site = site(None);
    site.now = "2023-01-20T12:00:00Z".parse::<Timestamp>().unwrap();
    assert!(theirs(&review(&site, &[])).contains("MAS_BACKUP_STALE"));
    for store in ["1.2102.0.9", "1.2301.2.58"] {
        let path = format!("contoso.com/nyc/MASBackup/ProgressiveBackup/{store}/registrations.json");
        std::fs::remove_file(site.path(&path)).unwrap();
    }
    let found = theirs(&review(&site, &[]));
    assert!(found.contains("MAS_BACKUP_NOT_READY") && !found.contains("MAS_BACKUP_STALE"), "{found:?}");
}

#[test]
fn the_certificate_of_the_newest_backups_expires() {
    let parsed = openssl::pkcs12::Pkcs12::from_der(&pfx("new"))
        .unwrap()
        .parse2(VECTORS["password"].as_str().unwrap())
        .unwrap();
    let certificate = parsed.cert.unwrap();
    let site =
        site(None).set("encryption_certificates", json!([STANDARD.encode(certificate.to_der().unwrap())]));
    assert!(!theirs(&review(&site, &[])).contains("MAS_BACKUP_CERTIFICATE_EXPIRES_SOON"));
    let mut later = site;
    later.now = "2028-01-01T00:00:00Z".parse().unwrap();
    assert!(theirs(&review(&later, &[])).contains("MAS_BACKUP_CERTIFICATE_EXPIRES_SOON"));
}
