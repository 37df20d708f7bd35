//! Checks the files that the book tells operators to copy: rules and panel for monitoring, a role for Ansible.

use std::collections::BTreeSet;
use std::fs;

use crate::needs::{self, Need, tool};
use crate::python;
use crate::run::{Failure, output, program};

const PROMETHEUS: &str = "examples/prometheus";
const GRAFANA: &str = "examples/grafana/azs-backup.json";
const ANSIBLE: &str = "examples/ansible";
const ANSIBLE_CORE: &str = "ansible-core==2.19.14";

const PROMTOOL: Need = tool("promtool", &["prometheus"], || needs::runs("promtool"));

/// Fails if a program that reads one of the files would refuse it, or if one names a metric that nobody writes.
pub(crate) fn check() -> Result<(), Failure> {
    needs::add(&[PROMTOOL]);
    if needs::lacking(&[PROMTOOL]).is_empty() {
        program("promtool").folder(PROMETHEUS).args(["check", "rules", "azs-backup.rules.yml"]).run()?;
        program("promtool").folder(PROMETHEUS).args(["test", "rules", "azs-backup.test.yml"]).run()?;
    }
    output(needs::PYTHON, &["-m", "json.tool", GRAFANA], "")
        .ok_or_else(|| Failure(format!("{GRAFANA} is no JSON")))?;
    metrics()?;
    let playbook = python::tool("ansible-playbook", ANSIBLE_CORE)?;
    let syntax = program(&playbook.to_string_lossy()).folder(ANSIBLE).args([
        "--syntax-check",
        "-i",
        "hosts.ini",
        "site.yml",
    ]);
    syntax.env("LC_ALL", "C.UTF-8").run()
}

/// Each metric that the examples name is one that the program writes.
fn metrics() -> Result<(), Failure> {
    let rules = format!("{PROMETHEUS}/azs-backup.rules.yml");
    let used: BTreeSet<String> = [GRAFANA, &rules]
        .iter()
        .map(|file| Ok(names(&read(file)?)))
        .collect::<Result<Vec<_>, Failure>>()?
        .concat()
        .into_iter()
        .collect();
    let listed = output("git", &["ls-files", "-z", "bindings/cli/src"], "").unwrap_or_default();
    let source =
        listed.split('\0').filter(|file| file.ends_with(".rs")).map(read).collect::<Result<String, _>>()?;
    match used.iter().find(|name| !source.contains(&format!("\"{name}\""))) {
        Some(name) => {
            Err(Failure(format!("the examples name the metric {name}, which the program does not write")))
        }
        None if used.len() < 5 => Err(Failure("the examples name hardly any metric".into())),
        None => Ok(()),
    }
}

/// The names in a text that begin as our metrics do.
fn names(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("azs_backup_")).map(Into::into).collect()
}

fn read(file: &str) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|e| Failure(format!("{file}: {e}")))
}
