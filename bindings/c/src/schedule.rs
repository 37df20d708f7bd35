//! When to run, when not to, and the records of runs.

use std::ffi::{CStr, c_char, c_void};
use std::ptr::NonNull;

use azs::layout::SetName;
use azs::schedule::{
    Gate, Job, JobLog, JobStatus, OperationKind, OperationsFile, Schedule, Skip, Trigger, parse_operations,
    warnings_of_json,
};
use azs::{Error, ErrorKind, Place, Result, from_json};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::callback::{UserData, azs_operations_fn};
use crate::error::{azs_error, azs_status};
use crate::ffi::{
    Alone, Data, FilePath, Slot, Text, alone, guard, handle, invalid, looked_at, quietly, slot,
};

/// When backups run. Free it with `azs_schedule_free`.
///
/// Threads: it never changes. Several threads may use it at once.
pub struct azs_schedule(Schedule);

/// Makes a schedule. `options` is NULL for the defaults, or a JSON object with `frequency_hours` (12),
/// `beyond_microsoft` (false), `phase_seconds`, `jitter_seconds` with `host`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_schedule_new(
    options: Text,
    schedule: Slot<'_, azs_schedule>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(schedule, "schedule")?;
        out.give(azs_schedule(Schedule::from_json(options.optional("options")?.unwrap_or("{}"))?));
        Ok(())
    })
}

/// Returns when to run next, as JSON: `at`, `due`, `missed`, `clock_set_back_by`. `last` is when the last scheduled run
/// began or was skipped, or NULL if there was none; `now` may be NULL for the present.
#[unsafe(no_mangle)]
pub extern "C" fn azs_schedule_next_run(
    schedule: Option<&azs_schedule>,
    last: Text,
    now: Text,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(json, "json")?;
        out.json(&handle(schedule, "schedule")?.0.next_run(last.optional_time("last")?, now.time("now")?))
    })
}

/// Frees a schedule. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_schedule_free(schedule: Option<Box<azs_schedule>>) {
    drop(schedule);
}

/// Keeps backups from running beside what they conflict with. Free it with `azs_gate_free`.
///
/// Threads: only one at a time.
pub struct azs_gate(Alone<Gate>);

fn change(gate: Option<NonNull<azs_gate>>, change: impl FnOnce(Gate) -> Gate) -> Result<()> {
    alone(
        gate,
        "gate",
        |handle| &handle.0,
        |gate| {
            *gate = change(std::mem::take(gate));
            Ok(())
        },
    )
}

/// Asks all sources, which may be the caller's functions.
fn asked<T>(gate: Option<NonNull<azs_gate>>, ask: impl FnOnce(&Gate) -> Result<T>) -> Result<T> {
    alone(gate, "gate", |handle| &handle.0, |gate| ask(gate))
}

/// Makes a gate without sources, which is open.
#[unsafe(no_mangle)]
pub extern "C" fn azs_gate_new(gate: Slot<'_, azs_gate>, error: Slot<'_, azs_error>) -> azs_status {
    guard(error, || {
        slot(gate, "gate")?.give(azs_gate(Alone::new(Gate::new())));
        Ok(())
    })
}

/// Adds a source: a file with a document of operations, read anew each time. A missing file is an error.
#[unsafe(no_mangle)]
pub extern "C" fn azs_gate_file(
    gate: Option<NonNull<azs_gate>>,
    file: FilePath,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let file = OperationsFile::new(file.get("file")?);
        change(gate, |gate| gate.source(file))
    })
}

/// Adds a source: a document of operations, see `azs_operations_parse`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_gate_document(
    gate: Option<NonNull<azs_gate>>,
    json: Data,
    length: usize,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        looked_at(gate, "gate")?;
        let operations = parse_operations(json.get(length, "json")?)?;
        change(gate, |gate| gate.source(move || Ok(operations.clone())))
    })
}

/// Adds a source: a function. `user_data` must live until you free the gate.
#[unsafe(no_mangle)]
pub extern "C" fn azs_gate_source(
    gate: Option<NonNull<azs_gate>>,
    source: azs_operations_fn,
    user_data: *mut c_void,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let function = source.ok_or_else(|| invalid("source is NULL".into()))?;
        let user_data = UserData(user_data);
        let source = move || {
            let user_data = &user_data;
            // SAFETY: the header says what the function is called with, and what it gives.
            let document = unsafe { function(user_data.0) };
            if document.is_null() {
                return Err(Error::new(ErrorKind::Io, "a source of operations could not tell"));
            }
            // SAFETY: it returns a NUL-terminated text that stays valid until it is called again.
            parse_operations(unsafe { CStr::from_ptr(document) }.to_bytes())
        };
        change(gate, |gate| gate.source(source))
    })
}

/// Lets backups run beside operations of this kind: "secret_rotation".
#[unsafe(no_mangle)]
pub extern "C" fn azs_gate_ignore(
    gate: Option<NonNull<azs_gate>>,
    kind: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let Ok(kind) = kind.get("kind")?.parse::<OperationKind>();
        change(gate, |gate| gate.ignore(kind))
    })
}

/// Returns what keeps the gate closed now: a JSON array of `reason` and `operation`, empty if it is open.
#[unsafe(no_mangle)]
pub extern "C" fn azs_gate_holds(
    gate: Option<NonNull<azs_gate>>,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || slot(json, "json")?.json(&asked(gate, Gate::holds)?))
}

/// Decides whether a scheduled backup that is due now runs: JSON with `decision`, "run" or "skipped"; if skipped, also
/// `holds` and `next_run`.
#[unsafe(no_mangle)]
pub extern "C" fn azs_gate_scheduled(
    gate: Option<NonNull<azs_gate>>,
    schedule: Option<&azs_schedule>,
    now: Text,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(json, "json")?;
        let (schedule, now) = (handle(schedule, "schedule")?.0, now.time("now")?);
        out.json(&asked(gate, |gate| gate.scheduled(&schedule, now))?)
    })
}

/// Fails with `AZS_STATUS_CONFLICT` if a backup on demand may not run now; the message says until when.
#[unsafe(no_mangle)]
pub extern "C" fn azs_gate_on_demand(
    gate: Option<NonNull<azs_gate>>,
    now: Text,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let now = now.time("now")?;
        asked(gate, |gate| gate.on_demand(now))
    })
}

/// Frees a gate. NULL is allowed.
#[unsafe(no_mangle)]
pub extern "C" fn azs_gate_free(gate: Option<Box<azs_gate>>) {
    quietly((), || drop(gate));
}

/// Reads a document of operations, ours or the admin API's. Returns a JSON array.
#[unsafe(no_mangle)]
pub extern "C" fn azs_operations_parse(
    document: Data,
    length: usize,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || slot(json, "json")?.json(&parse_operations(document.get(length, "document")?)?))
}

/// Makes the record of a job that begins, as JSON. `trigger` is "scheduled" or "on_demand"; `place` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn azs_job_start(
    id: Text,
    trigger: Text,
    place: Text,
    now: Text,
    job: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(job, "job")?;
        let trigger: Trigger = word("trigger", trigger.get("trigger")?)?;
        let mut job = Job::start(id.get("id")?, trigger, now.time("now")?);
        job.place = place.parse_optional::<Place>("place")?;
        out.json(&job)
    })
}

/// Makes the record of a scheduled job that was skipped, as JSON. `decision` is what `azs_gate_scheduled` returned.
#[unsafe(no_mangle)]
pub extern "C" fn azs_job_skip(
    id: Text,
    decision: Text,
    now: Text,
    job: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(job, "job")?;
        let skip: Skip = from_json("decision", decision.get("decision")?)?;
        out.json(&Job::skipped(id.get("id")?, &skip, now.time("now")?))
    })
}

/// Makes the record of a job that has ended, as JSON. `job` is its record so far, `status` a word such as "Succeeded"
/// or "Failed". Set and bytes come from `report`, the JSON of `azs_backup_commit`; reason and alert come from
/// `failure`. Each of the two may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn azs_job_end(
    job: Text,
    status: Text,
    report: Text,
    failure: Option<&azs_error>,
    now: Text,
    ended: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(ended, "ended")?;
        let mut job: Job = from_json("job", job.get("job")?)?;
        let Ok(status) = status.get("status")?.parse::<JobStatus>();
        if let Some(report) = report.optional("report")? {
            let made: Made = from_json("report", report)?;
            job.set = Some(made.set);
            job.bytes = Some(made.stored.bytes);
        }
        if let Some(failure) = failure {
            job.reason = Some(failure.inner().to_string());
            job.alert = Some(failure.classification().kind().code().to_owned());
        }
        out.json(&job.end(status, now.time("now")?))
    })
}

/// What a job takes from a backup's report.
#[derive(Deserialize)]
struct Made {
    set: SetName,
    stored: StoredBytes,
}

#[derive(Deserialize)]
struct StoredBytes {
    bytes: u64,
}

/// Appends the record of a job to a log, and returns once it is on the disk. Only one process may append at a time.
#[unsafe(no_mangle)]
pub extern "C" fn azs_job_log_append(log: FilePath, job: Text, error: Slot<'_, azs_error>) -> azs_status {
    guard(error, || JobLog::new(log.get("log")?).append(&from_json("job", job.get("job")?)?))
}

/// Reads the jobs of a log, as JSON: `jobs`, `last_scheduled`, `last_good`, `running`, `died`, `unreadable`, `is_cut`.
/// A log that does not exist has none. `died` are jobs whose process ended without saying so: they failed, and the next
/// append records that.
#[unsafe(no_mangle)]
pub extern "C" fn azs_job_log_read(
    log: FilePath,
    now: Text,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(json, "json")?;
        let now = now.time("now")?;
        out.json(&JobLog::new(log.get("log")?).read(now)?.facts(now))
    })
}

/// Returns what an operator should look into: a JSON array of `warning`, `message` and more. All arguments but
/// `retention_days` may be NULL: when the last good backup began, when backups were set up, what `azs_gate_holds`
/// returned, since when the gate has been closed, what `azs_schedule_next_run` returned, and the time.
#[unsafe(no_mangle)]
pub extern "C" fn azs_backup_warnings(
    last_backup: Text,
    set_up: Text,
    retention_days: u32,
    holds: Text,
    closed_since: Text,
    next_run: Text,
    now: Text,
    json: Slot<'_, c_char>,
    error: Slot<'_, azs_error>,
) -> azs_status {
    guard(error, || {
        let out = slot(json, "json")?;
        let value = |text: &Text, name: &str, none: Value| -> Result<Value> {
            text.optional(name)?.map_or(Ok(none), |text| from_json(name, text))
        };
        let health = json!({
            "last_backup": last_backup.optional("last_backup")?,
            "set_up": set_up.optional("set_up")?,
            "retention_days": retention_days,
            "holds": value(&holds, "holds", json!([]))?,
            "closed_since": closed_since.optional("closed_since")?,
            "next_run": value(&next_run, "next_run", Value::Null)?,
        });
        out.json(&warnings_of_json(health.to_string(), now.time("now")?)?)
    })
}

fn word<T: DeserializeOwned>(what: &str, word: &str) -> Result<T> {
    serde_json::from_value(Value::from(word)).map_err(|e| invalid(format!("{what}: {e}")).with_source(e))
}
