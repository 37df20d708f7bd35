//! HRESULTs that carry neither a Win32 code nor an NTSTATUS, and the class of each.
//!
//! MS-ERREF 2.1 and winerror.h (SEC_E: the Windows logon interface); COR_E: the .NET Framework's corerror.h.

use super::finding::{Finding, findings};

pub(super) fn find(code: u32) -> Option<&'static Finding> {
    ROWS.binary_search_by_key(&code, |row| row.code).ok().map(|at| &ROWS[at])
}

pub(super) static ROWS: &[Finding] = findings! { Hresult,
    0x80004001 E_NOTIMPL 1 General AfterFix "the call is not implemented";
    0x80004004 E_ABORT 995 General AfterFix "the operation was aborted";
    0x80004005 E_FAIL 0 General Unknown "it failed; nothing more is said";
    0x8000FFFF E_UNEXPECTED 0 General Unknown "an unexpected failure";
    0x80090302 SEC_E_UNSUPPORTED_FUNCTION 0 Authentication AfterFix "the logon function is not supported" or General by Dialect;
    0x80090303 SEC_E_TARGET_UNKNOWN 0 Authentication AfterFix "the domain does not know the server under this name" or Path by ResolveName;
    0x80090304 SEC_E_INTERNAL_ERROR 0 Authentication Later "the security service failed" or General by ReachDomainController;
    0x80090305 SEC_E_SECPKG_NOT_FOUND 0 Authentication AfterFix "there is no such authentication package";
    0x80090308 SEC_E_INVALID_TOKEN 0 Authentication AfterFix "a token of the logon is not valid" or General by Dialect;
    0x8009030C SEC_E_LOGON_DENIED 1326 Authentication LockOut "the account name or the password is wrong";
    0x8009030D SEC_E_UNKNOWN_CREDENTIALS 0 Authentication AfterFix "the credentials are not recognised";
    0x8009030E SEC_E_NO_CREDENTIALS 0 Authentication AfterFix "there are no credentials";
    0x8009030F SEC_E_MESSAGE_ALTERED 0 General NewSession "a signed message was altered" or Authentication by Dialect;
    0x80090311 SEC_E_NO_AUTHENTICATING_AUTHORITY 1311 Authentication Later "no domain controller could be reached" or Connectivity by ReachDomainController;
    0x80090317 SEC_E_CONTEXT_EXPIRED 0 Authentication NewSession "the ticket of the session expired";
    0x80090322 SEC_E_WRONG_PRINCIPAL 1396 Authentication AfterFix "the server is not who its name says" or Path by ResolveName;
    0x80090324 SEC_E_TIME_SKEW 1398 Authentication AfterFix "the clocks of this host and the domain differ too much";
    0x80090350 SEC_E_DOWNGRADE_DETECTED 1265 Authentication AfterFix "the domain could not be asked securely" or Connectivity by ReachDomainController;
    0x80131500 COR_E_EXCEPTION 0 General Unknown "an exception; nothing more is said";
    0x80131505 COR_E_TIMEOUT 1460 Connectivity Soon "no answer in time" or General by Context;
    0x80131620 COR_E_IO 0 General Unknown "an input or output error";
};
