//! A year of nights, updates and failures on a host whose clock is not always right.

use std::collections::BTreeMap;
use std::time::Duration;

use azs_backup::Place;
use azs_backup::layout::{Component, Deployment, SetName};
use azs_backup::schedule::{
    Candidate, Condition, Decision, Frequency, Gate, Health, Job, JobStatus, Operation, OperationKind,
    OperationState, RetentionPeriod, RetentionPolicy, Schedule, Trigger, Warning, warnings,
};
use jiff::Timestamp;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// 2026-01-01T00:00:00Z.
const BEGIN: i64 = 1_767_225_600;
/// How often the service looks at the clock.
const POLL: i64 = 10 * 60;

/// An operation of the deployment: it runs, and where it fails it stays failed until somebody resolves it.
struct Span {
    kind: OperationKind,
    from: i64,
    to: i64,
    resolved: i64,
}

struct World {
    spans: Vec<Span>,
    /// When the host is off or asleep.
    asleep: Vec<(i64, i64)>,
    /// When its clock is wrong, and by how much.
    wrong: Vec<(i64, i64, i64)>,
    random: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self { spans: Vec::new(), asleep: Vec::new(), wrong: Vec::new(), random: seed };
        // An update a month of 8 to 90 hours (release notes 1908 to 2311); each third fails for up to ten days.
        for month in 0..12 {
            let length = world.range(8, 90);
            let failed = if month % 3 == 2 { world.range(12, 240) } else { 0 };
            world.span(OperationKind::Update, month * 30 + 12, length, failed);
        }
        for (at, failed) in [(40, 0), (220, 60)] {
            world.span(OperationKind::SecretRotation, at, 10, failed);
        }
        for at in [75, 190, 300] {
            let length = world.range(3, 30);
            world.span(OperationKind::Fru, at, length, 0);
        }
        world.span(OperationKind::Restore, 250, 5, 0);
        for (from, hours) in [(33, 14), (120, 75), (270, 31), (330, 200)] {
            world.asleep.push((BEGIN + from * DAY + HOUR, BEGIN + from * DAY + HOUR + hours * HOUR));
        }
        for (from, hours, by) in
            [(90, 5, -HOUR), (140, 40, -3 * DAY), (205, 30, 400 * DAY), (310, 20, -50 * 365 * DAY)]
        {
            world.wrong.push((BEGIN + from * DAY, BEGIN + from * DAY + hours * HOUR, by));
        }
        world
    }

    fn span(&mut self, kind: OperationKind, day: i64, hours: i64, failed: i64) {
        let from = BEGIN + day * DAY + self.range(0, 24) * HOUR;
        let to = from + hours * HOUR;
        self.spans.push(Span { kind, from, to, resolved: to + failed * HOUR });
    }

    fn range(&mut self, from: i64, to: i64) -> i64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        from + (self.random >> 1).cast_signed().rem_euclid(to - from)
    }

    fn operations(&self, real: i64) -> Vec<Operation> {
        let known = self.spans.iter().filter(|span| span.from <= real && real < span.resolved);
        known
            .map(|span| {
                let state = if real < span.to { OperationState::Running } else { OperationState::Failed };
                Operation::new(span.kind.clone(), state).started(at(span.from))
            })
            .collect()
    }

    /// What the host's clock shows.
    fn clock(&self, real: i64) -> i64 {
        let wrong = self.wrong.iter().find(|(from, to, _)| (*from..*to).contains(&real));
        real + wrong.map_or(0, |(_, _, by)| *by)
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn a_year_of_nights_updates_and_failures() {
    let mut world = World::new(0x5eed_2026);
    let schedule = Schedule::new(Frequency::default())
        .phase(Duration::from_secs(2 * 3600))
        .and_then(|schedule| schedule.jitter(Duration::from_secs(30 * 60), "hlh01"))
        .unwrap();
    let retention = RetentionPeriod::default();
    let policy = RetentionPolicy::new().keep_within(retention).keep_weekly(4).keep_monthly(12);
    let place = Place::new(Deployment::new("contoso.com", "nyc").unwrap(), Component::Hlh);

    let mut sets: Vec<Candidate> = Vec::new();
    let mut jobs: Vec<Job> = Vec::new();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut last = None;
    let mut last_good = None;
    let mut looked = BEGIN;
    let mut cleaned = 0;
    let mut most_sets = 0;
    let mut longest_gap = (0, BEGIN);
    let mut last_good_real = BEGIN;
    let mut real = BEGIN;
    while real < BEGIN + 365 * DAY {
        if let Some((_, wake)) = world.asleep.iter().find(|(from, to)| (*from..*to).contains(&real)) {
            real = *wake;
        }
        let now = at(world.clock(real));
        let next = schedule.next_run(last, now);
        assert!(next.at >= now && next.at.duration_since(now).as_secs() <= 12 * HOUR);

        let operations = world.operations(real);
        let gate = Gate::new().source(move || Ok(operations.clone()));
        if real - looked >= DAY {
            looked = real;
            let holds = gate.holds().unwrap();
            let health =
                Health::new(last_good).retention(retention).holds(holds.clone(), None).next_run(next);
            for warning in warnings(&health, now) {
                let word = match warning {
                    Warning::ClockSetBack { .. } => "warned: clock set back",
                    Warning::GateClosedTooLong { .. } => "warned: gate closed too long",
                    Warning::MissedRuns { .. } => "warned: missed runs",
                    _ => "warned: no recent backup",
                };
                *counts.entry(word.into()).or_default() += 1;
            }
            if world.range(0, 20) == 0 {
                let blocked = gate.on_demand(now).is_err();
                assert_eq!(blocked, !holds.is_empty());
                *counts
                    .entry(if blocked { "on demand: blocked" } else { "on demand: would run" }.into())
                    .or_default() += 1;
            }
        }
        if !next.is_due(now) {
            real += POLL.min(next.at.as_second() - now.as_second());
            continue;
        }

        let missed = if next.missed > 1000 { "missed by a clock in 1976" } else { "missed runs" };
        *counts.entry(missed.into()).or_default() += next.missed;
        last = Some(now);
        let id = jobs.len().to_string();
        match gate.scheduled(&schedule, now).unwrap() {
            Decision::Skipped(skip) => {
                assert!(!world.operations(real).is_empty(), "skipped for a reason");
                assert!(skip.next_run > now);
                jobs.push(Job::skipped(id, &skip, now));
                real += POLL;
                continue;
            }
            _ => assert!(world.operations(real).is_empty(), "nothing runs beside an update"),
        }
        let job = Job::start(id, Trigger::Scheduled, now);
        let minutes = world.range(15, 44);
        real += minutes * 60;
        let (status, condition) = match world.range(0, 100) {
            0..=2 => (JobStatus::Failed, Some(Condition::Incomplete)),
            3 => (JobStatus::Failed, None),
            4..=6 => (JobStatus::PartialSucceeded, Some(Condition::PartialSucceeded)),
            _ => (JobStatus::Succeeded, Some(Condition::Succeeded)),
        };
        if let Some(condition) = condition {
            let name = SetName::new(now, u32::try_from(jobs.len()).unwrap()).unwrap();
            sets.push(Candidate::new(place.clone(), name, condition));
        }
        let ended = at(world.clock(real));
        let job = job.end(status, ended);
        *counts.entry("jobs longer than 40 minutes".into()).or_default() += u64::from(job.slow);
        if job.is_good() {
            last_good = Some(now);
            longest_gap = longest_gap.max((real - last_good_real, last_good_real));
            last_good_real = real;
        }
        jobs.push(job);

        let good =
            |sets: &[Candidate]| sets.iter().filter(|set| set.condition == Condition::Succeeded).count();
        let before = good(&sets);
        let plan = policy.plan(sets.clone(), ended);
        assert!(
            plan.deletions.iter().all(|d| d.candidate.set.created() <= ended),
            "nothing of the future goes"
        );
        cleaned += plan.deletions.len();
        sets.retain(|set| plan.deletions.iter().all(|deletion| deletion.candidate != *set));
        assert!(good(&sets) > 0 || before == 0, "the last good set stays");
        most_sets = most_sets.max(sets.len());
    }

    for job in &jobs {
        *counts.entry(format!("jobs {}", job.status)).or_default() += 1;
    }
    let monthly = policy.plan(sets.clone(), at(real));
    println!("a year of backups every 12 h, about 02:00 and 14:00 UTC, kept 7 days, 4 weeks, 12 months");
    for (word, count) in &counts {
        println!("  {word:<30} {count:>5}");
    }
    println!("  {:<30} {cleaned:>5}", "sets deleted");
    println!("  {:<30} {most_sets:>5}", "most sets at a time");
    println!("  {:<30} {:>5}", "sets at the end", sets.len());
    println!("  longest without a good backup: {} h, from {}", longest_gap.0 / HOUR, at(longest_gap.1));
    for kept in &monthly.kept {
        let why: Vec<_> = kept.reasons.iter().map(ToString::to_string).collect();
        println!("  {} {}", kept.candidate.set, why.join(", "));
    }

    let count = |word: &str| counts.get(word).copied().unwrap_or_default();
    assert!((400..=732).contains(&(count("jobs Succeeded"))), "two a day but for updates and sleep");
    assert!(count("jobs Skipped") > 40 && count("missed runs") > 10);
    assert!(count("warned: gate closed too long") > 0 && count("warned: no recent backup") > 0);
    assert!(most_sets < 60, "retention keeps up");
}
