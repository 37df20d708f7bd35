//! `survey`

use std::collections::{BTreeMap, HashSet};
use std::fmt::{Display, Write};
use std::path::{Path, PathBuf};

use azs_backup::layout::Deployment;
use azs_backup::review::{Region, Survey as Surveyed, SurveyRow, survey};
use azs_backup::{Error, ErrorKind, Result};
use clap::Args;
use jiff::Timestamp;

use crate::ended::Ended;
use crate::files::{check_collected, replace, text_of};
use crate::output::{Output, age, invalid, label, size};
use crate::progress;
use crate::share::ServerArgs;
use crate::signers::TrustArgs;
use crate::table::table;

/// Look at many regions and shares side by side: when each was backed up, how large, by whom, and how old its copies are.
///
/// It needs no key, and looks at the newest sets of each component alone; a review of one region says more. One line for each
/// component, the worst first.
#[derive(Args)]
pub(crate) struct Survey {
    /// A share: its UNC path, or the folder at which it is mounted; repeat it for several
    #[arg(long, value_name = "ROOT", env = "AZS_ROOT", required_unless_present = "list")]
    root: Vec<PathBuf>,
    /// Only this deployment of each share, like contoso.com/nyc; repeat it for several [default: all that a share has]
    #[arg(long)]
    deployment: Vec<Deployment>,
    /// File with a share on each line, and behind a space a deployment if not all of it is meant
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
    /// Another share that has copies; repeat it for several
    #[arg(long, value_name = "ROOT")]
    copy: Vec<PathBuf>,
    /// Hours between two backups
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=8760))]
    frequency_hours: u32,
    #[command(flatten)]
    trust: TrustArgs,
    /// Print a line of JSON for each component
    #[arg(long, conflicts_with = "json")]
    json_lines: bool,
    /// Write it as one HTML page, too
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write it for Prometheus' text file collector, too: the name ends with .prom
    #[arg(long, value_name = "FILE")]
    prometheus: Option<PathBuf>,
}

impl Survey {
    pub(crate) fn run(self, output: &Output) -> Result<Ended> {
        let signers = self.trust.read()?;
        if let Some(file) = &self.prometheus {
            check_collected("--prometheus", file)?;
        }
        if self.html.is_some() && self.html == self.prometheus {
            return Err(invalid("--html and --prometheus name one file"));
        }
        let mut regions = self.regions(output)?;
        let mut copies = Vec::new();
        for (root, share) in self.copy.iter().zip(self.server.open_all(&self.copy, output)) {
            match share {
                Ok(share) => copies.push(share),
                Err(error) => regions.push(away(root, error)?),
            }
        }
        let mut observer = progress::observer(output, "survey");
        let survey = survey(regions, Timestamp::now()).copies(copies).require_signers(&signers);
        let survey = survey.frequency_hours(self.frequency_hours).observer(&mut observer).run()?;
        if let Some(file) = &self.html {
            replace(file, &survey.to_html())?;
        }
        if let Some(file) = &self.prometheus {
            replace(file, &metrics(&survey))?;
        }
        match self.json_lines {
            true => output.lines(&survey.rows)?,
            false => output.print(&survey, || text(&survey))?,
        }
        Ok(Ended::named(survey.rows.iter().any(|row| row.severity.is_some())))
    }

    /// Opens the shares. One that is not there has a row that says so, and does not keep the others from being looked at.
    fn regions(&self, output: &Output) -> Result<Vec<Region>> {
        let mut wanted: Vec<(PathBuf, Vec<Deployment>)> =
            self.root.iter().map(|root| (root.clone(), self.deployment.clone())).collect();
        let mut regions = Vec::new();
        if let Some(file) = &self.list {
            for line in listed(file)? {
                match line {
                    Ok(named) => wanted.push(named),
                    Err((line, error)) => regions.push(Region::away(line, &error)),
                }
            }
        }
        let mut deployments: BTreeMap<PathBuf, Vec<Vec<Deployment>>> = BTreeMap::new();
        for (root, of) in wanted {
            deployments.entry(root).or_default().push(of);
        }
        let roots: Vec<_> = deployments.keys().cloned().collect();
        for ((root, wanted), share) in deployments.into_iter().zip(self.server.open_all(&roots, output)) {
            let share = match share {
                Ok(share) => share,
                Err(error) => {
                    regions.push(away(&root, error)?);
                    continue;
                }
            };
            for deployments in wanted {
                match deployments.is_empty() {
                    true => regions.push(Region::all(share.clone())),
                    false => {
                        regions.extend(deployments.into_iter().map(|of| Region::new(share.clone(), of)));
                    }
                }
            }
        }
        if regions.is_empty() {
            return Err(invalid("the list names no share"));
        }
        Ok(regions)
    }
}

/// The row of a share that could not be opened, unless the program is to stop.
fn away(root: &Path, error: Error) -> Result<Region> {
    match error.kind() {
        ErrorKind::Cancelled => Err(error),
        _ => Ok(Region::away(root.to_string_lossy(), &error)),
    }
}

/// A line of a list: a share and what is meant of it; or the line, and what is wrong with it.
type Listed = std::result::Result<(PathBuf, Vec<Deployment>), (String, Error)>;

/// Reads a list of shares and deployments.
fn listed(file: &Path) -> Result<Vec<Listed>> {
    let text = text_of(file)?;
    let lines = text.lines().map(str::trim).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let wrong = |number: usize, line: &str, kind: ErrorKind, why: &dyn Display| {
        let message = format!("{}, line {}: {why}", file.display(), number + 1);
        (line.chars().take(SHOWN).collect(), Error::new(kind, message))
    };
    let read = lines.map(|(number, line)| {
        if line.len() > LONGEST {
            let why = format_args!("a line has at most {LONGEST} bytes");
            return Err(wrong(number, line, ErrorKind::LimitExceeded, &why));
        }
        // A root may have spaces in it.
        let deployment =
            line.rsplit_once([' ', '\t']).filter(|(_, last)| last.contains('/') && !last.starts_with('/'));
        let Some((root, deployment)) = deployment else { return Ok((line.into(), Vec::new())) };
        let deployment = deployment.parse().map_err(|e: Error| wrong(number, line, e.kind(), &e))?;
        Ok((root.trim().into(), vec![deployment]))
    });
    Ok(read.collect())
}

/// Longer than any path and a deployment, in bytes.
const LONGEST: usize = 8 << 10;
/// What is shown of a line that is wrong, in characters.
const SHOWN: usize = 80;

fn text(survey: &Surveyed) -> String {
    if survey.rows.is_empty() {
        return "no deployment".into();
    }
    let heading = ["DEPLOYMENT", "COMPONENT", "STATE", "LAST GOOD", ">CONTENT", ">CHANGE", "COPY", "REMARKS"];
    let names_share = !survey.has_one_share();
    table(heading, survey.rows.iter().map(|of| row(of, names_share)))
}

/// `names_share`: what tells deployments of one name apart.
fn row(row: &SurveyRow, names_share: bool) -> [String; 8] {
    let none = || "–".to_owned();
    let state = row.severity.map_or("good", |severity| severity.as_str());
    let change = row
        .bytes_before
        .filter(|before| *before > 0)
        .map(|before| format!("{:+.0} %", (row.bytes as f64 / before as f64 - 1.0) * 100.0));
    [
        match &row.deployment {
            None => row.share.clone(),
            Some(deployment) if names_share => format!("{deployment} on {}", row.share),
            Some(deployment) => deployment.to_string(),
        },
        row.component.clone().unwrap_or_else(none),
        state.into(),
        row.last_good.map_or_else(|| "never".into(), |set| age(set.created())),
        row.last_good.map_or_else(none, |_| size(row.bytes).to_string()),
        change.unwrap_or_else(none),
        row.last_copy.map_or_else(none, age),
        row.remarks.join("; "),
    ]
}

/// The survey in the exposition format of Prometheus (0.0.4).
fn metrics(survey: &Surveyed) -> String {
    type Metric = (&'static str, &'static str, fn(&SurveyRow) -> Option<f64>);
    const METRICS: [Metric; 5] = [
        ("azs_backup_survey_severity", "3 critical, 2 warning, 1 notice, 0 good.", |row| {
            let worse = |severity| azs_backup::review::Severity::ALL.iter().position(|of| *of == severity);
            Some(row.severity.and_then(worse).map_or(0.0, |at| 3.0 - at as f64))
        }),
        ("azs_backup_survey_last_good_timestamp_seconds", "When the last complete set began.", |row| {
            row.last_good.map(|set| set.created().as_second() as f64)
        }),
        ("azs_backup_survey_content_bytes", "Size of its content.", |row| {
            row.last_good.map(|_| row.bytes as f64)
        }),
        ("azs_backup_survey_sets", "Sets, whatever is in them.", |row| Some(row.sets as f64)),
        ("azs_backup_survey_last_copy_timestamp_seconds", "When its newest copy elsewhere began.", |row| {
            row.last_copy.map(|copy| copy.as_second() as f64)
        }),
    ];
    let mut text = String::new();
    for (name, help, value) in METRICS {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        // Several folders of a share may be unreadable. Of rows with the same labels the first is the worst, and a collector
        // refuses everything if one comes twice.
        let mut written = HashSet::new();
        for (row, value) in survey.rows.iter().filter_map(|row| Some((row, value(row)?))) {
            let deployment = row.deployment.as_ref().map(ToString::to_string).unwrap_or_default();
            let component = row.component.as_deref().unwrap_or_default();
            let labels = format!(
                "share=\"{}\",deployment=\"{}\",component=\"{}\"",
                label(&row.share),
                label(&deployment),
                label(component)
            );
            if written.insert(labels.clone()) {
                let _ = writeln!(text, "{name}{{{labels}}} {value}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_series_is_written_once_and_by_the_worst_row() {
        let away = |why: &'static str| Region::away(r"\\fs01\b", &Error::new(ErrorKind::AccessDenied, why));
        let survey = survey([away("one"), away("other"), away("one")], Timestamp::now()).run().unwrap();
        assert_eq!(survey.rows.len(), 2, "each is said once");
        let metrics = metrics(&survey);
        let series: Vec<_> = metrics.lines().filter(|line| line.contains("severity{")).collect();
        assert_eq!(
            series,
            [r#"azs_backup_survey_severity{share="\\\\fs01\\b",deployment="",component=""} 3"#]
        );
    }
}
