//! The texts of an alert: what happened, and the remedy, step by step.

use std::fmt::Write;

use serde::Deserialize;

use super::classification::Classification;
use super::finding::Form;
use super::kind::AlertKind;
use super::profile::Profile;
use super::retry::Retry;
use super::store_remedy;

/// Where and to whom a failure happened, for the texts of an [`Alert`](super::Alert). Only the identifier and the time
/// are required; in JSON you may omit the time, which is then now.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Context {
    /// The identifier of the alert, usually a GUID; the same one closes the alert.
    pub id: String,
    /// When it happened.
    #[serde(default = "jiff::Timestamp::now")]
    pub now: jiff::Timestamp,
    /// The region, Azure Stack Hub's `location`: `nyc`.
    #[serde(default = "local")]
    pub location: String,
    /// The share: `\\fileserver01.contoso.com\AzSBackups`.
    #[serde(default)]
    pub share: Option<String>,
    /// The path on it: `contoso.com\nyc\Switches`.
    #[serde(default)]
    pub path: Option<String>,
    /// The account: `CONTOSO\azsbackup`.
    #[serde(default)]
    pub account: Option<String>,
    /// What was in progress: `writing segment 3`.
    #[serde(default)]
    pub operation: Option<String>,
}

impl Context {
    /// Creates a context of an alert with this identifier and time; set the rest field by field.
    #[must_use]
    pub fn new(id: impl Into<String>, now: jiff::Timestamp) -> Self {
        Self {
            id: id.into(),
            now,
            location: local(),
            share: None,
            path: None,
            account: None,
            operation: None,
        }
    }

    /// Sets the region.
    #[must_use]
    pub fn location(mut self, location: impl Into<String>) -> Self {
        self.location = location.into();
        self
    }

    /// Sets the share.
    #[must_use]
    pub fn share(mut self, share: impl Into<String>) -> Self {
        self.share = Some(share.into());
        self
    }

    /// Sets the path on the share.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Sets the account.
    #[must_use]
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// Sets what was in progress.
    #[must_use]
    pub fn operation(mut self, operation: impl Into<String>) -> Self {
        self.operation = Some(operation.into());
        self
    }

    fn share_name(&self) -> &str {
        self.share.as_deref().unwrap_or("the backup share")
    }

    fn account_name(&self) -> &str {
        self.account.as_deref().unwrap_or("the backup account")
    }

    fn server_name(&self) -> &str {
        let share = self.share.as_deref().unwrap_or_default();
        let unc = share.strip_prefix(r"\\").or_else(|| share.strip_prefix("//"));
        let host = unc.and_then(|unc| unc.split(['\\', '/']).next());
        host.filter(|host| !host.is_empty()).unwrap_or("the file server")
    }
}

/// The region if none is given.
fn local() -> String {
    "local".to_owned()
}

impl Classification {
    /// Returns what happened, in up to three sentences: the share, the account, the code and its meaning.
    #[must_use]
    pub fn describe(&self, context: &Context) -> String {
        let (share, account) = (context.share_name(), context.account_name());
        let mut text = match self.kind() {
            AlertKind::OutOfCapacity => format!("{share} has no space left for the backup."),
            AlertKind::Connectivity => {
                format!("{share} could not be reached over the network, or not kept open.")
            }
            AlertKind::Path => format!("The path of the backup on {share} is wrong or no longer exists."),
            AlertKind::Authentication => format!("{account} was refused access to {share}."),
            AlertKind::General => {
                format!("The backup to {share} failed for a reason that is none of the usual ones.")
            }
            AlertKind::ShareNotWritable => {
                format!("{share} can be reached, but {account} could not write to it.")
            }
            AlertKind::ShareNotAccessible => {
                format!("{share} could not be accessed: the account, its rights or the network may be why.")
            }
            AlertKind::UploadFailed => format!("Copying the backup to {share} failed."),
            AlertKind::PartiallySucceeded => format!("Only a part of the backup reached {share}."),
            AlertKind::SkippedByConflict => {
                "The scheduled backup did not start, because another operation runs or has failed.".into()
            }
            AlertKind::SchedulerDisabled => {
                "Automatic backups are switched off: no new backup is made.".into()
            }
            AlertKind::NotConfigured => "No share is configured for backups: none is made.".into(),
            AlertKind::AlmostFull => format!("{share} is almost full: one of the next backups will fail."),
            AlertKind::DeletionFailed => {
                format!("Old backups on {share} could not be deleted; they take up space.")
            }
            AlertKind::KeyBasedEncryptionDeprecated => {
                "Backups are still encrypted with a symmetric key instead of a certificate.".into()
            }
            AlertKind::InternalBackupFailed => {
                "The backup inside the system failed before any copy was made.".into()
            }
            AlertKind::InternalDeletionFailed => "Old backups inside the system could not be deleted.".into(),
            AlertKind::CertificateExpiring => {
                "The certificate that encrypts the backups has expired or is about to.".into()
            }
        };
        for (what, value) in [("During", &context.operation), ("Path", &context.path)] {
            if let Some(value) = value {
                let _ = write!(text, " {what}: {value}.");
            }
        }
        if let Some(first) = self.evidence().first() {
            let _ = write!(text, " Evidence: {first}.");
            if let Some(other) = first.other_kind().filter(|_| self.profile() == Profile::Refined) {
                let _ = write!(text, " It can also stand for {}.", other.code());
            }
        }
        capitalised(&text)
    }

    /// Returns what to do next, step by step.
    #[must_use]
    pub fn remedy(&self, context: &Context) -> Vec<String> {
        let mut steps = Vec::new();
        let retry = self.retry();
        if retry.could_lock_out {
            let account = context.account_name();
            steps.push(format!(
                "Stop all automatic attempts with {account} until its password is known to be right: each one counts towards its lock-out."
            ));
        }
        if let Some(probe) = self.probe() {
            steps.push(format!("To be sure of the cause, {}.", probe.text()));
        }
        let times = retry.attempts;
        let seconds = retry.delay.unwrap_or_default().as_secs();
        match retry.when {
            Retry::Soon => {
                steps.push(format!("Try again, up to {times} times, {seconds} s apart: it often passes."))
            }
            Retry::Later => steps.push(format!(
                "Try again after {} minutes, up to {times} times: the server or network may recover.",
                seconds / 60
            )),
            Retry::NewSession => steps.push(format!(
                "Drop every session to {} and try again over a new one, up to {times} times.",
                context.server_name()
            )),
            _ => {}
        }
        steps.extend(self.steps(context));
        steps.push("Then run a backup manually and check that it completes.".into());
        steps
    }

    /// Whether the domain or the server refuses NTLM, whoever logs on.
    fn is_ntlm_blocked(&self) -> bool {
        self.evidence().iter().any(|found| found.name().ends_with("_NTLM_BLOCKED"))
    }

    /// Whether it is about an object store: by what the store answered, or by the URL of the share.
    fn is_of_store(&self, context: &Context) -> bool {
        let is_url = context.share.as_ref().is_some_and(|share| share.contains("://"));
        is_url || self.evidence().first().is_some_and(|found| found.form == Form::Http)
    }

    fn steps(&self, context: &Context) -> Vec<String> {
        let of_store =
            self.is_of_store(context).then(|| store_remedy::steps(self.kind(), context.share_name()));
        of_store.flatten().unwrap_or_else(|| self.steps_of_server(context))
    }

    fn steps_of_server(&self, context: &Context) -> Vec<String> {
        let (share, account, server) = (context.share_name(), context.account_name(), context.server_name());
        match self.kind() {
            AlertKind::OutOfCapacity | AlertKind::AlmostFull => vec![
                format!("Compare the free space and quotas of {share} with the size of the last complete backup."),
                "Delete the oldest backup sets, whole folders at a time; never a file inside one.".into(),
                "Enlarge the share, or shorten how long backups are kept.".into(),
            ],
            AlertKind::Connectivity => vec![
                format!("Resolve {server} from this host and open TCP port 445 to it."),
                format!("See whether {server} is up and its SMB service runs, and ask for recent restarts and fail-overs."),
                "Ask the network team about routes, firewalls and name servers between the two.".into(),
            ],
            AlertKind::Path => vec![
                format!("Compare the configured path with {share} as the server lists it, letter by letter."),
                format!("See that the share exists on {server}, that its volume is on line and that no folder was renamed."),
                "Use the fully qualified name of the server in the path.".into(),
            ],
            AlertKind::Authentication if self.is_ntlm_blocked() => vec![
                format!("Let the operating system of this host connect with Kerberos, and back up to the folder: on Linux a mount of {share} with sec=krb5, on Windows the path with the name of the server, not its address."),
                format!("Or have the administrators of the domain allow NTLM to {server} for {account}. The password is not the cause."),
            ],
            AlertKind::Authentication => vec![
                format!("See in the directory that {account} is not disabled, expired or locked out, and that its password has not expired."),
                format!("Log on to {share} by hand once with {account} and the password as it is stored."),
                format!("Give {account} change rights on the share and on its folder, both."),
                "Update the stored credentials where the password was changed.".into(),
            ],
            AlertKind::ShareNotWritable => vec![
                format!("Create and delete a file on {share} with {account}."),
                format!("Give {account} change rights on the share and on its folder, and see that the volume is not read-only."),
            ],
            AlertKind::ShareNotAccessible => vec![
                format!("Open {share} by hand with {account} from this host."),
                format!("Where that fails, check in this order: the name of {server}, TCP port 445, the share's name, the password, the rights."),
            ],
            AlertKind::UploadFailed | AlertKind::General => vec![
                "Read the evidence of this alert and the log of the host around its time.".into(),
                format!("See whether {server} reports faults of its disk or its SMB service at that time."),
                "Where nothing explains it, pass the evidence on to support.".into(),
            ],
            AlertKind::PartiallySucceeded => vec![
                "See which parts failed, and why, in the report of the backup.".into(),
                "Keep the last complete backup until a new one is complete.".into(),
            ],
            AlertKind::SkippedByConflict => vec![
                "See which operation runs or failed: an update, a rotation of secrets or the replacement of a part.".into(),
                "Bring it to its end; a failed rotation of secrets only with support.".into(),
            ],
            AlertKind::SchedulerDisabled => vec!["Switch automatic backups on again.".into()],
            AlertKind::NotConfigured => vec!["Configure the share, the account and the encryption certificate.".into()],
            AlertKind::DeletionFailed | AlertKind::InternalDeletionFailed => vec![
                format!("See that {account} has the right to delete: on the share, and Delete on its folder, subfolders and files."),
                "See which backups could not be deleted, and whether a program has their files open.".into(),
                "Delete them by hand where they lie on the share, the oldest first.".into(),
            ],
            AlertKind::KeyBasedEncryptionDeprecated => vec![
                "Make a certificate, keep its PFX and password in two safe places, and configure the CER.".into(),
            ],
            AlertKind::InternalBackupFailed => {
                vec!["Collect the logs and pass them on to support: the cause lies inside the system.".into()]
            }
            AlertKind::CertificateExpiring => vec![
                "Make a new certificate and configure its CER.".into(),
                "Keep the old PFX and password as long as a backup needs them.".into(),
            ],
        }
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}
