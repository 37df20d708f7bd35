//! Any bytes read as a detached signature: signed or not valid, never a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| azs_backup::signature::parsers::take_any(bytes));
