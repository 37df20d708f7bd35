//! Azure Stack Hub's own backups, as a review sees them: what its reader found, put into rules, and a calendar beside ours.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::ages::{HOUR, is_stale};
use super::configuration::Configuration;
use super::findings::{Findings, Samples, ago};
use super::seen::Seen;
use super::sets::Day;
use crate::envelope::EncryptionCertificate;
use crate::error::{Result, Scope};
use crate::layout::SharePath;
use crate::mas_backup::{
    Catalog, Finding, FindingKind, Keys, MasBackup, MicrosoftBackup, Readiness, SnapshotState,
};
use crate::share::Share;

/// The state of Azure Stack Hub's own backups in one `MASBackup`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TheirBackups {
    /// The folder.
    pub folder: String,
    /// Number of backups that lie there.
    pub backups: usize,
    /// Number of them that are ready for recovery by the rules known.
    pub ready: usize,
    /// When the last one of those was made.
    pub last_ready: Option<Timestamp>,
    /// Bytes of all data files.
    pub bytes: u64,
    /// The worst state of the snapshots of the last one that is ready, if their PFX was shown: `verified`, `damaged`…
    pub drill: Option<String>,
    /// The last 30 days, oldest first: backups that are ready count as complete, those of which that cannot be told as in
    /// part, all others as incomplete.
    pub days: Vec<Day>,
}

/// Reviews each `MASBackup` that the scan found; with keys, opens what the newest backup needs.
pub(super) fn review(
    configuration: &Configuration,
    share: &Arc<dyn Share>,
    seen: &mut Seen,
    keys: &Keys,
    now: Timestamp,
    findings: &mut Findings,
) -> Result<Vec<TheirBackups>> {
    let mut all = Vec::new();
    for (above, _) in seen.mas_backups.clone() {
        let theirs = match MasBackup::open(share.clone(), &above) {
            Ok(theirs) => theirs,
            Err(e) if e.scope() == Scope::Share => return Err(e),
            // That it cannot be listed has a finding.
            Err(_) => continue,
        };
        let catalog = match theirs.list().run(now) {
            Ok(catalog) => catalog,
            Err(e) if e.scope() == Scope::Share => return Err(e),
            Err(_) => continue,
        };
        // Nothing was backed up there yet, or nothing of it can be read.
        if catalog.backups.is_empty() {
            let is_damaged = |of: &Finding| rule_of(of.code) == Some(DAMAGED);
            if catalog.findings.iter().any(is_damaged) {
                groups(&catalog.findings, &about(&above), findings);
            }
            continue;
        }
        all.push(of_folder(configuration, &theirs, &above, &catalog, keys, now, findings)?);
    }
    Ok(all)
}

/// What findings of a `MASBackup` are about.
fn about(above: &SharePath) -> String {
    match above.is_root() {
        true => "MASBackup".to_owned(),
        false => format!("{above}/MASBackup"),
    }
}

fn of_folder(
    configuration: &Configuration,
    theirs: &MasBackup,
    above: &SharePath,
    catalog: &Catalog,
    keys: &Keys,
    now: Timestamp,
    findings: &mut Findings,
) -> Result<TheirBackups> {
    let about = about(above);
    let is_real = |backup: &&MicrosoftBackup| backup.created.is_some_and(|at| at <= now + 5.minutes());
    let ready =
        || catalog.backups.iter().filter(is_real).filter(|backup| backup.readiness == Readiness::Ready);
    let last_ready = ready().next();
    age(configuration, last_ready, catalog, now, &about, findings);
    groups(&catalog.findings, &about, findings);
    certificates(configuration, catalog, keys, now, &about, findings);
    leftovers(catalog, now, &about, findings);
    let drill = match last_ready.filter(|_| !keys.is_empty()) {
        None => None,
        Some(backup) => {
            let report = theirs.verify().keys(keys).backup(&backup.id).run(now)?;
            // What is damaged has its rule; whoever lost the PFX must do something else.
            if matches!(report.state, SnapshotState::NotOpened | SnapshotState::Unreadable) {
                let weakest = report.backups.iter().flat_map(|check| &check.weakest);
                let of: Samples = weakest.map(|(path, state)| format!("{path} is {state}")).collect();
                findings.add_all("MAS_BACKUP_DRILL_FAILED", &about, &backup.id, &of);
            }
            groups(&report.findings, &about, findings);
            Some(report.state.to_string())
        }
    };
    let snapshots = catalog.stores.iter().flat_map(|store| &store.repositories).flat_map(|of| &of.snapshots);
    Ok(TheirBackups {
        folder: about,
        backups: catalog.backups.len(),
        ready: ready().count(),
        last_ready: last_ready.and_then(|backup| backup.created),
        bytes: snapshots.map(|snapshot| snapshot.stored_bytes).sum(),
        drill,
        days: days(catalog, now),
    })
}

/// Whether the newest backup that is ready is recent enough.
fn age(
    configuration: &Configuration,
    last_ready: Option<&MicrosoftBackup>,
    catalog: &Catalog,
    now: Timestamp,
    about: &str,
    findings: &mut Findings,
) {
    let Some(last) = last_ready.and_then(|backup| backup.created) else {
        let newest = catalog.backups.first();
        let why = newest.and_then(|backup| backup.reasons.first()).map_or("", |reason| reason);
        let seen = format!("none of {} is ready; of the newest: {why}", catalog.backups.len());
        return findings.add("MAS_BACKUP_NOT_READY", about, seen);
    };
    let every = i64::from(configuration.frequency_hours.unwrap_or(12)) * HOUR;
    let age = now.as_second() - last.as_second();
    if is_stale(age, every) {
        findings.add("MAS_BACKUP_STALE", about, format!("the last that is ready: {last:.0}, {}", ago(age)));
    }
}

/// Puts what the reader found into the rules of a review.
fn groups(found: &[Finding], about: &str, findings: &mut Findings) {
    let mut of_rule: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for finding in found {
        if let Some(rule) = rule_of(finding.code) {
            of_rule.entry(rule).or_default().insert(format!("{} {}", finding.code, finding.path));
        }
    }
    for (rule, seen) in of_rule {
        findings.add_all(rule, about, "", &seen.into_iter().collect());
    }
}

/// The rule that a finding breaks; `None` if the scan by names reports it, or another check here.
fn rule_of(code: FindingKind) -> Option<&'static str> {
    use FindingKind as Kind;

    Some(match code {
        Kind::BackupDiffers
        | Kind::ChainBranches
        | Kind::ChainFullMissing
        | Kind::ChainLinkDiffers
        | Kind::ChainLinkMissing
        | Kind::ChainLinkOrphaned
        | Kind::ChainLoops
        | Kind::ChainTooLong
        | Kind::RepositoryMissing
        | Kind::SnapshotNotSucceeded
        | Kind::ThumbprintLetterCase => "MAS_BACKUP_CHAIN_BROKEN",
        Kind::BackupIdEmpty
        | Kind::ContentEnvelopeDamaged
        | Kind::DataLengthWrong
        | Kind::DataMissing
        | Kind::HeaderEmpty
        | Kind::HeaderWrong
        | Kind::KeyDoesNotOpen
        | Kind::KeyTooShort
        | Kind::MetadataMissing
        | Kind::MetadataRefused
        | Kind::MetadataUnreadable
        | Kind::PaddingWrong
        | Kind::TagMismatch
        | Kind::ZipChecksumWrong
        | Kind::ZipDamaged
        | Kind::ZipDuplicate
        | Kind::ZipHeadersDisagree
        | Kind::ZipLink
        | Kind::ZipNameUnsafe
        | Kind::ZipSizeWrong
        | Kind::ZipTooLarge
        | Kind::ZipUnsupported => DAMAGED,
        Kind::PlaintextLeft => "MAS_BACKUP_HAS_PLAINTEXT",
        Kind::PrivateKey
        | Kind::ForeignFile
        | Kind::ForeignFolder
        | Kind::Link
        | Kind::FolderLetterCase
        | Kind::CertificateNotShown
        | Kind::CertificateRotated
        | Kind::HiddenByRecoveryPoint
        | Kind::InProgress => return None,
        _ => "MAS_BACKUP_DIFFERS",
    })
}

/// Whether the PFX files that the snapshots need are on record or shown, and how long the newest one's is still valid.
fn certificates(
    configuration: &Configuration,
    catalog: &Catalog,
    keys: &Keys,
    now: Timestamp,
    about: &str,
    findings: &mut Findings,
) {
    let shown = keys.thumbprints();
    let given = configuration.encryption_certificates.iter();
    let given: Vec<_> =
        given.filter_map(|cer| EncryptionCertificate::from_cer(cer.as_bytes()).ok()).collect();
    // A record may name a certificate by its other digest.
    let other = |thumbprint: &str| {
        let facts = given.iter().map(EncryptionCertificate::facts);
        facts.into_iter().find(|facts| facts.sha1_thumbprint.eq_ignore_ascii_case(thumbprint))
    };
    let is_known = |thumbprint: &str| {
        let sha256 = other(thumbprint).map(|facts| &*facts.sha256_thumbprint);
        configuration.decryption_certificates.iter().any(|known| {
            known.thumbprint.eq_ignore_ascii_case(thumbprint) || sha256 == Some(&*known.thumbprint)
        }) || shown.iter().any(|of| of.eq_ignore_ascii_case(thumbprint))
    };
    let unknown = catalog.certificates.iter().filter(|of| !is_known(&of.thumbprint));
    let unknown: Samples =
        unknown.map(|of| format!("{} ({} snapshots)", of.thumbprint, of.snapshots)).collect();
    findings.add_all("MAS_BACKUP_PFX_NOT_ON_RECORD", about, "", &unknown);
    let newest = catalog.certificates.first();
    if let Some(facts) = newest.and_then(|newest| other(&newest.thumbprint))
        && facts.not_after.as_second() - now.as_second() < EXPIRES_SOON
    {
        let seen = format!("{} expires at {}", facts.sha1_thumbprint, facts.not_after);
        findings.add("MAS_BACKUP_CERTIFICATE_EXPIRES_SOON", about, seen);
    }
}

/// Whether backups lie there that the longest retention should have removed.
fn leftovers(catalog: &Catalog, now: Timestamp, about: &str, findings: &mut Findings) {
    let limit = now.as_second() - LONGEST_RETENTION;
    let is_old = |backup: &&MicrosoftBackup| backup.created.is_some_and(|at| at.as_second() < limit);
    // The last one that is ready stays, however old.
    let last = catalog.backups.iter().position(|backup| backup.readiness == Readiness::Ready);
    let old = catalog.backups.iter().enumerate().filter(|(at, backup)| Some(*at) != last && is_old(backup));
    let old: Samples =
        old.map(|(_, backup)| format!("{} of {:.0}", backup.id, backup.created.unwrap_or(now))).collect();
    findings.add_all("MAS_BACKUP_NOT_REMOVED", about, "", &old);
}

fn days(catalog: &Catalog, now: Timestamp) -> Vec<Day> {
    let date = |second: i64| {
        let at = Timestamp::from_second(second).unwrap_or(now);
        at.to_string().chars().take(10).collect::<String>()
    };
    let mut days: Vec<Day> = (0..DAYS)
        .rev()
        .map(|ago| Day {
            date: date(now.as_second() - ago * 24 * HOUR),
            complete: 0,
            partial: 0,
            incomplete: 0,
        })
        .collect();
    for backup in &catalog.backups {
        let Some(created) = backup.created.map(|at| date(at.as_second())) else { continue };
        if let Some(day) = days.iter_mut().find(|day| day.date == created) {
            match backup.readiness {
                Readiness::Ready => day.complete += 1,
                Readiness::Unknown => day.partial += 1,
                Readiness::NotReady => day.incomplete += 1,
            }
        }
    }
    days
}

const DAMAGED: &str = "MAS_BACKUP_SNAPSHOT_DAMAGED";
const DAYS: i64 = 30;
const EXPIRES_SOON: i64 = 30 * 24 * HOUR;
/// Azure Stack Hub keeps backups for 14 days at most; the job that removes them runs each hour.
const LONGEST_RETENTION: i64 = 15 * 24 * HOUR;
