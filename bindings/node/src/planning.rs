//! Schedule, gate, jobs, retention, review.

use std::ops::ControlFlow;

use azs_backup::layout::SharePath;
use azs_backup::observer::Observer;
use azs_backup::review::{Configuration, RULES, review_with};
use azs_backup::schedule::{
    self, Candidate, Job, JobLog, JobStatus, OperationKind, OperationsFile, Skip, Trigger,
};
use azs_backup::share::Space;
use azs_backup::{Result, from_json};
use napi::Env;
use napi::bindgen_prelude::{Function, Object};
use napi_derive::napi;
use serde::Deserialize;
use serde_json::Value;

use crate::envelope::Opener;
use crate::ffi::{invalid, json, long, now, optional, optional_time, time};
use crate::mas_backup::keys;
use crate::share::{Sets, Share};

#[napi]
pub struct Schedule(schedule::Schedule);

#[napi]
impl Schedule {
    #[napi(constructor)]
    pub fn new(env: Env, options: String) -> napi::Result<Self> {
        now(env, || schedule::Schedule::from_json(options).map(Self))
    }

    #[napi]
    pub fn next_run(&self, env: Env, last: Option<String>, at: Option<String>) -> napi::Result<String> {
        now(env, || json(&self.0.next_run(optional_time(last)?, time(at)?)))
    }
}

/// The sources of a gate: files, and documents that JavaScript has fetched.
#[derive(Deserialize)]
struct Sources {
    files: Vec<String>,
    documents: Vec<String>,
    ignore: Vec<String>,
}

fn gate(sources: &str) -> Result<schedule::Gate> {
    let sources: Sources = from_json("sources of a gate", sources)?;
    let mut gate = schedule::Gate::new();
    for file in sources.files {
        gate = gate.source(OperationsFile::new(file));
    }
    for document in sources.documents {
        gate = gate.source(move || schedule::parse_operations(document.as_bytes()));
    }
    for kind in sources.ignore {
        let Ok(kind) = kind.parse::<OperationKind>();
        gate = gate.ignore(kind);
    }
    Ok(gate)
}

fn scheduled(sources: &str, schedule: &schedule::Schedule, at: Option<String>) -> Result<String> {
    json(&gate(sources)?.scheduled(schedule, time(at)?)?)
}

#[napi]
pub fn gate_holds<'env>(env: &'env Env, sources: String) -> napi::Result<Object<'env>> {
    long(env, move || json(&gate(&sources)?.holds()?))
}

#[napi]
pub fn gate_holds_sync(env: Env, sources: String) -> napi::Result<String> {
    now(env, || json(&gate(&sources)?.holds()?))
}

#[napi]
pub fn gate_scheduled<'env>(
    env: &'env Env,
    sources: String,
    schedule: &Schedule,
    at: Option<String>,
) -> napi::Result<Object<'env>> {
    let schedule = schedule.0;
    long(env, move || scheduled(&sources, &schedule, at))
}

#[napi]
pub fn gate_scheduled_sync(
    env: Env,
    sources: String,
    schedule: &Schedule,
    at: Option<String>,
) -> napi::Result<String> {
    now(env, || scheduled(&sources, &schedule.0, at))
}

#[napi]
pub fn gate_on_demand<'env>(
    env: &'env Env,
    sources: String,
    at: Option<String>,
) -> napi::Result<Object<'env>> {
    long(env, move || gate(&sources)?.on_demand(time(at)?))
}

#[napi]
pub fn gate_on_demand_sync(env: Env, sources: String, at: Option<String>) -> napi::Result<()> {
    now(env, || gate(&sources)?.on_demand(time(at)?))
}

#[napi]
pub fn parse_operations(env: Env, document: &[u8]) -> napi::Result<String> {
    now(env, || json(&schedule::parse_operations(document)?))
}

#[napi]
pub fn start_job(
    env: Env,
    id: String,
    trigger: String,
    place: Option<String>,
    at: Option<String>,
) -> napi::Result<String> {
    now(env, || {
        let trigger: Trigger = serde_json::from_value(Value::from(trigger))
            .map_err(|e| invalid(format!("trigger: {e}")).with_source(e))?;
        let mut job = Job::start(id, trigger, time(at)?);
        job.place = optional(place)?;
        json(&job)
    })
}

#[napi]
pub fn skip_job(env: Env, id: String, decision: String, at: Option<String>) -> napi::Result<String> {
    now(env, || {
        let skip: Skip = from_json("decision", &decision)?;
        json(&Job::skipped(id, &skip, time(at)?))
    })
}

#[napi]
pub fn end_job(env: Env, job: String, status: String, at: Option<String>) -> napi::Result<String> {
    now(env, || {
        let job: Job = from_json("job", &job)?;
        let Ok(status) = status.parse::<JobStatus>();
        json(&job.end(status, time(at)?))
    })
}

#[napi]
pub fn append_job<'env>(env: &'env Env, log: String, job: String) -> napi::Result<Object<'env>> {
    long(env, move || JobLog::new(log).append(&from_json("job", &job)?))
}

#[napi]
pub fn append_job_sync(env: Env, log: String, job: String) -> napi::Result<()> {
    now(env, || JobLog::new(log).append(&from_json("job", &job)?))
}

fn facts(log: &str, at: Option<String>) -> Result<String> {
    let now = time(at)?;
    json(&JobLog::new(log).read(now)?.facts(now))
}

#[napi]
pub fn read_jobs<'env>(env: &'env Env, log: String, at: Option<String>) -> napi::Result<Object<'env>> {
    long(env, move || facts(&log, at))
}

#[napi]
pub fn read_jobs_sync(env: Env, log: String, at: Option<String>) -> napi::Result<String> {
    now(env, || facts(&log, at))
}

#[napi]
pub fn backup_warnings(env: Env, health: String, at: Option<String>) -> napi::Result<String> {
    now(env, || json(&schedule::warnings_of_json(health, time(at)?)?))
}

#[napi]
pub struct RetentionPolicy(pub(crate) schedule::RetentionPolicy);

#[napi]
impl RetentionPolicy {
    #[napi(constructor)]
    pub fn new(env: Env, options: String) -> napi::Result<Self> {
        now(env, || schedule::RetentionPolicy::from_json(options).map(Self))
    }

    #[napi]
    pub fn make_room_for(&self, bytes: f64, total: f64, free: f64) -> RetentionPolicy {
        RetentionPolicy(self.0.clone().make_room_for(bytes as u64, Space::new(total as u64, free as u64)))
    }

    #[napi]
    pub fn plan_candidates(
        &self,
        env: Env,
        candidates: String,
        at: Option<String>,
    ) -> napi::Result<RetentionPlan> {
        now(env, || {
            let candidates: Vec<Candidate> = from_json("candidates", &candidates)?;
            Ok(RetentionPlan(self.0.plan(candidates, time(at)?)))
        })
    }
}

#[napi]
pub struct RetentionPlan(schedule::RetentionPlan);

#[napi]
impl Sets {
    /// Plans for some of them, by their numbers.
    #[napi]
    pub fn plan(
        &self,
        env: Env,
        policy: &RetentionPolicy,
        numbers: Vec<u32>,
        at: Option<String>,
    ) -> napi::Result<RetentionPlan> {
        now(env, || {
            let at = time(at)?;
            let chosen = numbers.iter().filter_map(|number| self.0.get(*number as usize));
            Ok(RetentionPlan::from(policy.0.plan(chosen, at)))
        })
    }
}

impl From<schedule::RetentionPlan> for RetentionPlan {
    fn from(plan: schedule::RetentionPlan) -> Self {
        Self(plan)
    }
}

#[napi]
impl RetentionPlan {
    #[napi]
    pub fn json(&self, env: Env) -> napi::Result<String> {
        now(env, || json(&self.0))
    }

    #[napi]
    pub fn apply<'env>(&self, env: &'env Env, share: &Share) -> napi::Result<Object<'env>> {
        let (plan, share) = (self.0.clone(), share.share());
        long(env, move || json(&plan.apply(share.clone()?).run()))
    }

    /// `before` gets each deletion as JSON, and answers whether to go on.
    #[napi]
    pub fn apply_sync(
        &self,
        env: Env,
        share: &Share,
        before: Option<Function<'_, String, bool>>,
    ) -> napi::Result<String> {
        let mut before = Before { function: before, plan: &self.0, thrown: None };
        let done = now(env, || json(&self.0.apply(share.share().clone()?).observer(&mut before).run()));
        before.thrown.map_or(done, Err)
    }
}

/// The caller's function, called before each deletion.
struct Before<'a> {
    function: Option<Function<'a, String, bool>>,
    plan: &'a schedule::RetentionPlan,
    thrown: Option<napi::Error>,
}

impl Observer for Before<'_> {
    fn deleting(&mut self, set: &SharePath) -> ControlFlow<()> {
        let deletion = self.plan.deletion(set);
        let (Some(function), Some(deletion)) = (&self.function, deletion) else {
            return ControlFlow::Continue(());
        };
        match function.call(json(deletion).unwrap_or_default()) {
            Ok(true) => ControlFlow::Continue(()),
            Ok(false) => ControlFlow::Break(()),
            Err(error) => {
                self.thrown = Some(error);
                ControlFlow::Break(())
            }
        }
    }
}

#[napi]
pub struct Review(azs_backup::review::Review);

#[napi]
impl Review {
    #[napi]
    pub fn json(&self, env: Env) -> napi::Result<String> {
        now(env, || json(&self.0))
    }

    #[napi]
    pub fn to_table(&self) -> String {
        self.0.to_table()
    }

    #[napi]
    pub fn to_html(&self) -> String {
        self.0.to_html()
    }
}

#[napi]
pub fn review<'env>(
    env: &'env Env,
    configuration: &[u8],
    share: &Share,
    copies: Vec<&Share>,
    opener: Option<&Opener>,
    at: Option<String>,
) -> napi::Result<Object<'env>> {
    let (share, keys) = (share.share(), keys(opener));
    let copies: Result<Vec<_>> = copies.into_iter().map(Share::share).collect();
    // Here, on the thread of JavaScript, whose memory it is.
    let configuration = Configuration::from_json(configuration);
    long(env, move || {
        let (configuration, copies) = (configuration?, copies?.into_iter().map(Ok).collect::<Vec<_>>());
        Ok(Review(review_with(&configuration, share?, &copies, &keys, time(at)?)?))
    })
}

#[napi]
pub fn review_sync(
    env: Env,
    configuration: &[u8],
    share: &Share,
    copies: Vec<&Share>,
    opener: Option<&Opener>,
    at: Option<String>,
) -> napi::Result<Review> {
    now(env, || {
        let copies = copies.into_iter().map(Share::share).collect::<Result<Vec<_>>>()?;
        let copies: Vec<_> = copies.into_iter().map(Ok).collect();
        let configuration = Configuration::from_json(configuration)?;
        Ok(Review(review_with(&configuration, share.share()?, &copies, &keys(opener), time(at)?)?))
    })
}

#[napi]
pub fn rules(env: Env) -> napi::Result<String> {
    now(env, || json(&RULES))
}
