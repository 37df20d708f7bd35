//! What a listing says of one set.

use std::sync::{Arc, Mutex, PoisonError};

use super::{FileKey, SetState, SetSummary};
use crate::error::{ErrorKind, Result, Scope};
use crate::layout::{Place, SetName, SharePath};
use crate::set::index::piece_number;
use crate::set::reader::Set;
use crate::set::{cover, segment, sums};
use crate::share::Share;
use crate::signature::Demand;

/// Looks at one set of this place, in this folder; `None` if it does not exist.
///
/// # Errors
/// The share's, not the set's: whatever is wrong with the set becomes its state.
pub(crate) fn summary(
    share: &Arc<dyn Share>,
    place: &Place,
    folder: &SharePath,
    name: SetName,
    demand: &Demand,
) -> Result<Option<SetSummary>> {
    summarize(share, place, folder, name, demand, &Mutex::default())
}

/// Looks at one set, on one of several threads: only one has a `large` `SHA256SUMS` in memory at a time.
pub(super) fn summarize(
    share: &Arc<dyn Share>,
    place: &Place,
    folder: &SharePath,
    name: SetName,
    demand: &Demand,
    large: &Mutex<()>,
) -> Result<Option<SetSummary>> {
    let mut summary = SetSummary {
        place: place.clone(),
        name,
        folder: folder.clone(),
        has_cover_sheet: true,
        is_shrunken: false,
        state: SetState::Unreadable { reason: String::new() },
        signature: None,
        demand: demand.clone(),
        files: Arc::default(),
        newest: None,
        may_be_whole: false,
    };
    let mut items = match share.list(folder) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) if e.scope() == Scope::Object => {
            summary.has_cover_sheet = false;
            summary.state = SetState::Unreadable { reason: e.to_string() };
            return Ok(Some(summary));
        }
        items => items?,
    };
    let is_large = items.iter().any(|item| item.name == sums::FILE_NAME && item.length > LARGE);
    let _one_at_a_time = is_large.then(|| large.lock().unwrap_or_else(PoisonError::into_inner));
    let error = match Set::open_listed(share.clone(), folder.clone(), &items) {
        Ok(set) => {
            summary.state = match (set.belongs_elsewhere(place), set.first_absence()) {
                (Some(belongs_to), _) => {
                    let reason = format!("it belongs to {belongs_to}; it is no backup of {place}");
                    SetState::Foreign { belongs_to, reason }
                }
                (None, Some(reason)) => SetState::Incomplete { reason },
                (None, None) => {
                    let signature = set.signature()?;
                    let trusted = demand.check(&signature);
                    summary.signature = Some(signature);
                    match trusted {
                        Err(e) => SetState::Untrusted { reason: e.to_string() },
                        Ok(()) => {
                            let keys = set.files().map(|(digest, bytes)| FileKey::of(digest, bytes));
                            summary.files = keys.collect();
                            SetState::Complete { cover: Box::new(set.cover().clone()) }
                        }
                    }
                }
            };
            return Ok(Some(summary));
        }
        Err(e) if e.scope() != Scope::Object => return Err(e),
        Err(e) => e,
    };
    if error.kind() == ErrorKind::NotFound {
        items = match share.list(folder) {
            // Deleted by hand in the meantime.
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            items => items?,
        };
    }
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

/// Most bytes of a `SHA256SUMS` that many threads may have in memory at once.
const LARGE: u64 = 1 << 20;
