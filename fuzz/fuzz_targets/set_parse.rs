//! Any bytes given to every parser of the stored form: no panic, and what is taken prints and is taken again.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| azs_backup::set::parsers::take_any(bytes));
