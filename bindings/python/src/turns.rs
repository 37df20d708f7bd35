//! Lets the calls of several threads run one after another.

use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{ThreadId, current};
use std::time::Duration;

use azs_backup::ErrorKind;
use pyo3::prelude::*;

use crate::error::refuse;

/// Whose turn it is. The others wait without the interpreter's lock, and check for signals meanwhile.
#[derive(Default)]
pub(crate) struct Turns {
    whose: Mutex<Option<ThreadId>>,
    is_over: Condvar,
}

/// A turn, until it is dropped.
pub(crate) struct Turn<'a>(&'a Turns);

impl Turns {
    /// Waits for a turn. Refuses a call that this thread made from inside another one, because it would wait for
    /// itself.
    pub(crate) fn wait(&self, py: Python<'_>) -> PyResult<Turn<'_>> {
        loop {
            let turn = py.detach(|| {
                let mut whose = self.whose.lock().unwrap_or_else(PoisonError::into_inner);
                match *whose {
                    None => {
                        *whose = Some(current().id());
                        Some(Ok(Turn(self)))
                    }
                    Some(thread) if thread == current().id() => Some(Err(())),
                    Some(_) => {
                        drop(self.is_over.wait_timeout(whose, Duration::from_millis(100)));
                        None
                    }
                }
            });
            match turn {
                Some(Ok(turn)) => return Ok(turn),
                Some(Err(())) => {
                    return Err(refuse(
                        ErrorKind::InvalidArgument,
                        "the backup is at work: its own callbacks and streams cannot add to it",
                    ));
                }
                None => py.check_signals()?,
            }
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.whose.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.0.is_over.notify_one();
    }
}
