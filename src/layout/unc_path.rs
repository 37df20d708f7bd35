//! A path on a share, including the server.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::host::Host;
use super::name::{Name, check_characters, check_win32, same_text};
use super::refusal::{invalid, quoted, reserved};
use super::reserved::is_mas_backup;
use super::share_path::{SharePath, check_length};
use super::text_serde;
use crate::{Error, Result};

/// A UNC path: `\\host\share`, and optionally folders below the share.
///
/// - The host is a [`Host`]: a DNS name or an IP address.
/// - The share has 1 to 80 characters (UTF-16 units) and none of `" \ / [ ] : | < > + = ; , * ?` and U+0000 to U+001F
///   (MS-FSCC 2.1.6). By Win32's rules for names it does not end in a dot or a space and is not a device. `IPC$`,
///   `PIPE` and `MAILSLOT` hold no files and are refused.
/// - The folders are [`Name`]s, as in a [`SharePath`]. Neither they nor the share are `MASBackup`; a *host* of that
///   name is allowed, because it is a machine and not a folder.
///
/// Text may have `/` for `\`, as in Win32, repeated separators between the parts and a final one: printing drops them.
/// The verbatim form `\\?\UNC\host\share` also parses, but without `/` and repeated separators, because Win32 does not
/// change those there. `.` and `..`, device paths (`\\.\`, `\\?\C:\`) and text of more than 32,000 UTF-16 units are
/// refused (MS-DFSC; Win32, "Naming Files, Paths, and Namespaces").
///
/// Letter case is kept and counts in comparison, but not in [`same_place`](Self::same_place).
///
/// ```
/// use azs_backup::layout::{HostKind, UncPath};
///
/// let path: UncPath = "//10.0.0.2/AzSBackups//contoso.com/".parse()?;
/// assert_eq!(path.to_string(), r"\\10.0.0.2\AzSBackups\contoso.com");
/// assert_eq!(path.host().kind(), HostKind::Ipv4);
/// # Ok::<(), azs_backup::Error>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UncPath {
    host: Host,
    share: String,
    folders: SharePath,
}

impl UncPath {
    /// Creates the path of the root of a share.
    ///
    /// Fails with [`InvalidName`](crate::ErrorKind::InvalidName) if `share` breaks a rule above, and with
    /// [`ReservedPath`](crate::ErrorKind::ReservedPath) if it is `MASBackup`.
    pub fn new(host: Host, share: impl Into<String>) -> Result<Self> {
        let share = share.into();
        check_share(&share)?;
        Ok(Self { host, share, folders: SharePath::root() })
    }

    /// Whether a root is meant to be a UNC path: it begins with two backslashes or slashes, and is not a path of
    /// Windows' own like `\\?\C:\AzSBackups`.
    #[must_use]
    pub fn is_meant_by(root: impl AsRef<Path>) -> bool {
        let text = root.as_ref().to_string_lossy().replace('/', "\\");
        text.strip_prefix(r"\\").is_some_and(|rest| {
            rest.starts_with(r"?\UNC\") || !(rest.starts_with(r"?\") || rest.starts_with(r".\"))
        })
    }

    /// Returns the file server.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Returns the name of the share.
    #[must_use]
    pub fn share(&self) -> &str {
        &self.share
    }

    /// Returns the folders below the share.
    #[must_use]
    pub fn folders(&self) -> &SharePath {
        &self.folders
    }

    /// Whether the share is an administrative or hidden one: its name ends in `$`, like `C$` and `ADMIN$`.
    #[must_use]
    pub fn is_administrative(&self) -> bool {
        self.share.ends_with('$')
    }

    /// Returns this path continued by another.
    ///
    /// This does not check the length: check [`len_utf16`](Self::len_utf16).
    #[must_use]
    pub fn join(&self, path: &SharePath) -> Self {
        Self { folders: self.folders.join_path(path), ..self.clone() }
    }

    /// Returns the path of `name` in this folder.
    #[must_use]
    pub fn join_name(&self, name: &Name) -> Self {
        Self { folders: self.folders.join(name.clone()), ..self.clone() }
    }

    /// Returns the folder that contains it; `None` for the root of the share.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        Some(Self { folders: self.folders.parent()?, ..self.clone() })
    }

    /// Returns the verbatim form, `\\?\UNC\host\share\folder`, which Win32 accepts up to some 32,767 characters.
    #[must_use]
    pub fn to_verbatim(&self) -> String {
        format!("{VERBATIM}UNC{}", &self.to_string()[1..])
    }

    /// Returns the path for calls that take a file name: the UNC form, which only Windows can open.
    #[must_use]
    pub fn to_native_path(&self) -> PathBuf {
        self.to_string().into()
    }

    /// Returns the length of the printed form in UTF-16 units, as Win32 counts it.
    ///
    /// 259 is the most for programs without long paths. Below a region folder Azure Stack Hub itself needs up to 160.
    #[must_use]
    pub fn len_utf16(&self) -> usize {
        self.to_string().encode_utf16().count()
    }

    /// Whether a file server treats both paths as the same, ignoring letter case. No name is resolved.
    #[must_use]
    pub fn same_place(&self, other: &Self) -> bool {
        self.host.same_host(&other.host)
            && same_text(&self.share, &other.share)
            && self.folders.same_place(&other.folders)
    }
}

impl fmt::Display for UncPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r"\\{}\{}", self.host, self.share)?;
        self.folders.into_iter().try_for_each(|name| write!(f, r"\{name}"))
    }
}

impl FromStr for UncPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        check_length("UNC path", text.encode_utf16().count())?;
        let (rest, separators) = match text.strip_prefix(VERBATIM) {
            Some(rest) => (strip_unc(text, rest)?, &['\\'][..]),
            None => (strip_leader(text)?, &['\\', '/'][..]),
        };
        let (host, rest) = rest.split_once(separators).unwrap_or((rest, ""));
        let rest = rest.trim_start_matches(separators);
        // Check this first, so that no other rule hides it.
        if is_mas_backup(rest) {
            return Err(reserved("UNC path", text));
        }
        if matches!(host, "." | "?") {
            return Err(refused(text, r"names a device; write it as \\host\share"));
        }
        if host.is_empty() || rest.is_empty() {
            return Err(refused(text, r"lacks a host or a share; write it as \\host\share"));
        }
        if let Some((_, port)) = host.split_once(':')
            && !port.is_empty()
            && port.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Err(refused(text, "names a port; leave it away here, and give it as the option port"));
        }
        let (share, folders) = rest.split_once(separators).unwrap_or((rest, ""));
        let mut path = Self::new(host.parse()?, share)?;
        path.folders = SharePath::parse("UNC path", folders, separators)?;
        // An IPv6 address may print longer than it was written.
        check_length("UNC path", path.len_utf16())?;
        Ok(path)
    }
}

text_serde!(UncPath);

/// Returns what follows the two leading separators.
fn strip_leader(text: &str) -> Result<&str> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some('\\' | '/'), Some('\\' | '/')) => Ok(chars.as_str()),
        _ if text.contains("://") => Err(refused(text, r"is a URL; write it as \\host\share")),
        (Some('\\'), _) => Err(refused(
            text,
            r"begins with one backslash: a shell or an escape took the other; write \\host\share in single quotes",
        )),
        _ => Err(refused(text, r"does not begin with two separators; write it as \\host\share")),
    }
}

/// Returns what follows `\\?\UNC\`, if the rest is as strict as that form requires.
fn strip_unc<'a>(text: &str, rest: &'a str) -> Result<&'a str> {
    match rest.split_at_checked(4) {
        Some((unc, path)) if unc.eq_ignore_ascii_case(r"UNC\") => {
            match path.contains('/') || path.contains(r"\\") {
                false => Ok(path),
                true => Err(refused(
                    text,
                    r"has a separator that \\?\UNC\ does not allow; write single backslashes",
                )),
            }
        }
        _ => Err(refused(text, r"names a device; write it as \\?\UNC\host\share")),
    }
}

/// Makes the error for text that is not a UNC path: for `MASBackup` in it, or for `why`.
#[cold]
fn refused(text: &str, why: &str) -> Error {
    match is_mas_backup(text) {
        true => reserved("UNC path", text),
        false => invalid(format!("UNC path {text} {why}", text = quoted(text))),
    }
}

fn check_share(share: &str) -> Result<()> {
    // The hidden share of that folder is the folder, too.
    if is_mas_backup(share) || is_mas_backup(share.trim_end_matches('$')) {
        return Err(reserved("share name", share));
    }
    check_characters("share name", share, SHARE_MAX, SHARE_ILLEGAL)?;
    check_win32("share name", share)?;
    if NO_FILES.iter().any(|name| share.eq_ignore_ascii_case(name)) {
        return Err(invalid(format!(
            "share name {share} is kept for pipes and mail slots; name a share that holds files",
            share = quoted(share)
        )));
    }
    Ok(())
}

const VERBATIM: &str = r"\\?\";
/// The longest share name in UTF-16 units (MS-FSCC 2.1.6).
const SHARE_MAX: usize = 80;
const SHARE_ILLEGAL: &str = "\"\\/[]:|<>+=;,*?";
const NO_FILES: [&str; 3] = ["IPC$", "PIPE", "MAILSLOT"];
