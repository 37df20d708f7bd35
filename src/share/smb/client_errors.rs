//! Converts errors of the client to failures.

use smb::connection::transformer::TransformPhase;

use super::failure::Failure;
use super::status;
use super::transport::Link;
use crate::error::ErrorKind;

/// Converts a failure to connect or log on. If the transport knows the reason, that counts.
pub(super) fn connect_failure(link: &Link, error: smb::Error) -> Failure {
    match of_client(error) {
        failure if failure.is_lost() && link.is_lost() && failure.ntstatus().is_none() => link.why(),
        failure => failure,
    }
}

pub(super) fn of_client(error: smb::Error) -> Failure {
    use smb::Error as E;
    match error {
        E::ReceivedErrorMessage(status, _) | E::UnexpectedMessageStatus(status) => Failure::status(status),
        E::IoError(error) => Failure::network(&error),
        E::TransportError(smb::transport::TransportError::IoError(error)) => Failure::network(&error),
        E::OperationTimeout(_, time) => Failure::silence(time),
        E::TranformFailed(error)
            if error.outgoing && matches!(error.phase, TransformPhase::EncryptDecrypt) =>
        {
            Failure::other(
                ErrorKind::Unsupported,
                "the share demands encryption, which needs SMB 3.1.1 and AES-128-GCM here",
            )
        }
        E::SignatureVerificationFailed | E::TranformFailed(_) => Failure::status(status::INVALID_SIGNATURE),
        E::NegotiationError(text) => {
            Failure::other(ErrorKind::Unsupported, format!("no agreement with the server: {text}"))
        }
        E::SspiError(error) => match error.error_type {
            sspi::ErrorKind::LogonDenied | sspi::ErrorKind::NoCredentials => {
                Failure::other(ErrorKind::LogonFailed, format!("log-on: {}", error.description))
            }
            _ => Failure::lost(format!("log-on: {}", error.description)),
        },
        E::InvalidMessage(text) if text.contains("guest or anonymous") => guest(),
        E::InvalidState(text) if text.contains("before SSPI authentication completed") => guest(),
        E::InvalidMessage(text) if text.contains("signed") => Failure::status(status::INVALID_SIGNATURE),
        E::InvalidMessage(text) if text.contains("ncryption") => {
            Failure::other(ErrorKind::Unsupported, format!("encryption: {text}"))
        }
        E::MissingPermissions(_) => Failure::status(status::ACCESS_DENIED),
        other => Failure::lost(other.to_string()),
    }
}

pub(super) fn guest() -> Failure {
    Failure::other(
        ErrorKind::LogonFailed,
        "the server let the account in as a guest only, without signing: it does not know the account",
    )
}

/// Converts a failed read, write or flush, of which the client keeps only words.
pub(super) fn of_io(error: &std::io::Error) -> Failure {
    if let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<smb::Error>()) {
        return Failure::lost(inner.to_string());
    }
    let text = error.to_string();
    match status::in_text(&text) {
        Some(status) => Failure::status(status),
        None if error.kind() == std::io::ErrorKind::PermissionDenied => {
            Failure::status(status::ACCESS_DENIED)
        }
        None => Failure::lost(text),
    }
}
