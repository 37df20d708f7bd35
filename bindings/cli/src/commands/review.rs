//! `review`

use std::path::PathBuf;

use azs_backup::review::{Configuration, Severity, review};
use azs_backup::{Error, Result};
use clap::Args;
use jiff::Timestamp;

use crate::ended::Ended;
use crate::output::Output;
use crate::share::{ShareArgs, read};

/// Review a configuration and a share by the best practices of infrastructure backup.
///
/// Says what does not follow them, why that matters, and what to do. It needs no key and changes nothing.
#[derive(Args)]
pub(crate) struct Review {
    #[command(flatten)]
    share: ShareArgs,
    /// How the backups are set up, as JSON; the root in it is the share's UNC path
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// A certificate that backups are sealed to, besides those in the configuration
    #[arg(long, value_name = "FILE")]
    cer: Vec<PathBuf>,
    /// Write the review as one HTML page, too
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

impl Review {
    pub(crate) fn run(self, output: &Output) -> Result<Ended> {
        let mut configuration = Configuration::from_json(&read(&self.config)?)?;
        for file in &self.cer {
            configuration.add_encryption_certificate(&read(file)?);
        }
        let review = review(&configuration, self.share.open(output)?, Timestamp::now())?;
        if let Some(file) = &self.html {
            std::fs::write(file, review.to_html())
                .map_err(|e| Error::io(format_args!("write {}", file.display()), e))?;
        }
        output.print(&review, || review.to_table())?;
        let is_critical = |severity: Severity| severity == Severity::Critical;
        Ok(Ended::named(review.findings.iter().any(|finding| is_critical(finding.rule.severity))))
    }
}
