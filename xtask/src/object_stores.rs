//! The servers of object stores that tests run against, below `target`: moto for S3, Azurite for Azure Blob.

use std::path::PathBuf;

use crate::needs::{self, FOR_PYTHON};
use crate::run::{Failure, program, target};
use crate::{node, python};

/// Implements Object Lock with its versions, and conditional writes; s3s-fs has neither.
const MOTO: &str = "moto[server,s3]==5.2.5";
const AZURITE: &str = "3.35.0";

/// A server that is installed.
pub(crate) struct Server {
    /// What chooses it as the share of tests: `AZS_TEST_SHARE`.
    pub(crate) share: &'static str,
    /// The variable that tells tests its program.
    pub(crate) variable: &'static str,
    pub(crate) program: PathBuf,
}

/// Installs the servers that this machine can run, and says which it cannot and why.
pub(crate) fn servers() -> Vec<Server> {
    let moto = || {
        able(FOR_PYTHON)?;
        python::tool_of("moto-venv", "moto_server", MOTO)
    };
    let azurite = || {
        able(node::FOR_NODE)?;
        azurite()
    };
    let mut servers = Vec::new();
    let mut add = |share, variable, what, program: Result<PathBuf, Failure>| match program {
        Ok(program) => servers.push(Server { share, variable, program }),
        Err(Failure(why)) => eprintln!("xtask: SKIPPED: the tests against {what}: {why}"),
    };
    add("s3", "AZS_TEST_MOTO", "an S3 server (moto)", moto());
    add("azure", "AZS_TEST_AZURITE", "an Azure Blob server (Azurite)", azurite());
    servers
}

fn able(needed: &[needs::Need]) -> Result<(), Failure> {
    let missing = needs::lacking(needed);
    if missing.is_empty() { Ok(()) } else { Err(Failure(format!("no {}", missing.join(", ")))) }
}

fn azurite() -> Result<PathBuf, Failure> {
    let folder = target().join("azurite");
    let program_file = folder.join("node_modules/.bin/azurite-blob");
    let package = folder.join("node_modules/azurite/package.json");
    let is_installed = std::fs::read_to_string(package)
        .is_ok_and(|package| package.contains(&format!("\"version\": \"{AZURITE}\"")));
    if !is_installed || !program_file.exists() {
        std::fs::create_dir_all(&folder).map_err(|e| Failure(format!("{}: {e}", folder.display())))?;
        let prefix = folder.to_string_lossy().into_owned();
        let npm =
            program("npm").args(["install", "--prefix", &prefix, "--no-audit", "--no-fund", "--no-save"]);
        npm.args([format!("azurite@{AZURITE}")]).run()?;
    }
    Ok(program_file)
}
