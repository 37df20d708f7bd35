//! Finds the deployments that have a region folder on a share.

use std::sync::Arc;

use super::walk::folders;
use crate::error::{Error, ErrorKind, Result, Scope};
use crate::layout::{Deployment, SharePath};
use crate::share::Share;

/// Lists the deployments that have a region folder on a share, by name: the folders two below the root of which the names
/// are those of an external domain name and a region. Folders that cannot be listed are left out.
///
/// # Errors
/// The share's own, when its root cannot be listed or the connection is lost.
pub fn list_deployments(share: &Arc<dyn Share>) -> Result<Vec<Deployment>> {
    Ok(find_deployments(share)?.0)
}

/// Finds them, and the errors of the folders that cannot be listed.
pub(crate) fn find_deployments(share: &Arc<dyn Share>) -> Result<(Vec<Deployment>, Vec<Error>)> {
    let root = SharePath::root();
    let (mut deployments, mut unread) = (Vec::new(), Vec::new());
    for domain in folders(share.list(&root)?) {
        let regions = match share.list(&root.join(domain.clone())) {
            Err(e) if e.kind() == ErrorKind::NotFound => continue,
            Err(e) if e.scope() == Scope::Object => {
                unread.push(e);
                continue;
            }
            listed => folders(listed?),
        };
        deployments.extend(regions.iter().filter_map(|region| Deployment::new(&domain, region).ok()));
    }
    deployments.sort();
    deployments.dedup();
    Ok((deployments, unread))
}
