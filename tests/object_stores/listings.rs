//! Answers that only look like listings, or like whole ones: each is an error, and never an empty folder.

use azs_backup::layout::SharePath;
use azs_backup::{ErrorKind, Share};

use super::site::{Site, path, stores};
use crate::common::http_proxy::Fault;
use crate::common::store::Store;

/// A listing as the service writes it, with these objects and folders.
fn listing(store: Store, objects: &[String], folders: &[String], rest: &str) -> String {
    let all = |names: &[String], before: &str, after: &str| -> String {
        names.iter().map(|name| format!("{before}{name}{after}")).collect()
    };
    match store {
        Store::S3 => {
            let after = "</Key><LastModified>2026-11-30T00:00:00Z</LastModified><Size>1</Size></Contents>";
            let objects = all(objects, "<Contents><Key>", after);
            let folders = all(folders, "<CommonPrefixes><Prefix>", "</Prefix></CommonPrefixes>");
            format!("<ListBucketResult>{objects}{folders}{rest}</ListBucketResult>")
        }
        Store::Azure => {
            let after = "</Name><Properties><Last-Modified>Mon, 30 Nov 2026 00:00:00 GMT</Last-Modified>\
                         <Content-Length>1</Content-Length><Content-Type>a</Content-Type></Properties></Blob>";
            let objects = all(objects, "<Blob><Name>", after);
            let folders = all(folders, "<BlobPrefix><Name>", "</Name></BlobPrefix>");
            format!("<EnumerationResults><Blobs>{objects}{folders}</Blobs>{rest}</EnumerationResults>")
        }
    }
}

/// What listing a folder, the root, and opening the share come to with this answer.
fn outcomes(site: &Site, folder: &str, answer: &str) -> Vec<azs_backup::Result<usize>> {
    site.proxy.plan(|_, _| Fault::None);
    let share = site.behind();
    let answer = answer.to_owned();
    site.proxy.plan(move |_, request| match request.is_listing() {
        true => Fault::Answer(answer.clone()),
        false => Fault::None,
    });
    let listed = |folder: &SharePath| share.list(folder).map(|items| items.len());
    vec![listed(&path(folder)), listed(&SharePath::root()), site.builder().connect().map(|_| 0)]
}

#[test]
fn a_page_that_asks_to_log_in_is_no_empty_folder() {
    for store in stores() {
        let site = Site::new(store);
        let other = if store == Store::S3 { Store::Azure } else { Store::S3 };
        for page in [
            "<html>Please log in</body></html>".to_owned(),
            "<!DOCTYPE html><html><body>Please log in</body></html>".to_owned(),
            String::new(),
            listing(other, &[], &[], ""),
        ] {
            for outcome in outcomes(&site, "contoso.com/nyc", &page) {
                let error = outcome.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Malformed, "{store:?} {page}: {error}");
                assert!(error.to_string().contains("asks to log in"), "{error}");
            }
        }
    }
}

#[test]
fn a_listing_that_is_cut_off_without_more_to_ask_for_is_not_whole() {
    for store in stores().filter(|store| *store == Store::S3) {
        let site = Site::new(store);
        let objects = [format!("{}/a", site.prefix)];
        for rest in ["", "<NextContinuationToken></NextContinuationToken>", "<NextMarker>a</NextMarker>"] {
            let rest = format!("<IsTruncated>true</IsTruncated>{rest}");
            for outcome in outcomes(&site, "contoso.com/nyc", &listing(store, &objects, &[], &rest)) {
                let error = outcome.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
                assert!(error.to_string().contains("cuts a listing off"), "{error}");
            }
        }
    }
}

#[test]
fn what_was_not_asked_for_is_not_listed() {
    for store in stores() {
        let site = Site::new(store);
        let inside = format!("{}/a", site.prefix);
        let outside = [
            "other/a-name-that-is-longer-than-what-was-asked-for".to_owned(),
            format!("{}s-and-more/contoso.com/nyc/a", site.prefix),
            format!("{inside}/contoso.com/nyc/deeper/than/asked/for"),
        ];
        for name in outside {
            let objects = listing(store, &[inside.clone(), name.clone()], &[], "");
            let folders = listing(store, &[], &[format!("{inside}/"), format!("{name}/")], "");
            for answer in [objects, folders] {
                for outcome in outcomes(&site, "a", &answer) {
                    let error = outcome.unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Malformed, "{store:?} {name}: {error}");
                    assert!(error.to_string().contains("and lists"), "{error}");
                }
            }
        }
        // What nothing can name stays out, wherever it is.
        let mixed = listing(store, &[inside.clone(), "other//x".into(), format!("{inside}//x")], &[], "");
        assert_eq!(outcomes(&site, "a", &mixed)[1].as_ref().unwrap(), &1);
    }
}
