//! A backup in a process of its own, which kills itself in the middle: nothing is cleaned up, no lock is given back.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use azs_backup::layout::{Component, Deployment};
use azs_backup::share::Durability;
use azs_backup::{Backup, EncryptionCertificate, Place};
use serde_json::{Value, json};

use super::failing_share::{Bad, FailingShare};
use super::keys;
use super::options::Options;
use super::source::{From, Source};
use super::world::World;
use crate::common::backend;

const TASK: &str = "AZS_ORACLE_CHILD";

/// Runs a backup of these sources that is killed at its n-th object; says how it ended.
pub fn run(world: &World, options: &Options, sources: &[Source], put: u64) -> String {
    let cers: Vec<_> = options.keys.iter().map(|key| world.dir.join(format!("{key}.cer"))).collect();
    for (key, cer) in options.keys.iter().zip(&cers) {
        std::fs::write(cer, &keys()[*key].certificate.cer).unwrap();
    }
    let sources: Vec<_> = sources
        .iter()
        .filter_map(|source| match &source.from {
            From::Folder(at) => Some(json!([source.name, at, "folder"])),
            From::File(at) => Some(json!([source.name, at, "file"])),
            From::Bytes(bytes) | From::Reader(bytes) => Some(json!([source.name, bytes, "bytes"])),
            From::Missing(_) => None,
        })
        .collect();
    let task = world.dir.join("task.json");
    let json = json!({
        "root": world.root, "state": options.state, "cers": cers, "sources": sources, "put": put,
        "patterns": options.patterns, "segment_size": options.segment_size, "workers": options.workers,
    });
    std::fs::write(&task, json.to_string()).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child"]).env(TASK, &task).stdout(Stdio::null()).stderr(Stdio::null());
    backend::inherit(&mut command);
    command.status().unwrap().to_string()
}

/// What the child does, if this is one.
pub fn work() {
    let Some(task) = std::env::var_os(TASK) else { return };
    let task: Value = serde_json::from_slice(&std::fs::read(task).unwrap()).unwrap();
    let path = |value: &Value| PathBuf::from(value.as_str().unwrap());
    let number = |name: &str| task[name].as_u64().unwrap();
    let share = backend::share_with(Path::new(&path(&task["root"])), Durability::Cached);
    let share = Arc::new(FailingShare::new(&share, Some(Bad::KilledAt(number("put")))));
    let place = Place::new(Deployment::new("contoso.com", "nyc").unwrap(), Component::Switches);
    let mut builder = Backup::builder(share, place)
        .segment_size(number("segment_size") as usize)
        .workers(number("workers") as usize);
    for cer in task["cers"].as_array().unwrap() {
        builder = builder.certificate(EncryptionCertificate::load(path(cer)).unwrap());
    }
    for pattern in task["patterns"].as_array().unwrap() {
        builder = builder.exclude(super::source::PATTERNS[pattern.as_u64().unwrap() as usize].0);
    }
    if task["state"].is_string() {
        builder = builder.state(path(&task["state"]));
    }
    let mut backup = builder.start().unwrap();
    for source in task["sources"].as_array().unwrap() {
        let name = source[0].as_str().unwrap();
        match source[2].as_str().unwrap() {
            "folder" => backup.add_folder_as(name, path(&source[1])).unwrap(),
            "file" => backup.add_file_as(name, path(&source[1])).unwrap(),
            _ => {
                let bytes: Vec<u8> = serde_json::from_value(source[1].clone()).unwrap();
                backup.add_bytes(name, bytes).unwrap();
            }
        }
    }
    backup.commit().unwrap();
}
