//! Finds fields of a configuration that should not be there: unknown ones, and credentials in clear.

use serde_json::Value;

use super::findings::shown;

/// The paths that were found: `components[0].password`.
#[derive(Default)]
pub(super) struct Found {
    pub(super) unknown: Vec<String>,
    pub(super) credentials: Vec<String>,
}

/// Searches a configuration, and removes credentials from it: a finding may quote any field.
pub(super) fn scan(value: &mut Value) -> Found {
    let mut found = Found::default();
    walk(value, "", "", &mut found);
    found
}

fn walk(value: &mut Value, path: &str, pattern: &str, found: &mut Found) {
    match value {
        Value::Object(fields) => {
            let known = KNOWN.iter().find(|(of, _)| *of == pattern).map(|(_, names)| *names);
            for (name, value) in fields {
                let separator = if path.is_empty() { "" } else { "." };
                let path = format!("{path}{separator}{}", shown(name));
                let is_credential = names_a_credential(name) && has_text(value);
                if is_credential {
                    note(&mut found.credentials, &path);
                } else if known.is_some_and(|names| !names.contains(&name.as_str())) {
                    note(&mut found.unknown, &path);
                }
                // Nothing below an unknown field is known: only search it for credentials.
                let below = match pattern.is_empty() {
                    true => name.clone(),
                    false => "?".to_owned(),
                };
                if !is_credential {
                    walk(value, &path, &below, found);
                }
            }
        }
        Value::Array(values) => {
            for (at, value) in values.iter_mut().enumerate() {
                walk(value, &format!("{path}[{at}]"), pattern, found);
            }
        }
        Value::String(text) if holds_a_credential(text) => {
            note(&mut found.credentials, path);
            *text = REMOVED.to_owned();
        }
        _ => {}
    }
}

fn note(paths: &mut Vec<String>, path: &str) {
    if paths.len() < MOST {
        paths.push(shown(path));
    }
}

/// Whether a field of this name would contain a credential, and not just say where one is.
fn names_a_credential(name: &str) -> bool {
    let name = name.to_lowercase();
    if ELSEWHERE.iter().any(|end| name.ends_with(end)) {
        return false;
    }
    let plain: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
    plain == "key" || plain == "pin" || WORDS.iter().any(|word| plain.contains(word))
}

fn has_text(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.trim().is_empty(),
        Value::Number(_) => true,
        Value::Array(values) => values.iter().any(has_text),
        _ => false,
    }
}

fn holds_a_credential(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let in_url = lower.split_once("://").is_some_and(|(_, rest)| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        host.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
    });
    in_url || MARKS.iter().any(|mark| lower.contains(mark))
}

/// Known fields, by the object that has them.
const KNOWN: [(&str, &[&str]); 6] = [
    (
        "",
        &[
            "root",
            "deployment",
            "scale_units",
            "components",
            "frequency_hours",
            "retention_days",
            "encryption_certificates",
            "signer_certificates",
            "decryption_certificates",
            "hlh_hosts",
            "stamp_hosts",
            "space",
            "silence",
        ],
    ),
    ("deployment", &["external_domain_name", "region"]),
    ("components", &["name", "frequency_hours", "retention_days"]),
    ("decryption_certificates", &["thumbprint", "kept_at"]),
    ("space", &["total_bytes", "free_bytes", "seen_at"]),
    ("silence", &["rule", "about", "reason"]),
];
const WORDS: [&str; 13] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "credential",
    "token",
    "apikey",
    "privatekey",
    "accountkey",
    "accesskey",
    "sharedkey",
    "encryptionkey",
    "pwd",
];
/// Endings of fields that only say where a credential is.
const ELSEWHERE: [&str; 9] =
    ["_file", "_path", "_env", "_variable", "_name", "_uri", "_url", "_vault", "_thumbprint"];
const MARKS: [&str; 4] = ["private key-----", "accountkey=", "password=", "sharedaccesssignature="];
const REMOVED: &str = "(removed)";
/// Most to report: even one is too many.
const MOST: usize = 100;
