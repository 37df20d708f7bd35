//! Any bytes as a document of operations, a job and a set to judge: no panic, and what one accepts prints and parses
//! again.
#![no_main]

use azs_backup::schedule::{Candidate, Gate, Job, parse_operations, RetentionPolicy, Schedule};
use jiff::Timestamp;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(operations) = parse_operations(bytes) {
        let printed = serde_json::to_vec(&operations).expect("what was parsed can be printed");
        assert_eq!(parse_operations(&printed).expect("it parses again"), operations);
        let _ = Gate::new().source(move || Ok(operations.clone())).on_demand(Timestamp::UNIX_EPOCH);
    }
    if let Ok(job) = serde_json::from_slice::<Job>(bytes) {
        let printed = serde_json::to_vec(&job).expect("what was parsed can be printed");
        assert_eq!(serde_json::from_slice::<Job>(&printed).expect("it parses again"), job);
        let next = Schedule::default().next_run(job.ended, job.started);
        assert!(next.at >= job.started);
        let _ = job.duration();
    }
    if let Ok(sets) = serde_json::from_slice::<Vec<Candidate>>(bytes) {
        let now = sets.first().and_then(|set| set.created).unwrap_or(Timestamp::UNIX_EPOCH);
        let plan = RetentionPolicy::new().keep_last(1).make_room(1 << 20).plan(sets, now);
        for place in plan.deletions.iter().map(|deletion| &deletion.candidate.place) {
            assert!(plan.kept.iter().any(|kept| kept.candidate.place == *place));
        }
    }
});
