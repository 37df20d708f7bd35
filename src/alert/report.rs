//! A classification as JSON, for programs that do not link against the library.

use serde::{Serialize, Serializer};

use super::classification::Classification;
use super::evidence::Evidence;
use super::finding::{Form, Probe};
use super::retry::RetryAdvice;

#[derive(Serialize)]
struct Report<'a> {
    kind: &'static str,
    documented_kind: &'static str,
    confidence: &'static str,
    failure: bool,
    profile: &'static str,
    severity: &'static str,
    fault_type_id: &'static str,
    title: &'static str,
    retry: RetryAdvice,
    evidence: &'a [Evidence],
}

#[derive(Serialize)]
struct Reason {
    form: Form,
    code: Option<u32>,
    name: &'static str,
    kind: &'static str,
    documented_kind: &'static str,
    meaning: &'static str,
    other_kind: Option<&'static str>,
    probe: Option<Probe>,
    line: Option<u32>,
}

impl Serialize for Classification {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Report {
            kind: self.kind().code(),
            documented_kind: self.documented_kind().code(),
            confidence: self.confidence().code(),
            failure: self.is_failure(),
            profile: self.profile().as_str(),
            severity: self.kind().severity().as_str(),
            fault_type_id: self.kind().fault_type_id(),
            title: self.kind().title(),
            retry: self.retry(),
            evidence: self.evidence(),
        }
        .serialize(serializer)
    }
}

impl Serialize for Evidence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Reason {
            form: self.form(),
            code: self.code(),
            name: self.name(),
            kind: self.kind().code(),
            documented_kind: self.kind().documented().code(),
            meaning: self.meaning(),
            other_kind: self.other_kind().map(|kind| kind.code()),
            probe: self.probe(),
            line: self.line(),
        }
        .serialize(serializer)
    }
}
