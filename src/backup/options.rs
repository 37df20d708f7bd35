//! The options of a backup as plain data, for the bindings and configuration files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::{BackupBuilder, ShrunkenSources, SourceProblems};
use crate::error::Result;
use crate::layout::SetName;
use crate::options::from_json;

/// The options; what is missing or null keeps its default.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    allow_expired_certificates: Option<bool>,
    labels: Option<BTreeMap<String, String>>,
    exclude: Option<Vec<String>>,
    source_problems: Option<SourceProblems>,
    shrunken_sources: Option<ShrunkenSources>,
    one_file_system: Option<bool>,
    create: Option<bool>,
    recheck: Option<u32>,
    renew_after_days: Option<u32>,
    level: Option<i32>,
    segment_size: Option<usize>,
    workers: Option<usize>,
    state: Option<PathBuf>,
    reread_everything: Option<bool>,
    distrust: Option<Vec<String>>,
    set_name: Option<SetName>,
}

impl BackupBuilder {
    /// Sets options from JSON: an object whose keys are the names of this builder's methods, with `labels` (an object),
    /// `exclude` and `distrust` (lists of strings). What is missing or null stays as it is. The certificates and the
    /// observer are not among them.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for anything but such an object, for an unknown option, naming the nearest one, and for one out
    /// of bounds.
    pub fn options(mut self, json: impl AsRef<[u8]>) -> Result<Self> {
        let given: Options = from_json("options of a backup", json)?;
        /// Calls the method of each option that was given.
        macro_rules! set {
            ($($option:ident),+) => {
                $(if let Some(value) = given.$option {
                    self = self.$option(value);
                })+
            };
        }
        set!(allow_expired_certificates, source_problems, shrunken_sources, one_file_system, create, recheck);
        set!(renew_after_days, level, segment_size, workers, state, reread_everything, distrust, set_name);
        for (key, value) in given.labels.unwrap_or_default() {
            self = self.label(key, value);
        }
        let given = given.exclude.unwrap_or_default().into_iter().fold(self, Self::exclude);
        given.check_bounds()?;
        Ok(given)
    }
}
