//! A path below the root of a share.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use super::name::Name;
use super::refusal::{invalid, quoted, reserved};
use super::reserved::is_mas_backup;
use super::text_serde;
use crate::{Error, Result};

/// A path below the root, whatever the root is: a share, a folder in it, or a local folder.
///
/// It consists of [`Name`]s, so it neither leaves the root nor leads into `MASBackup`. It prints with `/` on every
/// system (the root itself as nothing) and parses with `/` or `\` between the names. Repeated and final separators are
/// dropped; an initial one is refused, because the path would not be relative. Text of more than 32,000 UTF-16 units is
/// refused: Win32 allows 32,767 for everything (Win32, "Maximum Path Length Limitation").
///
/// ```
/// use azs_backup::layout::SharePath;
///
/// let path: SharePath = r"contoso.com\nyc\\HLH\".parse()?;
/// assert_eq!(path.to_string(), "contoso.com/nyc/HLH");
/// # Ok::<(), azs_backup::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SharePath(Vec<Name>);

impl SharePath {
    /// Returns the root itself.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// Joins these names, outermost first, to a path.
    ///
    /// Fails with [`InvalidName`](crate::ErrorKind::InvalidName) if they make more than 32,000 UTF-16 units.
    pub fn from_names(names: impl IntoIterator<Item = Name>) -> Result<Self> {
        let path = Self(names.into_iter().collect());
        check_length("path", path.len_utf16())?;
        Ok(path)
    }

    /// Joins these few names, which are known to be short, to a path.
    pub(super) fn of<const N: usize>(names: [Name; N]) -> Self {
        Self(names.into())
    }

    /// Returns the path of `name` in this folder.
    ///
    /// This does not check the length: if you nest without end, check [`len_utf16`](Self::len_utf16).
    #[must_use]
    pub fn join(&self, name: impl Into<Name>) -> Self {
        let mut path = self.clone();
        path.0.push(name.into());
        path
    }

    /// Returns this path continued by another.
    #[must_use]
    pub fn join_path(&self, path: &Self) -> Self {
        Self([&self.0[..], &path.0[..]].concat())
    }

    /// Returns the names, outermost first.
    #[must_use]
    pub fn names(&self) -> &[Name] {
        &self.0
    }

    /// Returns the folders on the way to it, outermost first, without the root and itself.
    #[cfg(any(feature = "smb", feature = "object-store"))]
    pub(crate) fn folders_above(&self) -> impl Iterator<Item = Self> {
        (1..self.0.len()).map(|count| Self(self.0[..count].to_vec()))
    }

    /// Returns the folder that contains it; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, folders) = self.0.split_last()?;
        Some(Self(folders.to_vec()))
    }

    /// Returns the innermost name; `None` for the root.
    #[must_use]
    pub fn file_name(&self) -> Option<&Name> {
        self.0.last()
    }

    /// Whether this is the root itself.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the length in UTF-16 units, including separators.
    #[must_use]
    pub fn len_utf16(&self) -> usize {
        let names: usize = self.0.iter().map(|name| name.as_str().encode_utf16().count()).sum();
        names + self.0.len().saturating_sub(1)
    }

    /// Whether a file server treats both paths as the same, ignoring letter case.
    #[must_use]
    pub fn same_place(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(one, other)| one.same_name(other))
    }

    /// Returns the path below `root`, a local or mounted folder, as this system writes it.
    ///
    /// Fails with [`ReservedPath`](crate::ErrorKind::ReservedPath) if `root` itself has a component `MASBackup` or a
    /// disguise of it. It only reads names and does not follow symbolic links.
    pub fn to_native(&self, root: impl AsRef<Path>) -> Result<PathBuf> {
        let root = root.as_ref();
        for component in root.components() {
            let inside = match component {
                Component::Normal(name) => is_mas_backup(&name.to_string_lossy()),
                Component::Prefix(prefix) => is_mas_backup(&prefix.as_os_str().to_string_lossy()),
                Component::RootDir | Component::CurDir | Component::ParentDir => false,
            };
            if inside {
                return Err(reserved("root", &root.to_string_lossy()));
            }
        }
        Ok(root.join(self.to_relative()))
    }

    /// Returns the path as this system writes it, relative to an open root; empty for the root itself.
    #[must_use]
    pub fn to_relative(&self) -> PathBuf {
        self.0.iter().map(Name::as_str).collect()
    }

    /// Parses the names of `text`, in which only `separators` separate.
    pub(super) fn parse(what: &str, text: &str, separators: &[char]) -> Result<Self> {
        check_length(what, text.encode_utf16().count())?;
        let pieces = || text.split(separators).filter(|piece| !piece.is_empty());
        // Check this first, so that no other rule hides it.
        if pieces().any(is_mas_backup) {
            return Err(reserved(what, text));
        }
        Ok(Self(pieces().map(Name::new).collect::<Result<_>>()?))
    }
}

impl fmt::Display for SharePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, name) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("/")?;
            }
            f.write_str(name.as_str())?;
        }
        Ok(())
    }
}

impl FromStr for SharePath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let path = Self::parse("path", text, &['\\', '/'])?;
        if text.starts_with(['\\', '/']) {
            return Err(invalid(format!(
                "path {text} is not relative; remove the separator in front",
                text = quoted(text)
            )));
        }
        Ok(path)
    }
}

impl From<Name> for SharePath {
    fn from(name: Name) -> Self {
        Self(vec![name])
    }
}

impl<'a> IntoIterator for &'a SharePath {
    type Item = &'a Name;
    type IntoIter = std::slice::Iter<'a, Name>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

text_serde!(SharePath);

/// Refuses what no Win32 program could open.
pub(super) fn check_length(what: &str, units: usize) -> Result<()> {
    if units > LENGTH_MAX {
        return Err(invalid(format!("{what} has {units} UTF-16 units; shorten it to {LENGTH_MAX}")));
    }
    Ok(())
}

/// Win32 ends at 32,767 (Win32, "Maximum Path Length Limitation"); the rest is for what precedes the path.
const LENGTH_MAX: usize = 32_000;
