//! `config`

use std::path::PathBuf;

use azs_backup::Result;
use clap::{Args, Subcommand};

use crate::ended::Ended;
use crate::output::Output;
use crate::site::CONFIGURATION;

mod check;
mod schema;
mod show;

/// Check and show the configuration of a site.
#[derive(Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Check),
    Show(show::Show),
    Schema(schema::Schema),
}

impl Config {
    pub(crate) fn run(self, output: &Output) -> Result<Ended> {
        match self.command {
            Command::Check(command) => command.run(output),
            Command::Show(command) => command.run(output),
            Command::Schema(command) => command.run(output),
        }
    }
}

/// The file of a site, named as one likes: `nightly` and `review` have `--config`.
#[derive(Args)]
struct SiteFile {
    /// The configuration of the site [default: that of AZS_CONFIG, or where nightly looks for it]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The same
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    config: Option<PathBuf>,
}

impl SiteFile {
    /// The variable is looked at here: clap would take it for a file that is named beside `--config`.
    fn path(&self) -> PathBuf {
        let named = self.file.as_ref().or(self.config.as_ref()).cloned();
        named
            .or_else(|| std::env::var_os("AZS_CONFIG").map(PathBuf::from))
            .unwrap_or_else(|| CONFIGURATION.into())
    }
}
