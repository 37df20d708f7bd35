//! The configuration that a review takes, from the file of a site.

use std::collections::BTreeSet;

use azs_backup::layout::Deployment;
use azs_backup::review::Configuration;
use azs_backup::schedule::{RetentionPolicy, Schedule};
use azs_backup::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::file::Sections;
use super::{At, Component};

/// Makes it from what the file says for nightly runs, and from its `[review]`, which comes first.
pub(super) fn configuration(
    sections: &Sections,
    deployment: &Deployment,
    schedule: &Schedule,
    retention: Option<&RetentionPolicy>,
    components: &[Component],
    at: &At<'_>,
) -> Result<Configuration> {
    let not_json = |e| Error::new(ErrorKind::Internal, "the configuration is no JSON").with_source(e);
    let retention = serde_json::to_value(retention).map_err(not_json)?;
    let names: BTreeSet<_> = components.iter().map(|of| of.place.component().as_str()).collect();
    let scale_units: BTreeSet<_> =
        components.iter().filter_map(|of| of.place.scale_unit()).map(ToString::to_string).collect();
    let mut configuration = json!({
        "root": sections.share.root,
        "deployment": deployment,
        "components": names.into_iter().map(|name| json!({ "name": name })).collect::<Vec<_>>(),
        "scale_units": scale_units,
        "frequency_hours": schedule.frequency().hours(),
        "retention_days": retention["keep_days"],
    });
    let Some(review) = &sections.review else { return read(&configuration) };
    let said = serde_json::to_value(review.get_ref()).map_err(not_json)?;
    if let (Value::Object(configuration), Value::Object(said)) = (&mut configuration, said) {
        configuration.extend(said);
    }
    read(&configuration).map_err(|error| at.judged(review.span(), &error))
}

fn read(configuration: &Value) -> Result<Configuration> {
    Configuration::from_json(configuration.to_string().as_bytes())
}
