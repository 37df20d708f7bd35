//! Checks that are not about sets: root, configuration, layout, certificates, space.

use jiff::Timestamp;

use super::configuration::{Configuration, MeasuredSpace};
use super::findings::{Findings, Samples, shown};
use super::rules;
use super::scan::REGION;
use super::seen::Seen;
use super::sets::Totals;
use crate::envelope::EncryptionCertificate;
use crate::layout::{Component, Host, HostKind, UncPath};
use crate::share::{Share, Space, is_url};

/// Checks the root as it is written.
pub(super) fn root(configuration: &Configuration, findings: &mut Findings) {
    // What follows is of file servers.
    if is_url(&configuration.root) {
        return;
    }
    let deployment = &configuration.deployment;
    let root: UncPath = match configuration.root.parse() {
        Ok(root) => root,
        Err(e) => {
            return findings.add(
                "ROOT_NOT_UNC",
                ROOT,
                format!("{}: {}", shown(&configuration.root), shown(&e.to_string())),
            );
        }
    };
    let host = root.host();
    let seen = shown(&host.to_string());
    match host.kind() {
        HostKind::SingleLabel => findings.add("ROOT_HOST_NOT_FQDN", ROOT, &*seen),
        HostKind::Ipv4 | HostKind::Ipv6 => findings.add("ROOT_HOST_IS_ADDRESS", ROOT, &*seen),
        _ => {}
    }
    if root.is_administrative() {
        findings.add("ROOT_IS_ADMINISTRATIVE", ROOT, shown(root.share()));
    }
    let name = host.to_string().to_ascii_lowercase();
    if CLOUD_STORAGE.iter().any(|end| name.ends_with(end)) {
        findings.add("ROOT_ON_CLOUD_STORAGE", ROOT, &*seen);
    }
    // A short name and the fully qualified one are the same machine; addresses must be equal.
    let is = |other: &String| {
        let Ok(other) = other.parse::<Host>() else { return false };
        let short = |host: &Host| match host.kind() {
            HostKind::Fqdn | HostKind::SingleLabel => {
                host.to_string().split('.').next().map(str::to_ascii_lowercase)
            }
            _ => None,
        };
        let one_is_short = [host, &other].iter().any(|host| host.kind() == HostKind::SingleLabel);
        host.same_host(&other) || (one_is_short && short(host).is_some() && short(host) == short(&other))
    };
    if configuration.hlh_hosts.iter().any(is) {
        findings.add("ROOT_ON_THE_HLH", ROOT, &*seen);
    } else if host.is_loopback() {
        findings.add("ROOT_ON_THE_HLH", ROOT, format!("{seen} is the host that backs up"));
    }
    let fqdn = deployment.fqdn();
    let is_below = name == fqdn || name.strip_suffix(&fqdn).is_some_and(|front| front.ends_with('.'));
    if is_below || configuration.stamp_hosts.iter().any(is) {
        findings.add("ROOT_ON_THE_STAMP", ROOT, &*seen);
    }
    let (domain, region) = (deployment.external_domain_name(), deployment.region());
    let ends_in = match root.folders().names() {
        [.., before, last] => last.same_name(domain) || (before.same_name(domain) && last.same_name(region)),
        [last] => last.same_name(domain),
        [] => false,
    };
    if ends_in {
        findings.add("ROOT_REPEATS_DEPLOYMENT", ROOT, shown(&root.to_string()));
    }
    let region = root.join(&deployment.region_folder());
    if region.len_utf16() > LONGEST_REGION_FOLDER {
        let length = region.len_utf16();
        findings.add(
            "ROOT_PATH_TOO_LONG",
            ROOT,
            format!("{length} characters, {LONGEST_REGION_FOLDER} at most"),
        );
    }
}

/// Checks for what the configuration should not contain, and for what it lacks.
pub(super) fn configuration(configuration: &Configuration, findings: &mut Findings) {
    let credentials: Samples = configuration.credentials.iter().collect();
    findings.add_all("CREDENTIALS_IN_CONFIGURATION", CONFIGURATION, "", &credentials);
    let unknown: Samples = configuration.unknown_fields.iter().collect();
    findings.add_all("CONFIGURATION_FIELD_UNKNOWN", CONFIGURATION, "", &unknown);
    for silence in &configuration.silence {
        let problem = match rules::find(&silence.rule) {
            None => "no such rule",
            Some(_) if silence.reason.trim().is_empty() => "no reason is given",
            Some(_) => continue,
        };
        let seen = format!("{}: {problem}", shown(&silence.rule));
        findings.add("SILENCE_NOT_EFFECTIVE", CONFIGURATION, seen);
    }
    let expected = configuration.expected();
    for known in Component::KNOWN {
        if !expected.iter().any(|settings| settings.name == known) {
            findings.add("COMPONENT_NOT_COVERED", known.as_str(), "not in the configuration");
        }
    }
}

/// Checks where things are.
pub(super) fn layout(configuration: &Configuration, seen: &Seen, findings: &mut Findings) {
    let folder = configuration.deployment.region_folder();
    match &seen.region {
        None if seen.instead.count > 0 => {
            findings.add("REGION_FOLDER_MISSING", SHARE, format!("no {folder}, but {}", seen.instead));
        }
        None => findings.add("REGION_FOLDER_MISSING", SHARE, format!("no {folder}")),
        Some(_) if !seen.has_mas_backup => {
            findings.add("MAS_BACKUP_MISSING", REGION, format!("no MASBackup in {folder}"));
        }
        Some(_) => {}
    }
    for (rule, about, of) in [
        ("FOLDER_LETTER_CASE", SHARE, &seen.letter_case),
        ("MAS_BACKUP_MISPLACED", SHARE, &seen.misplaced_mas_backup),
        ("MAS_BACKUP_LOOK_ALIKE", REGION, &seen.look_alikes),
        ("MAS_BACKUP_HAS_COMPONENT_DATA", REGION, &seen.component_data_in_mas_backup),
        ("MAS_BACKUP_HAS_FOREIGN_DATA", REGION, &seen.foreign_in_mas_backup),
        ("MAS_BACKUP_NOT_REVIEWED", REGION, &seen.mas_backup_unseen),
        ("COMPONENT_MISPLACED", SHARE, &seen.misplaced),
        ("PRIVATE_KEY_ON_SHARE", SHARE, &seen.private_keys),
        ("LINK_ON_SHARE", SHARE, &seen.links),
        ("NAME_NOT_FOR_WINDOWS", SHARE, &seen.strange),
        ("FOLDER_UNREADABLE", SHARE, &seen.unreadable),
    ] {
        findings.add_all(rule, about, "", of);
    }
    for (about, files) in &seen.unencrypted {
        let what = format!("{} files", files.count);
        findings.add_all("UNENCRYPTED_DATA", about, &what, files);
    }
    if seen.was_cut_short {
        findings.add("REVIEW_CUT_SHORT", SHARE, "the bounds of a review were reached");
    }
}

/// Checks the certificates that backups are sealed to.
pub(super) fn certificates(configuration: &Configuration, now: Timestamp, findings: &mut Findings) {
    if configuration.encryption_certificates.is_empty() {
        findings.add("ENCRYPTION_CERTIFICATE_NOT_GIVEN", CONFIGURATION, "encryption_certificates is empty");
    }
    let (mut post_quantum, mut others) = (0, Vec::new());
    for (at, cer) in configuration.encryption_certificates.iter().enumerate().take(MOST_CERTIFICATES) {
        let certificate = match EncryptionCertificate::from_cer(cer.as_bytes()) {
            Ok(certificate) => certificate,
            Err(e) => {
                let seen = format!("encryption_certificates[{at}]: {}", shown(&e.to_string()));
                findings.add("ENCRYPTION_CERTIFICATE_UNSUITABLE", CONFIGURATION, seen);
                continue;
            }
        };
        let facts = certificate.facts();
        let name = format!("{} ({})", facts.sha1_thumbprint, shown(&facts.subject));
        match facts.key.is_post_quantum() {
            true => post_quantum += 1,
            false => others.push(format!("{name} has a key of {}", facts.key.algorithm)),
        }
        if let Err(e) = certificate.check_validity(now) {
            findings.add("ENCRYPTION_CERTIFICATE_NOT_VALID", CONFIGURATION, shown(&e.to_string()));
        } else if facts.not_after.as_second() - now.as_second() < EXPIRES_SOON {
            let seen = format!("{name} expires at {}", facts.not_after);
            findings.add("ENCRYPTION_CERTIFICATE_EXPIRES_SOON", CONFIGURATION, seen);
        }
        let thumbprints = [&facts.sha1_thumbprint, &facts.sha256_thumbprint];
        let known = &configuration.decryption_certificates;
        if !known.iter().any(|known| thumbprints.contains(&&known.thumbprint)) {
            findings.add("DECRYPTION_CERTIFICATE_NOT_ON_RECORD", CONFIGURATION, name);
        }
    }
    if post_quantum > 0 {
        others.into_iter().for_each(|seen| {
            findings.add("ENCRYPTION_CERTIFICATE_NOT_POST_QUANTUM", CONFIGURATION, seen);
        });
    }
}

/// Returns the room on the share, as it reports it, or else as the configuration gives it.
pub(super) fn space_of(
    configuration: &Configuration,
    share: &dyn Share,
    now: Timestamp,
) -> Option<MeasuredSpace> {
    let (total_bytes, free_bytes) = match share.space() {
        Ok(space) if space.total > 0 => (space.total, space.free.min(space.total)),
        _ => return configuration.space,
    };
    Some(MeasuredSpace { total_bytes, free_bytes, seen_at: Some(now) })
}

/// Checks whether there is room enough.
pub(super) fn space(space: Option<MeasuredSpace>, totals: &Totals, findings: &mut Findings) {
    let Some(space) = space else {
        return findings.add(
            "SHARE_SPACE_UNKNOWN",
            SHARE,
            "the share does not say, and no space in the configuration",
        );
    };
    let used = space.total_bytes.saturating_sub(space.free_bytes);
    if Space::new(space.total_bytes, space.free_bytes).is_almost_full() {
        let percent = u128::from(used) * 100 / u128::from(space.total_bytes.max(1));
        findings.add("SHARE_ALMOST_FULL", SHARE, format!("{percent} % are used"));
    }
    if totals.next_run > space.free_bytes {
        let (needed, free) = (super::table::bytes(totals.next_run), super::table::bytes(space.free_bytes));
        findings.add(
            "SHARE_WITHOUT_ROOM",
            SHARE,
            format!("the next run needs about {needed}, {free} are free"),
        );
    }
}

const ROOT: &str = "root";
const CONFIGURATION: &str = "configuration";
const SHARE: &str = "share";
/// 259, less the 160 that Azure Stack Hub needs.
const LONGEST_REGION_FOLDER: usize = 99;
const EXPIRES_SOON: i64 = 30 * 86_400;
const MOST_CERTIFICATES: usize = 64;
/// Hosts of Azure Files, in each Azure cloud.
const CLOUD_STORAGE: [&str; 4] = [
    ".file.core.windows.net",
    ".file.core.chinacloudapi.cn",
    ".file.core.cloudapi.de",
    ".file.core.usgovcloudapi.net",
];
