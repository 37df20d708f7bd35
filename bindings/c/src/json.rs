//! Looks up plain data, so that a program needs no JSON library to read an answer.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use azs::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::error::{azs_error, azs_status};
use crate::ffi::{Slot, Text, guard, invalid, slot};

/// A place for a number or a truth value.
type Place<'a, T> = Option<&'a mut MaybeUninit<T>>;

/// Looks up a place in JSON.
fn at(json: &Text, pointer: &Text) -> Result<Value> {
    let (text, path) = (json.get("json")?, pointer.get("pointer")?);
    if !path.is_empty() && !path.starts_with('/') {
        return Err(invalid(format!("pointer {path:?} does not begin with a slash, as /stored/bytes does")));
    }
    let mut json: Value = serde_json::from_str(text)
        .map_err(|e| Error::new(ErrorKind::Malformed, "json is not JSON").with_source(e))?;
    let found = json.pointer_mut(path).map(Value::take);
    found.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("the JSON has no {path}")))
}

/// Hands over what is at a place in JSON; the result is 0 or false if the call fails.
fn give<T: Default>(
    (json, pointer): (&Text, &Text),
    (out, name): (Place<'_, T>, &str),
    kind: &str,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<()> {
    let out = out.ok_or_else(|| invalid(format!("{name} is NULL")))?;
    out.write(T::default());
    let (value, path) = (at(json, pointer)?, pointer.get("pointer")?);
    if value.is_null() {
        return Err(Error::new(ErrorKind::NotFound, format!("{path} is null in the JSON")));
    }
    out.write(read(&value).ok_or_else(|| invalid(format!("{path} is not {kind}")))?);
    Ok(())
}

/// Looks up text in JSON from this library: `azs_json_text(report, "/set", &set, &error)`. `pointer` is a JSON Pointer
/// (RFC 6901): the names of members and the numbers of items, each after a slash. Returns NULL for null. Fails with
/// `AZS_STATUS_NOT_FOUND` if it is missing: some members are left out if they have no value.
///
/// Each call reads the JSON from its beginning. For each item of a long list, call `azs_sets_item`, `azs_entries_next`
/// or `azs_json_part` first.
#[unsafe(no_mangle)]
pub extern "C" fn azs_json_text(
    json: Text,
    pointer: Text,
    text: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(text, "text")?;
        match at(&json, &pointer)? {
            // Text in C would end there.
            Value::String(text) if text.contains('\0') => {
                return Err(invalid(format!("{} holds a null character", pointer.get("pointer")?)));
            }
            Value::String(text) => out.text(text),
            Value::Null => {}
            _ => return Err(invalid(format!("{} is not text", pointer.get("pointer")?))),
        }
        Ok(())
    })
}

/// Looks up a whole number in JSON: "/stored/bytes". If it is null or missing, fails with `AZS_STATUS_NOT_FOUND`, and
/// `value` is 0.
#[unsafe(no_mangle)]
pub extern "C" fn azs_json_number(
    json: Text,
    pointer: Text,
    value: Option<&mut MaybeUninit<i64>>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        give((&json, &pointer), (value, "value"), "a whole number of 64 bits with a sign", Value::as_i64)
    })
}

/// Looks up a truth value in JSON: "/is_sound". If it is null or missing, fails with `AZS_STATUS_NOT_FOUND`, and
/// `value` is false.
#[unsafe(no_mangle)]
pub extern "C" fn azs_json_bool(
    json: Text,
    pointer: Text,
    value: Option<&mut MaybeUninit<bool>>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || give((&json, &pointer), (value, "value"), "true or false", Value::as_bool))
}

/// Counts the items of a list in JSON: "/faults", or "" for the JSON itself. If it is null or missing, fails with
/// `AZS_STATUS_NOT_FOUND`, and `count` is 0.
#[unsafe(no_mangle)]
pub extern "C" fn azs_json_count(
    json: Text,
    pointer: Text,
    count: Option<&mut MaybeUninit<usize>>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    let length = |value: &Value| value.as_array().map(Vec::len);
    guard(error, || give((&json, &pointer), (count, "count"), "a list", length))
}

/// Takes out a part of JSON: "/deletions/0", or "/running" for a job that `azs_job_end` accepts. Fails with
/// `AZS_STATUS_NOT_FOUND` if it is missing.
#[unsafe(no_mangle)]
pub extern "C" fn azs_json_part(
    json: Text,
    pointer: Text,
    part: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || slot(part, "part")?.json(&at(&json, &pointer)?))
}
