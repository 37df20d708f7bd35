//! What a verification need not hash.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::envelope::recipient_infos_of;
use crate::set::{Digest, StoredFile};

/// RecipientInfos of messages that have the digests listed for them.
///
/// They are the part of a message that opening it does not authenticate: those for other certificates are not looked at.
/// All messages of a run have the same. So if another message has them, opens, and has the tag listed for it, it is what
/// was written, and its digest would say nothing new.
#[derive(Default)]
pub(super) struct Written(Mutex<HashSet<Digest>>);

impl Written {
    /// Notes those of a message that has its digest.
    pub(super) fn add(&self, message: &[u8]) {
        if let Ok(recipients) = recipient_infos_of(message) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(Digest::of(recipients));
        }
    }

    /// Whether a message has such RecipientInfos.
    pub(super) fn has_recipients_of(&self, message: &[u8]) -> bool {
        recipient_infos_of(message).is_ok_and(|recipients| {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&Digest::of(recipients))
        })
    }

    /// Whether a message is the one that is listed, provided that it opens and has the tag listed.
    pub(super) fn is(&self, file: &StoredFile, message: &[u8]) -> bool {
        if self.has_recipients_of(message) {
            return true;
        }
        let is_whole = Digest::of(message) == file.sha256;
        if is_whole {
            self.add(message);
        }
        is_whole
    }
}
