//! Runs the program as an operator would.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

#[path = "cli/classify.rs"]
mod classify;
#[cfg(any(feature = "smb", feature = "object-store"))]
#[path = "../../../tests/common/mod.rs"]
mod common;
#[path = "cli/configuration.rs"]
mod configuration;
#[path = "cli/copies.rs"]
mod copies;
#[path = "cli/damage.rs"]
mod damage;
#[path = "cli/dry_run.rs"]
mod dry_run;
#[path = "cli/jobs.rs"]
mod jobs;
#[path = "cli/keys.rs"]
mod keys;
#[path = "cli/kit.rs"]
mod kit;
#[path = "cli/mas_backup.rs"]
mod mas_backup;
#[path = "cli/mistakes.rs"]
mod mistakes;
#[path = "cli/nightly.rs"]
mod nightly;
#[cfg(feature = "object-store")]
#[path = "cli/object_store.rs"]
mod object_store;
#[path = "cli/post_quantum.rs"]
mod post_quantum;
#[path = "cli/reports.rs"]
mod reports;
#[path = "cli/secrets.rs"]
mod secrets;
#[path = "cli/signers.rs"]
mod signers;
#[path = "cli/site.rs"]
mod site;
#[cfg(feature = "smb")]
#[path = "cli/smb.rs"]
mod smb;
#[path = "cli/survey.rs"]
mod survey;
#[path = "cli/words.rs"]
mod words;
