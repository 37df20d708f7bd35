//! `config show`

use azs_backup::share::is_url;
use azs_backup::{Error, ErrorKind, Result};
use clap::Args;
use serde_json::Value;

use super::SiteFile;
use crate::ended::Ended;
use crate::output::Output;
use crate::site::{Site, schema};

/// Show a configuration with the defaults of all that it does not say.
#[derive(Args)]
pub(super) struct Show {
    #[command(flatten)]
    site: SiteFile,
}

impl Show {
    pub(super) fn run(self, output: &Output) -> Result<Ended> {
        let mut sections = Site::read(&self.site.path())?.sections()?;
        let schema = schema().to_value();
        add_defaults_of_share(&mut sections["share"], &schema);
        for copy in sections.get_mut("copy").and_then(Value::as_array_mut).into_iter().flatten() {
            add_defaults_of_share(&mut copy["share"], &schema);
        }
        for component in sections["component"].as_array_mut().into_iter().flatten() {
            add_defaults(component, &schema, "BackupOptions");
        }
        let text = toml::to_string_pretty(&sections).map_err(|e| {
            Error::new(ErrorKind::Internal, "the configuration cannot be shown as TOML").with_source(e)
        })?;
        output.print(&sections, || text)?;
        Ok(Ended::Whole)
    }
}

fn add_defaults_of_share(section: &mut Value, schema: &Value) {
    let is_in_store = section["root"].as_str().is_some_and(is_url);
    add_defaults(section, schema, if is_in_store { "StoreOptions" } else { "SmbOptions" });
}

/// Adds to the options of a section what the schema has as their defaults.
fn add_defaults(section: &mut Value, schema: &Value, of: &str) {
    let Some(section) = section.as_object_mut() else { return };
    let options = section.entry("options").or_insert_with(|| Value::Object(Default::default()));
    let (Some(options), Some(known)) =
        (options.as_object_mut(), schema["$defs"][of]["properties"].as_object())
    else {
        return;
    };
    for (name, option) in known {
        if let Some(default) = option.get("default") {
            options.entry(name.clone()).or_insert_with(|| default.clone());
        }
    }
}
