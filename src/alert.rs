//! Faults in, alerts out: which of the documented alerts a failure is, why, and what to do next.
//!
//! Azure Stack Hub's best practices name five alerts of its backup: [out of capacity](AlertKind::OutOfCapacity),
//! [connectivity](AlertKind::Connectivity), [path](AlertKind::Path), [authentication](AlertKind::Authentication),
//! [general](AlertKind::General). Systems show more, each of which [belongs to](AlertKind::documented) one of the five.
//! This module gives the class of an NTSTATUS, a Win32 code, an HRESULT, an errno, an [`io::Error`](std::io::Error), an
//! [`Error`](crate::Error) of this library, any other error with its chain of causes, a line that a tool printed or an
//! alert in JSON, with the evidence and its weight, and whether another attempt helps or harms.
//!
//! The codes are tables: data with names and sources, by which look-ups need no allocation. There is no I/O and no
//! clock here, and no input panics.
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
mod evidence;
mod fault_type;
mod finding;
mod hresult;
mod json;
mod kind;
mod ntstatus;
mod number;
mod remedy;
mod report;
mod retry;
mod text;
mod win32;
mod wording;

pub use cause::{classify_chain, classify_error, classify_io};
pub use classification::{Classification, Confidence, Profile};
pub use code::{classify_errno, classify_hresult, classify_ntstatus, classify_win32};
pub use evidence::Evidence;
pub use finding::{Form, Probe};
pub use json::{Alert, classify_json};
pub use kind::{AlertKind, DocumentedKind, Severity};
pub use remedy::Context;
pub use retry::{Retry, RetryAdvice};
pub use text::{TextClassifier, classify_text};
