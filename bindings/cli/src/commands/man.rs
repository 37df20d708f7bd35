//! `man`

use std::path::PathBuf;

use azs_backup::{Error, Result};
use clap::{Args, CommandFactory};

use crate::arguments::Cli;
use crate::ended::Ended;
use crate::output::Output;

/// Print the manual page, in roff.
#[derive(Args)]
pub(crate) struct Man {
    /// Write the page of each command into this folder, too, instead of one page to stdout
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(self, _: &Output) -> Result<Ended> {
        let written = match &self.into {
            Some(folder) => clap_mangen::generate_to(Cli::command(), folder),
            None => clap_mangen::Man::new(Cli::command()).render(&mut std::io::stdout()),
        };
        written.map_err(|e| Error::io("write the manual page", e))?;
        Ok(Ended::Whole)
    }
}
