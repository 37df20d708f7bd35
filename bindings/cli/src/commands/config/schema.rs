//! `config schema`

use azs_backup::Result;
use clap::Args;

use crate::ended::Ended;
use crate::output::{Output, write};
use crate::site::schema;

/// Print the JSON Schema of a configuration, for editors and tools.
#[derive(Args)]
pub(super) struct Schema {}

impl Schema {
    pub(super) fn run(self, _: &Output) -> Result<Ended> {
        write(format_args!("{:#}", schema().to_value()))?;
        Ok(Ended::Whole)
    }
}
