//! Evidence: what was found, what it means under a profile, and how much it weighs.

use std::fmt;

use super::finding::{Finding, Form, Probe};
use super::kind::AlertKind;
use super::profile::Profile;
use super::retry::Retry;

/// One reason for a classification: a code, name or sentence that was found, and what it means.
#[derive(Clone, Copy)]
pub struct Evidence {
    pub(super) finding: &'static Finding,
    code: u32,
    line: u32,
    pub(super) form: Form,
    pub(super) kind: AlertKind,
    pub(super) weight: u8,
    pub(super) guessed: bool,
}

impl Evidence {
    #[inline]
    pub(super) fn new(form: Form, code: u32, finding: &'static Finding, profile: Profile) -> Self {
        let kind = kind_under(finding, profile);
        Self { finding, code, line: 0, form, kind, weight: weight(form, finding, kind), guessed: false }
    }

    /// Changes the weight: lower for a guess, higher for a sentence with only one meaning. What names no cause stays
    /// light.
    pub(super) fn weighing(mut self, weight: u8) -> Self {
        if self.finding.is_failure() && !self.finding.is_vague() {
            self.weight = weight;
        }
        self
    }

    /// Marks a number that only looks like the code: it weighs less, and is never certain.
    pub(super) fn guessed(mut self) -> Self {
        self.guessed = true;
        // A general code that may not even be one says less than a sentence that names a cause.
        let most = if is_general(self.kind) { GUESS_OF_NO_CAUSE } else { GUESS };
        self.weight = self.weight.min(most);
        self
    }

    pub(super) fn at_line(mut self, line: u32) -> Self {
        self.line = line;
        self
    }

    pub(super) fn weight(&self) -> u8 {
        self.weight
    }

    /// Returns the form in which it was found.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }

    /// Returns the raw code as it was found; `None` for words and kinds.
    #[must_use]
    pub fn code(&self) -> Option<u32> {
        matches!(self.form, Form::Ntstatus | Form::Win32 | Form::Hresult | Form::Errno | Form::Http)
            .then_some(self.code)
    }

    /// Returns the name of the code: `STATUS_DISK_FULL`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.finding.name
    }

    /// Returns what it means.
    #[must_use]
    pub fn meaning(&self) -> &'static str {
        self.finding.meaning
    }

    /// Returns the kind that it points to.
    #[must_use]
    pub fn kind(&self) -> AlertKind {
        self.kind
    }

    /// Returns the other kind that it may point to; `None` unless it is ambiguous.
    #[must_use]
    pub fn other_kind(&self) -> Option<AlertKind> {
        self.finding.or
    }

    /// Returns what to check to decide, if it is ambiguous.
    #[must_use]
    pub fn probe(&self) -> Option<Probe> {
        self.finding.probe
    }

    /// Returns the Win32 code that Windows makes of it, if known.
    #[must_use]
    pub fn win32(&self) -> Option<u32> {
        Some(self.finding.win32).filter(|code| *code != 0)
    }

    /// Returns the line of the text in which it was first found, counted from 1; `None` outside texts.
    #[must_use]
    pub fn line(&self) -> Option<u32> {
        Some(self.line).filter(|line| *line != 0)
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.form, self.code()) {
            (Form::Ntstatus | Form::Hresult, Some(code)) => {
                write!(f, "{} 0x{code:08X} {}", self.form.code(), self.name())?
            }
            (_, Some(code)) => write!(f, "{} {code} {}", self.form.code(), self.name())?,
            (_, None) => write!(f, "{} {}", self.form.code(), self.name())?,
        }
        write!(f, ": {}", self.meaning())
    }
}

impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({}, {})", self.kind, self.weight)
    }
}

#[inline]
fn kind_under(finding: &Finding, profile: Profile) -> AlertKind {
    match (profile, finding.form) {
        (Profile::Refined, _) | (_, Form::FaultType) => finding.kind,
        // Build 1.2301.2300.2373 of the backup controller, SmbShareNotAccessibleExceptionFactory. On the conflict 1219
        // it drops the other session and tries again; if that does not help, 1219 falls into the last class.
        (Profile::Microsoft2301, _) => match finding.win32 {
            5 | 86 | 1205 | 1206 | 1326 | 1909 | 2202 => AlertKind::Authentication,
            53 | 55 | 67 | 487 | 1203 => AlertKind::Path,
            170 | 1222 => AlertKind::Connectivity,
            39 | 112 => AlertKind::OutOfCapacity,
            _ => AlertKind::ShareNotAccessible,
        },
    }
}

#[inline]
fn weight(form: Form, finding: &Finding, kind: AlertKind) -> u8 {
    if !finding.is_failure() {
        return 0;
    }
    if finding.is_vague() {
        return if matches!(form, Form::FaultType) { 100 } else { VAGUE };
    }
    // Codes first, precise ones before those that others are mapped to; words last.
    let full = match form {
        Form::FaultType => return 100,
        Form::Ntstatus => 90,
        Form::Hresult => 85,
        Form::Win32 => 84,
        // A proxy may have answered in place of the store.
        Form::Http => 80,
        Form::Errno => 60,
        Form::Error => 50,
        Form::IoKind => 40,
        Form::Wording => 30,
    };
    let full = if finding.or.is_some() { full - 4 } else { full };
    // Anything that names one of the other kinds says more than a general code, even a clear one.
    if is_general(kind) { full / 2 } else { full }
}

fn is_general(kind: AlertKind) -> bool {
    matches!(kind, AlertKind::General | AlertKind::ShareNotAccessible)
}

/// Weight of what names no cause.
pub(super) const VAGUE: u8 = 10;
/// Most weight of a number that only looks like a code.
const GUESS: u8 = 70;
const GUESS_OF_NO_CAUSE: u8 = 13;

/// For codes that are in no table.
pub(super) static UNKNOWN: Finding = Finding {
    form: Form::Wording,
    code: 0,
    name: "unknown",
    win32: 0,
    kind: AlertKind::General,
    retry: Retry::Unknown,
    meaning: "is not known",
    or: None,
    probe: None,
};

/// For codes that are in no table and report no failure.
pub(super) static NO_FAILURE: Finding = Finding {
    form: Form::Wording,
    code: 0,
    name: "success",
    win32: 0,
    kind: AlertKind::General,
    retry: Retry::NoFailure,
    meaning: "reports no failure",
    or: None,
    probe: None,
};

/// Fills the unused places of a classification.
pub(super) const NOTHING: Evidence = Evidence {
    finding: &UNKNOWN,
    code: 0,
    line: 0,
    form: Form::Wording,
    kind: AlertKind::General,
    weight: 0,
    guessed: false,
};
