//! Tests that need no share: names, schedules, alerts, vectors, documents.

mod alert;
mod documents;
mod layout;
mod options;
mod schedule;
mod vectors;
#[path = "../common/walked.rs"]
mod walked;
