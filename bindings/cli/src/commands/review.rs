//! `review`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use azs_backup::mas_backup::Keys;
use azs_backup::review::{Configuration, Severity, review_with};
use azs_backup::{Result, Share};
use clap::Args;
use jiff::Timestamp;

use crate::certificates::certificates;
use crate::ended::Ended;
use crate::files::{read, replace, text_of};
use crate::output::{Output, invalid};
use crate::secret::PfxPasswords;
use crate::share::ServerArgs;
use crate::signers::TrustArgs;
use crate::site::{CONFIGURATION, Site};

/// Review a configuration and a share by the best practices of infrastructure backup.
///
/// Says what does not follow them, why that matters, and what to do. It needs no key and changes nothing. With --pfx it also
/// opens what the newest backup of Azure Stack Hub needs: a drill.
#[derive(Args)]
pub(crate) struct Review {
    /// The configuration of the site; or, as JSON, how the backups are set up as the other languages take it
    #[arg(long, value_name = "FILE", default_value = CONFIGURATION, env = "AZS_CONFIG")]
    config: PathBuf,
    /// The share, if it is not the one of the site: its UNC path, or the folder at which it is mounted
    #[arg(long, value_name = "ROOT")]
    root: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
    /// A certificate that backups are sealed to, besides those in the configuration
    #[arg(long, value_name = "FILE")]
    cer: Vec<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
    /// Decryption certificate, to try on Azure Stack Hub's own backups; several if certificates were rotated
    #[arg(long, value_name = "FILE")]
    pfx: Vec<PathBuf>,
    #[command(flatten)]
    passwords: PfxPasswords,
    /// Another share that has copies, besides those of the site: its UNC path, or the folder at which it is mounted
    #[arg(long, value_name = "ROOT")]
    copy: Vec<PathBuf>,
    /// Write the review as one HTML page, too
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

type Copies = Vec<Result<Arc<dyn Share>>>;

impl Review {
    pub(crate) fn run(self, output: &Output) -> Result<Ended> {
        let (mut configuration, share, copies) = self.read(output)?;
        for file in &self.cer {
            configuration.add_encryption_certificate(&read(file)?);
        }
        for file in self.trust.files() {
            configuration.add_signer_certificate(&read(file)?);
        }
        let keys = Keys::new(certificates(&self.pfx, &self.passwords)?);
        let review = review_with(&configuration, share, &copies, &keys, Timestamp::now())?;
        if let Some(file) = &self.html {
            write_page(file, &review)?;
        }
        output.print(&review, || review.to_table())?;
        let is_critical = |severity: Severity| severity == Severity::Critical;
        Ok(Ended::named(review.findings.iter().any(|finding| is_critical(finding.rule.severity))))
    }

    /// The configuration, the share, and the shares with copies.
    fn read(&self, output: &Output) -> Result<(Configuration, Arc<dyn Share>, Copies)> {
        let mut copies: Copies = self.copy.iter().map(|root| self.server.open(root, output)).collect();
        if self.config.extension().is_some_and(|extension| extension == "json") {
            let configuration = Configuration::from_json(text_of(&self.config)?.as_bytes())?;
            let root = self.root.as_ref().ok_or_else(|| invalid("a configuration as JSON takes --root"))?;
            return Ok((configuration, self.server.open(root, output)?, copies));
        }
        let site = Site::read(&self.config)?;
        let configuration = site.review_configuration()?;
        let share = match &self.root {
            Some(root) => self.server.open(root, output)?,
            None => site.open(output)?,
        };
        copies.extend(site.open_copies(output));
        Ok((configuration, share, copies))
    }
}

/// Writes a review as one HTML page.
pub(super) fn write_page(file: &Path, review: &azs_backup::review::Review) -> Result<()> {
    replace(file, &review.to_html())
}
