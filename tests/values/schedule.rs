//! When to run and when not to: vectors, properties, a year of nights.

#[path = "schedule/year.rs"]
mod year;

use std::time::Duration;

use azs_backup::schedule::{
    Decision, Frequency, Gate, Health, Job, JobLog, JobStatus, Operation, OperationKind, OperationState,
    OperationsFile, Reason, RetentionPeriod, Schedule, Trigger, Warning, parse_operations, warnings,
};
use azs_backup::{Error, ErrorKind};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::Value;

use crate::case_count::assert_case_count;

fn vectors(theme: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../vectors/schedule.json")).unwrap();
    all[theme].as_array().unwrap().clone()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn next_runs_are_those_of_the_vectors() {
    let cases = vectors("next_run");
    assert_case_count("schedule", cases.len());
    for case in cases {
        let hours = u32::try_from(case["frequency_hours"].as_u64().unwrap()).unwrap();
        let frequency = if case["beyond_microsoft"] == true {
            Frequency::beyond_microsoft(hours).unwrap()
        } else {
            Frequency::from_hours(hours).unwrap()
        };
        let phase = Duration::from_secs(case["phase_seconds"].as_u64().unwrap_or(0));
        let schedule = Schedule::new(frequency).phase(phase).unwrap();
        let next = schedule.next_run(case["last"].as_str().map(time), time(case["now"].as_str().unwrap()));
        let name = &case["name"];
        assert_eq!(next.at, time(case["at"].as_str().unwrap()), "{name}");
        assert_eq!(next.missed, case["missed"].as_u64().unwrap(), "{name}");
        assert_eq!(next.clock_set_back_by, case["clock_set_back_by"].as_u64().unwrap_or(0), "{name}");
        if let Some(due) = case["due"].as_str() {
            assert_eq!(next.due, Some(time(due)), "{name}");
        }
    }
}

#[test]
fn the_gate_decides_as_in_the_vectors() {
    let now = time("2026-11-23T02:00:00Z");
    let cases = vectors("gate");
    assert_case_count("gate", cases.len());
    for case in cases {
        let name = &case["name"];
        let document = case["document"].to_string();
        let gate = Gate::new().source(move || parse_operations(document.as_bytes()));
        if let Some(code) = case["error"].as_str() {
            assert_eq!(gate.holds().unwrap_err().code(), code, "{name}");
            assert_eq!(gate.on_demand(now).unwrap_err().code(), code, "{name}");
            continue;
        }
        let reasons: Vec<Reason> = serde_json::from_value(case["reasons"].clone()).unwrap();
        let found: Vec<Reason> = gate.holds().unwrap().into_iter().map(|hold| hold.reason).collect();
        assert_eq!(found, reasons, "{name}");
        let next = Schedule::default().next_run(Some(now), now).at;
        match (gate.scheduled(&Schedule::default(), now).unwrap(), gate.on_demand(now)) {
            (Decision::Run, Ok(())) => assert!(reasons.is_empty(), "{name}"),
            (Decision::Skipped(skip), Err(error)) => {
                assert_eq!(skip.next_run, next);
                assert!(skip.to_string().contains(&next.to_string()), "{skip}");
                assert_eq!(error.kind(), ErrorKind::Conflict);
                let says = case["says"].as_str().unwrap();
                assert!(error.to_string().contains(says), "{name}: {error}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn what_is_ignored_does_not_hold() {
    let rotating = || Ok(vec![Operation::new(OperationKind::SecretRotation, OperationState::Running)]);
    assert_eq!(Gate::new().source(rotating).holds().unwrap().len(), 1);
    let gate = Gate::new().source(rotating).ignore(OperationKind::SecretRotation);
    assert_eq!(gate.scheduled(&Schedule::default(), Timestamp::now()).unwrap(), Decision::Run);
}

#[test]
fn a_source_that_cannot_tell_does_not_open_the_gate() {
    let gate = Gate::new().source(|| Err(Error::new(ErrorKind::AccessDenied, "the token has expired")));
    assert_eq!(
        gate.scheduled(&Schedule::default(), Timestamp::now()).unwrap_err().kind(),
        ErrorKind::AccessDenied
    );

    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("operations.json");
    let gate = Gate::new().source(OperationsFile::new(&path));
    assert_eq!(gate.holds().unwrap_err().kind(), ErrorKind::NotFound);
    std::fs::write(&path, r#"{"operations": [{"kind": "up"#).unwrap();
    let error = gate.holds().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains("operations.json"), "{error}");
    let of_power_shell = "\u{feff}{\"operations\": []}";
    let units = of_power_shell.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for written in [of_power_shell.as_bytes().to_vec(), units] {
        std::fs::write(&path, written).unwrap();
        assert!(gate.holds().unwrap().is_empty());
    }
    std::fs::write(&path, vec![b'['; 5 << 20]).unwrap();
    assert_eq!(gate.holds().unwrap_err().kind(), ErrorKind::LimitExceeded);
}

#[test]
fn a_message_names_the_first_few_and_stays_short() {
    let name = "x".repeat(1 << 20);
    let many = move || {
        let one = Operation::new(OperationKind::Update, OperationState::Running).named(name.clone());
        Ok(vec![one; 1000])
    };
    let said = Gate::new().source(many).on_demand(Timestamp::now()).unwrap_err().to_string();
    assert!(said.len() < 1000 && said.contains("and 997 more"), "{said}");
}

#[test]
fn warnings_come_after_a_day_and_after_the_retention() {
    let now = time("2026-11-23T02:00:00Z");
    assert_eq!(warnings(&Health::new(Some(time("2026-11-22T02:00:00Z"))), now), []);
    let old = time("2026-11-22T01:59:59Z");
    assert_eq!(warnings(&Health::new(Some(old)), now), [Warning::NoRecentBackup { last: Some(old) }]);
    assert_eq!(warnings(&Health::new(None), now), [Warning::NoRecentBackup { last: None }]);
    assert_eq!(warnings(&Health::new(None).set_up(time("2026-11-23T01:00:00Z")), now), []);

    let update = |started: &str| {
        let update = Operation::new(OperationKind::Update, OperationState::Failed).started(time(started));
        Gate::new().source(move || Ok(vec![update.clone()])).holds().unwrap()
    };
    let health = Health::new(Some(now)).retention(RetentionPeriod::from_days(2).unwrap());
    assert_eq!(warnings(&health.clone().holds(update("2026-11-21T02:00:00Z"), None), now), []);
    let found = warnings(&health.clone().holds(update("2026-11-21T01:59:59Z"), None), now);
    assert!(matches!(&found[..], [Warning::GateClosedTooLong { hold, .. }] if hold.contains("failed")));
    let remembered =
        warnings(&health.holds(update("2026-11-23T00:00:00Z"), Some(time("2026-11-01T00:00:00Z"))), now);
    assert_eq!(remembered.len(), 1);

    let next = Schedule::default().next_run(Some(time("2026-11-20T00:00:00Z")), now);
    let found = warnings(&Health::new(Some(now)).next_run(next), now);
    assert_eq!(found, [Warning::MissedRuns { count: 6, due: time("2026-11-20T12:00:00Z") }]);
    let found = warnings(&Health::new(Some(time("2027-11-23T02:00:00Z"))), now);
    assert_eq!(found, [Warning::ClockSetBack { seconds: 365 * 86_400 }]);
    for warning in found {
        assert!(warning.to_string().contains("clock"));
    }
}

#[test]
fn jobs_are_kept_as_lines_and_a_torn_one_harms_no_other() {
    let temp = tempfile::tempdir().unwrap();
    let log = JobLog::new(temp.path().join("jobs.jsonl"));
    assert!(log.read(time("2026-11-23T01:00:00Z")).unwrap().jobs.is_empty());
    let (start, end) = (time("2026-11-23T02:00:00Z"), time("2026-11-23T02:41:00Z"));
    let one = Job::start("1", Trigger::Scheduled, start);
    log.append(&one).unwrap();
    let jobs = log.read(end).unwrap();
    assert!(jobs.jobs[0].is_open() && jobs.died.is_empty());
    assert_eq!(jobs.running(end).len(), 1);
    let late = time("2026-11-24T02:00:01Z");
    assert_eq!(log.read(late).unwrap().running(late).len(), 1, "slow, and it lives");
    let mut one = one.end(JobStatus::Succeeded, end);
    one.bytes = Some(12);
    log.append(&one).unwrap();
    assert!(one.slow && one.is_good() && log.read(end).unwrap().running(end).is_empty());
    assert_eq!(one.duration(), Some(Duration::from_secs(41 * 60)));

    // A power cut in the middle of the second.
    let mut bytes = std::fs::read(log.path()).unwrap();
    bytes.extend_from_slice(br#"{"id":"2","trigger":"on_dem"#);
    std::fs::write(log.path(), bytes).unwrap();
    let three = Job::start("3", Trigger::OnDemand, end).end("Archived".parse().unwrap(), start);
    log.append(&three).unwrap();
    let jobs = log.read(end).unwrap();
    assert_eq!((jobs.jobs.len(), jobs.unreadable, jobs.is_cut), (2, 1, false));
    assert_eq!(jobs.jobs[0], one);
    assert_eq!(jobs.jobs[1].status, JobStatus::Other("Archived".into()));
    assert_eq!(jobs.jobs[1].duration(), None, "the clock was set back meanwhile");
    assert_eq!((jobs.last_scheduled(), jobs.last_good()), (Some(start), Some(start)));

    let mut long = three;
    long.reason = Some("x".repeat(1 << 20));
    assert_eq!(log.append(&long).unwrap_err().kind(), ErrorKind::LimitExceeded);
    long.reason = Some("x".repeat(60 << 10));
    for id in 0..30 {
        long.id = format!("long {id}");
        log.append(&long).unwrap();
    }
    let jobs = log.read(end).unwrap();
    assert!(jobs.is_cut && jobs.unreadable == 0 && (10..30).contains(&jobs.jobs.len()));
}

#[test]
fn a_skipped_job_says_why_and_until_when() {
    let now = time("2026-11-23T02:00:00Z");
    let next = Schedule::default().next_run(Some(now), now).at;
    let gate = Gate::new().source(|| Ok(vec![Operation::new(OperationKind::Fru, OperationState::Running)]));
    let Decision::Skipped(skip) = gate.scheduled(&Schedule::default(), now).unwrap() else {
        panic!("the gate is closed")
    };
    let job = Job::skipped("1", &skip, now);
    let json = serde_json::to_value(&job).unwrap();
    assert_eq!((&json["status"], &json["next_run"]), (&"Skipped".into(), &next.to_string().into()));
    assert!(json["reason"].as_str().unwrap().contains("fru is running"));
}

#[test]
fn phases_and_jitters_out_of_range_are_refused() {
    let schedule = Schedule::default();
    assert!(schedule.phase(Duration::from_secs(12 * 3600)).is_err());
    assert!(schedule.jitter(Duration::from_secs(6 * 3600 + 1), "host").is_err());
    assert!(schedule.jitter(Duration::MAX, "host").is_err());
    assert!(schedule.jitter(Duration::from_secs(60), "").is_err());
}

/// Times over all that there is, and over some days, where things happen.
fn times() -> impl Strategy<Value = Timestamp> {
    let of = |second| Timestamp::from_second(second).unwrap();
    let (min, max) = (Timestamp::MIN.as_second() + 1, Timestamp::MAX.as_second());
    prop_oneof![
        (min..=max).prop_map(of),
        (1_795_000_000..1_795_400_000_i64, 0..1_000_000_000)
            .prop_map(|(second, nanosecond)| Timestamp::new(second, nanosecond).unwrap()),
        prop_oneof![Just(Timestamp::MIN), Just(Timestamp::MAX), Just(Timestamp::UNIX_EPOCH)],
    ]
}

fn schedules() -> impl Strategy<Value = Schedule> {
    (1..=744_u32, any::<u64>(), any::<u64>(), "[a-z]{1,8}").prop_map(|(hours, phase, jitter, host)| {
        let seconds = u64::from(hours) * 3600;
        Schedule::new(Frequency::beyond_microsoft(hours).unwrap())
            .phase(Duration::from_secs(phase % seconds))
            .and_then(|schedule| schedule.jitter(Duration::from_secs(jitter % (seconds / 2 + 1)), &host))
            .unwrap()
    })
}

fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn the_next_run_is_never_past_and_never_further_than_one_frequency(
        schedule in schedules(), last in proptest::option::of(times()), now in times(),
    ) {
        let next = schedule.next_run(last, now);
        prop_assert!(next.at >= now);
        let every = f64::from(schedule.frequency().hours()) * 3600.0;
        prop_assert!(seconds_between(now, next.at) <= every);
        // What passed without a run is told.
        if let Some(last) = last {
            let gap = seconds_between(last, now);
            prop_assert!(next.missed > 0 || gap < every + 900.0 + 1.0);
            prop_assert!((next.missed as f64) <= (gap / every * 2.0).max(0.0) + 1.0);
            prop_assert_eq!(next.clock_set_back_by > 0, gap.floor() < 0.0 && last.as_second() != now.as_second());
        }
    }

    #[test]
    fn asking_again_moves_nothing(schedule in schedules(), last in times(), now in 0..744 * 3600_i64) {
        prop_assume!(last < Timestamp::from_second(200_000_000_000).unwrap());
        let first = schedule.next_run(Some(last), last);
        let Ok(later) = Timestamp::from_second(last.as_second() + now) else { return Ok(()) };
        let again = schedule.next_run(Some(last), later.max(last));
        prop_assert_eq!(again.at, first.at.max(later.max(last)));
    }

    #[test]
    fn runs_are_neither_crowded_nor_lost(schedule in schedules(), late in proptest::collection::vec(0..2_000_000_i64, 1..20)) {
        let every = f64::from(schedule.frequency().hours()) * 3600.0;
        let mut last = Timestamp::from_second(1_795_000_000).unwrap();
        for late in late {
            let next = schedule.next_run(Some(last), last).at;
            prop_assert!(seconds_between(last, next) >= every / 2.0);
            prop_assert!(seconds_between(last, next) <= every);
            last = Timestamp::from_second(next.as_second() + late % (every as i64)).unwrap();
        }
        // Left alone, they come back to their slots.
        for _ in 0..6 {
            last = schedule.next_run(Some(last), last).at;
        }
        for _ in 0..3 {
            let next = schedule.next_run(Some(last), last).at;
            prop_assert_eq!(seconds_between(last, next), every);
            last = next;
        }
    }

    #[test]
    fn any_bytes_are_operations_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Err(error) = parse_operations(&bytes) {
            prop_assert_eq!(error.kind(), ErrorKind::Malformed);
        }
    }

    #[test]
    fn changed_documents_are_operations_or_refused(
        case in any::<proptest::sample::Index>(), at in any::<proptest::sample::Index>(), byte in any::<u8>(),
    ) {
        let cases = vectors("gate");
        let mut bytes = case.get(&cases)["document"].to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = parse_operations(&bytes);
        let _ = parse_operations(&bytes[..at]);
    }

    #[test]
    fn operations_and_jobs_print_as_they_were_read(kind in "\\PC{0,20}", state in "\\PC{0,20}", started in times()) {
        let operation = Operation::new(kind.parse().unwrap(), state.parse().unwrap()).started(started);
        let json = serde_json::to_vec(&serde_json::json!({ "operations": [operation] })).unwrap();
        prop_assert_eq!(parse_operations(&json).unwrap(), vec![operation]);
        let job = Job::start(kind, Trigger::OnDemand, started).end(state.parse().unwrap(), started);
        let json = serde_json::to_string(&job).unwrap();
        prop_assert_eq!(serde_json::from_str::<Job>(&json).unwrap(), job);
    }
}

#[test]
fn a_schedule_crosses_a_language_border_as_json() {
    use azs_backup::schedule::{Frequency, Schedule};
    let read = |json: &str| serde_json::from_str::<Schedule>(json);
    assert_eq!(read("{}").unwrap(), Schedule::default());
    let jitter = std::time::Duration::from_secs(1800);
    let daily = Schedule::new(Frequency::beyond_microsoft(24).unwrap());
    let daily = daily.phase(std::time::Duration::from_secs(7200)).unwrap().jitter(jitter, "hlh01").unwrap();
    let json = r#"{"frequency_hours": 24, "beyond_microsoft": true, "phase_seconds": 7200, "jitter_seconds": 1800, "host": "hlh01"}"#;
    assert_eq!(read(json).unwrap(), daily);
    let written = serde_json::to_string(&daily).unwrap();
    assert!(written.starts_with(
        r#"{"frequency_hours":24,"beyond_microsoft":true,"phase_seconds":7200,"shift_seconds":"#
    ));
    assert_eq!(read(&written).unwrap(), daily);
    for bad in [
        r#"{"frequency_hours": 24}"#,
        r#"{"frequency_hours": 0, "beyond_microsoft": true}"#,
        r#"{"phase_seconds": 43200}"#,
        r#"{"jitter_seconds": 60}"#,
        r#"{"host": "hlh01"}"#,
        r#"{"jitter_seconds": 30000, "host": "hlh01"}"#,
        r#"{"shift_seconds": 30000}"#,
        r#"{"frequency": 12}"#,
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
    let next = daily.next_run(None, "2026-11-23T02:00:00Z".parse().unwrap());
    assert_eq!(
        serde_json::from_value::<azs_backup::schedule::NextRun>(serde_json::to_value(next).unwrap()).unwrap(),
        next
    );
}

#[test]
fn what_a_gate_says_is_read_back() {
    use azs_backup::schedule::{Decision, Gate, Hold, Operation, OperationKind, OperationState, Schedule};
    let now = "2026-11-23T02:00:00Z".parse().unwrap();
    let gate = Gate::new()
        .source(|| Ok(vec![Operation::new(OperationKind::Other("x".into()), OperationState::Failed)]));
    let decision = gate.scheduled(&Schedule::default(), now).unwrap();
    let json = serde_json::to_value(&decision).unwrap();
    assert_eq!(
        (&json["decision"], &json["holds"][0]["reason"]),
        (&"skipped".into(), &"failed_exclusive_action".into())
    );
    assert_eq!(serde_json::from_value::<Decision>(json.clone()).unwrap(), decision);
    let holds: Vec<Hold> = serde_json::from_value(json["holds"].clone()).unwrap();
    assert_eq!(holds, gate.holds().unwrap());
}
