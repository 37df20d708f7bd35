//! Decides what to keep: make a plan, then carry it out.

use std::ffi::{c_char, c_void};
use std::ops::ControlFlow;

use azs::from_json;
use azs::layout::SharePath;
use azs::observer::Observer;
use azs::schedule::{Candidate, RetentionPlan, RetentionPolicy};
use azs::share::Space;
use serde::Deserialize;

use crate::error::{azs_error, azs_status};
use crate::ffi::{Slot, Text, guard, handle, lent, slot};
use crate::memory::c_string;
use crate::share::{azs_sets, azs_share};

/// Which sets of a deployment to keep. Free it with `azs_retention_policy_free`.
///
/// Threads: it never changes. Several threads may use it at once.
pub struct azs_retention_policy(pub(crate) RetentionPolicy);

/// Which sets to delete and which to keep. Free it with `azs_retention_plan_free`.
///
/// Threads: it never changes. Several threads may use it at once.
pub struct azs_retention_plan(RetentionPlan);

/// Receives each deletion as JSON before it happens, on the calling thread. Return true to go on, or false to stop
/// there. It must return: no longjmp, no exception.
pub type azs_deletion_fn =
    Option<unsafe extern "C" fn(deletion: *const c_char, user_data: *mut c_void) -> bool>;

/// Makes a policy. `options` is NULL for the defaults, which keep every complete set, or a JSON object with
/// `keep_days`, `keep_last`, `keep_daily`, `keep_weekly`, `keep_monthly`, `keep_labels` (pairs of key and value, null
/// for any), `pin` (names of sets), `make_room` (bytes), `grace_hours` (24), `shrunken_below` (50, in percent).
#[unsafe(no_mangle)]
pub extern "C" fn azs_retention_policy_new(
    options: Text,
    policy: Slot<'_, azs_retention_policy>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(policy, "policy")?;
        let options = options.optional("options")?.unwrap_or("{}");
        out.give(azs_retention_policy(RetentionPolicy::from_json(options)?));
        Ok(())
    })
}

/// Makes a policy that also deletes sets until `bytes` are free on a share with this space, the JSON of
/// `azs_share_space`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_retention_policy_make_room_for(
    policy: Option<&azs_retention_policy>,
    bytes: u64,
    space: Text,
    changed: Slot<'_, azs_retention_policy>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(changed, "changed")?;
        let policy = handle(policy, "policy")?;
        let space: FreeSpace = from_json("space", space.get("space")?)?;
        let changed = policy.0.clone().make_room_for(bytes, Space::new(space.total, space.free));
        out.give(azs_retention_policy(changed));
        Ok(())
    })
}

#[derive(Deserialize)]
struct FreeSpace {
    total: u64,
    free: u64,
}

/// Plans which sets of a listing to delete. Deletes nothing. `now` may be NULL for the present.
#[unsafe(no_mangle)]
pub extern "C" fn azs_retention_policy_plan(
    policy: Option<&azs_retention_policy>,
    sets: Option<&azs_sets>,
    now: Text,
    plan: Slot<'_, azs_retention_plan>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(plan, "plan")?;
        let (policy, sets) = (handle(policy, "policy")?, handle(sets, "sets")?);
        out.give(azs_retention_plan(policy.0.plan(&sets.0, now.time("now")?)));
        Ok(())
    })
}

/// Plans what a policy would do with candidates: a JSON array of `deployment`, `component`, `scale_unit`, `set`,
/// `condition`, `created`, `bytes` and `labels`. Such a plan deletes nothing if you apply it.
#[unsafe(no_mangle)]
pub extern "C" fn azs_retention_policy_plan_candidates(
    policy: Option<&azs_retention_policy>,
    candidates: Text,
    now: Text,
    plan: Slot<'_, azs_retention_plan>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(plan, "plan")?;
        let policy = handle(policy, "policy")?;
        let candidates: Vec<Candidate> = from_json("candidates", candidates.get("candidates")?)?;
        out.give(azs_retention_plan(policy.0.plan(candidates, now.time("now")?)));
        Ok(())
    })
}

/// Returns what to delete and what to keep, as JSON: `deletions` and `kept` with their reasons, `freed_bytes`,
/// `shortfall`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_retention_plan_json(
    plan: Option<&azs_retention_plan>,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || slot(json, "json")?.json(&handle(plan, "plan")?.0))
}

/// Deletes what the plan says, the oldest first. Returns the report as JSON: `outcomes` and `freed_bytes`. The call
/// succeeds even if a set cannot be deleted. `before` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn azs_retention_plan_apply(
    plan: *const azs_retention_plan,
    share: *const azs_share,
    before: azs_deletion_fn,
    user_data: *mut c_void,
    report: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(report, "report")?;
        let (plan, share) = (lent(plan, "plan", |plan| &plan.0)?, lent(share, "share", |share| &share.0)?);
        let mut before = Before { function: before, user_data, plan: &plan };
        out.json(&plan.apply(share.clone()).observer(&mut before).run())
    })
}

/// The caller's function, called before each deletion.
struct Before<'a> {
    function: azs_deletion_fn,
    user_data: *mut c_void,
    plan: &'a RetentionPlan,
}

impl Observer for Before<'_> {
    fn deleting(&mut self, set: &SharePath) -> ControlFlow<()> {
        let deletion = self.plan.deletion(set);
        let (Some(function), Some(deletion)) = (self.function, deletion) else {
            return ControlFlow::Continue(());
        };
        let json = c_string(serde_json::to_string(deletion).unwrap_or_default());
        // SAFETY: the header says what the function is called with.
        let go_on = unsafe { function(json.as_ptr(), self.user_data) };
        if go_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

/// Frees a policy. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_retention_policy_free(policy: Option<Box<azs_retention_policy>>) {
    drop(policy);
}

/// Frees a plan. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_retention_plan_free(plan: Option<Box<azs_retention_plan>>) {
    drop(plan);
}
