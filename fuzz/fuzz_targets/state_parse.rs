//! Any bytes given to every parser of the state folder: no panic, and what one accepts prints and parses again.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| azs_backup::backup::parsers::take_any(bytes));
