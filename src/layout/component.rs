//! The components that backups are of.

use std::fmt;
use std::str::FromStr;

use super::name::Name;
use super::refusal::{invalid, quoted};
use super::set_name::is_set_shaped;
use super::text_serde;
use crate::{Error, Result};

/// What a backup is of; it names the folder under the region folder that contains its sets.
///
/// The four known ones are the folders that the best practices of the Infrastructure Backup Service name. Any other
/// valid [`Name`] makes a custom one. A known name in another letter case is the known one, because file servers ignore
/// letter case; custom names are compared exactly. A name in the form of a [`SetName`](super::SetName), in any letter
/// case, is refused: the folder would look like a set.
///
/// ```
/// use azs_backup::layout::Component;
///
/// assert_eq!("switches".parse::<Component>()?, Component::Switches);
/// assert_eq!(Component::custom("Firewalls")?.to_string(), "Firewalls");
/// # Ok::<(), azs_backup::Error>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Component {
    /// The hardware lifecycle host, its configuration and data: `HLH`.
    Hlh,
    /// The configuration of the top-of-rack and BMC switches: `Switches`.
    Switches,
    /// The files generated for the deployment: `DeploymentData`.
    DeploymentData,
    /// The activation data: `Registration`.
    Registration,
    /// Another one, created by [`Component::custom`].
    Custom(CustomComponent),
}

/// The name of a [`Component`] that is not one of the known ones.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CustomComponent(Name);

impl Component {
    /// The known components.
    pub const KNOWN: [Component; 4] = [Self::Hlh, Self::Switches, Self::DeploymentData, Self::Registration];

    /// Returns the component of that name: a known one if the name is one of theirs, in any letter case.
    ///
    /// Fails with [`InvalidName`](crate::ErrorKind::InvalidName) or
    /// [`ReservedPath`](crate::ErrorKind::ReservedPath).
    pub fn custom(name: &str) -> Result<Self> {
        let known =
            |component: &Self| component.known_name().is_some_and(|known| known.eq_ignore_ascii_case(name));
        if let Some(component) = Self::KNOWN.into_iter().find(known) {
            return Ok(component);
        }
        check_no_set("component", name)?;
        Ok(Self::Custom(CustomComponent(Name::new(name)?)))
    }

    /// Returns the name of its folder.
    #[must_use]
    pub fn name(&self) -> Name {
        match self {
            Self::Custom(custom) => custom.0.clone(),
            _ => Name::known(self.as_str().to_owned()),
        }
    }

    /// Returns the name of its folder, as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Custom(custom) => custom.0.as_str(),
            _ => self.known_name().unwrap_or_default(),
        }
    }

    fn known_name(&self) -> Option<&'static str> {
        Some(match self {
            Self::Hlh => "HLH",
            Self::Switches => "Switches",
            Self::DeploymentData => "DeploymentData",
            Self::Registration => "Registration",
            Self::Custom(_) => return None,
        })
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Component {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::custom(text)
    }
}

text_serde!(Component);

impl CustomComponent {
    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.0
    }
}

impl fmt::Display for CustomComponent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The identifier of a scale unit: a folder under the component, used if one region has several instances.
///
/// It is a [`Name`] of at most 64 UTF-16 units that does not have the form of a [`SetName`](super::SetName), in any
/// letter case. Microsoft asks for the identifier (best practices of the Infrastructure Backup Service) and leaves its
/// form open; the limit is ours, to keep paths short.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ScaleUnit(Name);

impl ScaleUnit {
    /// Creates the identifier with that name.
    ///
    /// Fails with [`InvalidName`](crate::ErrorKind::InvalidName) or
    /// [`ReservedPath`](crate::ErrorKind::ReservedPath).
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = Name::new(name)?;
        check_no_set("scale unit", name.as_str())?;
        let units = name.as_str().encode_utf16().count();
        if units > SCALE_UNIT_MAX {
            return Err(invalid(format!(
                "scale unit {name} has {units} UTF-16 units; shorten it to {SCALE_UNIT_MAX}",
                name = quoted(name.as_str())
            )));
        }
        Ok(Self(name))
    }

    /// Returns the name of its folder.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.0
    }

    /// Returns the name of its folder, as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for ScaleUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ScaleUnit {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

text_serde!(ScaleUnit);

fn check_no_set(what: &str, name: &str) -> Result<()> {
    match is_set_shaped(name) {
        true => Err(invalid(format!(
            "{what} {name} has the form of a set name; choose another",
            name = quoted(name)
        ))),
        false => Ok(()),
    }
}

const SCALE_UNIT_MAX: usize = 64;
