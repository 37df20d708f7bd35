//! NTFS permissions on the files of a Samba: lists of rights as its module `acl_xattr` keeps and enforces them.

use std::path::Path;

/// Settings of a share that has them, and nothing else decides.
pub const SETTINGS: &str = "vfs objects = acl_xattr\n  acl_xattr:ignore system acls = yes\n";

/// What Windows shows as "Modify": all that follow, Delete, and running programs.
pub const MODIFY: u32 = 0x0013_01BF;
/// "Read & execute", "List folder contents", "Read" and "Write" without "Delete".
pub const WRITE: u32 = 0x0012_01BF;
/// The same without "Write attributes".
pub const WRITE_NO_ATTRIBUTES: u32 = WRITE & !0x100;
/// "Read & execute", "List folder contents" and "Read".
pub const READ: u32 = 0x0012_00A9;

/// Whether this process may set and serve such rights: they are attributes that only root can write.
pub fn are_possible(folder: &Path) -> bool {
    let probe = folder.join("probe");
    std::fs::write(&probe, "").unwrap();
    let set = rustix::fs::setxattr(&probe, NAME, &list(READ, 0), rustix::fs::XattrFlags::empty());
    std::fs::remove_file(&probe).unwrap();
    let has_module = super::samba::has_module("acl_xattr");
    if set.is_err() || !has_module {
        eprintln!("NOT RUN: NTFS permissions want root's rights and Samba's module acl_xattr");
    }
    set.is_ok() && has_module
}

/// Gives everyone these rights to a folder and all that is in it, and to what is made there later; the owner has no more.
pub fn grant(folder: &Path, rights: u32) {
    for path in super::night::walk(folder) {
        // Object inherit, container inherit.
        let flags = if path.is_dir() { 3 } else { 0 };
        rustix::fs::setxattr(&path, NAME, &list(rights, flags), rustix::fs::XattrFlags::empty()).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(if path.is_dir() { 0o777 } else { 0o666 });
        std::fs::set_permissions(&path, mode).unwrap();
    }
}

/// A security descriptor (MS-DTYP 2.4.6) as Samba stores it: a version and a pointer in front, which offsets count from.
fn list(rights: u32, flags: u8) -> Vec<u8> {
    const FRONT: u32 = 8;
    const HEADER: u32 = 20;
    // S-1-1-0, everyone, and S-1-5-18, the server's system itself: the owner may always change the list.
    let (everyone, system): ([u8; 12], [u8; 12]) =
        ([1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]);
    let entry = 8 + everyone.len() as u16;
    let mut bytes = vec![1, 0, 1, 0, 0, 0, 2, 0];
    // A discretionary list is present, in self-relative form.
    bytes.extend([1, 0, 0x04, 0x80]);
    let owner = FRONT + HEADER;
    for offset in [owner, owner, 0, owner + system.len() as u32] {
        bytes.extend(offset.to_le_bytes());
    }
    bytes.extend(system);
    bytes.extend([2, 0]);
    bytes.extend((8 + entry).to_le_bytes());
    bytes.extend([1, 0, 0, 0]);
    bytes.extend([0, flags]);
    bytes.extend(entry.to_le_bytes());
    bytes.extend(rights.to_le_bytes());
    bytes.extend(everyone);
    bytes
}

const NAME: &str = "security.NTACL";
