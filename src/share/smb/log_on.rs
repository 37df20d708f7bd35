//! From the first byte to the log-on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{FuturesUnordered, StreamExt};
use smb::connection::{AuthMethodsConfig, EncryptionMode};
use smb::{Connection, ConnectionConfig, Dialect, Guid, Session};
use tokio::net::TcpStream;

use super::client_errors::{connect_failure, guest};
use super::failure::{Failure, Stage};
use super::status::{INVALID_PARAMETER, NOT_SUPPORTED};
use super::target::{Encryption, SmbDialect, Target};
use super::transport::{Link, Transport};
use crate::error::ErrorKind;

/// Connects to one of the addresses, negotiates a dialect and logs on. Also tells when the negotiation was over.
pub(super) async fn log_on(
    target: &Target,
    addresses: &[SocketAddr],
    link: &Arc<Link>,
) -> Result<(Connection, Session, Instant), Failure> {
    let (first, second) = match target.encryption {
        Encryption::Required => (EncryptionMode::Required, None),
        Encryption::Preferred => (EncryptionMode::Required, Some(EncryptionMode::Allowed)),
        Encryption::Off => (EncryptionMode::Disabled, Some(EncryptionMode::Allowed)),
    };
    let connection = match (negotiate(target, addresses, link, first).await, second) {
        // Only the server's answer says what it offers, but the client has to choose before. A server that is refused
        // for another reason is refused again.
        (Err(failure), Some(second)) if is_about_ciphers(&failure) && !link.is_lost() => {
            negotiate(target, addresses, link, second).await
        }
        (connection, _) => connection,
    };
    let connection = connection?;
    let negotiated = Instant::now();
    let identity = sspi::AuthIdentity {
        username: sspi::Username::parse(target.account.name())
            .map_err(|e| Failure::other(ErrorKind::InvalidArgument, format!("account: {e}")))?,
        password: sspi::Secret::from(target.account.password().to_owned()),
    };
    link.enter(Stage::LogOn);
    let session = connection.authenticate(identity).await.map_err(|error| match error {
        // Its answer is unsigned, as it is for a guest.
        smb::Error::InvalidMessage(text) if text.contains("igned") => guest().at(Stage::LogOn),
        error => connect_failure(link, error).at(Stage::LogOn),
    })?;
    Ok((connection, session, negotiated))
}

async fn negotiate(
    target: &Target,
    addresses: &[SocketAddr],
    link: &Arc<Link>,
    encryption: EncryptionMode,
) -> Result<Connection, Failure> {
    link.enter(Stage::Connect);
    let failed = |error: std::io::Error| Failure::network(&error).at(Stage::Connect);
    let stream = connect(addresses).await.map_err(failed)?;
    let transport = Transport::new(stream, link.clone(), target.times.silence).map_err(failed)?;
    link.enter(Stage::Negotiate);
    let config = ConnectionConfig {
        // The connection watches for silence; this is the last resort for a request that is never answered while
        // others are.
        timeout: Some(target.times.call),
        min_dialect: Some(match target.dialect {
            SmbDialect::Smb300 => Dialect::Smb030,
            SmbDialect::Smb302 => Dialect::Smb0302,
            SmbDialect::Smb311 => Dialect::Smb0311,
        }),
        encryption_mode: encryption,
        // The alternative starts in SMB 1, and waits for its answer without limit.
        smb2_only_negotiate: true,
        auth_methods: AuthMethodsConfig { ntlm: true, kerberos: false },
        credits_backlog: Some(CREDITS),
        disable_notifications: true,
        default_transaction_size: Some(TRANSACTION),
        ..ConnectionConfig::default()
    };
    let server = target.root.host().to_string();
    let negotiated = Connection::from_transport(Box::new(transport), &server, Guid::generate(), config).await;
    let connection = negotiated.map_err(|error| match error {
        smb::Error::ReceivedErrorMessage(NOT_SUPPORTED, _)
        | smb::Error::UnexpectedMessageStatus(NOT_SUPPORTED) => no_dialect(target).at(Stage::Negotiate),
        smb::Error::NegotiationError(text) if text.contains("dialect") => {
            no_dialect(target).at(Stage::Negotiate)
        }
        error => connect_failure(link, error).at(Stage::Negotiate),
    })?;
    let dialect = connection.conn_info().map(|agreed| agreed.negotiation.dialect_rev);
    if encryption == EncryptionMode::Required && dialect != Some(Dialect::Smb0311) {
        return Err(Failure::other(
            ErrorKind::Unsupported,
            "encryption needs SMB 3.1.1, and the server speaks an older dialect; set the option encryption to preferred",
        )
        .at(Stage::Negotiate));
    }
    Ok(connection)
}

/// Whether another offer of ciphers may do: none where one was required, or some where the server takes no empty list
/// (MS-SMB2 2.2.3.1.2).
fn is_about_ciphers(failure: &Failure) -> bool {
    failure.kind() == ErrorKind::Unsupported || failure.ntstatus() == Some(INVALID_PARAMETER)
}

/// The server speaks none of the dialects that it was offered.
fn no_dialect(target: &Target) -> Failure {
    let why = match target.dialect {
        SmbDialect::Smb311 => {
            "the server does not speak SMB 3.1.1; SMB 3.0 or later is needed, and for a server with 3.0 or 3.0.2 the option \
             oldest_dialect, 3.0, which gives up encryption and protection of the negotiation"
        }
        _ => "the server does not speak SMB 3; SMB 3.0 or later is needed",
    };
    Failure::other(ErrorKind::Unsupported, why)
}

/// Connects to the first address that answers; each gets a head start over the next.
async fn connect(addresses: &[SocketAddr]) -> std::io::Result<TcpStream> {
    let mut attempts: FuturesUnordered<_> = (0_u32..)
        .zip(addresses)
        .map(|(number, address)| async move {
            tokio::time::sleep(HEAD_START * number).await;
            TcpStream::connect(address).await
        })
        .collect();
    let mut first_error = None;
    while let Some(attempt) = attempts.next().await {
        match attempt {
            Ok(stream) => return Ok(stream),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.unwrap_or_else(|| std::io::ErrorKind::AddrNotAvailable.into()))
}

/// Most bytes in the answer to a directory query.
pub(super) const TRANSACTION: u32 = 64 << 10;
/// Most credits that a Windows or Samba server grants.
const CREDITS: u16 = 8192;
const HEAD_START: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_address_in_front_costs_a_moment() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let alive = listener.local_addr().unwrap();
        // An address that is never assigned (RFC 5737), and a port where nobody listens.
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let begun = Instant::now();
        let addresses = ["192.0.2.1:445".parse().unwrap(), nobody, alive];
        let stream = runtime.block_on(connect(&addresses)).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), alive);
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
