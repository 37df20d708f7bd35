//! Where a share in an object store is: read from a URL.

use url::Url;

use crate::error::{Error, ErrorKind, Result};
use crate::layout::SharePath;

/// The services that are spoken to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Service {
    /// Amazon S3, and what is compatible with it.
    S3,
    /// Azure Blob, that of Azure Stack Hub included.
    Azure,
}

/// A bucket or container, and the folder in it that is the root.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Location {
    pub(super) service: Service,
    /// `https://host:port`, if the URL names one.
    pub(super) endpoint: Option<String>,
    /// The storage account; empty for S3.
    pub(super) account: String,
    /// The bucket or container.
    pub(super) container: String,
    /// The folder in it.
    pub(super) prefix: SharePath,
}

/// The URL without what may be secret in it, for messages.
pub(crate) fn shown(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    match url[..end].split_once("://") {
        // `user:password@host`
        Some((scheme, rest)) => {
            let host = rest.find('/').unwrap_or(rest.len());
            let from = rest[..host].rfind('@').map_or(0, |at| at + 1);
            format!("{scheme}://{}", &rest[from..])
        }
        None => url[..end].to_owned(),
    }
}

impl Location {
    /// Reads a URL: `s3://bucket/folder`, `az://account/container/folder`, or that of an endpoint.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for any other form, and for one with credentials in it; `INVALID_NAME` and `RESERVED_PATH` for the
    /// folder.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let refused = |why: &str| {
            let message = format!("{}: {why}", shown(text));
            Error::new(ErrorKind::InvalidArgument, message).doing("open", shown(text))
        };
        let extra = text.find(['?', '#']).map(|at| &text[at..]);
        if extra.is_some_and(|extra| extra.starts_with('#')) {
            return Err(refused("a URL with a # in it: write it as %23 if it belongs to a name"));
        }
        if extra.is_some() {
            return Err(refused(
                "a URL with a query may hold a shared access signature, which belongs into the environment: take away \
                 everything from the question mark on, and set AZURE_STORAGE_SAS_TOKEN",
            ));
        }
        // `Url` takes such parts away, and another bucket would be left.
        let is_dots = |part: &str| percent_decoded(part).is_some_and(|part| matches!(&*part, "." | ".."));
        if text.split(['/', '\\']).any(is_dots) {
            return Err(refused("its path has a part . or .."));
        }
        let url = Url::parse(text).map_err(|e| refused(&format!("it is not a URL: {e}")))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused(
                "a URL holds no user or password here; credentials come from the environment",
            ));
        }
        let host = url.host_str().unwrap_or_default();
        let path = percent_decoded(url.path()).ok_or_else(|| refused("its path is not UTF-8"))?;
        let mut names = path.split('/').filter(|name| !name.is_empty());
        let mut next = |what: &str| names.next().map(str::to_owned).ok_or_else(|| refused(what));
        let (service, endpoint, account, container) = match url.scheme() {
            "s3" if !host.is_empty() => (Service::S3, None, String::new(), host.to_owned()),
            "s3" => return Err(refused("it names no bucket; write s3://bucket or s3://bucket/folder")),
            "az" => {
                let container = next("it names no container; write az://account/container/folder")?;
                (Service::Azure, None, host.to_owned(), container)
            }
            "https" | "http" => {
                let endpoint = url[..url::Position::BeforePath].to_owned();
                match host.split_once('.') {
                    Some((account, rest)) if rest.starts_with("blob.") => {
                        let container = next("it names no container")?;
                        (Service::Azure, Some(endpoint), account.to_owned(), container)
                    }
                    _ if host.ends_with(".amazonaws.com") => {
                        return Err(refused(
                            "write s3://bucket/folder, and the region as an option or as AWS_REGION",
                        ));
                    }
                    _ => (Service::S3, Some(endpoint), String::new(), next("it names no bucket")?),
                }
            }
            _ => return Err(refused("it begins with none of s3://, az://, https://")),
        };
        let prefix: Vec<&str> = names.collect();
        Ok(Self { service, endpoint, account, container, prefix: prefix.join("/").parse()? })
    }

    /// The URL as people write it.
    pub(super) fn url(&self) -> String {
        let mut url = match (&self.endpoint, self.service) {
            (Some(endpoint), _) => format!("{endpoint}/{}", self.container),
            (None, Service::S3) => format!("s3://{}", self.container),
            (None, Service::Azure) => format!("az://{}/{}", self.account, self.container),
        };
        if !self.prefix.is_root() {
            url += &format!("/{}", self.prefix);
        }
        url
    }
}

fn percent_decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, behind @ ..] = rest {
        let digit = |at: usize| char::from(*behind.get(at)?).to_digit(16);
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &behind[2..];
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_a_place() {
        for (url, service, endpoint, account, container, prefix) in [
            ("s3://backups", Service::S3, None, "", "backups", ""),
            ("s3://backups/azs/x y", Service::S3, None, "", "backups", "azs/x y"),
            ("az://contoso/backups/azs/", Service::Azure, None, "contoso", "backups", "azs"),
            (
                "https://contoso.blob.core.windows.net/backups/azs",
                Service::Azure,
                Some("https://contoso.blob.core.windows.net"),
                "contoso",
                "backups",
                "azs",
            ),
            (
                "https://contoso.blob.nyc.contoso.com:8443/backups",
                Service::Azure,
                Some("https://contoso.blob.nyc.contoso.com:8443"),
                "contoso",
                "backups",
                "",
            ),
            (
                "https://minio.contoso.com:9000/b/a%20b",
                Service::S3,
                Some("https://minio.contoso.com:9000"),
                "",
                "b",
                "a b",
            ),
        ] {
            let location = Location::parse(url).unwrap();
            assert_eq!((location.service, location.endpoint.as_deref()), (service, endpoint), "{url}");
            let names = (&*location.account, &*location.container, &*location.prefix.to_string());
            assert_eq!(names, (account, container, prefix), "{url}");
            assert_eq!(Location::parse(&location.url()).unwrap(), location);
        }
    }

    #[test]
    fn what_is_no_place_is_refused_and_no_secret_shown() {
        for (url, kind) in [
            ("s3://", ErrorKind::InvalidArgument),
            ("az://contoso", ErrorKind::InvalidArgument),
            ("ftp://contoso/b", ErrorKind::InvalidArgument),
            ("https://contoso.blob.core.windows.net", ErrorKind::InvalidArgument),
            ("https://bucket.s3.eu-west-1.amazonaws.com/x", ErrorKind::InvalidArgument),
            ("s3://b/MASBackup", ErrorKind::ReservedPath),
            ("s3://b/a:b", ErrorKind::InvalidName),
            ("https://c.blob.core.windows.net/b?sv=2023&sig=hunter2", ErrorKind::InvalidArgument),
            ("https://user:hunter2@minio.contoso.com/b", ErrorKind::InvalidArgument),
            ("s3://b#hunter2", ErrorKind::InvalidArgument),
            ("s3://b/a#b?hunter2", ErrorKind::InvalidArgument),
            ("s3://b/../a", ErrorKind::InvalidArgument),
            ("s3://b/a/.", ErrorKind::InvalidArgument),
            ("http://minio.contoso.com/bucket/%2e%2E/x", ErrorKind::InvalidArgument),
            ("https://minio.contoso.com/bucket/..\\x", ErrorKind::InvalidArgument),
            ("https://minio.contoso.com/bucket/%2E/x", ErrorKind::InvalidArgument),
        ] {
            let error = Location::parse(url).unwrap_err();
            assert_eq!(error.kind(), kind, "{url}: {error}");
            let is_query = url.contains("?sv");
            assert_eq!(error.to_string().contains("question mark"), is_query, "{url}: {error}");
            assert!(!format!("{error:?}{:?}", error.path()).contains("hunter2"), "{error:?}");
        }
    }
}
