//! The boundary to the other language: errors, promises, plain data.

use std::error::Error as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;

use azs_backup::{Error, ErrorKind, Result};
use jiff::Timestamp;
use napi::bindgen_prelude::{AsyncTask, JavaScriptClassExt, Object, ToNapiValue, TypeName, Unknown};
use napi::{Env, JsError, JsValue, Task};
use napi_derive::napi;
use serde::Serialize;

use crate::classification::Classification;
use crate::threads;

/// Makes the error for JavaScript: its message, `code`, `causes` and `alert`. `lib/ffi.js` turns it into a
/// `BackupError`.
pub(crate) fn refused(env: Env, error: Error) -> napi::Error {
    let made = move || -> napi::Result<napi::Error> {
        let mut object = env.create_error(napi::Error::from_reason(error.to_string()))?;
        let mut causes = Vec::new();
        let mut next = error.source();
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        object.set("code", error.code())?;
        object.set("causes", causes)?;
        object.set("path", error.path())?;
        object.set("operation", error.operation())?;
        object.set("set", error.set())?;
        object.set("alert", Classification::from(error).into_instance(&env)?)?;
        Ok(napi::Error::from(object.to_unknown()))
    };
    made().unwrap_or_else(|failed| failed)
}

/// Makes an error of this kind, for what `lib` finds by itself.
#[napi]
pub fn refusal(env: Env, code: String, message: String) -> napi::Result<Unknown<'static>> {
    let kind = ErrorKind::ALL.iter().find(|kind| kind.code() == code).copied().unwrap_or(ErrorKind::Internal);
    Ok(JsError::from(refused(env, Error::new(kind, message))).into_unknown(env))
}

/// Runs work on the calling thread.
pub(crate) fn now<T>(env: Env, work: impl FnOnce() -> Result<T>) -> napi::Result<T> {
    caught(work).map_err(|error| refused(env, error))
}

/// Work for one of Node's worker threads.
pub struct Work<T> {
    work: Option<Box<dyn FnOnce() -> Result<T> + Send>>,
}

/// Returns a promise of the work's result. Use it for work that only computes, and not for long: Node has four such
/// threads, and needs them for its own files, names and ciphers.
pub(crate) type Promise<T> = AsyncTask<Work<T>>;

pub(crate) fn soon<T>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Promise<T>
where
    T: ToNapiValue + TypeName + Send + 'static,
{
    AsyncTask::new(Work { work: Some(Box::new(work)) })
}

impl<T: ToNapiValue + TypeName + Send + 'static> Task for Work<T> {
    type Output = Result<T>;
    type JsValue = T;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let lost = || Err(Error::new(ErrorKind::Internal, "the work was asked for twice"));
        Ok(self.work.take().map_or_else(lost, caught))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<T> {
        output.map_err(|error| refused(env, error))
    }
}

/// Returns a promise of the result of work that reads files or a share, and may hang with them. It runs on a thread of
/// this library, so none of Node's few worker threads waits with it. More than [`MOST`] at once wait for one another.
pub(crate) fn long<T>(
    env: &Env,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> napi::Result<Object<'_>>
where
    T: ToNapiValue + Send + 'static,
{
    elsewhere(env, work, threads::soon)
}

/// The same for work that waits for JavaScript. It never waits for other work, because JavaScript may be waiting for
/// that.
pub(crate) fn streaming<T>(
    env: &Env,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> napi::Result<Object<'_>>
where
    T: ToNapiValue + Send + 'static,
{
    elsewhere(env, work, threads::now)
}

fn elsewhere<T>(
    env: &Env,
    work: impl FnOnce() -> Result<T> + Send + 'static,
    run: impl FnOnce(threads::Job) -> std::io::Result<()>,
) -> napi::Result<Object<'_>>
where
    T: ToNapiValue + Send + 'static,
{
    let (deferred, promise) = env.create_deferred()?;
    run(Box::new(move || {
        let done = caught(work);
        deferred.resolve(move |env| done.map_err(|error| refused(env, error)));
    }))
    .map_err(|error| refused(*env, Error::io("start a thread", error)))?;
    Ok(promise)
}

/// Turns a panic into an error.
fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Error::new(
            ErrorKind::Internal,
            "the library failed in a way that it never should; please report it",
        ))
    })
}

/// Converts plain data to JSON.
pub(crate) fn json(value: &(impl Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|e| Error::new(ErrorKind::Internal, "a result cannot be written as JSON").with_source(e))
}

/// Parses a time in RFC 3339; by default now.
pub(crate) fn time(text: Option<String>) -> Result<Timestamp> {
    Ok(optional_time(text)?.unwrap_or_else(Timestamp::now))
}

pub(crate) fn optional_time(text: Option<String>) -> Result<Option<Timestamp>> {
    let wrong = |e| invalid("a time is not like 2026-11-23T02:00:00Z".into()).with_source(e);
    text.map(|text| text.parse().map_err(wrong)).transpose()
}

/// An option that you may omit.
pub(crate) fn optional<T: FromStr<Err = Error>>(text: Option<String>) -> Result<Option<T>> {
    text.map(|text| text.parse()).transpose()
}

pub(crate) fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}
