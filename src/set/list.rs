//! Lists the sets of a deployment.

use std::sync::Arc;

use serde::Serialize;

use super::cover::{self, CoverSheet};
use super::reader::Set;
use crate::error::{ErrorKind, Result};
use crate::layout::{Component, Deployment, Name, Place, ScaleUnit, SetName, SharePath, is_mas_backup};
use crate::share::{ItemKind, Share};

/// A set as a listing shows it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SetSummary {
    /// Deployment, component and scale unit.
    pub place: Place,
    /// Its name.
    pub name: SetName,
    /// Its folder on the share.
    pub folder: SharePath,
    /// Whether it has a cover sheet. An incomplete set that has one was finished once: it is damaged or partly deleted.
    pub has_cover_sheet: bool,
    /// Whether it is a backup.
    #[serde(flatten)]
    pub state: SetState,
    /// The stored files of a complete set, by which it shows what it shares with others.
    #[serde(skip)]
    pub(crate) files: Arc<[FileKey]>,
}

/// A stored file as it is told from others across sets: the front of its digest, and its length.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct FileKey {
    digest: u64,
    /// Its length in bytes.
    pub(crate) bytes: u64,
}

/// Whether a set is a backup.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SetState {
    /// Every file that its cover sheet names is there with the right length. Only verification tells more.
    Complete {
        /// The cover sheet.
        cover: Box<CoverSheet>,
    },
    /// Not a backup: never finished, or partly deleted.
    Incomplete {
        /// Why, in one line.
        reason: String,
    },
    /// Written in a later version of the stored form: whole or not is not for this library to judge.
    Unsupported {
        /// Which version, in one line.
        reason: String,
    },
}

impl SetSummary {
    /// Whether it can be restored.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        matches!(self.state, SetState::Complete { .. })
    }
}

/// Lists the sets of a deployment, or of one component of it, by place and then from old to new.
///
/// Reads the cover sheet and `SHA256SUMS` of each set and lists its folder; needs no key. What is not named as a set
/// is passed over, and `MASBackup` is never looked into.
///
/// # Errors
/// `NOT_FOUND` when the region folder is not there; the share's own errors.
pub fn list_sets(
    share: &Arc<dyn Share>,
    deployment: &Deployment,
    component: Option<&Component>,
) -> Result<Vec<SetSummary>> {
    let region = deployment.region_folder();
    let mut sets = Vec::new();
    for name in folders(&**share, &region)? {
        let Ok(found) = name.as_str().parse::<Component>() else {
            continue;
        };
        if component.is_some_and(|wanted| *wanted != found) {
            continue;
        }
        let place = Place::new(deployment.clone(), found);
        for below in folders(&**share, &region.join(name))? {
            if let Ok(set) = below.as_str().parse::<SetName>() {
                sets.extend(summary(share, &place, set)?);
            } else if let Ok(scale_unit) = below.as_str().parse::<ScaleUnit>() {
                let place = place.clone().with_scale_unit(scale_unit);
                for name in folders(&**share, &place.folder())? {
                    if let Ok(set) = name.as_str().parse::<SetName>() {
                        sets.extend(summary(share, &place, set)?);
                    }
                }
            }
        }
    }
    sets.sort_by_cached_key(|set: &SetSummary| (set.place.to_string(), set.name));
    Ok(sets)
}

fn folders(share: &dyn Share, folder: &SharePath) -> Result<Vec<Name>> {
    let items = share.list(folder)?.into_iter();
    Ok(items
        .filter(|item| item.kind == ItemKind::Folder && !is_mas_backup(&item.name))
        .filter_map(|item| Name::new(item.name).ok())
        .collect())
}

/// Looks at one set; none where it is not there.
pub(crate) fn summary(share: &Arc<dyn Share>, place: &Place, name: SetName) -> Result<Option<SetSummary>> {
    let folder = place.set_folder(&name);
    let mut has_cover_sheet = true;
    let mut files = Arc::default();
    let state = match Set::open(share.clone(), folder.clone()) {
        Ok(set) => match set.first_absence() {
            None => {
                files =
                    set.files().map(|(digest, bytes)| FileKey { digest: digest.front(), bytes }).collect();
                SetState::Complete { cover: Box::new(set.cover().clone()) }
            }
            Some(reason) => SetState::Incomplete { reason },
        },
        // Deleted by hand while we looked.
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) if matches!(e.kind(), ErrorKind::AccessDenied | ErrorKind::Io) => return Err(e),
        Err(e) if e.kind() == ErrorKind::Unsupported => SetState::Unsupported { reason: e.to_string() },
        Err(e) => {
            let items = match share.list(&folder) {
                Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
                items => items?,
            };
            has_cover_sheet = items.iter().any(|item| item.name == cover::FILE_NAME);
            SetState::Incomplete { reason: e.to_string() }
        }
    };
    Ok(Some(SetSummary { place: place.clone(), name, folder, has_cover_sheet, state, files }))
}
