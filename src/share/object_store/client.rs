//! Requests to a store: each once, with what came of it.

use std::sync::Arc;

use ::object_store::aws::AmazonS3;
use ::object_store::azure::{AzureAuthorizer, MicrosoftAzure};
use ::object_store::client::{HttpRequest, HttpService};
use ::object_store::path::Path;
use ::object_store::{
    CopyMode, CopyOptions, GetOptions, GetRange, ListResult, ObjectMeta, ObjectStore, PutMode, PutOptions,
    PutPayload,
};
use bytes::Bytes;
use futures::StreamExt;
use http::Method;
use jiff::Timestamp;
use url::Url;

use super::crypto::OpenSsl;
use super::failure::Failure;
use super::lock::{Lock, Rule};
use super::wire::{Call, Service, Wire, append};
use crate::error::ErrorKind;
use crate::share::{Item, ItemKind};

/// A bucket or container.
pub(super) struct Client {
    pub(super) store: Store,
    pub(super) wire: Arc<Wire>,
}

pub(super) enum Store {
    S3(AmazonS3),
    /// With the URL of its container and its account, for the requests that the crate makes in another way.
    Azure(MicrosoftAzure, Url, String),
}

/// What is known of an object.
pub(super) struct Known {
    length: u64,
    modified: Timestamp,
    /// Until when it is locked, by what the store says.
    pub(super) locked_until: Option<Timestamp>,
    is_pending: bool,
}

impl Known {
    /// Until when it counts as locked, if what is written here is locked by this rule. An account that may not see a lock
    /// is told of none, and the deletion that a bucket with versions then accepts hides the object.
    pub(super) fn kept_until(&self, rule: Option<Rule>) -> Option<Timestamp> {
        let by_rule = rule.and_then(|rule| self.modified.checked_add(rule.time).ok());
        self.locked_until.max(by_rule).filter(|until| *until > Timestamp::now())
    }

    /// Refuses to delete what the store refuses to delete.
    pub(super) fn require_unlocked(&self, rule: Option<Rule>) -> Result<(), Failure> {
        self.kept_until(rule).map_or(Ok(()), |until| Err(Failure::locked(until)))
    }
}

/// What a folder holds.
pub(super) struct Listing {
    pub(super) items: Vec<Item>,
    /// Whether anything says that the folder exists, its marker included.
    pub(super) exists: bool,
}

impl Client {
    fn store(&self) -> &dyn ObjectStore {
        match &self.store {
            Store::S3(store) => store,
            Store::Azure(store, ..) => store,
        }
    }

    /// Writes a new object. If the name is taken, [`Failure::is_taken`].
    pub(super) async fn put(&self, key: &str, content: Bytes, lock: Option<Lock>) -> Result<(), Failure> {
        let (key, call) = (path(key)?, Call::locking(lock));
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        call.run(self.store().put_opts(&key, PutPayload::from_bytes(content), options)).await.map(drop)
    }

    /// Returns what is known of an object; `None` if there is none.
    pub(super) async fn look(&self, key: &str) -> Result<Option<Known>, Failure> {
        let key = path(key)?;
        let options = GetOptions { head: true, ..GetOptions::default() };
        match Call::default().run(self.store().get_opts(&key, options)).await {
            Ok((result, seen)) => Ok(Some(Known {
                length: result.meta.size,
                modified: time(&result.meta).unwrap_or(Timestamp::MIN),
                locked_until: seen.locked_until,
                is_pending: seen.is_pending,
            })),
            Err(failure) if failure.is_missing() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Reads a whole object; `None` if it is longer than `limit`.
    pub(super) async fn read(&self, key: &str, limit: u64) -> Result<Option<Vec<u8>>, Failure> {
        let key = path(key)?;
        let (result, _) = Call::default().run(self.store().get_opts(&key, GetOptions::default())).await?;
        let length = result.meta.size;
        if length > limit {
            return Ok(None);
        }
        let content = self.content(result, length).await?;
        if content.len() as u64 != length {
            return Err(Failure::network(&std::io::Error::from(std::io::ErrorKind::UnexpectedEof)));
        }
        Ok(Some(content))
    }

    /// Reads up to `room` bytes from an offset on; fewer only at the end of the object.
    ///
    /// Services differ in what they answer to a range behind the end, so the length decides.
    pub(super) async fn read_range(&self, key: &str, from: u64, room: u64) -> Result<Vec<u8>, Failure> {
        let key = path(key)?;
        let range = Some(GetRange::Bounded(from..from.saturating_add(room)));
        let options = GetOptions { range, ..GetOptions::default() };
        match Call::default().run(self.store().get_opts(&key, options)).await {
            Ok((result, _)) => self.content(result, room).await,
            Err(failure) if failure.is_missing() => Err(failure),
            Err(failure) => match self.look(key.as_ref()).await? {
                Some(known) if from >= known.length => Ok(Vec::new()),
                _ => Err(failure),
            },
        }
    }

    async fn content(&self, result: ::object_store::GetResult, most: u64) -> Result<Vec<u8>, Failure> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let mut content = Vec::new();
        content
            .try_reserve_exact(most)
            .map_err(|e| Failure::other(ErrorKind::LimitExceeded, e.to_string()))?;
        let too_much = || Failure::other(ErrorKind::Malformed, "the store sends more than it said");
        append(&mut content, result.into_stream(), most, self.wire.silence(), too_much).await?;
        Ok(content)
    }

    /// Copies an object in the store, to a name that must be free.
    pub(super) async fn copy(&self, from: &str, to: &str, lock: Option<Lock>) -> Result<(), Failure> {
        let (source, target) = (path(from)?, path(to)?);
        let call = Call::locking(lock);
        let options = CopyOptions { mode: CopyMode::Create, ..CopyOptions::default() };
        let (_, seen) = call.run(self.store().copy_opts(&source, &target, options)).await?;
        let mut is_pending = seen.is_pending;
        while is_pending {
            tokio::time::sleep(PAUSE).await;
            is_pending = self.look(to).await?.is_some_and(|known| known.is_pending);
        }
        Ok(())
    }

    /// Deletes an object that exists and is not locked. In a bucket with versions, deleting would only hide a locked one.
    pub(super) async fn remove(&self, key: &str, rule: Option<Rule>, again: bool) -> Result<(), Failure> {
        let Some(known) = self.look(key).await? else {
            return if again { Ok(()) } else { Err(Failure::missing()) };
        };
        known.require_unlocked(rule)?;
        match self.delete(key).await {
            Err(failure) if again && failure.is_missing() => Ok(()),
            deleted => deleted,
        }
    }

    /// Deletes an object. S3 reports success also if there is none.
    pub(super) async fn delete(&self, key: &str) -> Result<(), Failure> {
        let key = path(key)?;
        match &self.store {
            Store::S3(store) => {
                let mut deleted = store.delete_stream(futures::stream::iter([Ok(key)]).boxed());
                let first = async { deleted.next().await.unwrap_or_else(|| Ok(Path::default())) };
                Call::default().run(first).await.map(drop)
            }
            // The crate deletes by a batch, which takes a version of the API that Azure Stack Hub does not have.
            Store::Azure(store, container, account) => {
                let mut url = container.clone();
                if let Ok(mut names) = url.path_segments_mut() {
                    names.extend(key.parts().map(|part| part.as_ref().to_owned()));
                }
                let delete = async {
                    let mut request = HttpRequest::new(Vec::new().into());
                    *request.method_mut() = Method::DELETE;
                    *request.uri_mut() = url.as_str().parse().map_err(generic)?;
                    let credential = store.credentials().get_credential().await?;
                    let authorizer = AzureAuthorizer::new(&credential, account).with_crypto(&OpenSsl);
                    authorizer.try_authorize(&mut request)?;
                    let response = Service(self.wire.clone()).call(request).await.map_err(generic)?;
                    match response.status().is_success() {
                        true => Ok(()),
                        false => Err(generic(std::io::Error::other("refused"))),
                    }
                };
                Call::default().run(delete).await.map(drop)
            }
        }
    }

    /// Lists a folder; the empty key is that of the container.
    pub(super) async fn list(&self, folder: &str) -> Result<Listing, Failure> {
        let key = path(folder)?;
        let found = self.listed(&key).await?;
        let name =
            |path: &Path| path.parts().next_back().map(|part| part.as_ref().to_owned()).unwrap_or_default();
        let folders: std::collections::HashSet<String> = found.common_prefixes.iter().map(name).collect();
        let exists = !folders.is_empty() || !found.objects.is_empty() || folder.is_empty();
        let files = found.objects.into_iter().filter_map(|object| {
            let modified = time(&object);
            let ObjectMeta { location, size, .. } = object;
            let name = name(&location);
            // The marker of the folder itself, ours or that of another program (`folder/`), and that of one in it (`folder`,
            // of length 0).
            let is_marker = location == key || name == MARKER || (size == 0 && folders.contains(&name));
            (!is_marker).then(|| Item::new(name, ItemKind::File, size).with_modified(modified))
        });
        let mut items: Vec<Item> = files.collect();
        items.extend(folders.iter().map(|name| Item::new(name, ItemKind::Folder, 0)));
        let exists = exists || self.is_prefix(&key).await?;
        Ok(Listing { items, exists })
    }

    /// What is directly in a folder, its own marker included.
    async fn listed(&self, folder: &Path) -> Result<ListResult, Failure> {
        let prefix = (!folder.as_ref().is_empty()).then_some(folder);
        let (found, _) = Call::default().run(self.store().list_with_delimiter(prefix)).await?;
        for name in found.objects.iter().map(|object| &object.location).chain(&found.common_prefixes) {
            // Such a name would be taken for another one: its last part counts.
            if name.prefix_match(folder).is_none_or(|parts| parts.count() > 1) {
                return Err(strange(folder, name));
            }
        }
        Ok(found)
    }

    /// Whether the folder above shows this one. Azure does so of an empty folder of another program, of whose marker the
    /// crate shows nothing.
    async fn is_prefix(&self, folder: &Path) -> Result<bool, Failure> {
        if matches!(self.store, Store::S3(_)) {
            return Ok(false);
        }
        let names: Vec<_> = folder.parts().collect();
        let above: Path = names.iter().take(names.len() - 1).cloned().collect();
        let found = self.listed(&above).await?;
        Ok(found.common_prefixes.contains(folder))
    }

    /// Whether a folder exists: it has a marker, or something is in it.
    pub(super) async fn has_folder(&self, folder: &str) -> Result<bool, Failure> {
        if folder.is_empty() || self.look(&marker(folder)).await?.is_some() {
            return Ok(true);
        }
        let key = path(folder)?;
        let first = async { self.store().list(Some(&key)).next().await.transpose() };
        let (first, _) = Call::default().run(first).await?;
        if let Some(first) = first.as_ref().filter(|first| !first.location.prefix_matches(&key)) {
            return Err(strange(&key, &first.location));
        }
        Ok(first.is_some() || self.is_prefix(&key).await?)
    }

    /// Whether an object is there and contains exactly this.
    pub(super) async fn holds(&self, key: &str, content: &[u8]) -> Result<bool, Failure> {
        match self.read(key, content.len() as u64).await {
            Ok(found) => Ok(found.is_some_and(|found| found == content)),
            Err(failure) if failure.is_missing() => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Whether both objects are there, with the same content.
    pub(super) async fn same(&self, one: &str, other: &str) -> Result<bool, Failure> {
        match self.read(one, MOST_COMPARED).await {
            Ok(Some(content)) => self.holds(other, &content).await,
            Ok(None) => Ok(false),
            Err(failure) if failure.is_missing() => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}

/// When an object was written.
fn time(object: &ObjectMeta) -> Option<Timestamp> {
    Timestamp::from_nanosecond(object.last_modified.timestamp_nanos_opt()?.into()).ok()
}

/// The key of a folder's marker.
pub(super) fn marker(folder: &str) -> String {
    format!("{folder}/{MARKER}")
}

/// The store lists what it was not asked for.
fn strange(folder: &Path, name: &Path) -> Failure {
    let (folder, name) = (folder.as_ref().escape_debug(), name.as_ref().escape_debug());
    Failure::other(
        ErrorKind::Malformed,
        format!("the store was asked what is in \"{folder}\", and lists \"{name}\""),
    )
}

fn path(key: &str) -> Result<Path, Failure> {
    Path::parse(key).map_err(|e| Failure::other(ErrorKind::InvalidName, e.to_string()))
}

fn generic(error: impl std::error::Error + Send + Sync + 'static) -> ::object_store::Error {
    ::object_store::Error::Generic { store: "Azure", source: Box::new(error) }
}

/// The name of the object that stands for a folder.
pub(super) const MARKER: &str = ".azs-folder";
/// How often to look whether Azure has finished a copy.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(500);
/// Objects have a few tens of MiB.
const MOST_COMPARED: u64 = 1 << 28;
