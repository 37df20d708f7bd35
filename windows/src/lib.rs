//! What `azs-backup` asks Windows for that no safe crate offers: the facts about an open file or folder, where it is,
//! its holes, streams and access list, where a link leads.
//!
//! `azs-backup` itself forbids `unsafe`. Each function here is safe to call: it borrows an open handle, which stays valid
//! meanwhile, and passes on the sizes of its own buffers. Elsewhere than on Windows this crate is empty.
#![cfg(windows)]
#![warn(clippy::undocumented_unsafe_blocks)]

mod facts;
mod query;
mod reparse;
mod security;
mod sparse;
mod streams;
mod volume;

pub use facts::{Facts, facts, set_attributes};
pub use reparse::{Link, link};
pub use security::{Others, make_private, others, security, set_access, set_owner};
pub use sparse::{has_data, make_sparse};
pub use streams::{Stream, streams};
pub use volume::{Space, is_remote, path, rename_new, space};
