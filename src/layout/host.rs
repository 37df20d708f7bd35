//! The file server in a UNC path.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::refusal::{invalid, quoted};
use super::text_serde;
use crate::{Error, Result};

/// The file server of a share: a DNS name or an IP address.
///
/// A DNS name has labels of 1 to 63 letters, digits, hyphens and underscores (Windows host names have them), with no
/// hyphen at either end, and at most 253 characters (RFC 1035 2.3.4, RFC 952). Its last label is not a number, because
/// Windows reads such a name as an address. Names beyond ASCII are written in their `xn--` form. A final dot is
/// dropped. An IPv6 address is written as Windows does in a UNC path, `2001-db8--1.ipv6-literal.net`, and also parsed
/// from `2001:db8::1` and `[2001:db8::1]`. A scope is a number after an `s` (`fe80--1s4`) or a `%`.
///
/// Microsoft asks for a fully qualified name, or for an IP address if names cannot be resolved (best practices of the
/// Infrastructure Backup Service); its service accepts a single label anyway. So [`kind`](Self::kind) only reports the
/// form and refuses none. Letter case is kept and counts in comparison, but not in [`same_host`](Self::same_host).
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Host(Form);

#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
enum Form {
    Dns(String),
    Ipv4(Ipv4Addr),
    /// The scope is 0 if none was given.
    Ipv6(Ipv6Addr, u32),
}

/// How a [`Host`] is written.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum HostKind {
    /// A DNS name of two or more labels: what Microsoft asks for.
    Fqdn,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// A name of one label, which only the local network or a search list resolves.
    SingleLabel,
}

impl Host {
    /// Returns how the host is written.
    #[must_use]
    pub fn kind(&self) -> HostKind {
        match &self.0 {
            Form::Dns(name) if name.contains('.') => HostKind::Fqdn,
            Form::Dns(_) => HostKind::SingleLabel,
            Form::Ipv4(_) => HostKind::Ipv4,
            Form::Ipv6(..) => HostKind::Ipv6,
        }
    }

    /// Returns the address, if the host is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self.0 {
            Form::Dns(_) => None,
            Form::Ipv4(ip) => Some(ip.into()),
            Form::Ipv6(ip, _) => Some(ip.into()),
        }
    }

    /// Returns the scope of an IPv6 address, if one was given.
    #[must_use]
    pub fn scope_id(&self) -> Option<u32> {
        match self.0 {
            Form::Ipv6(_, scope) if scope > 0 => Some(scope),
            _ => None,
        }
    }

    /// Returns what a resolver or a socket accepts: the name, `10.0.0.2`, `2001:db8::1` or `fe80::1%4`.
    #[must_use]
    pub fn to_address(&self) -> String {
        match self.0 {
            Form::Ipv6(ip, 0) => ip.to_string(),
            Form::Ipv6(ip, scope) => format!("{ip}%{scope}"),
            _ => self.to_string(),
        }
    }

    /// Whether the host is this machine: `localhost`, an address of 127.0.0.0/8 or `::1`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match &self.0 {
            Form::Dns(name) => name.eq_ignore_ascii_case("localhost"),
            Form::Ipv4(ip) => ip.is_loopback(),
            Form::Ipv6(ip, _) => ip.to_canonical().is_loopback(),
        }
    }

    /// Whether both are written alike, ignoring letter case. Nothing is resolved.
    #[must_use]
    pub fn same_host(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Form::Dns(one), Form::Dns(other)) => one.eq_ignore_ascii_case(other),
            (one, other) => one == other,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Dns(name) => f.write_str(name),
            Form::Ipv4(ip) => ip.fmt(f),
            Form::Ipv6(ip, scope) => {
                f.write_str(&literal(*ip))?;
                if *scope > 0 {
                    write!(f, "s{scope}")?;
                }
                f.write_str(IPV6_LITERAL)
            }
        }
    }
}

impl FromStr for Host {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some(ipv6) = ipv6_text(text) {
            return match parse_ipv6(&ipv6) {
                Some((ip, scope)) => Ok(Self(Form::Ipv6(ip, scope))),
                None => Err(invalid(format!(
                    "host {text} is not an IPv6 address; write it like 2001-db8--1{IPV6_LITERAL}",
                    text = quoted(text)
                ))),
            };
        }
        if let Ok(ip) = text.parse() {
            return Ok(Self(Form::Ipv4(ip)));
        }
        // The final dot changes nothing in a name with dots; after a single label it would change the meaning.
        let name = match text.strip_suffix('.') {
            Some(name) if name.contains('.') => name,
            _ => text,
        };
        check_dns("host", name, "_")?;
        let last = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        let hex = last.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        if hex || last.bytes().all(|b| b.is_ascii_digit()) {
            return Err(invalid(format!(
                "host {text} ends in a number but is not an IPv4 address; write all four parts in decimal",
                text = quoted(text)
            )));
        }
        Ok(Self(Form::Dns(name.to_owned())))
    }
}

text_serde!(Host);

/// Checks a DNS name: its length, its labels, and their characters, which may include those in `extra`.
pub(super) fn check_dns(what: &str, name: &str, extra: &str) -> Result<()> {
    if name.is_empty() {
        return Err(invalid(format!("{what} is empty; name one")));
    }
    if !name.is_ascii() {
        return Err(invalid(format!(
            "{what} {name} has characters beyond ASCII; write the name in its xn-- form",
            name = quoted(name)
        )));
    }
    if name.len() > DNS_MAX {
        return Err(invalid(format!(
            "{what} {name} has {length} characters; a DNS name has {DNS_MAX} at most",
            name = quoted(name),
            length = name.len()
        )));
    }
    for label in name.split('.') {
        if label.is_empty() || label.len() > LABEL_MAX {
            return Err(invalid(format!(
                "{what} {name} has a label of {} characters; each has 1 to {LABEL_MAX}",
                label.len(),
                name = quoted(name)
            )));
        }
        if let Some(c) =
            label.chars().find(|&c| !(c.is_ascii_alphanumeric() || c == '-' || extra.contains(c)))
        {
            return Err(invalid(format!(
                "{what} {name} has the character \"{}\"; use letters, digits and hyphens",
                c.escape_default(),
                name = quoted(name)
            )));
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err(invalid(format!(
                "{what} {name} has a label with a hyphen at one end; remove the hyphen",
                name = quoted(name)
            )));
        }
    }
    Ok(())
}

/// Returns the address in `:` notation, if the text is meant to be an IPv6 address.
fn ipv6_text(text: &str) -> Option<String> {
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Some(inner.to_owned());
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let at = name.len().saturating_sub(IPV6_LITERAL.len());
    match name.split_at_checked(at) {
        Some((literal, end)) if end.eq_ignore_ascii_case(IPV6_LITERAL) => {
            // Only hyphens stand for colons here; text with a colon, dot or percent sign is not an address.
            Some(match literal.contains([':', '.', '%']) {
                true => String::new(),
                false => literal.to_ascii_lowercase().replace('s', "%").replace('-', ":"),
            })
        }
        _ => text.contains(':').then(|| text.to_owned()),
    }
}

fn parse_ipv6(text: &str) -> Option<(Ipv6Addr, u32)> {
    let (ip, scope) = match text.split_once('%') {
        Some((ip, scope)) if scope.bytes().all(|b| b.is_ascii_digit()) => (ip, scope.parse().ok()?),
        Some(_) => return None,
        None => (text, 0),
    };
    Some((ip.parse().ok()?, scope))
}

/// Returns the address with hyphens for colons, and never with a dotted tail.
fn literal(ip: Ipv6Addr) -> String {
    let text = ip.to_string();
    match text.rsplit_once(':') {
        Some((front, tail)) if tail.contains('.') => {
            let [.., high, low] = ip.segments();
            format!("{front}:{high:x}:{low:x}")
        }
        _ => text,
    }
    .replace(':', "-")
}

const IPV6_LITERAL: &str = ".ipv6-literal.net";
const LABEL_MAX: usize = 63;
const DNS_MAX: usize = 253;
