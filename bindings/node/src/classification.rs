//! The class of a failure, from an error or from `alert.rs`.

use azs_backup::Error;
use azs_backup::alert::{self, Profile, classify_error};
use napi_derive::napi;

/// A classification, and the error that it belongs to.
#[napi]
pub struct Classification {
    pub(crate) class: alert::Classification,
    pub(crate) error: Option<Error>,
}

impl From<alert::Classification> for Classification {
    fn from(class: alert::Classification) -> Self {
        Self { class, error: None }
    }
}

impl From<Error> for Classification {
    fn from(error: Error) -> Self {
        Self { class: classify_error(&error, Profile::Refined), error: Some(error) }
    }
}
