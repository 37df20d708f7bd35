//! HTTP statuses and the error codes of object stores, and the class of each.
//!
//! Statuses: RFC 9110 15, RFC 6585. Codes: "Error responses" of the Amazon S3 API, "Blob Storage error codes" and "Common
//! REST API error codes" of Azure Storage, which Azure Stack Hub's Blob service shares. A code says more than its status:
//! 403 may be a right, a key or a clock; 409 may be a name that is taken or an object that is immutable.

use std::fmt;

use super::finding::{Finding, Form, findings};

/// The row of an answer: that of its code, or else that of its status.
pub(super) fn find(status: u16, code: &str) -> Option<&'static Finding> {
    let named = CODES.iter().find(|row| !code.is_empty() && row.name == code);
    named.or_else(|| {
        STATUSES.binary_search_by_key(&u32::from(status), |row| row.code).ok().map(|at| &STATUSES[at])
    })
}

/// An answer of an object store that is no success, as the cause of an error.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct HttpAnswer {
    /// The status.
    pub(crate) status: u16,
    /// The error code of the service, if it told one: `SlowDown`.
    pub(crate) code: String,
}

impl HttpAnswer {
    /// Returns its row in the tables.
    pub(super) fn row(&self) -> Option<&'static Finding> {
        find(self.status, &self.code)
    }
}

impl fmt::Display for HttpAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {}", self.status)?;
        if !self.code.is_empty() {
            write!(f, " {}", self.code)?;
        }
        match self.row() {
            Some(row) => write!(f, ": {}", row.meaning),
            None => Ok(()),
        }
    }
}

impl std::error::Error for HttpAnswer {}

pub(super) static STATUSES: &[Finding] = findings! { Http,
    301 MovedPermanently 0 Path AfterFix "the bucket is in another region or at another endpoint";
    307 TemporaryRedirect 0 Path AfterFix "the bucket is at another endpoint, or is new";
    400 BadRequest 0 General AfterFix "the store does not accept the request";
    401 Unauthorized 0 Authentication AfterFix "the store does not accept the credentials";
    403 Forbidden 0 Authentication AfterFix "the account may not do this" or ShareNotWritable by CheckAccess;
    404 NotFound 0 Path AfterFix "there is no such bucket, container or object" or General by Context;
    405 MethodNotAllowed 0 General AfterFix "the store does not allow this here";
    408 RequestTimeout 0 Connectivity Soon "the store got no whole request in time";
    409 Conflict 0 General Soon "something is in the way in the store" or Connectivity by ServerState;
    411 LengthRequired 0 General AfterFix "something on the way drops the length of a request";
    412 PreconditionFailed 0 General AfterFix "something of that name is there already";
    413 ContentTooLarge 0 General AfterFix "the object is larger than the store allows";
    416 RangeNotSatisfiable 0 General AfterFix "the object is shorter than what was asked for";
    421 MisdirectedRequest 0 Path AfterFix "the endpoint does not serve this name";
    429 TooManyRequests 0 Connectivity Later "the store limits how much it is asked" or General by ServerState;
    500 InternalServerError 0 General Later "the store failed";
    501 NotImplemented 0 General AfterFix "the store does not have this function";
    502 BadGateway 0 Connectivity Later "a proxy does not reach the store";
    503 ServiceUnavailable 0 Connectivity Later "the store is busy, or limits how much it is asked" or General by ServerState;
    504 GatewayTimeout 0 Connectivity Later "the store does not answer a proxy in time";
    507 InsufficientStorage 0 OutOfCapacity AfterFix "the store is full";
};

pub(super) static CODES: &[Finding] = findings! { Http,
    307 PermanentRedirect 0 Path AfterFix "the bucket is in another region or at another endpoint";
    400 AuthorizationHeaderMalformed 0 Path AfterFix "the request was signed for another region than the bucket's";
    400 EntityTooLarge 0 General AfterFix "the object is larger than the store allows";
    400 ExpiredToken 0 Authentication AfterFix "the token expired";
    400 InvalidBucketName 0 Path AfterFix "the name of the bucket is not valid";
    400 InvalidResourceName 0 Path AfterFix "the name of the container or object is not valid";
    400 InvalidToken 0 Authentication AfterFix "the token is not valid";
    400 KeyTooLongError 0 Path AfterFix "the path is longer than the 1,024 bytes that S3 allows";
    400 RequestTimeout 0 Connectivity Soon "the store got no whole request in time";
    400 TokenRefreshRequired 0 Authentication AfterFix "the token must be renewed";
    400 UnsupportedHeader 0 General AfterFix "the store does not have what a header asks for";
    403 AccountIsDisabled 0 Authentication AfterFix "the storage account is disabled";
    403 AccountProblem 0 Authentication AfterFix "something is wrong with the account, as a bill that is not paid";
    403 AuthenticationFailed 0 Authentication AfterFix "the key, the shared access signature or this host's clock is wrong";
    403 AuthorizationFailure 0 Authentication AfterFix "the account or this network may not do this" or Connectivity by CheckAccess;
    403 AuthorizationPermissionMismatch 0 Authentication AfterFix "the account or the shared access signature lacks this right" or ShareNotWritable by CheckAccess;
    403 AuthorizationSourceIPMismatch 0 Authentication AfterFix "the shared access signature is not for this host's address";
    403 InvalidAccessKeyId 0 Authentication AfterFix "the store does not know the access key";
    403 RequestTimeTooSkewed 0 Authentication AfterFix "the clocks of this host and the store differ by more than 15 minutes";
    403 SignatureDoesNotMatch 0 Authentication AfterFix "the secret key is wrong, or a proxy changes requests";
    403 XMinioStorageFull 0 OutOfCapacity AfterFix "the store is full";
    404 ContainerNotFound 0 Path AfterFix "there is no such container";
    404 NoSuchBucket 0 Path AfterFix "there is no such bucket";
    409 BlobImmutableDueToPolicy 0 DeletionFailed Later "the store keeps the object until a date: it is immutable";
    409 ConditionalRequestConflict 0 General Soon "another request writes the same name";
    409 ContainerBeingDeleted 0 Path AfterFix "the container is being deleted";
    409 OperationAborted 0 General Soon "another request writes the same name";
    409 QuotaExceeded 0 OutOfCapacity AfterFix "the quota of the account or bucket is used up";
    503 ServerBusy 0 Connectivity Later "the store limits how much it is asked" or General by ServerState;
    503 SlowDown 0 Connectivity Later "the store limits how much it is asked" or General by ServerState;
    507 XMinioAdminBucketQuotaExceeded 0 OutOfCapacity AfterFix "the quota of the bucket is used up";
};

/// The form of these rows.
pub(super) const FORM: Form = Form::Http;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::AlertKind;

    #[test]
    fn statuses_are_sorted_and_codes_are_unique() {
        assert!(STATUSES.windows(2).all(|pair| pair[0].code < pair[1].code));
        let mut names: Vec<_> = CODES.iter().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CODES.len());
    }

    #[test]
    fn what_is_ambiguous_names_the_other_class_and_the_probe() {
        for row in STATUSES.iter().chain(CODES) {
            assert_eq!(row.or.is_some(), row.probe.is_some(), "{}", row.name);
            assert!(row.or != Some(row.kind) && row.is_failure(), "{}", row.name);
        }
    }

    #[test]
    fn a_code_says_more_than_its_status() {
        let kind = |status, code| find(status, code).map(|row| row.kind);
        assert_eq!(kind(409, ""), Some(AlertKind::General));
        assert_eq!(kind(409, "QuotaExceeded"), Some(AlertKind::OutOfCapacity));
        assert_eq!(kind(403, "Unheard"), Some(AlertKind::Authentication));
        assert_eq!(kind(503, "SlowDown"), Some(AlertKind::Connectivity));
        assert_eq!(kind(418, ""), None);
        let answer = HttpAnswer { status: 503, code: "SlowDown".into() };
        assert_eq!(answer.to_string(), "HTTP 503 SlowDown: the store limits how much it is asked");
        assert_eq!(HttpAnswer { status: 418, code: String::new() }.to_string(), "HTTP 418");
    }
}
