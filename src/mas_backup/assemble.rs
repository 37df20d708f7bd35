//! From what was found to a catalogue: chains, backups, what a recovery needs, what a prune would remove.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::agree::{differ, differences, disagree};
use super::catalog::{
    BackupRepository, Catalog, MicrosoftBackup, NeededCertificate, Readiness, Repository, Snapshot, Store,
};
use super::chain::{SUCCEEDED, arrange};
use super::finding::{Finding, FindingKind};
use super::name::same;
use super::registrations::Registration;
use super::scan::{Info, Scanned, ScannedStore};

/// Makes the catalogue of what was found in `folder`.
pub(super) fn assemble(mut scanned: Scanned, folder: String, now: Timestamp) -> Catalog {
    let mut backups = Vec::new();
    let mut stores = Vec::new();
    let mut prunable: BTreeSet<String> = std::mem::take(&mut scanned.unrecognised).into_iter().collect();
    for found in std::mem::take(&mut scanned.stores) {
        let store = put_in_chains(&found, Some(&found.name), &mut scanned);
        for repository in &store.repositories {
            let kept: BTreeSet<usize> = repository.chains.iter().flatten().copied().collect();
            let left = (0..repository.snapshots.len()).filter(|at| !kept.contains(at));
            for snapshot in left.map(|at| &repository.snapshots[at]) {
                let name = snapshot.path.rsplit_once('/').map_or("", |(folder, _)| folder);
                prunable.insert(snapshot.data_path());
                prunable.insert(format!("{name}/{}", snapshot.metadata_name));
            }
        }
        backups.extend(backups_of(&found, &store, &mut scanned));
        stores.push(store);
    }
    let mut legacy_snapshots = Vec::new();
    for found in std::mem::take(&mut scanned.legacy) {
        let store = put_in_chains(&found, None, &mut scanned);
        backups.extend(legacy_backup(&found, &store, &mut scanned));
        legacy_snapshots.push(store);
    }
    stores.extend(legacy_snapshots);
    for backup in &mut backups {
        let created = backup.created;
        backup.is_hidden =
            scanned.recovery_point.is_some_and(|point| created.is_some_and(|created| created < point));
        if backup.is_hidden {
            let seen = "it is older than the recovery point; its files still lie there";
            let finding = Finding::new(FindingKind::HiddenByRecoveryPoint, &backup.store, seen);
            scanned.findings.add(finding.of_backup(&backup.id));
        }
    }
    backups.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.id.cmp(&b.id)));
    let certificates = certificates(&stores);
    if let [newest, older @ ..] = &*certificates
        && !older.is_empty()
    {
        let older: Vec<_> = older.iter().map(|certificate| &*certificate.thumbprint).collect();
        let seen = format!("the newest need {}, older ones {}", newest.thumbprint, older.join(", "));
        scanned.findings.add(Finding::new(FindingKind::CertificateRotated, "", seen));
    }
    Catalog {
        folder,
        now,
        recovery_point: scanned.recovery_point,
        stores,
        backups,
        certificates,
        findings: scanned.findings.sorted(),
        prunable: prunable.into_iter().collect(),
    }
}

fn put_in_chains(found: &ScannedStore, name: Option<&str>, scanned: &mut Scanned) -> Store {
    let mut repositories = Vec::new();
    for (repository, snapshots) in &found.repositories {
        let mut snapshots = snapshots.clone();
        snapshots.sort_by(|a, b| (a.created, &a.path).cmp(&(b.created, &b.path)));
        let (chains, findings) = arrange(name, &snapshots);
        scanned.findings.extend(findings);
        if let Some(list) = &found.registrations
            && !list.iter().any(|registration| matches(&registration.repository, repository))
        {
            let path = format!("{}/{repository}", found.path);
            let seen = "registrations.json does not name this repository";
            scanned.findings.add(Finding::new(FindingKind::RepositoryNotRegistered, path, seen));
        }
        repositories.push(Repository { name: repository.clone(), snapshots, chains });
    }
    let name = if name.is_some() { found.name.clone() } else { found.path.clone() };
    Store { name, registrations: found.registrations.clone(), repositories }
}

/// Whether a repository's name is the registered one: a dash there stands for anything.
fn matches(registered: &str, name: &str) -> bool {
    let parts = registered.split(';').zip(name.split(';'));
    registered.split(';').count() == name.split(';').count()
        && parts.into_iter().all(|(registered, part)| registered == "-" || same(registered, part))
}

fn backups_of(found: &ScannedStore, store: &Store, scanned: &mut Scanned) -> Vec<MicrosoftBackup> {
    let mut ids: BTreeSet<String> = found.infos.iter().map(|info| info.metadata.backup_id.clone()).collect();
    let all = store.repositories.iter().flat_map(|repository| &repository.snapshots);
    ids.extend(all.filter(|snapshot| snapshot.is_contemporaneous).map(|snapshot| snapshot.backup_id.clone()));
    ids.into_iter().map(|id| backup_of(&id, found, store, scanned)).collect()
}

fn backup_of(id: &str, found: &ScannedStore, store: &Store, scanned: &mut Scanned) -> MicrosoftBackup {
    let info = found.infos.iter().find(|info| info.metadata.backup_id == id);
    let mut repositories = Vec::new();
    let mut used: Vec<&Snapshot> = Vec::new();
    let mut own: Vec<&Snapshot> = Vec::new();
    for repository in &store.repositories {
        let is_essential = essential(found.registrations.as_deref(), &repository.name);
        let is_own = |snapshot: &Snapshot| snapshot.is_contemporaneous && snapshot.backup_id == id;
        // The newest full one wins; the chain ends with the backup's own snapshot.
        let chain = repository.chains.iter().rev().find_map(|chain| {
            let end = chain.iter().position(|at| is_own(&repository.snapshots[*at]))?;
            Some(&chain[..=end])
        });
        let there: Vec<_> = repository.snapshots.iter().filter(|snapshot| is_own(snapshot)).collect();
        own.extend(&there);
        match chain {
            Some(chain) => {
                let chain: Vec<_> = chain.iter().map(|at| &repository.snapshots[*at]).collect();
                used.extend(&chain);
                // What was cut off or is not finished is as good as missing.
                let unfinished = chain.iter().filter(|snapshot| !snapshot.looks_whole);
                let missing: Vec<_> = unfinished.map(|snapshot| snapshot.data_path()).collect();
                repositories.push(BackupRepository {
                    name: repository.name.clone(),
                    is_complete: missing.is_empty(),
                    is_essential,
                    chain: chain.iter().map(|snapshot| snapshot.path.clone()).collect(),
                    missing,
                });
            }
            None => {
                let missing = match there.first() {
                    // It lies there, but what it follows does not, or does not count.
                    Some(snapshot) => missing_links(snapshot, repository, &found.path),
                    None => vec![format!("{}/{}/*_{id}_*.zip", found.path, repository.name)],
                };
                repositories.push(BackupRepository {
                    name: repository.name.clone(),
                    is_complete: false,
                    is_essential,
                    chain: there.iter().map(|snapshot| snapshot.path.clone()).collect(),
                    missing,
                });
            }
        }
    }
    for registration in found.registrations.iter().flatten() {
        if !repositories.iter().any(|repository| matches(&registration.repository, &repository.name)) {
            repositories.push(BackupRepository {
                name: registration.repository.clone(),
                is_complete: false,
                is_essential: Some(registration.is_essential),
                chain: Vec::new(),
                missing: vec![format!("{}/{}/*_{id}_*.zip", found.path, registration.repository)],
            });
        }
    }
    let (mut readiness, mut reasons) = readiness(found.registrations.is_some(), &repositories);
    let differences = differences(&own);
    if !differences.is_empty() {
        readiness = Readiness::NotReady;
        reasons
            .extend(differences.iter().map(|what| format!("its snapshots do not belong together: {what}")));
    }
    let latest = own.iter().filter_map(|snapshot| snapshot.created).max();
    let backup = MicrosoftBackup {
        id: id.to_owned(),
        store: store.name.clone(),
        created: latest.or_else(|| Some(info?.metadata.created?.at)),
        is_legacy: false,
        is_automatic: own.iter().any(|snapshot| snapshot.is_automatic)
            || info.is_some_and(|info| info.metadata.is_automatic),
        is_hidden: false,
        readiness,
        reasons,
        stated_status: info.map(|info| info.metadata.status.clone()),
        states_ready: info.and_then(|info| info.metadata.is_ready),
        thumbprints: thumbprints(&used),
        stored_bytes: used.iter().map(|snapshot| snapshot.stored_bytes).sum(),
        repositories,
    };
    report(&backup, info, &found.path, own.is_empty(), scanned);
    disagree(info, &own, scanned);
    differ(&backup.id, &found.path, differences, scanned);
    backup
}

/// Names what stands between a snapshot and the full one of its chain.
fn missing_links(snapshot: &Snapshot, repository: &Repository, store: &str) -> Vec<String> {
    let mut missing = Vec::new();
    let there = |id: &str| repository.snapshots.iter().find(|other| other.backup_id == id);
    let mut at = snapshot;
    let mut seen = BTreeSet::from([&*snapshot.backup_id]);
    while at.previous_id != super::metadata::NIL && seen.insert(&at.previous_id) {
        match there(&at.previous_id) {
            Some(previous) => at = previous,
            None => {
                missing.push(format!("{store}/{}/*_{}_*.zip", repository.name, at.previous_id));
                break;
            }
        }
    }
    if snapshot.full_id != super::metadata::NIL && there(&snapshot.full_id).is_none() {
        missing.push(format!("{store}/{}/*_{}_Full*.zip", repository.name, snapshot.full_id));
    }
    missing
}

fn essential(registrations: Option<&[Registration]>, name: &str) -> Option<bool> {
    let list = registrations?;
    list.iter().find(|registration| matches(&registration.repository, name)).map(|found| found.is_essential)
}

/// Azure Stack Hub's own rule: the repositories are known, at least one succeeded, and so did every essential one.
fn readiness(is_known: bool, repositories: &[BackupRepository]) -> (Readiness, Vec<String>) {
    if !repositories.iter().any(|repository| repository.is_complete) {
        return (Readiness::NotReady, vec!["no repository is complete".into()]);
    }
    if !is_known {
        let reason = "it is not known which repositories a recovery needs: registrations.json is missing or unreadable";
        return (Readiness::Unknown, vec![reason.into()]);
    }
    let lacking = repositories.iter().filter(|of| of.is_essential == Some(true) && !of.is_complete);
    let reasons: Vec<_> = lacking.map(|of| format!("{} is essential and not complete", of.name)).collect();
    if reasons.is_empty() { (Readiness::Ready, Vec::new()) } else { (Readiness::NotReady, reasons) }
}

/// Adds the findings about a backup as a whole.
fn report(backup: &MicrosoftBackup, info: Option<&Info>, store: &str, is_empty: bool, scanned: &mut Scanned) {
    let path = info.map_or(store, |info| &info.path);
    let mut find = |code, path: &str, seen: String| {
        scanned.findings.add(Finding::new(code, path, seen).of_backup(&backup.id));
    };
    let stated = backup.stated_status.as_deref();
    if is_empty {
        match stated {
            // Its files were deleted, and Azure Stack Hub deletes the summary with them.
            Some(SUCCEEDED | "PartialSucceeded") => {
                find(
                    FindingKind::BackupInfoDisagrees,
                    path,
                    "its summary says that it succeeded, but it has no snapshot".into(),
                );
            }
            status => {
                let status = status.unwrap_or("not stated");
                find(
                    FindingKind::BackupFailed,
                    path,
                    format!("its status is {status}, and it has no snapshot"),
                );
            }
        }
        return;
    }
    let lacking = |of: &&BackupRepository| !of.is_complete && of.is_essential != Some(false);
    for of in backup.repositories.iter().filter(lacking) {
        // Without the list nobody knows whether the repository belongs to this backup.
        if of.is_essential.is_none() && of.chain.is_empty() {
            continue;
        }
        let missing =
            if of.missing.is_empty() { "a snapshot that counts".into() } else { of.missing.join(", ") };
        let seen = format!("{} is not complete: it lacks {missing}", of.name);
        find(FindingKind::RepositoryMissing, &format!("{store}/{}", of.name), seen);
    }
    // What nobody needs for a recovery of the cloud is worth a word, too.
    for (name, status) in info.iter().flat_map(|info| &info.metadata.repositories) {
        let is_there = |of: &&BackupRepository| matches(name, &of.name) || matches(&of.name, name);
        let found = backup.repositories.iter().find(is_there);
        let is_said = found.is_some_and(|of| of.is_essential != Some(false) && !of.chain.is_empty());
        if status == SUCCEEDED && found.is_none_or(|of| !of.is_complete) && !is_said {
            let seen =
                format!("its summary says that {name} succeeded, but there is no whole snapshot of it");
            find(FindingKind::BackupInfoDisagrees, path, seen);
        }
    }
    if backup.states_ready == Some(true) && backup.readiness == Readiness::NotReady {
        let seen = "its summary says that it is ready for cloud recovery, but the files are not";
        find(FindingKind::BackupInfoDisagrees, path, seen.into());
    }
}

fn legacy_backup(found: &ScannedStore, store: &Store, scanned: &mut Scanned) -> Option<MicrosoftBackup> {
    let info = found.infos.first();
    let all: Vec<&Snapshot> =
        store.repositories.iter().flat_map(|repository| &repository.snapshots).collect();
    let id =
        info.map(|info| info.metadata.backup_id.clone()).or_else(|| Some(all.first()?.backup_id.clone()))?;
    let mut repositories: Vec<_> = store
        .repositories
        .iter()
        .map(|repository| BackupRepository {
            name: repository.name.clone(),
            is_complete: !repository.chains.is_empty()
                && repository.snapshots.iter().all(|snapshot| snapshot.looks_whole),
            is_essential: None,
            chain: repository.snapshots.iter().map(|snapshot| snapshot.path.clone()).collect(),
            missing: repository
                .snapshots
                .iter()
                .filter(|snapshot| !snapshot.looks_whole)
                .map(Snapshot::data_path)
                .collect(),
        })
        .collect();
    for (name, status) in info.iter().flat_map(|info| &info.metadata.repositories) {
        if status == SUCCEEDED && !repositories.iter().any(|repository| matches(name, &repository.name)) {
            let seen = format!("its summary says that {name} succeeded, but there is no snapshot of it");
            let finding = Finding::new(FindingKind::BackupInfoDisagrees, &found.path, seen);
            scanned.findings.add(finding.of_backup(&id));
            repositories.push(BackupRepository {
                name: name.clone(),
                is_complete: false,
                is_essential: None,
                chain: Vec::new(),
                missing: vec![format!("{}/{name}.zip", found.path)],
            });
        }
    }
    let (readiness, reasons) = match all.is_empty() {
        true => (Readiness::NotReady, vec!["it has no snapshot".to_owned()]),
        false => {
            let reason = "nothing on the share says which repositories a recovery from this layout needs";
            (Readiness::Unknown, vec![reason.to_owned()])
        }
    };
    let backup = MicrosoftBackup {
        id: id.clone(),
        store: store.name.clone(),
        created: all
            .iter()
            .filter_map(|snapshot| snapshot.created)
            .max()
            .or_else(|| Some(info?.metadata.created?.at)),
        is_legacy: true,
        is_automatic: info.is_some_and(|info| info.metadata.is_automatic),
        is_hidden: false,
        readiness,
        reasons,
        stated_status: info.map(|info| info.metadata.status.clone()),
        states_ready: info.and_then(|info| info.metadata.is_ready),
        thumbprints: thumbprints(&all),
        stored_bytes: all.iter().map(|snapshot| snapshot.stored_bytes).sum(),
        repositories,
    };
    differ(&id, &found.path, differences(&all), scanned);
    disagree(info, &all, scanned);
    // The folder has the id of its one backup.
    let folder = found.path.rsplit('/').next().unwrap_or_default();
    for snapshot in all.iter().filter(|snapshot| snapshot.backup_id != id || !same(folder, &id)) {
        let seen = format!("it belongs to the backup {}, not to {id} in {folder}", snapshot.backup_id);
        let finding = Finding::new(FindingKind::NameDisagrees, format!("{}.xml", snapshot.path), seen);
        scanned.findings.add(finding.of_backup(&id));
    }
    if all.is_empty() {
        let status = backup.stated_status.as_deref().unwrap_or("not stated");
        let seen = format!("its status is {status}, and it has no snapshot");
        scanned.findings.add(Finding::new(FindingKind::BackupFailed, &found.path, seen).of_backup(&id));
    }
    Some(backup)
}

fn thumbprints(of: &[&Snapshot]) -> Vec<String> {
    let all = of.iter().filter_map(|snapshot| snapshot.thumbprint.as_ref());
    all.map(|text| text.to_ascii_uppercase()).collect::<BTreeSet<_>>().into_iter().collect()
}

fn certificates(stores: &[Store]) -> Vec<NeededCertificate> {
    let mut all: BTreeMap<String, NeededCertificate> = BTreeMap::new();
    let snapshots = stores.iter().flat_map(|store| &store.repositories).flat_map(|of| &of.snapshots);
    for snapshot in snapshots {
        let Some(thumbprint) = snapshot.thumbprint.as_ref().map(|text| text.to_ascii_uppercase()) else {
            continue;
        };
        let entry = all.entry(thumbprint.clone()).or_insert(NeededCertificate {
            thumbprint,
            snapshots: 0,
            first: None,
            last: None,
        });
        entry.snapshots += 1;
        entry.first = [entry.first, snapshot.created].into_iter().flatten().min();
        entry.last = [entry.last, snapshot.created].into_iter().flatten().max();
    }
    let mut all: Vec<_> = all.into_values().collect();
    all.sort_by_key(|of| std::cmp::Reverse(of.last));
    all
}
