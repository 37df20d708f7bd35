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

/// The file of a site.
#[derive(Args)]
struct SiteFile {
    /// The configuration of the site
    #[arg(default_value = CONFIGURATION, env = "AZS_CONFIG")]
    file: PathBuf,
}
