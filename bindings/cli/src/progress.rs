//! Progress on stderr, and signals.

use std::io::{IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use azs_backup::observer::Progress;
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle as BarStyle};
use serde_json::json;

use crate::arguments::ProgressStyle;
use crate::ended::CANCELLED;
use crate::output::Output;

#[cfg_attr(unix, path = "progress/unix.rs")]
#[cfg_attr(windows, path = "progress/windows.rs")]
mod system;

/// Returns an observer that shows how far the work is, and stops it at Ctrl-C and whatever else asks the program to end.
///
/// The library cleans up by itself when it is told to stop, so a signal only sets a flag. The program ends at once at a
/// second signal, or if a share that no longer answers keeps the work for [`PATIENCE`].
pub(crate) fn observer(
    output: &Output,
    what: &'static str,
) -> impl FnMut(Progress) -> ControlFlow<()> + Send + 'static {
    let interrupted = interrupted();
    let mut display = Display::new(output, what);
    move |progress| {
        if interrupted.load(Ordering::Acquire) {
            return ControlFlow::Break(());
        }
        display.show(progress);
        ControlFlow::Continue(())
    }
}

/// Waits, unless a signal ends the program.
pub(crate) fn wait(time: Duration) -> azs_backup::Result<()> {
    let (interrupted, begun) = (interrupted(), Instant::now());
    while begun.elapsed() < time {
        if interrupted.load(Ordering::Acquire) {
            return Err(azs_backup::Error::new(
                azs_backup::ErrorKind::Cancelled,
                "stopped while it waited to try again",
            ));
        }
        std::thread::sleep(Duration::from_millis(100).min(time));
    }
    Ok(())
}

/// Does work that may wait for a server, and tells whoever sits at the terminal, if it takes long, for whom.
pub(crate) fn saying<T>(output: &Output, root: &Path, work: impl FnOnce() -> T) -> T {
    if output.quiet || !std::io::stderr().is_terminal() {
        return work();
    }
    let (done, waits) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if waits.recv_timeout(SILENCE) == Err(RecvTimeoutError::Timeout) {
                eprintln!("waiting for {}: Ctrl-C gives up", root.display());
            }
        });
        let result = work();
        drop(done);
        result
    })
}

/// How long nothing may be said at a terminal.
const SILENCE: Duration = Duration::from_secs(4);

/// The flag that a signal sets.
fn interrupted() -> Arc<AtomicBool> {
    static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| {
        let interrupted = Arc::new(AtomicBool::new(false));
        if let Err(error) = system::on_end(&interrupted) {
            let _ = writeln!(
                std::io::stderr(),
                "warning: a request to end this program cannot be handled: {error}"
            );
        }
        let stopped = interrupted.clone();
        std::thread::spawn(move || {
            while !stopped.load(Ordering::Acquire) {
                std::thread::sleep(Duration::from_millis(100));
            }
            std::thread::sleep(PATIENCE);
            // Nobody may be reading; it ends all the same.
            let _ = writeln!(
                std::io::stderr(),
                "CANCELLED: the work did not end within {} s, as when a share does not answer; what was under way is left \
                 there, incomplete",
                PATIENCE.as_secs()
            );
            std::process::exit(CANCELLED.into());
        });
        interrupted
    });
    INTERRUPTED.clone()
}

/// How long the work may take to end after a signal.
const PATIENCE: Duration = Duration::from_secs(8);

/// Where progress is shown.
enum Display {
    Bar { bar: ProgressBar, has_total: bool },
    Json { what: &'static str, last: Option<Instant> },
    Nothing,
}

impl Display {
    fn new(output: &Output, what: &'static str) -> Self {
        match output.progress {
            ProgressStyle::Json => Self::Json { what, last: None },
            ProgressStyle::Auto if !output.quiet && std::io::stderr().is_terminal() => {
                let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
                bar.set_style(style("{spinner} {prefix}: {bytes} {msg}, {bytes_per_sec}, {elapsed}"));
                bar.set_prefix(what);
                Self::Bar { bar, has_total: false }
            }
            ProgressStyle::Auto | ProgressStyle::None => Self::Nothing,
        }
    }

    fn show(&mut self, progress: Progress) {
        let Progress { files, bytes, stored_bytes, total_bytes, .. } = progress;
        match self {
            Self::Bar { bar, has_total } => {
                if let Some(total) = total_bytes {
                    if !*has_total {
                        bar.set_style(style(
                            "{prefix} {wide_bar} {bytes} of {total_bytes} {msg}, {bytes_per_sec}, {eta} left",
                        ));
                        *has_total = true;
                    }
                    bar.set_length(total);
                }
                bar.set_message(format!("in {files} files, {} stored", HumanBytes(stored_bytes)));
                bar.set_position(bytes);
            }
            Self::Json { what, last } => {
                let is_last = total_bytes == Some(bytes);
                if last.is_some_and(|last| last.elapsed() < Duration::from_secs(1)) && !is_last {
                    return;
                }
                *last = Some(Instant::now());
                let line = json!({
                    "progress": what, "files": files, "bytes": bytes, "stored_bytes": stored_bytes,
                    "total_bytes": total_bytes,
                });
                // Nobody may be reading.
                let _ = writeln!(std::io::stderr(), "{line}");
            }
            Self::Nothing => {}
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Self::Bar { bar, .. } = self {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> BarStyle {
    BarStyle::with_template(template).unwrap_or_else(|_| BarStyle::default_bar())
}
