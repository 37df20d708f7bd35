//! Writes workers' results into the target, and records the outcome.

use super::Restore;
use super::extract::Sink;
use super::link_targets::Fate;
use super::report::Loss;
use super::select::Selection;
use super::target::{LastFolder, Outcome};
use crate::error::{Result, Scope};
use crate::set::{Block, Content, Entry, EntryPath, Part};

/// A worker's access to the target.
pub(super) struct Writer<'a, 'r> {
    pub(super) restore: &'a Restore<'r>,
    pub(super) selection: &'a Selection,
    pub(super) near: LastFolder,
    pub(super) wrote: Wrote,
}

/// What a worker wrote for one segment.
#[derive(Default)]
pub(super) struct Wrote {
    pub(super) kept: u64,
    pub(super) files: u64,
    pub(super) folders: u64,
    pub(super) links: u64,
    pub(super) differing: Vec<EntryPath>,
    pub(super) refused: Vec<Loss>,
}

impl Sink for Writer<'_, '_> {
    fn entry(&mut self, entry: &Entry, content: &[u8]) -> Result<()> {
        let Restore { target, firsts, .. } = self.restore;
        let is_folder = matches!(entry.content, Content::Folder);
        let Some(path) = self.selection.place(&entry.path, is_folder) else {
            return Ok(());
        };
        let near = &mut self.near;
        let (made, count) = match &entry.content {
            Content::File { sparse, .. } => {
                let metadata = self.selection.metadata(&entry.path, &entry.metadata);
                (target.write_file(&path, metadata, content, *sparse, near), &mut self.wrote.files)
            }
            Content::Symlink { target: to } => {
                (target.make_symlink(&path, to, &entry.metadata, near), &mut self.wrote.links)
            }
            Content::Folder => {
                let made = target.make_folder(&path, near).map(|()| Outcome::Written);
                (made, &mut self.wrote.folders)
            }
            Content::Copy { .. } | Content::HardLink { .. } | Content::LargeFile { .. } => return Ok(()),
        };
        let fate = match made {
            Ok(Outcome::Written) => {
                *count += 1;
                Fate::Written(path)
            }
            Ok(Outcome::Kept) => {
                self.wrote.kept += 1;
                Fate::NotWritten
            }
            Ok(Outcome::Differs) => {
                self.wrote.differing.push(path);
                Fate::NotWritten
            }
            Err(error) if error.scope() == Scope::Object => {
                self.wrote.refused.push(Loss::refused(path, &error));
                Fate::NotWritten
            }
            Err(error) => return Err(error),
        };
        firsts.note(&entry.path, fate);
        Ok(())
    }

    fn part(&mut self, part: &Part, content: &[u8]) -> Result<()> {
        let Some(file) = self.restore.large().get(&part.path) else {
            return Ok(());
        };
        self.restore.target.write_part(&file, part, content, &mut self.near)
    }

    fn block(&mut self, block: &Block, content: &[u8]) -> Result<()> {
        let Some(file) = self.restore.large().get(&block.path) else {
            return Ok(());
        };
        self.restore.target.write_block(&file, block, content, &mut self.near)
    }
}
