//! The calls of a share: what each does, and what it checks before it repeats itself.
//!
//! When a connection breaks, nobody knows whether the server carried out the last request. So a second attempt first
//! checks whether the first one succeeded.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use super::operations::Kind;
use super::pool::Attempt;
use super::session::Session;
use super::status::{self, Failure};
use super::{SmbShare, nameless};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{MasBackupFolder, SharePath};
use crate::share::{Item, Share, Space, unsupported};

impl Share for SmbShare {
    fn describe(&self) -> String {
        self.root().to_string()
    }

    fn put(&self, path: &SharePath, content: &[u8]) -> Result<()> {
        let (to, parts, flush) = (self.path(path), self.parts("write", path)?, self.flushes());
        let content: Arc<[u8]> = content.into();
        self.run("write", path, move |session, attempt| {
            let (to, parts, content) = (to.clone(), parts.clone(), content.clone());
            async move {
                if attempt == Attempt::Again {
                    parts.clear(&session).await?;
                    if holds(&session, &to, &content).await? {
                        return Ok(());
                    }
                }
                session.put(&to, &parts.next()?, &content, flush).await
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
        let content = self.run("read", path, move |session, _| {
            let from = from.clone();
            async move { session.read(&from, limit).await }
        })?;
        *buffer = content.ok_or_else(|| {
            Error::new(
                ErrorKind::LimitExceeded,
                format!("{} is longer than the {limit} bytes allowed here", self.root().join(path)),
            )
        })?;
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
        let above = self.root().folders().names().iter().map(|name| name.as_str());
        let path = above.chain(folder.names()).collect::<Vec<_>>().join("\\");
        let work = move |session: Rc<Session>, _| {
            let path = path.clone();
            async move { session.list(&path).await }
        };
        let listed = self.pool.run(work);
        listed.map_err(|failure| failure.into_error(format_args!("list {}\\{folder}", self.root())))
    }

    fn create_folder(&self, folder: &SharePath) -> Result<()> {
        let path = self.named("create folder", folder)?;
        let parents: Vec<String> = (1..folder.names().len())
            .filter_map(|count| SharePath::from_names(folder.names()[..count].iter().cloned()).ok())
            .map(|parent| self.path(&parent))
            .collect();
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
                if attempt == Attempt::Again
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
                if attempt == Attempt::Again
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
        let (parts, flush) = (self.parts("copy", name)?, self.flushes());
        let copied = self.pool.run(move |session, attempt| {
            let (from, to, parts) = (from.clone(), to.clone(), parts.clone());
            async move {
                if attempt == Attempt::Again {
                    parts.clear(&session).await?;
                    if same(&session, &from, &to).await? {
                        return Ok(());
                    }
                }
                session.copy(&from, &to, &parts.next()?, flush).await
            }
        });
        self.placed("copy", "copies made where an object lies", object, name, copied)
    }

    fn rename(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        let (from, to) = (self.named("rename", object)?, self.named("rename", name)?);
        let renamed = self.pool.run(move |session, attempt| {
            let (from, to) = (from.clone(), to.clone());
            async move {
                let renamed = session.rename(&from, &to).await;
                if attempt == Attempt::Again
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

    fn remove(&self, path: &SharePath) -> Result<()> {
        self.remove_as("delete", path, Kind::File)
    }

    fn remove_folder(&self, folder: &SharePath) -> Result<()> {
        self.remove_as("delete folder", folder, Kind::Folder)
    }
}

impl SmbShare {
    fn remove_as(&self, action: &str, path: &SharePath, kind: Kind) -> Result<()> {
        let gone = self.named(action, path)?;
        self.run(action, path, move |session, attempt| {
            let gone = gone.clone();
            async move {
                match session.remove(&gone, kind).await {
                    Err(failure) if attempt == Attempt::Again && failure.kind() == ErrorKind::NotFound => {
                        Ok(())
                    }
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
        action: &str,
        what: &str,
        from: &SharePath,
        to: &SharePath,
        result: Result<(), Failure>,
    ) -> Result<()> {
        result.map_err(|failure| match failure.kind() {
            ErrorKind::Unsupported => unsupported(self.describe(), what, from)
                .with_source(failure.into_error(self.doing(action, to))),
            _ => failure.into_error(format!("{} as {to}", self.doing(action, from))),
        })
    }

    /// Names for a file until it is whole.
    fn parts(&self, action: &str, path: &SharePath) -> Result<Parts> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(nameless(action));
        };
        let folder = match self.path(&folder) {
            root if root.is_empty() => root,
            folder => folder + "\\",
        };
        // A name has at most 255 UTF-16 units, suffix included.
        let name = if name.as_str().len() > LONGEST_STEM { "azs-backup" } else { name.as_str() };
        Ok(Parts { stem: format!("{folder}.{name}"), used: Arc::default() })
    }
}

/// Names for the attempts at one object, each used once: the server may still write to what a broken connection left.
/// Listings show these files as belonging to no set, and retention deletes them.
#[derive(Clone)]
struct Parts {
    stem: String,
    used: Arc<Mutex<BTreeSet<String>>>,
}

impl Parts {
    fn next(&self) -> Result<String, Failure> {
        let mut random = [0; 4];
        openssl::rand::rand_bytes(&mut random)
            .map_err(|e| Failure::other(ErrorKind::Internal, format!("draw a name: {e}")))?;
        let part = format!("{}.{:08x}.part", self.stem, u32::from_be_bytes(random));
        self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(part.clone());
        Ok(part)
    }

    /// Deletes what earlier attempts left behind.
    async fn clear(&self, session: &Session) -> Result<(), Failure> {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for part in used {
            match session.remove(&part, Kind::File).await {
                Err(failure) if failure.is_lost() => return Err(failure),
                // It does not exist, or the broken connection still holds it.
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether a file exists and contains exactly this.
async fn holds(session: &Rc<Session>, path: &str, content: &[u8]) -> Result<bool, Failure> {
    match session.read(path, content.len() as u64).await {
        Ok(found) => Ok(found.is_some_and(|found| found == content)),
        Err(failure) if failure.kind() == ErrorKind::NotFound => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// Whether both files exist and have the same content.
async fn same(session: &Rc<Session>, one: &str, other: &str) -> Result<bool, Failure> {
    match session.read(other, MOST_COMPARED).await {
        Ok(Some(content)) => Ok(session.read(one, content.len() as u64).await? == Some(content)),
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
const LONGEST_STEM: usize = 240;
/// Objects have a few tens of MiB.
const MOST_COMPARED: u64 = 1 << 28;
