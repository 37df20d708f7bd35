//! Takes faults, and returns alerts.

use std::ffi::c_char;
use std::ptr::NonNull;

use azs::alert::{
    Alert, Classification, Context, Profile, TextClassifier, classify_chain, classify_errno,
    classify_hresult, classify_json, classify_ntstatus, classify_text, classify_win32,
};
use azs::{Error, Result, from_json};

use crate::alert_kind::{azs_alert_kind, kind_of};
use crate::classification::azs_classification;
use crate::error::{azs_error, azs_status};
use crate::ffi::{Alone, Data, Slot, Text, alone, guard, handle, invalid, slot};

fn profile(profile: &Text) -> Result<Profile> {
    Ok(profile.parse_optional("profile")?.unwrap_or_default())
}

/// Classifies an NTSTATUS. `profile` is "refined", "microsoft-2301" or NULL for the first, here and below.
#[unsafe(no_mangle)]
pub extern "C" fn azs_classify_ntstatus(
    status: u32,
    profile: Text,
    classification: Slot<'_, azs_classification>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(classification, "classification")?;
        out.give(classify_ntstatus(status, self::profile(&profile)?).into());
        Ok(())
    })
}

/// Classifies a Win32 error code.
#[unsafe(no_mangle)]
pub extern "C" fn azs_classify_win32(
    code: u32,
    profile: Text,
    classification: Slot<'_, azs_classification>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(classification, "classification")?;
        out.give(classify_win32(code, self::profile(&profile)?).into());
        Ok(())
    })
}

/// Classifies an HRESULT.
#[unsafe(no_mangle)]
pub extern "C" fn azs_classify_hresult(
    result: i32,
    profile: Text,
    classification: Slot<'_, azs_classification>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(classification, "classification")?;
        out.give(classify_hresult(result, self::profile(&profile)?).into());
        Ok(())
    })
}

/// Classifies an errno of the system that the library was built for; its sign does not matter.
#[unsafe(no_mangle)]
pub extern "C" fn azs_classify_errno(
    number: i32,
    profile: Text,
    classification: Slot<'_, azs_classification>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(classification, "classification")?;
        out.give(classify_errno(number, self::profile(&profile)?).into());
        Ok(())
    })
}

/// Classifies an error of this library under any profile; `azs_error_alert` uses "refined".
#[unsafe(no_mangle)]
pub extern "C" fn azs_classify_error(
    failure: Option<&azs_error>,
    profile: Text,
    classification: Slot<'_, azs_classification>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(classification, "classification")?;
        let failure = handle(failure, "failure")?;
        out.give(classify_chain(failure.inner(), self::profile(&profile)?).into());
        Ok(())
    })
}

/// Classifies text: a line that a tool printed, or a whole log. It need not be UTF-8.
#[unsafe(no_mangle)]
pub extern "C" fn azs_classify_text(
    text: Data,
    length: usize,
    profile: Text,
    classification: Slot<'_, azs_classification>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(classification, "classification")?;
        out.give(classify_text(text.get(length, "text")?, self::profile(&profile)?).into());
        Ok(())
    })
}

/// Classifies an alert, or a listing of alerts, in the JSON of the admin API.
#[unsafe(no_mangle)]
pub extern "C" fn azs_classify_json(
    json: Data,
    length: usize,
    profile: Text,
    classification: Slot<'_, azs_classification>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(classification, "classification")?;
        out.give(classify_json(json.get(length, "json")?, self::profile(&profile)?)?.into());
        Ok(())
    })
}

/// Returns the classification of an alert that no failure raises: an almost full share, an expiring certificate. `kind`
/// is an `azs_alert_kind`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_classify_kind(
    kind: i32,
    classification: Slot<'_, azs_classification>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(classification, "classification")?;
        let kind = kind_of(kind).ok_or_else(|| invalid(format!("there is no kind of alert {kind}")))?;
        out.give(Classification::from(kind).into());
        Ok(())
    })
}

/// Classifies text line by line. Free it with `azs_text_classifier_free`.
///
/// Threads: one at a time.
pub struct azs_text_classifier(Alone<Option<TextClassifier>>);

/// Makes a classifier that has seen nothing.
#[unsafe(no_mangle)]
pub extern "C" fn azs_text_classifier_new(
    profile: Text,
    classifier: Slot<'_, azs_text_classifier>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(classifier, "classifier")?;
        out.give(azs_text_classifier(Alone::new(Some(TextClassifier::new(self::profile(&profile)?)))));
        Ok(())
    })
}

/// Reads one more line.
#[unsafe(no_mangle)]
pub extern "C" fn azs_text_classifier_line(
    classifier: Option<NonNull<azs_text_classifier>>,
    line: Data,
    length: usize,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let line = line.get(length, "line")?;
        alone(
            classifier,
            "classifier",
            |handle| &handle.0,
            |classifier| {
                classifier.as_mut().ok_or_else(finished)?.line(line);
                Ok(())
            },
        )
    })
}

/// Classifies all lines together. The classifier takes no more lines; you still have to free it.
#[unsafe(no_mangle)]
pub extern "C" fn azs_text_classifier_finish(
    classifier: Option<NonNull<azs_text_classifier>>,
    classification: Slot<'_, azs_classification>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(classification, "classification")?;
        let take = |classifier: &mut Option<TextClassifier>| classifier.take().ok_or_else(finished);
        out.give(alone(classifier, "classifier", |handle| &handle.0, take)?.finish().into());
        Ok(())
    })
}

/// Frees a classifier. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_text_classifier_free(classifier: Option<Box<azs_text_classifier>>) {
    drop(classifier);
}

fn finished() -> Error {
    invalid("the classifier has finished; make a new one".into())
}

/// Returns the kind; `AZS_ALERT_KIND_NONE` for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn azs_classification_kind(classification: Option<&azs_classification>) -> azs_alert_kind {
    classification.map_or(azs_alert_kind::None, |class| azs_alert_kind::of(class.0.kind()))
}

/// Returns which of the documented five the kind belongs to; `AZS_ALERT_KIND_NONE` for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn azs_classification_documented_kind(
    classification: Option<&azs_classification>,
) -> azs_alert_kind {
    classification.map_or(azs_alert_kind::None, |class| azs_alert_kind::of(class.0.documented_kind().kind()))
}

/// Whether anything failed: false for codes that report no failure, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn azs_classification_is_failure(classification: Option<&azs_classification>) -> bool {
    classification.is_some_and(|class| class.0.is_failure())
}

/// Returns everything as JSON: kinds, confidence, severity, title, advice on retrying, evidence.
#[unsafe(no_mangle)]
pub extern "C" fn azs_classification_json(
    classification: Option<&azs_classification>,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || slot(json, "json")?.json(&handle(classification, "classification")?.0))
}

/// Returns what happened, in up to three sentences. `context` is JSON with `id`, `now`, `location`, `share`, `path`,
/// `account` and `operation`. Only `id` is required.
#[unsafe(no_mangle)]
pub extern "C" fn azs_classification_describe(
    classification: Option<&azs_classification>,
    context: Text,
    text: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(text, "text")?;
        out.text(handle(classification, "classification")?.0.describe(&self::context(&context)?));
        Ok(())
    })
}

/// Returns what to do next, step by step: a JSON array of texts. `context` is as above.
#[unsafe(no_mangle)]
pub extern "C" fn azs_classification_remedy(
    classification: Option<&azs_classification>,
    context: Text,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(json, "json")?;
        out.json(&handle(classification, "classification")?.0.remedy(&self::context(&context)?))
    })
}

/// Makes an active alert for the failure, as JSON of the admin API. `context` is as above.
#[unsafe(no_mangle)]
pub extern "C" fn azs_classification_alert(
    classification: Option<&azs_classification>,
    context: Text,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(json, "json")?;
        out.json(&Alert::new(&handle(classification, "classification")?.0, &self::context(&context)?))
    })
}

/// Frees a classification. Don't free one from `azs_error_alert`: it belongs to its error. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_classification_free(classification: Option<Box<azs_classification>>) {
    drop(classification);
}

/// Reads the alerts of a listing, an array or one alert. Returns a JSON array of alerts.
#[unsafe(no_mangle)]
pub extern "C" fn azs_alerts_parse(
    json: Data,
    length: usize,
    alerts: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || slot(alerts, "alerts")?.json(&Alert::parse_list(json.get(length, "json")?)?))
}

fn context(json: &Text) -> Result<Context> {
    from_json("the context of an alert", json.get("context")?)
}
