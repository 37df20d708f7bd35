//! What may lie in `MASBackup`: metadata, lists, names, headers and zips from anywhere are read or refused, never a panic,
//! and no path that comes out of a zip leads out of a folder.

#![no_main]

use azs_backup::mas_backup::parsers::take_any;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| take_any(data));
