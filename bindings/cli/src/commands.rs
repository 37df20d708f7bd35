//! What each command does: a file for each.

pub(crate) mod backup;
pub(crate) mod cat;
pub(crate) mod check;
pub(crate) mod classify;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod copy;
pub(crate) mod diff;
pub(crate) mod key;
pub(crate) mod kit;
pub(crate) mod list;
pub(crate) mod man;
pub(crate) mod mas_backup;
pub(crate) mod nightly;
pub(crate) mod restore;
pub(crate) mod retention;
pub(crate) mod review;
pub(crate) mod show;
pub(crate) mod survey;
pub(crate) mod verify;
