//! The report of a check as it grows, step by step.

use std::time::{Duration, Instant};

use super::report::{CheckAlert, CheckReport, CheckedStep, Step, StepOutcome};
use crate::alert::{AlertKind, Classification, Context, Profile, classify_error};
use crate::error::{Error, ErrorKind, Result};

/// The report as it grows.
pub(in crate::share) struct ReportBuilder {
    pub(in crate::share) context: Context,
    pub(in crate::share) report: CheckReport,
}

impl ReportBuilder {
    pub(in crate::share) fn add(&mut self, step: Step, outcome: StepOutcome, begun: Instant, seen: String) {
        let seconds =
            if outcome == StepOutcome::Skipped { Duration::ZERO } else { begun.elapsed() }.as_secs_f64();
        self.report.steps.push(CheckedStep { step, outcome, seconds, seen, alert: None });
    }

    /// Begins a part for steps that are taken beside others; it is [appended](Self::append) in its place.
    pub(in crate::share) fn new_part(&self) -> Self {
        let CheckReport { share, deployment, .. } = &self.report;
        let report = CheckReport { share: share.clone(), deployment: deployment.clone(), steps: Vec::new() };
        Self { context: self.context.clone(), report }
    }

    pub(in crate::share) fn append(&mut self, others: Self) {
        self.report.steps.extend(others.report.steps);
    }

    pub(in crate::share) fn passed(&mut self, step: Step, begun: Instant, seen: String) {
        self.add(step, StepOutcome::Passed, begun, seen);
    }

    pub(in crate::share) fn failed(&mut self, step: Step, begun: Instant, error: &Error) {
        self.add(step, StepOutcome::Failed, begun, error.to_string());
        let mut class = classify_error(error, Profile::Refined);
        // The server let the account in, and it may list the folder: what it lacks is the right to write.
        if step == Step::Write && class.kind() == AlertKind::Authentication {
            class = AlertKind::ShareNotWritable.into();
        }
        self.alert(error.kind(), class);
    }

    pub(in crate::share) fn record(&mut self, step: Step, begun: Instant, result: Result<String>) {
        match result {
            Ok(seen) => self.passed(step, begun, seen),
            Err(error) => self.failed(step, begun, &error),
        }
    }

    /// Adds an alert to the last step.
    pub(in crate::share) fn alert(&mut self, error: ErrorKind, class: Classification) {
        let Some(step) = self.report.steps.last_mut() else { return };
        let context = self.context.clone().operation(format!("checking: {}", step.step));
        let (description, remedy) = (class.describe(&context), class.remedy(&context));
        step.alert = Some(CheckAlert { error, class, description, remedy });
    }

    pub(in crate::share) fn skip_rest(&mut self) {
        let done = self.report.steps.last().map(|step| step.step);
        for step in REST {
            if done.is_none_or(|done| step > done) {
                self.add(
                    step,
                    StepOutcome::Skipped,
                    Instant::now(),
                    "not tried after the failure above".into(),
                );
            }
        }
    }
}

const REST: [Step; 14] = [
    Step::Name,
    Step::Connection,
    Step::Dialect,
    Step::LogOn,
    Step::Share,
    Step::Path,
    Step::Write,
    Step::ReadBack,
    Step::HardLink,
    Step::Copy,
    Step::Rename,
    Step::Delete,
    Step::Space,
    Step::Clock,
];
