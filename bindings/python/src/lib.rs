//! The native half of the Python package `azs_backup`: converts, calls the core, converts back.
//!
//! Every call that reads, writes, encrypts or derives a key lets Python's other threads run meanwhile. The core's
//! plain data becomes a value of `azs_backup.values`; what holds a key, a connection or work is a class here.

#![deny(unsafe_code, clippy::undocumented_unsafe_blocks)]

mod alert;
mod argument;
mod backup;
mod certificate;
mod copies;
mod detached;
mod envelope;
mod error;
mod events;
mod layout;
mod list;
mod mas_backup;
mod memory;
mod options;
mod package;
mod program;
mod progress;
mod retention;
mod review;
mod schedule;
mod set;
mod share;
mod signature;
mod stream;
mod survey;
mod turns;
mod value;

#[pyo3::pymodule]
mod _native {
    #[pymodule_export]
    use super::alert::{
        Alert, Classification, TextClassifier, alert_kind_facts, alert_kind_of_fault_type,
        alert_kind_of_title, alert_kinds, classify_errno, classify_error, classify_hresult, classify_json,
        classify_kind, classify_ntstatus, classify_text, classify_win32,
    };
    #[pymodule_export]
    use super::backup::Backup;
    #[pymodule_export]
    use super::certificate::{DecryptionCertificate, EncryptionCertificate};
    #[pymodule_export]
    use super::copies::{copy_set, list_deployments, replicate};
    #[pymodule_export]
    use super::envelope::{Opener, Sealer, recipients_of};
    #[pymodule_export]
    use super::error::{Failure, error_kinds};
    #[pymodule_export]
    use super::layout::{
        Component, Deployment, Host, Name, Place, ScaleUnit, SetName, SharePath, UncPath, is_mas_backup,
    };
    #[pymodule_export]
    use super::list::{SetSummary, list_sets};
    #[pymodule_export]
    use super::mas_backup::MasBackup;
    #[pymodule_export]
    use super::progress::Progress;
    #[pymodule_export]
    use super::retention::{RetentionPlan, RetentionPolicy};
    #[pymodule_export]
    use super::review::{Review, review, rules};
    #[pymodule_export]
    use super::schedule::{
        Decision, Gate, Hold, JobLog, NextRun, Schedule, backup_warnings, job_end, job_skipped, job_start,
        parse_operations,
    };
    #[pymodule_export]
    use super::set::{BackupSet, EntryIterator};
    #[pymodule_export]
    use super::share::{CheckReport, FolderShare, Share, SmbShare, check_share, check_smb_share, open_share};
    #[pymodule_export]
    use super::signature::{Signer, SignerCertificate};
    #[pymodule_export]
    use super::survey::{Survey, survey};
    #[pymodule_export]
    use super::value::normal;

    #[pymodule_export]
    use super::program::run_program;

    /// The version of the library.
    #[pymodule_export]
    const VERSION: &str = azs_backup::VERSION;
}
