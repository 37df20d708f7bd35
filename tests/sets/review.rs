//! The review: each rule, with a share made for it.

#[path = "review/configuration.rs"]
mod configuration;
#[path = "review/folders.rs"]
mod folders;
#[path = "review/page.rs"]
mod page;
#[path = "review/sets.rs"]
mod sets;
#[path = "review/site.rs"]
mod site;
#[path = "review/survey.rs"]
mod survey;
#[path = "review/their_backups.rs"]
mod their_backups;

use std::collections::BTreeSet;

use azs_backup::review::RULES;
use serde_json::{Value, json};
use site::Site;

#[test]
fn a_share_that_is_as_the_practices_have_it_has_no_findings() {
    let site = Site::new();
    site.assert(&[]);
    let review = site.review();
    assert_eq!(review.components.len(), 4);
    for component in &review.components {
        assert_eq!((component.worst, component.complete, component.others), (None, 1, 0));
        assert_eq!(component.days.len(), 30);
        assert_eq!(component.days[29].complete + component.days[28].complete, 1);
    }
    assert!(review.to_table().contains("Switches        good"), "{}", review.to_table());
}

#[test]
fn a_rule_is_silenced_with_a_reason_that_shows() {
    let root = json!(r"\\10.0.0.2\AzSBackups");
    let silence = |of: Value| Site::new().set("root", root.clone()).set("silence", json!([of]));
    let site = silence(json!({"rule": "ROOT_HOST_IS_ADDRESS", "reason": "no DNS in the trusted network"}));
    site.assert(&[]);
    let review = site.review();
    assert_eq!(review.silenced[0].reason, "no DNS in the trusted network");
    for text in [review.to_table(), review.to_html()] {
        assert!(text.contains("no DNS in the trusted network"));
    }
    silence(json!({"rule": "ROOT_HOST_IS_ADDRESS", "reason": " "}))
        .assert(&["ROOT_HOST_IS_ADDRESS", "SILENCE_NOT_EFFECTIVE"]);
    silence(json!({"rule": "ROOT_HOST", "reason": "why"}))
        .assert(&["ROOT_HOST_IS_ADDRESS", "SILENCE_NOT_EFFECTIVE"]);
    silence(json!({"rule": "ROOT_HOST_IS_ADDRESS", "about": "share", "reason": "why"}))
        .assert(&["ROOT_HOST_IS_ADDRESS"]);
}

#[test]
fn rules_have_ids_of_their_own_and_a_test_each() {
    let tests = [
        include_str!("review/configuration.rs"),
        include_str!("review/folders.rs"),
        include_str!("review/sets.rs"),
        include_str!("review/their_backups.rs"),
        include_str!("review.rs"),
    ]
    .concat();
    let mut ids = BTreeSet::new();
    for rule in RULES {
        assert!(ids.insert(rule.id), "{}", rule.id);
        assert!(rule.id.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'));
        let is_tested = tests.contains(&format!("\"{}\"", rule.id));
        assert!(is_tested, "{}", rule.id);
    }
}
