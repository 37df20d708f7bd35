//! The options of a check as plain data, for the bindings.

use serde::Deserialize;

use super::ShareCheck;
use crate::error::Result;
use crate::layout::Place;
use crate::options::from_json;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    components: Vec<String>,
    create_folders: bool,
}

impl ShareCheck {
    /// Sets options from JSON: `components`, each like `Switches` or `Switches/su1`, and `create_folders` (false).
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for anything but such an object, or for an unknown option; `INVALID_NAME`.
    pub fn options(mut self, json: impl AsRef<[u8]>) -> Result<Self> {
        let options: Options = from_json("options of a check", json)?;
        for component in options.components {
            let place: Place = format!("{}/{component}", self.deployment).parse()?;
            self = self.component(&place);
        }
        Ok(self.create_folders(options.create_folders))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_those_of_the_calls() {
        let new = || ShareCheck::new("contoso.com/nyc".parse().unwrap());
        let by_options =
            new().options(r#"{"components": ["HLH", "Switches/su1"], "create_folders": true}"#).unwrap();
        let by_calls = new()
            .component(&"contoso.com/nyc/HLH".parse().unwrap())
            .component(&"contoso.com/nyc/Switches/su1".parse().unwrap())
            .create_folders(true);
        assert_eq!(format!("{by_options:?}"), format!("{by_calls:?}"));
        for (json, code) in [
            (r#"{"component": "HLH"}"#, "INVALID_ARGUMENT"),
            (r#"{"components": ["MASBackup"]}"#, "RESERVED_PATH"),
            (r#"{"components": ["a/b/c"]}"#, "INVALID_NAME"),
        ] {
            assert_eq!(new().options(json).unwrap_err().code(), code, "{json}");
        }
    }
}
