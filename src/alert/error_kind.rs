//! What each kind of error of this library means for an alert.

use super::finding::{Finding, findings};
use crate::ErrorKind;

pub(super) fn row(kind: ErrorKind) -> &'static Finding {
    // The rows are in the order of the kinds; a test checks each name.
    &ROWS[kind as usize]
}

pub(super) static ROWS: &[Finding] = findings! { Error,
    0 ACCESS_DENIED 5 Authentication AfterFix "the account may not do this" or ShareNotWritable by CheckAccess;
    1 ALREADY_EXISTS 183 General AfterFix "something of that name is there already";
    2 CANCELLED 995 General AfterFix "the caller stopped it";
    3 CERTIFICATE_EXPIRED 0 CertificateExpiring AfterFix "the encryption certificate is not valid today";
    4 CERTIFICATE_UNSUITABLE 0 General AfterFix "the certificate cannot serve";
    5 CONFLICT 0 SkippedByConflict Later "another operation keeps this one from running";
    6 DAMAGED 0 General AfterFix "stored data is not what was written";
    7 INCOMPLETE 0 General AfterFix "the backup set never became complete, or a part of it was deleted";
    8 INTERNAL 0 General Unknown "a fault of this library";
    9 INVALID_ARGUMENT 87 General AfterFix "the call cannot be carried out as asked";
    10 INVALID_NAME 123 Path AfterFix "a name or path breaks the rules of shares";
    11 IO 0 General Unknown "an input or output failure";
    12 LIMIT_EXCEEDED 0 General AfterFix "something is larger than a limit that protects memory or time";
    13 LOGON_FAILED 1326 Authentication LockOut "the file server does not accept the account";
    14 MALFORMED 0 General AfterFix "bytes are not in the format they are said to be in";
    15 NOT_FOUND 2 Path AfterFix "there is nothing of that name" or General by Context;
    16 NOT_TRUSTED 0 General AfterFix "no signature of one of the signers demanded";
    17 OUT_OF_CAPACITY 112 OutOfCapacity AfterFix "the share, disk or quota is full";
    18 RESERVED_PATH 0 Path AfterFix "the path leads into MASBackup, which belongs to Azure Stack Hub";
    19 SOURCE_CHANGED 0 General Soon "a source changed while it was read";
    20 SOURCE_UNREADABLE 0 General AfterFix "a source on this host could not be read";
    21 TIMED_OUT 121 Connectivity Later "it took longer than it may";
    22 UNREACHABLE 0 Connectivity Later "the file server cannot be reached";
    23 UNSUPPORTED 50 General AfterFix "the format, algorithm or operation is not supported";
    24 WRONG_CERTIFICATE 0 General AfterFix "the backup was sealed to other certificates";
    25 WRONG_PASSWORD 0 General AfterFix "the password of the decryption certificate is wrong; the share's is not meant";
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_error_has_the_row_of_its_name() {
        assert_eq!(ROWS.len(), ErrorKind::ALL.len());
        for kind in ErrorKind::ALL {
            assert_eq!(row(*kind).name, kind.code());
        }
    }
}
