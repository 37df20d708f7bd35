//! Counts the requests on connections that are signed, but not encrypted (MS-SMB2 2.2.1.2).

use std::collections::BTreeMap;
use std::fmt;

/// Requests that were sent.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    pub commands: BTreeMap<&'static str, u64>,
    /// Most that were under way at once.
    pub at_once: u64,
}

impl Requests {
    pub fn total(&self) -> u64 {
        self.commands.values().sum()
    }

    /// Those that the work took, without what opens and ends connections, of which there may be more or fewer.
    pub fn of_work(&self) -> u64 {
        let connection = ["negotiate", "log on", "log off", "tree connect", "tree disconnect"];
        self.total() - connection.into_iter().map(|command| self.of(command)).sum::<u64>()
    }

    pub fn of(&self, command: &str) -> u64 {
        self.commands.get(command).copied().unwrap_or(0)
    }
}

impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} requests, at most {} at once:", self.total(), self.at_once)?;
        self.commands.iter().try_for_each(|(command, count)| write!(f, " {command} {count}"))
    }
}

/// What was seen on all connections.
#[derive(Default)]
pub struct Wire {
    requests: Requests,
    under_way: u64,
}

/// One direction of one connection.
#[derive(Default)]
pub struct Stream(Vec<u8>);

impl Wire {
    pub fn take(&mut self) -> Requests {
        std::mem::take(&mut self.requests)
    }

    /// Takes bytes that pass in a direction.
    pub fn pass(&mut self, stream: &mut Stream, bytes: &[u8], is_answer: bool) {
        stream.0.extend_from_slice(bytes);
        while let Some(length) = stream.0.first_chunk::<4>() {
            // A zero byte and the length in three (MS-SMB2 2.1).
            let end = 4 + u32::from_be_bytes(*length) as usize;
            let Some(message) = stream.0.get(4..end) else { break };
            self.message(message, is_answer);
            stream.0.drain(..end);
        }
    }

    /// A message, which may be several that go together.
    fn message(&mut self, mut message: &[u8], is_answer: bool) {
        while message.starts_with(b"\xfeSMB") && message.len() >= 64 {
            let u32_at = |at: usize| u32::from_le_bytes(*message[at..].first_chunk().unwrap());
            let command = usize::from(u16::from_le_bytes([message[12], message[13]]));
            if !is_answer {
                *self.requests.commands.entry(COMMANDS[command]).or_default() += 1;
                self.under_way += 1;
                self.requests.at_once = self.requests.at_once.max(self.under_way);
            } else if u32_at(8) != STATUS_PENDING {
                self.under_way = self.under_way.saturating_sub(1);
            }
            match u32_at(20) as usize {
                0 => break,
                next => message = message.get(next..).unwrap_or_default(),
            }
        }
    }
}

const COMMANDS: [&str; 19] = [
    "negotiate",
    "log on",
    "log off",
    "tree connect",
    "tree disconnect",
    "create",
    "close",
    "flush",
    "read",
    "write",
    "lock",
    "ioctl",
    "cancel",
    "echo",
    "list",
    "notify",
    "query",
    "set",
    "oplock break",
];
const STATUS_PENDING: u32 = 0x103;
