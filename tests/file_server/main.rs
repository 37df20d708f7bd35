//! Backups over SMB, against a real Samba, on bad nights.
#![cfg(all(unix, feature = "smb"))]

#[path = "../common/mod.rs"]
mod common;
mod smb_cancel;
mod smb_credits;
mod smb_dfs;
mod smb_distance;
mod smb_domain;
mod smb_faults;
mod smb_night;
mod smb_refusals;
mod smb_rights;
mod smb_settings;
mod unsupported_servers;
