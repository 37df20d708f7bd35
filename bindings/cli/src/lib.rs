//! The program `azs-backup`: the library for shells and operators.
//!
//! It is one more binding. It reads arguments, calls the library and prints what that returns; the words are the same as
//! in the other languages (bindings/README.md). The Python and the Node package bring it, too: they call [`run`].

use std::ffi::OsString;

use clap::Parser;

mod arguments;
mod certificates;
mod commands;
mod dry_run;
mod ended;
mod files;
mod options;
mod output;
mod post_quantum;
mod progress;
// Without SMB nobody asks for the account of a file server, whose options are refused by name.
#[cfg_attr(not(feature = "smb"), allow(dead_code, unused_imports))]
mod secret;
#[cfg_attr(not(feature = "smb"), allow(dead_code, unused_imports))]
mod share;
mod signers;
mod site;
mod table;

use arguments::Cli;

/// Runs the program with these arguments, the first of which is its name, and returns its exit code.
///
/// It prints to stdout and stderr, and handles SIGINT, SIGTERM and SIGHUP from its first long work on: it belongs into a
/// process of its own.
pub fn run(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    match Cli::try_parse_from(&arguments) {
        Ok(Cli { output, command }) => {
            let output = output::Output::new(&output, command.name());
            let result = command.run(&output);
            output.end(result)
        }
        // --help and --version, too, with 0.
        Err(error) => {
            // Nobody may be reading.
            let _ = error.print();
            if error.use_stderr() {
                output::misused(&arguments, &error);
            }
            u8::try_from(error.exit_code()).unwrap_or(ended::USAGE)
        }
    }
}
