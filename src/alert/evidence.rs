//! Evidence: what was found, what it says under a profile, and how much it weighs.

use std::fmt;

use super::classification::Profile;
use super::finding::{Finding, Form, Probe};
use super::kind::AlertKind;
use super::retry::Retry;

/// One reason for a classification: a code, name or sentence that was found, and what it says.
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

    /// Weighed otherwise: a guess less, a sentence that cannot mean anything else more. What says nothing stays light.
    pub(super) fn weighing(mut self, weight: u8) -> Self {
        if self.finding.is_failure() && !self.finding.is_vague() {
            self.weight = weight;
        }
        self
    }

    /// A number that only looks like the code: weighs less, and is never certain.
    pub(super) fn guessed(mut self) -> Self {
        self.guessed = true;
        // A general code that may be none says less than a sentence that names a cause.
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

    /// In which form it was found.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }

    /// The raw code, as it was found; none for words and kinds.
    #[must_use]
    pub fn code(&self) -> Option<u32> {
        matches!(self.form, Form::Ntstatus | Form::Win32 | Form::Hresult | Form::Errno).then_some(self.code)
    }

    /// The name of the code: `STATUS_DISK_FULL`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.finding.name
    }

    /// What it says.
    #[must_use]
    pub fn meaning(&self) -> &'static str {
        self.finding.meaning
    }

    /// The kind that it speaks for.
    #[must_use]
    pub fn kind(&self) -> AlertKind {
        self.kind
    }

    /// The other kind that it may stand for; none where it is not ambiguous.
    #[must_use]
    pub fn other_kind(&self) -> Option<AlertKind> {
        self.finding.or
    }

    /// What would decide, where it is ambiguous.
    #[must_use]
    pub fn probe(&self) -> Option<Probe> {
        self.finding.probe
    }

    /// The Win32 code that Windows makes of it, where one is known.
    #[must_use]
    pub fn win32(&self) -> Option<u32> {
        Some(self.finding.win32).filter(|code| *code != 0)
    }

    /// The line of the text in which it was found first, counted from 1; none outside texts.
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
        // Build 1.2301.2300.2373 of the backup controller, SmbShareNotAccessibleExceptionFactory. The conflict 1219 is
        // tried again there after the other session is dropped, and is the rest's class when that does not help.
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
    // Codes first, the most precise ones before those that others were mapped to; words last.
    let full = match form {
        Form::FaultType => return 100,
        Form::Ntstatus => 90,
        Form::Hresult => 85,
        Form::Win32 => 84,
        Form::Errno => 60,
        Form::Error => 50,
        Form::IoKind => 40,
        Form::Wording => 30,
    };
    let full = if finding.or.is_some() { full - 4 } else { full };
    // What names one of the other kinds tells more than a general code, even a clear one.
    if is_general(kind) { full / 2 } else { full }
}

fn is_general(kind: AlertKind) -> bool {
    matches!(kind, AlertKind::General | AlertKind::ShareNotAccessible)
}

/// The weight of what names no cause.
pub(super) const VAGUE: u8 = 10;
/// The most that a number may weigh that only looks like a code.
const GUESS: u8 = 70;
const GUESS_OF_NO_CAUSE: u8 = 13;

/// For codes that stand in no table.
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

/// For codes that stand in no table and report no failure.
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

/// Fills the places of a classification that hold no evidence.
pub(super) const NOTHING: Evidence = Evidence {
    finding: &UNKNOWN,
    code: 0,
    line: 0,
    form: Form::Wording,
    kind: AlertKind::General,
    weight: 0,
    guessed: false,
};
