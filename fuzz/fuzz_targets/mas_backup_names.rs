//! Names of files in `MASBackup` are read or refused, whatever their letter case.

#![no_main]

use azs_backup::mas_backup::parsers::take_names;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| take_names(data));
