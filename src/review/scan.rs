//! Finds what is on the share besides sets, by listings of bounded number and depth.

use crate::envelope::EncryptionCertificate;
use crate::error::{Error, ErrorKind, Result, Scope};
use crate::layout::{
    Component, Deployment, Name, Place, ScaleUnit, SetName, SharePath, is_key_file, is_mas_backup,
};
use crate::set::is_file_of_a_set;
use crate::share::{Item, ItemKind, Share};

use super::mas_backup;
use super::seen::{Seen, extension, same, shown_path_of};

pub(super) struct Scan<'a> {
    share: &'a dyn Share,
    deployment: &'a Deployment,
    seen: Seen,
    items: usize,
    sniffed: usize,
}

/// The role of a folder.
#[derive(Clone)]
enum Role {
    Region,
    Component(Component),
    /// A folder in a component's that may be a scale unit.
    Unit(Component, ScaleUnit),
    Set(String),
    Stray(String),
}

/// Looks at the share; fails only if its root cannot be listed or the share itself fails.
pub(super) fn scan(share: &dyn Share, deployment: &Deployment) -> Result<Seen> {
    let mut scan = Scan { share, deployment, seen: Seen::default(), items: 0, sniffed: 0 };
    let root = share.list(&SharePath::root())?;
    scan.above(&SharePath::root(), &root)?;
    let (domain, region) = (deployment.external_domain_name().as_str(), deployment.region().as_str());
    for item in folders(&root) {
        if same(&item.name, &deployment.fqdn()) || same(&item.name, region) {
            scan.seen.instead.push(&item.name);
        }
    }
    if let Some(domain) = scan.find(&SharePath::root(), &root, domain) {
        let items = scan.list(&domain)?;
        scan.above(&domain, &items)?;
        scan.seen.region = scan.find(&domain, &items, region);
        if scan.seen.region.is_none() {
            folders(&items)
                .take(5)
                .for_each(|item| scan.seen.instead.push(&format!("{domain}/{}", item.name)));
        }
    }
    if let Some(region) = scan.seen.region.clone() {
        scan.walk(region)?;
    }
    let mut seen = scan.seen;
    seen.sets.sort_unstable();
    seen.mas_backups.truncate(MOST_MAS_BACKUPS);
    for (above, spelled) in seen.mas_backups.clone() {
        mas_backup::scan(share, &above, &spelled, &mut seen)?;
    }
    Ok(seen)
}

impl Scan<'_> {
    /// Finds the folder of this name, in another letter case if necessary.
    fn find(&mut self, within: &SharePath, items: &[Item], name: &str) -> Option<SharePath> {
        let found = folders(items)
            .find(|item| item.name == name)
            .or_else(|| folders(items).find(|item| same(&item.name, name)))?;
        if found.name != name {
            self.seen.letter_case.push(&format!("{} should be {name}", found.name));
        }
        Some(within.join(Name::new(found.name.clone()).ok()?))
    }

    fn list(&mut self, folder: &SharePath) -> Result<Vec<Item>> {
        match self.share.list(folder) {
            Ok(items) => Ok(items),
            Err(e) => self.unreadable(folder, &e).map(|()| Vec::new()).map_err(|()| e),
        }
    }

    /// Records what cannot be read; fails if the share itself is at fault.
    fn unreadable(&mut self, what: impl std::fmt::Display, error: &Error) -> Result<(), ()> {
        if error.scope() != Scope::Object {
            return Err(());
        }
        // Deleted in the meantime.
        if error.kind() != ErrorKind::NotFound {
            self.seen.unreadable.push(&format!("{what}: {error}"));
        }
        Ok(())
    }

    /// Looks at the root and the domain's folder. They serve other deployments, too, so it only finds what is wrong in
    /// any case.
    fn above(&mut self, folder: &SharePath, items: &[Item]) -> Result<()> {
        for item in items.iter().take(MOST_ITEMS) {
            let path = shown_path(folder, &item.name);
            match item.kind {
                ItemKind::Folder if is_mas_backup(&item.name) => {
                    self.seen.misplaced_mas_backup.push(&path);
                    self.mas_backup(folder, item);
                }
                ItemKind::Folder
                    if Component::KNOWN.iter().any(|known| same(known.as_str(), &item.name))
                        || item.name.parse::<SetName>().is_ok() =>
                {
                    self.seen.misplaced.push(&path);
                }
                ItemKind::File if self.is_private_key(folder, item)? => self.seen.private_keys.push(&path),
                _ => {}
            }
        }
        Ok(())
    }

    fn walk(&mut self, region: SharePath) -> Result<()> {
        let mut folders = vec![(region, Role::Region, 0)];
        while let Some((folder, role, depth)) = folders.pop() {
            let mut items = self.list(&folder)?;
            // Sets first: then a limit costs least.
            items.sort_by(|a, b| a.name.cmp(&b.name));
            for item in &items {
                self.items += 1;
                if self.items > MOST_ITEMS || depth > DEEPEST {
                    self.seen.was_cut_short = true;
                    break;
                }
                match item.kind {
                    ItemKind::Folder => {
                        if let Some(next) = self.folder(&folder, &role, item) {
                            folders.push((folder.join(next.0), next.1, depth + 1));
                        }
                    }
                    ItemKind::File => self.file(&folder, &role, item)?,
                    ItemKind::Other => self.seen.links.push(&shown_path(&folder, &item.name)),
                }
            }
        }
        Ok(())
    }

    /// Decides the role of a folder in this one; `None` if it is not to be entered.
    fn folder(&mut self, within: &SharePath, role: &Role, item: &Item) -> Option<(Name, Role)> {
        let path = || shown_path(within, &item.name);
        if is_mas_backup(&item.name) {
            match role {
                Role::Region if same(&item.name, "MASBackup") => self.seen.has_mas_backup = true,
                Role::Region => self.seen.look_alikes.push(&path()),
                _ => self.seen.misplaced_mas_backup.push(&path()),
            }
            self.mas_backup(within, item);
            return None;
        }
        let Ok(name) = Name::new(item.name.clone()) else {
            self.seen.strange.push(&path());
            return None;
        };
        let set = item.name.parse::<SetName>().ok();
        let next = match (role, set) {
            (Role::Region, Some(_)) => {
                self.seen.misplaced.push(&path());
                Role::Set(REGION.to_owned())
            }
            (Role::Region, None) => match item.name.parse::<Component>() {
                Ok(component) => {
                    if component.as_str() != item.name {
                        self.seen.letter_case.push(&format!("{} should be {component}", item.name));
                    }
                    Role::Component(component)
                }
                Err(_) => Role::Stray(REGION.to_owned()),
            },
            (Role::Component(component), Some(set)) => {
                self.set(Place::new(self.deployment.clone(), component.clone()), set, within.join(set));
                Role::Set(component.to_string())
            }
            (Role::Component(component), None) => match item.name.parse::<ScaleUnit>() {
                Ok(unit) => Role::Unit(component.clone(), unit),
                Err(_) => Role::Stray(component.to_string()),
            },
            (Role::Unit(component, unit), Some(set)) => {
                let place = Place::new(self.deployment.clone(), component.clone());
                self.set(place.with_scale_unit(unit.clone()), set, within.join(set));
                Role::Set(component.to_string())
            }
            (Role::Unit(component, _), None) => Role::Stray(component.to_string()),
            (Role::Set(about) | Role::Stray(about), _) => Role::Stray(about.clone()),
        };
        Some((name, next))
    }

    /// Records a `MASBackup` to look into, but no look-alikes.
    fn mas_backup(&mut self, within: &SharePath, item: &Item) {
        if same(&item.name, "MASBackup") {
            self.seen.mas_backups.push((within.clone(), item.name.clone()));
        }
    }

    fn set(&mut self, place: Place, set: SetName, folder: SharePath) {
        if self.seen.sets.len() < MOST_SETS {
            self.seen.sets.push((place, set, folder));
        } else {
            self.seen.was_cut_short = true;
        }
    }

    fn file(&mut self, folder: &SharePath, role: &Role, item: &Item) -> Result<()> {
        let about = match role {
            Role::Set(_) if is_file_of_a_set(&item.name) => return Ok(()),
            Role::Region => REGION.to_owned(),
            Role::Component(component) | Role::Unit(component, _) => component.to_string(),
            Role::Set(about) | Role::Stray(about) => about.clone(),
        };
        let path = shown_path(folder, &item.name);
        if Name::new(item.name.clone()).is_err() {
            self.seen.strange.push(&path);
        }
        if self.is_private_key(folder, item)? {
            self.seen.private_keys.push(&path);
        } else if !ENCRYPTED.contains(&&*extension(&item.name)) && !PUBLIC.contains(&&*extension(&item.name))
        {
            self.seen.unencrypted.entry(about).or_default().push(&path);
        }
        Ok(())
    }

    /// Decides by the file's name, and by its content if it is as small as a key.
    fn is_private_key(&mut self, folder: &SharePath, item: &Item) -> Result<bool> {
        if is_key_file(&item.name) {
            return Ok(true);
        }
        if item.length == 0 || item.length > LONGEST_KEY || ENCRYPTED.contains(&&*extension(&item.name)) {
            return Ok(false);
        }
        let Ok(name) = Name::new(item.name.clone()) else {
            return Ok(false);
        };
        if self.sniffed == MOST_SNIFFED {
            self.seen.was_cut_short = true;
            return Ok(false);
        }
        self.sniffed += 1;
        let mut bytes = Vec::new();
        let path = folder.join(name);
        if let Err(e) = self.share.read(&path, LONGEST_KEY, &mut bytes) {
            return self.unreadable(path, &e).map(|()| false).map_err(|()| e);
        }
        let in_text = bytes.windows(MARK.len()).any(|window| window == MARK);
        Ok(in_text
            || EncryptionCertificate::from_cer(&bytes).is_err_and(|e| {
                e.kind() == ErrorKind::CertificateUnsuitable
                    && e.to_string().contains("carries a private key")
            }))
    }
}

fn folders(items: &[Item]) -> impl Iterator<Item = &Item> {
    items.iter().filter(|item| item.kind == ItemKind::Folder)
}

fn shown_path(folder: &SharePath, name: &str) -> String {
    match folder.is_root() {
        true => name.to_owned(),
        false => shown_path_of(folder, name),
    }
}

/// The `about` of a finding that concerns no component.
pub(super) const REGION: &str = "region folder";
/// Most entries to look at.
const MOST_ITEMS: usize = 500_000;
const MOST_SETS: usize = 20_000;
const MOST_MAS_BACKUPS: usize = 8;
/// Most files to read in search of keys.
const MOST_SNIFFED: usize = 500;
const DEEPEST: usize = 16;
const LONGEST_KEY: u64 = 64 << 10;
const MARK: &[u8] = b"PRIVATE KEY-----";
const ENCRYPTED: [&str; 7] = ["p7m", "cms", "gpg", "pgp", "age", "enc", "aes"];
/// Certificates and public keys are not secret.
const PUBLIC: [&str; 7] = ["cer", "crt", "der", "p7b", "p7c", "p7s", "pub"];
