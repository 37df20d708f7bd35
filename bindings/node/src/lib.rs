//! The native half of the Node package: it converts, calls the core and converts back.
//!
//! What JavaScript programmers see is `index.js` and `index.d.ts`; this is called by the files in `lib` alone, which
//! check types, and give plain data as JSON.

// JavaScript's documentation is in index.d.ts.
#![allow(missing_docs, unreachable_pub)]
#![allow(clippy::exhaustive_structs, clippy::needless_pass_by_value, clippy::too_many_arguments)]

mod alert;
mod backup;
mod classification;
mod control;
mod envelope;
mod ffi;
mod layout;
mod planning;
mod set;
mod share;
mod threads;
