//! Requests to end: Ctrl-C, Ctrl-Break, a closed window, log-off, shutdown, the end of a service.

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use windows_sys::Win32::System::Console::{CTRL_CLOSE_EVENT, SetConsoleCtrlHandler};
use windows_sys::core::BOOL;

static END: OnceLock<Box<dyn Fn() + Send + Sync>> = OnceLock::new();

/// Calls this, on a thread of its own, each time that Windows asks this process to end. It must return soon.
///
/// After Ctrl-C and Ctrl-Break the process goes on until it ends by itself. A closed window, log-off and shutdown give it
/// five seconds or more (HandlerRoutine, "Timeouts"); Windows ends it then.
///
/// # Errors
/// `AlreadyExists` if it is called twice; whatever Windows answers.
pub fn on_end(end: impl Fn() + Send + Sync + 'static) -> io::Result<()> {
    END.set(Box::new(end)).map_err(|_| io::Error::from(io::ErrorKind::AlreadyExists))?;
    // SAFETY: the handler is a function of this program, and takes what Windows gives it.
    if unsafe { SetConsoleCtrlHandler(Some(handle), 1) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// # Safety
/// None is needed: it takes a number.
unsafe extern "system" fn handle(kind: u32) -> BOOL {
    if let Some(end) = END.get() {
        end();
    }
    if kind >= CTRL_CLOSE_EVENT {
        // Windows ends the process as soon as this returns: let its work come to an end.
        std::thread::sleep(Duration::from_secs(600));
    }
    1
}
