//! Any bytes given to every parser of the state folder: no panic, and what is taken prints and is taken again.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| azs_backup::backup::parsers::take_any(bytes));
