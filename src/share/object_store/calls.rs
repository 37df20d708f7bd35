//! The methods of [`Share`] in an object store: what each does, and what it checks before it repeats itself.
//!
//! When an answer is missing, nobody knows whether the store did what it was asked to. So a second attempt first checks
//! whether the first one succeeded.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use jiff::Timestamp;

use super::ObjectStoreShare;
use super::client::{Client, marker};
use super::engine::Attempt;
use super::failure::Failure;
use super::left::Change;
use super::lock::{Lock, Rule};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{MasBackupFile, MasBackupFolder, Name, SharePath};
use crate::share::{Item, PROBE, Share, joined, too_long, unsupported};

impl Share for ObjectStoreShare {
    fn describe(&self) -> String {
        self.root.clone()
    }

    fn put(&self, path: &SharePath, content: &[u8]) -> Result<()> {
        let (key, folder) = self.place("write", path)?;
        let (content, lock) = (Bytes::copy_from_slice(content), self.lock_of(path));
        let is_probe = is_probe(path);
        let is_proved = self.holds_locks.load(Ordering::Relaxed) || lock.is_none();
        let change = Change::making(&key, key.clone());
        let written = self.engine.change(&change, move |client, attempt| {
            let (key, folder, content) = (key.clone(), folder.clone(), content.clone());
            async move {
                require_folder(&client, &folder).await?;
                attempt.go_on()?;
                match client.put(&key, content.clone(), lock).await {
                    Err(taken) if taken.is_taken() => {
                        if !attempt.may_be_done() || !client.holds(&key, &content).await? {
                            return Err(taken);
                        }
                    }
                    written => written?,
                }
                if is_probe {
                    require_conditions(&client, &key).await?;
                }
                match lock.filter(|_| !is_proved) {
                    Some(lock) => require_lock(&client, &key, lock).await,
                    None => Ok(()),
                }
            }
        });
        written.map_err(|failure| self.failed("write", path, failure))?;
        if lock.is_some() {
            self.holds_locks.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Nothing to do: a store acknowledges an object once it is stored for good, its name included.
    fn flush(&self, _: &SharePath) -> Result<()> {
        Ok(())
    }

    fn read(&self, path: &SharePath, limit: u64, buffer: &mut Vec<u8>) -> Result<()> {
        buffer.clear();
        let (key, _) = self.place("read", path)?;
        let read = self.engine.read(&key.clone(), move |client, _| {
            let key = key.clone();
            async move { client.read(&key, limit).await }
        });
        let read = read.map_err(|failure| self.failed("read", path, failure))?;
        *buffer = read.ok_or_else(|| too_long(joined(self.describe(), path), limit, path))?;
        Ok(())
    }

    fn list(&self, folder: &SharePath) -> Result<Vec<Item>> {
        // The root always exists, even before anything is in it.
        self.items(self.key(folder), folder.is_root()).map_err(|failure| self.failed("list", folder, failure))
    }

    fn list_mas_backup(&self, folder: &MasBackupFolder) -> Result<Vec<Item>> {
        let listed = self.items(self.mas_backup_key(folder), false);
        listed.map_err(|failure| self.mas_backup_failed("list", folder, failure))
    }

    fn read_mas_backup(&self, file: &MasBackupFile, from: u64, buffer: &mut [u8]) -> Result<usize> {
        let key = format!("{}/{}", self.mas_backup_key(file.folder()), file.name());
        let room = buffer.len() as u64;
        if room == 0 {
            return Ok(0);
        }
        let read = self.engine.read(&key.clone(), move |client, _| {
            let key = key.clone();
            async move { client.read_range(&key, from, room).await }
        });
        let content = read.map_err(|failure| self.mas_backup_failed("read", file, failure))?;
        buffer[..content.len()].copy_from_slice(&content);
        Ok(content.len())
    }

    fn create_folder(&self, folder: &SharePath) -> Result<()> {
        let (key, _) = self.place("create folder", folder)?;
        let parents: Vec<String> = folder.folders_above().map(|parent| self.key(&parent)).collect();
        let change = Change::making(&key, marker(&key));
        let created = self.engine.change(&change, move |client, attempt| {
            let (key, parents) = (key.clone(), parents.clone());
            async move {
                let is_there = if attempt.may_be_done() {
                    // An earlier attempt may have created it, and it is then empty.
                    !client.list(&key).await?.items.is_empty()
                } else {
                    client.has_folder(&key).await?
                };
                if is_there || client.look(&key).await?.is_some() {
                    return Err(Failure::other(
                        ErrorKind::AlreadyExists,
                        "something of that name is there already",
                    ));
                }
                for parent in parents {
                    attempt.go_on()?;
                    match client.put(&marker(&parent), Bytes::new(), None).await {
                        Err(taken) if taken.is_taken() => {}
                        created => created?,
                    }
                }
                attempt.go_on()?;
                match client.put(&marker(&key), Bytes::new(), None).await {
                    Err(taken) if taken.is_taken() && attempt.may_be_done() => Ok(()),
                    created => created,
                }
            }
        });
        created.map_err(|failure| self.failed("create folder", folder, failure))
    }

    fn copy(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        let ((from, _), (to, folder), lock) =
            (self.place("copy", object)?, self.place("copy", name)?, self.lock_of(name));
        let change = Change::making(&to, to.clone());
        let copied = self.engine.change(&change, move |client, attempt| {
            let (from, to, folder) = (from.clone(), to.clone(), folder.clone());
            async move {
                require_folder(&client, &folder).await?;
                copy(&client, &from, &to, lock, &attempt).await
            }
        });
        copied.map_err(|failure| match failure.kind() {
            ErrorKind::Unsupported => unsupported(self.describe(), "copy", "server-side copies", object)
                .with_source(self.failed("copy", name, failure)),
            _ => self.failed("copy", name, failure),
        })
    }

    /// Copies, then deletes. A crash in between leaves both names, each whole.
    fn rename(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        let ((from, _), (to, folder)) = (self.place("rename", object)?, self.place("rename", name)?);
        let (rule, lock) = (self.rule_of(object), self.lock_of(name));
        let change = Change::removing(&[&from, &to]);
        let renamed = self.engine.change(&change, move |client, attempt| {
            let (from, to, folder) = (from.clone(), to.clone(), folder.clone());
            async move {
                require_folder(&client, &folder).await?;
                let again = attempt.may_be_done();
                if let Some(known) = client.look(&from).await? {
                    known.require_unlocked(rule)?;
                }
                match copy(&client, &from, &to, lock, &attempt).await {
                    // An earlier attempt came to its end.
                    Err(failure) if again && failure.is_missing() && client.look(&to).await?.is_some() => {
                        return Ok(());
                    }
                    copied => copied?,
                }
                client.remove(&from, rule, true).await
            }
        });
        renamed.map_err(|failure| self.failed("rename", name, failure))
    }

    fn locked_until(&self, path: &SharePath) -> Result<Option<Timestamp>> {
        let (key, _) = self.place("read", path)?;
        let known = self.engine.read(&key.clone(), move |client, _| {
            let key = key.clone();
            async move { client.look(&key).await }
        });
        let known = known.map_err(|failure| self.failed("read", path, failure))?;
        Ok(known.and_then(|known| known.kept_until(self.rule_of(path))))
    }

    fn remove(&self, path: &SharePath) -> Result<()> {
        let ((key, _), rule) = (self.place("delete", path)?, self.rule_of(path));
        let removed = self.engine.change(&Change::removing(&[&key]), move |client, attempt| {
            let key = key.clone();
            async move { client.remove(&key, rule, attempt.may_be_done()).await }
        });
        removed.map_err(|failure| self.failed("delete", path, failure))
    }

    /// A store refuses to delete also what is not there, if the account may not.
    fn may_delete(&self, folder: &SharePath) -> Result<Option<bool>> {
        let nothing = folder.join(Name::new(format!("{PROBE}nothing"))?);
        let (key, _) = self.place("delete", &nothing)?;
        let deleted = self.engine.read(&key.clone(), move |client, _| {
            let key = key.clone();
            async move { client.delete(&key).await }
        });
        match deleted {
            Err(failure) if failure.kind() == ErrorKind::AccessDenied => Ok(Some(false)),
            Err(failure) if !failure.is_missing() => Err(self.failed("delete", &nothing, failure)),
            _ => Ok(Some(true)),
        }
    }

    fn remove_folder(&self, folder: &SharePath) -> Result<()> {
        let (key, _) = self.place("delete folder", folder)?;
        let removed = self.engine.change(&Change::removing(&[&key]), move |client, attempt| {
            let key = key.clone();
            async move {
                let listing = client.list(&key).await?;
                if !listing.items.is_empty() {
                    return Err(Failure::other(ErrorKind::Io, "the folder is not empty"));
                }
                if !listing.exists {
                    return if attempt.may_be_done() { Ok(()) } else { Err(Failure::missing()) };
                }
                match client.delete(&marker(&key)).await {
                    Err(failure) if failure.is_missing() => Ok(()),
                    deleted => deleted,
                }
            }
        });
        removed.map_err(|failure| self.failed("delete folder", folder, failure))
    }
}

impl ObjectStoreShare {
    /// By what rule an object with this name is locked. What a check writes, it must be able to delete.
    fn rule_of(&self, path: &SharePath) -> Option<Rule> {
        self.lock.filter(|_| !is_probe(path))
    }

    /// The lock of an object with this name that is written now.
    fn lock_of(&self, path: &SharePath) -> Option<Lock> {
        self.rule_of(path).map(Rule::now)
    }

    fn items(&self, key: String, always_exists: bool) -> Result<Vec<Item>, Failure> {
        self.engine.read(&key.clone(), move |client, _| {
            let key = key.clone();
            async move {
                let listing = client.list(&key).await?;
                if listing.exists || always_exists { Ok(listing.items) } else { Err(Failure::missing()) }
            }
        })
    }

    fn mas_backup_key(&self, folder: &MasBackupFolder) -> String {
        let above = self.prefix.names().iter().map(|name| name.as_str());
        above.chain(folder.names()).collect::<Vec<_>>().join("/")
    }

    fn mas_backup_failed(
        &self,
        doing: &'static str,
        what: impl std::fmt::Display,
        failure: Failure,
    ) -> Error {
        let shown = format!("{}/{what}", self.root);
        failure.into_error(format_args!("{doing} {shown}")).doing(doing, shown)
    }
}

fn is_probe(path: &SharePath) -> bool {
    path.file_name().is_some_and(|name| name.as_str().starts_with(PROBE))
}

/// Refuses to write into a folder that does not exist: a store would make it by that.
async fn require_folder(client: &Client, folder: &str) -> Result<(), Failure> {
    match client.has_folder(folder).await? {
        true => Ok(()),
        false => Err(Failure::other(ErrorKind::NotFound, "its folder does not exist")),
    }
}

/// Refuses a store that overwrites what must not be overwritten; the object belongs to a check.
async fn require_conditions(client: &Client, key: &str) -> Result<(), Failure> {
    match client.put(key, Bytes::from_static(b"overwritten"), None).await {
        Err(taken) if taken.is_taken() => Ok(()),
        Err(failure) => Err(failure),
        Ok(()) => {
            let _ = client.delete(key).await;
            let text = "the store overwrites an object although it is asked not to (If-None-Match: *); a backup needs one \
                        that does not";
            Err(Failure::other(ErrorKind::Unsupported, text))
        }
    }
}

/// Refuses a store that does not keep the lock that it was asked for.
async fn require_lock(client: &Client, key: &str, lock: Lock) -> Result<(), Failure> {
    let known = client.look(key).await?;
    if known.and_then(|known| known.locked_until).is_some_and(|until| until >= lock.until) {
        return Ok(());
    }
    let _ = client.delete(key).await;
    let text = "the store took the object, but does not say that it is locked; see that the bucket has Object Lock, or the \
                container version-level immutability, and that this account may see it (s3:GetObjectRetention)";
    Err(Failure::other(ErrorKind::Unsupported, text))
}

/// Copies an object to a name that is free.
async fn copy(
    client: &Client,
    from: &str,
    to: &str,
    lock: Option<Lock>,
    attempt: &Attempt,
) -> Result<(), Failure> {
    if client.look(from).await?.is_none() {
        return Err(Failure::missing());
    }
    // Not every store minds the condition on a copy, so look first.
    if client.look(to).await?.is_none() {
        attempt.go_on()?;
        match client.copy(from, to, lock).await {
            Err(taken) if taken.is_taken() => {}
            copied => return copied,
        }
    }
    if attempt.may_be_done() && client.same(from, to).await? {
        return Ok(());
    }
    Err(Failure::other(ErrorKind::AlreadyExists, "something of that name is there already"))
}
