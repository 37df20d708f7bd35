//! The boundary to C: checks what comes in, and hands over what goes out.
//!
//! Nearly all `unsafe` code of this library is in this file. Functions take the types below; only C can make them, and
//! the header prints them as plain pointers.

use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::ptr::NonNull;
use std::str::FromStr;
use std::sync::{Arc, Mutex, TryLockError};

use azs::{Error, ErrorKind, Result};
use serde::Serialize;

use crate::error::{azs_error, azs_status};
use crate::memory::c_string;

/// The place for a result that the caller gets.
pub(crate) type Slot<'a, T> = Option<&'a mut MaybeUninit<*mut T>>;

/// Runs the body of a function. A failure goes to the caller's error; a panic does not leave the library.
pub(crate) fn guard(error: Slot<'_, azs_error>, body: impl FnOnce() -> Result<()>) -> azs_status {
    let result = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| {
        Err(Error::new(
            ErrorKind::Internal,
            "the library failed in a way that it never should; please report it",
        ))
    });
    let (status, pointer) = match result {
        Ok(()) => (azs_status::Ok, std::ptr::null_mut()),
        Err(failure) => {
            let status = azs_status::of(failure.kind());
            let wanted = error.is_some();
            let new = || Box::into_raw(Box::new(azs_error::new(failure)));
            (status, if wanted { new() } else { std::ptr::null_mut() })
        }
    };
    if let Some(slot) = error {
        slot.write(pointer);
    }
    status
}

/// The same for functions that return no status: on a panic they return a neutral value.
pub(crate) fn quietly<T>(nothing: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(nothing)
}

/// Returns the place for a result, and sets it to NULL.
pub(crate) fn slot<'a, T>(out: Slot<'a, T>, name: &str) -> Result<Giver<'a, T>> {
    let out = out.ok_or_else(|| null(name))?;
    out.write(std::ptr::null_mut());
    Ok(Giver(out))
}

/// Hands a result to the caller.
pub(crate) struct Giver<'a, T>(&'a mut MaybeUninit<*mut T>);

impl<T> Giver<'_, T> {
    /// Hands over a handle, which its own function frees.
    pub(crate) fn give(self, value: T) {
        self.0.write(Box::into_raw(Box::new(value)));
    }
}

impl Giver<'_, c_char> {
    /// Hands over text, which `azs_string_free` frees.
    pub(crate) fn text(self, text: impl Into<String>) {
        self.0.write(c_string(text.into()).into_raw());
    }

    /// Hands over plain data as JSON text, which `azs_string_free` frees.
    pub(crate) fn json(self, value: &(impl Serialize + ?Sized)) -> Result<()> {
        let json = serde_json::to_string(value).map_err(|e| {
            Error::new(ErrorKind::Internal, "a result cannot be written as JSON").with_source(e)
        })?;
        self.text(json);
        Ok(())
    }
}

/// A handle that must not be NULL.
pub(crate) fn handle<'a, T>(handle: Option<&'a T>, name: &str) -> Result<&'a T> {
    handle.ok_or_else(|| null(name))
}

/// What is behind a handle that only one call at a time may use. A call at work keeps it alive, so the caller's
/// function or another thread may free the handle meanwhile: it then ends with that call.
pub(crate) struct Alone<T>(Arc<Mutex<T>>);

impl<T> Alone<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(value)))
    }
}

/// Works with what is behind a handle. Refuses while another call does, in another thread or further up in this one.
pub(crate) fn alone<H, T, R>(
    handle: Option<NonNull<H>>,
    name: &str,
    inside: impl FnOnce(&H) -> &Alone<T>,
    work: impl FnOnce(&mut T) -> Result<R>,
) -> Result<R> {
    let kept = Arc::clone(&inside(looked_at(handle, name)?).0);
    let mut held = match kept.try_lock() {
        Ok(held) => held,
        Err(TryLockError::Poisoned(held)) => held.into_inner(),
        Err(TryLockError::WouldBlock) => {
            return Err(invalid(format!(
                "{name} is in use: one call at a time, and none from its own functions"
            )));
        }
    };
    work(&mut held)
}

/// A handle for one call at a time, used only briefly: before any of the caller's functions is called.
pub(crate) fn looked_at<'a, H>(handle: Option<NonNull<H>>, name: &str) -> Result<&'a H> {
    let handle = handle.ok_or_else(|| null(name))?;
    // SAFETY: the header asks for a handle that was not freed.
    Ok(unsafe { handle.as_ref() })
}

/// A counted reference to what is behind a handle that must not be NULL. The caller's function may free the handle
/// meanwhile.
pub(crate) fn lent<H, T: Clone>(handle: *const H, name: &str, inside: impl FnOnce(&H) -> &T) -> Result<T> {
    if handle.is_null() {
        return Err(null(name));
    }
    // SAFETY: the header asks for a handle that was not freed. It is only looked at before functions of the caller are
    // called.
    Ok(inside(unsafe { &*handle }).clone())
}

/// Handles in an array.
pub(crate) fn handles<'a, T>(first: *const *const T, count: usize, name: &str) -> Result<Vec<&'a T>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if first.is_null() {
        return Err(null(name));
    }
    if count > MOST_HANDLES {
        return Err(invalid(format!("{count} {name} are more than the {MOST_HANDLES} that can be given")));
    }
    // SAFETY: the header asks for `count` pointers to live handles at `first`; NULL is looked for below.
    let all = unsafe { std::slice::from_raw_parts(first.cast::<Option<&'a T>>(), count) };
    all.iter().map(|one| one.ok_or_else(|| null(name))).collect()
}

/// Texts in an array, each of which may be NULL; without an array all of them are.
pub(crate) fn texts<'a>(
    first: *const *const c_char,
    count: usize,
    name: &str,
) -> Result<Vec<Option<&'a str>>> {
    if first.is_null() {
        return Ok(vec![None; count]);
    }
    // SAFETY: the header asks for `count` texts at `first`, which stay as they are during the call.
    let all = unsafe { std::slice::from_raw_parts(first.cast::<Text>(), count) };
    all.iter().map(|text| text.optional(name)).collect()
}

/// The caller's text: NUL-terminated UTF-8.
#[repr(transparent)]
pub struct Text(*const c_char);

impl Text {
    /// Returns the text, which must not be NULL.
    pub(crate) fn get(&self, name: &str) -> Result<&str> {
        self.optional(name)?.ok_or_else(|| null(name))
    }

    /// Returns the text; `None` for NULL.
    pub(crate) fn optional(&self, name: &str) -> Result<Option<&str>> {
        if self.0.is_null() {
            return Ok(None);
        }
        // SAFETY: the header asks for a NUL-terminated text that stays as it is during the call.
        let text = unsafe { CStr::from_ptr(self.0) };
        text.to_str().map(Some).map_err(|_| invalid(format!("{name} is not UTF-8")))
    }

    /// Parses the text, which must not be NULL, as a type of the core.
    pub(crate) fn parse<T: FromStr<Err = Error>>(&self, name: &str) -> Result<T> {
        self.get(name)?.parse()
    }

    /// Does the same; `None` for NULL.
    pub(crate) fn parse_optional<T: FromStr<Err = Error>>(&self, name: &str) -> Result<Option<T>> {
        self.optional(name)?.map(str::parse).transpose()
    }

    /// Parses a time in RFC 3339; NULL means now.
    pub(crate) fn time(&self, name: &str) -> Result<jiff::Timestamp> {
        Ok(self.optional_time(name)?.unwrap_or_else(jiff::Timestamp::now))
    }

    /// Parses a time in RFC 3339; `None` for NULL.
    pub(crate) fn optional_time(&self, name: &str) -> Result<Option<jiff::Timestamp>> {
        let wrong = |e| invalid(format!("{name} is not a time like 2026-11-23T02:00:00Z")).with_source(e);
        self.optional(name)?.map(|text| text.parse().map_err(wrong)).transpose()
    }
}

/// A path of this host: NUL-terminated, in the system's encoding; on Windows in UTF-8.
#[repr(transparent)]
pub struct FilePath(Text);

impl FilePath {
    /// Returns the path, which must not be NULL.
    pub(crate) fn get(&self, name: &str) -> Result<&Path> {
        if self.0.0.is_null() {
            return Err(null(name));
        }
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;
            // SAFETY: as for `Text`.
            let path = unsafe { CStr::from_ptr(self.0.0) };
            Ok(Path::new(std::ffi::OsStr::from_bytes(path.to_bytes())))
        }
        #[cfg(not(unix))]
        self.0.get(name).map(Path::new)
    }
}

/// Where the caller's bytes begin.
#[repr(transparent)]
pub struct Data(*const u8);

impl Data {
    /// Returns the bytes. NULL is allowed if there are none.
    pub(crate) fn get(&self, length: usize, name: &str) -> Result<&[u8]> {
        if length == 0 {
            return Ok(&[]);
        }
        if self.0.is_null() {
            return Err(null(name));
        }
        if isize::try_from(length).is_err() {
            return Err(invalid(format!("{name} cannot have {length} bytes")));
        }
        // SAFETY: the header asks for that many bytes, which stay as they are during the call.
        Ok(unsafe { std::slice::from_raw_parts(self.0, length) })
    }
}

/// Makes the error for a call that makes no sense as it is.
pub(crate) fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

fn null(name: &str) -> Error {
    invalid(format!("{name} is NULL"))
}

const MOST_HANDLES: usize = 1 << 20;
