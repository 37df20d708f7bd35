//! Zips in a snapshot are read within their budget or refused, and no path that comes out leads out of a folder.

#![no_main]

use azs_backup::mas_backup::parsers::take_zip;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| take_zip(data));
