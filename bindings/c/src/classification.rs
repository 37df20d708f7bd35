//! The class of a failure, from an error or from `alert.rs`.

use azs::alert::Classification;

/// The class of a failure: the kind of alert, how certain it is, why, and whether to try again. Free it with
/// `azs_classification_free`, unless it belongs to an error.
///
/// Threads: it never changes. Several threads may read it at once.
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
