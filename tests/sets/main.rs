//! Sets on a share, which is a folder or, with `AZS_TEST_SHARE=smb`, behind a file server.

#[path = "../common/case_count.rs"]
mod case_count;
#[path = "../common/mod.rs"]
mod common;
mod copies;
mod damage;
mod incremental;
mod mas_backup;
mod one_file;
mod review;
mod round_trip;
mod share;
mod signatures;
mod sources;
mod target;
