//! The account to log on with.

use std::fmt;

use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::layout::quoted;

/// An account of a file server, and its password.
///
/// The password appears in no output, and is overwritten in memory when the last copy of the account is dropped. The
/// client makes copies while a connection logs on, and overwrites them, too.
#[derive(Clone)]
pub struct SmbAccount {
    name: String,
    password: Zeroizing<String>,
}

impl SmbAccount {
    /// Creates an account from `CONTOSO\azsbackup`, `azsbackup@contoso.com`, or a bare name.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when a part of the name is empty, contains a control character or one of `" / [ ] : ; | = , +
    /// * ? < >`, or mixes both forms; for a guest; for an empty password.
    pub fn new(name: impl Into<String>, password: impl Into<String>) -> Result<Self> {
        let (name, password) = (name.into(), Zeroizing::new(password.into()));
        let invalid = |why: &str| {
            Err(Error::new(ErrorKind::InvalidArgument, format!("account {} {why}", quoted(&name))))
        };
        if name.chars().any(|c| c.is_control() || "\"/[]:;|=,+*?<>".contains(c)) {
            return invalid("has a character that no account name has");
        }
        if name.trim() != name {
            return invalid("begins or ends with a space; take it away");
        }
        if name.contains(r"\\") {
            return invalid(
                r"has two backslashes together, as one does that was escaped twice; write it like DOMAIN\user",
            );
        }
        let parts: Vec<&str> = match name.split_once('\\') {
            Some((domain, user)) if domain.contains('@') || user.contains(['\\', '@']) => {
                return invalid(r"is neither like DOMAIN\user nor like user@domain");
            }
            Some((domain, user)) => vec![domain, user],
            None => name.rsplit_once('@').map_or(vec![&*name], |(user, domain)| vec![user, domain]),
        };
        if parts.iter().any(|part| part.trim().is_empty()) {
            return invalid(r"lacks a part; write it like DOMAIN\user");
        }
        if password.is_empty() {
            return invalid("has no password; anonymous access is not supported");
        }
        Ok(Self { name, password })
    }

    /// Returns the name as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the name includes neither domain nor server. Worth a warning: it may mean another account of the same
    /// name, and some servers refuse it.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        !self.name.contains(['\\', '@'])
    }

    pub(super) fn password(&self) -> &str {
        &self.password
    }
}

impl fmt::Debug for SmbAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmbAccount").field("name", &self.name).finish_non_exhaustive()
    }
}
