//! Classifies codes by looking them up in a table. Nothing here allocates.

use super::classification::Classification;
use super::evidence::{Evidence, NO_FAILURE, UNKNOWN};
use super::finding::{Finding, Form};
use super::profile::Profile;
use super::{errno, hresult, http, ntstatus, win32};

/// Classifies an NTSTATUS.
///
/// A code such as `STATUS_PENDING` reports [no failure](Classification::is_failure).
///
/// ```
/// use azs_backup::alert::{AlertKind, Profile, classify_ntstatus};
///
/// let full = classify_ntstatus(0xC000_007F, Profile::Refined);
/// assert_eq!(full.kind(), AlertKind::OutOfCapacity);
/// assert_eq!(full.evidence()[0].name(), "STATUS_DISK_FULL");
/// ```
#[inline]
#[must_use]
pub fn classify_ntstatus(status: u32, profile: Profile) -> Classification {
    Classification::of(Evidence::new(Form::Ntstatus, status, ntstatus_row(status), profile), profile)
}

/// Classifies a Win32 error code.
///
/// ```
/// use azs_backup::alert::{AlertKind, Profile, classify_win32};
///
/// assert_eq!(classify_win32(53, Profile::Refined).kind(), AlertKind::Connectivity);
/// assert_eq!(classify_win32(53, Profile::Microsoft2301).kind(), AlertKind::Path);
/// ```
#[inline]
#[must_use]
pub fn classify_win32(code: u32, profile: Profile) -> Classification {
    Classification::of(Evidence::new(Form::Win32, code, win32_row(code), profile), profile)
}

/// Classifies an HRESULT, by the Win32 code or NTSTATUS in it if it carries one.
///
/// ```
/// use azs_backup::alert::{AlertKind, Profile, classify_hresult};
///
/// let full = classify_hresult(-2147024784, Profile::Microsoft2301); // 0x80070070
/// assert_eq!(full.kind(), AlertKind::OutOfCapacity);
/// ```
#[inline]
#[must_use]
pub fn classify_hresult(result: i32, profile: Profile) -> Classification {
    let code = result.cast_unsigned();
    let (form, row) = hresult_row(code);
    Classification::of(Evidence::new(form, code, row.unwrap_or(&UNKNOWN), profile), profile)
}

/// Classifies an errno of the system that the library was built for, or of Linux if that system has none. The sign does
/// not matter: the kernel's log writes -13.
#[inline]
#[must_use]
pub fn classify_errno(errno: i32, profile: Profile) -> Classification {
    let code = errno.unsigned_abs();
    let row = match code {
        0 => &NO_FAILURE,
        _ => errno::find_native(code).unwrap_or(&UNKNOWN),
    };
    Classification::of(Evidence::new(Form::Errno, code, row, profile), profile)
}

/// Classifies an answer of an object store: its HTTP status, and the error code of the service, which is empty if there is
/// none. A code that is in no table counts for its status.
///
/// ```
/// use azs_backup::alert::{AlertKind, Profile, classify_http};
///
/// assert_eq!(classify_http(403, "InvalidAccessKeyId", Profile::Refined).kind(), AlertKind::Authentication);
/// assert_eq!(classify_http(409, "QuotaExceeded", Profile::Refined).kind(), AlertKind::OutOfCapacity);
/// ```
#[must_use]
pub fn classify_http(status: u16, code: &str, profile: Profile) -> Classification {
    let row = match http::find(status, code) {
        Some(row) => row,
        None if (100..400).contains(&status) => &NO_FAILURE,
        None => &UNKNOWN,
    };
    Classification::of(Evidence::new(Form::Http, u32::from(status), row, profile), profile)
}

#[inline]
fn ntstatus_row(status: u32) -> &'static Finding {
    // Success and information are no failures (severity, MS-ERREF 2.3). 0xD… is 0xC… in an HRESULT.
    match ntstatus::find(status).or_else(|| ntstatus::find(status & !NT_BIT)) {
        Some(row) => row,
        None if status >> 31 == 0 => &NO_FAILURE,
        None => &UNKNOWN,
    }
}

#[inline]
fn win32_row(code: u32) -> &'static Finding {
    match code {
        0 => &NO_FAILURE,
        _ => win32::find(code).unwrap_or(&UNKNOWN),
    }
}

/// Finds the row of a 32-bit code that is an HRESULT or an NTSTATUS, and says which it is.
pub(super) fn hresult_row(code: u32) -> (Form, Option<&'static Finding>) {
    if code & 0xC000_0000 == 0xC000_0000 {
        return (Form::Ntstatus, ntstatus::find(code).or_else(|| ntstatus::find(code & !NT_BIT)));
    }
    if code >> 31 == 0 {
        return (Form::Hresult, Some(&NO_FAILURE));
    }
    // HRESULT_FROM_NT sets its own bit; FACILITY_WIN32 is 7 (MS-ERREF 2.1).
    if code & NT_BIT != 0 {
        return (Form::Hresult, ntstatus::find(code & !NT_BIT));
    }
    if code >> 16 == 0x8007 {
        return (Form::Hresult, win32::find(code & 0xFFFF));
    }
    match hresult::find(code) {
        Some(row) => (Form::Hresult, Some(row)),
        // NTSTATUS warnings begin with 8, too.
        None => match ntstatus::find(code) {
            Some(row) => (Form::Ntstatus, Some(row)),
            None => (Form::Hresult, None),
        },
    }
}

const NT_BIT: u32 = 0x1000_0000;
