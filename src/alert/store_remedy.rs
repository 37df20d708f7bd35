//! Remedies where the share is in an object store: there is no SMB, no port 445 and no lock-out of accounts.

use super::kind::AlertKind;

/// What to do, step by step; `None` where it is the same as for a file server.
pub(super) fn steps(kind: AlertKind, share: &str) -> Option<Vec<String>> {
    let steps: &[&str] = match kind {
        AlertKind::OutOfCapacity | AlertKind::AlmostFull => &[
            "Compare the quotas of {share} with the size of the last complete backup.",
            "Enlarge them, or shorten how long backups are kept.",
        ],
        AlertKind::Connectivity => &[
            "Resolve the endpoint of {share} from this host, and connect to its port, 443 with HTTPS.",
            "See whether the store limits requests or reports a disturbance.",
            "Ask the network team about proxies, firewalls and name servers between the two.",
        ],
        AlertKind::Path => &[
            "Compare the URL with the names of the account, of the bucket or container and of the folder, letter by letter.",
            "See that the region and the endpoint are those of the bucket.",
        ],
        AlertKind::Authentication => &[
            "See that the credentials of this host are those of the store, still valid, and not changed since.",
            "Give them the rights to list, read and write in {share}.",
            "Set the clock of this host: a store refuses signatures that are some minutes old.",
        ],
        AlertKind::ShareNotWritable => {
            &["Give the credentials of this host the rights to list, read and write in {share}."]
        }
        AlertKind::ShareNotAccessible => &[
            "List {share} by another program, with the same credentials, from this host.",
            "Where that fails, check in this order: the endpoint, the region, the name, the credentials, the rights.",
        ],
        AlertKind::UploadFailed | AlertKind::General => &[
            "Read the evidence of this alert and the log of the host around its time.",
            "See whether the store reports a disturbance at that time.",
            "Where nothing explains it, pass the evidence on to support.",
        ],
        AlertKind::DeletionFailed => &[
            "See whether the store keeps what is to be deleted until a date: then wait for it.",
            "See that the credentials have the right to delete in {share}.",
        ],
        _ => return None,
    };
    Some(steps.iter().map(|step| step.replace("{share}", share)).collect())
}

#[cfg(test)]
mod tests {
    use crate::alert::{Context, Profile, classify_errno, classify_http};

    #[test]
    fn no_remedy_for_a_store_speaks_of_a_file_server() {
        for (status, code) in [
            (301, ""),
            (400, ""),
            (401, ""),
            (403, "AccessDenied"),
            (403, "RequestTimeTooSkewed"),
            (404, "NoSuchBucket"),
            (409, "BlobImmutableDueToPolicy"),
            (409, "QuotaExceeded"),
            (429, ""),
            (500, ""),
            (503, "SlowDown"),
        ] {
            let class = classify_http(status, code, Profile::Refined);
            check(&class.remedy(&Context::new("a", jiff::Timestamp::now())));
        }
        let refused = classify_errno(111, Profile::Refined);
        check(&refused.remedy(&Context::new("a", jiff::Timestamp::now()).share("s3://b/a")));
        assert!(
            refused.remedy(&Context::new("a", jiff::Timestamp::now())).concat().contains("445"),
            "a file server's stays"
        );
    }

    fn check(steps: &[String]) {
        let text = steps.concat();
        for word in ["445", "SMB", "locked out", "lock-out", "password", "file server", "session"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
    }
}
