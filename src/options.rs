//! Options as plain data, the same in every language: JSON objects.

/// Reads options from a JSON object. Serde would also accept an array, with values by position instead of by name.
///
/// # Errors
/// `INVALID_ARGUMENT`, naming `what`, for anything else and for an unknown option.
pub(crate) fn from_json<T: serde::de::DeserializeOwned>(what: &str, json: &[u8]) -> crate::Result<T> {
    let refused =
        |e| crate::Error::new(crate::ErrorKind::InvalidArgument, format!("{what}: {e}")).with_source(e);
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(json).map_err(refused)?;
    serde_json::from_value(object.into()).map_err(refused)
}
