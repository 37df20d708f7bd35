//! What only Windows knows about a file or folder, in records of its own: attributes, time of creation, owner and access
//! list, alternate data streams.
//!
//! They are extended attributes in the namespace `user`. So a restore on Linux keeps them, a backup of what it restored
//! has them again, and a restore of that on Windows gives them back. docs/format.md, "Windows".

use super::{Mtime, Text};

/// Beginning of their names.
const PREFIX: &str = "user.azs.windows.";

const ATTRIBUTES: &str = "attributes";
const CREATED: &str = "created";
const SECURITY: &str = "security";
const STREAM: &str = "stream.";

/// The attributes that are restored: read-only, hidden, system, archive, not indexed (MS-FSCC 2.6).
pub(crate) const RESTORED: u32 = 0x1 | 0x2 | 0x4 | 0x20 | 0x2000;

/// One of these records.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum WindowsRecord {
    /// Some of [`RESTORED`]. A record is made only if they are not those that a new file or folder has.
    Attributes(u32),
    /// When it was created.
    Created(Mtime),
    /// Owner, group and access list, as SDDL (MS-DTYP 2.5.1).
    Security(String),
    /// A named stream: its name in WTF-8, and its content.
    Stream(Vec<u8>, Vec<u8>),
}

impl WindowsRecord {
    /// Writes it as an extended attribute.
    pub(crate) fn to_xattr(&self) -> (Text, Vec<u8>) {
        let (name, value) = match self {
            Self::Attributes(bits) => (ATTRIBUTES.into(), format!("{bits:#x}").into_bytes()),
            Self::Created(time) => (CREATED.into(), time.to_string().into_bytes()),
            Self::Security(sddl) => (SECURITY.into(), sddl.clone().into_bytes()),
            Self::Stream(name, content) => (format!("{STREAM}{}", escape(name)), content.clone()),
        };
        (format!("{PREFIX}{name}").into_bytes().into(), value)
    }

    /// Reads an extended attribute; `None` if it is another one, or not as this writes it.
    pub(crate) fn of_xattr(name: &Text, value: &[u8]) -> Option<Self> {
        let name = str::from_utf8(name.as_bytes()).ok()?.strip_prefix(PREFIX)?;
        let text = || str::from_utf8(value).ok();
        match name {
            ATTRIBUTES => {
                let bits = u32::from_str_radix(text()?.strip_prefix("0x")?, 16).ok()?;
                (bits & !RESTORED == 0).then_some(Self::Attributes(bits))
            }
            CREATED => Some(Self::Created(text()?.parse().ok()?)),
            SECURITY => Some(Self::Security(text()?.to_owned())),
            _ => Some(Self::Stream(unescape(name.strip_prefix(STREAM)?)?, value.to_vec())),
        }
    }
}

/// Writes `%`, `=` and whatever is not printable ASCII as `%3D`: a pax record ends its key with `=`.
fn escape(name: &[u8]) -> String {
    let escaped = |byte: &u8| match byte {
        b'%' | b'=' => format!("%{byte:02X}"),
        b'!'..=b'~' => char::from(*byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    name.iter().map(escaped).collect()
}

fn unescape(name: &str) -> Option<Vec<u8>> {
    let mut pieces = name.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let (hex, rest) = piece.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(hex, 16).ok()?);
        bytes.extend(rest.as_bytes());
    }
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        for record in [
            WindowsRecord::Attributes(0x23),
            WindowsRecord::Attributes(0),
            WindowsRecord::Created(Mtime::new(1_760_000_000, 123_456_700)),
            WindowsRecord::Created(Mtime::new(-11_644_473_600, 100)),
            WindowsRecord::Security("O:BAG:SYD:AI(A;ID;FA;;;SY)".into()),
            WindowsRecord::Stream(b"Zone.Identifier".to_vec(), b"[ZoneTransfer]\r\nZoneId=3".to_vec()),
            WindowsRecord::Stream("100% = \u{fc} \u{1f600}".into(), vec![0, 255]),
            WindowsRecord::Stream(b"\xed\xa0\x80".to_vec(), Vec::new()),
        ] {
            let (name, value) = record.to_xattr();
            let key = str::from_utf8(name.as_bytes()).unwrap();
            assert!(
                key.starts_with(PREFIX) && key.bytes().all(|b| (b'!'..=b'~').contains(&b) && b != b'='),
                "{key}"
            );
            assert_eq!(WindowsRecord::of_xattr(&name, &value), Some(record));
        }
    }

    #[test]
    fn other_attributes_and_damaged_records_are_none() {
        for (name, value) in [
            ("user.note", "x"),
            ("user.azs.windows.attributes", "23"),
            ("user.azs.windows.attributes", "0x10"),
            ("user.azs.windows.created", "yesterday"),
            ("user.azs.windows.stream.", "x"),
            ("user.azs.windows.stream.a%4", "x"),
            ("user.azs.windows.stream.a%zz", "x"),
            ("user.azs.windows.other", "x"),
        ] {
            let name = Text::from(name.as_bytes().to_vec());
            assert_eq!(WindowsRecord::of_xattr(&name, value.as_bytes()), None, "{name} {value}");
        }
    }
}
