//! The report as a mail, by the system's own means: `sendmail`, which every mail server brings.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use azs_backup::{Error, ErrorKind, Result};

use crate::secret::{PFX_PASSWORD, SIGNER_PASSWORD, SMB_PASSWORD};

/// How long it may take; it only puts the mail into a queue.
const LIMIT: Duration = Duration::from_secs(60);

/// Sends text to an address.
pub(super) fn send(to: &str, subject: &str, text: &str) -> Result<()> {
    check(to)?;
    let message = format!(
        "To: {to}\nSubject: {subject}\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n\
         Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{text}"
    );
    let failed = |why: &dyn std::fmt::Display| {
        Error::new(ErrorKind::Io, format!("the report cannot be mailed to {to}: sendmail: {why}"))
    };
    // -i: a line with a single dot does not end the mail.
    let start = |program: &str| {
        let mut sendmail = Command::new(program);
        sendmail.args(["-i", "-t"]).env_remove(PFX_PASSWORD);
        sendmail.env_remove(SMB_PASSWORD).env_remove(SIGNER_PASSWORD);
        sendmail.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()
    };
    // Services often have no /usr/sbin in their PATH.
    let sendmail = start("sendmail").or_else(|_| start("/usr/sbin/sendmail"));
    let mut sendmail = sendmail.map_err(|e| failed(&e))?;
    // A report can be longer than a pipe takes, and a sendmail that hangs reads nothing: the limit holds for that, too.
    let (sent, written) = mpsc::channel();
    if let Some(mut stdin) = sendmail.stdin.take() {
        std::thread::spawn(move || sent.send(stdin.write_all(message.as_bytes())));
    }
    let begun = Instant::now();
    loop {
        match sendmail.try_wait().map_err(|e| failed(&e))? {
            Some(status) if status.success() => {
                // It may have taken only a part, and a child of its own may still hold the pipe.
                let written = written.recv_timeout(Duration::from_secs(1)).unwrap_or(Ok(()));
                return written.map_err(|e| failed(&e));
            }
            Some(status) => return Err(failed(&status)),
            None if begun.elapsed() > LIMIT => {
                let _ = sendmail.kill();
                let _ = sendmail.wait();
                return Err(failed(&"it does not end"));
            }
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// Refuses what is no single address.
pub(super) fn check(address: &str) -> Result<()> {
    let is_one = !address.is_empty()
        && !address.starts_with('-')
        && address.chars().all(|c| !c.is_control() && !c.is_whitespace() && !",;<>\"()".contains(c));
    let message = || format!("the mail of [report] is no single address: {address:?}");
    if is_one { Ok(()) } else { Err(Error::new(ErrorKind::InvalidArgument, message())) }
}
