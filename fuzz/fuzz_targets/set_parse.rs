//! Any bytes given to every parser of the stored form: no panic, and what one accepts prints and parses again.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| azs_backup::set::parsers::take_any(bytes));
