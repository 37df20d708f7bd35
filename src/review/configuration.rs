//! What a review needs besides the share: how the backups are set up.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fields;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Component, Deployment, ScaleUnit};
use crate::options::{parse, read};
use crate::schedule::{Frequency, RetentionPeriod};

/// How the backups of a deployment are set up, as in a JSON file.
///
/// It contains only what a review needs, and no secrets. Unknown fields, and fields that look like a password or a key,
/// are dropped and named in a finding.
///
/// ```
/// use azs_backup::review::Configuration;
///
/// let configuration = Configuration::from_json(
///     br#"{
///         "root": "\\\\fileserver01.contoso.com\\AzSBackups",
///         "deployment": {"external_domain_name": "contoso.com", "region": "nyc"},
///         "components": [{"name": "Switches", "frequency_hours": 24, "retention_days": 30}],
///         "decryption_certificates": [{"thumbprint": "BDB07F879C1F1A05B74EB43AEAF5E5B5F84DCEA8", "kept_at": "vault"}]
///     }"#,
/// )?;
/// assert_eq!(configuration.deployment.fqdn(), "nyc.contoso.com");
/// # Ok::<(), azs_backup::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
#[serde(try_from = "Value")]
pub struct Configuration {
    /// The configured root of the share, as Azure Stack Hub and the hosts reach it: a UNC path.
    pub root: String,
    /// The deployment.
    pub deployment: Deployment,
    /// Scale units of the region.
    pub scale_units: Vec<ScaleUnit>,
    /// What to back up; if empty, the four documented components.
    pub components: Vec<ComponentSettings>,
    /// Hours between two backups, unless a component has its own; 12 if neither is set.
    pub frequency_hours: Option<u32>,
    /// Days for which backups are kept, unless a component has its own.
    pub retention_days: Option<u32>,
    /// The certificates that backups are sealed to: each a CER in PEM or Base64.
    pub encryption_certificates: Vec<String>,
    /// The PFX files that somebody is on record as holding.
    pub decryption_certificates: Vec<KnownCertificate>,
    /// The certificates of the hosts that sign sets: each a CER in PEM or Base64. If there are any, a set that none of
    /// them signed is no backup.
    pub signer_certificates: Vec<String>,
    /// Names and addresses of the hardware lifecycle host.
    pub hlh_hosts: Vec<String>,
    /// Names and addresses of the stamp, besides those under the deployment's FQDN.
    pub stamp_hosts: Vec<String>,
    /// The share's space, for shares that do not report it.
    pub space: Option<MeasuredSpace>,
    /// Rules not to report, and why.
    pub silence: Vec<Silence>,
    /// Unknown fields.
    #[serde(skip)]
    pub(super) unknown_fields: Vec<String>,
    /// Fields that contain a credential in clear. Their values are not kept.
    #[serde(skip)]
    pub(super) credentials: Vec<String>,
}

/// How one component is backed up.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct ComponentSettings {
    /// The component.
    pub name: Component,
    /// Hours between two backups.
    #[serde(default)]
    pub frequency_hours: Option<u32>,
    /// Days for which backups are kept.
    #[serde(default)]
    pub retention_days: Option<u32>,
}

/// A decryption certificate on record.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct KnownCertificate {
    /// SHA-1 or SHA-256, in hex, with or without spaces and colons.
    pub thumbprint: String,
    /// Where it is kept, in the operator's words.
    #[serde(default)]
    pub kept_at: String,
}

impl KnownCertificate {
    /// Creates a record of a certificate with this thumbprint, and of where it is kept.
    #[must_use]
    pub fn new(thumbprint: impl Into<String>, kept_at: impl Into<String>) -> Self {
        Self { thumbprint: thumbprint.into(), kept_at: kept_at.into() }
    }
}

/// The space of the share.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MeasuredSpace {
    /// Bytes in all.
    pub total_bytes: u64,
    /// Bytes that are free.
    pub free_bytes: u64,
    /// When that was measured.
    #[serde(default)]
    pub seen_at: Option<Timestamp>,
}

/// A rule not to report.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Silence {
    /// Its ID.
    pub rule: String,
    /// The `about` of the finding to silence; all of the rule's findings if it is `None`.
    #[serde(default)]
    pub about: Option<String>,
    /// The reason, which every review shows.
    pub reason: String,
}

/// The configuration before it is checked.
#[derive(Deserialize)]
struct Text {
    root: String,
    deployment: Deployment,
    #[serde(default)]
    scale_units: Vec<ScaleUnit>,
    #[serde(default)]
    components: Vec<ComponentSettings>,
    #[serde(default)]
    frequency_hours: Option<u32>,
    #[serde(default)]
    retention_days: Option<u32>,
    #[serde(default)]
    encryption_certificates: Vec<String>,
    #[serde(default)]
    decryption_certificates: Vec<KnownCertificate>,
    #[serde(default)]
    signer_certificates: Vec<String>,
    #[serde(default)]
    hlh_hosts: Vec<String>,
    #[serde(default)]
    stamp_hosts: Vec<String>,
    #[serde(default)]
    space: Option<MeasuredSpace>,
    #[serde(default)]
    silence: Vec<Silence>,
}

impl Configuration {
    /// Creates a configuration of just a root and a deployment.
    #[must_use]
    pub fn new(root: impl Into<String>, deployment: Deployment) -> Self {
        Self {
            root: root.into(),
            deployment,
            scale_units: Vec::new(),
            components: Vec::new(),
            frequency_hours: None,
            retention_days: None,
            encryption_certificates: Vec::new(),
            decryption_certificates: Vec::new(),
            signer_certificates: Vec::new(),
            hlh_hosts: Vec::new(),
            stamp_hosts: Vec::new(),
            space: None,
            silence: Vec::new(),
            unknown_fields: Vec::new(),
            credentials: Vec::new(),
        }
    }

    /// Reads a JSON file; a byte-order mark is skipped.
    ///
    /// # Errors
    /// `MALFORMED` for anything but JSON, or if a field is missing, of a wrong type, or given twice; `INVALID_ARGUMENT`
    /// for a number out of bounds, an invalid thumbprint, or a component named twice; `LIMIT_EXCEEDED` for more than
    /// 1 MiB, or for more than 128 components or scale units.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        if json.len() > MAX_LENGTH {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("the configuration has {} bytes; it may have {MAX_LENGTH}", json.len()),
            ));
        }
        let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        let value = parse(json).map_err(|e| malformed(&e).with_source(e))?;
        Self::try_from(value)
    }

    /// Adds a certificate that backups are sealed to, from its CER file.
    pub fn add_encryption_certificate(&mut self, cer: &[u8]) {
        self.encryption_certificates.push(text_of(cer));
    }

    /// Adds the certificate of a host that signs sets, from its CER file.
    pub fn add_signer_certificate(&mut self, cer: &[u8]) {
        self.signer_certificates.push(text_of(cer));
    }

    /// Returns the components to look for, and how each is backed up.
    pub(super) fn expected(&self) -> Vec<ComponentSettings> {
        if !self.components.is_empty() {
            return self.components.clone();
        }
        let settings = |name| ComponentSettings { name, frequency_hours: None, retention_days: None };
        Component::KNOWN.into_iter().map(settings).collect()
    }

    /// Returns the hours between two backups of this component.
    pub(super) fn frequency(&self, settings: &ComponentSettings) -> u32 {
        settings.frequency_hours.or(self.frequency_hours).unwrap_or(Frequency::default().hours())
    }

    fn check(mut self) -> Result<Self> {
        // The review looks for each component in each scale unit.
        for (what, count, most) in [
            ("scale_units", self.scale_units.len(), MOST_PARTS),
            ("components", self.components.len(), MOST_PARTS),
            ("silence", self.silence.len(), MOST_SILENCES),
        ] {
            if count > most {
                return Err(Error::new(
                    ErrorKind::LimitExceeded,
                    format!("{what} has {count} entries; it may have {most}"),
                ));
            }
        }
        for (at, settings) in self.components.iter().enumerate() {
            if self.components[..at].iter().any(|other| other.name == settings.name) {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    format!("components has {} twice", settings.name),
                ));
            }
        }
        let frequencies = self.components.iter().filter_map(|settings| settings.frequency_hours);
        for hours in frequencies.chain(self.frequency_hours) {
            Frequency::beyond_microsoft(hours)?;
        }
        let periods = self.components.iter().filter_map(|settings| settings.retention_days);
        for days in periods.chain(self.retention_days) {
            RetentionPeriod::beyond_microsoft(days)?;
        }
        for known in &mut self.decryption_certificates {
            // People copy it out of a Windows dialog, with an invisible mark in front.
            let hex: String = known.thumbprint.chars().filter(char::is_ascii_alphanumeric).collect();
            if !matches!(hex.len(), 40 | 64) || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    "decryption_certificates has a thumbprint that is neither SHA-1 nor SHA-256 in hex; \
                     give 40 or 64 digits",
                ));
            }
            known.thumbprint = hex.to_ascii_uppercase();
        }
        if self.space.is_some_and(|space| space.free_bytes > space.total_bytes || space.total_bytes == 0) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "space has more free bytes than bytes, or none",
            ));
        }
        Ok(self)
    }
}

impl TryFrom<Value> for Configuration {
    type Error = Error;

    fn try_from(mut value: Value) -> Result<Self> {
        let found = fields::scan(&mut value);
        let text: Text = read(value).map_err(|e| malformed(&e))?;
        let configuration = Self {
            root: text.root,
            deployment: text.deployment,
            scale_units: text.scale_units,
            components: text.components,
            frequency_hours: text.frequency_hours,
            retention_days: text.retention_days,
            encryption_certificates: text.encryption_certificates,
            decryption_certificates: text.decryption_certificates,
            signer_certificates: text.signer_certificates,
            hlh_hosts: text.hlh_hosts,
            stamp_hosts: text.stamp_hosts,
            space: text.space,
            silence: text.silence,
            unknown_fields: found.unknown,
            credentials: found.credentials,
        };
        configuration.check()
    }
}

fn text_of(cer: &[u8]) -> String {
    use base64::Engine;
    // PEM and Base64 are text already; DER never is.
    let text = str::from_utf8(cer).ok().filter(|text| text.is_ascii());
    let encoded = || base64::engine::general_purpose::STANDARD.encode(cer);
    text.map_or_else(encoded, ToOwned::to_owned)
}

fn malformed(e: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Malformed, format!("the configuration cannot be read: {e}"))
}

/// Longest file to read, in bytes.
const MAX_LENGTH: usize = 1 << 20;
const MOST_PARTS: usize = 128;
const MOST_SILENCES: usize = 1000;
