//! Reviews a configuration and a share by the best practices: `cargo run --example review -- --help`.

use std::process::ExitCode;

use azs_backup::review::{Configuration, Severity, review};
use azs_backup::{Error, Result};
use jiff::Timestamp;

mod support;

const HELP: &str = "\
Reviews a configuration and a share by the best practices of infrastructure backup: what does not follow them, why that
matters, and what to do. Needs no key and changes nothing.

review --root ROOT --config FILE [--cer FILE]... [--html FILE] [--json]

  --root ROOT    UNC path, with the account in AZS_SMB_USER and AZS_SMB_PASSWORD, or a mounted folder
  --port N       TCP port of the file server of a UNC path, if it is not 445
  --config FILE  how the backups are set up, as JSON; the root in it is the share's UNC path
  --cer FILE     a certificate that backups are sealed to, besides those in the configuration
  --html FILE    write the review as one HTML page, too
  --json         print the review as JSON

Exit code 0 for a review without critical findings, 3 for one that has some, 1 if there is no review, 2 for a wrong
command line.";

fn main() -> ExitCode {
    support::run(run)
}

fn run(mut parser: lexopt::Parser) -> Result<support::Ended> {
    use lexopt::Arg::{Long, Short};
    let mut root = support::Location::default();
    let (mut config, mut html) = (None, None);
    let mut certificates = Vec::new();
    let mut json = false;
    while let Some(arg) = parser.next().map_err(support::invalid)? {
        match arg {
            Long("root") => root.take_path(&mut parser)?,
            Long("port") => root.take_port(&mut parser)?,
            Long("config") => config = Some(support::path(&mut parser)?),
            Long("cer") => certificates.push(support::path(&mut parser)?),
            Long("html") => html = Some(support::path(&mut parser)?),
            Long("json") => json = true,
            Long("help") | Short('h') => return support::print(HELP).map(Into::into),
            other => return Err(support::invalid(other.unexpected())),
        }
    }
    let config = support::required(config, "--config")?;
    let mut configuration = Configuration::from_json(&support::read(&config)?)?;
    for file in certificates {
        configuration.add_encryption_certificate(&support::read(&file)?);
    }
    let share = root.open_share()?;

    let review = review(&configuration, share, Timestamp::now())?;
    if let Some(file) = html {
        std::fs::write(&file, review.to_html())
            .map_err(|e| Error::io(format_args!("write {}", file.display()), e))?;
    }
    if json {
        support::print_json(&review)?
    } else {
        support::print(review.to_table().trim_end())?
    }
    let is_critical = review.findings.iter().any(|finding| finding.rule.severity == Severity::Critical);
    Ok(support::named(is_critical))
}
