//! The kinds of alert as numbers.

use std::ffi::{CStr, CString, c_char};
use std::sync::LazyLock;

use azs::alert::AlertKind;

use crate::ffi::Text;

/// What an alert is about; the documented five come first. A number never changes its meaning; new ones may be added.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum azs_alert_kind {
    /// No alert.
    None = 0,
    /// The share is full.
    OutOfCapacity = 1,
    /// The file server cannot be reached.
    Connectivity = 2,
    /// The path to the share or in it is wrong.
    Path = 3,
    /// The account may not use the share.
    Authentication = 4,
    /// Anything else.
    General = 5,
    /// The share can be reached but not written.
    ShareNotWritable = 6,
    /// The share cannot be reached: account, permissions or network.
    ShareNotAccessible = 7,
    /// Copying to the share failed.
    UploadFailed = 8,
    /// A part of the backup failed.
    PartiallySucceeded = 9,
    /// The scheduled backup did not start because another operation is running or has failed.
    SkippedByConflict = 10,
    /// Automatic backups are switched off.
    SchedulerDisabled = 11,
    /// No share is configured.
    NotConfigured = 12,
    /// The share is almost full.
    AlmostFull = 13,
    /// Old backups could not be deleted.
    DeletionFailed = 14,
    /// Backups are still encrypted with a symmetric key.
    KeyBasedEncryptionDeprecated = 15,
    /// The backup inside the system, before any copy to the share, failed.
    InternalBackupFailed = 16,
    /// Old backups inside the system could not be deleted.
    InternalDeletionFailed = 17,
    /// The encryption certificate expires soon or has expired. Azure Stack Hub has the property names
    /// CertExpirationInDays and CertExpirationDate but no fault type for it.
    CertificateExpiring = 18,
}

impl azs_alert_kind {
    pub(crate) fn of(kind: AlertKind) -> Self {
        use AlertKind as K;
        match kind {
            K::OutOfCapacity => Self::OutOfCapacity,
            K::Connectivity => Self::Connectivity,
            K::Path => Self::Path,
            K::Authentication => Self::Authentication,
            K::General => Self::General,
            K::ShareNotWritable => Self::ShareNotWritable,
            K::ShareNotAccessible => Self::ShareNotAccessible,
            K::UploadFailed => Self::UploadFailed,
            K::PartiallySucceeded => Self::PartiallySucceeded,
            K::SkippedByConflict => Self::SkippedByConflict,
            K::SchedulerDisabled => Self::SchedulerDisabled,
            K::NotConfigured => Self::NotConfigured,
            K::AlmostFull => Self::AlmostFull,
            K::DeletionFailed => Self::DeletionFailed,
            K::KeyBasedEncryptionDeprecated => Self::KeyBasedEncryptionDeprecated,
            K::InternalBackupFailed => Self::InternalBackupFailed,
            K::InternalDeletionFailed => Self::InternalDeletionFailed,
            K::CertificateExpiring => Self::CertificateExpiring,
            // A kind of a newer core; the tests prevent this.
            _ => Self::General,
        }
    }
}

/// Returns the kind of a number; `None` for 0, and for a number that is not a kind.
pub(crate) fn kind_of(number: i32) -> Option<AlertKind> {
    AlertKind::ALL.iter().copied().find(|kind| azs_alert_kind::of(*kind) as i32 == number)
}

/// Returns the code of a kind: "SHARE_NOT_WRITABLE". It lives for ever. NULL if the number is not a kind.
#[unsafe(no_mangle)]
pub extern "C" fn azs_alert_kind_code(kind: i32) -> *const c_char {
    /// The codes for C, in the order of the kinds.
    static CODES: LazyLock<Vec<CString>> = LazyLock::new(|| {
        AlertKind::ALL.iter().map(|kind| CString::new(kind.code()).unwrap_or_default()).collect()
    });
    let at = kind_of(kind).and_then(|wanted| AlertKind::ALL.iter().position(|kind| *kind == wanted));
    at.map_or(std::ptr::null(), |at| CStr::as_ptr(&CODES[at]))
}

/// Returns the kind of a faultTypeId of Azure Stack Hub, in any letter case; `AZS_ALERT_KIND_NONE` if it is unknown,
/// and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn azs_alert_kind_of_fault_type(id: Text) -> azs_alert_kind {
    let id = id.optional("id").ok().flatten();
    id.and_then(AlertKind::from_fault_type_id).map_or(azs_alert_kind::None, azs_alert_kind::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_alert_has_a_number_of_its_own() {
        for kind in AlertKind::ALL {
            let number = azs_alert_kind::of(*kind) as i32;
            assert_eq!(kind_of(number), Some(*kind), "{number}");
            // SAFETY: the function gives NUL-terminated texts.
            let code = unsafe { CStr::from_ptr(azs_alert_kind_code(number)) };
            assert_eq!(code.to_str().unwrap(), kind.code());
        }
        assert!(azs_alert_kind_code(0).is_null() && azs_alert_kind_code(-1).is_null());
    }

    /// A number is given only once. Version 0.1 gave these.
    #[test]
    fn numbers_do_not_move() {
        let numbers: Vec<i32> = AlertKind::ALL.iter().map(|kind| azs_alert_kind::of(*kind) as i32).collect();
        assert_eq!(numbers, (1..=18).collect::<Vec<_>>());
    }
}
