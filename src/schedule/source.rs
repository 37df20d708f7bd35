//! Sources of operations for a gate: a closure, a JSON document, a file that contains one.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::admin;
use super::operation::Operation;
use crate::error::{Error, ErrorKind, Result};
use crate::options::text;

/// Tells what a deployment is doing at the moment.
///
/// Any closure that returns a list of operations is a source:
///
/// ```
/// use azs_backup::schedule::{Gate, Operation, OperationKind, OperationState};
///
/// let rotating = || Ok(vec![Operation::new(OperationKind::SecretRotation, OperationState::Running)]);
/// let error = Gate::new().source(rotating).on_demand(jiff::Timestamp::now()).unwrap_err();
/// assert_eq!(error.code(), "CONFLICT");
/// ```
pub trait OperationSource: Send + Sync {
    /// Returns the operations that are known now. It may include operations that ended.
    ///
    /// # Errors
    /// Whatever keeps it from knowing. The gate then fails, too: nobody can say that a backup may run.
    fn operations(&self) -> Result<Vec<Operation>>;
}

impl<F: Fn() -> Result<Vec<Operation>> + Send + Sync> OperationSource for F {
    fn operations(&self) -> Result<Vec<Operation>> {
        self()
    }
}

/// A file with a JSON document that lists operations, read anew each time: see [`parse_operations`].
///
/// Whatever fetches the document, such as a script with the admin API's token, must write it whole under another name
/// and then rename it. A file that does not exist is an error, not an empty list.
#[derive(Clone, Debug)]
pub struct OperationsFile {
    path: PathBuf,
}

impl OperationsFile {
    /// Uses the document in this file.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl OperationSource for OperationsFile {
    /// # Errors
    /// `NOT_FOUND`, `ACCESS_DENIED` and the like; `LIMIT_EXCEEDED` above 4 MiB; `MALFORMED`.
    fn operations(&self) -> Result<Vec<Operation>> {
        let failed = |e| Error::at("read operations from", self.path.display(), e);
        let mut bytes = Vec::new();
        let file = File::open(&self.path).map_err(failed)?;
        file.take(MAX_LENGTH as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        parse_operations(&bytes).map_err(|e| {
            Error::new(e.kind(), format!("{}: {e}", self.path.display()))
                .with_source(e)
                .doing("read", self.path.display())
        })
    }
}

/// Reads a JSON document that lists operations: at most 4 MiB, and at most 10,000 operations.
///
/// It is one of these; a list may mix kinds:
///
/// - Our own: `{"operations": [{"kind": "update", "state": "running", "name": "…", "started": "2026-11-23T02:00:00Z",
///   "expected_end": "…"}]}`. `kind` and `state` are required, in the words of [`OperationKind`](super::OperationKind)
///   and [`OperationState`](super::OperationState); times must be in RFC 3339.
/// - The admin API's: a resource, a list `{"value": […]}`, or an array, of update runs and update locations
///   (`Microsoft.Update.Admin`, 2016-05-01 and 2021-07-01) and scale unit nodes (`Microsoft.Fabric.Admin`, 2016-05-01).
///   `type` identifies them, or `id` if that is missing. Resources of other types and unknown keys are ignored; an
///   invalid time counts as unknown. If a list has several pages (`nextLink`), combine their values into one.
///
/// The published API tells only the words, not what they mean for backups. So these are **assumptions**:
///
/// | Resource | State | Taken for |
/// | --- | --- | --- |
/// | update run, `properties.state` | `InProgress` | a running update |
/// | | `Failed` | a failed update; resolved when a run of the document began later and `Succeeded` |
/// | | `Succeeded` | one that ended |
/// | | `Unknown`, any other | an update in an unknown state; resolved as above |
/// | update location, `properties.state` | `UpdateInProgress` | a running update |
/// | | `UpdateFailed`, `NeedsAttention` | a failed update |
/// | | `AppliedSuccessfully`, `AppliedUpdateAvailableSuccessfully`, `UpdateAvailable`, `PreparationInProgress`, `PreparationFailed` | nothing: preparing downloads and checks only |
/// | | `Unknown`, any other | an update in an unknown state |
/// | scale unit node, `properties.scaleUnitNodeStatus` | `Maintenance`, `Repairing`, `Stopped` | a running FRU: a node that is replaced goes through all three |
/// | | `Running` | nothing |
/// | | any other | an FRU in an unknown state |
///
/// # Errors
/// `MALFORMED` for incomplete JSON or anything but the above; `LIMIT_EXCEEDED`.
pub fn parse_operations(json: &[u8]) -> Result<Vec<Operation>> {
    if json.len() > MAX_LENGTH {
        return Err(Error::new(ErrorKind::LimitExceeded, "a document of operations has more than 4 MiB"));
    }
    let malformed = |e: serde_json::Error| {
        Error::new(ErrorKind::Malformed, format!("not a JSON document of operations: {e}")).with_source(e)
    };
    let json = text(json).ok_or_else(|| none("it is not UTF-8"))?;
    let items = match serde_json::from_str(&json).map_err(malformed)? {
        Value::Array(items) => items,
        Value::Object(mut object) => match (object.remove("operations"), object.remove("value")) {
            (Some(Value::Array(items)), None) | (None, Some(Value::Array(items))) => items,
            (None, None) => vec![Value::Object(object)],
            _ => return Err(none("\"operations\" or \"value\" is not an array, or both are there")),
        },
        _ => return Err(none("it is neither an object nor an array")),
    };
    if items.len() > MAX_ITEMS {
        return Err(Error::new(ErrorKind::LimitExceeded, "a document lists more than 10,000 operations"));
    }
    let mut operations = Vec::new();
    let mut resources = Vec::new();
    for item in items {
        match item {
            Value::Object(object) if object.contains_key("kind") && !object.contains_key("properties") => {
                operations.push(Operation::deserialize(Value::Object(object)).map_err(malformed)?);
            }
            Value::Object(object) if object.contains_key("properties") => resources.push(object),
            _ => return Err(none("an item has neither \"kind\" nor \"properties\"")),
        }
    }
    operations.extend(admin::operations(&resources));
    Ok(operations)
}

fn none(why: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("not a document of operations: {why}"))
}

const MAX_LENGTH: usize = 4 << 20;
const MAX_ITEMS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_document_is_malformed_and_a_huge_one_refused() {
        let whole =
            br#"{"operations":[{"kind":"update","state":"running","started":"2026-11-23T02:00:00Z"}]}"#;
        assert_eq!(parse_operations(whole).unwrap().len(), 1);
        for end in 0..whole.len() {
            assert_eq!(parse_operations(&whole[..end]).unwrap_err().code(), "MALFORMED");
        }
        assert_eq!(parse_operations(&vec![b' '; MAX_LENGTH + 1]).unwrap_err().code(), "LIMIT_EXCEEDED");
        let many = format!("[{}]", vec!["{\"kind\":\"x\",\"state\":\"y\"}"; MAX_ITEMS + 1].join(","));
        assert_eq!(parse_operations(many.as_bytes()).unwrap_err().code(), "LIMIT_EXCEEDED");
        let deep = "[".repeat(100_000);
        assert_eq!(parse_operations(deep.as_bytes()).unwrap_err().code(), "MALFORMED");
    }

    #[test]
    fn a_time_that_cannot_be_is_refused_in_our_own_form() {
        for started in ["year 0", "10000-01-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-23T02:00:00"] {
            let text = format!(r#"[{{"kind":"fru","state":"running","started":"{started}"}}]"#);
            assert_eq!(parse_operations(text.as_bytes()).unwrap_err().code(), "MALFORMED", "{started}");
        }
    }
}
