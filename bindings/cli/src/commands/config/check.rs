//! `config check`

use azs_backup::{EncryptionCertificate, ErrorKind, Result};
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::SiteFile;
use crate::commands::nightly::check_reports;
use crate::ended::Ended;
use crate::output::{Output, invalid};
use crate::site::{Copy, Site};
use crate::{post_quantum, secret};

/// Read a configuration and its certificates, and say what a nightly run would do. It touches no share.
#[derive(Args)]
pub(super) struct Check {
    #[command(flatten)]
    site: SiteFile,
}

#[derive(Serialize)]
struct Checked {
    deployment: String,
    root: String,
    components: Vec<String>,
    thumbprints: Vec<String>,
    /// Whether all certificates are of ML-KEM.
    is_post_quantum: bool,
    #[serde(skip)]
    strength: Option<String>,
    deletes_old_sets: bool,
    copies: Vec<CheckedCopy>,
}

#[derive(Serialize)]
struct CheckedCopy {
    root: String,
    deletes_old_sets: bool,
}

impl Check {
    pub(super) fn run(self, output: &Output) -> Result<Ended> {
        let site = Site::read(&self.site.path())?;
        check_reports(site.report())?;
        site.check_shares()?;
        let signer = site.signer()?;
        let certificates = site.certificates()?;
        if certificates.is_empty() {
            return Err(invalid(format_args!("{}: certificates is empty", self.site.path().display())));
        }
        for (place, path) in site.missing_sources() {
            output.warn(format_args!("{place}: {} is not there on this host now", path.display()));
        }
        if site.report().review.is_some() && !site.is_reviewed() {
            output.warn("review of [report] is never written: there is no [review]");
        }
        let secret = site.report().webhook.as_ref().and_then(|webhook| webhook.secret_file.as_ref());
        if let Some(Err(error)) = secret.map(|file| secret::in_file(file)) {
            output.warn(format_args!("[report.webhook]: {error}"));
        }
        let now = Timestamp::now();
        let expired = certificates.iter().filter_map(|certificate| certificate.check_validity(now).err());
        let expired = expired.chain(signer.and_then(|signer| signer.check_validity(now).err()));
        let expired: Vec<_> = expired.filter(|error| error.kind() == ErrorKind::CertificateExpired).collect();
        expired.iter().for_each(|error| output.warn(error));
        let checked = Checked {
            deployment: site.deployment.to_string(),
            root: site.root().display().to_string(),
            components: site.components.iter().map(|component| component.place.to_string()).collect(),
            thumbprints: certificates.iter().map(|of| of.facts().sha1_thumbprint.clone()).collect(),
            is_post_quantum: certificates.iter().all(|of| of.facts().key.is_post_quantum()),
            strength: post_quantum::note(certificates.iter().map(EncryptionCertificate::facts)),
            deletes_old_sets: site.retention.is_some(),
            copies: site.copies.iter().map(CheckedCopy::of).collect(),
        };
        output.print(&checked, || checked.text())?;
        Ok(Ended::named(!expired.is_empty()))
    }
}

impl CheckedCopy {
    fn of(copy: &Copy) -> Self {
        Self { root: copy.root.display().to_string(), deletes_old_sets: copy.retention.is_some() }
    }
}

impl Checked {
    fn text(&self) -> String {
        let mut text = format!("backs up to {}\n", self.root);
        self.components.iter().for_each(|place| text += &format!("  {place}\n"));
        text += &format!("opened by the PFX with the thumbprint {}\n", self.thumbprints.join(" or "));
        text.extend(self.strength.iter().map(|strength| format!("{strength}\n")));
        for CheckedCopy { root, deletes_old_sets } in &self.copies {
            let what =
                if *deletes_old_sets { "deletes old ones by its own rules" } else { "never deletes one" };
            text += &format!("copies each set to {root}, and {what} there\n");
        }
        text + if self.deletes_old_sets {
            "deletes old sets by [retention]\n"
        } else {
            "never deletes a set\n"
        }
    }
}
