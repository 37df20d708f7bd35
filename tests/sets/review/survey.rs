//! Many deployments side by side.

use std::fs;
use std::ops::ControlFlow;
use std::sync::Arc;

use azs_backup::copies::replicate;
use azs_backup::layout::{Deployment, SetName};
use azs_backup::observer::Progress;
use azs_backup::review::{Region, Severity, Survey, SurveyRow, survey};
use azs_backup::set::list_deployments;
use azs_backup::share::Share;
use azs_backup::signature::Signer;
use azs_backup::{Backup, ErrorKind};
use jiff::{SignedDuration, Timestamp};

use crate::common::{Certificate, Fixture, PASSWORD, backend};

/// Makes a set of so many bytes, begun so many hours ago by its name.
fn back_up(fixture: &Fixture, place: &str, hours: i64, bytes: usize, signer: Option<&Signer>) {
    let name = SetName::new(Timestamp::now() - SignedDuration::from_hours(hours), 7).unwrap();
    let mut backup = Backup::builder(fixture.share.clone(), place.parse().unwrap())
        .certificate(fixture.certificate.encryption())
        .create(true)
        .set_name(name);
    if let Some(signer) = signer {
        backup = backup.signer(signer.clone());
    }
    let mut backup = backup.start().unwrap();
    backup.add_bytes("tor1", vec![7; bytes]).unwrap();
    backup.commit().unwrap();
}

fn look(share: &Arc<dyn Share>) -> Survey {
    survey([Region::all(share.clone())], Timestamp::now()).run().unwrap()
}

fn row<'a>(survey: &'a Survey, place: &str) -> &'a SurveyRow {
    let (deployment, component) = match place.splitn(3, '/').collect::<Vec<_>>()[..] {
        [domain, region, component] => (format!("{domain}/{region}"), Some(component)),
        _ => (place.to_owned(), None),
    };
    let is_it = |row: &&SurveyRow| {
        row.deployment.as_ref().is_some_and(|of| of.to_string() == deployment)
            && row.component.as_deref() == component
    };
    survey.rows.iter().find(is_it).unwrap_or_else(|| panic!("{place}: {survey:#?}"))
}

#[test]
fn each_component_of_each_deployment_has_a_row_and_the_worst_comes_first() {
    let fixture = Fixture::new();
    let signer = Signer::from_pfx(&Certificate::valid("hlh01", -30, 9).pfx, Some(PASSWORD)).unwrap();
    back_up(&fixture, "contoso.com/nyc/Switches", 14, 1000, None);
    back_up(&fixture, "contoso.com/nyc/Switches", 2, 1500, Some(&signer));
    back_up(&fixture, "contoso.com/nyc/HLH/su1", 18, 1000, None);
    back_up(&fixture, "contoso.com/lax/Switches", 240, 1000, None);
    back_up(&fixture, "fabrikam.com/sea/Switches", 10, 1000, None);
    back_up(&fixture, "fabrikam.com/sea/Switches", 2, 100, None);
    fs::create_dir_all(fixture.path("share/fabrikam.com/chi")).unwrap();
    let deployments = list_deployments(&fixture.share).unwrap();
    let all = ["contoso.com/lax", "contoso.com/nyc", "fabrikam.com/chi", "fabrikam.com/sea"];
    assert_eq!(deployments, all.map(|of| of.parse::<Deployment>().unwrap()));

    let survey = look(&fixture.share);
    assert_eq!(survey.rows.len(), 5);
    let good = row(&survey, "contoso.com/nyc/Switches");
    assert_eq!((good.severity, good.sets, good.bytes, good.bytes_before), (None, 2, 1500, Some(1000)));
    assert_eq!(good.signature.as_ref().unwrap().signer(), Some(signer.facts()));
    assert_eq!(good.thumbprints, [fixture.certificate.encryption().facts().sha1_thumbprint.clone()]);
    assert_eq!(good.due.unwrap(), good.last_good.unwrap().created() + SignedDuration::from_hours(12));
    for (place, severity, remark) in [
        ("contoso.com/nyc/HLH/su1", Severity::Warning, "overdue: last good set 18 h ago"),
        ("contoso.com/lax/Switches", Severity::Critical, "last good set 10 days ago"),
        ("fabrikam.com/sea/Switches", Severity::Warning, "less than half"),
        ("fabrikam.com/chi", Severity::Critical, "no set"),
    ] {
        let row = row(&survey, place);
        assert_eq!(row.severity, Some(severity), "{place}: {row:?}");
        assert!(row.remarks.iter().any(|of| of.contains(remark)), "{place}: {:?}", row.remarks);
    }
    let order: Vec<_> = survey.rows.iter().map(|row| row.severity).collect();
    assert_eq!(order.last(), Some(&None));
    assert_eq!(order[..2], [Some(Severity::Critical); 2]);
    let page = survey.to_html();
    assert!(page.contains("4 deployments") && page.contains("+50 %") && !page.contains("<script"), "{page}");
}

#[test]
fn what_is_no_backup_is_named_and_an_older_good_set_counts() {
    let fixture = Fixture::new();
    let place = "contoso.com/nyc/Switches";
    for hours in [30, 20, 3] {
        back_up(&fixture, place, hours, 1000, None);
    }
    let mut sets: Vec<_> = fs::read_dir(fixture.path("share").join(place)).unwrap().collect();
    sets.sort_by_key(|item| item.as_ref().unwrap().file_name());
    let newest = sets.pop().unwrap().unwrap().path();
    fs::remove_file(newest.join("SHA256SUMS")).unwrap();
    let damaged = look(&fixture.share);
    let found = row(&damaged, place);
    assert!(found.remarks.len() == 2 && found.remarks[0].contains("SHA256SUMS"), "{found:?}");
    assert_eq!(
        found.last_good.unwrap().created(),
        row(&damaged, place).due.unwrap() - SignedDuration::from_hours(12)
    );
    // One that is being made is no damage.
    fs::remove_file(newest.join("backup.json")).unwrap();
    let found = look(&fixture.share);
    assert!(row(&found, place).remarks.iter().any(|of| of.contains("is not finished")), "{found:?}");
    // A demand that no set meets.
    let signer = Signer::from_pfx(&Certificate::valid("hlh01", -30, 9).pfx, Some(PASSWORD)).unwrap();
    let demanding = survey([Region::all(fixture.share.clone())], Timestamp::now());
    let found = demanding.require_signers(&[signer.certificate()]).run().unwrap();
    assert!(row(&found, place).remarks.contains(&"no good set".to_owned()), "{found:?}");
}

/// Sets of before the hosts signed are not planted; one that came since may be.
#[test]
fn what_nobody_signed_is_told_if_it_came_since_they_sign() {
    let fixture = Fixture::new();
    let place = "contoso.com/nyc/Switches";
    let signer = Signer::from_pfx(&Certificate::valid("hlh01", -30, 9).pfx, Some(PASSWORD)).unwrap();
    let demanding = || {
        let survey = survey([Region::all(fixture.share.clone())], Timestamp::now());
        let survey = survey.require_signers(&[signer.certificate()]).run().unwrap();
        row(&survey, place).clone()
    };
    back_up(&fixture, place, 30, 1000, None);
    back_up(&fixture, place, 8, 1000, Some(&signer));
    assert_eq!(demanding().severity, None, "{:?}", demanding());
    back_up(&fixture, place, 2, 1000, Some(&signer));
    assert_eq!(demanding().severity, None, "{:?}", demanding());
    back_up(&fixture, place, 4, 1000, None);
    let told = demanding();
    assert_eq!((told.severity, told.remarks.len()), (Some(Severity::Warning), 1), "{told:?}");
    assert!(told.remarks[0].contains("not signed"), "{told:?}");
}

#[test]
fn an_empty_set_is_no_good_one() {
    let fixture = Fixture::new();
    let mut backup = Backup::builder(fixture.share.clone(), "contoso.com/nyc/Switches".parse().unwrap())
        .certificate(fixture.certificate.encryption())
        .create(true)
        .start()
        .unwrap();
    fs::create_dir_all(fixture.path("nothing")).unwrap();
    backup.add_folder(fixture.path("nothing")).unwrap();
    backup.commit().unwrap();
    let found = look(&fixture.share);
    assert_eq!(row(&found, "contoso.com/nyc/Switches").remarks, ["it holds no file"]);
}

#[test]
fn copies_elsewhere_are_looked_for() {
    let fixture = Fixture::new();
    let root = fixture.path("elsewhere");
    fs::create_dir_all(root.join("contoso.com/nyc")).unwrap();
    let elsewhere = backend::share(&root);
    back_up(&fixture, "contoso.com/nyc/Switches", 3, 1000, None);
    let with_copies = || {
        let survey = survey([Region::all(fixture.share.clone())], Timestamp::now());
        survey.copies([elsewhere.clone()]).run().unwrap()
    };
    assert_eq!(with_copies().rows[0].remarks, ["no copy elsewhere"]);
    replicate(fixture.share.clone(), elsewhere.clone(), fixture.place.deployment()).run().unwrap();
    let found = with_copies();
    assert_eq!((found.rows[0].severity, found.rows[0].last_copy.is_some()), (None, true), "{found:?}");
}

#[test]
fn a_survey_can_be_stopped() {
    let fixture = Fixture::new();
    back_up(&fixture, "contoso.com/nyc/Switches", 3, 1000, None);
    let mut stop = |_: Progress| ControlFlow::Break(());
    let stopped = survey([Region::all(fixture.share.clone())], Timestamp::now()).observer(&mut stop).run();
    assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Cancelled);
}
