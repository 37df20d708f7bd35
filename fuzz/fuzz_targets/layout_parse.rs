//! Any text, parsed as each type of the layout.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/values/layout/properties.rs"]
mod properties;

fuzz_target!(|text: &str| properties::check(text));
