//! The Azure Stack Hub that a backup belongs to, and the backup's place on the share.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::component::{Component, ScaleUnit};
use super::host::check_dns;
use super::name::Name;
use super::refusal::{invalid, quoted, reserved};
use super::reserved::is_mas_backup;
use super::set_name::SetName;
use super::share_path::SharePath;
use crate::{Error, Result};

/// A deployment of Azure Stack Hub: its external domain name and its region.
///
/// The external domain name is a DNS name and the region one DNS label: letters, digits and hyphens, labels of 1 to 63
/// characters, and at most 253 for the whole [FQDN](Self::fqdn) (RFC 1035 2.3.4); the domain's last label is not a
/// number. Both name folders, so both are [`Name`]s. DNS ignores letter case but some file systems do not: both are
/// kept in lower case, so that a deployment has one folder.
///
/// Microsoft's best practices call `contoso.com` the FQDN; elsewhere, as here, it is `nyc.contoso.com`.
///
/// ```
/// use azs_backup::layout::Deployment;
///
/// let deployment = Deployment::new("contoso.com", "nyc")?;
/// assert_eq!(deployment.fqdn(), "nyc.contoso.com");
/// assert_eq!(deployment.region_folder().to_string(), "contoso.com/nyc");
/// # Ok::<(), azs_backup::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "DeploymentText")]
pub struct Deployment {
    external_domain_name: Name,
    region: Name,
}

impl Deployment {
    /// Creates a deployment with that external domain name and region.
    ///
    /// Fails with [`InvalidName`](crate::ErrorKind::InvalidName) if one breaks the rules above, and with
    /// [`ReservedPath`](crate::ErrorKind::ReservedPath) if one is `MASBackup`.
    pub fn new(external_domain_name: impl AsRef<str>, region: impl AsRef<str>) -> Result<Self> {
        let (domain, region) = (external_domain_name.as_ref(), region.as_ref());
        // Check the rules for folders first: they detect reserved names.
        let deployment = Self {
            external_domain_name: Name::new(domain.to_ascii_lowercase())?,
            region: Name::new(region.to_ascii_lowercase())?,
        };
        check_dns("external domain name", domain, "")?;
        check_dns("region", region, "")?;
        if region.contains('.') {
            return Err(invalid(format!(
                "region {region} has a dot; give the region alone, without the domain",
                region = quoted(region)
            )));
        }
        let top = domain.rsplit('.').next().unwrap_or_default();
        if top.bytes().all(|b| b.is_ascii_digit()) {
            return Err(invalid(format!(
                "external domain name {domain} ends in a number; give a DNS name, not an address",
                domain = quoted(domain)
            )));
        }
        check_dns("FQDN", &deployment.fqdn(), "")?;
        Ok(deployment)
    }

    /// Returns the external domain name: `contoso.com`.
    #[must_use]
    pub fn external_domain_name(&self) -> &Name {
        &self.external_domain_name
    }

    /// Returns the region: `nyc`.
    #[must_use]
    pub fn region(&self) -> &Name {
        &self.region
    }

    /// Returns the fully qualified domain name: `nyc.contoso.com`.
    #[must_use]
    pub fn fqdn(&self) -> String {
        format!("{}.{}", self.region, self.external_domain_name)
    }

    /// Returns the region folder under the root, in which Azure Stack Hub keeps `MASBackup`: `contoso.com/nyc`.
    #[must_use]
    pub fn region_folder(&self) -> SharePath {
        SharePath::of([self.external_domain_name.clone(), self.region.clone()])
    }
}

impl fmt::Display for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.external_domain_name, self.region)
    }
}

impl FromStr for Deployment {
    type Err = Error;

    /// Parses `contoso.com/nyc`, also with a `\`.
    fn from_str(text: &str) -> Result<Self> {
        match text.split(['/', '\\']).collect::<Vec<_>>()[..] {
            [domain, region] => Self::new(domain, region),
            _ if is_mas_backup(text) => Err(reserved("deployment", text)),
            _ => Err(invalid(format!(
                "deployment {text} is not like contoso.com/nyc; give the external domain name and the region",
                text = quoted(text)
            ))),
        }
    }
}

/// A [`Deployment`] before it is checked.
#[derive(Deserialize)]
struct DeploymentText {
    external_domain_name: String,
    region: String,
}

impl TryFrom<DeploymentText> for Deployment {
    type Error = Error;

    fn try_from(text: DeploymentText) -> Result<Self> {
        Self::new(text.external_domain_name, text.region)
    }
}

/// Where the sets of one component are: `contoso.com/nyc/Switches`, or `contoso.com/nyc/Switches/su1`.
///
/// ```
/// use azs_backup::layout::{Component, Deployment, Place, ScaleUnit};
///
/// let place = Place::new(Deployment::new("contoso.com", "nyc")?, Component::Hlh).with_scale_unit("su1".parse()?);
/// assert_eq!(place.folder().to_string(), "contoso.com/nyc/HLH/su1");
/// # Ok::<(), azs_backup::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Place {
    deployment: Deployment,
    component: Component,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scale_unit: Option<ScaleUnit>,
}

impl Place {
    /// Creates the place of a component without scale units.
    #[must_use]
    pub fn new(deployment: Deployment, component: Component) -> Self {
        Self { deployment, component, scale_unit: None }
    }

    /// Returns the place of one scale unit of the component.
    #[must_use]
    pub fn with_scale_unit(mut self, scale_unit: ScaleUnit) -> Self {
        self.scale_unit = Some(scale_unit);
        self
    }

    /// Returns the deployment.
    #[must_use]
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// Returns the component.
    #[must_use]
    pub fn component(&self) -> &Component {
        &self.component
    }

    /// Returns the scale unit, if there is one.
    #[must_use]
    pub fn scale_unit(&self) -> Option<&ScaleUnit> {
        self.scale_unit.as_ref()
    }

    /// Returns the folder that contains the sets, below the root.
    #[must_use]
    pub fn folder(&self) -> SharePath {
        let folder = self.deployment.region_folder().join(self.component.name());
        match &self.scale_unit {
            Some(scale_unit) => folder.join(scale_unit.name().clone()),
            None => folder,
        }
    }

    /// Returns the folder of one set, below the root.
    #[must_use]
    pub fn set_folder(&self, set: &SetName) -> SharePath {
        self.folder().join(*set)
    }

    /// Returns the folders that must exist before a first set is stored, and what each is. People type their names:
    /// without this check nothing would tell a typing error from a new place, or a mount point from the share. Nobody
    /// types the names of the known components' folders, so those are created with the first set.
    pub(crate) fn required_folders(&self) -> Vec<(SharePath, &'static str)> {
        let region = self.deployment.region_folder();
        let component = region.join(self.component.name());
        let mut required = vec![(region, "region folder")];
        if matches!(self.component, Component::Custom(_)) {
            required.push((component, "component folder"));
        }
        if self.scale_unit.is_some() {
            required.push((self.folder(), "scale unit's folder"));
        }
        required
    }

    /// Returns the place that a set's folder is in, by its path below the root: `contoso.com/nyc/Switches/<set>` or
    /// `contoso.com/nyc/Switches/su1/<set>`. `None` elsewhere: such a folder cannot contradict what a set says about
    /// itself.
    #[must_use]
    pub fn of_set_folder(folder: &SharePath) -> Option<Self> {
        match folder.names() {
            [_, _, _, _] | [_, _, _, _, _] => folder.parent()?.to_string().parse().ok(),
            _ => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.folder().fmt(f)
    }
}

impl FromStr for Place {
    type Err = Error;

    /// Parses `contoso.com/nyc/Switches` or `contoso.com/nyc/Switches/su1`, also with `\`.
    fn from_str(text: &str) -> Result<Self> {
        let (domain, region, component, scale_unit) = match text.split(['/', '\\']).collect::<Vec<_>>()[..] {
            [domain, region, component] => (domain, region, component, None),
            [domain, region, component, scale_unit] => (domain, region, component, Some(scale_unit)),
            _ if is_mas_backup(text) => return Err(reserved("place", text)),
            _ => {
                return Err(invalid(format!(
                    "place {text} is not like contoso.com/nyc/Switches; give domain, region and component",
                    text = quoted(text)
                )));
            }
        };
        Ok(Self {
            deployment: Deployment::new(domain, region)?,
            component: component.parse()?,
            scale_unit: scale_unit.map(str::parse).transpose()?,
        })
    }
}
