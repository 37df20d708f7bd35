//! Options, under the names that they have in every language. The core reads and judges them.

use std::collections::BTreeMap;

use azs_backup::{Error, ErrorKind, Result};
use clap::Args;
use schemars::{JsonSchema, Schema};
use serde::Serialize;

/// Writes options as the JSON that the core reads; what was not given is left out.
pub(crate) fn to_json(options: &impl Serialize) -> Result<String> {
    serde_json::to_string(options)
        .map_err(|e| Error::new(ErrorKind::Internal, "the options are no JSON").with_source(e))
}

/// In a file each option may be left out.
fn all_optional(schema: &mut Schema) {
    schema.remove("required");
}

/// The options of a backup.
#[derive(Args, JsonSchema, Serialize)]
#[schemars(deny_unknown_fields, transform = all_optional)]
pub(crate) struct BackupOptions {
    /// Folder of this host that remembers the last set, so that only what changed is stored
    #[arg(long, value_name = "DIR", env = "AZS_STATE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<String>,
    /// Written on the cover sheet, in clear: vendor, model, serial, firmware; "pinned" keeps the set
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    #[serde(serialize_with = "object")]
    #[schemars(with = "BTreeMap<String, String>")]
    labels: Vec<(String, String)>,
    /// Leave out what matches, in gitignore syntax; !PATTERN takes it back in
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// What a source that cannot be read does to the backup: fail, or report and go on
    #[arg(long, value_name = "POLICY", value_parser = ["fail", "report"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["fail", "report"], "default" = "fail"))]
    source_problems: Option<String>,
    /// What a source does that is empty, or holds less than half of last time
    #[arg(long, value_name = "POLICY", value_parser = ["warn", "fail"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["warn", "fail"], "default" = "warn"))]
    shrunken_sources: Option<String>,
    /// Create the region folder, or that of a component of your own, if it is missing
    #[arg(long)]
    create: bool,
    /// Leave out what is mounted below a source
    #[arg(long)]
    one_file_system: bool,
    /// Accept certificates that are not valid today
    #[arg(long)]
    allow_expired_certificates: bool,
    /// Read back all that earlier sets have within this many runs [default: 7]
    #[arg(long, value_name = "N", help_heading = TUNING)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = 7))]
    recheck: Option<u32>,
    /// Store again what earlier sets have had for this many days; 0 for never [default: 180]
    #[arg(long, value_name = "N", help_heading = TUNING)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = 180))]
    renew_after_days: Option<u32>,
    /// Read every file, whatever its time says
    #[arg(long, help_heading = TUNING)]
    reread_everything: bool,
    /// A stored file that is not to be taken over from earlier sets
    #[arg(long, value_name = "NAME", help_heading = TUNING)]
    distrust: Vec<String>,
    /// Level of zstd, from -7 to 19 [default: 3]
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = TUNING)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = 3))]
    level: Option<i32>,
    /// Size of a stored file before compression, in bytes [default: 12582912]
    #[arg(long, value_name = "BYTES", help_heading = TUNING)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = 12582912))]
    segment_size: Option<u64>,
    /// Threads that read and compress
    #[arg(long, value_name = "N", help_heading = TUNING)]
    #[serde(skip_serializing_if = "Option::is_none")]
    workers: Option<u64>,
    /// Name of the set, like 20261123T020000Z-7f3a91c2
    #[arg(long, value_name = "NAME", help_heading = TUNING)]
    #[serde(skip_serializing_if = "Option::is_none")]
    set_name: Option<String>,
}

const TUNING: &str = "Tuning";

/// JSON, in which options are handed on, has no number for "nan" and "inf".
fn seconds(text: &str) -> std::result::Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds: &f64| seconds.is_finite());
    seconds.ok_or_else(|| "it is no number of seconds".into())
}

fn label(text: &str) -> std::result::Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
    let (key, value) = pair.ok_or("write it like serial=7F3A")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn object<S: serde::Serializer>(
    pairs: &[(String, String)],
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(key, value)| (key, value)).collect::<BTreeMap<_, _>>())
}

/// The options of a restore.
#[derive(Args, Serialize)]
pub(crate) struct RestoreOptions {
    /// What happens to things that are there already [default: refuse]
    #[arg(long, value_name = "POLICY", value_parser = ["refuse", "keep", "replace"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    existing: Option<String>,
    /// How what is kept is compared with the set: by size and time, or byte for byte [default: metadata]
    #[arg(long, value_name = "HOW", value_parser = ["metadata", "content"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    compare: Option<String>,
    /// Stop at damage, or continue and name what is lost [default: stop]
    #[arg(long, value_name = "POLICY", value_parser = ["stop", "continue"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    damage: Option<String>,
    /// What to restore, in gitignore syntax, matched against paths in the set: tor1/, *.cfg, /hlh/etc/**
    #[arg(value_name = "PATTERN")]
    patterns: Vec<String>,
}

/// The rules of a retention.
#[derive(Args, JsonSchema, Serialize)]
#[schemars(deny_unknown_fields, transform = all_optional)]
pub(crate) struct RetentionOptions {
    /// Keep what is at most N days older than the newest
    #[arg(long, value_name = "N", help_heading = RULES)]
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_days: Option<u32>,
    /// Keep the newest N
    #[arg(long, value_name = "N", help_heading = RULES)]
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_last: Option<u32>,
    /// Keep one set for each of the last N days that have any
    #[arg(long, value_name = "N", help_heading = RULES)]
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_daily: Option<u32>,
    /// The same for weeks
    #[arg(long, value_name = "N", help_heading = RULES)]
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_weekly: Option<u32>,
    /// The same for months
    #[arg(long, value_name = "N", help_heading = RULES)]
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_monthly: Option<u32>,
    /// Keep sets with this label, or with this label and value
    #[arg(long = "keep-label", value_name = "KEY[=VALUE]", value_parser = kept_label, help_heading = RULES)]
    keep_labels: Vec<(String, Option<String>)>,
    /// Keep the set of this name
    #[arg(long, value_name = "SET", help_heading = RULES)]
    pin: Vec<String>,
    /// Delete the oldest sets until this much more is free, in spite of the rules above
    #[arg(long, value_name = "BYTES", help_heading = RULES)]
    #[serde(skip_serializing_if = "Option::is_none")]
    make_room: Option<u64>,
    /// Delete incomplete sets if nothing was written to them for N hours [default: 24]
    #[arg(long, value_name = "N", help_heading = RULES)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = 24))]
    grace_hours: Option<u32>,
    /// A set with less than P percent of the largest one's files or bytes is shrunken; 0 for none [default: 50]
    #[arg(long, value_name = "P", help_heading = RULES)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = 50))]
    shrunken_below: Option<u32>,
}

pub(crate) const RULES: &str = "Rules";

fn kept_label(text: &str) -> std::result::Result<(String, Option<String>), String> {
    Ok(match text.split_once('=') {
        Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
        None => (text.to_owned(), None),
    })
}

/// The options of a check.
#[derive(Args, Serialize)]
pub(crate) struct CheckOptions {
    /// Look for the folder of this component, too, like Switches or Switches/su1
    #[arg(long = "component", value_name = "COMPONENT")]
    components: Vec<String>,
    /// Create missing folders
    #[arg(long)]
    create_folders: bool,
}

/// The options of a connection to a file server.
#[derive(Args, Default, JsonSchema, Serialize)]
#[schemars(deny_unknown_fields, transform = all_optional)]
pub(crate) struct SmbOptions {
    /// TCP port of the file server [default: 445]
    #[arg(long, value_name = "N", help_heading = SERVER)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = 445))]
    pub(crate) port: Option<u16>,
    /// Encryption of what goes over the network; the sets are encrypted in any case [default: preferred]
    #[arg(long, value_name = "POLICY", value_parser = ["required", "preferred", "off"], help_heading = SERVER)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["required", "preferred", "off"], "default" = "preferred"))]
    encryption: Option<String>,
    /// Oldest dialect of SMB to accept; before 3.1.1 an attacker on the way can tamper with the negotiation
    #[arg(long, value_name = "VERSION", value_parser = ["3.0", "3.0.2", "3.1.1"], help_heading = SERVER)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["3.0", "3.0.2", "3.1.1"], "default" = "3.1.1"))]
    oldest_dialect: Option<String>,
    /// How durable what was written is: on the server's disk, or in its memory [default: flushed]
    #[arg(long, value_name = "HOW", value_parser = ["flushed", "cached"], help_heading = SERVER)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["flushed", "cached"], "default" = "flushed"))]
    durability: Option<String>,
    /// Most connections at once [default: 4]
    #[arg(long, value_name = "N", help_heading = SERVER)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = 4))]
    connections: Option<u64>,
    /// How long to try to connect and log on [default: 10]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = SERVER)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = 10))]
    connect_limit: Option<f64>,
    /// How long a server may be silent before the connection counts as lost [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = SERVER)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = 30))]
    silence_limit: Option<f64>,
    /// How long one call may take, with all attempts [default: 900]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = SERVER)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = 900))]
    call_limit: Option<f64>,
    /// How often to try a call when the connection breaks [default: 7]
    #[arg(long, value_name = "N", help_heading = SERVER)]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = 7))]
    attempts: Option<u32>,
}

/// The heading of the options of a file server.
pub(crate) const SERVER: &str = "File server of a UNC path";

/// The options of the way to a share, in the schema of a site's file.
#[cfg(not(feature = "object-store"))]
pub(crate) type ConnectionOptions = SmbOptions;

/// The options of the way to a share, in the schema of a site's file.
#[cfg(feature = "object-store")]
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only for its schema")]
pub(crate) enum ConnectionOptions {
    Server(SmbOptions),
    Store(StoreOptions),
}

/// The options of a share in an object store.
#[cfg(feature = "object-store")]
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, transform = all_optional)]
#[expect(dead_code, reason = "only for its schema; the core reads them")]
pub(crate) struct StoreOptions {
    /// Endpoint, if the root does not name it, like https://minio.contoso.com:9000
    endpoint: String,
    /// Region of an S3 bucket [default: that of the environment, or us-east-1]
    region: String,
    /// The bucket is in the path, not in the name of the host
    path_style: bool,
    /// Allow an endpoint without TLS
    #[schemars(extend("default" = false))]
    allow_http: bool,
    /// Version of Azure's API, like 2019-07-07
    #[schemars(extend("default" = "2023-11-03"))]
    api_version: String,
    /// PEM file with certificate authorities to trust besides the system's
    authorities: String,
    /// Nobody can delete what is written for so many days
    lock_days: f64,
    /// Who can end such a lock: nobody, or an account with a right of its own [default: compliance]
    #[schemars(extend("enum" = ["compliance", "governance"]))]
    lock_mode: String,
    /// Seconds to try to connect
    #[schemars(extend("default" = 10))]
    connect_limit: f64,
    /// Seconds that a store may be silent before a request counts as lost
    #[schemars(extend("default" = 30))]
    silence_limit: f64,
    /// Seconds that one call may take, with all attempts
    #[schemars(extend("default" = 900))]
    call_limit: f64,
    /// Attempts of a call whose connection breaks
    #[schemars(extend("default" = 7))]
    attempts: u64,
}
