//! Large files of a restore: their parts come from several workers, in any order, into a temporary name.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, OpenOptions};

use super::assembler::{Assembler, Output};
use super::compare;
use super::target::{
    ExpectedContent, ExpectedFile, LastFolder, Outcome, Target, create, make_sparse, write_at,
};
use super::{Compare, Loss, Restore};
use crate::error::{Result, Scope};
use crate::names;
use crate::set::{Block, EntryPath, Metadata, Part};

/// A large file in progress. It keeps nothing open, because there may be many.
pub(super) struct LargeFile {
    pub(super) assembler: Assembler,
    /// Its path in the target.
    pub(super) path: EntryPath,
    metadata: Metadata,
    folder: Vec<u8>,
    name: OsString,
    form: Form,
}

/// What becomes of the bytes of a large file.
enum Form {
    /// They are written under a temporary name.
    New { under: OsString, sparse: bool },
    /// It exists, and they are compared with it.
    Existing { differs: AtomicBool },
}

impl AsRef<Assembler> for LargeFile {
    fn as_ref(&self) -> &Assembler {
        &self.assembler
    }
}

impl Drop for Restore<'_> {
    /// Removes what is unfinished, if a share or anything else panicked.
    fn drop(&mut self) {
        let unfinished = self.large().take(|_| true);
        unfinished.iter().for_each(|file| self.target.discard_large(file));
    }
}

impl LargeFile {
    /// The name under which its bytes are.
    fn under(&self) -> &OsString {
        match &self.form {
            Form::New { under, .. } => under,
            Form::Existing { .. } => &self.name,
        }
    }

    /// Records that the target refused something of it; passes on what ends the work.
    fn written(&self, result: Result<()>) -> Result<()> {
        match result {
            Err(error) if error.scope() == Scope::Object => {
                self.assembler.lose(Loss::refused(self.path.clone(), &error));
                Ok(())
            }
            result => result,
        }
    }
}

/// A large file, open for a moment.
struct Open<'a> {
    form: &'a Form,
    file: File,
}

impl Output for Open<'_> {
    /// Writes bytes, or compares them with the existing ones.
    fn put(&mut self, content: &[u8], from: u64) -> io::Result<()> {
        match self.form {
            Form::New { sparse, .. } => write_at(&self.file, content, from, *sparse),
            Form::Existing { differs } => {
                if !is_same_at(&self.file, content, from)? {
                    differs.store(true, Ordering::Release);
                }
                Ok(())
            }
        }
    }
}

/// The outcome of beginning a large file.
pub(super) enum Begun {
    /// It needs its parts.
    Open(Box<LargeFile>),
    /// It existed and is kept.
    Kept(Outcome),
}

impl Target {
    /// Begins a large file under a temporary name; it gets its own when every part is there.
    pub(super) fn begin_large(
        &self,
        assembler: Assembler,
        path: &EntryPath,
        sparse: bool,
        metadata: &Metadata,
        near: &mut LastFolder,
    ) -> Result<Begun> {
        let begin = |near: &mut LastFolder| -> io::Result<Begun> {
            let (dir, name) = self.place(path, near)?;
            let size = assembler.size();
            let wanted = ExpectedFile { size, mtime: metadata.mtime, content: ExpectedContent::Later };
            let form = match self.keep_file(&dir, name, wanted, near)? {
                Some(Outcome::Kept) if self.compare == Compare::Content => {
                    Form::Existing { differs: AtomicBool::new(false) }
                }
                Some(kept) => return Ok(Begun::Kept(kept)),
                None => Form::New { under: self.grow(&dir, size, sparse)?, sparse },
            };
            Ok(Begun::Open(Box::new(LargeFile {
                assembler,
                path: path.clone(),
                metadata: metadata.clone(),
                folder: path.parent().unwrap_or_default().to_vec(),
                name: name.to_owned(),
                form,
            })))
        };
        begin(near).map_err(|e| self.failed(path, e))
    }

    /// Creates a file of this size under a temporary name.
    fn grow(&self, dir: &Dir, size: u64, sparse: bool) -> io::Result<OsString> {
        let under = OsString::from(self.temporary());
        let file = create(dir, &under)?;
        if sparse {
            make_sparse(&file);
        }
        file.set_len(size).inspect_err(|_| drop(names::remove(dir, &under)))?;
        Ok(under)
    }

    fn open_large<'a>(&self, large: &'a LargeFile, near: &mut LastFolder) -> io::Result<Open<'a>> {
        let is_new = matches!(large.form, Form::New { .. });
        let mut options = OpenOptions::new();
        options.read(!is_new).write(is_new).follow(FollowSymlinks::No);
        let file = self.folder(&large.folder, near)?.open_with(large.under(), &options)?.into_std();
        Ok(Open { form: &large.form, file })
    }

    /// Writes a part.
    pub(super) fn write_part(
        &self,
        file: &LargeFile,
        part: &Part,
        content: &[u8],
        near: &mut LastFolder,
    ) -> Result<()> {
        let open = self.open_large(file, near);
        let put = open.and_then(|mut open| file.assembler.put_part(content, part.from, &mut open));
        file.written(put.map_err(|e| self.failed(&file.path, e)))
    }

    /// Writes a changed block.
    pub(super) fn write_block(
        &self,
        file: &LargeFile,
        block: &Block,
        content: &[u8],
        near: &mut LastFolder,
    ) -> Result<()> {
        let open = self.open_large(file, near);
        let put = open.and_then(|mut open| file.assembler.put_block(content, block.from, &mut open));
        file.written(put.map_err(|e| self.failed(&file.path, e)))
    }

    /// Gives a large file its metadata and name, or finds out whether the existing one is the same.
    pub(super) fn finish_large(&self, file: &LargeFile) -> Result<Outcome> {
        let near = &mut LastFolder::default();
        let finish = |near: &mut LastFolder| -> io::Result<Outcome> {
            let mut open = self.open_large(file, near)?;
            match &file.form {
                Form::Existing { differs } => {
                    file.assembler.put_zeros(&mut open)?;
                    let is_same = !differs.load(Ordering::Acquire);
                    Ok(if is_same { Outcome::Kept } else { Outcome::Differs })
                }
                // It was created as zeros.
                Form::New { under, .. } => {
                    self.finish_file(&open.file, &file.metadata, &file.path);
                    self.durable.file(&open.file)?;
                    drop(open);
                    let dir = self.folder(&file.folder, near)?;
                    self.rename_into_place(&dir, under.to_str().unwrap_or_default(), &file.name, near)?;
                    Ok(Outcome::Written)
                }
            }
        };
        let finished = finish(near).map_err(|e| self.failed(&file.path, e));
        finished.inspect_err(|_| self.discard_large(file))
    }

    /// Removes what was written of a large file.
    pub(super) fn discard_large(&self, file: &LargeFile) {
        if let Form::New { under, .. } = &file.form
            && let Ok(dir) = self.folder(&file.folder, &mut LastFolder::default())
        {
            let _ = names::remove(&dir, under);
        }
    }
}

/// Whether a file has these bytes at this position.
fn is_same_at(mut file: &File, content: &[u8], from: u64) -> io::Result<bool> {
    use std::io::{Read, Seek, SeekFrom};

    file.seek(SeekFrom::Start(from))?;
    compare::is_content_of(file.take(content.len() as u64), content)
}
