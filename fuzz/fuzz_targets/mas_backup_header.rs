//! Headers of data files in `MASBackup` are read or refused.

#![no_main]

use azs_backup::mas_backup::parsers::take_header;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| take_header(data));
