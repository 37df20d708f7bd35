//! Tests that need no share: names, schedules, alerts, vectors, documents.

mod alert;
#[path = "../common/case_count.rs"]
mod case_count;
mod documents;
mod layout;
mod options;
mod schedule;
mod vectors;
