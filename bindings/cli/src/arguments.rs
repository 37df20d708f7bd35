//! The command line: its commands and what all of them take.

use azs_backup::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands;
use crate::ended::Ended;
use crate::output::Output;

/// Encrypted backups of what Azure Stack Hub leaves out: switches, the HLH, deployment data, registration.
///
/// Each backup is a set of its own beside MASBackup on the same share. A certificate (CER) encrypts it, and only its PFX
/// decrypts it.
#[derive(Parser)]
#[command(name = "azs-backup", version, propagate_version = true, max_term_width = 110, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    everything is done
  1    it failed; stderr says why, and what to do next
  2    the command line is wrong
  3    it is done, except for what the output names
  4    it may not run now: an update or a repair of Azure Stack Hub, or another run, is at work
  130  it was stopped by a signal

Passwords come from a file, an open file descriptor, the environment (AZS_PFX_PASSWORD,
AZS_SMB_PASSWORD) or a credential of systemd, never from the command line.";

/// How to print.
#[derive(Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print nothing but errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more about what went wrong
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// How to show progress on stderr
    #[arg(long, global = true, value_enum, default_value_t = ProgressStyle::Auto, value_name = "STYLE")]
    pub(crate) progress: ProgressStyle,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ProgressStyle {
    /// A bar on a terminal, and nothing elsewhere
    Auto,
    /// A line of JSON each second
    Json,
    /// Nothing
    None,
}

/// Names each command once: its arguments, its name in JSON, what runs it.
macro_rules! commands {
    ($($command:ident, $name:literal, $module:ident;)*) => {
        #[derive(Subcommand)]
        pub(crate) enum Command {
            $($command(commands::$module::$command),)*
        }

        impl Command {
            pub(crate) fn name(&self) -> &'static str {
                match self { $(Self::$command(_) => $name,)* }
            }

            pub(crate) fn run(self, output: &Output) -> Result<Ended> {
                match self { $(Self::$command(command) => command.run(output),)* }
            }
        }
    };
}

commands! {
    Backup, "backup", backup;
    List, "list", list;
    Show, "show", show;
    Verify, "verify", verify;
    Restore, "restore", restore;
    Cat, "cat", cat;
    Diff, "diff", diff;
    Check, "check", check;
    Classify, "classify", classify;
    Retention, "retention", retention;
    Copy, "copy", copy;
    Review, "review", review;
    Survey, "survey", survey;
    MasBackup, "mas-backup", mas_backup;
    Nightly, "nightly", nightly;
    Config, "config", config;
    Key, "key", key;
    Kit, "kit", kit;
    Completions, "completions", completions;
    Man, "man", man;
}
