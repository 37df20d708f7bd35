//! The C library `libazs_backup`: it converts, calls the core and converts back.
//!
//! C programmers read `include/azs_backup.h`. A test makes it from the comments here.

// Names are C's, and the header's contract replaces Rust's: see `ffi.rs`.
#![allow(non_camel_case_types, missing_docs, unreachable_pub)]
#![allow(clippy::exhaustive_enums, clippy::exhaustive_structs, clippy::too_many_arguments)]
#![deny(clippy::undocumented_unsafe_blocks)]

mod alert;
mod alert_kind;
mod backup;
mod callback;
mod certificate;
mod classification;
mod copies;
mod envelope;
mod error;
mod ffi;
mod json;
mod layout;
mod mas_backup;
mod memory;
mod retention;
mod review;
mod schedule;
mod set;
mod share;
mod signature;
mod survey;
