//! Connects step by step, for a check.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, bounded};

use super::connection::resolve;
use super::dfs;
use super::failure::{Failure, Stage};
use super::pool::Pool;
use super::target::Target;
use super::{SmbBuilder, SmbShare};
use crate::error::{Error, ErrorKind, Result};
use crate::share::check::{CheckReport, ShareCheck, Step, StepOutcome};
use crate::stop;

impl ShareCheck {
    /// Checks a share over SMB, starting with the name of the server.
    ///
    /// The check logs on once. If the password is wrong, that counts towards the account's lock-out.
    #[must_use]
    pub fn run_smb(&self, builder: &SmbBuilder) -> CheckReport {
        let mut steps = self.steps(builder.root().to_string(), Some(builder.account().name().to_owned()));
        let share = builder.connect_step_by_step(|step, begun, result| match result {
            Ok(seen) => steps.passed(step, begun, seen),
            Err(error) => steps.failed(step, begun, &error),
        });
        match share {
            Some(share) => {
                if share.account().is_bare()
                    && let Some(step) = steps.report.steps.iter_mut().find(|step| step.step == Step::LogOn)
                {
                    step.outcome = StepOutcome::Warned;
                    step.seen += r"; the account names no domain, write it like DOMAIN\user";
                }
                self.look_at(&share, &mut steps);
            }
            None => steps.skip_rest(),
        }
        steps.report
    }
}

impl SmbBuilder {
    /// Connects, and reports for each step when it began and what was found. Each step is tried once; after a failure
    /// there is no share.
    fn connect_step_by_step(&self, mut tell: impl FnMut(Step, Instant, Result<String>)) -> Option<SmbShare> {
        let host = self.target.root.host();
        let begun = Instant::now();
        let addresses = match self.resolve_in_time() {
            Ok(addresses) => addresses,
            Err(failure) => {
                tell(Step::Name, begun, Err(failure.into_error(format!("check {host}"))));
                return None;
            }
        };
        let all: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
        tell(Step::Name, begun, Ok(format!("{host} is {}", all.join(", "))));

        let begun = Instant::now();
        let connected = self.try_tcp(&addresses);
        let is_open = connected.is_ok();
        tell(Step::Connection, begun, connected);
        if !is_open {
            return None;
        }

        // One connection, so that the account logs on once.
        let pool = Pool::new(Target { connections: 1, ..self.target.clone() });
        let begun = Instant::now();
        let failure = match pool.connection(begun + self.target.times.call) {
            Ok(connection) => {
                let facts = connection.facts();
                let security = match (&facts.cipher, facts.encrypted) {
                    (Some(cipher), true) => format!("encrypted with {cipher}"),
                    (None, true) => "encrypted".into(),
                    _ => "signed, not encrypted".to_owned(),
                };
                let negotiated = begun + facts.negotiated;
                let logged_on = negotiated + facts.logged_on;
                // Dates each step's beginning back by the time that it took.
                let ago = |from: Instant, to: Instant| {
                    let now = Instant::now();
                    now.checked_sub(to - from).unwrap_or(now)
                };
                tell(Step::Dialect, ago(begun, negotiated), Ok(format!("SMB {}, {security}", facts.dialect)));
                let account = self.target.account.name();
                tell(Step::LogOn, ago(negotiated, logged_on), Ok(format!("as {account}")));
                tell(Step::Share, ago(logged_on, logged_on + facts.opened), Ok(self.target.root.to_string()));
                return Some(SmbShare { pool });
            }
            Err(failure) => failure,
        };
        let is_dfs = failure.targets().is_some();
        let step = match failure.stage() {
            Some(Stage::OpenShare) => Step::Share,
            Some(Stage::LogOn) => Step::LogOn,
            _ => Step::Dialect,
        };
        for (passed, seen) in [(Step::Dialect, "agreed"), (Step::LogOn, "accepted")] {
            if passed < step {
                tell(passed, Instant::now(), Ok(seen.into()));
            }
        }
        if is_dfs {
            let followed = dfs::follow(&SmbShare { pool }, failure);
            let (share, seen) = match followed {
                Ok(share) => {
                    let seen = format!("{} leads to {}", self.target.root, share.root());
                    (Some(share), Ok(seen))
                }
                Err(error) => (None, Err(error)),
            };
            tell(step, begun, seen);
            return share;
        }
        tell(step, begun, Err(failure.into_error(format!("check {}", self.target.root))));
        None
    }

    /// Returns the addresses of the server, unless the system's resolver hangs.
    fn resolve_in_time(&self) -> std::result::Result<Vec<SocketAddr>, Failure> {
        let (host, port, limit) =
            (self.target.root.host().clone(), self.target.port, self.target.times.connect);
        run_detached(limit, move || resolve(&host, port))
            .unwrap_or_else(|failure| Err(failure.at(Stage::Resolve)))
    }

    /// Opens a TCP connection to each address; fails if none accepts it.
    fn try_tcp(&self, addresses: &[SocketAddr]) -> Result<String> {
        let (mut open, mut closed, mut last) = (Vec::new(), Vec::new(), None);
        for address in addresses {
            let (to, limit) = (*address, self.target.times.connect);
            let knocked =
                run_detached(limit + Duration::from_secs(1), move || TcpStream::connect_timeout(&to, limit));
            match knocked.map_err(|failure| failure.into_error(format!("check {address}")))? {
                Ok(_) => open.push(address.to_string()),
                Err(error) => {
                    closed.push(format!("{address}: {error}"));
                    last = Some(error);
                }
            }
        }
        match last {
            Some(error) if open.is_empty() => {
                let failure = Failure::network(&error).at(Stage::Connect);
                Err(failure.into_error(format!("check {}", closed.join(", "))))
            }
            None if open.is_empty() => {
                Err(Error::new(ErrorKind::Unreachable, "the name of the server has no address"))
            }
            _ if closed.is_empty() => Ok(format!("{} answers", open.join(", "))),
            _ => Ok(format!("{} answers; not {}", open.join(", "), closed.join(", "))),
        }
    }
}

/// Does work that nothing can interrupt on a thread of its own, and waits this long at most.
fn run_detached<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> std::result::Result<T, Failure> {
    let (reply, answer) = bounded(1);
    std::thread::spawn(move || {
        let _ = reply.send(work());
    });
    let until = Instant::now() + limit;
    loop {
        match answer.recv_deadline(until.min(Instant::now() + stop::TICK)) {
            Ok(done) => return Ok(done),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::other(
                    ErrorKind::Internal,
                    "a thread of the check panicked; please report it",
                ));
            }
            Err(RecvTimeoutError::Timeout) if stop::is_set() => return Err(Failure::cancelled()),
            Err(RecvTimeoutError::Timeout) if Instant::now() >= until => return Err(Failure::silence(limit)),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}
