//! Takes faults, and returns alerts.

use azs_backup::alert::{
    self, Alert, AlertKind, Context, Profile, TextClassifier as Classifier, classify_errno, classify_error,
    classify_hresult, classify_json, classify_ntstatus, classify_text, classify_win32,
};
use azs_backup::{Error, ErrorKind, Result, from_json};
use napi::Env;
use napi_derive::napi;

use crate::classification::Classification;
use crate::ffi::{invalid, json, now, optional};

#[napi]
impl Classification {
    #[napi]
    pub fn json(&self, env: Env) -> napi::Result<String> {
        now(env, || json(&self.class))
    }

    /// Classifies the same failure under another profile.
    #[napi]
    pub fn under(&self, env: Env, profile: Option<String>) -> napi::Result<Classification> {
        now(env, || {
            let profile = profile_of(profile)?;
            Ok(self.error.as_ref().map_or(self.class, |error| classify_error(error, profile)).into())
        })
    }

    #[napi]
    pub fn describe(&self, env: Env, context: String) -> napi::Result<String> {
        now(env, || Ok(self.class.describe(&read_context(&context)?)))
    }

    #[napi]
    pub fn remedy(&self, env: Env, context: String) -> napi::Result<Vec<String>> {
        now(env, || Ok(self.class.remedy(&read_context(&context)?)))
    }

    #[napi]
    pub fn alert(&self, env: Env, context: String) -> napi::Result<String> {
        now(env, || json(&Alert::new(&self.class, &read_context(&context)?)))
    }
}

/// Classifies a code: an `ntstatus`, `win32` code, `hresult` or `errno`.
#[napi]
pub fn classify_code(
    env: Env,
    form: String,
    code: f64,
    profile: Option<String>,
) -> napi::Result<Classification> {
    now(env, || {
        let profile = profile_of(profile)?;
        // JavaScript shows 32 bits with a sign or without.
        let bits = code as i64 as u32;
        Ok(Classification::from(match form.as_str() {
            "ntstatus" => classify_ntstatus(bits, profile),
            "win32" => classify_win32(bits, profile),
            "hresult" => classify_hresult(bits.cast_signed(), profile),
            _ => classify_errno(bits.cast_signed(), profile),
        }))
    })
}

#[napi(js_name = "classifyText")]
pub fn text(env: Env, text: &[u8], profile: Option<String>) -> napi::Result<Classification> {
    now(env, || Ok(Classification::from(classify_text(text, profile_of(profile)?))))
}

#[napi(js_name = "classifyJson")]
pub fn of_json(env: Env, json: &[u8], profile: Option<String>) -> napi::Result<Classification> {
    now(env, || Ok(Classification::from(classify_json(json, profile_of(profile)?)?)))
}

#[napi]
pub fn classify_kind(env: Env, kind: String) -> napi::Result<Classification> {
    now(env, || {
        let kind =
            AlertKind::from_code(&kind).ok_or_else(|| invalid("there is no such kind of alert".into()))?;
        Ok(Classification::from(alert::Classification::from(kind)))
    })
}

/// Classifies an error that Node made, by its errno or its code, and by the text of its causes.
#[napi]
pub fn classify_causes(
    env: Env,
    errno: Option<i32>,
    texts: Vec<String>,
    profile: Option<String>,
) -> napi::Result<Classification> {
    now(env, || {
        let profile = profile_of(profile)?;
        Ok(Classification::from(match errno {
            Some(errno) => classify_errno(errno, profile),
            None => classify_text(texts.join("\n"), profile),
        }))
    })
}

#[napi]
pub struct TextClassifier(Option<Classifier>);

#[napi]
impl TextClassifier {
    #[napi(constructor)]
    pub fn new(env: Env, profile: Option<String>) -> napi::Result<Self> {
        now(env, || Ok(Self(Some(Classifier::new(profile_of(profile)?)))))
    }

    #[napi]
    pub fn line(&mut self, env: Env, line: &[u8]) -> napi::Result<()> {
        now(env, || {
            self.0.as_mut().ok_or_else(finished)?.line(line);
            Ok(())
        })
    }

    #[napi]
    pub fn finish(&mut self, env: Env) -> napi::Result<Classification> {
        now(env, || Ok(Classification::from(self.0.take().ok_or_else(finished)?.finish())))
    }
}

#[napi]
pub fn parse_alerts(env: Env, text: &[u8]) -> napi::Result<String> {
    now(env, || json(&Alert::parse_list(text)?))
}

#[napi]
pub fn alert_kind_of_fault_type(id: String) -> Option<&'static str> {
    AlertKind::from_fault_type_id(&id).map(AlertKind::code)
}

#[napi]
pub fn alert_kinds() -> Vec<&'static str> {
    AlertKind::ALL.iter().map(|kind| kind.code()).collect()
}

#[napi]
pub fn error_kinds() -> Vec<&'static str> {
    ErrorKind::ALL.iter().map(|kind| kind.code()).collect()
}

#[napi]
pub fn version() -> &'static str {
    azs_backup::VERSION
}

/// What to say of an option that is none of these.
#[napi]
pub fn no_option(unknown: String, known: Vec<String>) -> String {
    azs_backup::no_option(&unknown, &known.iter().map(String::as_str).collect::<Vec<_>>())
}

fn profile_of(profile: Option<String>) -> Result<Profile> {
    Ok(optional(profile)?.unwrap_or_default())
}

fn read_context(context: &str) -> Result<Context> {
    from_json("the context of an alert", context)
}

fn finished() -> Error {
    invalid("the classifier has finished; make a new one".into())
}
