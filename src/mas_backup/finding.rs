//! What can be wrong with Microsoft's backups: one table, whose codes are the same in every language.

use serde::Serialize;

use crate::severity::Severity::{self, Critical, Notice, Warning};

/// Something in `MASBackup` that is not as it should be.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// What it is.
    pub code: FindingKind,
    /// How bad it is.
    pub severity: Severity,
    /// The file or folder, below `MASBackup`; a part of a snapshot's content follows after ` » `.
    pub path: String,
    /// The id of the backup that it concerns, if it concerns one.
    pub backup: Option<String>,
    /// What was seen, in one line that is safe to print.
    pub seen: String,
}

impl Finding {
    pub(super) fn new(code: FindingKind, path: impl Into<String>, seen: impl AsRef<str>) -> Self {
        Self { code, severity: code.severity(), path: path.into(), backup: None, seen: shown(seen.as_ref()) }
    }

    pub(super) fn of_backup(mut self, id: &str) -> Self {
        self.backup = Some(id.to_owned());
        self
    }
}

macro_rules! finding_kinds {
    ($($(#[$doc:meta])+ $name:ident => $code:literal, $severity:ident;)+) => {
        /// The conditions that a reader of `MASBackup` tells apart. Codes never change their meaning; new ones may be
        /// added.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum FindingKind { $($(#[$doc])+ $name,)+ }

        impl FindingKind {
            /// Every kind, in alphabetical order of the codes.
            pub const ALL: &'static [FindingKind] = &[$(FindingKind::$name,)+];

            /// Returns the stable code, in capitals: `DATA_MISSING`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(FindingKind::$name => $code,)+ }
            }

            /// Returns how bad it is.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(FindingKind::$name => $severity,)+ }
            }
        }
    };
}

finding_kinds! {
    /// The snapshots of one backup disagree in their deployment, stamp or OEM version: they do not belong together.
    BackupDiffers => "BACKUP_DIFFERS", Critical;
    /// A run of Azure Stack Hub's backup left no snapshot that can be used.
    BackupFailed => "BACKUP_FAILED", Warning;
    /// The metadata names no backup: its id is zero.
    BackupIdEmpty => "BACKUP_ID_EMPTY", Critical;
    /// The summary of a backup says otherwise than the files.
    BackupInfoDisagrees => "BACKUP_INFO_DISAGREES", Warning;
    /// The summary of a backup cannot be read.
    BackupInfoUnreadable => "BACKUP_INFO_UNREADABLE", Warning;
    /// Nobody has shown the PFX of this thumbprint.
    CertificateNotShown => "CERTIFICATE_NOT_SHOWN", Warning;
    /// Newer backups are encrypted to another certificate than older ones: keep both PFX files.
    CertificateRotated => "CERTIFICATE_ROTATED", Notice;
    /// Two progressive snapshots follow the same one. Azure Stack Hub accepts that; which is meant is not known.
    ChainBranches => "CHAIN_BRANCHES", Warning;
    /// A progressive snapshot names a full one that is not there, or does not count.
    ChainFullMissing => "CHAIN_FULL_MISSING", Critical;
    /// A progressive snapshot differs from its chain in stamp, OEM version, deployment or certificate: it is left out.
    ChainLinkDiffers => "CHAIN_LINK_DIFFERS", Critical;
    /// A progressive snapshot follows one that is not there.
    ChainLinkMissing => "CHAIN_LINK_MISSING", Critical;
    /// A progressive snapshot follows one that is left out of the chain.
    ChainLinkOrphaned => "CHAIN_LINK_ORPHANED", Critical;
    /// A progressive snapshot names itself as the one before it.
    ChainLoops => "CHAIN_LOOPS", Critical;
    /// A chain has more than ten snapshots, the default limit.
    ChainTooLong => "CHAIN_TOO_LONG", Warning;
    /// It changed while it was read.
    ChangedWhileRead => "CHANGED_WHILE_READ", Warning;
    /// The file inside that is encrypted once more is damaged.
    ContentEnvelopeDamaged => "CONTENT_ENVELOPE_DAMAGED", Critical;
    /// A snapshot does not hold what its repository is known to hold, or a file in it is empty.
    ContentUnexpected => "CONTENT_UNEXPECTED", Warning;
    /// The length of the data cannot be that of an encrypted file: it was cut off.
    DataLengthWrong => "DATA_LENGTH_WRONG", Critical;
    /// Metadata without its data.
    DataMissing => "DATA_MISSING", Critical;
    /// The data's size is not what the metadata says.
    DataSizeDiffers => "DATA_SIZE_DIFFERS", Warning;
    /// A file or folder cannot be read: nobody can tell what is in it.
    FileUnreadable => "FILE_UNREADABLE", Critical;
    /// `MASBackup` or `ProgressiveBackup` in another letter case than Azure Stack Hub's.
    FolderLetterCase => "FOLDER_LETTER_CASE", Notice;
    /// A file that Azure Stack Hub is not known to put there.
    ForeignFile => "FOREIGN_FILE", Warning;
    /// A folder that Azure Stack Hub is not known to put there.
    ForeignFolder => "FOREIGN_FOLDER", Warning;
    /// The data begins with zeros where its header belongs: the header is written last, so the write was interrupted.
    HeaderEmpty => "HEADER_EMPTY", Critical;
    /// The data does not begin with a header of the known form.
    HeaderWrong => "HEADER_WRONG", Critical;
    /// It is older than the recovery point, so Azure Stack Hub does not list it.
    HiddenByRecoveryPoint => "HIDDEN_BY_RECOVERY_POINT", Notice;
    /// It is probably still being written.
    InProgress => "IN_PROGRESS", Notice;
    /// The PFX of the right thumbprint does not open the data key.
    KeyDoesNotOpen => "KEY_DOES_NOT_OPEN", Critical;
    /// The metadata has no encrypted data key. Before version 1901 operators kept the key themselves.
    KeyMissing => "KEY_MISSING", Warning;
    /// The data key is shorter than 64 bytes.
    KeyTooShort => "KEY_TOO_SHORT", Critical;
    /// A link or device. It is not followed.
    Link => "LINK", Warning;
    /// The metadata can be read here, but .NET might refuse it or read it otherwise.
    MetadataDoubtful => "METADATA_DOUBTFUL", Warning;
    /// The metadata is in another encoding than UTF-8, in which Azure Stack Hub writes it.
    MetadataEncoding => "METADATA_ENCODING", Notice;
    /// Data without its metadata: no snapshot.
    MetadataMissing => "METADATA_MISSING", Critical;
    /// The metadata has a document type definition, which Azure Stack Hub refuses, too.
    MetadataRefused => "METADATA_REFUSED", Critical;
    /// The metadata cannot be read.
    MetadataUnreadable => "METADATA_UNREADABLE", Critical;
    /// The file name or folder says otherwise than the metadata, which is what counts.
    NameDisagrees => "NAME_DISAGREES", Warning;
    /// The file name is not of the known form.
    NameUnknown => "NAME_UNKNOWN", Warning;
    /// The decrypted data does not end as encrypted data must.
    PaddingWrong => "PADDING_WRONG", Critical;
    /// Plaintext that a restore by Azure Stack Hub left behind.
    PlaintextLeft => "PLAINTEXT_LEFT", Critical;
    /// A private key lies in `MASBackup`.
    PrivateKey => "PRIVATE_KEY", Critical;
    /// The recovery point cannot be read, and counts as absent.
    RecoveryPointUnreadable => "RECOVERY_POINT_UNREADABLE", Notice;
    /// There is no list of repositories in a store, so nobody can tell which of them a recovery needs.
    RegistrationsMissing => "REGISTRATIONS_MISSING", Warning;
    /// The list of repositories of a store cannot be read.
    RegistrationsUnreadable => "REGISTRATIONS_UNREADABLE", Warning;
    /// A backup lacks a repository that a recovery needs.
    RepositoryMissing => "REPOSITORY_MISSING", Critical;
    /// A repository that the store's list does not name.
    RepositoryNotRegistered => "REPOSITORY_NOT_REGISTERED", Notice;
    /// Two snapshots of one repository have the same id; the later one counts.
    SnapshotDuplicated => "SNAPSHOT_DUPLICATED", Warning;
    /// A snapshot whose status is not `Succeeded`: it counts as not there.
    SnapshotNotSucceeded => "SNAPSHOT_NOT_SUCCEEDED", Critical;
    /// A folder beside the stores whose name is no version. Its content is read as that of a store.
    StoreNameUnknown => "STORE_NAME_UNKNOWN", Warning;
    /// The tag does not match: the data is damaged, or belongs to another key.
    TagMismatch => "TAG_MISMATCH", Critical;
    /// The metadata does not say which certificate it needs; each PFX is tried.
    ThumbprintMissing => "THUMBPRINT_MISSING", Warning;
    /// The thumbprint is written in lower case. Azure Stack Hub compares it letter by letter, and leaves the link out.
    ThumbprintLetterCase => "THUMBPRINT_LETTER_CASE", Critical;
    /// It was made in the future.
    TimeInFuture => "TIME_IN_FUTURE", Warning;
    /// There is more than a reader looks at.
    TooMuch => "TOO_MUCH", Warning;
    /// A file in a snapshot does not have the checksum that the zip says.
    ZipChecksumWrong => "ZIP_CHECKSUM_WRONG", Critical;
    /// The zip ends early, or is not one.
    ZipDamaged => "ZIP_DAMAGED", Critical;
    /// Two files of a snapshot have the same name, letter case aside.
    ZipDuplicate => "ZIP_DUPLICATE", Critical;
    /// A file's own header says otherwise than the directory of the zip. Also shows a changed initialization vector.
    ZipHeadersDisagree => "ZIP_HEADERS_DISAGREE", Critical;
    /// A file in a snapshot is a link.
    ZipLink => "ZIP_LINK", Critical;
    /// A file in a snapshot has a name that leads out of its folder, or that Windows does not have.
    ZipNameUnsafe => "ZIP_NAME_UNSAFE", Critical;
    /// A file in a snapshot is not as long as the zip says.
    ZipSizeWrong => "ZIP_SIZE_WRONG", Critical;
    /// The zip expands to more than any backup does: reading stopped there.
    ZipTooLarge => "ZIP_TOO_LARGE", Critical;
    /// The zip uses what is not supported here: encryption, another compression.
    ZipUnsupported => "ZIP_UNSUPPORTED", Critical;
}

impl std::fmt::Display for FindingKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for FindingKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// The findings of one reading, of bounded number: a hostile share has any number of files.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings {
    all: Vec<Finding>,
    of_kind: std::collections::BTreeMap<FindingKind, usize>,
}

impl Findings {
    pub(super) fn add(&mut self, finding: Finding) {
        // Limited by kind, so that many of one kind hide none of another.
        let count = self.of_kind.entry(finding.code).or_default();
        *count += 1;
        if *count <= MOST {
            self.all.push(finding);
        } else if *count == MOST + 1 {
            let seen = format!("more than {MOST} times {}; the others are not listed", finding.code);
            self.all.push(Finding::new(FindingKind::TooMuch, "", seen));
        }
    }

    pub(super) fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        findings.into_iter().for_each(|finding| self.add(finding));
    }

    /// Returns them worst first.
    pub(super) fn sorted(mut self) -> Vec<Finding> {
        let order =
            |of: &Finding| (of.severity, of.code.code(), of.path.clone(), of.backup.clone(), of.seen.clone());
        self.all.sort_by_cached_key(order);
        // A verification finds again what the list has; two things about one file are two.
        self.all.dedup();
        self.all
    }
}

/// Makes foreign text fit for one line.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (at, c) in text.chars().enumerate() {
        if at == LONGEST {
            shown.push('…');
            break;
        }
        match c {
            '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' => shown.extend(c.escape_unicode()),
            _ if c.is_control() => shown.extend(c.escape_default()),
            _ => shown.push(c),
        }
    }
    shown
}

/// Most findings of one kind.
const MOST: usize = 1000;
const LONGEST: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_in_order_and_unique() {
        let codes: Vec<_> = FindingKind::ALL.iter().map(|kind| kind.code()).collect();
        let mut sorted = codes.clone();
        sorted.sort_unstable_by_key(|code| code.replace('_', " "));
        sorted.dedup();
        assert_eq!(codes.len(), sorted.len());
    }

    #[test]
    fn what_is_found_twice_is_said_once_and_nothing_else_is_hidden() {
        let mut findings = Findings::default();
        for seen in ["the deployment differs", "its repository is gone", "the deployment differs"] {
            findings.add(Finding::new(FindingKind::BackupInfoDisagrees, "a.xml", seen).of_backup("1"));
        }
        let seen: Vec<_> = findings.sorted().into_iter().map(|finding| finding.seen).collect();
        assert_eq!(seen, ["its repository is gone", "the deployment differs"]);
    }

    #[test]
    fn foreign_text_stays_on_one_line() {
        assert_eq!(shown("a\r\nb\u{202e}c\u{0}"), "a\\r\\nb\\u{202e}c\\u{0}");
        assert_eq!(shown(&"x".repeat(500)).chars().count(), LONGEST + 1);
    }
}
