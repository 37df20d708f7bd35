//! Runs the program as an operator would.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

#[path = "cli/classify.rs"]
mod classify;
#[path = "cli/jobs.rs"]
mod jobs;
#[path = "cli/keys.rs"]
mod keys;
#[path = "cli/secrets.rs"]
mod secrets;
#[path = "cli/site.rs"]
mod site;
#[path = "cli/words.rs"]
mod words;
