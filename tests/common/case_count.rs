//! How many cases of the shared vectors were walked.

/// Prints the line that all languages print, and holds it against the number that all must reach.
pub(crate) fn assert_case_count(theme: &str, count: usize) {
    let counts: serde_json::Value = serde_json::from_str(include_str!("../vectors/counts.json")).unwrap();
    println!("vectors: {theme} {count}");
    assert_eq!(counts[theme], count, "cases of {theme}, as vectors/counts.json has them");
}
