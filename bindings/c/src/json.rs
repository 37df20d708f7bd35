//! A look into plain data, so that a program needs no JSON library to read an answer.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use azs::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::error::{azs_error, azs_status};
use crate::ffi::{Slot, Text, guard, invalid, slot};

/// A place for a number or a truth value.
type Place<'a, T> = Option<&'a mut MaybeUninit<T>>;

/// What is at a place in JSON.
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

/// Gives what is at a place in JSON, which holds 0 or false if the call fails.
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

/// Text in JSON that this library gave: `azs_json_text(report, "/set", &set, &error)`. `pointer` is a JSON Pointer
/// (RFC 6901): the names of members and the numbers of items, each after a slash. Gives NULL if it is null.
/// `AZS_STATUS_NOT_FOUND` if it is not there: some members are left out when there is nothing to say.
///
/// Each call reads the JSON from its beginning. For each item of a long list take `azs_sets_item`,
/// `azs_entries_next` or `azs_json_part` first.
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
            // C text would end there.
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

/// A whole number in JSON: "/stored/bytes". `AZS_STATUS_NOT_FOUND` if it is null or not there; `value` is 0 then.
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

/// A truth value in JSON: "/is_sound". `AZS_STATUS_NOT_FOUND` if it is null or not there; `value` is false then.
#[unsafe(no_mangle)]
pub extern "C" fn azs_json_bool(
    json: Text,
    pointer: Text,
    value: Option<&mut MaybeUninit<bool>>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || give((&json, &pointer), (value, "value"), "true or false", Value::as_bool))
}

/// How many items a list in JSON has: "/faults", or "" for the JSON itself. `AZS_STATUS_NOT_FOUND` if it is null or not
/// there; `count` is 0 then.
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

/// A part of JSON, as JSON of its own: "/deletions/0", or "/running" for a job that `azs_job_end` takes.
/// `AZS_STATUS_NOT_FOUND` if it is not there.
#[unsafe(no_mangle)]
pub extern "C" fn azs_json_part(
    json: Text,
    pointer: Text,
    part: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || slot(part, "part")?.json(&at(&json, &pointer)?))
}
