//! Lists the sets of a deployment.

use std::ops::Deref;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::cover::CoverSheet;
use super::digest::Digest;
use super::shrunken::Largest;
use crate::error::Result;
use crate::layout::{Component, Deployment, Place, SetName, SharePath};
use crate::observer::{Observer, Unobserved, observed};
use crate::share::Share;
use crate::signature::{Demand, Signature, SignerCertificate};

mod deployments;
mod summary;
mod walk;

pub(crate) use deployments::find_deployments;
pub use deployments::list_deployments;
pub(crate) use summary::summary;

pub(crate) use walk::Named;
use walk::Walk;

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
        // A name has the second alone; of two sets of one second the cover sheets know which came first.
        self.sets.sort_by_cached_key(|set| {
            let begun = match &set.state {
                SetState::Complete { cover } => cover.created,
                _ => set.name.created(),
            };
            (set.place.to_string(), set.name.created(), begun, set.name, set.folder.to_string())
        });
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
        self.unreadable.sort_by_cached_key(|unreadable| unreadable.folder.to_string());
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
    /// Who signed it, if all of its files are there; `None` for other sets, whose signature is not read.
    pub signature: Option<Signature>,
    /// What it had to meet.
    #[serde(skip)]
    pub(crate) demand: Demand,
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

impl FileKey {
    pub(crate) fn of(digest: &Digest, bytes: u64) -> Self {
        Self { digest: digest.front(), bytes }
    }
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
    /// this place; to use it, name its place: [`Set::open_foreign`](crate::Set::open_foreign).
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
    /// All of its files are there, but it is not signed by one of the signers that the listing
    /// [demands](ListBuilder::require_signers): anyone may have made it.
    Untrusted {
        /// What its signature is instead, in one line.
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
            | Self::Unsupported { reason }
            | Self::Untrusted { reason } => Some(reason),
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

/// Prepares a listing of the sets of a deployment, by place and then from old to new. Complete sets of the same
/// second are sorted by when their cover sheets say that they began.
///
/// It needs no key: it reads the cover sheet, `SHA256SUMS` and the signature of each set and lists its folder, of several
/// sets at once. It ignores folders that are not named like a set, and never looks into `MASBackup`. If a set or folder
/// cannot be read, the list names it and goes on. Without a region folder the list is empty.
pub fn list_sets<'a>(share: Arc<dyn Share>, deployment: &'a Deployment) -> ListBuilder<'a> {
    ListBuilder { share, deployment, component: None, newest: 0, demand: Demand::default(), observer: None }
}

/// Finds the sets of a deployment by their names alone, and the folders that cannot be listed.
pub(crate) fn find_sets(
    share: &Arc<dyn Share>,
    deployment: &Deployment,
) -> Result<(Vec<Named>, Vec<UnreadableFolder>)> {
    Walk::new(share, &Demand::default(), &mut Unobserved).found(deployment)
}

/// A listing that [`run`](Self::run) does.
#[must_use = "nothing is listed before `run`"]
pub struct ListBuilder<'a> {
    share: Arc<dyn Share>,
    deployment: &'a Deployment,
    component: Option<&'a Component>,
    newest: usize,
    demand: Demand,
    observer: Option<&'a mut dyn Observer>,
}

impl<'a> ListBuilder<'a> {
    /// Lists only the sets of this component.
    pub fn component(mut self, component: impl Into<Option<&'a Component>>) -> Self {
        self.component = component.into();
        self
    }

    /// Lists only the newest sets of each place, from the newest back until this many are complete, and reads no older one;
    /// 0 lists all. A set from the future is listed but does not count. Without the older ones nobody sees that a set is
    /// [shrunken](SetSummary::is_shrunken).
    pub fn newest(mut self, complete: usize) -> Self {
        self.newest = complete;
        self
    }

    /// Demands that sets are signed by one of these signers: one that is not is [`Untrusted`](SetState::Untrusted), and no
    /// backup. Retention deletes no such set, and counts none as good. An empty list demands nothing.
    pub fn require_signers(self, signers: &[SignerCertificate]) -> Self {
        self.demand(Demand::new(signers))
    }

    /// The same, by a demand that was made before.
    pub(crate) fn demand(mut self, demand: Demand) -> Self {
        self.demand = demand;
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
        let Self { share, deployment, component, newest, demand, observer } = self;
        observed(observer, |observer| {
            let mut list = Walk::new(&share, &demand, observer).list(deployment, component, newest)?;
            list.finish();
            Ok(list)
        })
    }
}
