//! The native half of the Node package: it converts, calls the core and converts back.
//!
//! JavaScript programmers see `index.js` and `index.d.ts`. Only the files in `lib` call this; they check types, and
//! pass plain data as JSON.

// JavaScript's documentation is in index.d.ts.
#![allow(missing_docs, unreachable_pub)]
#![allow(clippy::exhaustive_structs, clippy::needless_pass_by_value, clippy::too_many_arguments)]

mod alert;
mod backup;
mod classification;
mod control;
mod copies;
mod envelope;
mod ffi;
mod layout;
mod mas_backup;
mod planning;
mod program;
mod set;
mod share;
mod signature;
mod threads;
