//! The program `azs-backup`: the library for shells and operators.
//!
//! It is one more binding. It reads arguments, calls the library and prints what that returns; the words are the same as
//! in the other languages (bindings/README.md).

use std::process::ExitCode;

use clap::Parser;

mod arguments;
mod commands;
mod ended;
mod options;
mod output;
mod progress;
// Without SMB nobody asks for the account of a file server, whose options are refused by name.
#[cfg_attr(not(feature = "smb"), allow(dead_code, unused_imports))]
mod secret;
#[cfg_attr(not(feature = "smb"), allow(dead_code, unused_imports))]
mod share;
mod site;
mod table;

use arguments::Cli;

fn main() -> ExitCode {
    // Wrong arguments end here, with exit code 2 and a hint; so do --help and --version, with 0.
    let Cli { output, command } = Cli::parse();
    let output = output::Output::new(&output, command.name());
    let result = command.run(&output);
    output.end(result).into()
}
