//! `completions`

use azs_backup::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::arguments::Cli;
use crate::ended::Ended;
use crate::output::{Output, write};

/// Print completions for a shell.
#[derive(Args)]
pub(crate) struct Completions {
    /// The shell: for bash, write them to /etc/bash_completion.d/azs-backup
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, _: &Output) -> Result<Ended> {
        // It would panic at a stdout that takes nothing.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "azs-backup", &mut script);
        write(String::from_utf8_lossy(&script).trim_end())?;
        Ok(Ended::Whole)
    }
}
