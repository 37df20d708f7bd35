//! A share made for a rule, its configuration, and what the review says about both.

use std::collections::BTreeSet;
use std::path::PathBuf;

use azs_backup::layout::{Component, MasBackupFolder, SetName, SharePath};
use azs_backup::review::{Configuration, Review, review};
use azs_backup::share::{Item, Share, Space};
use azs_backup::{Error, ErrorKind, Result};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::common::{self, Certificate, Fixture};

/// A share that is as the practices have it, and a configuration that fits.
pub(crate) struct Site {
    pub(crate) fixture: Fixture,
    pub(crate) config: Value,
    pub(crate) now: Timestamp,
    pub(crate) share: Told,
}

impl Site {
    pub(crate) fn new() -> Self {
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

    pub(crate) fn set(mut self, field: &str, value: Value) -> Self {
        self.config[field] = value;
        self
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.fixture.path("share").join(below)
    }

    pub(crate) fn file(&self, below: &str, content: &[u8]) {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn review(&self) -> Review {
        let configuration = Configuration::from_json(self.config.to_string().as_bytes()).unwrap();
        let share = ReadOnly { inner: self.fixture.share.clone(), told: self.share };
        let share: std::sync::Arc<dyn Share> = std::sync::Arc::new(share);
        review(&configuration, share, self.now).unwrap()
    }

    /// The rules that are broken.
    pub(crate) fn broken(&self) -> BTreeSet<&'static str> {
        self.review().findings.iter().map(|finding| finding.rule.id).collect()
    }

    pub(crate) fn assert(&self, rules: &[&'static str]) {
        assert_eq!(self.broken(), rules.iter().copied().collect(), "{}", self.review().to_table());
    }

    /// The folders of a component's sets.
    pub(crate) fn sets(&self, component: &str) -> Vec<PathBuf> {
        let folder = self.path("contoso.com/nyc").join(component);
        let items = std::fs::read_dir(folder).unwrap().map(|item| item.unwrap().path());
        items.filter(|path| path.file_name().unwrap().to_str().unwrap().parse::<SetName>().is_ok()).collect()
    }

    /// Makes a set of a component older, or younger, by its name and its cover sheet.
    pub(crate) fn age(&self, component: &str, hours: i64, edit: impl FnOnce(&mut Value)) {
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

pub(crate) fn back_up(fixture: &Fixture, component: Component, unit: Option<&str>) {
    let mut place = azs_backup::Place::new(fixture.place.deployment().clone(), component);
    if let Some(unit) = unit {
        place = place.with_scale_unit(unit.parse().unwrap());
    }
    let builder = azs_backup::Backup::builder(fixture.share.clone(), place).create(true);
    let mut backup = builder.certificate(fixture.certificate.encryption()).start().unwrap();
    backup.add_bytes("running-config", b"hostname tor1".to_vec()).unwrap();
    backup.commit().unwrap();
}

pub(crate) fn azs_base64(bytes: &[u8]) -> String {
    openssl::base64::encode_block(bytes)
}

pub(crate) fn thumbprint(certificate: &Certificate) -> String {
    certificate.encryption().facts().sha1_thumbprint.clone()
}

/// A share that nothing is ever written to, and that tells what it is told to.
#[derive(Debug)]
struct ReadOnly {
    inner: std::sync::Arc<dyn Share>,
    told: Told,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    /// The folder that cannot be read.
    pub(crate) refuses: Option<&'static str>,
    pub(crate) shows_mas_backup: bool,
    pub(crate) space: Option<Space>,
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
