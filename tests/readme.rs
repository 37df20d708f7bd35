//! What the README prints: its program, and its recovery by hand.
#![cfg(unix)]

mod common;
#[path = "readme/powershell.rs"]
mod powershell;
#[path = "readme/program.rs"]
mod program;
#[path = "readme/recovery.rs"]
mod recovery;
