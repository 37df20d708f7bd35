//! The class of a failure, as an error has it and as `alert.rs` gives it.

use azs::alert::Classification;

/// The class of a failure: the kind of alert, how sure that is, why, and whether to try again. Freed by
/// `azs_classification_free`, unless it belongs to an error.
///
/// Threads: never changes, may be read by several threads at once.
pub struct azs_classification(pub(crate) Classification);

impl From<Classification> for azs_classification {
    fn from(classification: Classification) -> Self {
        Self(classification)
    }
}

impl azs_classification {
    pub(crate) fn get(&self) -> Classification {
        self.0
    }
}
