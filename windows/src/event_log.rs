//! The event log.

use std::io;
use std::ptr::{null, null_mut};

use windows_sys::Win32::System::EventLog::{
    DeregisterEventSource, EVENTLOG_ERROR_TYPE, EVENTLOG_INFORMATION_TYPE, EVENTLOG_WARNING_TYPE,
    RegisterEventSourceW, ReportEventW,
};

/// How serious an event is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum EventKind {
    /// Something failed.
    Error,
    /// Something needs attention.
    Warning,
    /// All is well.
    Information,
}

/// Writes an event of this source to the log `Application`. Its first 31,839 UTF-16 units are kept (ReportEventW,
/// `lpStrings`).
///
/// A source that nobody registered can write all the same; Event Viewer then says that it has no description, and shows
/// the text below. `number` is what filters and monitoring look for.
///
/// # Errors
/// Whatever Windows answers.
pub fn report_event(source: &str, kind: EventKind, number: u16, text: &str) -> io::Result<()> {
    let source = wide(source, usize::MAX);
    let text = wide(text, LONGEST);
    let kind = match kind {
        EventKind::Error => EVENTLOG_ERROR_TYPE,
        EventKind::Warning => EVENTLOG_WARNING_TYPE,
        EventKind::Information => EVENTLOG_INFORMATION_TYPE,
    };
    // SAFETY: the name ends with a zero, and outlives the call.
    let log = unsafe { RegisterEventSourceW(null(), source.as_ptr()) };
    if log.is_null() {
        return Err(io::Error::last_os_error());
    }
    let strings = [text.as_ptr()];
    // SAFETY: the log is open; there is one string, which ends with a zero and outlives the call; there is no account and
    // no data.
    let written =
        unsafe { ReportEventW(log, kind, 0, number.into(), null_mut(), 1, 0, strings.as_ptr(), null()) };
    let written = if written == 0 { Err(io::Error::last_os_error()) } else { Ok(()) };
    // SAFETY: the log is open, and nothing uses it any more.
    unsafe { DeregisterEventSource(log) };
    written
}

/// Text as Windows takes it: up to the first zero, of at most so many units.
fn wide(text: &str, longest: usize) -> Vec<u16> {
    let units = text.encode_utf16().take_while(|unit| *unit != 0).take(longest);
    units.chain([0]).collect()
}

const LONGEST: usize = 31_839;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_any_length_can_be_written() {
        for text in ["", "one line\r\nanother", "before\0behind", &"ö".repeat(40_000)] {
            report_event("azs-backup tests", EventKind::Information, 1, text).unwrap();
        }
        assert_eq!(wide("ab\0c", 9), [97, 98, 0]);
        assert_eq!(wide("abc", 2), [97, 98, 0]);
    }
}
