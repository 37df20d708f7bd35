//! How bad a finding is.

use serde::{Deserialize, Serialize};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// A backup cannot be restored, or anyone can read it: act today.
    Critical,
    /// Against the practices: act before it costs a backup.
    Warning,
    /// Worth knowing.
    Notice,
}

impl Severity {
    /// Every severity, worst first.
    pub const ALL: [Severity; 3] = [Self::Critical, Self::Warning, Self::Notice];

    /// Returns the word in lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}
