//! The progress of long work, and how to stop it.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use azs_backup::observer::Progress;
use napi::Env;
use napi::Status;
use napi::bindgen_prelude::{FnArgs, Function, FunctionRef};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;

/// Files, bytes, stored bytes, and all bytes or -1.
type Numbers = FnArgs<(f64, f64, f64, f64)>;
type Elsewhere = ThreadsafeFunction<Numbers, (), Numbers, Status, false, true>;
type Here = Rc<FunctionRef<Numbers, ()>>;

/// Receives the progress of work, and answers whether to go on.
#[napi]
pub struct Control {
    shared: Arc<Shared>,
    here: Option<Here>,
}

struct Shared {
    stop: AtomicBool,
    elsewhere: Option<Elsewhere>,
}

thread_local! {
    /// The callback of the work that runs on this thread, which is JavaScript's own.
    static HERE: RefCell<Option<(Env, Here)>> = const { RefCell::new(None) };
}

#[napi]
impl Control {
    #[napi(constructor)]
    pub fn new(progress: Option<Function<'_, Numbers, ()>>) -> napi::Result<Self> {
        let (elsewhere, here) = match progress {
            None => (None, None),
            Some(function) => (
                Some(function.build_threadsafe_function().weak::<true>().build()?),
                Some(Rc::new(function.create_ref()?)),
            ),
        };
        Ok(Self { shared: Arc::new(Shared { stop: AtomicBool::new(false), elsewhere }), here })
    }

    /// Tells the work to stop when it next asks.
    #[napi]
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }

    /// Runs work on this thread, which is JavaScript's own, and calls the callback directly.
    pub(crate) fn here<T>(&self, env: Env, work: impl FnOnce() -> T) -> T {
        /// Restores it even if the work panics.
        struct Back(Option<(Env, Here)>);
        impl Drop for Back {
            fn drop(&mut self) {
                HERE.replace(self.0.take());
            }
        }
        let _back = Back(HERE.replace(self.here.clone().map(|function| (env, function))));
        work()
    }

    pub(crate) fn hook(&self) -> impl FnMut(Progress) -> ControlFlow<()> + Send + 'static {
        let shared = self.shared.clone();
        move |progress| {
            let numbers = FnArgs::from((
                progress.files as f64,
                progress.bytes as f64,
                progress.stored_bytes as f64,
                progress.total_bytes.map_or(-1.0, |total| total as f64),
            ));
            let here = HERE.with_borrow(|here| here.as_ref().map(|(env, function)| (*env, function.clone())));
            match (here, &shared.elsewhere) {
                // What it throws `lib/control.js` has kept.
                (Some((env, function)), _) => {
                    let _ = function.borrow_back(&env).and_then(|function| function.call(numbers));
                }
                (None, Some(elsewhere)) => {
                    let status = elsewhere.call(numbers, ThreadsafeFunctionCallMode::NonBlocking);
                    // The interpreter ends.
                    if status == Status::Closing {
                        return ControlFlow::Break(());
                    }
                }
                (None, None) => {}
            }
            match shared.stop.load(Ordering::Relaxed) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        }
    }
}
