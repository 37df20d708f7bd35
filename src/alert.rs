//! Classifies failures: which documented alert each one is, why, and what to do next.
//!
//! Azure Stack Hub's best practices name five alerts of its backup: [out of capacity](AlertKind::OutOfCapacity),
//! [connectivity](AlertKind::Connectivity), [path](AlertKind::Path), [authentication](AlertKind::Authentication),
//! [general](AlertKind::General). Systems show more, and each [belongs to](AlertKind::documented) one of the five. This
//! module classifies an NTSTATUS, a Win32 code, an HRESULT, an errno, an answer of an object store, an
//! [`io::Error`](std::io::Error), an [`Error`](crate::Error) of this library, any other error with its chain of causes, a
//! line that a tool printed, or an alert in JSON. It returns the class with its evidence and their weights, and whether another attempt helps or harms.
//!
//! The codes are tables: data with names and sources. Look-ups do not allocate. There is no I/O and no clock here, and
//! no input panics.
//!
//! ```
//! use azs_backup::alert::{AlertKind, DocumentedKind, Profile, classify_text};
//!
//! let class = classify_text("mount error(113): No route to host", Profile::Refined);
//! assert_eq!(class.kind(), AlertKind::Connectivity);
//! assert_eq!(class.documented_kind(), DocumentedKind::Connectivity);
//! assert_eq!(class.evidence()[0].name(), "EHOSTUNREACH");
//! ```

mod cause;
mod classification;
mod code;
mod errno;
mod error_kind;
mod evidence;
mod fault_type;
mod finding;
mod hresult;
mod http;
mod json;
mod kind;
mod ntstatus;
mod number;
mod profile;
mod remedy;
mod report;
mod retry;
mod store_remedy;
mod text;
mod win32;
mod wording;

/// Words that JSON writes and reads as their code.
macro_rules! code_serde {
    ($($type:ty: $all:expr, $code:ident;)+) => {$(
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.$code())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                let found = $all.iter().find(|known| known.$code() == text).copied();
                found.ok_or_else(|| serde::de::Error::custom(concat!("no such ", stringify!($type))))
            }
        }
    )+};
}
code_serde! {
    AlertKind: AlertKind::ALL, code;
    Confidence: [Confidence::Low, Confidence::Medium, Confidence::High], code;
    DocumentedKind: DocumentedKind::ALL, code;
    Form: Form::ALL, code;
    Probe: Probe::ALL, code;
    Profile: Profile::ALL, as_str;
    Retry: Retry::ALL, code;
    Severity: [Severity::Warning, Severity::Critical], as_str;
}

pub(crate) use cause::Known;
pub use cause::{classify_chain, classify_error, classify_io};
pub use classification::{Classification, Confidence};
pub use code::{classify_errno, classify_hresult, classify_http, classify_ntstatus, classify_win32};
pub use evidence::Evidence;
pub use finding::{Form, Probe};
#[cfg(feature = "object-store")]
pub(crate) use http::HttpAnswer;
pub use json::{Alert, classify_json};
pub use kind::{AlertKind, DocumentedKind, Severity};
pub use profile::Profile;
pub use remedy::Context;
pub use retry::{Retry, RetryAdvice};
pub use text::{TextClassifier, classify_text};
