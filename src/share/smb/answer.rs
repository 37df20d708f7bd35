//! What an answer says that the client keeps to itself, as long as answers are not encrypted (MS-SMB2 2.2.1.2, 2.2.4, 2.2.32).

/// An answer of the server, as far as it matters here.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Answer {
    /// The log-on succeeded; the server grants this many credits.
    LoggedOn { credits: u16 },
    /// The server wants none of the ciphers that it was offered.
    NoCipher,
    /// The server answers in SMB 1.
    Smb1,
    /// Where a path in a DFS namespace leads (MS-DFSC 2.2.4).
    Referral(Vec<u8>),
    /// Anything else.
    Other,
}

impl Answer {
    pub(super) fn of(message: &[u8]) -> Self {
        Self::read(message).unwrap_or(Self::Other)
    }

    fn read(message: &[u8]) -> Option<Self> {
        if message.starts_with(&[0xFF, b'S', b'M', b'B']) {
            return Some(Self::Smb1);
        }
        if !message.starts_with(&[0xFE, b'S', b'M', b'B']) || u32_at(message, 8)? != 0 {
            return None;
        }
        match u16_at(message, 12)? {
            NEGOTIATE if u16_at(message, BODY + 4)? == SMB311 => {
                let mut at = (u32_at(message, BODY + 60)? as usize).min(message.len());
                for _ in 0..u16_at(message, BODY + 6)? {
                    let (kind, length) = (u16_at(message, at)?, u16_at(message, at + 2)?);
                    if kind == ENCRYPTION_CAPABILITIES && u16_at(message, at + 10)? == 0 {
                        return Some(Self::NoCipher);
                    }
                    at += (8 + usize::from(length)).next_multiple_of(8);
                }
                None
            }
            IOCTL if u32_at(message, BODY + 4)? == DFS_GET_REFERRALS => {
                let (at, length) =
                    (u32_at(message, BODY + 32)? as usize, u32_at(message, BODY + 36)? as usize);
                Some(Self::Referral(message.get(at..at.checked_add(length)?)?.to_vec()))
            }
            SESSION_SETUP => Some(Self::LoggedOn { credits: u16_at(message, 14)? }),
            _ => None,
        }
    }
}

pub(super) fn u16_at(message: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(message.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(message: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(message.get(at..at + 4)?.try_into().ok()?))
}

/// How an encrypted message begins.
pub(super) const ENCRYPTED: [u8; 4] = [0xFD, b'S', b'M', b'B'];
/// Length of the header.
const BODY: usize = 64;
const NEGOTIATE: u16 = 0;
const SESSION_SETUP: u16 = 1;
const IOCTL: u16 = 11;
const DFS_GET_REFERRALS: u32 = 0x0006_0194;
const SMB311: u16 = 0x0311;
const ENCRYPTION_CAPABILITIES: u16 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(command: u16, credits: u16, body: &[u8]) -> Vec<u8> {
        let mut message = vec![0; BODY];
        message[..4].copy_from_slice(&[0xFE, b'S', b'M', b'B']);
        message[12..14].copy_from_slice(&command.to_le_bytes());
        message[14..16].copy_from_slice(&credits.to_le_bytes());
        message.extend(body);
        message
    }

    fn negotiated(cipher: u16) -> Vec<u8> {
        let mut body = vec![0; 64];
        body[4..6].copy_from_slice(&SMB311.to_le_bytes());
        body[6] = 2;
        body[60] = 128;
        // A context of one byte, which is padded, before that of the cipher.
        body.extend([1, 0, 1, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
        body.extend([2, 0, 4, 0, 0, 0, 0, 0, 1, 0]);
        body.extend(cipher.to_le_bytes());
        answer(NEGOTIATE, 1, &body)
    }

    #[test]
    fn what_the_client_keeps_to_itself_is_read() {
        assert_eq!(Answer::of(&answer(SESSION_SETUP, 64, &[9, 0])), Answer::LoggedOn { credits: 64 });
        assert_eq!(Answer::of(&negotiated(0)), Answer::NoCipher);
        assert_eq!(Answer::of(&negotiated(2)), Answer::Other);
        assert_eq!(Answer::of(&[0xFF, b'S', b'M', b'B', 0x72]), Answer::Smb1);
        let mut body = vec![0; 51];
        body[4..8].copy_from_slice(&DFS_GET_REFERRALS.to_le_bytes());
        (body[32], body[36]) = (BODY as u8 + 48, 3);
        assert_eq!(Answer::of(&answer(IOCTL, 1, &body)), Answer::Referral(vec![0; 3]));
        assert_eq!(Answer::of(&answer(IOCTL, 1, &body[..50])), Answer::Other, "it says more than there is");
        let mut refused = answer(SESSION_SETUP, 64, &[]);
        refused[8] = 0x16;
        assert_eq!(Answer::of(&refused), Answer::Other);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let whole = negotiated(0);
        for length in 0..whole.len() {
            assert_eq!(Answer::of(&whole[..length]), Answer::Other, "{length}");
        }
        for at in 0..whole.len() {
            let mut broken = whole.clone();
            broken[at] = 0xFF;
            Answer::of(&broken);
        }
    }
}
