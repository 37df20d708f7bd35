//! Progress on stderr, and Ctrl-C.

use std::io::{IsTerminal, Write};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use azs_backup::observer::Progress;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use super::bytes;

/// Returns a hook that shows how far the work is, and stops it when the user presses Ctrl-C.
///
/// The library cleans up by itself when a hook asks to stop, so the signal only sets a flag. The program ends at once
/// if the user presses Ctrl-C again, or if a share that no longer answers blocks the work for [`PATIENCE`].
pub(crate) fn progress(what: &'static str) -> impl FnMut(Progress) -> ControlFlow<()> + Send + 'static {
    static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| {
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            // The order matters: the first signal must find the flag unset.
            let handled = flag::register_conditional_shutdown(signal, 130, interrupted.clone())
                .and_then(|_| flag::register(signal, interrupted.clone()));
            if let Err(error) = handled {
                eprintln!("signal {signal} cannot be handled: {error}");
            }
        }
        let stopped = interrupted.clone();
        std::thread::spawn(move || {
            while !stopped.load(Ordering::Acquire) {
                std::thread::sleep(Duration::from_millis(100));
            }
            std::thread::sleep(PATIENCE);
            eprintln!("CANCELLED: the share does not answer; what was under way is left there, incomplete");
            std::process::exit(130);
        });
        interrupted
    });
    let interrupted = INTERRUPTED.clone();
    let mut line = Line::default();
    move |progress| {
        if interrupted.load(Ordering::Acquire) {
            return ControlFlow::Break(());
        }
        line.show(what, progress);
        ControlFlow::Continue(())
    }
}

/// How long the work may take to end after a signal.
const PATIENCE: Duration = Duration::from_secs(8);

/// One line, rewritten in place on a terminal; elsewhere a new line now and then.
#[derive(Default)]
struct Line {
    last: Option<Instant>,
}

impl Line {
    fn show(&mut self, what: &str, progress: Progress) {
        let stderr = std::io::stderr();
        let is_terminal = stderr.is_terminal();
        if !is_terminal && self.last.is_some_and(|last| last.elapsed() < Duration::from_secs(1)) {
            return;
        }
        self.last = Some(Instant::now());
        let Progress { files, bytes: read, stored_bytes, .. } = progress;
        let (start, end) = if is_terminal { ("\r", "\x1b[K") } else { ("", "\n") };
        // Nobody may be reading.
        let _ = write!(
            stderr.lock(),
            "{start}{what}: {files} files, {} of content, {} stored{end}",
            bytes(read),
            bytes(stored_bytes)
        );
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let mut stderr = std::io::stderr();
        if self.last.is_some() && stderr.is_terminal() {
            let _ = write!(stderr, "\r\x1b[K");
        }
    }
}
