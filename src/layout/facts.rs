//! The facts of a name or place as plain data, for callers without the types.

use serde_json::{Value, json};

use super::{Component, Deployment, Host, HostKind, Name, Place, ScaleUnit, SetName, SharePath, UncPath};
use crate::{Error, ErrorKind, Result};

/// Parses `text` as `what` and returns its normal form, `text`, and its parts.
///
/// `what` is `component`, `deployment`, `host`, `name`, `place`, `scale_unit`, `set_name`, `share_path` or `unc_path`.
/// The bindings for Node and C use this to show names and places; in Rust use the types.
///
/// # Errors
/// Those of the type's own parser; `INVALID_ARGUMENT` for another `what`.
///
/// ```
/// let facts = azs_backup::layout::facts("unc_path", "//fs.contoso.com/AzSBackups/contoso.com")?;
/// assert_eq!(facts["text"], r"\\fs.contoso.com\AzSBackups\contoso.com");
/// assert_eq!(facts["host"]["kind"], "fqdn");
/// assert_eq!(facts["folders"], "contoso.com");
/// # Ok::<(), azs_backup::Error>(())
/// ```
pub fn facts(what: &str, text: &str) -> Result<Value> {
    Ok(match what {
        "component" => {
            let component: Component = text.parse()?;
            json!({"text": component, "is_known": Component::KNOWN.contains(&component)})
        }
        "deployment" => deployment(&text.parse()?),
        "host" => host(&text.parse()?),
        "name" => json!({"text": text.parse::<Name>()?}),
        "place" => place(&text.parse()?),
        "scale_unit" => json!({"text": text.parse::<ScaleUnit>()?}),
        "set_name" => {
            let name: SetName = text.parse()?;
            json!({"text": name, "created": name.created(), "suffix": name.suffix()})
        }
        "share_path" => share_path(&text.parse()?),
        "unc_path" => unc_path(&text.parse()?),
        _ => {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("there is nothing called {what:?} to be read; see layout::facts"),
            ));
        }
    })
}

fn deployment(deployment: &Deployment) -> Value {
    json!({
        "text": deployment.to_string(),
        "external_domain_name": deployment.external_domain_name(),
        "region": deployment.region(),
        "fqdn": deployment.fqdn(),
        "region_folder": deployment.region_folder(),
    })
}

fn place(place: &Place) -> Value {
    json!({
        "text": place.to_string(),
        "deployment": deployment(place.deployment()),
        "component": place.component(),
        "scale_unit": place.scale_unit(),
        "folder": place.folder(),
    })
}

fn host(host: &Host) -> Value {
    json!({
        "text": host.to_string(),
        "kind": host.kind().as_str(),
        "ip": host.ip(),
        "scope_id": host.scope_id(),
        "address": host.to_address(),
        "is_loopback": host.is_loopback(),
    })
}

fn share_path(path: &SharePath) -> Value {
    json!({
        "text": path,
        "names": path.names(),
        "parent": path.parent(),
        "file_name": path.file_name(),
        "len_utf16": path.len_utf16(),
    })
}

fn unc_path(path: &UncPath) -> Value {
    json!({
        "text": path,
        "host": host(path.host()),
        "share": path.share(),
        "folders": path.folders(),
        "parent": path.parent(),
        "verbatim": path.to_verbatim(),
        "is_administrative": path.is_administrative(),
        "len_utf16": path.len_utf16(),
    })
}

impl HostKind {
    /// Returns the word for it: `fqdn`, `single_label`, `ipv4`, `ipv6`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fqdn => "fqdn",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::SingleLabel => "single_label",
        }
    }
}
