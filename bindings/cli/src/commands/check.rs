//! `check`

use azs_backup::Result;
use azs_backup::layout::Deployment;
use azs_backup::share::{ShareCheck, StepOutcome};
use clap::Args;

use crate::ended::Ended;
use crate::options::{CheckOptions, to_json};
use crate::output::Output;
use crate::share::ShareArgs;

/// Check the way to a share, step by step.
///
/// Looks at the name, the network, the dialect, the account, the share, the path, rights, space and the clock. It writes a
/// few files with random names, and removes them.
#[derive(Args)]
pub(crate) struct Check {
    #[command(flatten)]
    share: ShareArgs,
    /// External domain name and region: contoso.com/nyc
    #[arg(long, env = "AZS_DEPLOYMENT")]
    deployment: Deployment,
    #[command(flatten)]
    options: CheckOptions,
}

impl Check {
    pub(crate) fn run(self, output: &Output) -> Result<Ended> {
        let check = ShareCheck::new(self.deployment.clone()).options(to_json(&self.options)?)?;
        let report = self.share.check(&check, output)?;
        output.print(&report, || report.to_table())?;
        let report = report.into_result()?;
        Ok(Ended::named(report.steps.iter().any(|step| step.outcome == StepOutcome::Warned)))
    }
}
