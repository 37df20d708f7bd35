//! Privileges of the account that this process runs as.

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr::null_mut;
use std::sync::OnceLock;

use windows_sys::Win32::Foundation::{ERROR_NOT_ALL_ASSIGNED, GetLastError, LUID};
use windows_sys::Win32::Security::{
    AdjustTokenPrivileges, LUID_AND_ATTRIBUTES, LookupPrivilegeValueW, SE_PRIVILEGE_ENABLED,
    TOKEN_ADJUST_PRIVILEGES, TOKEN_PRIVILEGES, TOKEN_QUERY,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};
use windows_sys::core::{PCWSTR, w};

/// The privileges that a backup or restore uses, as far as the account has them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Privileges {
    /// `SeBackupPrivilege`: reads any file that is opened with `FILE_FLAG_BACKUP_SEMANTICS`.
    pub backup: bool,
    /// `SeRestorePrivilege`: writes any such file, and gives it any owner.
    pub restore: bool,
    /// `SeSecurityPrivilege`: reads and writes audit rules (SACL).
    pub security: bool,
}

/// Switches these privileges on for this process; the second and later calls return what the first one did. An account
/// has them if it belongs to the administrators or backup operators; an administrator's program, if it is elevated.
pub fn privileges() -> Privileges {
    static TAKEN: OnceLock<Privileges> = OnceLock::new();
    *TAKEN.get_or_init(|| {
        let has = |name| take(name).unwrap_or_default();
        Privileges {
            backup: has(w!("SeBackupPrivilege")),
            restore: has(w!("SeRestorePrivilege")),
            security: has(w!("SeSecurityPrivilege")),
        }
    })
}

/// Switches one on; says whether the account has it.
fn take(name: PCWSTR) -> io::Result<bool> {
    let mut token = null_mut();
    // SAFETY: the handle of this process needs no closing.
    let done = unsafe {
        OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY, &raw mut token)
    };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was just opened, and nobody else closes it.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };
    let mut number = LUID::default();
    // SAFETY: the name ends in a zero, and the number outlives the call.
    if unsafe { LookupPrivilegeValueW(std::ptr::null(), name, &raw mut number) } == 0 {
        return Err(io::Error::last_os_error());
    }
    let wanted = TOKEN_PRIVILEGES {
        PrivilegeCount: 1,
        Privileges: [LUID_AND_ATTRIBUTES { Luid: number, Attributes: SE_PRIVILEGE_ENABLED }],
    };
    // SAFETY: the token is open, the structure has the one entry that it says, and nothing is asked back.
    let done = unsafe {
        AdjustTokenPrivileges(token.as_raw_handle(), 0, &raw const wanted, 0, null_mut(), null_mut())
    };
    // It succeeds without the privilege, too (AdjustTokenPrivileges, "Return value").
    // SAFETY: asks for a number of this thread.
    Ok(done != 0 && unsafe { GetLastError() } != ERROR_NOT_ALL_ASSIGNED)
}
