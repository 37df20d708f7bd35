//! What `azs-backup` asks Windows for that no safe crate offers: the facts about an open file or folder, where it is,
//! its holes, streams and access list, where a link leads, which privileges there are, whether the process is to
//! end, what is in the certificate stores; and the event log.
//!
//! `azs-backup` itself forbids `unsafe`. Each function here is safe to call: it borrows an open handle, which stays valid
//! meanwhile, and passes on the sizes of its own buffers. Elsewhere than on Windows this crate is empty.
#![cfg(windows)]
#![warn(clippy::undocumented_unsafe_blocks)]

mod certificate;
mod console;
mod event_log;
mod facts;
mod privilege;
mod query;
mod reparse;
mod security;
mod sparse;
mod streams;
mod volume;

pub use certificate::{StoreLocation, StoredCertificate, StoredKey};
pub use console::on_end;
pub use event_log::{EventKind, report_event};
pub use facts::{Facts, facts, set_attributes};
pub use privilege::{Privileges, privileges};
pub use reparse::{Link, link};
pub use security::{Others, audit, make_private, others, security, set_access, set_audit, set_owner};
pub use sparse::{has_data, make_sparse};
pub use streams::{Stream, streams};
pub use volume::{Space, is_remote, path, rename_new, space};
