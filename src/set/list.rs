//! Lists the sets of a deployment.

use std::ops::Deref;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::cover::{self, CoverSheet};
use super::index::piece_number;
use super::reader::Set;
use super::shrunken::Largest;
use super::{segment, sums};
use crate::error::{ErrorKind, Result, Scope};
use crate::layout::{Component, Deployment, Name, Place, ScaleUnit, SetName, SharePath, is_mas_backup};
use crate::observer::{Observer, Progress, Ticker, observed};
use crate::share::{Item, ItemKind, Share};

/// The sets of a deployment, by place and then from old to new, and the folders that could not be listed.
///
/// Use it as a slice of its sets.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct SetList {
    /// The sets.
    pub sets: Vec<SetSummary>,
    /// Folders of components and scale units that cannot be listed: sets in them are missing here.
    pub unreadable: Vec<UnreadableFolder>,
}

/// A folder that may contain sets but cannot be listed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct UnreadableFolder {
    /// The folder.
    pub folder: SharePath,
    /// The error's code.
    pub code: &'static str,
    /// The error's message.
    pub reason: String,
}

impl SetList {
    /// Whether an operator should look into something: a folder that cannot be read, a set that is not complete, or one
    /// that holds far less than another of its place.
    #[must_use]
    pub fn needs_attention(&self) -> bool {
        !self.unreadable.is_empty() || self.sets.iter().any(|set| !set.is_complete() || set.is_shrunken)
    }
}

impl SetList {
    /// Sorts the sets, and finds those that hold far less than another of their place.
    fn finish(&mut self) {
        self.sets.sort_by_cached_key(|set| (set.place.to_string(), set.name, set.folder.to_string()));
        for place in self.sets.chunk_by_mut(|a, b| a.place == b.place) {
            let content = |set: &SetSummary| match &set.state {
                SetState::Complete { cover } => Some((cover.content.files, cover.content.bytes)),
                _ => None,
            };
            let mut older = Largest::default();
            for set in place {
                if let Some(of) = content(set) {
                    set.is_shrunken = older.dwarfs(of, Largest::HALF);
                    older.take(of);
                }
            }
        }
        // A component's folder is listed twice: for its sets and for its scale units.
        self.unreadable.dedup();
    }
}

impl Deref for SetList {
    type Target = [SetSummary];

    fn deref(&self) -> &[SetSummary] {
        &self.sets
    }
}

impl<'a> IntoIterator for &'a SetList {
    type Item = &'a SetSummary;
    type IntoIter = std::slice::Iter<'a, SetSummary>;

    fn into_iter(self) -> Self::IntoIter {
        self.sets.iter()
    }
}

impl IntoIterator for SetList {
    type Item = SetSummary;
    type IntoIter = std::vec::IntoIter<SetSummary>;

    fn into_iter(self) -> Self::IntoIter {
        self.sets.into_iter()
    }
}

/// A set in a listing.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SetSummary {
    /// Deployment, component and scale unit of the folder that it is in.
    pub place: Place,
    /// Its name.
    pub name: SetName,
    /// Its folder on the share, spelt as the share spells it.
    pub folder: SharePath,
    /// Whether it has a cover sheet. An incomplete set that has one was finished once: it is damaged or partly deleted.
    pub has_cover_sheet: bool,
    /// Whether it is complete and holds less than half of the files or bytes of an older complete set of its place.
    /// Perhaps its source was not there.
    pub is_shrunken: bool,
    /// Whether it is a backup.
    #[serde(flatten)]
    pub state: SetState,
    /// The stored files of a complete set; they show what it shares with other sets.
    #[serde(skip)]
    pub(crate) files: Arc<[FileKey]>,
    /// When the newest file in an incomplete set's folder was written, by the share's clock.
    #[serde(skip)]
    pub(crate) newest: Option<Timestamp>,
    /// Whether it has no cover sheet but has `SHA256SUMS`, the last file but one: all of its data may be there.
    #[serde(skip)]
    pub(crate) may_be_whole: bool,
}

/// Identifies a stored file across sets: the front of its digest, and its length.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct FileKey {
    digest: u64,
    /// Length in bytes.
    pub(crate) bytes: u64,
}

/// Whether a set is a backup, and if not, why.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SetState {
    /// Every file that `SHA256SUMS` lists is there, and together they have the right length. Only verification tells
    /// more.
    Complete {
        /// The cover sheet.
        cover: Box<CoverSheet>,
    },
    /// Its cover sheet or `SHA256SUMS` is damaged, or `SHA256SUMS` is gone, but its data is there. With the key you may
    /// still open it by its index.
    Damaged {
        /// What is wrong and what to do, in one line.
        reason: String,
    },
    /// A set of another place, or another set of this place, that was copied or renamed to here. It is not a backup of
    /// this place; to use it, name its place: [`Set::open_foreign`].
    Foreign {
        /// Where it belongs: the folder that its cover sheet names.
        belongs_to: SharePath,
        /// The same, in one line.
        reason: String,
    },
    /// Not a backup: never finished, or partly deleted.
    Incomplete {
        /// Why, in one line.
        reason: String,
    },
    /// The share cannot read it: a bad sector, a quarantine, missing rights. It may or may not be whole.
    Unreadable {
        /// The error, in one line.
        reason: String,
    },
    /// Written in a later version of the stored form, which this library cannot judge.
    Unsupported {
        /// Which version, in one line.
        reason: String,
    },
}

impl SetState {
    /// Why it is not a backup, in one line; `None` if it is one.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Complete { .. } => None,
            Self::Damaged { reason }
            | Self::Foreign { reason, .. }
            | Self::Incomplete { reason }
            | Self::Unreadable { reason }
            | Self::Unsupported { reason } => Some(reason),
        }
    }
}

impl SetSummary {
    /// Whether it can be restored.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        matches!(self.state, SetState::Complete { .. })
    }
}

/// Prepares a listing of the sets of a deployment, by place and then from old to new. Sets of the same second are
/// sorted by name.
///
/// It needs no key: it reads the cover sheet and `SHA256SUMS` of each set and lists its folder. It ignores folders that
/// are not named like a set, and never looks into `MASBackup`. If a set or folder cannot be read, the list names it and
/// goes on. Without a region folder the list is empty.
pub fn list_sets<'a>(share: &'a Arc<dyn Share>, deployment: &'a Deployment) -> ListBuilder<'a> {
    ListBuilder { share, deployment, component: None, observer: None }
}

/// A listing that [`run`](Self::run) does.
#[must_use = "nothing is listed before `run`"]
pub struct ListBuilder<'a> {
    share: &'a Arc<dyn Share>,
    deployment: &'a Deployment,
    component: Option<&'a Component>,
    observer: Option<&'a mut dyn Observer>,
}

impl<'a> ListBuilder<'a> {
    /// Lists only the sets of this component.
    pub fn component(mut self, component: impl Into<Option<&'a Component>>) -> Self {
        self.component = component.into();
        self
    }

    /// Sets the observer. The progress counts sets as files.
    pub fn observer(mut self, observer: &'a mut dyn Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Lists the sets.
    ///
    /// # Errors
    /// The share's own errors, when its root does not exist, the connection is lost or a read takes too long;
    /// `CANCELLED`.
    pub fn run(self) -> Result<SetList> {
        let Self { share, deployment, component, observer } = self;
        observed(observer, |observer| {
            let ticker = Ticker::new(observer, None);
            let mut listing = Listing { share, list: SetList::default(), ticker };
            listing.all(deployment, component)?;
            let mut list = listing.list;
            list.finish();
            Ok(list)
        })
    }
}

struct Listing<'a> {
    share: &'a Arc<dyn Share>,
    list: SetList,
    ticker: Ticker<'a>,
}

impl Listing<'_> {
    fn all(&mut self, deployment: &Deployment, component: Option<&Component>) -> Result<()> {
        for region in self.regions(deployment)? {
            for (folder, found) in self.folders::<Component>(&region)? {
                if component.is_some_and(|wanted| *wanted != found) {
                    continue;
                }
                let place = Place::new(deployment.clone(), found);
                self.sets(&place, &folder)?;
                for (folder, scale_unit) in self.folders::<ScaleUnit>(&folder)? {
                    self.sets(&place.clone().with_scale_unit(scale_unit), &folder)?;
                }
            }
        }
        Ok(())
    }

    /// The region folder. If it does not exist, the folders whose names differ only in letter case, on a share that is
    /// case-sensitive.
    fn regions(&mut self, deployment: &Deployment) -> Result<Vec<SharePath>> {
        let region = deployment.region_folder();
        match self.share.list(&region) {
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            _ => return Ok(vec![region]),
        }
        let like =
            |wanted: &Name, folders: Vec<Name>| folders.into_iter().filter(|n| n.same_name(wanted)).collect();
        let root = SharePath::root();
        // This finds out whether the root exists, so none of its errors is ignored.
        let domains: Vec<Name> = like(deployment.external_domain_name(), names(self.share.list(&root)?));
        let mut regions = Vec::new();
        for domain in domains {
            let domain = root.join(domain);
            let found: Vec<Name> = like(deployment.region(), self.list(&domain)?);
            regions.extend(found.into_iter().map(|region| domain.join(region)));
        }
        Ok(regions)
    }

    /// The folders in this one whose names parse as `T`.
    fn folders<T: std::str::FromStr>(&mut self, folder: &SharePath) -> Result<Vec<(SharePath, T)>> {
        let of_kind = |name: Name| Some((folder.join(name.clone()), name.as_str().parse().ok()?));
        Ok(self.list(folder)?.into_iter().filter_map(of_kind).collect())
    }

    /// Adds the sets in this folder, which belong to this place.
    fn sets(&mut self, place: &Place, folder: &SharePath) -> Result<()> {
        for (folder, name) in self.folders(folder)? {
            self.list.sets.extend(summary(self.share, place, &folder, name)?);
            self.ticker.tick(Progress { files: self.list.sets.len() as u64, ..Progress::default() })?;
        }
        Ok(())
    }

    /// Names of the folders in this one. If it cannot be listed, records that and returns none.
    fn list(&mut self, folder: &SharePath) -> Result<Vec<Name>> {
        match self.share.list(folder) {
            Ok(items) => Ok(names(items)),
            // Deleted by hand in the meantime.
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(e) if e.scope() == Scope::Object => {
                let (folder, code, reason) = (folder.clone(), e.code(), e.to_string());
                self.list.unreadable.push(UnreadableFolder { folder, code, reason });
                Ok(Vec::new())
            }
            Err(e) => Err(e),
        }
    }
}

fn names(items: Vec<Item>) -> Vec<Name> {
    let folders =
        items.into_iter().filter(|item| item.kind == ItemKind::Folder && !is_mas_backup(&item.name));
    folders.filter_map(|item| Name::new(item.name).ok()).collect()
}

/// Looks at one set of this place, in this folder; `None` if it does not exist.
///
/// # Errors
/// The share's, not the set's: whatever is wrong with the set becomes its state.
pub(crate) fn summary(
    share: &Arc<dyn Share>,
    place: &Place,
    folder: &SharePath,
    name: SetName,
) -> Result<Option<SetSummary>> {
    let mut summary = SetSummary {
        place: place.clone(),
        name,
        folder: folder.clone(),
        has_cover_sheet: true,
        is_shrunken: false,
        state: SetState::Unreadable { reason: String::new() },
        files: Arc::default(),
        newest: None,
        may_be_whole: false,
    };
    let error = match Set::open_anywhere(share.clone(), folder.clone()) {
        Ok(set) => {
            summary.state = match (set.belongs_elsewhere(place), set.first_absence()) {
                (Some(belongs_to), _) => {
                    let reason = format!("it belongs to {belongs_to}; it is no backup of {place}");
                    SetState::Foreign { belongs_to, reason }
                }
                (None, Some(reason)) => SetState::Incomplete { reason },
                (None, None) => {
                    let keys = set.files().map(|(digest, bytes)| FileKey { digest: digest.front(), bytes });
                    summary.files = keys.collect();
                    SetState::Complete { cover: Box::new(set.cover().clone()) }
                }
            };
            return Ok(Some(summary));
        }
        Err(e) if e.scope() != Scope::Object => return Err(e),
        Err(e) => e,
    };
    let items = match share.list(folder) {
        // Deleted by hand in the meantime.
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) if e.scope() == Scope::Object => {
            summary.has_cover_sheet = false;
            summary.state = SetState::Unreadable { reason: e.to_string() };
            return Ok(Some(summary));
        }
        items => items?,
    };
    let has = |name: &str| items.iter().any(|item| item.name == name);
    let has_data =
        items.iter().any(|item| segment::is_name(&item.name) || piece_number(&item.name).is_some());
    summary.has_cover_sheet = has(cover::FILE_NAME);
    summary.may_be_whole = !summary.has_cover_sheet && has_data && has(sums::FILE_NAME);
    summary.newest = items.iter().filter_map(|item| item.modified).max();
    let reason = error.to_string();
    summary.state = match error.kind() {
        ErrorKind::Unsupported => SetState::Unsupported { reason },
        ErrorKind::AccessDenied | ErrorKind::Io => SetState::Unreadable { reason },
        _ if summary.has_cover_sheet && has_data => SetState::Damaged {
            reason: format!("{reason}; its data is there: open it by its index, with the key"),
        },
        _ if summary.may_be_whole => SetState::Incomplete {
            reason: format!(
                "{folder} has SHA256SUMS and no {}: its backup is about to end, broke off at the last moment, or the \
                 file was deleted; its data may be whole: wait, or open it by its index, with the key",
                cover::FILE_NAME
            ),
        },
        _ => SetState::Incomplete { reason },
    };
    Ok(Some(summary))
}
