//! A look into plain data, so that a program needs no JSON library for what every program asks.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use azs::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::error::{azs_error, azs_status};
use crate::ffi::{Slot, Text, guard, invalid, slot};

/// What stands at a place in JSON; none where it is not there.
fn at(json: &Text, pointer: &Text) -> Result<Option<Value>> {
    let (text, path) = (json.get("json")?, pointer.get("pointer")?);
    if !path.is_empty() && !path.starts_with('/') {
        return Err(invalid(format!("pointer {path} does not begin with a slash, like /content/files")));
    }
    let mut json: Value = serde_json::from_str(text)
        .map_err(|e| Error::new(ErrorKind::Malformed, "this is not JSON").with_source(e))?;
    Ok(json.pointer_mut(path).map(Value::take))
}

/// The same for what has to be there, and has to be of a kind.
fn of_kind<T>(json: &Text, pointer: &Text, kind: &str, read: impl FnOnce(&Value) -> Option<T>) -> Result<T> {
    let path = pointer.get("pointer")?;
    let value = at(json, pointer)?
        .ok_or_else(|| Error::new(ErrorKind::NotFound, format!("the JSON has no {path}")))?;
    read(&value).ok_or_else(|| invalid(format!("{path} is not {kind}")))
}

/// The place for a number, which holds 0 from now on.
fn number<'a, T: Default>(out: Option<&'a mut MaybeUninit<T>>, name: &str) -> Result<&'a mut MaybeUninit<T>> {
    let out = out.ok_or_else(|| invalid(format!("{name} is NULL")))?;
    out.write(T::default());
    Ok(out)
}

/// A text in JSON that this library gave: `azs_json_text(report, "/folder", &folder, &error)`. `pointer` is a JSON
/// Pointer (RFC 6901): names and numbers of items, each after a slash. Gives NULL where the text is null or left out.
///
/// Each call reads the whole JSON: for one that has thousands of items take a JSON library.
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
            Some(Value::String(text)) => out.text(text),
            None | Some(Value::Null) => {}
            Some(_) => return Err(invalid(format!("{} is not a text", pointer.get("pointer")?))),
        }
        Ok(())
    })
}

/// A number in JSON, such as "/content/files" or "/freed_bytes"; a fraction is cut off. `AZS_STATUS_NOT_FOUND` where it
/// is not there.
#[unsafe(no_mangle)]
pub extern "C" fn azs_json_number(
    json: Text,
    pointer: Text,
    value: Option<&mut MaybeUninit<i64>>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = number(value, "value")?;
        let read = |value: &Value| value.as_i64().or_else(|| value.as_f64().map(|real| real as i64));
        out.write(of_kind(&json, &pointer, "a number", read)?);
        Ok(())
    })
}

/// Whether something in JSON is true, such as "/is_sound". `AZS_STATUS_NOT_FOUND` where it is not there.
#[unsafe(no_mangle)]
pub extern "C" fn azs_json_is_true(
    json: Text,
    pointer: Text,
    value: Option<&mut MaybeUninit<bool>>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = number(value, "value")?;
        out.write(of_kind(&json, &pointer, "true or false", Value::as_bool)?);
        Ok(())
    })
}

/// How many items a list in JSON has, such as "/problems" or "/faults"; those of the JSON itself for "".
/// `AZS_STATUS_NOT_FOUND` where it is not there.
#[unsafe(no_mangle)]
pub extern "C" fn azs_json_count(
    json: Text,
    pointer: Text,
    count: Option<&mut MaybeUninit<usize>>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = number(count, "count")?;
        out.write(of_kind(&json, &pointer, "a list", |value| value.as_array().map(Vec::len))?);
        Ok(())
    })
}
