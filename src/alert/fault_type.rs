//! The fault types of alerts as findings.

use super::finding::{Finding, Form};
use super::kind::AlertKind;
use super::retry::Retry;

/// Returns the row of this kind.
pub(super) fn row(kind: AlertKind) -> &'static Finding {
    &ROWS[kind as usize]
}

/// For unknown fault types.
pub(super) static UNKNOWN: Finding = Finding {
    form: Form::FaultType,
    code: 0,
    name: "unknown fault type",
    win32: 0,
    kind: AlertKind::General,
    retry: Retry::Unknown,
    meaning: "is not an alert of the backup controller that is known here",
    or: None,
    probe: None,
};

static ROWS: [Finding; AlertKind::ALL.len()] = {
    let mut rows = [const { of(AlertKind::General) }; AlertKind::ALL.len()];
    let mut at = 0;
    while at < rows.len() {
        assert!(AlertKind::ALL[at] as usize == at);
        rows[at] = of(AlertKind::ALL[at]);
        at += 1;
    }
    rows
};

const fn of(kind: AlertKind) -> Finding {
    let retry = match kind {
        AlertKind::Connectivity | AlertKind::ShareNotAccessible | AlertKind::UploadFailed => Retry::Later,
        AlertKind::SkippedByConflict | AlertKind::PartiallySucceeded => Retry::Later,
        AlertKind::General | AlertKind::InternalBackupFailed => Retry::Unknown,
        // The alert does not say whether the password was wrong.
        AlertKind::Authentication => Retry::LockOut,
        _ => Retry::AfterFix,
    };
    let name = kind.fault_type_id();
    let (form, meaning) = (Form::FaultType, kind.title());
    Finding { form, code: 0, name, win32: 0, kind, retry, meaning, or: None, probe: None }
}
