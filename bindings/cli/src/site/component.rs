//! A component of a site: what belongs to it, and how it is backed up.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use azs_backup::layout::Deployment;
use azs_backup::{Backup, ErrorKind, Place, Result};
use serde::Deserialize;

use super::At;
use super::file::{ComponentSection, SourceSection};
use crate::options::to_json;

/// A component of a site.
pub(crate) struct Component {
    pub(crate) place: Place,
    pub(super) sources: Vec<SourceSection>,
    pub(super) options: String,
}

impl Component {
    /// Whether its backups take certificates that have expired.
    pub(super) fn allows_expired(&self) -> bool {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Allowed {
            allow_expired_certificates: bool,
        }
        // The options were judged when the file was read.
        serde_json::from_str(&self.options).unwrap_or_else(|_| Allowed::default()).allow_expired_certificates
    }

    /// Adds the sources.
    pub(crate) fn add_to(&self, backup: &mut Backup) -> Result<()> {
        self.sources.iter().try_for_each(|source| match source {
            SourceSection::Path(path) => backup.add(path),
            SourceSection::Named { name, path } => add_as(backup, name, path),
        })
    }
}

impl ComponentSection {
    pub(super) fn judge(&self, deployment: &Deployment, at: &At<'_>) -> Result<Component> {
        let place = format!("{deployment}/{}", self.name.get_ref());
        let place: Place = place.parse().map_err(|e| at.judged(self.name.span(), &e))?;
        if self.sources.is_empty() {
            let message = format!("{place} has no sources: its sets would be empty");
            return Err(at.error(ErrorKind::InvalidArgument, self.name.span(), message));
        }
        self.check_names(at)?;
        let options = match &self.options {
            Some(options) => {
                // Each set has a name of its own: the second run would fail.
                if options.get_ref().contains_key("set_name") {
                    let message = "set_name cannot be given here: each run makes a set of another name";
                    return Err(at.error(ErrorKind::InvalidArgument, options.span(), message.into()));
                }
                // Judge them now, on a share that nothing is written to. This folder is there: the file was read.
                let folder = at.file.parent().filter(|folder| !folder.as_os_str().is_empty());
                let nowhere = azs_backup::FolderShare::open(folder.unwrap_or(Path::new(".")))?;
                let builder = |json: String| Backup::builder(Arc::new(nowhere), place.clone()).options(json);
                at.options(options, builder)?;
                to_json(options.get_ref())?
            }
            None => "{}".into(),
        };
        Ok(Component { place: place.clone(), sources: self.sources.clone(), options })
    }

    /// Refuses two sources that would have one name in the set, or one below the other's.
    fn check_names(&self, at: &At<'_>) -> Result<()> {
        let mut names: Vec<Cow<'_, str>> = Vec::new();
        for source in &self.sources {
            let name = match source {
                SourceSection::Named { name, .. } => name.into(),
                // What has no name of its own is refused when it is added.
                SourceSection::Path(path) => path.file_name().unwrap_or_default().to_string_lossy(),
            };
            let is_at_or_below = |a: &str, b: &str| {
                a.strip_prefix(b).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            let taken =
                names.iter().find(|other| is_at_or_below(&name, other) || is_at_or_below(other, &name));
            if let Some(taken) = taken {
                let message = format!(
                    "the sources {taken} and {name} are in each other's way in the set: give one another name, like \
                     {{ name = \"...\", path = \"...\" }}"
                );
                return Err(at.error(ErrorKind::AlreadyExists, self.name.span(), message));
            }
            names.push(name);
        }
        Ok(())
    }
}

/// Adds a file or a folder under another name.
pub(crate) fn add_as(backup: &mut Backup, name: &str, path: &Path) -> Result<()> {
    if path.is_file() { backup.add_file_as(name, path) } else { backup.add_folder_as(name, path) }
}
