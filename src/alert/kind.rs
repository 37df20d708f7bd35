//! The kinds of alert: the five that the documentation names, and more that systems show.

use std::fmt;

/// The five alerts of the best practices of the Infrastructure Backup Service.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum DocumentedKind {
    /// "Backup failed because the file share is out of capacity."
    OutOfCapacity,
    /// "Backup failed due to connectivity problems."
    Connectivity,
    /// "Backup failed due to a fault in the path."
    Path,
    /// "Backup failed due to authentication issue."
    Authentication,
    /// "Backup failed due to a general fault."
    General,
}

impl DocumentedKind {
    /// All five, in the order of the documentation.
    pub const ALL: [Self; 5] =
        [Self::OutOfCapacity, Self::Connectivity, Self::Path, Self::Authentication, Self::General];

    /// Returns the same as an [`AlertKind`].
    #[must_use]
    pub const fn kind(self) -> AlertKind {
        match self {
            Self::OutOfCapacity => AlertKind::OutOfCapacity,
            Self::Connectivity => AlertKind::Connectivity,
            Self::Path => AlertKind::Path,
            Self::Authentication => AlertKind::Authentication,
            Self::General => AlertKind::General,
        }
    }

    /// Returns the stable code, in capitals: `OUT_OF_CAPACITY`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.kind().code()
    }
}

impl fmt::Display for DocumentedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// How serious an alert is, in the words of the admin API.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Severity {
    /// `Warning`.
    Warning,
    /// `Critical`.
    Critical,
}

impl Severity {
    /// Returns the word that the admin API uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "Warning",
            Self::Critical => "Critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! alert_kinds {
    ($($(#[$doc:meta])+ $name:ident $code:literal $documented:ident $severity:ident $fault_type:literal $title:literal
        [$($seen:literal),*],)+) => {
        /// What an alert is about.
        ///
        /// [`code`](Self::code) never changes its meaning; new kinds may be added.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum AlertKind { $($(#[$doc])+ $name,)+ }

        impl AlertKind {
            /// Every kind: the documented five first.
            pub const ALL: &'static [AlertKind] = &[$(AlertKind::$name,)+];

            /// Returns the stable code, in capitals: `SHARE_NOT_WRITABLE`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// Returns which of the documented five it belongs to.
            #[must_use]
            pub const fn documented(self) -> DocumentedKind {
                match self { $(Self::$name => DocumentedKind::$documented,)+ }
            }

            /// Returns its severity.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)+ }
            }

            /// Returns its `faultTypeId` in Azure Stack Hub, the only thing that tells alerts apart, or one of ours
            /// that starts with `AzsBackup.` if Azure Stack Hub has none.
            #[must_use]
            pub const fn fault_type_id(self) -> &'static str {
                match self { $(Self::$name => $fault_type,)+ }
            }

            /// Returns the title: the documentation's for the documented five, else the one that systems show, else
            /// ours.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// Returns other titles under which running systems show it.
            #[must_use]
            pub const fn other_titles(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($seen),*],)+ }
            }
        }
    };
}

alert_kinds! {
    /// The share is full.
    OutOfCapacity "OUT_OF_CAPACITY" OutOfCapacity Critical
        "AzureStack.BackupController.BackupFailedShareOutOfCapacityFault"
        "Backup failed because the file share is out of capacity."
        ["Backup failed because file share is full"],
    /// The file server cannot be reached.
    Connectivity "CONNECTIVITY" Connectivity Critical
        "AzureStack.BackupController.BackupFailedShareConnectionFault"
        "Backup failed due to connectivity problems."
        ["Backup failed because of network connectivity issues"],
    /// The path to the share or in it is wrong.
    Path "PATH" Path Critical
        "AzureStack.BackupController.BackupFailedSharePathInvalidFault"
        "Backup failed due to a fault in the path."
        ["Backup failed because backup file share path is not valid"],
    /// The account may not use the share.
    Authentication "AUTHENTICATION" Authentication Critical
        "AzureStack.BackupController.BackupFailedShareAuthenticationFault"
        "Backup failed due to authentication issue."
        ["Backup failed because can't access backup share"],
    /// Anything else.
    General "GENERAL" General Critical
        "AzureStack.BackupController.BackupFailedGeneralFault"
        "Backup failed due to a general fault."
        ["Backup failed because of an unknown error"],
    /// The share can be reached but not written.
    ShareNotWritable "SHARE_NOT_WRITABLE" General Critical
        "AzureStack.BackupController.BackupFailedShareReadWriteFault"
        "Cannot write to the backup file share" [],
    /// The share cannot be reached: account, permissions or network.
    ShareNotAccessible "SHARE_NOT_ACCESSIBLE" General Critical
        "AzureStack.BackupController.BackupFailedShareNotAccessibleGeneralFault"
        "Backup file share is not accessible" [],
    /// Copying to the share failed.
    UploadFailed "UPLOAD_FAILED" General Critical
        "AzureStack.BackupController.BackupFailedShareUploadDataFault"
        "Backup failed during file copy to external share" [],
    /// A part of the backup failed.
    PartiallySucceeded "PARTIALLY_SUCCEEDED" General Warning
        "AzureStack.BackupController.BackupPartialSucceededFault"
        "Backup partially succeeded" [],
    /// The scheduled backup did not start because another operation is running or has failed.
    SkippedByConflict "SKIPPED_BY_CONFLICT" General Warning
        "AzureStack.BackupController.BackupSkippedWithFailedOperationFault"
        "The scheduled backup was skipped due to a conflict with failed operations." [],
    /// Automatic backups are switched off.
    SchedulerDisabled "SCHEDULER_DISABLED" General Warning
        "AzureStack.BackupController.BackupSchedulerPausedFault"
        "Automatic backups are disabled." [],
    /// No share is configured.
    NotConfigured "NOT_CONFIGURED" Path Warning
        "AzureStack.BackupController.BackupShareNotConfiguredFault"
        "Backup file share is not configured" [],
    /// The share is almost full.
    AlmostFull "ALMOST_FULL" OutOfCapacity Warning
        "AzureStack.BackupController.ExternalShareAlmostFullFault"
        "Backup file share is almost full" [],
    /// Old backups could not be deleted.
    DeletionFailed "DELETION_FAILED" General Warning
        "AzureStack.BackupController.BackupDeletionFailedFault"
        "Old backups could not be deleted" [],
    /// Backups are still encrypted with a symmetric key.
    KeyBasedEncryptionDeprecated "KEY_BASED_ENCRYPTION_DEPRECATED" General Warning
        "AzureStack.BackupController.KeyBasedEncryptionDeprecatedFault"
        "Key-based encryption of backups is deprecated" [],
    /// The backup inside the system, before any copy to the share, failed.
    InternalBackupFailed "INTERNAL_BACKUP_FAILED" General Critical
        "AzureStack.BackupController.InternalBackupFailedGeneralFault"
        "Internal backup failed" [],
    /// Old backups inside the system could not be deleted.
    InternalDeletionFailed "INTERNAL_DELETION_FAILED" General Warning
        "AzureStack.BackupController.InternalBackupDeletionFailedFault"
        "Old internal backups could not be deleted" [],
    /// The encryption certificate expires soon or has expired. Azure Stack Hub has the property names
    /// `CertExpirationInDays` and `CertExpirationDate` but no fault type for it.
    CertificateExpiring "CERTIFICATE_EXPIRING" General Warning
        "AzsBackup.CertificateExpiringFault"
        "The encryption certificate of the backups expires" [],
}

impl AlertKind {
    /// Returns the kind of a `faultTypeId`, in any letter case; `None` if it is unknown.
    ///
    /// ```
    /// use azs_backup::alert::AlertKind;
    ///
    /// let id = "AzureStack.BackupController.BackupSchedulerPausedFault";
    /// assert_eq!(AlertKind::from_fault_type_id(id), Some(AlertKind::SchedulerDisabled));
    /// ```
    #[must_use]
    pub fn from_fault_type_id(id: &str) -> Option<Self> {
        let id = id.trim();
        Self::ALL.iter().copied().find(|kind| {
            let known = kind.fault_type_id();
            // Logs also have the name alone.
            let name = known.rsplit('.').next().unwrap_or(known);
            known.eq_ignore_ascii_case(id) || name.eq_ignore_ascii_case(id)
        })
    }

    /// Returns the kind of a title, documented or seen on a system, ignoring full stop and letter case. Use it as a
    /// last resort, since titles change between versions.
    #[must_use]
    pub fn from_title(title: &str) -> Option<Self> {
        let bare = |text: &str| text.trim().trim_end_matches('.').to_ascii_lowercase();
        let title = bare(title.get(..200).unwrap_or(title));
        Self::ALL.iter().copied().find(|kind| {
            bare(kind.title()) == title || kind.other_titles().iter().any(|other| bare(other) == title)
        })
    }

    /// Returns the kind with that [`code`](Self::code), in any letter case.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code().eq_ignore_ascii_case(code))
    }
}

impl fmt::Display for AlertKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
