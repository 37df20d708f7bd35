//! Rules about the sets: their age, condition and size, how long they are kept, and the space for the next one.

use std::collections::BTreeMap;
use std::sync::Arc;

use azs_backup::copies::replicate;
use azs_backup::layout::{Component, SetName, SharePath};
use azs_backup::mas_backup::Keys;
use azs_backup::review::{Configuration, review, review_with};
use azs_backup::share::{FolderShare, Item, Share, Space};
use azs_backup::{Error, ErrorKind, Result};
use jiff::ToSpan;
use serde_json::{Value, json};

use crate::common::{self, Certificate, backend, forward};
use crate::review::site::{Site, azs_base64, back_up};

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
fn sets_that_no_given_signer_signed_are_findings_and_no_backups() {
    let signer = azs_base64(&Certificate::new("hlh01").cer);
    let site = Site::new().set("signer_certificates", json!([signer]));
    site.assert(&["BACKUP_MISSING", "SET_NOT_TRUSTED"]);
    let site = Site::new().set("signer_certificates", json!(["no certificate"]));
    site.assert(&["BACKUP_MISSING", "SET_NOT_TRUSTED", "SIGNER_CERTIFICATE_UNSUITABLE"]);
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
    let real = review(&configuration, site.fixture.share.clone(), site.now).unwrap().space.unwrap();
    // An object store tells none, so that of the configuration counts.
    assert_eq!(real.total_bytes == 1_000_000_000, !backend::is_file_system());
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

/// A share whose server does not answer.
#[derive(Debug)]
struct Gone(Arc<dyn Share>);

impl Share for Gone {
    forward!(0: describe, put, read, flush, create_folder, remove, remove_folder);
    fn list(&self, folder: &SharePath) -> Result<Vec<Item>> {
        Err(Error::new(ErrorKind::Unreachable, format!("{folder}: as the test has it")))
    }
}

#[test]
fn copies_on_another_share_are_looked_for_and_held_against_the_backups() {
    let mut site = Site::new();
    let root = site.fixture.path("elsewhere");
    std::fs::create_dir_all(root.join("contoso.com/nyc")).unwrap();
    let elsewhere = backend::share(&root);
    let copies = [Ok(elsewhere.clone())];
    let review = |site: &Site, copies: &[Result<Arc<dyn Share>>]| {
        let configuration = Configuration::from_json(site.config.to_string().as_bytes()).unwrap();
        let share = site.fixture.share.clone();
        review_with(&configuration, share, copies, &Keys::default(), site.now).unwrap()
    };
    let broken = |site: &Site, copies: &[Result<Arc<dyn Share>>]| -> BTreeMap<_, Vec<_>> {
        let mut broken = BTreeMap::new();
        let findings = review(site, copies).findings.into_iter();
        for finding in findings.filter(|finding| finding.rule.id.starts_with("COPY_")) {
            broken.entry(finding.rule.id).or_insert_with(Vec::new).push(finding.about);
        }
        broken
    };
    let all: Vec<_> = Component::KNOWN.iter().map(|of| of.as_str().to_owned()).collect();
    let mut missing = broken(&site, &copies);
    missing.values_mut().for_each(|about| about.sort());
    assert_eq!(missing.keys().collect::<Vec<_>>(), [&"COPY_MISSING"]);
    assert_eq!(missing["COPY_MISSING"].len(), all.len());

    let deployment = site.fixture.place.deployment();
    replicate(site.fixture.share.clone(), elsewhere, deployment).run().unwrap();
    assert!(broken(&site, &copies).is_empty());
    let reviewed = review(&site, &copies);
    assert!(reviewed.components.iter().all(|of| of.last_copy == of.last_backup && of.last_copy.is_some()));
    assert!(reviewed.to_html().contains("Last copy") && reviewed.to_table().contains("last copy elsewhere"));
    // Nine days later there is a new backup, and nobody copied it.
    site.now = site.now.checked_add(216.hours()).unwrap();
    site.age("Switches", 0, |_| {});
    let stale = review(&site, &copies);
    let stale = stale.findings.iter().find(|finding| finding.rule.id == "COPY_STALE").unwrap();
    assert!(stale.about == "Switches" && stale.seen.contains("9 days ago"), "{stale:?}");
    // A share that is not there, or could not even be opened, is a finding, and nothing is said of what it may hold.
    let gone: Arc<dyn Share> = Arc::new(Gone(site.fixture.share.clone()));
    let unopened =
        FolderShare::open(site.fixture.path("nothing")).map(|share| Arc::new(share) as Arc<dyn Share>);
    assert!(unopened.is_err());
    for away in [Ok(gone), unopened] {
        let away = broken(&site, &[away]);
        assert!(away.contains_key("COPY_UNREADABLE") && !away.contains_key("COPY_MISSING"), "{away:?}");
    }
}
