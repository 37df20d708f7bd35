//! `completions`

use azs_backup::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::arguments::Cli;
use crate::ended::Ended;
use crate::output::Output;

/// Print completions for a shell.
#[derive(Args)]
pub(crate) struct Completions {
    /// The shell: for bash, write them to /etc/bash_completion.d/azs-backup
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, _: &Output) -> Result<Ended> {
        clap_complete::generate(self.shell, &mut Cli::command(), "azs-backup", &mut std::io::stdout());
        Ok(Ended::Whole)
    }
}
