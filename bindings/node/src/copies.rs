//! Copies on another share, and surveys of many deployments.

use std::sync::Arc;

use azs_backup::copies::{self, CopyBuilder, CopyReport};
use azs_backup::layout::{Deployment, facts};
use azs_backup::observer::Observer;
use azs_backup::review::{self, Region};
use azs_backup::set::list_deployments as listed;
use azs_backup::{Result, from_json, schedule, signature};
use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;
use serde::{Deserialize, Serialize};

use crate::control::Control;
use crate::ffi::{json, long, now, optional, time};
use crate::planning::RetentionPolicy;
use crate::share::Share;
use crate::signature::{SignerCertificate, demanded};

type Opened = Result<Arc<dyn azs_backup::Share>>;

/// What is to be copied: the sets of a deployment or of one component, or one set.
enum What {
    All { deployment: String, component: Option<String> },
    One { place: String, set: String },
}

/// How.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Choices {
    create: bool,
    read_back: bool,
    dry_run: bool,
}

/// A copy that may be made on another thread.
struct Copy {
    from: Opened,
    to: Opened,
    signers: Vec<signature::SignerCertificate>,
    retention: Option<schedule::RetentionPolicy>,
    at: Option<String>,
    choices: String,
}

impl Copy {
    fn new(
        share: &Share,
        to: &Share,
        signers: Vec<&SignerCertificate>,
        retention: Option<&RetentionPolicy>,
        at: Option<String>,
        choices: String,
    ) -> Self {
        let retention = retention.map(|policy| policy.0.clone());
        Self { from: share.share(), to: to.share(), signers: demanded(signers), retention, at, choices }
    }

    fn make(self, what: What, observer: &mut dyn Observer) -> Result<String> {
        let (from, to) = (self.from.clone()?, self.to.clone()?);
        match what {
            What::All { deployment, component } => {
                let (deployment, component) = (deployment.parse()?, optional(component)?);
                self.run(copies::replicate(from, to, &deployment).component(component.as_ref()), observer)
            }
            What::One { place, set } => {
                let place = place.parse()?;
                self.run(copies::copy_set(from, to, &place, set.parse()?), observer)
            }
        }
    }

    fn run<'a>(&'a self, copy: CopyBuilder<'a>, observer: &'a mut dyn Observer) -> Result<String> {
        let Choices { create, read_back, dry_run } = from_json("options of a copy", &self.choices)?;
        let copy = copy.require_signers(&self.signers).create(create).read_back(read_back);
        let copy = match &self.retention {
            Some(policy) => copy.retention(policy, time(self.at.clone())?),
            None => copy,
        };
        copied(&copy.dry_run(dry_run).observer(observer).run()?)
    }
}

/// A report, and what callers ask first.
fn copied(report: &CopyReport) -> Result<String> {
    #[derive(Serialize)]
    struct Copied<'a> {
        copied: usize,
        sent: copies::Amount,
        needs_attention: bool,
        #[serde(flatten)]
        report: &'a CopyReport,
    }
    let needs_attention = report.needs_attention();
    json(&Copied { copied: report.copied(), sent: report.sent(), needs_attention, report })
}

#[napi]
pub fn replicate<'env>(
    env: &'env Env,
    share: &Share,
    to: &Share,
    deployment: String,
    component: Option<String>,
    signers: Vec<&SignerCertificate>,
    retention: Option<&RetentionPolicy>,
    at: Option<String>,
    choices: String,
    control: &Control,
) -> napi::Result<Object<'env>> {
    let (copy, mut hook) = (Copy::new(share, to, signers, retention, at, choices), control.hook());
    long(env, move || copy.make(What::All { deployment, component }, &mut hook))
}

#[napi]
pub fn replicate_sync(
    env: Env,
    share: &Share,
    to: &Share,
    deployment: String,
    component: Option<String>,
    signers: Vec<&SignerCertificate>,
    retention: Option<&RetentionPolicy>,
    at: Option<String>,
    choices: String,
    control: &Control,
) -> napi::Result<String> {
    let copy = Copy::new(share, to, signers, retention, at, choices);
    let work = || copy.make(What::All { deployment, component }, &mut control.hook());
    control.here(env, || now(env, work))
}

#[napi]
pub fn copy_set<'env>(
    env: &'env Env,
    share: &Share,
    to: &Share,
    place: String,
    set: String,
    signers: Vec<&SignerCertificate>,
    retention: Option<&RetentionPolicy>,
    at: Option<String>,
    choices: String,
    control: &Control,
) -> napi::Result<Object<'env>> {
    let (copy, mut hook) = (Copy::new(share, to, signers, retention, at, choices), control.hook());
    long(env, move || copy.make(What::One { place, set }, &mut hook))
}

#[napi]
pub fn copy_set_sync(
    env: Env,
    share: &Share,
    to: &Share,
    place: String,
    set: String,
    signers: Vec<&SignerCertificate>,
    retention: Option<&RetentionPolicy>,
    at: Option<String>,
    choices: String,
    control: &Control,
) -> napi::Result<String> {
    let copy = Copy::new(share, to, signers, retention, at, choices);
    let work = || copy.make(What::One { place, set }, &mut control.hook());
    control.here(env, || now(env, work))
}

fn deployments(share: Opened) -> Result<String> {
    let facts = |deployment: &Deployment| facts("deployment", &deployment.to_string());
    json(&listed(&share?)?.iter().map(facts).collect::<Result<Vec<_>>>()?)
}

#[napi]
pub fn list_deployments<'env>(env: &'env Env, share: &Share) -> napi::Result<Object<'env>> {
    let share = share.share();
    long(env, move || deployments(share))
}

#[napi]
pub fn list_deployments_sync(env: Env, share: &Share) -> napi::Result<String> {
    now(env, || deployments(share.share()))
}

#[napi]
pub struct Survey(review::Survey);

#[napi]
impl Survey {
    #[napi]
    pub fn json(&self, env: Env) -> napi::Result<String> {
        now(env, || json(&self.0))
    }

    #[napi]
    pub fn to_html(&self) -> String {
        self.0.to_html()
    }
}

/// A survey that may be made on another thread.
struct Look {
    /// For each share a deployment, or all.
    regions: Vec<(Opened, Option<String>)>,
    copies: Vec<Opened>,
    signers: Vec<signature::SignerCertificate>,
    frequency_hours: u32,
    at: Option<String>,
}

impl Look {
    fn new(
        shares: Vec<&Share>,
        deployments: Vec<Option<String>>,
        copies: Vec<&Share>,
        signers: Vec<&SignerCertificate>,
        frequency_hours: u32,
        at: Option<String>,
    ) -> Self {
        let regions = shares.into_iter().map(Share::share).zip(deployments).collect();
        let copies = copies.into_iter().map(Share::share).collect();
        Self { regions, copies, signers: demanded(signers), frequency_hours, at }
    }

    fn look(self, observer: &mut dyn Observer) -> Result<Survey> {
        let region = |(share, deployment): (Opened, Option<String>)| {
            Ok(match deployment {
                Some(deployment) => Region::new(share?, deployment.parse()?),
                None => Region::all(share?),
            })
        };
        let regions = self.regions.into_iter().map(region).collect::<Result<Vec<_>>>()?;
        let copies = self.copies.into_iter().collect::<Result<Vec<_>>>()?;
        let survey = review::survey(regions, time(self.at)?).copies(copies).require_signers(&self.signers);
        survey.frequency_hours(self.frequency_hours).observer(observer).run().map(Survey)
    }
}

#[napi]
pub fn survey<'env>(
    env: &'env Env,
    shares: Vec<&Share>,
    deployments: Vec<Option<String>>,
    copies: Vec<&Share>,
    signers: Vec<&SignerCertificate>,
    frequency_hours: u32,
    at: Option<String>,
    control: &Control,
) -> napi::Result<Object<'env>> {
    let look = Look::new(shares, deployments, copies, signers, frequency_hours, at);
    let mut hook = control.hook();
    long(env, move || look.look(&mut hook))
}

#[napi]
pub fn survey_sync(
    env: Env,
    shares: Vec<&Share>,
    deployments: Vec<Option<String>>,
    copies: Vec<&Share>,
    signers: Vec<&SignerCertificate>,
    frequency_hours: u32,
    at: Option<String>,
    control: &Control,
) -> napi::Result<Survey> {
    let look = Look::new(shares, deployments, copies, signers, frequency_hours, at);
    control.here(env, || now(env, || look.look(&mut control.hook())))
}
