//! XML and JSON of `MASBackup` from anywhere are read or refused, never a panic.

#![no_main]

use azs_backup::mas_backup::parsers::take_metadata;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| take_metadata(data));
