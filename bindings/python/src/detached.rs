//! Drops what may have to talk to a share. Python drops garbage in whichever thread finds it, while all others wait:
//! they must not wait for a share that hangs.

use std::ops::Deref;

use pyo3::prelude::*;

/// Something that is dropped while Python's other threads run.
pub(crate) struct Detached<T: Send>(Option<T>);

impl<T: Send> Detached<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T: Send> Deref for Detached<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("it is there until it is dropped")
    }
}

impl<T: Send> Drop for Detached<T> {
    fn drop(&mut self) {
        let value = &mut self.0;
        // At the end of the interpreter there is nobody left to wait.
        Python::try_attach(|py| py.detach(|| *value = None));
    }
}
