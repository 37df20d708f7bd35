//! Tests that use a folder as their share.
#![cfg(unix)]

#[path = "../common/bad_share.rs"]
mod bad_share;
mod bit_rot;
#[path = "../sets/incremental/by_hand.rs"]
mod by_hand;
mod by_index;
mod check;
#[path = "../common/mod.rs"]
mod common;
mod excludes;
mod flips;
mod list_sets;
#[path = "../sets/incremental/nightly.rs"]
mod nightly;
mod not_mounted;
mod restore_links;
mod restore_share;
mod restore_whole;
mod source_problems;
mod year;
