//! Owners and access lists: as text (SDDL), and whether a folder is its owner's alone.

use std::ffi::c_void;
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::io::{AsHandle, AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Security::Authorization::{
    ConvertSecurityDescriptorToStringSecurityDescriptorW,
    ConvertStringSecurityDescriptorToSecurityDescriptorW, GetSecurityInfo, SDDL_REVISION_1, SE_FILE_OBJECT,
};
use windows_sys::Win32::Security::{
    ACCESS_ALLOWED_ACE, ACL, DACL_SECURITY_INFORMATION, EqualSid, GROUP_SECURITY_INFORMATION, GetAce,
    GetFileSecurityW, GetSecurityDescriptorDacl, GetSecurityDescriptorOwner, GetTokenInformation,
    INHERIT_ONLY_ACE, IsWellKnownSid, OBJECT_SECURITY_INFORMATION, OWNER_SECURITY_INFORMATION,
    PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID, SACL_SECURITY_INFORMATION,
    SetFileSecurityW, TOKEN_QUERY, TOKEN_USER, TokenUser, WinBuiltinAdministratorsSid,
    WinCreatorOwnerRightsSid, WinCreatorOwnerSid, WinLocalSystemSid,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// A security descriptor that Windows made.
struct Descriptor(PSECURITY_DESCRIPTOR);

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: Windows allocated it with LocalAlloc, and nobody else frees it.
        unsafe { LocalFree(self.0) };
    }
}

impl Descriptor {
    /// Asks for that of an open file or folder, which must be open for reading it (`READ_CONTROL`).
    fn of(file: impl AsHandle, parts: OBJECT_SECURITY_INFORMATION) -> io::Result<Self> {
        let mut descriptor = null_mut();
        // SAFETY: the handle is open as long as it is borrowed; the parts that we do not ask for by themselves may be
        // null.
        let error = unsafe {
            GetSecurityInfo(
                file.as_handle().as_raw_handle(),
                SE_FILE_OBJECT,
                parts,
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                &raw mut descriptor,
            )
        };
        if error == 0 { Ok(Self(descriptor)) } else { Err(io::Error::from_raw_os_error(error.cast_signed())) }
    }

    fn parse(text: &str) -> io::Result<Self> {
        let text: Vec<u16> = text.encode_utf16().chain([0]).collect();
        let mut descriptor = null_mut();
        // SAFETY: the text ends in a zero; its length is not asked for.
        let done = unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &raw mut descriptor,
                null_mut(),
            )
        };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(Self(descriptor)) }
    }

    fn text(&self, parts: OBJECT_SECURITY_INFORMATION) -> io::Result<String> {
        // SAFETY: the descriptor is valid.
        unsafe { text_of(self.0, parts) }
    }

    fn set(&self, path: &Path, parts: OBJECT_SECURITY_INFORMATION) -> io::Result<()> {
        let path: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
        // SAFETY: the path ends in a zero, and the descriptor is valid.
        let done = unsafe { SetFileSecurityW(path.as_ptr(), parts, self.0) };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// Writes parts of a security descriptor as SDDL.
///
/// # Safety
/// The descriptor must be valid.
unsafe fn text_of(
    descriptor: PSECURITY_DESCRIPTOR,
    parts: OBJECT_SECURITY_INFORMATION,
) -> io::Result<String> {
    let (mut text, mut length) = (null_mut(), 0);
    // SAFETY: the descriptor is valid, and Windows allocates the text.
    let done = unsafe {
        ConvertSecurityDescriptorToStringSecurityDescriptorW(
            descriptor,
            SDDL_REVISION_1,
            parts,
            &raw mut text,
            &raw mut length,
        )
    };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: Windows says how many units the text has, its zero among them.
    let units = unsafe { std::slice::from_raw_parts(text, length as usize) };
    let units = units.split(|unit| *unit == 0).next().unwrap_or_default();
    let copy = String::from_utf16_lossy(units);
    // SAFETY: Windows allocated it with LocalAlloc, and nobody else frees it.
    unsafe { LocalFree(text.cast()) };
    Ok(copy)
}

/// Returns owner, group and access list of an open file or folder, as SDDL (MS-DTYP 2.5.1). It must be open for reading.
///
/// # Errors
/// Whatever the file system answers.
pub fn security(file: impl AsHandle) -> io::Result<String> {
    let parts = OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    Descriptor::of(file, parts)?.text(parts)
}

/// Returns the audit rules of a file or folder: the `S:` part of an SDDL text, empty if there are none. It takes
/// `SeSecurityPrivilege`.
///
/// # Errors
/// Whatever the file system answers.
pub fn audit(path: &Path) -> io::Result<String> {
    let path: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
    let mut length = 0;
    let mut buffer = Vec::<u64>::new();
    loop {
        // SAFETY: the path ends in a zero, and the buffer is as long as we say.
        let done = unsafe {
            GetFileSecurityW(
                path.as_ptr(),
                SACL_SECURITY_INFORMATION,
                buffer.as_mut_ptr().cast(),
                size_of_val(&buffer[..]) as u32,
                &raw mut length,
            )
        };
        if done != 0 {
            break;
        }
        if size_of_val(&buffer[..]) >= length as usize {
            return Err(io::Error::last_os_error());
        }
        // Aligned for a structure with pointers, and as long as Windows says that it must be.
        buffer.resize((length as usize).div_ceil(size_of::<u64>()), 0);
    }
    // SAFETY: Windows filled the buffer with a descriptor.
    unsafe { text_of(buffer.as_mut_ptr().cast(), SACL_SECURITY_INFORMATION) }
}

/// Gives a file or folder these audit rules, which are the `S:` part of an SDDL text.
///
/// # Errors
/// When it is no such text, or this account may not: that takes `SeSecurityPrivilege`.
pub fn set_audit(path: &Path, sddl: &str) -> io::Result<()> {
    Descriptor::parse(&requested(sddl))?.set(path, SACL_SECURITY_INFORMATION)
}

/// Gives a file or folder this access list, which is the `D:` part of an SDDL text.
///
/// # Errors
/// When it is no such text, or this account may not.
pub fn set_access(path: &Path, sddl: &str) -> io::Result<()> {
    Descriptor::parse(&requested(sddl))?.set(path, DACL_SECURITY_INFORMATION)
}

/// Adds the flag by which Windows keeps another, which says that a list has inherited entries (`AI`): by itself, it is
/// dropped when a list is set (SE_DACL_AUTO_INHERIT_REQ; `canonicalize_inheritance_bits` in Samba).
fn requested(sddl: &str) -> String {
    let flags = sddl.split('(').next().unwrap_or_default();
    if flags.contains("AI") && !flags.contains("AR") {
        sddl.replacen("AI", "ARAI", 1)
    } else {
        sddl.to_owned()
    }
}

/// Gives a file or folder this owner and group, which are the `O:` and `G:` parts of an SDDL text.
///
/// # Errors
/// When it is no such text, or this account may not: that takes `SeRestorePrivilege`.
pub fn set_owner(path: &Path, sddl: &str) -> io::Result<()> {
    Descriptor::parse(sddl)?.set(path, OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION)
}

/// Makes a folder accessible to its owner and the system alone, and whatever is created in it, too.
///
/// # Errors
/// Whatever the file system answers.
pub fn make_private(folder: &Path, open: impl AsHandle) -> io::Result<()> {
    let owner = Descriptor::of(open, OWNER_SECURITY_INFORMATION)?.text(OWNER_SECURITY_INFORMATION)?;
    let owner = owner.strip_prefix("O:").unwrap_or("OW");
    let list = Descriptor::parse(&format!("D:P(A;OICI;FA;;;{owner})(A;OICI;FA;;;SY)"))?;
    list.set(folder, DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION)
}

/// What others have to do with a folder: all but this account, the system and administrators, who may do everything
/// anyway.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Others {
    /// Somebody may read what is in it.
    pub read: bool,
    /// Somebody may change what is in it, or who may.
    pub write: bool,
    /// It belongs to an account that is neither this one nor the system nor the administrators.
    pub own: bool,
}

/// Looks who may do what with an open folder.
///
/// # Errors
/// Whatever the file system answers.
pub fn others(folder: impl AsHandle) -> io::Result<Others> {
    let descriptor = Descriptor::of(folder, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION)?;
    let (mut owner, mut list): (PSID, *mut ACL) = (null_mut(), null_mut());
    let (mut is_present, mut is_default) = (0, 0);
    // SAFETY: the descriptor is valid; owner and list point into it, and it outlives both.
    let done = unsafe {
        GetSecurityDescriptorOwner(descriptor.0, &raw mut owner, &raw mut is_default) != 0
            && GetSecurityDescriptorDacl(
                descriptor.0,
                &raw mut is_present,
                &raw mut list,
                &raw mut is_default,
            ) != 0
    };
    if !done {
        return Err(io::Error::last_os_error());
    }
    if is_present == 0 || list.is_null() {
        // No list at all: everybody may do everything (MS-DTYP 2.4.6).
        return Ok(Others { read: true, write: true, own: false });
    }
    // SAFETY: the owner points into the descriptor.
    let is_known = !owner.is_null() && (is_powerful(owner) || unsafe { is_this_account(owner) }?);
    let mut others = Others { own: !is_known, ..Others::default() };
    // SAFETY: the list is valid.
    for number in 0..u32::from(unsafe { (*list).AceCount }) {
        let mut entry: *mut c_void = null_mut();
        // SAFETY: the list is valid and has an entry of this number.
        if unsafe { GetAce(list, number, &raw mut entry) } == 0 {
            return Err(io::Error::last_os_error());
        }
        let entry: *const ACCESS_ALLOWED_ACE = entry.cast();
        // SAFETY: every entry begins with this header.
        let header = unsafe { (*entry).Header };
        let is_here = u32::from(header.AceFlags) & INHERIT_ONLY_ACE == 0;
        if header.AceType != ACCESS_ALLOWED || !is_here {
            continue;
        }
        // SAFETY: an entry of this type has a mask, and an account that begins at `SidStart`.
        let (mask, account) = unsafe { ((*entry).Mask, (&raw const (*entry).SidStart).cast_mut().cast()) };
        if !may_do_everything(account, owner) {
            others.read |= mask & READS != 0;
            others.write |= mask & WRITES != 0;
        }
    }
    Ok(others)
}

fn may_do_everything(account: PSID, owner: PSID) -> bool {
    // SAFETY: both are valid accounts in a descriptor that outlives this call.
    is_powerful(account) || (!owner.is_null() && unsafe { EqualSid(account, owner) } != 0)
}

/// Whether a valid account is the system, the administrators, or a name for whoever owns the folder.
fn is_powerful(account: PSID) -> bool {
    let known =
        [WinLocalSystemSid, WinBuiltinAdministratorsSid, WinCreatorOwnerSid, WinCreatorOwnerRightsSid];
    // SAFETY: the account is valid.
    known.iter().any(|known| unsafe { IsWellKnownSid(account, *known) } != 0)
}

/// Whether this process runs as this account.
///
/// # Safety
/// The account must be valid.
unsafe fn is_this_account(account: PSID) -> io::Result<bool> {
    let mut token = null_mut();
    // SAFETY: the handle of this process needs no closing.
    if unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was just opened, and nobody else closes it.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };
    // A structure with a pointer, and the account that it points to (SECURITY_MAX_SID_SIZE is 68).
    let mut answer = [0_u64; 32];
    let mut length = 0;
    // SAFETY: the token is open, and the buffer is as long as we say.
    let done = unsafe {
        GetTokenInformation(
            token.as_raw_handle(),
            TokenUser,
            answer.as_mut_ptr().cast(),
            size_of_val(&answer) as u32,
            &raw mut length,
        )
    };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the buffer begins with this structure, is aligned for it, and contains what it points to.
    Ok(unsafe { EqualSid(account, (*answer.as_ptr().cast::<TOKEN_USER>()).User.Sid) } != 0)
}

/// `ACCESS_ALLOWED_ACE_TYPE`.
const ACCESS_ALLOWED: u8 = 0;

/// `FILE_LIST_DIRECTORY`, `GENERIC_READ`, `GENERIC_ALL` (MS-DTYP 2.4.3).
const READS: u32 = 0x0000_0001 | 0x8000_0000 | 0x1000_0000;

/// `FILE_ADD_FILE`, `FILE_ADD_SUBDIRECTORY`, `FILE_DELETE_CHILD`, `DELETE`, `WRITE_DAC`, `WRITE_OWNER`, `GENERIC_WRITE`,
/// `GENERIC_ALL`.
const WRITES: u32 = 0x0000_0002
    | 0x0000_0004
    | 0x0000_0040
    | 0x0001_0000
    | 0x0004_0000
    | 0x0008_0000
    | 0x4000_0000
    | 0x1000_0000;

#[cfg(test)]
mod tests {
    use super::requested;

    #[test]
    fn a_list_that_inherited_is_marked_so_that_windows_keeps_it_so() {
        for (list, marked) in [
            ("D:AI(A;ID;FA;;;SY)", "D:ARAI(A;ID;FA;;;SY)"),
            ("D:PAI(A;;FA;;;SY)", "D:PARAI(A;;FA;;;SY)"),
            ("S:AI", "S:ARAI"),
            ("D:ARAI", "D:ARAI"),
            ("D:P(XA;;FX;;;WD;(@User.Title==\"AI\"))", "D:P(XA;;FX;;;WD;(@User.Title==\"AI\"))"),
            ("D:NO_ACCESS_CONTROL", "D:NO_ACCESS_CONTROL"),
        ] {
            assert_eq!(requested(list), marked);
        }
    }
}
