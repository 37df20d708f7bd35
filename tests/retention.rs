//! What is deleted and what is kept: vectors, properties, real sets.

#[path = "common/case_count.rs"]
mod case_count;
mod common;
#[path = "retention/real.rs"]
mod real;

use std::collections::BTreeMap;
use std::time::Duration;

use azs_backup::Place;
use azs_backup::layout::{Component, Deployment, SetName};
use azs_backup::schedule::{Candidate, Condition, Content, RetentionPeriod, RetentionPlan, RetentionPolicy};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use case_count::assert_case_count;

fn policy(of: &Value) -> RetentionPolicy {
    let number = |name: &str| u32::try_from(of[name].as_u64().unwrap_or(0)).unwrap();
    let mut policy = RetentionPolicy::new()
        .keep_last(number("keep_last"))
        .keep_daily(number("keep_daily"))
        .keep_weekly(number("keep_weekly"))
        .keep_monthly(number("keep_monthly"))
        .make_room(of["make_room"].as_u64().unwrap_or(0));
    if of["keep_days"].is_u64() {
        policy = policy.keep_within(RetentionPeriod::beyond_microsoft(number("keep_days")).unwrap());
    }
    if of["shrunken_below"].is_u64() {
        policy = policy.shrunken_below(number("shrunken_below"));
    }
    if of["grace_hours"].is_u64() {
        policy = policy.grace(Duration::from_secs(u64::from(number("grace_hours")) * 3600));
    }
    for label in of["keep_labels"].as_array().into_iter().flatten() {
        policy = policy.keep_label(label[0].as_str().unwrap(), label[1].as_str().map(str::to_owned));
    }
    for set in of["pin"].as_array().into_iter().flatten() {
        policy = policy.pin(set.as_str().unwrap().parse().unwrap());
    }
    policy
}

/// A set of the vectors: of the switches of nyc.contoso.com, if it says nothing else.
fn candidate(of: &Value) -> Candidate {
    let mut whole = json!({
        "deployment": {"external_domain_name": "contoso.com", "region": "nyc"},
        "component": "Switches",
    });
    whole.as_object_mut().unwrap().extend(of.as_object().unwrap().clone());
    serde_json::from_value(whole).unwrap()
}

#[test]
fn plans_are_those_of_the_vectors() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("vectors/retention.json")).unwrap();
    assert_case_count("retention", cases.len());
    for case in cases {
        let name = &case["name"];
        let sets: Vec<_> = case["sets"].as_array().unwrap().iter().map(candidate).collect();
        let plan = policy(&case["policy"]).plan(sets.clone(), case["now"].as_str().unwrap().parse().unwrap());
        let deletions: Vec<_> =
            plan.deletions.iter().map(|d| json!([d.candidate.set.to_string(), d.reason])).collect();
        assert_eq!(json!(deletions), case["delete"], "{name}");
        assert_eq!(plan.kept.len() + plan.deletions.len(), sets.len(), "{name}");
        let kept: BTreeMap<_, _> =
            plan.kept.iter().map(|kept| (kept.candidate.set.to_string(), json!(kept.reasons))).collect();
        for (set, reasons) in case["keep"].as_object().into_iter().flatten() {
            assert_eq!(&kept[set], reasons, "{name}: {set}");
        }
        assert_eq!(plan.shortfall, case["shortfall"].as_u64().unwrap_or(0), "{name}");
    }
}

fn places() -> impl Strategy<Value = Place> {
    let deployment = Deployment::new("contoso.com", "nyc").unwrap();
    let switches = Place::new(deployment.clone(), Component::Switches);
    let unit = switches.clone().with_scale_unit("su1".parse().unwrap());
    prop::sample::select(vec![switches, unit, Place::new(deployment, Component::Hlh)])
}

/// Around a year of which the clock is in the middle, and at the ends of time.
fn seconds() -> impl Strategy<Value = i64> {
    prop_oneof![
        8 => 1_780_000_000..1_811_000_000_i64,
        1 => 0..253_402_000_000_i64,
    ]
}

fn candidates() -> impl Strategy<Value = Candidate> {
    let conditions = prop::sample::select(vec![
        Condition::Succeeded,
        Condition::Succeeded,
        Condition::PartialSucceeded,
        Condition::Incomplete,
        Condition::Damaged,
        Condition::Foreign,
        Condition::Unreadable,
        Condition::Unrecognised,
    ]);
    let content = prop_oneof![
        1 => Just(None),
        1 => Just(Some(Content::new(0, 0))),
        3 => (1..40_u64, 0..4000_u64).prop_map(|(files, bytes)| Some(Content::new(files, bytes))),
    ];
    let created = (prop::option::of(seconds()), content);
    (places(), seconds(), any::<u32>(), conditions, created, 0..1000_u64, any::<bool>()).prop_map(
        |(place, named, suffix, condition, (created, content), bytes, pinned)| {
            let name = SetName::new(Timestamp::from_second(named).unwrap(), suffix % 4).unwrap();
            let mut candidate = Candidate::new(place, name, condition);
            candidate.created = created.map(|second| Timestamp::from_second(second).unwrap());
            candidate.bytes = bytes;
            candidate.content = content;
            if pinned && suffix % 8 == 0 {
                candidate.labels.insert("pinned".into(), String::new());
            }
            candidate
        },
    )
}

fn policies() -> impl Strategy<Value = RetentionPolicy> {
    let few = || prop_oneof![3 => Just(0_u32), 3 => 1..5_u32, 1 => Just(u32::MAX)];
    let room = prop_oneof![Just(0), 0..20_000_u64, Just(u64::MAX)];
    (prop::option::of(1..400_u32), few(), few(), few(), few(), room, any::<u64>()).prop_map(
        |(days, last, daily, weekly, monthly, room, grace)| {
            let policy = RetentionPolicy::new()
                .keep_last(last)
                .keep_daily(daily)
                .keep_weekly(weekly)
                .keep_monthly(monthly)
                .make_room(room)
                .grace(Duration::from_secs(grace >> (grace % 64)));
            match days {
                Some(days) => policy.keep_within(RetentionPeriod::beyond_microsoft(days).unwrap()),
                None => policy,
            }
        },
    )
}

fn is_complete(candidate: &Candidate) -> bool {
    matches!(candidate.condition, Condition::Succeeded | Condition::PartialSucceeded)
}

fn is_of_the_past(candidate: &Candidate, now: Timestamp) -> bool {
    let time =
        candidate.created.map_or(candidate.set.created(), |created| created.max(candidate.set.created()));
    time.as_second() <= now.as_second() + 300
}

/// What must hold for every plan.
fn check(plan: &RetentionPlan, sets: &[Candidate], now: Timestamp) {
    let mut places: Vec<_> = sets.iter().map(|set| set.place.clone()).collect();
    places.sort();
    places.dedup();
    for place in places {
        let deleted: Vec<_> =
            plan.deletions.iter().map(|d| &d.candidate).filter(|set| set.place == place).collect();
        let kept: Vec<_> =
            plan.kept.iter().map(|kept| &kept.candidate).filter(|set| set.place == place).collect();
        let trusted = |set: &&&Candidate| is_complete(set) && is_of_the_past(set, now);
        if !deleted.is_empty() {
            assert!(kept.iter().any(|set| trusted(&set)), "a good set of {place} remains");
        }
        if deleted.iter().any(|set| set.condition == Condition::Succeeded) {
            let remains = |set: &&&&Candidate| trusted(set) && set.condition == Condition::Succeeded;
            assert!(kept.iter().any(|set| remains(&&set)), "one that succeeded remains of {place}");
        }
        let newest = |sets: &[&Candidate]| {
            sets.iter()
                .filter(trusted)
                .map(|set| set.created.unwrap_or(set.set.created()).max(set.set.created()))
                .max()
        };
        if let Some(gone) = newest(&deleted) {
            assert!(newest(&kept) >= Some(gone), "the newest of {place} remains");
        }
        let never = [Condition::Damaged, Condition::Foreign, Condition::Unreadable, Condition::Unrecognised];
        for set in deleted {
            assert!(is_of_the_past(set, now) && !never.contains(&set.condition));
            assert!(!set.labels.contains_key("pinned"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn no_plan_takes_the_last_good_set(
        policy in policies(),
        sets in prop::collection::vec(candidates(), 0..60),
        now in seconds(),
    ) {
        let now = Timestamp::from_second(now).unwrap();
        let plan = policy.plan(sets.clone(), now);
        check(&plan, &sets, now);
        // Every set has one verdict, and there are no others.
        let mut all: Vec<_> = sets.iter().map(|set| set.place.set_folder(&set.set)).collect();
        all.sort();
        all.dedup();
        let mut judged: Vec<_> = plan.kept.iter().map(|kept| kept.folder.clone()).collect();
        judged.extend(plan.deletions.iter().map(|deletion| deletion.folder.clone()));
        judged.sort();
        prop_assert_eq!(judged, all);
        prop_assert!(plan.kept.iter().all(|kept| !kept.reasons.is_empty()));
    }

    /// However many shrunken sets are added, each rule still keeps what it would keep without them.
    #[test]
    fn what_shrank_displaces_nothing(
        policy in policies(),
        sets in prop::collection::vec(candidates(), 0..30),
        small in prop::collection::vec(candidates(), 1..10),
        now in seconds(),
    ) {
        let now = Timestamp::from_second(now).unwrap();
        let policy = policy.make_room(0);
        let mut unique = BTreeMap::new();
        for mut set in sets {
            set.content = Some(Content::new(100, 1000));
            unique.insert(set.place.set_folder(&set.set), set);
        }
        let folders = |plan: &RetentionPlan| -> std::collections::BTreeSet<String> {
            plan.kept.iter().map(|kept| kept.folder.to_string()).collect()
        };
        // If no set is good, everything is kept and nothing can be displaced.
        let good = |set: &Candidate| is_complete(set) && is_of_the_past(set, now);
        let places: Vec<_> = unique.values().filter(|set| good(set)).map(|set| set.place.clone()).collect();
        let before: std::collections::BTreeSet<_> = policy
            .plan(unique.values().cloned(), now)
            .kept
            .into_iter()
            .filter(|kept| places.contains(&kept.candidate.place))
            .map(|kept| kept.folder.to_string())
            .collect();
        for mut set in small {
            set.condition = Condition::Succeeded;
            set.content = Some(Content::new(set.bytes % 50, 100));
            unique.entry(set.place.set_folder(&set.set)).or_insert(set);
        }
        let after = folders(&policy.plan(unique.into_values(), now));
        prop_assert!(before.is_subset(&after), "{:?}", before.difference(&after).collect::<Vec<_>>());
    }

    #[test]
    fn a_plan_does_not_depend_on_the_order_and_leaves_nothing_for_the_next(
        policy in policies(),
        sets in prop::collection::vec(candidates(), 0..40),
        now in seconds(),
    ) {
        let now = Timestamp::from_second(now).unwrap();
        let mut unique = BTreeMap::new();
        for set in sets {
            unique.insert(set.place.set_folder(&set.set), set);
        }
        let sets: Vec<_> = unique.into_values().collect();
        let plan = policy.clone().make_room(0).plan(sets.clone(), now);
        let backwards = policy.clone().make_room(0).plan(sets.iter().rev().cloned(), now);
        prop_assert_eq!(&plan, &backwards);
        let rest: Vec<_> = plan.kept.iter().map(|kept| kept.candidate.clone()).collect();
        prop_assert!(policy.make_room(0).plan(rest, now).is_empty());
    }

    #[test]
    fn changed_sets_are_judged_or_refused(
        case in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte in any::<u8>(), now in seconds(),
    ) {
        let cases: Vec<Value> = serde_json::from_str(include_str!("vectors/retention.json")).unwrap();
        let sets = case.get(&cases)["sets"].as_array().unwrap().iter().map(candidate).collect::<Vec<_>>();
        let mut bytes = serde_json::to_vec(&sets).unwrap();
        prop_assert_eq!(&serde_json::from_slice::<Vec<Candidate>>(&bytes).unwrap(), &sets);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(sets) = serde_json::from_slice::<Vec<Candidate>>(&bytes) {
            let now = Timestamp::from_second(now).unwrap();
            check(&RetentionPolicy::new().keep_last(1).plan(sets.clone(), now), &sets, now);
        }
    }

    #[test]
    fn plan_after_plan_something_good_remains(
        steps in prop::collection::vec((policies(), seconds()), 1..6),
        sets in prop::collection::vec(candidates(), 1..40),
    ) {
        let mut sets = sets;
        let had_one = sets.iter().any(is_complete);
        for (policy, now) in steps {
            let now = Timestamp::from_second(now).unwrap();
            let plan = policy.plan(sets.clone(), now);
            check(&plan, &sets, now);
            sets = plan.kept.into_iter().map(|kept| kept.candidate).collect();
        }
        prop_assert!(!had_one || sets.iter().any(is_complete));
    }
}

#[test]
fn a_policy_crosses_a_language_border_as_json() {
    let read = |json: Value| serde_json::from_value::<RetentionPolicy>(json);
    assert_eq!(read(json!({})).unwrap(), RetentionPolicy::new());
    let json = json!({
        "keep_days": 30, "keep_last": 3, "keep_daily": 7, "keep_weekly": 4, "keep_monthly": 12,
        "keep_labels": [["model", "S4148-ON"], ["audit", null]], "pin": ["20261123T020000Z-7f3a91c2"],
        "make_room": 5, "grace_hours": 48, "shrunken_below": 30,
    });
    let policy = read(json.clone()).unwrap();
    let built = RetentionPolicy::new()
        .keep_within(RetentionPeriod::beyond_microsoft(30).unwrap())
        .keep_last(3)
        .keep_daily(7)
        .keep_weekly(4)
        .keep_monthly(12)
        .keep_label("model", Some("S4148-ON".into()))
        .keep_label("audit", None)
        .pin("20261123T020000Z-7f3a91c2".parse().unwrap())
        .make_room(5)
        .grace(Duration::from_secs(48 * 3600))
        .shrunken_below(30);
    assert_eq!(policy, built);
    assert_eq!(serde_json::to_value(&policy).unwrap(), json);
    for bad in
        [json!({"keep_days": 0}), json!({"keep_hours": 1}), json!({"pin": ["x"]}), json!({"keep_last": -1})]
    {
        assert!(read(bad.clone()).is_err(), "{bad}");
    }
}
