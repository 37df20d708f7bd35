//! DFS namespaces (MS-DFSC): a path that leads from one server to another.
//!
//! The server of a namespace stores nothing of ours. It says where a path leads: a few targets, best first, each a path on
//! a file server or in another namespace. What comes of it is one target, to which everything then goes: a set that is
//! spread over two copies of a folder would be whole in neither.

use std::time::Instant;

use super::SmbShare;
use super::failure::Failure;
use super::pool::Pool;
use super::target::Target;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::SharePath;

/// Connects to a share, and follows it through namespaces to the first target that answers.
pub(super) fn connect(target: Target) -> Result<SmbShare> {
    let share = SmbShare { pool: Pool::new(target) };
    match share.open_root() {
        Ok(()) => Ok(share),
        Err(failure) => follow(&share, failure),
    }
}

/// Goes where a failure to open a share refers to, if it does.
pub(super) fn follow(share: &SmbShare, failure: Failure) -> Result<SmbShare> {
    Search { tries: 0, is_refused: false }.follow(share, failure, 1)
}

/// The way through namespaces, whose targets may be namespaces again.
struct Search {
    tries: u32,
    /// Whether the account was refused. Other targets would refuse it as well, and count that towards its lock-out.
    is_refused: bool,
}

impl Search {
    fn follow(&mut self, share: &SmbShare, failure: Failure, hops: u32) -> Result<SmbShare> {
        let Some(targets) = failure.targets() else {
            self.is_refused |= failure.is_refusal();
            return Err(share.failed("open", &SharePath::root(), failure));
        };
        let root = share.root();
        if hops > MOST_HOPS {
            let message = format!(
                "open {root}: the DFS path leads through more than {MOST_HOPS} links, perhaps in a circle"
            );
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let mut errors = Vec::new();
        for target in targets.iter() {
            self.tries += 1;
            let asked = share.pool.target();
            let namespace = Some(asked.namespace.clone().unwrap_or_else(|| asked.root.clone()));
            let next =
                SmbShare { pool: Pool::new(Target { root: target.clone(), namespace, ..asked.clone() }) };
            let opened = match targets.len() {
                // There is nothing else to turn to.
                1 => next.open_root(),
                // One attempt: the next target may answer at once.
                _ => next.pool.connection(Instant::now() + asked.times.call).and_then(|_| next.open_root()),
            };
            let failure = match opened {
                Ok(()) => return Ok(next),
                Err(failure) => failure,
            };
            match self.follow(&next, failure, hops + 1) {
                Ok(share) => return Ok(share),
                Err(error) => errors.push(error),
            }
            if self.is_refused {
                break;
            }
            if self.tries >= MOST_TRIES {
                let message =
                    format!("the DFS path leads to more than {MOST_TRIES} targets, perhaps in a circle");
                errors.push(Error::new(ErrorKind::Unsupported, message));
                break;
            }
        }
        // What lies between the path that was asked for and the last target tells nothing.
        if hops > 1 && errors.len() == 1 {
            return Err(errors.swap_remove(0));
        }
        let all: Vec<_> = errors.iter().map(Error::to_string).collect();
        let message = format!("open {root}: no target of the DFS path can be used: {}", all.join("; "));
        let kind = errors.first().map_or(ErrorKind::Unreachable, Error::kind);
        let error = Error::new(kind, message);
        Err(match errors.into_iter().next() {
            Some(first) => error.with_source(first),
            None => error,
        })
    }
}

/// A namespace leads to a link, the link to another namespace: more than a few are a mistake.
const MOST_HOPS: u32 = 8;
/// Each target may lead to several others, in circles: so many are tried in all.
const MOST_TRIES: u32 = 24;
