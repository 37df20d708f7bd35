//! The configuration of a review, policies, schedules and alerts as JSON: no panic, and what it reads it can write
//! again.
#![no_main]

use azs_backup::alert::{Alert, classify_json, Profile};
use azs_backup::review::Configuration;
use azs_backup::schedule::{Decision, Job, RetentionPolicy, Schedule};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(configuration) = Configuration::from_json(bytes) {
        let json = serde_json::to_vec(&configuration).unwrap();
        Configuration::from_json(&json).unwrap();
    }
    round_trip::<RetentionPolicy>(bytes);
    round_trip::<Schedule>(bytes);
    round_trip::<Decision>(bytes);
    round_trip::<Job>(bytes);
    for profile in Profile::ALL {
        let _ = classify_json(bytes, profile);
    }
    if let Ok(alert) = Alert::parse(bytes) {
        let json = serde_json::to_vec(&alert).unwrap();
        assert_eq!(Alert::parse(json).unwrap(), alert);
        let _ = (alert.description(), alert.remediation(), alert.created(), alert.kind());
    }
});

fn round_trip<T: DeserializeOwned + Serialize + PartialEq>(bytes: &[u8]) {
    if let Ok(value) = serde_json::from_slice::<T>(bytes) {
        let json = serde_json::to_vec(&value).unwrap();
        assert!(serde_json::from_slice::<T>(&json).unwrap() == value);
    }
}
