//! The review of a configuration and a share by the best practices.

use std::ffi::c_char;

use azs::review::{Configuration, RULES, Review, review_with};

use crate::envelope::azs_opener;
use crate::error::{azs_error, azs_status};
use crate::ffi::{Data, Slot, Text, guard, handle, slot};
use crate::mas_backup::keys;
use crate::share::azs_share;
use crate::survey::opened;

/// What a review found. Free it with `azs_review_free`.
///
/// Threads: it never changes. Several threads may use it at once.
pub struct azs_review(Review);

/// Reviews a configuration, a JSON document, and the share whose root it names. `opener` may be NULL, or else is tried on
/// what the newest backup of Azure Stack Hub needs: a drill. `copies` are other shares, of which the newest copies are looked
/// for, or NULL and 0. `now` may be NULL for the present.
#[unsafe(no_mangle)]
pub extern "C" fn azs_review_new(
    configuration: Data,
    length: usize,
    share: Option<&azs_share>,
    copies: *const *const azs_share,
    copy_count: usize,
    opener: *const azs_opener,
    now: Text,
    found: Slot<'_, azs_review>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(found, "found")?;
        let configuration = Configuration::from_json(configuration.get(length, "configuration")?)?;
        let copies: Vec<_> = opened(copies, copy_count)?.into_iter().map(Ok).collect();
        let (share, keys) = (handle(share, "share")?.0.clone(), keys(opener)?);
        out.give(azs_review(review_with(&configuration, share, &copies, &keys, now.time("now")?)?));
        Ok(())
    })
}

/// Returns what it found, as JSON: `findings` with `rule`, `severity`, `about`, `seen` and what to do, `silenced`,
/// `components`, `space`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_review_json(
    review: Option<&azs_review>,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || slot(json, "json")?.json(&handle(review, "review")?.0))
}

/// Returns it as a table for a terminal.
#[unsafe(no_mangle)]
pub extern "C" fn azs_review_to_table(
    review: Option<&azs_review>,
    text: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        slot(text, "text")?.text(handle(review, "review")?.0.to_table());
        Ok(())
    })
}

/// Returns it as an HTML page.
#[unsafe(no_mangle)]
pub extern "C" fn azs_review_to_html(
    review: Option<&azs_review>,
    html: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        slot(html, "html")?.text(handle(review, "review")?.0.to_html());
        Ok(())
    })
}

/// Frees a review. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_review_free(review: Option<Box<azs_review>>) {
    drop(review);
}

/// Returns the rules, as a JSON array: `rule`, `severity`, `title`, `why`, `practice`, `remedy`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_review_rules(json: Slot<'_, c_char>, error: Slot<'_, azs_error>) -> azs_status {
    guard(error, || slot(json, "json")?.json(&RULES))
}
