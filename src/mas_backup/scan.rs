//! Walks `MASBackup` and reads its small files: listings and reads of bounded number and size. What cannot be read is a
//! finding, and hides nothing else.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::catalog::Snapshot;
use super::document::{MAX_DOCUMENT, Refusal};
use super::finding::{Finding, FindingKind, Findings};
use super::metadata::{InfoMetadata, time};
use super::name::{self, is_repository, is_version, minute, same, without};
use super::registrations::{self, MAX_REGISTRATIONS, Registration};
use crate::error::{Error, ErrorKind, Result, Scope};
use crate::layout::{MasBackupFolder, Name, is_key_file};
use crate::observer::{Progress, Ticker};
use crate::share::{Item, ItemKind, Share};

mod pair;

/// What lies there, before it is put into chains and backups.
#[derive(Default)]
pub(super) struct Scanned {
    pub(super) recovery_point: Option<Timestamp>,
    pub(super) stores: Vec<ScannedStore>,
    pub(super) legacy: Vec<ScannedStore>,
    pub(super) findings: Findings,
    /// Files that the prune does not recognise whatever the chains are.
    pub(super) unrecognised: Vec<String>,
}

/// A store, or the folder of one legacy backup.
#[derive(Default)]
pub(super) struct ScannedStore {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) registrations: Option<Vec<Registration>>,
    /// Snapshots by the repository's folder.
    pub(super) repositories: BTreeMap<String, Vec<Snapshot>>,
    pub(super) infos: Vec<Info>,
    /// Data without metadata that can be read, and the reverse, by repository and id of the backup: what is there, but
    /// not as a snapshot.
    pub(super) halves: Vec<(String, String)>,
}

/// The summary of a backup.
pub(super) struct Info {
    pub(super) path: String,
    pub(super) metadata: InfoMetadata,
}

pub(super) struct Scan<'a, 'o> {
    share: &'a dyn Share,
    now: Timestamp,
    ticker: &'a mut Ticker<'o>,
    items: usize,
    read: u64,
    scanned: Scanned,
}

/// Looks at a `MASBackup`; fails only if it cannot be listed or the share itself fails.
pub(super) fn scan(
    share: &dyn Share,
    root: &MasBackupFolder,
    now: Timestamp,
    ticker: &mut Ticker<'_>,
) -> Result<Scanned> {
    let mut scan = Scan { share, now, ticker, items: 0, read: 0, scanned: Scanned::default() };
    let items = share.list_mas_backup(root)?;
    if let Some(spelled) = root.names().last().filter(|name| *name != "MASBackup") {
        scan.find(FindingKind::FolderLetterCase, "", format!("it is written {spelled}"));
    }
    scan.root(root, items)?;
    Ok(scan.scanned)
}

impl Scan<'_, '_> {
    fn find(&mut self, code: FindingKind, path: &str, seen: impl AsRef<str>) {
        self.scanned.findings.add(Finding::new(code, path, seen));
    }

    /// Lists a folder below `MASBackup`, in order of names.
    fn list(&mut self, folder: &MasBackupFolder, path: &str) -> Result<Vec<Item>> {
        match self.share.list_mas_backup(folder) {
            Ok(items) => Ok(self.counted(items)),
            // Azure Stack Hub removed it in the meantime.
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(e) => self.unreadable(path, e).map(|()| Vec::new()),
        }
    }

    fn counted(&mut self, mut items: Vec<Item>) -> Vec<Item> {
        items.sort_by(|a, b| a.name.cmp(&b.name));
        let room = MOST_ITEMS - self.items;
        if items.len() > room {
            items.truncate(room);
            self.find(
                FindingKind::TooMuch,
                "",
                format!("only the first {MOST_ITEMS} files and folders were looked at"),
            );
        }
        self.items += items.len();
        items
    }

    fn unreadable(&mut self, path: &str, error: Error) -> Result<()> {
        if error.scope() != Scope::Object {
            return Err(error);
        }
        self.find(FindingKind::FileUnreadable, path, error.to_string());
        Ok(())
    }

    /// Reads a small file; `None` if it is gone or cannot be read, which is then a finding.
    fn read(
        &mut self,
        folder: &MasBackupFolder,
        path: &str,
        item: &Item,
        limit: u64,
    ) -> Result<Option<Vec<u8>>> {
        self.ticker.tick(Progress {
            files: self.items as u64,
            stored_bytes: self.read,
            ..Progress::default()
        })?;
        let Ok(name) = Name::new(item.name.clone()) else {
            self.find(FindingKind::FileUnreadable, path, "its name cannot be opened on Windows");
            return Ok(None);
        };
        match read_whole(self.share, folder, name, item.length, limit) {
            Ok(bytes) => {
                self.read += bytes.len() as u64;
                Ok(Some(bytes))
            }
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => self.unreadable(path, e).map(|()| None),
        }
    }

    fn root(&mut self, root: &MasBackupFolder, items: Vec<Item>) -> Result<()> {
        for item in self.counted(items) {
            let folder = || Name::new(item.name.clone()).ok().map(|name| root.join(name));
            match item.kind {
                ItemKind::Folder if same(&item.name, "ProgressiveBackup") => {
                    if item.name != "ProgressiveBackup" {
                        self.find(
                            FindingKind::FolderLetterCase,
                            &item.name,
                            "Azure Stack Hub writes ProgressiveBackup",
                        );
                    }
                    if let Some(folder) = folder() {
                        self.progressive(&folder, &item.name)?;
                    }
                }
                ItemKind::Folder if minute(&item.name).is_some() => {
                    if let Some(folder) = folder() {
                        self.legacy(&folder, &item.name)?;
                    }
                }
                ItemKind::File if same(&item.name, "recoverypoint.json") => {
                    let Some(bytes) = self.read(root, &item.name, &item, MAX_RECOVERY_POINT)? else {
                        continue;
                    };
                    let text = String::from_utf8_lossy(&bytes);
                    let first = text.lines().next().unwrap_or_default().trim_start_matches('\u{feff}').trim();
                    self.scanned.recovery_point = time(first).map(|time| time.at);
                    if self.scanned.recovery_point.is_none() {
                        let seen = format!("it begins with {first:?}, which is no time; it counts as absent");
                        self.find(FindingKind::RecoveryPointUnreadable, &item.name, seen);
                    }
                }
                _ => self.foreign(&item.name.clone(), &item, false),
            }
        }
        Ok(())
    }

    /// Names what does not belong there, and whether the prune removes it.
    fn foreign(&mut self, path: &str, item: &Item, is_pruned: bool) {
        let (code, seen) = match item.kind {
            ItemKind::Other => (FindingKind::Link, "a link or device, which is not followed".to_owned()),
            ItemKind::Folder => {
                (FindingKind::ForeignFolder, "a folder that Azure Stack Hub does not make".to_owned())
            }
            ItemKind::File if is_key_file(&item.name) => {
                let seen = "a private key: it opens the backups beside it, and a prune would remove it";
                (FindingKind::PrivateKey, seen.to_owned())
            }
            ItemKind::File => {
                let pruned = if is_pruned { "; a prune would remove it" } else { "" };
                (FindingKind::ForeignFile, format!("a file that Azure Stack Hub does not make{pruned}"))
            }
        };
        self.find(code, path, seen);
        if is_pruned && item.kind == ItemKind::File {
            self.scanned.unrecognised.push(path.to_owned());
        }
    }

    fn progressive(&mut self, folder: &MasBackupFolder, path: &str) -> Result<()> {
        for item in self.list(folder, path)? {
            let below = format!("{path}/{}", item.name);
            match (item.kind, Name::new(item.name.clone())) {
                (ItemKind::Folder, Ok(name)) if same(&item.name, "RestoreTempFolder") => {
                    let left = self.list(&folder.join(name), &below)?;
                    if !left.is_empty() {
                        let seen =
                            "a restore left what it had decrypted: delete it once no restore is running";
                        self.find(FindingKind::PlaintextLeft, &below, seen);
                    }
                }
                (ItemKind::Folder, Ok(name)) => {
                    if !is_version(&item.name) {
                        self.find(FindingKind::StoreNameUnknown, &below, "its name is no version of a stamp");
                    }
                    let store = self.store(&folder.join(name), &below, &item.name)?;
                    self.scanned.stores.push(store);
                }
                _ => self.foreign(&below, &item, true),
            }
        }
        Ok(())
    }

    fn store(&mut self, folder: &MasBackupFolder, path: &str, name: &str) -> Result<ScannedStore> {
        let mut store =
            ScannedStore { name: name.to_owned(), path: path.to_owned(), ..ScannedStore::default() };
        let mut has_list = false;
        for item in self.list(folder, path)? {
            let below = format!("{path}/{}", item.name);
            match item.kind {
                ItemKind::Folder => {
                    let Ok(name) = Name::new(item.name.clone()) else {
                        self.foreign(&below, &item, false);
                        continue;
                    };
                    if !is_repository(&item.name) {
                        self.foreign(&below, &item, false);
                    }
                    self.repository(&folder.join(name), &below, &item.name, &mut store)?;
                }
                ItemKind::File if same(&item.name, "registrations.json") => {
                    has_list = true;
                    let Some(bytes) = self.read(folder, &below, &item, MAX_REGISTRATIONS)? else { continue };
                    match registrations::parse(&bytes) {
                        Ok(list) => store.registrations = Some(list),
                        Err(why) => self.find(FindingKind::RegistrationsUnreadable, &below, why),
                    }
                }
                ItemKind::File if is_info(&item.name) => self.info(folder, &below, &item, &mut store)?,
                _ => self.foreign(&below, &item, true),
            }
        }
        if !has_list {
            let seen = "there is no registrations.json: nobody can tell which repositories a recovery needs";
            self.find(FindingKind::RegistrationsMissing, path, seen);
        }
        Ok(store)
    }

    fn info(
        &mut self,
        folder: &MasBackupFolder,
        path: &str,
        item: &Item,
        store: &mut ScannedStore,
    ) -> Result<()> {
        let Some(bytes) = self.read(folder, path, item, MAX_DOCUMENT)? else { return Ok(()) };
        match InfoMetadata::parse(&bytes) {
            Ok(metadata) => store.infos.push(Info { path: path.to_owned(), metadata }),
            Err(refusal) => self.find(FindingKind::BackupInfoUnreadable, path, why(&refusal)),
        }
        Ok(())
    }

    fn legacy(&mut self, folder: &MasBackupFolder, path: &str) -> Result<()> {
        for item in self.list(folder, path)? {
            let below = format!("{path}/{}", item.name);
            let name = Name::new(item.name.clone());
            let (ItemKind::Folder, Ok(name)) = (item.kind, name) else {
                self.foreign(&below, &item, false);
                continue;
            };
            let mut store =
                ScannedStore { name: path.to_owned(), path: below.clone(), ..ScannedStore::default() };
            self.repository(&folder.join(name), &below, "", &mut store)?;
            self.scanned.legacy.push(store);
        }
        Ok(())
    }

    /// Reads the snapshots of a repository's folder; in a legacy folder, which has no `name`, also the summary.
    fn repository(
        &mut self,
        folder: &MasBackupFolder,
        path: &str,
        name: &str,
        store: &mut ScannedStore,
    ) -> Result<()> {
        let is_legacy = name.is_empty();
        let mut pairs: BTreeMap<String, [Option<Item>; 2]> = BTreeMap::new();
        for item in self.list(folder, path)? {
            let below = format!("{path}/{}", item.name);
            let extensions = [".xml", ".zip"];
            let at = extensions.iter().position(|extension| without(&item.name, extension).is_some());
            match (item.kind, at) {
                (ItemKind::File, Some(_)) if is_legacy && is_info(&item.name) => {
                    self.info(folder, &below, &item, store)?
                }
                (ItemKind::File, Some(at)) => {
                    let stem = without(&item.name, extensions[at]).unwrap_or_default().to_ascii_lowercase();
                    pairs.entry(stem).or_default()[at] = Some(item);
                }
                // Nobody looks deeper, not even the prune.
                _ => self.foreign(&below, &item, !is_legacy),
            }
        }
        for (_, [xml, zip]) in pairs {
            self.pair(folder, path, name, xml, zip, store)?;
        }
        Ok(())
    }
}

/// Reads a file of at most `limit` bytes, whose listing said this `length`.
pub(super) fn read_whole(
    share: &dyn Share,
    folder: &MasBackupFolder,
    name: Name,
    length: u64,
    limit: u64,
) -> Result<Vec<u8>> {
    let file = folder.file(name);
    let too_long = || {
        Error::new(ErrorKind::LimitExceeded, format!("{file} is longer than the {limit} bytes allowed here"))
    };
    if length > limit {
        return Err(too_long());
    }
    // One more shows whether it grew.
    let mut bytes = vec![0; length as usize + 1];
    let read = share.read_mas_backup(&file, 0, &mut bytes)?;
    if read > length as usize {
        return Err(Error::new(ErrorKind::SourceChanged, format!("{file} grew while it was read")));
    }
    bytes.truncate(read);
    Ok(bytes)
}

fn why(refusal: &Refusal) -> &str {
    match refusal {
        Refusal::DocumentType => "it has a document type definition",
        Refusal::Unreadable(why) => why,
    }
}

fn is_info(item: &str) -> bool {
    let lower = item.to_ascii_lowercase();
    lower == "backupinfo.xml" || lower.strip_suffix("_backupinfo.xml").is_some_and(name::is_guid)
}

/// A stamp has a few dozen repositories, and at most a few hundred backups.
const MOST_ITEMS: usize = 100_000;
const MAX_RECOVERY_POINT: u64 = 4096;
/// After four hours Azure Stack Hub gives an upload up.
const UPLOAD_LIMIT: SignedDuration = SignedDuration::from_hours(4);
