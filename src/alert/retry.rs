//! Whether and when to try again.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// When trying again makes sense.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Retry {
    /// Within seconds, a few times: the cause passes by itself.
    Soon,
    /// After minutes: the server or the network needs time.
    Later,
    /// At once, but over a new connection and session.
    NewSession,
    /// Only after someone has removed the cause.
    AfterFix,
    /// Only after someone has removed the cause, and never before: each attempt counts towards the account's lock-out.
    LockOut,
    /// Nothing is known.
    Unknown,
    /// There is no failure.
    NoFailure,
}

impl Retry {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Soon,
        Self::Later,
        Self::NewSession,
        Self::AfterFix,
        Self::LockOut,
        Self::Unknown,
        Self::NoFailure,
    ];

    /// Returns the stable code, in capitals: `AFTER_FIX`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Soon => "SOON",
            Self::Later => "LATER",
            Self::NewSession => "NEW_SESSION",
            Self::AfterFix => "AFTER_FIX",
            Self::LockOut => "LOCK_OUT",
            Self::Unknown => "UNKNOWN",
            Self::NoFailure => "NO_FAILURE",
        }
    }

    /// Returns the advice that goes with it.
    #[must_use]
    pub const fn advice(self) -> RetryAdvice {
        // Microsoft's controller connects 5 times, 2 s apart; more would only delay the alert.
        let (delay, attempts) = match self {
            Self::Soon => (Some(Duration::from_secs(2)), 5),
            Self::Later => (Some(Duration::from_secs(300)), 3),
            Self::NewSession => (Some(Duration::ZERO), 2),
            Self::Unknown => (Some(Duration::from_secs(60)), 1),
            Self::AfterFix | Self::LockOut | Self::NoFailure => (None, 0),
        };
        RetryAdvice { when: self, delay, attempts, could_lock_out: matches!(self, Self::LockOut) }
    }
}

/// Whether and when to try again, and whether that could do harm.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RetryAdvice {
    /// When trying again makes sense.
    pub when: Retry,
    /// How long to wait first; `None` if only a person can help, or nothing failed. `delay_seconds` in JSON.
    #[serde(rename = "delay_seconds", serialize_with = "seconds", deserialize_with = "from_seconds")]
    pub delay: Option<Duration>,
    /// How often to try without a person's help.
    pub attempts: u8,
    /// Whether another attempt could do harm, by locking the account out.
    pub could_lock_out: bool,
}

fn seconds<S: Serializer>(delay: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    delay.map(|delay| delay.as_secs()).serialize(serializer)
}

fn from_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    Ok(Option::deserialize(deserializer)?.map(Duration::from_secs))
}
