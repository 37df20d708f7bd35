//! Someone who stops work at a moment of their choice.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use azs_backup::layout::SharePath;
use azs_backup::observer::{Observer, Progress};

/// An observer that says stop once that is wanted. All its copies are one.
#[derive(Clone, Debug, Default)]
pub struct Stopper {
    is_wanted: Arc<AtomicBool>,
    has_said: Arc<AtomicBool>,
    was_asked_again: Arc<AtomicBool>,
}

impl Stopper {
    /// Wants the work stopped, and waits until it heard that, or a while: some work is over first.
    pub fn stop(&self) {
        self.is_wanted.store(true, Ordering::SeqCst);
        let until = Instant::now() + Duration::from_millis(700);
        while !self.has_said() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Whether the work was told to stop.
    pub fn has_said(&self) -> bool {
        self.has_said.load(Ordering::SeqCst)
    }

    /// Whether it was asked again after that.
    pub fn was_asked_again(&self) -> bool {
        self.was_asked_again.load(Ordering::SeqCst)
    }

    fn answer(&self) -> ControlFlow<()> {
        if self.has_said() {
            self.was_asked_again.store(true, Ordering::SeqCst);
        }
        if !self.is_wanted.load(Ordering::SeqCst) {
            return ControlFlow::Continue(());
        }
        self.has_said.store(true, Ordering::SeqCst);
        ControlFlow::Break(())
    }
}

impl Observer for Stopper {
    fn progress(&mut self, _: Progress) -> ControlFlow<()> {
        self.answer()
    }

    fn deleting(&mut self, _: &SharePath) -> ControlFlow<()> {
        self.answer()
    }
}
