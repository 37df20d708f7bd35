//! The methods of [`Share`] over SMB: what each does, and what it checks before it repeats itself.
//!
//! When a connection breaks, nobody knows whether the server carried out the last request. So a second attempt first
//! checks whether the first one succeeded.

use std::rc::Rc;
use std::sync::Arc;

use super::failure::Failure;
use super::handles::Kind;
use super::session::Session;
use super::status;
use super::transfer::{Download, Upload};
use super::{SmbShare, nameless};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{MasBackupFile, MasBackupFolder, SharePath};
use crate::share::{Item, Share, ShareProtection, Space, concerning, too_long, unsupported};

impl Share for SmbShare {
    fn describe(&self) -> String {
        self.root().to_string()
    }

    fn protection(&self) -> Option<ShareProtection> {
        let facts = self.pool.facts()?;
        let fallback = facts.is_fallback.then(|| {
            format!(
                "{}: the traffic is signed, but not encrypted: the server offers no AES-128-GCM over SMB 3.1.1",
                self.describe()
            )
        });
        Some(ShareProtection {
            dialect: facts.dialect.to_string(),
            signing: facts.signing.unwrap_or_else(|| "AesCmac".into()),
            cipher: facts.cipher,
            target: facts.target,
            fallback,
        })
    }

    fn put(&self, path: &SharePath, content: &[u8]) -> Result<()> {
        let (to, upload, flush) = (self.path(path), self.upload("write", path)?, self.flushes());
        let content: Arc<[u8]> = content.into();
        let found = Download::default();
        self.run("write", path, move |session, attempt| {
            let (to, upload, content, found) = (to.clone(), upload.clone(), content.clone(), found.clone());
            async move {
                if upload.is_in_doubt(attempt) {
                    clear(&upload, &session).await?;
                    if holds(&session, &to, &content, &found).await? {
                        return Ok(());
                    }
                    upload.clear_doubt();
                }
                session.put(&to, &upload, &content, flush).await
            }
        })
    }

    fn flush(&self, folder: &SharePath) -> Result<()> {
        if !self.flushes() {
            return Ok(());
        }
        let path = self.path(folder);
        self.run("flush", folder, move |session, _| {
            let path = path.clone();
            async move {
                match session.flush_folder(&path).await {
                    // Not every server flushes folders, or allows every account to. Each file is flushed already.
                    Err(failure) if failure.ntstatus().is_some_and(|status| NO_FLUSH.contains(&status)) => {
                        Ok(())
                    }
                    flushed => flushed,
                }
            }
        })
    }

    fn read(&self, path: &SharePath, limit: u64, buffer: &mut Vec<u8>) -> Result<()> {
        buffer.clear();
        let from = self.named("read", path)?;
        let download = Download::default();
        let content = self.run("read", path, move |session, _| {
            let (from, download) = (from.clone(), download.clone());
            async move { session.read(&from, limit, &download).await }
        })?;
        *buffer = content.ok_or_else(|| too_long(self.root().join(path), limit, path))?;
        Ok(())
    }

    fn list(&self, folder: &SharePath) -> Result<Vec<Item>> {
        let path = self.path(folder);
        self.run("list", folder, move |session, _| {
            let path = path.clone();
            async move { session.list(&path).await }
        })
    }

    fn list_mas_backup(&self, folder: &MasBackupFolder) -> Result<Vec<Item>> {
        let path = self.mas_backup_path(folder);
        let listed = self.pool.run(move |session: Rc<Session>, _| {
            let path = path.clone();
            async move { session.list(&path).await }
        });
        listed.map_err(|failure| self.mas_backup_failed("list", folder, failure))
    }

    fn read_mas_backup(&self, file: &MasBackupFile, from: u64, buffer: &mut [u8]) -> Result<usize> {
        let path = format!("{}\\{}", self.mas_backup_path(file.folder()), file.name());
        let room = buffer.len();
        let read = self.pool.run(move |session: Rc<Session>, _| {
            let path = path.clone();
            async move { session.read_range(&path, from, room).await }
        });
        let content = read.map_err(|failure| self.mas_backup_failed("read", file, failure))?;
        buffer[..content.len()].copy_from_slice(&content);
        Ok(content.len())
    }

    fn create_folder(&self, folder: &SharePath) -> Result<()> {
        let path = self.named("create folder", folder)?;
        let parents: Vec<String> = folder.folders_above().map(|parent| self.path(&parent)).collect();
        self.run("create folder", folder, move |session, attempt| {
            let (path, parents) = (path.clone(), parents.clone());
            async move {
                let mut created = session.create_folder(&path).await;
                if is(&created, status::OBJECT_PATH_NOT_FOUND) {
                    for parent in parents {
                        match session.create_folder(&parent).await {
                            Err(failure) if failure.ntstatus() == Some(status::OBJECT_NAME_COLLISION) => {}
                            created => created?,
                        }
                    }
                    created = session.create_folder(&path).await;
                }
                // An earlier attempt may have created the folder, and it is then empty.
                if attempt.may_be_done()
                    && is(&created, status::OBJECT_NAME_COLLISION)
                    && session.list(&path).await?.is_empty()
                {
                    return Ok(());
                }
                created
            }
        })
    }

    fn link(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        let (from, to) = (self.named("link", object)?, self.named("link", name)?);
        let linked = self.pool.run(move |session, attempt| {
            let (from, to) = (from.clone(), to.clone());
            async move {
                let linked = session.link(&from, &to).await;
                if attempt.may_be_done()
                    && is(&linked, status::OBJECT_NAME_COLLISION)
                    && session.identity(&from).await? == session.identity(&to).await?
                {
                    return Ok(());
                }
                linked
            }
        });
        self.placed("link", "hard links", object, name, linked)
    }

    fn copy(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        let (from, to) = (self.named("copy", object)?, self.named("copy", name)?);
        let (upload, flush) = (self.upload("copy", name)?, self.flushes());
        let found = [Download::default(), Download::default()];
        let copied = self.pool.run(move |session, attempt| {
            let (from, to, upload, found) = (from.clone(), to.clone(), upload.clone(), found.clone());
            async move {
                if upload.is_in_doubt(attempt) {
                    clear(&upload, &session).await?;
                    if same(&session, &from, &to, &found).await? {
                        return Ok(());
                    }
                    upload.clear_doubt();
                }
                session.copy(&from, &to, &upload.name()?, flush).await
            }
        });
        self.placed("copy", "server-side copies", object, name, copied)
    }

    fn rename(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        let (from, to) = (self.named("rename", object)?, self.named("rename", name)?);
        let renamed = self.pool.run(move |session, attempt| {
            let (from, to) = (from.clone(), to.clone());
            async move {
                let renamed = session.rename(&from, &to).await;
                if attempt.may_be_done()
                    && is(&renamed, status::OBJECT_NAME_NOT_FOUND)
                    && session.identity(&to).await.is_ok()
                {
                    return Ok(());
                }
                renamed
            }
        });
        self.placed("rename", "renaming", object, name, renamed)
    }

    fn space(&self) -> Result<Space> {
        let root = self.path(&SharePath::root());
        self.run("look for space on", &SharePath::root(), move |session, _| {
            let root = root.clone();
            async move { session.space(&root).await }
        })
    }

    fn may_delete(&self, folder: &SharePath) -> Result<Option<bool>> {
        self.rights_in(folder)
    }

    fn write_and_discard(&self, folder: &SharePath, content: &[u8]) -> Result<()> {
        self.write_and_discard_in(folder, content)
    }

    fn remove(&self, path: &SharePath) -> Result<()> {
        self.remove_as("delete", path, Kind::File)
    }

    fn remove_folder(&self, folder: &SharePath) -> Result<()> {
        // A file that is still open holds its folder.
        self.pool.wait_for_closes();
        self.remove_as("delete folder", folder, Kind::Folder)
    }
}

impl SmbShare {
    fn mas_backup_path(&self, folder: &MasBackupFolder) -> String {
        let above = self.root().folders().names().iter().map(|name| name.as_str());
        above.chain(folder.names()).collect::<Vec<_>>().join("\\")
    }

    fn mas_backup_failed(
        &self,
        doing: &'static str,
        what: impl std::fmt::Display,
        failure: Failure,
    ) -> Error {
        let shown = format!("{}\\{what}", self.root());
        failure.into_error(format_args!("{doing} {shown}")).doing(doing, shown)
    }

    fn remove_as(&self, action: &'static str, path: &SharePath, kind: Kind) -> Result<()> {
        let gone = self.named(action, path)?;
        self.run(action, path, move |session, attempt| {
            let gone = gone.clone();
            async move {
                match session.remove(&gone, kind).await {
                    Err(failure) if attempt.may_be_done() && failure.kind() == ErrorKind::NotFound => Ok(()),
                    removed => removed,
                }
            }
        })
    }

    /// Returns the server's path of anything but the root.
    fn named(&self, action: &str, path: &SharePath) -> Result<String> {
        if path.is_root() { Err(nameless(action)) } else { Ok(self.path(path)) }
    }

    /// Returns the outcome of an operation with two paths. If it is unsupported, the error is about the share.
    fn placed(
        &self,
        doing: &'static str,
        what: &str,
        from: &SharePath,
        to: &SharePath,
        result: Result<(), Failure>,
    ) -> Result<()> {
        result.map_err(|failure| match failure.kind() {
            ErrorKind::Unsupported => {
                unsupported(self.describe(), doing, what, from).with_source(self.failed(doing, to, failure))
            }
            _ => {
                let shown = self.root().join(from);
                let error = failure.into_error(format_args!("{doing} {shown} as {to}"));
                concerning(error, doing, shown, to)
            }
        })
    }

    /// Begins a file that has another name until it is whole.
    pub(super) fn upload(&self, action: &str, path: &SharePath) -> Result<Upload> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(nameless(action));
        };
        let folder = match self.path(&folder) {
            root if root.is_empty() => root,
            folder => folder + "\\",
        };
        // A name has at most 255 UTF-16 units, the mark in front included.
        let name = if name.as_str().len() > LONGEST { "azs-backup" } else { name.as_str() };
        Ok(Upload::new(folder, name.to_owned()))
    }
}

/// Deletes what earlier attempts left behind.
async fn clear(upload: &Upload, session: &Session) -> Result<(), Failure> {
    for part in upload.used() {
        match session.remove(&part, Kind::File).await {
            Err(failure) if failure.is_lost() || failure.is_exhausted() => return Err(failure),
            // It does not exist, or the broken connection still holds it.
            _ => {}
        }
    }
    Ok(())
}

/// Whether a file exists and contains exactly this.
async fn holds(
    session: &Rc<Session>,
    path: &str,
    content: &[u8],
    download: &Download,
) -> Result<bool, Failure> {
    match session.read(path, content.len() as u64, download).await {
        Ok(found) => Ok(found.is_some_and(|found| found == content)),
        Err(failure) if failure.kind() == ErrorKind::NotFound => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// Whether both files exist and have the same content.
async fn same(
    session: &Rc<Session>,
    one: &str,
    other: &str,
    [first, second]: &[Download; 2],
) -> Result<bool, Failure> {
    match session.read(other, MOST_COMPARED, second).await {
        Ok(Some(content)) => Ok(session.read(one, content.len() as u64, first).await? == Some(content)),
        Ok(None) => Ok(false),
        Err(failure) if failure.kind() == ErrorKind::NotFound => Ok(false),
        Err(failure) => Err(failure),
    }
}

fn is(result: &Result<(), Failure>, status: u32) -> bool {
    result.as_ref().is_err_and(|failure| failure.ntstatus() == Some(status))
}

/// Answers of servers that do not flush folders.
const NO_FLUSH: [u32; 5] = [
    status::ACCESS_DENIED,
    status::NOT_IMPLEMENTED,
    status::NOT_SUPPORTED,
    status::INVALID_DEVICE_REQUEST,
    status::INVALID_PARAMETER,
];
const LONGEST: usize = 230;
/// Objects have a few tens of MiB.
const MOST_COMPARED: u64 = 1 << 28;
